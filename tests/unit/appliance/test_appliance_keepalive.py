"""Keepalive in a process that the launcher really started: what gRPC got, what it does, and what is said without."""

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fedstack.appliance.bootlog import BootLog
from fedstack.appliance.generations.keepalive import Keepalive
from fedstack.appliance.grpc_notes import GrpcNotes
from fedstack.appliance.inside import keepalive, launcher
from fedstack.appliance.launch import Launch

PROGRAM = """
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc


def serve():
    server = grpc.server(ThreadPoolExecutor(1), None, None, [("grpc.keepalive_time_ms", 210000), ("own", 1)], 5)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)


def dial():
    channel = grpc.insecure_channel(sys.argv[1], options=[("grpc.max_send_message_length", 9)])
    grpc.channel_ready_future(channel).result(20)
    threading.Event().wait(60)


def plain():
    import logging
    logging.getLogger("flwr").warning("no connection at all")
"""
ODD_GRPC = "def insecure_channel(target): ...\ndef secure_channel(target): ...\n"
SETTINGS, PING = 4, 6


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A distribution with a server, a client, and a program that makes no connection."""
    (tmp_path / "flowerlike.py").write_text(PROGRAM)
    info = tmp_path / "flowerlike-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: flowerlike\nVersion: 1\n")
    scripts = "".join(f"{name} = flowerlike:{name}\n" for name in ("serve", "dial", "plain"))
    (info / "entry_points.txt").write_text(f"[console_scripts]\n{scripts}")
    return tmp_path


@contextmanager
def launched(programs: Path, options: dict[str, dict[str, int]], *command: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of a program under the launcher, while it runs."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, launcher.__file__, *command],
        env={
            **os.environ,
            "PYTHONPATH": str(programs),
            launcher.EVENTS_FD: str(writer),
            keepalive.VARIABLE: json.dumps(options),
        },
        pass_fds=[writer],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    os.close(writer)
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.flush()
    with os.fdopen(reader) as lines:
        yield map(json.loads, lines)
    process.kill()
    process.stdin.close()
    process.wait(10)


def test_a_server_gets_our_options_and_keeps_its_own(programs: Path) -> None:
    with launched(programs, {"client": {}, "server": Keepalive(45, 7).server()}, "serve") as events:
        assert next(events) == {
            "event": "grpc",
            "side": "server",
            "options": {**Keepalive(45, 7).server(), "own": 1},
        }


def frames(connection: socket.socket, until: float) -> Iterator[int]:
    """Types of the HTTP/2 frames that a client sends, until a moment of the monotonic clock or its end."""
    data = b""
    while (left := until - time.monotonic()) > 0 and select.select([connection], [], [], left)[0]:
        read = connection.recv(65536)
        if not read:
            return
        data += read
        data = data.removeprefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3]):
            yield data[3]
            data = data[9 + int.from_bytes(data[:3]) :]


def test_a_client_pings_a_silent_server_and_gives_the_connection_up(programs: Path) -> None:
    options = {"client": Keepalive(1, 1).client(), "server": {}}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with launched(programs, options, "dial", address) as events:
            made = next(events)
            connection, _ = listener.accept()
            with connection:
                connection.sendall(bytes(3) + bytes([SETTINGS]) + bytes(5))
                began = time.monotonic()
                seen = list(frames(connection, began + 20))
                took = time.monotonic() - began
    assert (made["side"], made["options"]["grpc.keepalive_time_ms"]) == ("client", 1000)
    assert made["options"]["grpc.max_send_message_length"] == 9
    assert PING in seen
    assert 1.5 < took < 10  # without the options it would stay for good


def test_a_grpc_without_options_is_one_warning_and_no_end(programs: Path) -> None:
    (programs / "grpc.py").write_text(ODD_GRPC)
    with launched(programs, {"client": Keepalive(60, 20).client(), "server": {}}, "plain") as events:
        warning, end = events
    assert warning["event"] == "warning"
    assert "grpc.insecure_channel takes no options" in warning["message"]
    assert end == {"event": "failed", "reason": "plain ended by itself"}


def test_nothing_wanted_is_nothing_touched(programs: Path) -> None:
    (programs / "grpc.py").write_text(ODD_GRPC)
    with launched(programs, {"client": {}, "server": {}}, "plain") as events:
        assert [event["event"] for event in events] == ["failed"]


def test_the_boot_log_says_each_thing_once(tmp_path: Path) -> None:
    launch = Launch("supernode", "x", [], {}, "1.36", "a:1", client_options={"grpc.keepalive_time_ms": 60000})
    log = BootLog(tmp_path / "log")
    notes = GrpcNotes(launch, log)
    notes.check()
    notes.check()
    notes.warn("again")
    for _ in range(2):
        notes.made("client", {"grpc.keepalive_time_ms": 60000, "other": 1})
    notes.check()
    said = [line.partition("supervisor: ")[2] for line in log.path.read_text().splitlines()]
    assert said == [
        "this Flower made its client connection without the gRPC keepalive options",
        "gRPC client options: grpc.keepalive_time_ms=60000",
    ]
