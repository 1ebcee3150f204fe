"""The state directory: lock, credentials, and the file that says where the cloud answers."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from fedstack.localcloud.core import secrets
from fedstack.localcloud.errors import CloudError
from fedstack.processes import is_alive

STATUS_FILE = "cloud.json"
AUTH_FILE = "one_auth"
LOG_FILE = "cloud.log"
DATABASE = "cloud.db"


def create(state_dir: Path) -> None:
    """Makes the directory, for its owner only; raises CloudError."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        state_dir.chmod(0o700)
    except OSError as error:
        raise CloudError(f"state directory {state_dir}: {error.strerror}") from error


def lock(state_dir: Path) -> int:
    """Holds the directory for this process as long as the descriptor is open; raises CloudError when it is held."""
    descriptor = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise CloudError(f"a local cloud is already running in {state_dir}") from error
    return descriptor


def password(state_dir: Path) -> str:
    """That of oneadmin: from one_auth, made at the first start. Raises CloudError for a file that is not ours."""
    path = state_dir / AUTH_FILE
    if path.exists():
        name, colon, secret = path.read_text().strip().partition(":")
        if name != "oneadmin" or not colon or not secret:
            raise CloudError(f"{path}: expected oneadmin:<password>")
        return secret
    secret = secrets.random_secret()
    write_private(path, f"oneadmin:{secret}\n")
    return secret


def write_private(path: Path, text: str) -> None:
    """Writes a file for its owner only, whole or not at all."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_status(state_dir: Path) -> dict[str, Any] | None:
    """What a cloud that runs now wrote there; None when none does."""
    try:
        found: dict[str, Any] = json.loads((state_dir / STATUS_FILE).read_text())
        running = is_alive(int(found["pid"]), int(found["started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if running else None
