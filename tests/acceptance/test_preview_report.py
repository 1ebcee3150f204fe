"""Reports on real previews, held to snapshots: a reviewer reads from them what restarts, and why.

`FEDSTACK_WRITE_REPORTS=1` writes the snapshots anew.
"""

import base64
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.workspace import Workspace

REPORTS = Path(__file__).parent / "reports"
Settings = dict[str, Any]


def pem(kind: str) -> str:
    """Base64 of what looks like PEM: nothing in a preview reads more of it."""
    return base64.b64encode(f"-----BEGIN {kind}-----\n{secrets.token_hex(30)}\n".encode()).decode()


def more_supernodes(settings: Settings) -> None:
    settings["supernodes"]["count"] = 5


def fewer_supernodes(settings: Settings) -> None:
    settings["supernodes"]["count"] = 2


def more_rounds(settings: Settings) -> None:
    settings["training"]["rounds"] = 10


def wider_bounds(settings: Settings) -> None:
    settings["supernodes"]["max"] = 20


def debug_log(settings: Settings) -> None:
    settings["logging"] = {"level": "DEBUG"}


def larger_supernodes(settings: Settings) -> None:
    settings["supernodes"]["memoryMb"] = 1024


def other_image(settings: Settings) -> None:
    settings["image"] = {"path": "images/other"}


def smaller_network(settings: Settings) -> None:
    settings["network"] = {"addressRanges": [{"size": 32, "ipam": "local"}]}


def without_tls(settings: Settings) -> None:
    settings["tls"] = {"enabled": False}


CHANGES: dict[str, tuple[Callable[[Settings], None], int]] = {
    "more-supernodes": (more_supernodes, 0),
    "fewer-supernodes": (fewer_supernodes, 4),
    "more-rounds": (more_rounds, 0),
    "wider-bounds": (wider_bounds, 0),
    "debug-log": (debug_log, 4),
    "larger-supernodes": (larger_supernodes, 4),
    "other-image": (other_image, 4),
    "smaller-network": (smaller_network, 0),
    "without-tls": (without_tls, 3),
}
"""What is changed, and the exit code with --fail-on-restart."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A stack of three SuperNodes that is still to be deployed, under a pack that demands TLS."""
    with Workspace.running(tmp_path_factory.mktemp("preview-report"), "--hypervisor", "simulated") as space:
        space.edit_config(count=3)
        (space.root / "policies/dev.json").write_text('{"tls-enabled": "mandatory"}')
        other = shutil.copytree(space.root / "images/flower-sklearn", space.root / "images/other")
        (other / "image.toml").write_text((other / "image.toml").read_text() + "# rebuilt\n")
        space.create_stack()
        yield space


@pytest.fixture(scope="module")
def deployed(workspace: Workspace) -> Workspace:
    """After the report on the first deployment: the stack is up."""
    check(workspace, "first-deployment", 0)
    done = workspace.pulumi("up", "--yes", "--suppress-progress")
    assert done.returncode == 0, done.stdout + done.stderr
    return workspace


def report(workspace: Workspace, code: int) -> str:
    done = workspace.fedstack("preview-report", "--fail-on-restart", "--out", "report.md")
    text = (workspace.root / "report.md").read_text()
    assert done.returncode == code, done.stderr + text
    assert done.stdout == ""
    return text


def check(workspace: Workspace, name: str, code: int) -> None:
    """The report without the diff is the snapshot."""
    text, _, diff = report(workspace, code).partition("<details>")
    assert "Previewing update (dev)" in diff
    seen = re.sub(r"\b(?:[0-9a-f]{16}|[0-9a-f]{8})\b", "DIGEST", text.replace(str(workspace.root), "WORKSPACE"))
    snapshot = REPORTS / f"{name}.md"
    if os.environ.get("FEDSTACK_WRITE_REPORTS"):
        snapshot.write_text(seen)
    assert seen == snapshot.read_text()


def change(workspace: Workspace, edit: Callable[[Settings], None]) -> Callable[[], None]:
    """Edits the stack's configuration; returns what brings it back."""
    file = workspace.root / "Pulumi.dev.yaml"
    before = file.read_text()
    config = yaml.safe_load(before)
    edit(config["config"]["fedstack:federation"])
    file.write_text(yaml.safe_dump(config))
    return lambda: file.write_text(before) and None


def test_nothing_changed(deployed: Workspace) -> None:
    check(deployed, "no-change", 0)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change(deployed: Workspace, name: str) -> None:
    edit, code = CHANGES[name]
    undo = change(deployed, edit)
    try:
        check(deployed, name, code)
    finally:
        undo()


def test_secrets_are_masked(deployed: Workspace) -> None:
    certificate, key = pem("CERTIFICATE"), pem("PRIVATE KEY")

    def certificates(settings: Settings) -> None:
        settings["tls"] = {"caCertificate": certificate, "certificate": certificate, "privateKey": key}

    undo = change(deployed, certificates)
    try:
        text = report(deployed, 0)
    finally:
        undo()
    assert "FL_SSL_CERTFILE" in text
    assert "`fedstack rotate-certs` makes the federation take" in text
    assert key not in text


def test_a_program_that_fails(deployed: Workspace) -> None:
    def misspelled(settings: Settings) -> None:
        settings["supernode"] = settings.pop("supernodes")

    undo = change(deployed, misspelled)
    try:
        text = report(deployed, 1)
    finally:
        undo()
    assert ": failed" in text
    assert "supernodes" in text
    assert "Traceback" not in text


def test_a_stack_that_does_not_exist(deployed: Workspace) -> None:
    done = deployed.fedstack("preview-report", "--stack", "nowhere", "--out", "nowhere.md")
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert not (deployed.root / "nowhere.md").exists()
