"""The provider's start against that of a bare provider of the same SDK: from process start to the first gRPC reply."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2_grpc

from benchmarks.outcome import Outcome
from benchmarks.stacks import NO_BYTE_CODE
from tests.support.workspace import ROOT

GOAL = 1.1
ROUNDS = 15
BARE = """\
import sys

from pulumi.provider.experimental.provider import Provider
from pulumi.provider.experimental.server import main

main(sys.argv[1:], "0.0.1", Provider())
"""


@contextmanager
def engine() -> Iterator[str]:
    """The address of something that listens as an engine does; nothing is asked of it during a start."""
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None)


def start_seconds(program: Path, address: str) -> float:
    """Starts a provider and asks for its version; seconds until the reply."""
    inherited = {key: value for key, value in os.environ.items() if key != NO_BYTE_CODE}
    environment = {**inherited, "PYTHONPATH": str(ROOT)}
    begin = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, str(program), address], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                provider_pb2_grpc.ResourceProviderStub(channel).GetPluginInfo(empty_pb2.Empty())
            return time.perf_counter() - begin
        finally:
            process.kill()


def measure() -> list[Outcome]:
    """The shortest of many starts that take turns: what other work on the machine adds is no part of a start."""
    with TemporaryDirectory(prefix="fedstack-bench-") as folder, engine() as address:
        bare, ours = Path(folder) / "bare.py", ROOT / "provider"
        bare.write_text(BARE)
        for program in (bare, ours):
            start_seconds(program, address)  # fills the file cache and writes byte code
        pairs = [(start_seconds(bare, address), start_seconds(ours, address)) for _ in range(ROUNDS)]
    plain, own = (min(times) for times in zip(*pairs, strict=True))
    return [Outcome("provider", own / plain, "ratio", GOAL, figures={"bare_ms": plain * 1e3, "provider_ms": own * 1e3})]
