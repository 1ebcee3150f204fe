"""Whether this VM has a GPU that Flower can use (reference 4.2, step 9)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_DRIVER = Path("/proc/driver/nvidia/version")
_SECONDS = 20


def detect() -> str | None:
    """The GPU's name when the driver is loaded and nvidia-smi works; None otherwise."""
    program = shutil.which("nvidia-smi")
    if not (program and _DRIVER.exists()):
        return None
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    names = done.stdout.strip().splitlines()
    return names[0] if done.returncode == 0 and names else None
