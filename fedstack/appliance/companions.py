"""What accompanies a Flower process while it lives: a SuperLink registers its nodes, a SuperNode gets registered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from fedstack.appliance.agent import Agent
from fedstack.appliance.bootlog import BootLog
from fedstack.appliance.control import Control
from fedstack.appliance.enrolment import Enrolment
from fedstack.appliance.health import accepts
from fedstack.appliance.launch import Launch
from fedstack.appliance.onegate import OneGate
from fedstack.appliance.paths import Paths
from fedstack.appliance.registrar import Registrar
from fedstack.appliance.rotation import Rotation
from fedstack.appliance.runtime import Runtime
from fedstack.appliance.trust import Trust

_LISTEN_EVERY = 0.05


class Companion(Protocol):
    """The supervisor's questions about the role that its process has."""

    async def permission(self) -> None:
        """Returns when the process may go on from its start (it has imported Flower meanwhile)."""

    async def accompany(self, connected: Callable[[], None]) -> None:
        """Goes on until it is cancelled; calls `connected` if it is the one to see that.

        Returns when Flower has to be started anew, because its certificates have changed.
        """

    async def refused(self, reason: str) -> bool:
        """After a refusal: True when something was changed and a new try makes sense at once."""


class SuperLinkCompanion:
    """Sees that both APIs listen, then works for the service. `agent` None: without TLS there is nothing to do."""

    def __init__(self, launch: Launch, agent: Agent | None) -> None:
        self._launch = launch
        self._agent = agent

    async def permission(self) -> None:
        """At once."""
        if self._agent:
            await self._agent.begin()

    async def accompany(self, connected: Callable[[], None]) -> None:
        """Waits for the APIs, then works for the SuperNodes and for requests of operators."""
        for address in (self._launch.fleet_address, self._launch.control_address):
            while not await asyncio.to_thread(accepts, address):
                await asyncio.sleep(_LISTEN_EVERY)
        connected()
        await (self._agent.run() if self._agent else _for_ever())

    async def refused(self, reason: str) -> bool:
        """Nobody refuses a SuperLink."""
        del reason
        return False


class SuperNodeCompanion:
    """Waits for this node's registration, follows its SuperLink. None: there is nothing to wait for, or to follow."""

    def __init__(self, enrolment: Enrolment | None, trust: Trust | None) -> None:
        self._enrolment = enrolment
        self._trust = trust

    async def permission(self) -> None:
        """When the SuperLink knows this node's key and has a certificate that it trusts: else Flower gives up."""
        if self._enrolment:
            await self._enrolment.registered()
        if self._trust:
            await self._trust.presented()

    async def accompany(self, connected: Callable[[], None]) -> None:
        """Looks for a new CA. Flower itself says when it is activated."""
        del connected
        await (self._trust.renewed() if self._trust else _for_ever())

    async def refused(self, reason: str) -> bool:
        """Looks for a way back: another key, or another CA."""
        if self._enrolment and await self._enrolment.recover(reason):
            return True
        return self._trust is not None and await self._trust.follow()


async def _for_ever() -> None:
    await asyncio.Event().wait()


def companion(paths: Paths, launch: Launch, image: Runtime, gate: OneGate | None, log: BootLog) -> Companion:
    """Who accompanies a launch. Without OneGate, or with a static address, a VM has no service to look at."""

    def say(message: str) -> None:
        log.info(f"enrolment: {message}")

    def note(message: str) -> None:
        log.info(f"certificates: {message}")

    if launch.appliance == "superlink":
        if not (gate and launch.ca):
            return SuperLinkCompanion(launch, None)
        control = Control(image.control_command(launch), image.base_environment())
        registrar = Registrar(gate, control, paths.state / "enrolled.json", say) if launch.supernode_auth else None
        return SuperLinkCompanion(launch, Agent(gate, control, registrar, Rotation(gate, control, paths, note), say))
    if launch.static or not (gate and launch.ca):
        return SuperNodeCompanion(None, None)
    enrolment = Enrolment(gate, paths.keys, launch.refusal, say) if launch.supernode_auth else None
    return SuperNodeCompanion(enrolment, Trust(gate, Path(launch.ca), launch.fleet_address, note))
