"""Installs what the project needs, once: `.venv`, Pulumi, the Flower image. Called by `make setup`.

Standard library only. Pulumi is taken from PATH when it is new enough and its Python language host lies beside it or
on PATH; otherwise both are built from their Go modules (tools/pulumi) into the user's cache, keyed by the hash of
go.sum, so that a second clone does not build again.

`python tools/setup.py nodejs` does the same for the Node.js language host (tools/pulumi-nodejs), which only programs in
TypeScript need, and prints the folder that it lies in.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
TOOLS = ROOT / "tools"
PULUMI_VERSION = "3.187.0"
PULUMI_SCRIPTS = (
    "cmd/pulumi-language-python-exec",
    "dist/pulumi-analyzer-policy-python",
    "dist/pulumi-resource-pulumi-python",
)
PULUMI = "github.com/pulumi/pulumi"
PULUMI_PACKAGES = {
    "pulumi": (f"{PULUMI}/pkg/v3/cmd/pulumi", f"{PULUMI}/sdk/python/cmd/pulumi-language-python/v3"),
    "pulumi-nodejs": (f"{PULUMI}/sdk/nodejs/cmd/pulumi-language-nodejs/v3",),
}
"""What is built, by the folder in tools/ that pins it."""
CORRECTIONS = (
    ("codegen/python/gen.go", "relRoot := path.Dir(rel)", "relRoot := path.Clean(rel)"),
    ("codegen/nodejs/gen.go", "path.Dir(filepath.ToSlash(rel))", "path.Clean(filepath.ToSlash(rel))"),
)
"""Pulumi's SDK generators count on filepath.Rel("config", "") being "../.", as it was before Go 1.26 made it "..": the
imports of generated sub-packages lead nowhere otherwise. File, wrong text, right text."""


class SetupError(Exception):
    """A step that cannot be done; the message says what is missing and what to do."""


def say(text: str) -> None:
    """One line of progress."""
    print(f"setup: {text}", file=sys.stderr, flush=True)


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Runs a command quietly; its output is shown only when it fails."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, text=True, capture_output=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise SetupError(f"`{' '.join(str(word) for word in command)}` failed ({done.returncode}):\n{tail}")


def digest(*files: Path) -> str:
    """A hash over the contents of files and this interpreter's version."""
    total = hashlib.sha256(sys.version.encode())
    for file in files:
        total.update(file.read_bytes())
    return total.hexdigest()[:20]


def sdk_files() -> list[Path]:
    """The files of the generated SDK, in a stable order."""
    return sorted(
        path
        for path in (ROOT / "sdks/opennebula").rglob("*")
        if path.suffix in {".py", ".json", ".toml"} and "build" not in path.parts
    )


def ensure_venv() -> None:
    """`.venv` with the pinned packages, fedstack itself (editable) and the provider's SDK."""
    stamp, wanted = (
        VENV / "setup-stamp",
        digest(ROOT / "requirements.txt", TOOLS / "requirements-uv.txt", ROOT / "pyproject.toml", *sdk_files()),
    )
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say("installing Python packages into .venv")
    run(sys.executable, "-m", "venv", VENV)
    run(BIN / "pip", "install", "--require-hashes", "-r", TOOLS / "requirements-uv.txt")
    install = (BIN / "uv", "pip", "install", "--compile-bytecode", "--python", BIN / "python")
    run(*install, "--require-hashes", "-r", "requirements.txt")
    local = (*install, "--no-deps", "--no-build-isolation", "--reinstall")
    run(*local, "-e", ".")
    with tempfile.TemporaryDirectory() as scratch:  # setuptools writes into the source tree that it builds
        copy = shutil.copytree(ROOT / "sdks/opennebula", Path(scratch) / "sdk")
        run(*local, copy)
    stamp.write_text(wanted)


def version_of(pulumi: str) -> tuple[int, ...]:
    """`pulumi version` as numbers; (0,) if it does not answer."""
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    done = subprocess.run([pulumi, "version"], capture_output=True, text=True, check=False, env=environment)
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", done.stdout.strip())
    return tuple(int(part) for part in match.groups()) if match else (0,)


def installed_pulumi(language: str = "python") -> str | None:
    """A Pulumi on PATH that is new enough and has its host for a language."""
    search = os.pathsep.join(part for part in os.environ.get("PATH", "").split(os.pathsep) if Path(part) != BIN)
    pulumi = shutil.which("pulumi", path=search)
    if not pulumi or version_of(pulumi) < tuple(int(part) for part in PULUMI_VERSION.split(".")):
        return None
    beside = str(Path(pulumi).resolve().parent)
    return pulumi if shutil.which(f"pulumi-language-{language}", path=f"{beside}{os.pathsep}{search}") else None


