"""The SuperLink's regular look: how soon the next one comes, what ends it, and that trouble is said once."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from fedstack.appliance import agent
from fedstack.appliance.agent import BUSY_SECONDS, IDLE_SECONDS, Agent
from fedstack.appliance.onegate import GateError


class Parts:
    """OneGate, the Control API, the registrar and the rotation in one."""

    def __init__(self) -> None:
        self.lacking = [False]
        self.restart = [False]
        self.failures: list[Exception] = []
        self.calls: list[str] = []

    def service(self) -> dict[str, Any]:
        if self.failures:
            raise self.failures.pop(0)
        return {}

    async def look(self, document: Mapping[str, Any]) -> bool:
        del document
        return self.lacking.pop(0) if len(self.lacking) > 1 else self.lacking[0]

    def forget(self) -> None:
        self.calls.append("forget")

    def begin(self) -> None:
        self.calls.append("begin")

    async def close(self) -> None:
        self.calls.append("close")


class Rotating(Parts):
    """The rotation alone: it is asked with the same words as the registrar."""

    async def look(self, document: Mapping[str, Any]) -> bool:
        del document
        return self.restart.pop(0) if len(self.restart) > 1 else self.restart[0]


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
def rotating() -> Rotating:
    return Rotating()


def made(parts: Parts, rotating: Rotating, said: list[str], *, registrar: bool = True) -> Agent:
    return Agent(parts, parts, parts if registrar else None, rotating, said.append)  # type: ignore[arg-type]


@pytest.mark.parametrize(("lacking", "pause"), [(True, BUSY_SECONDS), (False, IDLE_SECONDS)])
def test_it_looks_often_while_a_node_lacks_its_registration(
    parts: Parts, rotating: Rotating, lacking: bool, pause: float
) -> None:
    parts.lacking = [lacking]
    assert asyncio.run(made(parts, rotating, []).look()) == pause


def test_without_authentication_there_is_still_something_to_look_for(parts: Parts, rotating: Rotating) -> None:
    one = made(parts, rotating, [], registrar=False)
    assert asyncio.run(one.look()) == IDLE_SECONDS
    rotating.restart = [True]
    assert asyncio.run(one.look()) is None


def test_a_flower_that_starts_is_not_what_the_last_one_was(parts: Parts, rotating: Rotating) -> None:
    asyncio.run(made(parts, rotating, []).begin())
    assert parts.calls == ["close", "forget"]
    assert rotating.calls == ["begin"]


def test_it_ends_when_flower_has_to_be_started_anew_and_says_the_same_trouble_once(
    parts: Parts, rotating: Rotating, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "BUSY_SECONDS", 0.001)
    monkeypatch.setattr(agent, "IDLE_SECONDS", 0.002)
    parts.failures = [GateError("away"), GateError("away"), ValueError("odd")]
    rotating.restart = [False, True]
    said: list[str] = []
    asyncio.run(made(parts, rotating, said).run())
    assert said == ["away", "ValueError('odd')"]


def test_the_helper_ends_when_there_is_nothing_to_do(
    parts: Parts, rotating: Rotating, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "IDLE_SECONDS", 0.001)
    monkeypatch.setattr(agent, "_HELPER_IDLE_SECONDS", 0.0015)
    rotating.restart = [False, False, True]
    asyncio.run(made(parts, rotating, []).run())
    assert parts.calls == ["close"]
