"""What an image says about itself in image.toml."""

import re
from pathlib import Path
from threading import Timer

import pytest

from fedstack.appliance import files, runtime
from fedstack.appliance.failure import StepError
from fedstack.appliance.limits import Limits
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


def test_limits_are_the_references_unless_the_image_says_otherwise(tmp_path: Path) -> None:
    assert found(tmp_path, "").limits == Limits(60, 120, 60, 300, 10)
    assert found(tmp_path, "limits.health = 300").limits == Limits(health=300)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            "limits.boot = 1",
            "limits.boot is unknown, expected one of runtime, health, supervisor, connection, discovery",
        ),
        ("limits.health = 0", "limits.health is 0, expected a number of seconds above 0"),
        ('limits.health = "1"', "limits.health is '1', expected a number of seconds above 0"),
        ("limits.health = true", "limits.health is True, expected a number of seconds above 0"),
    ],
)
def test_odd_limits_are_named(tmp_path: Path, words: str, problem: str) -> None:
    with pytest.raises(StepError, match=re.escape(problem)):
        found(tmp_path, words)


def test_a_missing_word_is_named(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    files.write(paths.environment / "image.toml", '[flower]\nversion = "1.36.0"\n', 0o644)
    with pytest.raises(StepError, match=r"image\.toml has no generation"):
        runtime.find(paths)


def test_the_runtime_is_waited_for(tmp_path: Path) -> None:
    image = found(tmp_path, "limits.runtime = 5")
    late = Timer(0.2, files.write, (Path(image.python), "#!/bin/sh\n", 0o755))
    late.start()
    image.check()
    late.join()
    Path(image.python).chmod(0o644)
    with pytest.raises(StepError, match="cannot be run"):
        found(tmp_path, "limits.runtime = 0.01").check()


def test_no_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="is no Flower environment"):
        runtime.find(Paths(tmp_path))
