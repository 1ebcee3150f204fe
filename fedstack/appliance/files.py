"""Files written whole or not at all, with the mode that they must have from the first moment."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write(path: Path, content: str | bytes, mode: int) -> None:
    """Replaces a file atomically; nobody ever sees half of it or more rights than `mode`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        os.fchmod(descriptor, mode)
        file.flush()
        os.fsync(descriptor)
    new.replace(path)


def make_directory(path: Path, mode: int) -> None:
    """A directory with that mode, its parents with the usual one."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
