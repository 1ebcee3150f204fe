"""Builds what can be installed without this repository: `python -m tools.dist [FOLDER]`, called by `make dist`.

- `pulumi_opennebula-<version>-py3-none-any.whl`: the Python SDK, for the virtual environment of a program;
- `pulumi-resource-opennebula-v<version>.tar.gz`: the provider, for `pulumi plugin install resource opennebula <version>
  --file ...`. Pulumi makes the plugin's virtual environment from the pinned requirements inside.

The same sources give the same bytes.
"""

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROVIDER = ROOT / "provider"
SDK = ROOT / "sdks" / "opennebula"
LEAVES = ("opennebula", "oneflow")
"""What the provider imports of fedstack."""
EPOCH = 315532800
"""Time of every file in the archives: 1980-01-01, the oldest that a wheel can say."""
PLUGIN_FILE = """\
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: venv
"""
"""Pulumi installs the requirements of a plugin that lies in its own folder into `venv` there."""

Blocks = dict[str, tuple[str, set[str]]]
"""A requirements file: package name to its lines and the packages that need it."""


class DistError(Exception):
    """Something that cannot be built; the message says why."""


def version() -> str:
    """The provider's version, as the SDK says it; raises DistError when the provider itself says another."""
    wanted = str(json.loads((SDK / "pulumi_opennebula/pulumi-plugin.json").read_text())["version"])
    source = (PROVIDER / "opennebula_provider/__init__.py").read_text()
    if f'VERSION = "{wanted}"' not in source:
        raise DistError(f"the SDK was generated from another version than the provider's ({wanted}): run `make sdk`")
    return wanted


def wheel(source: Path, names: Iterable[str], target: Path) -> Path:
    """Builds the wheel of a project from a copy of the named files and folders; its path in `target`."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "source"
        for name in names:
            _copy(source / name, copy / name)
        uv = str(Path(sys.executable).parent / "uv")
        command = [uv, "build", "--wheel", "--no-build-isolation", "--python", sys.executable, "-o", f"{scratch}/out"]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)}
        done = subprocess.run(
            [*command, str(copy)], cwd=scratch, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise DistError(f"{source.name}: no wheel\n{done.stderr.strip()}")
        made = next(Path(scratch, "out").glob("*.whl"))
        return Path(shutil.copy(made, target))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def blocks(text: str) -> Blocks:
    """The packages of a requirements file with hashes and `# via` comments, as `uv pip compile` writes it."""
    found: Blocks = {}
    for block in re.split(r"\n(?=\S)", text.strip()):
        name = block.partition("==")[0]
        lines, _, via = block.partition("    # via")
        parents = {line.strip(" #").partition(" ")[0] for line in via.splitlines()}
        found[name] = (lines.rstrip(), parents - {""})
    return found


def closure(found: Blocks, roots: Iterable[str]) -> list[str]:
    """The named packages and whatever they need, sorted."""
    wanted = set(roots)
    while more := {name for name, (_, parents) in found.items() if parents & wanted} - wanted:
        wanted |= more
    return sorted(wanted)


def provider_packages() -> Iterator[str]:
    """What the provider declares: the dependencies of the leaves and those of the extra `provider`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for one in (*project["dependencies"], *project["optional-dependencies"]["provider"]):
        yield re.split(r"[^A-Za-z0-9._-]", one)[0]


def requirements(leaves: Path) -> str:
    """The plugin's requirements: the wheel beside them, and what both need, with the hashes of this repository's."""
    found = blocks((ROOT / "requirements.txt").read_text())
    digest = hashlib.sha256(leaves.read_bytes()).hexdigest()
    own = f"./{leaves.name} \\\n    --hash=sha256:{digest}"
    return "\n".join([own, *(found[name][0] for name in closure(found, provider_packages()))]) + "\n"


def plugin_folder(folder: Path) -> None:
    """Fills a folder with all that `pulumi plugin install` needs."""
    folder.mkdir()
    for name in ("pulumi-resource-opennebula", "__main__.py", "opennebula_provider", "README.md"):
        _copy(PROVIDER / name, folder / name)
    _copy(ROOT / "LICENSE", folder / "LICENSE")
    (folder / "PulumiPlugin.yaml").write_text(PLUGIN_FILE)
    own = ("__init__.py", "py.typed", *LEAVES)
    leaves = wheel(ROOT, ("pyproject.toml", "README.md", "LICENSE", *(f"fedstack/{name}" for name in own)), folder)
    (folder / "requirements.txt").write_text(requirements(leaves))


def archive(folder: Path, target: Path) -> None:
    """Packs the content of a folder, sorted, without owners and times."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = tarfile.TarInfo(str(path.relative_to(folder)))
            mode = 0o755 if os.access(path, os.X_OK) else 0o644
            entry.size, entry.mtime, entry.mode = path.stat().st_size, EPOCH, mode
            with path.open("rb") as content:
                tar.addfile(entry, content)
    target.write_bytes(gzip.compress(packed.getvalue(), mtime=0))


def build(target: Path) -> list[Path]:
    """Writes both files into `target`; raises DistError."""
    target.mkdir(parents=True, exist_ok=True)
    plugin = target / f"pulumi-resource-opennebula-v{version()}.tar.gz"
    sdk = wheel(SDK, ("pyproject.toml", "pulumi_opennebula"), target)
    with tempfile.TemporaryDirectory() as scratch:
        plugin_folder(Path(scratch) / "plugin")
        archive(Path(scratch) / "plugin", plugin)
    return [sdk, plugin]


def main() -> int:
    """Builds into the folder that is named, else into `dist/`."""
    try:
        for made in build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist"):
            print(made)
    except DistError as error:
        print(f"dist: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
