"""The control socket of a cloud: a file in its state directory that only its owner can open.

One request a connection: a line of JSON with `do` and its parameters. The reply is lines of JSON: `{"ok": ...}` once,
or one for each item of a stream; `{"error": text, "input": whether the request itself is wrong}` ends it.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fedstack.localcloud.errors import CloudError, OptionsError

SOCKET = "control.sock"
TIMEOUT = 30.0
MAX_REQUEST = 1 << 16
"""Bytes of a request."""


@contextmanager
def _short_path(state_dir: Path) -> Iterator[str]:
    """The socket's path by way of an open directory, since the name of a socket may have 107 characters only."""
    descriptor = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)


def listen(state_dir: Path) -> socket.socket:
    """The socket of a cloud that starts; to be called with the state directory locked."""
    (state_dir / SOCKET).unlink(missing_ok=True)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with _short_path(state_dir) as path:
            opened.bind(path)
    finally:
        os.umask(before)
    opened.listen(64)
    return opened


def _connect(state_dir: Path) -> socket.socket:
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    opened.settimeout(TIMEOUT)
    try:
        with _short_path(state_dir) as path:
            opened.connect(path)
    except PermissionError:
        opened.close()
        raise CloudError(f"{state_dir}: the local cloud there belongs to another user") from None
    except OSError:
        opened.close()
        raise CloudError(f"no local cloud runs in {state_dir}; start it with `fedstack cloud start`") from None
    return opened


def ask(state_dir: Path, do: str, **parameters: Any) -> Any:
    """One question, one answer. Raises CloudError with the cloud's own words, or when none runs."""
    for answer in _exchange(state_dir, do, parameters, TIMEOUT):
        return answer
    raise CloudError(f"the local cloud in {state_dir} ended before it answered")


def stream(state_dir: Path, do: str, **parameters: Any) -> Iterator[Any]:
    """The items of a stream as they come; it ends when the cloud does. Raises CloudError."""
    return _exchange(state_dir, do, parameters, None)


def _exchange(state_dir: Path, do: str, parameters: dict[str, Any], timeout: float | None) -> Iterator[Any]:
    with _connect(state_dir) as connection:
        connection.settimeout(timeout)
        try:
            connection.sendall(json.dumps({"do": do, **parameters}).encode() + b"\n")
            with connection.makefile("rb") as replies:
                for line in replies:
                    yield _value(json.loads(line))
        except TimeoutError:
            raise CloudError(f"the local cloud in {state_dir} did not answer within {TIMEOUT:.0f} s") from None
        except (ConnectionError, json.JSONDecodeError):
            raise CloudError(f"the local cloud in {state_dir} ended before it answered") from None


def _value(reply: dict[str, Any]) -> Any:
    if "error" in reply:
        raise (OptionsError if reply.get("input") else CloudError)(str(reply["error"]))
    return reply["ok"]
