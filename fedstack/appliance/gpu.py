"""Whether this VM has a GPU that Flower can use (reference 4.2, step 9), and what apps are told about it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

EXPORTER_PORT = 9400
_SECONDS = 20


@dataclass(frozen=True)
class Gpu:
    """A GPU as its driver describes it (reference 13.1, gpu_detected)."""

    name: str
    memory_mb: int
    driver: str

    def __str__(self) -> str:
        return f"{self.name}, {self.memory_mb} MB, driver {self.driver}"


def detect() -> Gpu | None:
    """The first GPU when nvidia-smi works, which it does only with its kernel module loaded; None otherwise."""
    program = shutil.which("nvidia-smi")
    if not program:
        return None
    command = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
        name, memory, driver = done.stdout.splitlines()[0].split(", ")
        return Gpu(name, int(memory), driver)
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return None


def exporter(address: str) -> list[str] | None:
    """The command line of NVIDIA's metrics exporter (reference 13.3); None when it is not installed."""
    program = shutil.which("dcgm-exporter")
    return [program, "-a", f"{address}:{EXPORTER_PORT}"] if program else None


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
