"""An error that was published is taken back: by a later boot that succeeds, and by a connection that comes late."""

import asyncio
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from fedstack.appliance import boot, facts, files, health
from fedstack.appliance.boot import Boot
from fedstack.appliance.bootlog import BootLog
from fedstack.appliance.failure import ErrorCode, StepError
from fedstack.appliance.launch import Launch
from fedstack.appliance.onegate import GateError, OneGate
from fedstack.appliance.paths import Paths
from fedstack.appliance.status import State, Status
from fedstack.appliance.steps import Step
from fedstack.appliance.supervisor import Supervisor
from fedstack.processes import start_time

FACTS = {"FL_NODE_READY": "YES", "FL_NODE_ID": "7"}
ERRORS = {"FL_NODE_READY": "NO", "FL_ERROR": "connection_failed", "FL_ERROR_DETAIL": "not connected"}


class Gate:
    """The user template of one VM; the first `refusals` requests fail."""

    def __init__(self, template: Mapping[str, str], refusals: int = 0) -> None:
        self.template = dict(template)
        self.refusals = refusals
        self.erased: list[str] = []

    def publish(self, attributes: Mapping[str, str]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise GateError("away")
        self.template |= attributes

    def erase(self, names: Iterable[str]) -> None:
        for name in names:
            if self.template.pop(name, None) is not None:
                self.erased.append(name)


class NodeBoot(Boot):
    """A boot with a gate and no steps of its own."""

    appliance = "supernode"

    def fine(self) -> None:
        """Does nothing."""

    def bad(self) -> None:
        """Fails."""
        raise StepError("no luck: READY=YES")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "root")


def booting(paths: Paths, gate: object) -> NodeBoot:
    made = NodeBoot(paths, BootLog(paths.logs / "boot.log"))
    made.gate = gate  # type: ignore[assignment]
    return made


def connect(paths: Paths, state: State = State.CONNECTED) -> None:
    Status(state, os.getpid(), start_time(os.getpid()) or 0).save(paths.status_file)


BAD = Step("12", "connection", NodeBoot.bad, ErrorCode.CONNECTION_FAILED)
FINE = Step("1", "fine", NodeBoot.fine, ErrorCode.CONNECTION_FAILED)


def test_a_boot_that_succeeds_takes_an_earlier_error_back(paths: Paths) -> None:
    gate = Gate({**ERRORS, "FL_VERSION": "1.36.0"})
    assert boot.run([FINE], booting(paths, gate)) == 0
    assert gate.erased == ["FL_ERROR", "FL_ERROR_DETAIL"]
    assert gate.template == {"FL_NODE_READY": "NO", "FL_VERSION": "1.36.0"}
    assert health.boot_error(paths) is None


def test_a_boot_that_fails_again_leaves_its_own_error(paths: Paths) -> None:
    gate = Gate(ERRORS)
    assert boot.run([BAD], booting(paths, gate)) == 1
    assert gate.erased == []
    assert gate.template["FL_ERROR"] == "connection_failed"
    assert gate.template["FL_ERROR_DETAIL"] == "step 12 connection: no luck: READY"
    assert "no luck" in (health.boot_error(paths) or "")


def test_without_onegate_only_the_outcome_is_kept(paths: Paths) -> None:
    assert boot.run([FINE], booting(paths, None)) == 0
    assert health.boot_error(paths) is None
    health.write_outcome(paths, "x")
    connect(paths)
    assert facts.recover(paths, None)
    assert health.boot_error(paths) is None


def test_a_connection_between_the_last_look_and_the_failure_counts(paths: Paths) -> None:
    gate = Gate({})
    facts.save(paths, FACTS)
    connect(paths)
    assert boot.run([BAD], booting(paths, gate)) == 1
    assert gate.template == FACTS
    assert health.boot_error(paths) is None


@pytest.mark.parametrize("state", [state for state in State if state is not State.CONNECTED])
def test_nothing_is_taken_back_without_a_connection(paths: Paths, state: State) -> None:
    health.write_outcome(paths, "x")
    connect(paths, state)
    assert not facts.recover(paths, OneGate("http://127.0.0.1:1", "7", "t"))


def test_nothing_is_taken_back_while_the_boot_goes_on_or_went_well(paths: Paths) -> None:
    connect(paths)
    assert not facts.recover(paths, OneGate("http://127.0.0.1:1", "7", "t"))
    health.write_outcome(paths, None)
    assert not facts.recover(paths, OneGate("http://127.0.0.1:1", "7", "t"))


def image(paths: Paths) -> Launch:
    """An environment with one program: a node that its SuperLink activates and that then stays."""
    environment = paths.environment
    info = environment / "lib" / "node-1.dist-info"
    files.write(info / "METADATA", "Metadata-Version: 2.1\nName: node\nVersion: 1\n", 0o644)
    files.write(info / "entry_points.txt", "[console_scripts]\nnode = node_program:main\n", 0o644)
    program = (
        "import logging, threading\n"
        "def main():\n"
        "    logging.getLogger('flwr').error('SuperNode ID: 77')\n"
        "    threading.Event().wait(60)\n"
    )
    files.write(environment / "lib" / "node_program.py", program, 0o644)
    python = f'#!/bin/sh\nPYTHONPATH={environment / "lib"} exec {sys.executable} "$@"\n'
    files.write(environment / "bin" / "python", python, 0o755)
    toml = '[flower]\nversion = "1.36.0"\ngeneration = "1.36"\n[framework]\nname = "sklearn"\n'
    files.write(environment / "image.toml", toml, 0o644)
    paths.logs.mkdir(parents=True)
    return Launch("supernode", "node", [], {}, "1.36", "127.0.0.1:9092")


async def supervised(supervisor: Supervisor, gate: Gate) -> None:
    """Runs it until the gate has the facts."""
    work = asyncio.create_task(supervisor.run())
    async with asyncio.timeout(30):
        while "FL_ERROR" in gate.template:
            await asyncio.sleep(0.01)
    os.kill(os.getpid(), 15)
    assert await work == 0


def test_a_supervisor_that_connects_after_a_failure_publishes_the_facts(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedstack.appliance.supervisor._RECOVER_EVERY", 0.05)
    gate, log = Gate(ERRORS, refusals=1), BootLog(paths.root / "boot.log")
    launch = image(paths)
    facts.save(paths, FACTS)
    health.write_outcome(paths, "step 12 connection: not connected")
    asyncio.run(supervised(Supervisor(paths, launch, gate, log), gate))  # type: ignore[arg-type]
    assert gate.template == FACTS
    assert health.boot_error(paths) is None
    said = log.path.read_text()
    assert said.count("cannot be taken back yet: away") == 1
    assert said.count("which is taken back") == 1
