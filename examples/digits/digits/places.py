"""Where this ServerApp runs: its SuperLink says so by the environment, else paths are taken as they are."""

import os
from pathlib import Path


def path(value: str) -> Path:
    """Return the place of a path that the run config gives as a container sees it, such as ``/app/checkpoints``."""
    root = os.environ.get("FEDSTACK_APP_ROOT")
    inside = Path("/app", value)
    below = inside.relative_to("/app" if inside.is_relative_to("/app") else "/")
    return Path(root) / below if root else Path(value)


def address() -> str:
    """Return the IP address on which this app may be asked for its metrics."""
    return os.environ.get("FEDSTACK_APP_ADDRESS", "127.0.0.1")
