"""What accompanies a Flower process while it lives: a SuperLink registers its nodes, a SuperNode gets registered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from fedstack.appliance.agent import Agent
from fedstack.appliance.enrolment import Enrolment
from fedstack.appliance.health import accepts
from fedstack.appliance.launch import Launch

_LISTEN_EVERY = 0.05


class Companion(Protocol):
    """The supervisor's questions about the role that its process has."""

    async def permission(self) -> None:
        """Returns when the process may go on from its start (it has imported Flower meanwhile)."""

    async def accompany(self, connected: Callable[[], None]) -> None:
        """Goes on until it is cancelled; calls `connected` if it is the one to see that."""

    async def refused(self, reason: str) -> bool:
        """After a refusal: True when something was changed and a new try makes sense at once."""


class SuperLinkCompanion:
    """Sees that both APIs listen, then keeps the registrations up to date. `agent` None: nodes need none."""

    def __init__(self, launch: Launch, agent: Agent | None) -> None:
        self._launch = launch
        self._agent = agent

    async def permission(self) -> None:
        """At once."""

    async def accompany(self, connected: Callable[[], None]) -> None:
        """Waits for the APIs, then works for the SuperNodes."""
        for address in (self._launch.fleet_address, self._launch.control_address):
            while not await asyncio.to_thread(accepts, address):
                await asyncio.sleep(_LISTEN_EVERY)
        connected()
        if self._agent:
            await self._agent.run()

    async def refused(self, reason: str) -> bool:
        """Nobody refuses a SuperLink."""
        del reason
        return False


class SuperNodeCompanion:
    """Waits for this node's registration. `enrolment` None: there is none to wait for."""

    def __init__(self, enrolment: Enrolment | None) -> None:
        self._enrolment = enrolment

    async def permission(self) -> None:
        """When the SuperLink knows this node's key: before that Flower would give up at once."""
        if self._enrolment:
            await self._enrolment.registered()

    async def accompany(self, connected: Callable[[], None]) -> None:
        """Nothing to do: Flower itself says when it is activated."""
        del connected

    async def refused(self, reason: str) -> bool:
        """Looks for a way back."""
        return self._enrolment is not None and await self._enrolment.recover(reason)
