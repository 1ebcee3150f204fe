"""Building images: cached by content, safe for two builders at once, plain errors. No package is fetched."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fedstack.localcloud import images
from fedstack.localcloud.hypervisors import ImageError

TOML = 'name = "empty"\nmount = "opt/flower/env"\n'
MISSING = "--no-index\nno-such-package==1.0 --hash=sha256:" + "0" * 64 + "\n"


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    directory = tmp_path / "recipe"
    directory.mkdir()
    (directory / "image.toml").write_text(TOML)
    (directory / "requirements.txt").write_text("--no-index\n")
    return directory


def test_an_image_is_built_once_for_its_content(recipe: Path) -> None:
    said: list[str] = []
    built = images.ensure(recipe, said.append)
    assert (built / "bin" / "python").exists()
    assert images.read(built).mount.as_posix() == "opt/flower/env"
    assert said
    said.clear()
    assert images.ensure(recipe, said.append) == built
    assert said == []
    (recipe / "requirements.txt").write_text("--no-index\n# changed\n")
    assert images.ensure(recipe, said.append) != built


def test_what_an_interrupted_build_left_is_built_again(recipe: Path) -> None:
    built = images.ensure(recipe, lambda _: None)
    (built / ".complete").unlink()
    (built / "bin" / "python").unlink()
    assert images.ensure(recipe, lambda _: None) == built
    assert (built / "bin" / "python").exists()


def test_two_builders_at_once_build_it_once(recipe: Path) -> None:
    command = [sys.executable, "-m", "fedstack.localcloud.images", "ensure", str(recipe)]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert len({out for out, _ in answers}) == 1
    assert sum("is complete" in err for _, err in answers) == 1


def test_a_build_that_fails_says_why_with_the_builders_last_lines(recipe: Path) -> None:
    (recipe / "requirements.txt").write_text(MISSING)
    with pytest.raises(ImageError, match="failed with exit code") as caught:
        images.ensure(recipe, lambda _: None)
    assert "no-such-package" in str(caught.value)
    with pytest.raises(ImageError):
        images.ensure(recipe, lambda _: None)


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('name = "x"\nmount = "/opt"\n', "mount is '/opt', expected a path below the root"),
        ('name = "x"\nmount = "../up"\n', "mount is '../up'"),
        ('mount = "opt"\n', "name is None, expected a text"),
        ("name = \n", "image.toml"),
    ],
)
def test_a_bad_recipe_is_named_with_place_and_value(recipe: Path, toml: str, problem: str) -> None:
    (recipe / "image.toml").write_text(toml)
    with pytest.raises(ImageError) as caught:
        images.ensure(recipe, lambda _: None)
    assert str(recipe / "image.toml") in str(caught.value)
    assert problem in str(caught.value)


def test_a_directory_without_recipe_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"image\.toml: cannot be read"):
        images.ensure(tmp_path, lambda _: None)
    (tmp_path / "image.toml").write_text(TOML)
    with pytest.raises(ImageError, match=r"requirements\.txt: no such file"):
        images.ensure(tmp_path, lambda _: None)


@pytest.mark.parametrize("arguments", [[], ["ensure"], ["build", "x"]])
def test_the_command_says_how_it_is_called(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert images.main(arguments) == 2
    assert "ensure RECIPE-DIRECTORY" in capsys.readouterr().err
