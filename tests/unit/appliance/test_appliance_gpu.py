"""Whether a GPU is there, as nvidia-smi says, and what Flower and the exporter are told."""

from pathlib import Path

import pytest

from fedstack.appliance import gpu
from fedstack.appliance.gpu import Gpu


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one directory on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_the_first_gpu_is_described(programs: Path) -> None:
    program(programs / "nvidia-smi", 'echo "NVIDIA H200, 143771, 570.86.15"; echo "NVIDIA H200, 143771, 570.86.15"')
    assert gpu.detect() == Gpu("NVIDIA H200", 143771, "570.86.15")
    assert str(gpu.detect()) == "NVIDIA H200, 143771 MB, driver 570.86.15"


@pytest.mark.parametrize("script", ["echo no driver >&2; exit 9", "exit 0", "echo No devices were found"])
def test_a_driver_that_does_not_work_is_no_gpu(programs: Path, script: str) -> None:
    program(programs / "nvidia-smi", script)
    assert gpu.detect() is None


def test_without_its_tool_there_is_no_gpu_and_without_the_exporter_no_command(programs: Path) -> None:
    assert gpu.detect() is None
    assert gpu.exporter("10.0.0.1") is None
    program(programs / "dcgm-exporter", "")
    assert gpu.exporter("10.0.0.1") == [str(programs / "dcgm-exporter"), "-a", "10.0.0.1:9400"]


@pytest.mark.parametrize(
    ("framework", "expected"),
    [
        ("pytorch", {"CUDA_VISIBLE_DEVICES": "0,1", "FL_GPU_MEMORY_FRACTION": "0.5"}),
        ("tensorflow", {"CUDA_VISIBLE_DEVICES": "0,1", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}),
        ("sklearn", {"CUDA_VISIBLE_DEVICES": "0,1"}),
    ],
)
def test_memory_is_a_matter_of_the_framework(framework: str, expected: dict[str, str]) -> None:
    assert gpu.environment(framework, "0,1", "0.5") == expected


def test_all_devices_and_no_limit_are_the_defaults_of_cuda_and_pytorch() -> None:
    assert gpu.environment("pytorch", "all", "") == {}
