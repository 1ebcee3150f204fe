"""The SuperLink's regular look at its service: registrations, and requests that operators leave in its VM."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fedstack.appliance.control import Control, ControlError
from fedstack.appliance.onegate import GateError, OneGate
from fedstack.appliance.registrar import Registrar
from fedstack.appliance.rotation import Rotation

BUSY_SECONDS = 2.0
IDLE_SECONDS = 10.0
_HELPER_IDLE_SECONDS = 60.0


class Agent:
    """Runs beside a SuperLink with TLS. `registrar` None: SuperNodes are not authenticated."""

    def __init__(
        self,
        gate: OneGate,
        control: Control,
        registrar: Registrar | None,
        rotation: Rotation,
        say: Callable[[str], None],
    ) -> None:
        self._gate = gate
        self._control = control
        self._registrar = registrar
        self._rotation = rotation
        self._say = say
        self._trouble = ""

    async def begin(self) -> None:
        """Before Flower is started: what was known of an earlier one counts no longer."""
        await self._control.close()  # it trusts the CA of the time when it was started
        self._forget()
        self._rotation.begin()

    async def run(self) -> None:
        """Goes on until it is cancelled; returns when Flower has to be started anew, with other certificates."""
        quiet = 0.0
        while (pause := await self._safe_look()) is not None:
            quiet = quiet + pause if pause == IDLE_SECONDS else 0.0
            if quiet > _HELPER_IDLE_SECONDS:
                await self._control.close()
            await asyncio.sleep(pause)

    def _forget(self) -> None:
        if self._registrar:
            self._registrar.forget()

    async def _safe_look(self) -> float | None:
        """Looks; what goes wrong is said once, not at every look."""
        pause: float | None = BUSY_SECONDS
        trouble = ""
        try:
            pause = await self.look()
        except Exception as error:  # one odd document must not end the enrolment of all others
            trouble = str(error) if isinstance(error, GateError | ControlError) else repr(error)
            self._forget()
        if trouble and trouble != self._trouble:
            self._say(trouble)
        self._trouble = trouble
        return pause

    async def look(self) -> float | None:
        """Looks once; the seconds until the next look, None when Flower has to be started anew.

        Raises GateError, ControlError.
        """
        document = await asyncio.to_thread(self._gate.service)
        lacking = await self._registrar.look(document) if self._registrar else False
        if await self._rotation.look(document):
            return None
        return BUSY_SECONDS if lacking else IDLE_SECONDS
