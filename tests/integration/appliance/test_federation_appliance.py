"""A real SuperLink and two real SuperNodes on the process hypervisor: boot, enrolment, failures, undeploy."""

import asyncio
import base64
import os
import re
import shutil
import signal
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fedstack.appliance import certificates, flower, health, keys, runtime, status
from fedstack.appliance import superlink as superlink_boot
from fedstack.appliance import supernode as supernode_boot
from fedstack.appliance.certificates import Material
from fedstack.appliance.control import Control, RegisteredNode
from fedstack.appliance.launch import Launch
from fedstack.appliance.status import State
from fedstack.localcloud.guest import MARK
from fedstack.localcloud.hypervisors.process import read_identity
from fedstack.processes import is_alive, marked
from tests.integration.appliance.federation import (
    POWEROFF,
    READY_SECONDS,
    RUNNING,
    WARNING,
    Federation,
    Machine,
    cloud,
    remote_addresses,
)
from tests.support.waiting import wait_for

pytestmark = pytest.mark.xdist_group("federation")


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    with cloud(tmp_path_factory.mktemp("fl") / "cloud") as running:
        made = Federation(running)
        made.deploy(2)
        made.wait_for_state(RUNNING)
        yield made


def superlink(federation: Federation) -> Machine:
    (found,) = federation.machines("superlink")
    return found


def registered_nodes(link: Machine) -> dict[str, RegisteredNode]:
    """What the SuperLink says about its nodes, by fingerprint."""
    image, launch = runtime.find(link.paths), Launch.load(link.paths.launch_file)

    async def ask() -> list[RegisteredNode]:
        control = Control(image.control_command(launch), image.base_environment())
        try:
            return await control.nodes()
        finally:
            await control.close()

    return {node.fingerprint: node for node in asyncio.run(ask())}


def online(link: Machine) -> set[str]:
    return {name for name, node in registered_nodes(link).items() if node.status == "online"}


def test_the_superlink_published_all_that_supernodes_need(federation: Federation) -> None:
    link = superlink(federation)
    said = link.attributes
    assert said["FL_READY"] == said["READY"] == said["FL_TLS"] == said["FL_ENROLMENT"] == "YES"
    assert said["FL_ENDPOINT"] == f"{link.address}:9092"
    assert said["FL_CONTROL_ENDPOINT"] == f"{link.address}:9093"
    assert said["FL_VERSION"] == "1.36.0"
    assert said["FL_ROLE"] == "superlink"
    assert "PRIVATE" not in str(said)


def test_the_supernodes_are_connected_with_their_part_of_the_data(federation: Federation) -> None:
    nodes = federation.machines("supernode")
    assert [node.attributes["FL_NODE_CONFIG"] for node in nodes] == [
        "partition-id=0 num-partitions=2",
        "partition-id=1 num-partitions=2",
    ]
    assert {node.attributes["FL_NODE_READY"] for node in nodes} == {"YES"}
    assert [node.attributes["FL_NODE_ID"] for node in nodes] == [str(node.vm_id) for node in nodes]
    published = {keys.fingerprint(node.attributes["FL_NODE_PUBLIC_KEY"]) for node in nodes}
    link = superlink(federation)
    assert set(link.attributes["FL_REGISTERED"].split()) == published
    assert online(link) == published


LINE = re.compile(r"^\[\S+Z\] \[INFO\] \[flower-\w+\] step (\S+) (\S+) done in \d+\.\d{3} s(?:: .+)?$", re.MULTILINE)


def test_every_step_has_its_line_with_its_duration_and_nothing_failed(federation: Federation) -> None:
    """The steps of reference 3.2 and 4.2 in order; what is published is out before READY is reported."""
    expected = {
        "superlink": [*((step.number, step.name) for step in superlink_boot.STEPS), ("12", "report")],
        "supernode": [*((step.number, step.name) for step in supernode_boot.STEPS), ("15", "report")],
    }
    for role, steps in expected.items():
        for machine in federation.machines(role):
            wait_for(lambda machine=machine: " report done in " in machine.boot_log, 15, "the report")
            assert LINE.findall(machine.boot_log) == steps
            assert not re.search(r"\[(ERROR|WARNING)\]", machine.boot_log)


