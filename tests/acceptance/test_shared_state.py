"""The state of a team in S3: locks, secrets, backup and restore, by the real CLI on moto's server.

`FEDSTACK_CONCURRENT_UPS` is how often two deployments race (make stress: 20).
"""

import base64
import json
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.bucket import Bucket, served
from support.waiting import wait_for
from support.workspace import BIN, Workspace

STACK = "team"
RACES = int(os.environ.get("FEDSTACK_CONCURRENT_UPS", "2"))
PASSPHRASE = secrets.token_hex(16)
KEY = base64.b64encode(f"-----BEGIN PRIVATE KEY-----\n{secrets.token_hex(30)}\n".encode()).decode()
CERTIFICATE = base64.b64encode(f"-----BEGIN CERTIFICATE-----\n{secrets.token_hex(30)}\n".encode()).decode()
LOCK = "/locks/"
DEADLINE = 120


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    with served() as server:
        yield server


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, bucket: Bucket) -> Iterator[Workspace]:
    """A deployed stack whose state is in the bucket, with an operator's key as a secret."""
    with Workspace.running(tmp_path_factory.mktemp("shared-state"), "--hypervisor", "simulated") as space:
        config = yaml.safe_load((space.root / "Pulumi.dev.yaml").read_text())["config"]
        (space.root / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config}))
        done = pulumi(space, bucket, "stack", "init", "--secrets-provider", "passphrase")
        assert done.returncode == 0, done.stderr
        for name, value in {"caCertificate": CERTIFICATE, "certificate": CERTIFICATE, "privateKey": KEY}.items():
            path = f"fedstack:federation.tls.{name}"
            done = pulumi(space, bucket, "config", "set", "--secret", "--path", path, "--", value)
            assert done.returncode == 0, done.stderr
        done = up(space, bucket)
        assert done.returncode == 0, done.stdout + done.stderr
        yield space


