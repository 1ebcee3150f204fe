"""READY=YES in place of a guest agent that has given up: when it is due, and when it is nobody's business."""

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fedstack.appliance import health, late
from fedstack.appliance.context import Context
from fedstack.appliance.launch import Launch
from fedstack.appliance.onegate import GateError
from fedstack.appliance.paths import Paths
from fedstack.appliance.status import State, Status
from fedstack.context import effective
from fedstack.processes import start_time


class Gate:
    """This VM; the first `refusals` requests fail."""

    def __init__(self, template: dict[str, str], refusals: int = 0) -> None:
        self.template = template
        self.refusals = refusals
        self.published: list[Mapping[str, str]] = []

    def vm(self) -> dict[str, Any]:
        if self.refusals:
            self.refusals -= 1
            raise GateError("away")
        return {"VM": {"USER_TEMPLATE": self.template}}

    def publish(self, attributes: Mapping[str, str]) -> None:
        self.published.append(attributes)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A SuperNode that is connected and whose boot has just ended well."""
    made = Paths(tmp_path)
    Launch("supernode", "flower-supernode", [], {}, "1.36", "127.0.0.1:9092").save(made.launch_file)
    Status(State.CONNECTED, os.getpid(), start_time(os.getpid()) or 0).save(made.status_file)
    health.write_outcome(made, None)
    return made


def report(paths: Paths, gate: Gate, seconds: float = 0.0) -> list[str]:
    """Runs it to its end; what it said."""
    said: list[str] = []

    async def run() -> None:
        async with asyncio.timeout(30):
            await late.report("supernode", paths, gate, seconds, said.append)  # type: ignore[arg-type]

    asyncio.run(run())
    return said


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"REPORT_READY": "YES"}, 30.0),
        ({"REPORT_READY": "YES", "RETRY_COUNT": "5", "RETRY_WAIT_PERIOD": "2"}, 10.0),
        ({"REPORT_READY": "YES", "RETRY_COUNT": "many"}, 30.0),
        ({"REPORT_READY": "NO"}, None),
        ({}, None),
    ],
)
def test_the_agents_time_is_what_the_context_gives_it(given: dict[str, str], seconds: float | None) -> None:
    assert late.patience(Context("supernode", given, effective("supernode", given), None)) == seconds


def test_what_the_agent_has_not_reported_is_reported(paths: Paths) -> None:
    gate = Gate({"FL_NODE_READY": "YES"})
    assert report(paths, gate) == ["READY=YES reported: this machine became ready after the guest agent had given up"]
    assert gate.published == [{"READY": "YES"}]


def test_what_the_agent_has_reported_is_not_reported_again(paths: Paths) -> None:
    gate = Gate({"READY": "YES"})
    assert report(paths, gate) == []
    assert gate.published == []


@pytest.mark.parametrize("state", [State.WAITING, State.ENROLLING, State.FAILED])
def test_nothing_is_reported_that_the_health_check_would_not_allow(paths: Paths, state: State) -> None:
    Status(state, os.getpid(), start_time(os.getpid()) or 0).save(paths.status_file)
    gate = Gate({})
    report(paths, gate)
    assert gate.published == []


def test_nothing_is_reported_of_a_boot_that_failed(paths: Paths) -> None:
    health.write_outcome(paths, "step 12 connection: not connected")
    gate = Gate({})
    report(paths, gate)
    assert gate.published == []


def test_the_agent_comes_first(paths: Paths) -> None:
    gate = Gate({})
    start = time.time()
    report(paths, gate, seconds=paths.outcome_file.stat().st_mtime - start + 0.3)
    assert time.time() - start >= 0.25
    assert gate.published == [{"READY": "YES"}]


def test_it_waits_for_the_end_of_the_boot(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "_LOOK_SECONDS", 0.01)
    paths.outcome_file.unlink()
    gate, ended = Gate({}), False

    async def run() -> None:
        nonlocal ended
        work = asyncio.create_task(late.report("supernode", paths, gate, 0.0, lambda _: None))  # type: ignore[arg-type]
        await asyncio.wait({work}, timeout=0.1)
        ended = work.done()
        health.write_outcome(paths, None)
        async with asyncio.timeout(30):
            await work

    asyncio.run(run())
    assert not ended
    assert gate.published == [{"READY": "YES"}]


def test_a_onegate_that_is_away_is_asked_again(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "_LOOK_SECONDS", 0.001)
    gate = Gate({}, refusals=2)
    report(paths, gate)
    assert gate.published == [{"READY": "YES"}]
