"""Images of the local cloud: a recipe directory becomes a virtual environment, built once per content.

A recipe holds ``image.toml`` (name, mount point, what is inside) and ``requirements.txt`` (every package hashed).
An environment cannot be moved after it was made, so it is built at its final place under
``$XDG_CACHE_HOME/fedstack/images/<digest>``: a lock file keeps two builders apart, a marker file says "complete".
``python -m fedstack.localcloud.images ensure RECIPE`` prints the path of the environment.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fedstack.localcloud.hypervisors import ImageError

Progress = Callable[[str], None]

RECIPE_FILE = "image.toml"
REQUIREMENTS = "requirements.txt"
_COMPLETE = ".complete"
_LAST_LINES = 12


@dataclass(frozen=True)
class Recipe:
    """What a recipe directory says: `mount` is the place of the environment below a VM's root."""

    directory: Path
    name: str
    mount: PurePosixPath

    @property
    def digest(self) -> str:
        """Changes with anything that changes the environment: recipe, requirements, interpreter."""
        parts = [sys.version.encode(), str(Path(sys.executable).resolve()).encode()]
        parts += [(self.directory / name).read_bytes() for name in (RECIPE_FILE, REQUIREMENTS)]
        return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:16]


def read(directory: Path) -> Recipe:
    """Reads the recipe in `directory` (or the copy inside a built image). Raises ImageError."""
    place = directory / RECIPE_FILE
    try:
        table = tomllib.loads(place.read_text())
    except OSError as error:
        raise ImageError(f"{place}: cannot be read ({error.strerror}); an image is a directory with it") from None
    except tomllib.TOMLDecodeError as error:
        raise ImageError(f"{place}: {error}") from None
    return Recipe(directory, _text(place, table, "name"), _mount(place, _text(place, table, "mount")))


def _text(place: Path, table: dict[str, object], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise ImageError(f"{place}: {key} is {value!r}, expected a text")
    return value


def _mount(place: Path, value: str) -> PurePosixPath:
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts:
        raise ImageError(f'{place}: mount is {value!r}, expected a path below the root such as "opt/flower/env"')
    return path


def cache_directory() -> Path:
    """Where built images lie: shared by all clouds of a user, never written twice."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "fedstack" / "images"


async def build(recipe: Path, progress: Progress) -> Path:
    """`ensure` for the event loop."""
    return await asyncio.to_thread(ensure, recipe, progress)


def is_built(recipe: Path) -> bool:
    """Whether the environment of a recipe is there. Raises ImageError when there is no recipe."""
    return (cache_directory() / read(recipe).digest / _COMPLETE).exists()


def ensure(recipe: Path, progress: Progress) -> Path:
    """The environment of a recipe; built when it is not there yet. Raises ImageError with the builder's last lines."""
    image = read(recipe)
    if not (recipe / REQUIREMENTS).is_file():
        raise ImageError(f"{recipe / REQUIREMENTS}: no such file; it lists every package of the image with its hashes")
    target = cache_directory() / image.digest
    if (target / _COMPLETE).exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.with_suffix(".lock")):
        if not (target / _COMPLETE).exists():
            _build(image, target, progress)
    return target


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(image: Recipe, target: Path, progress: Progress) -> None:
    progress(f"building image {image.name} in {target}")
    shutil.rmtree(target, ignore_errors=True)  # what an interrupted build left
    uv = Path(sys.executable).parent / "uv"
    requirements = str(image.directory / REQUIREMENTS)
    if uv.exists():
        _run([str(uv), "venv", "--quiet", "--python", sys.executable, str(target)], progress)
        install = [str(uv), "pip", "install", "--python", str(target / "bin" / "python")]
        install += ["--require-hashes", "--compile-bytecode"]
    else:
        _run([sys.executable, "-m", "venv", str(target)], progress)
        install = [str(target / "bin" / "pip"), "install", "--require-hashes", "--disable-pip-version-check"]
    _run([*install, "-r", requirements], progress)
    shutil.copy(image.directory / RECIPE_FILE, target / RECIPE_FILE)
    (target / _COMPLETE).touch()
    progress(f"image {image.name} is complete")


def _run(command: list[str], progress: Progress) -> None:
    """Runs one builder command, every line of it to `progress`. Raises ImageError with its last lines."""
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            progress(lines[-1])
    if process.returncode != 0:
        tail = "\n".join(line for line in lines[-_LAST_LINES:] if line)
        raise ImageError(f"{Path(command[0]).name} failed with exit code {process.returncode}:\n{tail}")


def main(arguments: list[str]) -> int:
    """``ensure RECIPE``: progress to stderr, the path to stdout."""
    if len(arguments) != 2 or arguments[0] != "ensure":
        print("usage: python -m fedstack.localcloud.images ensure RECIPE-DIRECTORY", file=sys.stderr)
        return 2
    try:
        print(ensure(Path(arguments[1]), lambda line: print(line, file=sys.stderr)))
    except ImageError as error:
        print(f"image {arguments[1]}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
