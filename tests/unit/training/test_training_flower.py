"""The process in the image's environment, where the environment is wrong; a real one is in the integration tests."""

import sys
from pathlib import Path

import pytest

from fedstack.training.errors import TrainingError
from fedstack.training.flower import Flower


def test_a_folder_that_is_no_environment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no bin/python in it; expected the virtual environment") as caught:
        Flower(tmp_path, tmp_path)
    assert caught.value.exit_code == 2


def test_an_environment_without_flower_is_named(tmp_path: Path) -> None:
    with Flower(Path(sys.prefix), tmp_path) as flower, pytest.raises(TrainingError, match="no flwr command is install"):
        flower.run("list")
