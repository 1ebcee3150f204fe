"""Says what is missing on this machine, and the command that mends it."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fedstack.operations.environment import Project, search_path

PULUMI_MINIMUM = (3, 187, 0)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `remedy` is a command or an advice, empty when all is well."""

    subject: str
    fine: bool
    found: str
    remedy: str = ""


def _pulumi() -> Finding:
    search = search_path()
    pulumi, host = shutil.which("pulumi", path=search), shutil.which("pulumi-language-python", path=search)
    if not pulumi or not host:
        missing = "CLI" if not pulumi else "Python language host"
        return Finding("Pulumi", False, f"{missing} not found", "make setup")
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    text = subprocess.run([pulumi, "version"], capture_output=True, text=True, check=False, env=environment).stdout
    numbers = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text.strip())
    new_enough = numbers is not None and tuple(map(int, numbers.groups())) >= PULUMI_MINIMUM
    wanted = ".".join(map(str, PULUMI_MINIMUM))
    return Finding("Pulumi", new_enough, text.strip() or "no version", "" if new_enough else f"install Pulumi {wanted}")


def _python() -> Finding:
    version = sys.version.split()[0]
    fine = sys.version_info >= (3, 11)
    return Finding("Python", fine, version, "" if fine else "install Python 3.11 or newer")


def _provider_sdk() -> Finding:
    from importlib.util import find_spec

    fine = find_spec("pulumi_opennebula") is not None
    return Finding("OpenNebula SDK", fine, "installed" if fine else "not installed", "" if fine else "make setup")


def _loopback() -> Finding:
    try:
        with socket.socket() as probe:
            probe.bind(("127.77.77.77", 0))
    except OSError as error:
        return Finding("127.0.0.0/8", False, str(error), "the local cloud needs Linux's loopback block")
    return Finding("127.0.0.0/8", True, "usable")


def _image(project: Project) -> Finding:
    from fedstack.localcloud import images

    built = images.is_built(project.root / "images/flower-sklearn")
    return Finding("Flower image", built, "built" if built else "not built", "" if built else "make setup")


def _cloud(cloud: Mapping[str, object]) -> Finding:
    running = bool(cloud.get("running"))
    found = f"{cloud['rpc']}, {cloud['vms']} VMs" if running else "not running"
    return Finding("local cloud", running, found, "" if running else "fedstack cloud start")


def _credentials(cloud: Mapping[str, object]) -> Iterator[Finding]:
    file = Path(str(cloud.get("auth_file") or ""))
    if file.is_file():
        mode = file.stat().st_mode & 0o777
        yield Finding("credentials", mode == 0o600, f"{file} {mode:04o}", "" if mode == 0o600 else f"chmod 600 {file}")


def examine(project: Project, cloud: Mapping[str, object], local: bool) -> list[Finding]:
    """Everything that is looked at, in the order in which it is needed; the local cloud only for a local stack."""
    findings = [_python(), _pulumi(), _provider_sdk()]
    if local:
        findings += [_loopback(), _image(project), _cloud(cloud), *_credentials(cloud)]
    return findings
