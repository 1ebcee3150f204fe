"""An app's folder: what is read from it, and what is said of a folder that is no app."""

from pathlib import Path

import pytest

from fedstack.training.app import read_app
from fedstack.training.errors import TrainingError

PROJECT = '[project]\nname = "p"\nversion = "1"\n'
FLOWER = '[tool.flwr.app]\npublisher = "me"\n'


def test_the_example_app_is_read() -> None:
    app = read_app(Path("examples/digits"))
    assert (app.name, app.folder.is_absolute()) == ("digits", True)
    assert app.defaults["num-server-rounds"] == 3
    assert app.defaults["trim-beta"] == 0.2


def test_nested_keys_are_joined_by_dots(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT + FLOWER + "[tool.flwr.app.config]\na.b.c = 1\nd = true\n")
    assert read_app(tmp_path).defaults == {"a.b.c": 1, "d": True}


def test_an_app_without_run_config_has_no_keys(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT + FLOWER)
    assert read_app(tmp_path).defaults == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no pyproject.toml in it; expected the folder of a Flower app"),
        ("[project", "not valid TOML"),
        (FLOWER, r"no table \[project\]"),
        (PROJECT, r"no table \[tool\]"),
        (PROJECT + "[tool.flwr]\n", r"no table \[tool.flwr.app\]"),
        ('[project]\nname = "p"\n' + FLOWER, "project.version = None: expected a text"),
        (PROJECT + FLOWER + "config = 3\n", r"no table \[tool.flwr.app.config\]"),
        (PROJECT + FLOWER + "config.a.b = [1]\n", r"tool.flwr.app.config.a.b = \[1\]: expected a boolean, a number"),
    ],
)
def test_a_folder_that_is_no_app_gives_one_message(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(TrainingError, match=message) as caught:
        read_app(tmp_path)
    assert caught.value.exit_code == 2
    assert str(tmp_path) in str(caught.value)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"nowhere: no such folder"):
        read_app(tmp_path / "nowhere")


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(TrainingError, match="cannot be read"):
        read_app(tmp_path)
