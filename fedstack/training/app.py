"""A Flower app's folder: what its pyproject.toml says about the app and its run config."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedstack.training.errors import bad_input
from fedstack.training.toml import Value


@dataclass(frozen=True)
class App:
    """A Flower app; ``defaults`` holds every run-config key that it declares, nested keys joined by dots."""

    folder: Path
    name: str
    version: str
    defaults: Mapping[str, Value]


def read_app(folder: Path) -> App:
    """Read the app in ``folder``.

    Raises:
        TrainingError: (exit code 2) no folder, no readable pyproject.toml, or not that of a Flower app.
    """
    root = folder.expanduser().resolve()
    data = _load(root)
    project = _table(data, "project", root)
    flower = _table(_table(_table(data, "tool", root), "flwr", root, "tool."), "app", root, "tool.flwr.")
    for key in ("name", "version"):
        if not isinstance(project.get(key), str):
            raise bad_input(f"{root / 'pyproject.toml'}: project.{key} = {project.get(key)!r}: expected a text")
    defaults = _flat(_table({"config": {}, **flower}, "config", root, "tool.flwr.app."), root)
    return App(folder=root, name=project["name"], version=project["version"], defaults=defaults)


def _load(root: Path) -> dict[str, Any]:
    file = root / "pyproject.toml"
    if not root.is_dir():
        raise bad_input(f"{root}: no such folder; expected the folder of a Flower app")
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise bad_input(f"{root}: no pyproject.toml in it; expected the folder of a Flower app") from None
    except (OSError, UnicodeDecodeError) as error:
        raise bad_input(f"{file}: cannot be read ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise bad_input(f"{file}: not valid TOML: {error}") from None


def _table(parent: Mapping[str, Any], key: str, root: Path, prefix: str = "") -> dict[str, Any]:
    table = parent.get(key)
    if not isinstance(table, dict):
        raise bad_input(f"{root / 'pyproject.toml'}: no table [{prefix}{key}]; expected that of a Flower app")
    return table


def _flat(table: Mapping[str, Any], root: Path, prefix: str = "") -> dict[str, Value]:
    """Join nested keys by dots, as Flower does."""
    flat: dict[str, Value] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, root, f"{prefix}{key}.")
        elif isinstance(value, bool | int | float | str):
            flat[f"{prefix}{key}"] = value
        else:
            raise bad_input(
                f"{root / 'pyproject.toml'}: tool.flwr.app.config.{prefix}{key} = {value!r}: "
                "expected a boolean, a number or a text"
            )
    return flat