def settings(workspace: Workspace, bucket: Bucket) -> dict[str, str]:
    """The environment of a member of the team."""
    mine = {**bucket.settings, "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}
    return {**workspace.settings(STACK), **mine}


def pulumi(workspace: Workspace, bucket: Bucket, *arguments: str) -> subprocess.CompletedProcess[str]:
    named = () if arguments[:2] == ("stack", "init") else ("--stack", STACK)
    last = (STACK,) if not named else ()
    head, separator, tail = _split(arguments)
    command = ("pulumi", *head, *named, "--non-interactive", *last, *separator, *tail)
    return workspace.run(*command, extra=settings(workspace, bucket))


def _split(arguments: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """What comes before and after `--`."""
    if "--" not in arguments:
        return arguments, (), ()
    place = arguments.index("--")
    return arguments[:place], ("--",), arguments[place + 1 :]


def up(workspace: Workspace, bucket: Bucket, *options: str) -> subprocess.CompletedProcess[str]:
    return pulumi(workspace, bucket, "up", "--yes", "--suppress-progress", *options)


def started(workspace: Workspace, bucket: Bucket) -> subprocess.Popen[str]:
    """An `up` that goes on in the background, in a process group of its own."""
    return subprocess.Popen(
        ["/usr/bin/env", "pulumi", "up", "--yes", "--suppress-progress", "--non-interactive", "--stack", STACK],
        cwd=workspace.root,
        env={**workspace.environment, **settings(workspace, bucket)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def set_count(workspace: Workspace, count: int) -> None:
    file = workspace.root / f"Pulumi.{STACK}.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"]["fedstack:federation"]["supernodes"]["count"] = count
    file.write_text(yaml.safe_dump(content))


def exported(workspace: Workspace, bucket: Bucket) -> dict[str, Any]:
    """The state, as the CLI reads it."""
    done = pulumi(workspace, bucket, "stack", "export")
    assert done.returncode == 0, done.stderr
    state: dict[str, Any] = json.loads(done.stdout)
    return state


def urns(state: dict[str, Any]) -> list[str]:
    return sorted(each["urn"] for each in state["deployment"]["resources"])


def settled(workspace: Workspace, bucket: Bucket) -> None:
    """The state has nothing pending, nothing twice, and agrees with program and cloud."""
    state = exported(workspace, bucket)
    assert not state["deployment"].get("pending_operations")
    assert len(urns(state)) == len(set(urns(state))) == 11 + 1
    done = pulumi(workspace, bucket, "preview", "--refresh", "--expect-no-changes", "--suppress-progress")
    assert done.returncode == 0, done.stdout + done.stderr


def supernodes(workspace: Workspace) -> int:
    return sum(vm.NAME.startswith("supernode") for vm in workspace.vms())


def test_no_secret_is_in_the_bucket_in_plain_text(workspace: Workspace, bucket: Bucket) -> None:
    keys = bucket.keys()
    assert any(key.endswith(f"{STACK}.json") for key in keys)
    lines = base64.b64decode(KEY).decode().splitlines()
    needles = [KEY, lines[1], PASSPHRASE, workspace.session().partition(":")[2]]
    for key in keys:
        content = bucket.read(key).decode(errors="replace")
        for place, needle in enumerate(needles):
            assert needle not in content, f"secret {place} is in {key}"
    for file in (workspace.root / f"Pulumi.{STACK}.yaml", *(workspace.root / ".fedstack/pulumi").rglob("*.json")):
        assert not any(needle in file.read_text() for needle in needles), file


def test_two_deployments_at_once(workspace: Workspace, bucket: Bucket) -> None:
    succeeded = 0
    for race in range(RACES):
        count = 3 + race % 2
        set_count(workspace, count)
        both = [started(workspace, bucket) for _ in range(2)]
        texts = [each.communicate(timeout=DEADLINE)[0] for each in both]
        codes = [each.returncode for each in both]
        winners = [code for code in codes if code == 0]
        succeeded += len(winners)
        for code, text in zip(codes, texts, strict=True):
            assert "Traceback" not in text and "panic" not in text, text
            if code:
                assert "the stack is currently locked by" in text, text
                assert supernodes(workspace) == count or not winners
        assert len(winners) <= 1, texts
        assert bucket.keys(LOCK) == [], "a lock is left behind"
        done = up(workspace, bucket)
        assert done.returncode == 0, done.stdout + done.stderr
        assert supernodes(workspace) == count
        settled(workspace, bucket)
    print(f"\n{RACES} races: {succeeded} with a winner, none with two, no state lost")


def test_a_lock_that_was_left_behind(workspace: Workspace, bucket: Bucket) -> None:
    before = urns(exported(workspace, bucket))
    set_count(workspace, 6)
    killed = started(workspace, bucket)
    wait_for(lambda: bucket.keys(LOCK), DEADLINE, "the lock")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert len(bucket.keys(LOCK)) == 1
    refused = up(workspace, bucket)
    assert refused.returncode != 0
    assert "the stack is currently locked by" in refused.stdout + refused.stderr
    assert "pulumi cancel" in refused.stdout + refused.stderr
    back = workspace.run(str(BIN / "fedstack"), "resume", "--stack", STACK, extra=settings(workspace, bucket))
    assert back.returncode == 0, back.stdout + back.stderr
    assert bucket.keys(LOCK) == []
    assert urns(exported(workspace, bucket)) == before
    assert supernodes(workspace) == 6
    settled(workspace, bucket)


def test_backup_and_restore(workspace: Workspace, bucket: Bucket, tmp_path: Path) -> None:
    backup = tmp_path / "team.json"
    assert pulumi(workspace, bucket, "stack", "export", "--file", str(backup)).returncode == 0
    assert KEY not in backup.read_text()
    machines = sorted(vm.ID for vm in workspace.vms())
    for key in bucket.keys(f"/{STACK}"):
        bucket.remove(key)
    lost = pulumi(workspace, bucket, "stack", "export")
    assert lost.returncode != 0
    assert pulumi(workspace, bucket, "stack", "init", "--secrets-provider", "passphrase").returncode == 0
    restored = pulumi(workspace, bucket, "stack", "import", "--file", str(backup))
    assert restored.returncode == 0, restored.stderr
    settled(workspace, bucket)
    assert sorted(vm.ID for vm in workspace.vms()) == machines


def test_destroy_leaves_nothing(workspace: Workspace, bucket: Bucket) -> None:
    done = pulumi(workspace, bucket, "destroy", "--yes", "--suppress-progress")
    assert done.returncode == 0, done.stdout + done.stderr
    assert workspace.vms() == []
    assert bucket.keys(LOCK) == []
