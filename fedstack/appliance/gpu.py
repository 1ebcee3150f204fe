"""Whether this VM has a GPU that Flower can use (reference 4.2, step 9), and what apps are told about it."""

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


def environment(framework: str, devices: str, fraction: str) -> dict[str, str]:
    """Environment variables of a node that uses its GPU (reference 2.8, rule 10i).

    All devices are visible by CUDA's own default: it knows no word "all" and would show none. The memory fraction is
    for the app to set; TensorFlow has no such limit and takes memory as it needs it instead.
    """
    seen = {} if devices == "all" else {"CUDA_VISIBLE_DEVICES": devices}
    match framework:
        case "pytorch" if fraction:
            return seen | {"FL_GPU_MEMORY_FRACTION": fraction}
        case "tensorflow":
            return seen | {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    return seen
