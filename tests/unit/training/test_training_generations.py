"""What each Flower generation's client is given: a named connection, or a federation in a copy of the app."""

import tomllib
from pathlib import Path

import pytest

from fedstack.appliance.generations import GENERATIONS as LAUNCHED
from fedstack.training.app import App, read_app
from fedstack.training.connection import Connection
from fedstack.training.errors import TrainingError
from fedstack.training.generations import GENERATIONS, Target, prepare

CONNECTION = Connection("127.0.0.1:9093", "the CA")
PROJECT = '[project]\nname = "mine"\nversion = "1"\n[tool.flwr.app]\npublisher = "me"\n'


def image(folder: Path, generation: str) -> Path:
    """The environment of an image of a generation."""
    folder.mkdir(exist_ok=True)
    (folder / "image.toml").write_text(f'[flower]\nversion = "{generation}.0"\ngeneration = "{generation}"\n')
    return folder


def app(folder: Path, project: str = PROJECT) -> App:
    """An app with code in a package, and with folders that are no part of it."""
    for name in ("code", ".git", ".venv"):
        (folder / name).mkdir(parents=True)
        (folder / name / "module.py").write_text("VALUE = 1\n")
    (folder / "pyproject.toml").write_text(project)
    return read_app(folder)


def prepared(tmp_path: Path, generation: str, project: str = PROJECT, connection: Connection = CONNECTION) -> Target:
    home = tmp_path / "home"
    home.mkdir()
    return prepare(image(tmp_path / "image", generation), home, app(tmp_path / "app", project), connection)


def test_what_can_be_launched_can_be_trained_on() -> None:
    assert set(GENERATIONS) == set(LAUNCHED)


@pytest.mark.parametrize("generation", ["1.31", "1.36"])
def test_a_named_connection(tmp_path: Path, generation: str) -> None:
    assert prepared(tmp_path, generation) == Target(tmp_path / "app", ("fedstack",))
    settings = tomllib.loads((tmp_path / "home/config.toml").read_text())["superlink"]["fedstack"]
    assert settings["address"] == "127.0.0.1:9093"


@pytest.mark.parametrize("project", [PROJECT, PROJECT + '[tool.flwr.federations]\ndefault = "lab"\n'])
def test_a_federation_in_a_copy_of_the_app(tmp_path: Path, project: str) -> None:
    target = prepared(tmp_path, "1.25", project)
    assert target.superlink == (str(target.app), "fedstack")
    declared = tomllib.loads((target.app / "pyproject.toml").read_text())
    certificate = Path(declared["tool"]["flwr"]["federations"]["fedstack"]["root-certificates"])
    assert certificate.read_text() == "the CA"
    assert declared["tool"]["flwr"]["app"] == {"publisher": "me"}
    assert (target.app / "code/module.py").resolve() == tmp_path / "app/code/module.py"
    assert {path.name for path in target.app.iterdir()} == {"code", "pyproject.toml"}


def test_the_users_app_stays_as_it_is(tmp_path: Path) -> None:
    (prepared(tmp_path, "1.25").app / ".flwr").mkdir()
    assert (tmp_path / "app/pyproject.toml").read_text() == PROJECT
    assert not (tmp_path / "app/.flwr").exists()


def test_without_tls_a_federation_is_insecure(tmp_path: Path) -> None:
    target = prepared(tmp_path, "1.25", connection=Connection("127.0.0.1:9093", None))
    declared = tomllib.loads((target.app / "pyproject.toml").read_text())["tool"]["flwr"]["federations"]
    assert declared == {"fedstack": {"address": "127.0.0.1:9093", "insecure": True}}


@pytest.mark.parametrize(
    "federations",
    ['[tool.flwr]\nfederations = {default = "lab"}\n', '[tool.flwr.federations.fedstack]\naddress = "x"\n'],
)
def test_a_federation_that_cannot_be_added_is_refused(tmp_path: Path, federations: str) -> None:
    with pytest.raises(TrainingError, match=r"app/pyproject.toml: tool.flwr.federations: expected a table") as caught:
        prepared(tmp_path, "1.25", PROJECT + federations)
    assert caught.value.exit_code == 2


def test_another_generation_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"Flower generation '2.0': expected one of 1.25, 1.31, 1.36") as caught:
        prepared(tmp_path, "2.0")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", [None, "flower", "[flower]\n", "flower = 3\n"])
def test_a_folder_that_is_no_image_is_named(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "image.toml").write_text(text)
    with pytest.raises(TrainingError, match=r"no readable image\.toml in it; expected the virtual environment"):
        prepare(tmp_path, tmp_path, app(tmp_path / "app"), CONNECTION)