def test_secrets_are_private_and_in_no_log(federation: Federation) -> None:
    for machine in [superlink(federation), *federation.machines("supernode")]:
        root = machine.paths.root
        token = (root / "run" / "one-context" / "token.txt").read_text().strip()
        for path in machine.directory.rglob("*.key"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for log in [*machine.paths.logs.iterdir(), root / "var" / "log" / "one-context.log"]:
            text = log.read_text()
            assert token not in text
            assert "PRIVATE KEY" not in text
        for pid in machine.processes():
            assert token.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_nothing_talks_to_the_world(federation: Federation) -> None:
    machines = [superlink(federation), *federation.machines("supernode")]
    pids = [pid for machine in machines for pid in machine.processes()]
    addresses = remote_addresses(pids)
    assert superlink(federation).address in addresses
    assert {address for address in addresses if not address.startswith("127.")} <= {"0.0.0.0"}  # noqa: S104


def join(link: Machine, launch: Launch, log: Path) -> tuple[str, str]:
    """Runs a SuperNode of its own against the SuperLink: how that ends, and the reason."""
    image = runtime.find(link.paths)

    async def attempt() -> tuple[str, str]:
        events: list[flower.Event] = []
        process = await flower.start(image, launch, log)
        process.release()
        try:
            async with asyncio.timeout(60):
                await process.listen(events.append)
        finally:
            await process.stop()
        said = next(event for event in events if event["event"] in {"activated", "failed"})
        return said["event"], said.get("reason", "")

    return asyncio.run(attempt())


def stranger(node: Machine, directory: Path, ca: Path, key: Path | None = None) -> Launch:
    """The launch of a real SuperNode on an address of its own; without `key` it has one that nobody registered."""
    launch = Launch.load(node.paths.launch_file)
    block = ".".join(node.address.split(".")[:2])
    arguments = list(launch.arguments)
    for name, value in (
        ("--auth-supernode-private-key", str(key or keys.create(directory / "keys").path)),
        ("--root-certificates", str(ca)),
        ("--host", f"{block}.250.9"),
    ):
        arguments[arguments.index(name) + 1] = value
    home = {"FLWR_HOME": str(directory / "home")}
    return replace(launch, arguments=arguments, environment=launch.environment | home)


def test_a_supernode_with_an_unregistered_key_cannot_join(federation: Federation, tmp_path: Path) -> None:
    link, (node, *_) = superlink(federation), federation.machines("supernode")
    before = registered_nodes(link).keys()
    launch = stranger(node, tmp_path, node.paths.certificates / "ca.crt")
    event, reason = join(link, launch, tmp_path / "log")
    assert (event, "Failed to activate SuperNode" in reason) == ("failed", True)
    assert registered_nodes(link).keys() == before


def test_a_supernode_with_another_ca_cannot_join(federation: Federation, tmp_path: Path) -> None:
    link, (node, *_) = superlink(federation), federation.machines("supernode")
    other = Material(tmp_path / "certs")
    certificates.generate(other, link.address, certificates.alternative_names(link.address, ""))
    event, reason = join(link, stranger(node, tmp_path, other.ca), tmp_path / "log")
    assert event == "failed"
    assert "handshake" in reason.lower() + (tmp_path / "log").read_text().lower()


def test_grpc_got_the_keepalive_options(federation: Federation) -> None:
    both = "grpc.keepalive_time_ms=60000 grpc.keepalive_timeout_ms=20000"
    assert superlink(federation).boot_log.count(f"gRPC server options: {both}") == 1
    for node in federation.machines("supernode"):
        assert node.boot_log.count(f"gRPC client options: {both}") == 1


def wait_connected(node: Machine, old_pid: int | None) -> None:
    """Until the supervisor says that another process than `old_pid` is connected."""

    def connected() -> bool:
        seen = status.load(node.paths.status_file)
        return seen is not None and seen.is_current and seen.state is State.CONNECTED and seen.pid != old_pid

    wait_for(connected, READY_SECONDS, "the connection", 0.05)


FAILED = {"FL_NODE_READY": "NO", "FL_ERROR": "connection_failed", "FL_ERROR_DETAIL": "not connected"}


def took_its_failure_back(federation: Federation, node: Machine) -> bool:
    said = federation.machine(node.vm_id).attributes
    return said["FL_NODE_READY"] == "YES" and not said.keys() & {"FL_ERROR", "FL_ERROR_DETAIL"}


def test_a_killed_flower_process_of_a_supernode_comes_back_and_takes_a_failed_boot_back(
    federation: Federation,
) -> None:
    link, (node, *_) = superlink(federation), federation.machines("supernode")
    federation.publish(node.vm_id, FAILED)
    health.write_outcome(node.paths, FAILED["FL_ERROR_DETAIL"])
    before, identity = node.status(), read_identity(node.directory)
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    wait_connected(node, before.pid)
    assert read_identity(node.directory) == identity
    assert federation.service()["state"] == RUNNING
    key = keys.ensure(node.paths.keys)
    assert online(link) == {keys.ensure(one.paths.keys).fingerprint for one in federation.machines("supernode")}
    assert federation.machine(node.vm_id).attributes["FL_NODE_PUBLIC_KEY"] == key.public
    wait_for(lambda: took_its_failure_back(federation, node), 15, "the facts", 0.05)
    assert health.check("supernode", node.paths) is None


def test_a_killed_flower_process_of_the_superlink_comes_back(federation: Federation) -> None:
    link = superlink(federation)
    before = link.status().pid
    assert before is not None
    nodes = online(link)
    os.kill(before, signal.SIGKILL)
    wait_connected(link, before)
    assert federation.machine(link.vm_id).attributes["FL_READY"] == "YES"  # a crash is transient (reference 3.5)
    assert wait_for(lambda: online(link) == nodes, 30, "the SuperNodes")


def test_a_killed_vm_leaves_nothing_and_comes_back_by_resume_without_its_old_error(federation: Federation) -> None:
    node = federation.machines("supernode")[1]
    federation.publish(node.vm_id, FAILED)
    mark, pid, _ = read_identity(node.directory)
    assert len(node.processes()) >= 4
    os.killpg(pid, signal.SIGKILL)
    wait_for(lambda: federation.machine_state(node.vm_id) == POWEROFF, 15, "POWEROFF", 0.05)
    assert read_identity(node.directory)[0] == mark
    assert node.processes() == []
    federation.wait_for_state(WARNING)
    federation.resume(node.vm_id)
    wait_connected(node, None)
    federation.wait_for_state(RUNNING)
    wait_for(lambda: took_its_failure_back(federation, node), 15, "the facts", 0.05)
    expected = {keys.ensure(one.paths.keys).fingerprint for one in federation.machines("supernode")}
    assert online(superlink(federation)) == expected


def test_supernodes_follow_a_superlink_that_was_made_anew(federation: Federation) -> None:
    link, nodes = superlink(federation), federation.machines("supernode")
    old = (link.paths.certificates / "ca.crt").read_bytes()
    lives = [node.status().pid for node in nodes]
    federation.recreate(link.vm_id)
    for node, pid in zip(nodes, lives, strict=True):
        wait_connected(node, pid)
    new = (link.paths.certificates / "ca.crt").read_bytes()
    assert new != old
    assert {(node.paths.certificates / "ca.crt").read_bytes() for node in nodes} == {new}
    assert online(link) == {keys.ensure(node.paths.keys).fingerprint for node in nodes}


def test_a_rotation_of_certificates_goes_on_after_the_superlinks_vm_was_killed(federation: Federation) -> None:
    link, nodes = superlink(federation), federation.machines("supernode")
    published, lives = link.attributes["FL_CA_CERT"], [node.status().pid for node in nodes]
    federation.publish(link.vm_id, {"FL_ROTATE": "a1"})
    wait_for(lambda: federation.machine(link.vm_id).attributes["FL_CA_CERT"] != published, 30, "the new CA", 0.05)
    os.killpg(read_identity(link.directory)[1], signal.SIGKILL)
    wait_for(lambda: federation.machine_state(link.vm_id) == POWEROFF, 15, "POWEROFF", 0.05)
    federation.resume(link.vm_id)
    wait_for(lambda: "FL_ROTATED" in federation.machine(link.vm_id).attributes, READY_SECONDS, "the answer")
    said = federation.machine(link.vm_id).attributes
    assert said["FL_ROTATED"].startswith("a1 done")
    for node, pid in zip(nodes, lives, strict=True):
        wait_connected(node, pid)
    new = base64.b64decode(said["FL_CA_CERT"])
    assert {(each.paths.certificates / "ca.crt").read_bytes() for each in (link, *nodes)} == {new}
    assert online(link) == {keys.ensure(node.paths.keys).fingerprint for node in nodes}


def test_a_supernode_that_is_scaled_away_loses_its_right_to_connect(federation: Federation, tmp_path: Path) -> None:
    link, (oldest, other) = superlink(federation), federation.machines("supernode")
    gone, kept = (keys.ensure(node.paths.keys).fingerprint for node in (oldest, other))
    key = Path(shutil.copy(oldest.paths.keys / "supernode.key", tmp_path))
    replay = stranger(oldest, tmp_path, other.paths.certificates / "ca.crt", key)
    federation.scale(1)
    wait_for(lambda: federation.machine(link.vm_id).attributes["FL_REGISTERED"] == kept, 30, "the revocation", 0.05)
    assert [node.vm_id for node in federation.machines("supernode")] == [other.vm_id]
    assert registered_nodes(link)[gone].status == "unregistered"
    assert online(link) == {kept}
    event, reason = join(link, replay, tmp_path / "log")
    assert (event, "Failed to activate SuperNode" in reason) == ("failed", True)


def test_undeploy_ends_everything_in_order_and_leaves_an_intact_database(
    federation: Federation, tmp_path: Path
) -> None:
    machines = [superlink(federation), *federation.machines("supernode")]
    identities = [read_identity(machine.directory) for machine in machines]
    for file in machines[0].paths.state.glob("state.db*"):
        os.link(file, tmp_path / file.name)  # the VM's directory goes away with the VM
    log = tmp_path / "flower.log"
    os.link(machines[1].paths.logs / "flower-supernode.log", log)
    federation.undeploy()
    assert [is_alive(pid, started) for _, pid, started in identities] == [False] * len(machines)
    assert [pid for mark, _, _ in identities for pid in marked(MARK, mark)] == []
    assert "SuperNode terminated gracefully" in log.read_text()
    with sqlite3.connect(tmp_path / "state.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        states = {state for (state,) in database.execute("SELECT status FROM node")}
    assert states <= {"offline", "unregistered"}
