"""Sockets: the three ports, and the claim on a block of loopback addresses."""

from __future__ import annotations

import errno
import hashlib
import socket
from pathlib import Path

from fedstack.localcloud.errors import CloudError

_CLAIM_PORT = 26330
_BLOCKS = range(16, 240)


def listen(host: str, port: int, option: str, kept: int | None = None) -> socket.socket:
    """A listening socket; port 0: the kept one (of the last start) if it is free, else any. Raises CloudError."""
    wanted = [port] if port else [*([kept] if kept else []), 0]
    for number in wanted:
        opened = _open(host, number)
        if opened is not None:
            return opened
    raise CloudError(f"port {port} on {host} is taken; choose another one with {option} (0 = any free one)")


def _open(host: str, port: int) -> socket.socket | None:
    # The protocol is named because asyncio turns off Nagle's delay (40 ms a reply) only on sockets that name it.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen(1024)
    except OSError as error:
        opened.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            return None
        raise CloudError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return opened


def claim_block(state_dir: Path, kept: int | None) -> tuple[int, socket.socket]:
    """A block 127.<b>.0.0/16 that no other cloud on this machine has; b and the socket that claims it.

    The first start takes one by a hash of the state directory, or the next free one; later starts insist on theirs.
    Raises CloudError.
    """
    digest = hashlib.sha256(str(state_dir).encode()).digest()
    first = int.from_bytes(digest[:4], "big") % len(_BLOCKS)
    candidates = [kept] if kept is not None else [*_BLOCKS[first:], *_BLOCKS[:first]]
    for block in candidates:
        claimed = _open(f"127.{block}.0.1", _CLAIM_PORT)
        if claimed is not None:
            return block, claimed
    place = f"127.{kept}.0.0/16" if kept is not None else "127.16.0.0 to 127.239.0.0"
    raise CloudError(f"the address block {place} is in use by another local cloud; stop that one first")
