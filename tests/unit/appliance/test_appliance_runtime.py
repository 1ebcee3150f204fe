"""What an image says about itself in image.toml."""

from pathlib import Path

import pytest

from fedstack.appliance import files, runtime
from fedstack.appliance.failure import StepError
from fedstack.appliance.paths import Paths

IMAGE = '{}\n[flower]\nversion = "1.36.0"\ngeneration = "1.36"\n[framework]\nname = "sklearn"\n'


def found(directory: Path, mark: str) -> runtime.Runtime:
    paths = Paths(directory)
    files.write(paths.environment / "image.toml", IMAGE.format(mark), 0o644)
    return runtime.find(paths)


@pytest.mark.parametrize(("mark", "edge"), [("", False), ("edge = false", False), ("edge = true", True)])
def test_an_image_is_marked_as_edge_or_is_not(tmp_path: Path, mark: str, edge: bool) -> None:
    assert found(tmp_path, mark).edge is edge


def test_an_odd_mark_is_named(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"image\.toml: edge is 'yes', expected true or false"):
        found(tmp_path, 'edge = "yes"')


def test_no_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="is no Flower environment"):
        runtime.find(Paths(tmp_path))
