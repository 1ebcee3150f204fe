"""How the ``flwr`` of each Flower generation is told which app to run, and on which SuperLink."""

import os
import shutil
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fedstack.training.app import App
from fedstack.training.connection import NAME, Connection, settings, write_home
from fedstack.training.errors import bad_input

NOT_COPIED = (".git", ".venv", ".flwr", "__pycache__")


@dataclass(frozen=True)
class Target:
    """``app`` is the folder to submit; ``superlink`` are the arguments by which other commands find the SuperLink."""

    app: Path
    superlink: tuple[str, ...]


def prepare(environment: Path, home: Path, app: App, connection: Connection) -> Target:
    """Write what the image's ``flwr`` needs into ``home``, which becomes FLWR_HOME.

    Raises:
        TrainingError: (exit code 2) ``environment`` is no Flower image, or one of a generation that is not known.
    """
    generation = _generation(environment)
    if generation not in GENERATIONS:
        raise bad_input(f"{environment}: Flower generation {generation!r}: expected one of {', '.join(GENERATIONS)}")
    return GENERATIONS[generation](home, app, connection)


def _named_connection(home: Path, app: App, connection: Connection) -> Target:
    """Since 1.31 a SuperLink has a name in Flower's own configuration."""
    write_home(home, connection)
    return Target(app.folder, (NAME,))


def _federation_of_the_app(home: Path, app: App, connection: Connection) -> Target:
    """In 1.25 a SuperLink is a federation in the app's pyproject.toml: the app is submitted from a folder of links.

    Flower leaves the federations out of what it sends to the SuperLink.
    """
    home.chmod(0o700)
    folder = home / "app"
    ignored = shutil.ignore_patterns(*NOT_COPIED)
    shutil.copytree(app.folder, folder, ignore=ignored, copy_function=os.symlink, ignore_dangling_symlinks=True)
    project = folder / "pyproject.toml"
    table = f"\n[tool.flwr.federations.{NAME}]\n{settings(home, connection)}"
    declared = project.read_text(encoding="utf-8") + table
    try:
        tomllib.loads(declared)
    except tomllib.TOMLDecodeError:
        place = f"{app.folder / 'pyproject.toml'}: tool.flwr.federations"
        raise bad_input(f"{place}: expected a table [tool.flwr.federations], or none, without {NAME!r}") from None
    project.unlink()
    project.write_text(declared, encoding="utf-8")
    return Target(folder, (str(folder), NAME))


GENERATIONS: Mapping[str, Callable[[Path, App, Connection], Target]] = {
    "1.25": _federation_of_the_app,
    "1.31": _named_connection,
    "1.36": _named_connection,
}


def _generation(environment: Path) -> str:
    """Return the Flower generation of an image's environment."""
    try:
        return str(tomllib.loads((environment / "image.toml").read_text(encoding="utf-8"))["flower"]["generation"])
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError):
        raise bad_input(
            f"{environment}: no readable image.toml in it; expected the virtual environment of a Flower image"
        ) from None
