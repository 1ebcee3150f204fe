"""The scripts that make the VM image: what they ask of the system, and what they leave, in a scratch root."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.bundle import RECIPES

BIN = Path(sys.executable).parent
APPLIANCE = Path(__file__).resolve().parents[3] / "images/appliance"
SCRIPTS = sorted(APPLIANCE.glob("provision/*.sh"))
PROGRAMS = sorted(APPLIANCE.glob("files/*/usr/local/bin/*"))
PACKAGE = b"a contextualisation package"
RECORDED = ("apt-get", "systemctl", "passwd", "userdel", "sync")
"""Programs that only write down how they were called."""


class Machine:
    """A scratch root, and programs that act on nothing else."""

    def __init__(self, folder: Path) -> None:
        self.root, self.bin, self.calls = folder / "root", folder / "bin", folder / "calls"
        for made in (self.root, self.bin):
            made.mkdir()
        for name in RECORDED:
            self.program(name, f'echo "{name} $*" >>"{self.calls}"')

    def program(self, name: str, text: str) -> None:
        """Puts a program on the PATH."""
        (self.bin / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.bin / name).chmod(0o755)

    def run(self, name: str, settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Runs a script of the image."""
        environment = {"PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}", "IMAGE_ROOT": str(self.root), **settings}
        command = ["bash", str(APPLIANCE / "provision" / name)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    @property
    def called(self) -> list[str]:
        """How the recorded programs were called."""
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def file(self, name: str, text: str = "x") -> Path:
        """A file below the root."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("script", [*SCRIPTS, *PROGRAMS], ids=lambda path: path.name)
def test_scripts_are_sound(script: Path) -> None:
    done = subprocess.run([BIN / "shellcheck", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert os.access(script, os.X_OK)


@pytest.mark.parametrize(("flavour", "docker"), [("standard", True), ("edge", False)])
def test_packages_of_a_flavour(machine: Machine, flavour: str, docker: bool) -> None:
    done = machine.run("10-packages.sh", {"FLAVOUR": flavour, "EXTRA_PACKAGES": "jq nvidia-utils-550-server"})
    assert done.returncode == 0, done.stderr
    update, upgrade, install, *rest = machine.called
    assert (update, upgrade) == ("apt-get update", "apt-get -y upgrade")
    assert "--no-install-recommends" in install
    assert {"python3-venv", "qemu-guest-agent", "jq", "nvidia-utils-550-server"} <= set(install.split())
    assert ("docker.io" in install.split()) is docker
    assert rest == (["systemctl enable docker.service"] if docker else [])


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_that_is_told_too_little_does_nothing(machine: Machine, script: Path) -> None:
    if ":?" in script.read_text():
        done = machine.run(script.name, {})
        assert done.returncode != 0
        assert machine.called == []


def context(machine: Machine, digest: str) -> subprocess.CompletedProcess[str]:
    """Runs the script that installs the package, which `curl` finds."""
    served = machine.bin / "one-context.deb"
    served.write_bytes(PACKAGE)
    machine.program(
        "curl", f'echo "curl $*" >>"{machine.calls}"\nwhile [ "$1" != --output ]; do shift; done\ncp "{served}" "$2"'
    )
    settings = {"CONTEXT_URL": "https://example.org/one-context.deb", "CONTEXT_SHA256": digest}
    return machine.run("20-context.sh", settings)


def test_the_context_package_takes_the_place_of_cloud_init(machine: Machine) -> None:
    done = context(machine, hashlib.sha256(PACKAGE).hexdigest())
    assert done.returncode == 0, done.stderr
    fetched, purge, install = machine.called
    assert "--proto =https" in fetched and fetched.endswith("https://example.org/one-context.deb")
    assert purge == "apt-get -y purge cloud-init"
    package = Path(install.split()[-1])
    assert package.suffix == ".deb" and not package.exists(), "the download is gone"


def test_another_content_than_expected_ends_the_build(machine: Machine) -> None:
    done = context(machine, "0" * 64)
    assert done.returncode != 0
    assert "computed checksum did NOT match" in done.stderr
    assert [call for call in machine.called if not call.startswith("curl")] == []


def test_the_flower_environment_is_the_recipe_s(machine: Machine, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(RECIPES["edge"], bundle / "flower")
    machine.program("python3", 'mkdir -p "$3/bin"; cp "$(dirname "$0")/pip" "$3/bin/python"')
    machine.program("pip", f'echo "python $*" >>"{machine.calls}"')
    done = machine.run("40-flower.sh", {"BUNDLE": str(bundle)})
    assert done.returncode == 0, done.stderr
    (install,) = machine.called
    assert "--require-hashes" in install and install.endswith(f"{bundle}/flower/requirements.txt")
    assert "edge = true" in (machine.root / "opt/flower/env/image.toml").read_text()


def test_nothing_of_the_build_stays(machine: Machine) -> None:
    gone = [
        "etc/ssh/ssh_host_rsa_key",
        "etc/ssh/ssh_host_ed25519_key.pub",
        "etc/ssh/sshd_config.d/50-cloud-init.conf",
        "etc/sudoers.d/90-cloud-init-users",
        "etc/netplan/50-cloud-init.yaml",
        "etc/cloud/cloud.cfg",
        "var/lib/cloud/seed/user-data",
        "var/lib/dbus/machine-id",
        "var/lib/systemd/random-seed",
        "var/lib/apt/lists/archive_Packages",
        "var/log/auth.log",
        "var/log/journal/1/system.journal",
        "root/.ssh/authorized_keys",
        "root/.cache/pip/x",
        "tmp/bundle/x",
    ]
    for name in gone:
        machine.file(name)
    kept = [machine.file(name) for name in ("etc/ssh/sshd_config", "etc/netplan/01-own.yaml", "opt/flower/env/x")]
    machine_id = machine.file("etc/machine-id", "0123\n")
    machine.program("id", "exit 0")
    done = machine.run("90-clean.sh", {})
    assert done.returncode == 0, done.stderr
    assert [name for name in gone if (machine.root / name).exists()] == []
    assert all(path.exists() for path in kept)
    assert machine_id.read_text() == "", "systemd gives each VM its own"
    assert {"passwd --lock root", "userdel --force --remove build", "apt-get clean"} <= set(machine.called)
