"""The units of the VM image: a process of the appliance is confined, also the supervisor, whose unit a boot writes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fedstack.appliance.services import unit, unit_name
from fedstack.context import Appliance

COMMON = Path(__file__).resolve().parents[3] / "images/appliance/files/common"
PROGRAM = "/opt/fedstack/bin/fedstack-appliance"
ROLES: tuple[Appliance, ...] = ("superlink", "supernode")
UNITS = ("fedstack-boot@superlink.service", *map(unit_name, ROLES))
TARGETS = ("sysinit", "basic", "shutdown", "network-online", "multi-user")
CONFINED = {
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "NoNewPrivileges": "yes",
    "RestrictNamespaces": "yes",
    "SystemCallFilter": "@system-service",
    "CapabilityBoundingSet": "",
}
EXPOSURE = "30"
"""Tenths of systemd's scale, on which the unit without these files has 92 (UNSAFE)."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with the image's files, the units that boots write, and the targets that they name."""
    shutil.copytree(COMMON, tmp_path, dirs_exist_ok=True)
    units = tmp_path / "etc/systemd/system"
    for role in ROLES:
        (units / unit_name(role)).write_text(unit(role).replace(sys.executable, PROGRAM))
    for name in TARGETS:
        (units / f"{name}.target").write_text("[Unit]\nDescription=x\nDefaultDependencies=no\n")
    program = tmp_path / PROGRAM.lstrip("/")
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return tmp_path


def directives(root: Path, name: str) -> dict[str, str]:
    """The directives of a unit with those of its drop-ins over them."""
    folder = root / "etc/systemd/system"
    template = f"{name.partition('@')[0]}@.service" if "@" in name else name
    texts = [path.read_text() for path in (folder / template, *sorted(folder.glob(f"{name}.d/*.conf")))]
    pairs = (line.partition("=") for text in texts for line in text.splitlines() if "=" in line and line[0] != "#")
    return {key: value for key, _, value in pairs}


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_confined(root: Path, name: str) -> None:
    found = directives(root, name)
    assert {key: found.get(key) for key in CONFINED} == CONFINED
    assert found["ReadWritePaths"].split()[0] == "/opt/flower"
    assert (found["RuntimeDirectory"], found["LogsDirectory"]) == ("fedstack", "one-appliance"), (
        "as the paths have them"
    )


def test_a_supernode_may_use_gpus_and_a_superlink_no_device(root: Path) -> None:
    superlink, supernode = (directives(root, unit_name(role)) for role in ROLES)
    assert superlink["PrivateDevices"] == "yes"
    assert "PrivateDevices" not in supernode and supernode["DevicePolicy"] == "closed"


def test_systemd_finds_no_fault_in_them(root: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    commands = [
        ["verify", *UNITS],
        *(["security", "--offline=true", f"--threshold={EXPOSURE}", each] for each in UNITS),
    ]
    for arguments in commands if analyze else ():
        command = [str(analyze), arguments[0], f"--root={root}", "--no-pager", *arguments[1:]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert [name for name in UNITS if not directives(root, name)["ExecStart"].startswith(PROGRAM)] == []
