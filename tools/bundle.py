"""Collects what the VM image's provisioning scripts install: `python -m tools.bundle FLAVOUR FOLDER`, for `make image`.

The folder gets `appliance/` (fedstack's wheel and the pinned packages of its guest part), `flower/` (the recipe of the
flavour), `files/` and `provision/`. The same sources give the same wheel.
"""

import hashlib
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tools import dist

IMAGES = dist.ROOT / "images"
RECIPES = {"standard": IMAGES / "flower-sklearn", "edge": IMAGES / "flower-edge"}
"""The Flower environment of each flavour."""
PACKAGE = ("pyproject.toml", "README.md", "LICENSE", "fedstack")


def guest_packages() -> Iterator[str]:
    """What the appliance declares: fedstack's own dependencies and those of the extra `guest`."""
    project = tomllib.loads((dist.ROOT / "pyproject.toml").read_text())["project"]
    for one in (*project["dependencies"], *project["optional-dependencies"]["guest"]):
        yield re.split(r"[^A-Za-z0-9._-]", one)[0]


def requirements(wheel: Path) -> str:
    """The wheel, and what it needs, with the hashes of this repository's requirements."""
    found = dist.blocks((dist.ROOT / "requirements.txt").read_text())
    own = f"./{wheel.name} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"
    return "\n".join([own, *(found[name][0] for name in dist.closure(found, guest_packages()))]) + "\n"


def bundle(flavour: str, target: Path) -> None:
    """Fills a new folder for a flavour; raises DistError when it exists or the wheel cannot be built."""
    if target.exists():
        raise dist.DistError(f"{target}: exists already, expected a new folder")
    appliance = target / "appliance"
    appliance.mkdir(parents=True)
    (appliance / "requirements.txt").write_text(requirements(dist.wheel(dist.ROOT, PACKAGE, appliance)))
    flower = target / "flower"
    flower.mkdir()
    for name in ("image.toml", "requirements.txt"):
        shutil.copy(RECIPES[flavour] / name, flower)
    for name in ("files", "provision"):
        shutil.copytree(IMAGES / "appliance" / name, target / name)


def main(arguments: list[str]) -> int:
    """Exit status 0 well, 1 not built, 2 called wrongly."""
    if len(arguments) != 2 or arguments[0] not in RECIPES:
        print(f"usage: python -m tools.bundle {'|'.join(RECIPES)} FOLDER", file=sys.stderr)
        return 2
    try:
        bundle(arguments[0], Path(arguments[1]))
    except dist.DistError as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
