"""The plugin as a process with an engine of its own, and its wire."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2_grpc

ROOT = Path(__file__).resolve().parents[3]


class Messages(engine_pb2_grpc.EngineServicer):
    """The part of an engine that a provider talks to."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self.seen.append(request.message)
        return empty_pb2.Empty()


@dataclass
class Plugin:
    """`stub` is the provider's wire, `messages` what it told its engine, `engine` the server whose end is its end."""

    process: subprocess.Popen[str]
    stub: Any
    engine: grpc.Server
    messages: list[str]


@contextmanager
def running_plugin(**settings: str) -> Iterator[Plugin]:
    """A provider process; `settings` are its environment."""
    engine = grpc.server(ThreadPoolExecutor(2))
    messages = Messages()
    engine_pb2_grpc.add_EngineServicer_to_server(messages, engine)
    port = engine.add_insecure_port("127.0.0.1:0")
    engine.start()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "provider"), f"127.0.0.1:{port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
            yield Plugin(process, provider_pb2_grpc.ResourceProviderStub(channel), engine, messages.seen)
    finally:
        process.kill()
        process.communicate()
        engine.stop(None)


def struct(**values: Any) -> struct_pb2.Struct:
    """Properties for the wire."""
    made = struct_pb2.Struct()
    made.update(values)
    return made


def message(call: Any, request: Any) -> str:
    """What the user reads when this request fails."""
    with pytest.raises(grpc.RpcError) as caught:
        call(request)
    return str(caught.value.details())