def cache_home() -> Path:
    """The user's cache directory for this project."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fedstack"


def show_build(lines: list[str]) -> None:
    """Shows how far `go build -v` is: a counter on a terminal, a line every 200 packages elsewhere."""
    count = len(lines)
    if sys.stderr.isatty():
        print(f"\rsetup: building Pulumi: {count} packages", end="", file=sys.stderr, flush=True)
    elif count % 200 == 0:
        say(f"building Pulumi: {count} packages")


def go_output(tool: Path, *arguments: str) -> str:
    """What a Go command prints in a folder of tools/; raises SetupError."""
    done = subprocess.run(["go", *arguments], cwd=tool, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"`go {' '.join(arguments)}` failed:\n{done.stderr.strip()}")
    return done.stdout


def corrected(tool: Path, scratch: Path) -> Path:
    """A copy of the tool's go.mod that takes Pulumi's generators from a corrected copy of their module."""
    module = f"{PULUMI}/pkg/v3"
    source = json.loads(go_output(tool, "mod", "download", "-json", module))["Dir"]
    copy = scratch / "pkg"
    shutil.copytree(source, copy, copy_function=shutil.copyfile)
    for folder in (copy, *(path for path in copy.rglob("*") if path.is_dir())):  # the module cache is read-only
        folder.chmod(0o755)
    for name, wrong, right in CORRECTIONS:
        text = (copy / name).read_text()
        if wrong not in text:
            raise SetupError(f"{name} of Pulumi {PULUMI_VERSION} has no {wrong!r}: see CORRECTIONS in tools/setup.py")
        (copy / name).write_text(text.replace(wrong, right))
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(tool / name, scratch / name)
    go_output(tool, "mod", "edit", f"-replace={module}={copy}", str(scratch / "go.mod"))
    return scratch / "go.mod"


def go_build(name: str, target: Path, scratch: Path) -> None:
    """Builds a tool's programs into `target`."""
    tool = TOOLS / name
    command = ["go", "build", "-modfile", str(corrected(tool, scratch)), "-v", "-trimpath"]
    command += ["-tags", "osusergo,grpcnotrace", "-ldflags"]
    command += [f"-s -w -X {PULUMI}/sdk/v3/go/common/version.Version=v{PULUMI_VERSION}", "-o", f"{target}/"]
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
    with subprocess.Popen(
        [*command, *PULUMI_PACKAGES[name]], cwd=tool, env=environment, stderr=subprocess.PIPE, text=True, bufsize=1
    ) as build:
        assert build.stderr is not None  # noqa: S101 (stderr is a pipe)
        lines: list[str] = []
        for line in build.stderr:
            lines.append(line.rstrip())
            show_build(lines)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if build.returncode:
        raise SetupError("Pulumi could not be built:\n" + "\n".join(lines[-15:]))


def copy_scripts(target: Path) -> None:
    """Puts the scripts that the Python host needs beside it."""
    source = go_output(TOOLS / "pulumi", "list", "-m", "-f", "{{.Dir}}", f"{PULUMI}/sdk/v3").strip()
    for script in PULUMI_SCRIPTS:
        copy = target / Path(script).name
        shutil.copyfile(Path(source) / "python" / script, copy)
        copy.chmod(0o755)


def build_folder(name: str) -> Path:
    """Where the cache has a tool that was built from these modules with these corrections."""
    key = hashlib.sha256((TOOLS / name / "go.sum").read_bytes() + repr(CORRECTIONS).encode()).hexdigest()[:20]
    return cache_home() / name / key


def built(name: str) -> Path:
    """The directory with a tool built from Go modules; builds it if the cache lacks it."""
    target = build_folder(name)
    if target.exists():
        return target
    if not shutil.which("go"):
        raise SetupError(
            f"no Pulumi >= {PULUMI_VERSION} with its language host on PATH and no Go to build it: install either "
            "Pulumi or Go 1.26 or newer"
        )
    say(f"building {name} {PULUMI_VERSION} from its Go modules (a few minutes, once for this user)")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        build = Path(scratch) / "bin"
        build.mkdir()
        go_build(name, build, Path(scratch))
        if name == "pulumi":
            copy_scripts(build)
        if not target.exists():
            build.rename(target)
    return target


def ensure_pulumi() -> None:
    """`.venv/bin` on PATH is enough to run Pulumi: links the built one into it, unless a good one is installed."""
    names = ["pulumi", "pulumi-language-python", *(Path(script).name for script in PULUMI_SCRIPTS)]
    if (BIN / "pulumi").exists() and (BIN / "pulumi").resolve().parent == build_folder("pulumi").resolve():
        return
    for name in names:
        (BIN / name).unlink(missing_ok=True)
    if installed_pulumi():
        return
    source = built("pulumi")
    for name in names:
        (BIN / name).symlink_to(source / name)


def nodejs_host() -> Path:
    """The directory with the Node.js language host: that of an installed Pulumi, else one built from Go modules."""
    found = installed_pulumi("nodejs")
    return Path(found).resolve().parent if found else built("pulumi-nodejs")


def ensure_image() -> None:
    """The Python environment that the process hypervisor boots SuperLinks and SuperNodes from."""
    done = subprocess.run(
        [BIN / "python", "-m", "fedstack.localcloud.images", "ensure", "images/flower-sklearn"],
        cwd=ROOT,
        check=False,
        stdout=subprocess.DEVNULL,
    )
    if done.returncode:
        raise SetupError("the Flower image could not be built (see above)")


def main() -> int:
    """Runs the steps; a failure is one message and exit code 1."""
    if sys.version_info < (3, 11):  # noqa: UP036 (this file is what says so)
        print(f"setup: Python 3.11 or newer is needed, this is {sys.version.split()[0]}", file=sys.stderr)
        return 1
    try:
        if sys.argv[1:] == ["nodejs"]:
            print(nodejs_host())
            return 0
        ensure_venv()
        ensure_pulumi()
        ensure_image()
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; `make setup` goes on where it stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
