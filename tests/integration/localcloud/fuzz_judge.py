"""What a server may answer to anything at all: the platform's error forms, and nothing that tells of its inside."""

from __future__ import annotations

import json
import re
import socket
import time
import xmlrpc.client
from contextlib import suppress
from dataclasses import dataclass

from fedstack.opennebula.errors import ErrorCode

FAULTS = {-501, -502, -503, -506}
TOO_MUCH = {400, 408, 413}
"""Statuses of the HTTP server itself: no HTTP, too slow, too large."""

FLOW_STATUSES = {200, 201, 204, 401, 403, 404, 405, 500} | TOO_MUCH
GATE_STATUSES = {200, 204, 401, 403, 404, 500} | TOO_MUCH
TRIPPED = {"the body must be a JSON object", "params must be an object", "roles must be an array, not null"}
"""Bodies over which OneFlow's own code trips: 500 with JSON (reference 4)."""

REFUSED = re.compile(
    "in state|in DONE state|not found|does not exist|have to specify|must be|not supported|Immutable value|use rename"
    "|already|cardinality|Number of VMs|Invalid NAME|Wrong document type|No role|is locked|not allowed|permissions"
    "|Network |mandatory|hold|BODY|unreadable|octal|Cannot|Error|expected|in use|is used|unknown|longer than",
    re.IGNORECASE,
)
"""Reasons with which OneFlow answers 500 (reference 4: everything that it decides itself)."""

INSIDE = re.compile(
    r"Traceback|File \"|sqlalchemy|sqlite3|\.py\b|Internal error, see|KeyError|TypeError|AttributeError"
)


@dataclass(frozen=True)
class Reply:
    """What came back, and in how many seconds. Status 0: the server closed the connection without an answer."""

    status: int
    body: bytes
    seconds: float


def send(address: tuple[str, int], data: bytes, timeout: float = 20.0) -> Reply:
    """One request on a connection of its own."""
    begin = time.perf_counter()
    with socket.create_connection(address, timeout=timeout) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered already and listen no longer
            connection.sendall(data)
        answer = _read(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return Reply(int(words[1]) if len(words) > 1 else 0, body, time.perf_counter() - begin)


def _read(connection: socket.socket) -> bytes:
    parts = []
    with suppress(ConnectionResetError):
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def verdict(server: str, reply: Reply) -> str | None:
    """What is wrong with a reply; None when the platform could have given it."""
    if INSIDE.search(reply.body.decode("utf-8", "replace")):
        return "tells of the server's inside"
    if reply.status == 0:
        return "no answer"
    return {"rpc": _rpc, "flow": _flow, "gate": _gate}[server](reply)


def _rpc(reply: Reply) -> str | None:
    if reply.status in TOO_MUCH:
        return None
    if reply.status != 200:
        return f"status {reply.status}"
    try:
        members = xmlrpc.client.loads(reply.body)[0][0]
    except xmlrpc.client.Fault as fault:
        return None if fault.faultCode in FAULTS else f"fault {fault.faultCode}"
    if not isinstance(members, list):
        return f"no array but {members!r}"
    if members[0] is True:
        return None if len(members) == 3 and members[2] == 0 else f"not a success: {members!r}"
    known = len(members) == 5 and members[2] in set(ErrorCode)
    return (
        None if known and isinstance(members[1], str) and members[1].startswith("[") else f"not an error: {members!r}"
    )


def _flow(reply: Reply) -> str | None:
    if reply.status not in FLOW_STATUSES:
        return f"status {reply.status}"
    if reply.status != 500:
        return None
    text = reply.body.decode()
    if text.startswith("{"):
        return None if json.loads(text)["reason"] in TRIPPED else "a 500 that the platform does not give"
    return None if REFUSED.search(text) else "a 500 for an unknown reason"


def _gate(reply: Reply) -> str | None:
    if reply.status not in GATE_STATUSES:
        return f"status {reply.status}"
    return None if reply.status != 500 or reply.body == b"Internal server error" else "a 500 that says too much"
