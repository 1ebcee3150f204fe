"""New certificates for a SuperLink that runs: an operator asks in its VM, the VM does it and answers there.

``FL_ROTATE`` is an id, maybe with ``force``; ``FL_ROTATED`` the same id and how it ended. A request is served once, and
goes on where it was when something is killed in between: the files know which rotation brought them.

The order: new files, complete and checked, take the place of the old ones; the new CA is published, while Flower still
runs with the old certificate; the SuperNodes leave, to come back with the new CA; when all have left, Flower is started
anew, and they find it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from fedstack.appliance import facts, files, service, tls
from fedstack.appliance.certificates import Material
from fedstack.appliance.control import Control
from fedstack.appliance.failure import StepError
from fedstack.appliance.onegate import OneGate
from fedstack.appliance.paths import Paths
from fedstack.appliance.registrar import OUTSIDE
from fedstack.appliance.service import Node
from fedstack.appliance.trust import look_interval

REQUEST, ANSWER = "FL_ROTATE", "FL_ROTATED"
FORCE = "force"
_LEAVE_SECONDS = 20.0
_RETURN_SECONDS = 60.0
_LOOK_EVERY = 0.25


class Outcome(Enum):
    """The second word of an answer; a text for people follows."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Request:
    """`force`: also while a run is active, which is lost then."""

    id: str
    force: bool = False

    @classmethod
    def of(cls, said: Mapping[str, str]) -> Request | None:
        """What the attributes of a SuperLink's VM ask for and do not answer yet."""
        asked, answered = said.get(REQUEST, "").split(), said.get(ANSWER, "").split()
        if not asked or asked[:1] == answered[:1]:
            return None
        return cls(asked[0], FORCE in asked[1:])


class Rotation:
    """The SuperLink's side."""

    def __init__(self, gate: OneGate, control: Control, paths: Paths, say: Callable[[str], None]) -> None:
        self._gate = gate
        self._control = control
        self._paths = paths
        self._material = Material(paths.certificates)
        self._say = say
        self._running = ""
        self._away, self._since = 0, 0.0

    def begin(self) -> None:
        """Before Flower is started: it will have the certificates of the last rotation."""
        self._material.settle()
        self._running = brought_by(self._material)

    async def look(self, document: Mapping[str, Any]) -> bool:
        """Serves a request; True when Flower has to be started anew now. Raises GateError, ControlError."""
        own = service.own(document, self._gate.vm_id)
        request = Request.of(own.attributes) if own else None
        if not (own and request):
            return False
        if self._running == request.id:
            await self._finish(request, own)
            return False
        return await self._rotate(request, own, len(service.nodes(document, service.SUPERNODE_ROLE)))

    async def _rotate(self, request: Request, own: Node, members: int) -> bool:
        if brought_by(self._material) != request.id and not await self._renewed(request, own):
            return False
        if "FL_CA_CERT" in await self._announce(own):
            await self._let_go(own, look_interval(members) + _LEAVE_SECONDS)
        return True

    async def _renewed(self, request: Request, own: Node) -> bool:
        """Makes the new files; False when that is refused or fails, which is answered then."""
        active = await self._control.active_runs()
        if active and not request.force:
            await self._reply(request, Outcome.REFUSED, f"run {', '.join(active)} is active")
            return False
        try:
            note = await asyncio.to_thread(renew, self._material, request.id, own.context)
        except (StepError, OSError) as error:
            await self._reply(request, Outcome.FAILED, str(error))
            return False
        self._say(f"{request.id}: {note}")
        return True

    async def _announce(self, own: Node) -> Mapping[str, str]:
        """Publishes what is not published yet of the CA and of how long the certificates are valid."""
        now = {
            name: value for name, value in tls.published(self._material).items() if own.attributes.get(name) != value
        }
        if now:
            await asyncio.to_thread(facts.amend, self._paths, self._gate, now)
        return now

    async def _let_go(self, own: Node, limit: float) -> None:
        """Waits until the SuperNodes that hear of the new CA have left; notes when the first one did."""
        self._away = await self._online(own)
        await self._until(own, lambda online: online < self._away or not online, limit)
        self._since = time.monotonic()
        if not await self._until(own, lambda online: not online, limit):
            self._say("not every SuperNode has left in time; the others follow when they lose their connection")

    async def _finish(self, request: Request, own: Node) -> None:
        """Waits until as many as left are back, and answers."""
        away, self._away = self._away, 0
        await self._announce(own)
        await self._until(own, lambda online: online >= away, _RETURN_SECONDS)
        back = min(away, await self._online(own))
        text = f"{back} of {away} SuperNodes moved to the new CA in {time.monotonic() - self._since:.1f} s"
        await self._reply(request, Outcome.DONE, text if away else "no SuperNode had to move")

    async def _online(self, own: Node) -> int:
        """How many SuperNodes are connected, without those from outside: they do not hear of a new CA."""
        outside = {name.removeprefix(OUTSIDE).lower() for name in own.attributes if name.startswith(OUTSIDE)}
        nodes = await self._control.nodes()
        return sum(node.status == "online" and node.fingerprint not in outside for node in nodes)

    async def _until(self, own: Node, true: Callable[[int], bool], limit: float) -> bool:
        end = time.monotonic() + limit
        while not (there := true(await self._online(own))) and time.monotonic() < end:
            await asyncio.sleep(_LOOK_EVERY)
        return there

    async def _reply(self, request: Request, outcome: Outcome, text: str) -> None:
        self._say(f"{request.id}: {outcome.value}: {text}")
        await asyncio.to_thread(self._gate.publish, {ANSWER: f"{request.id} {outcome.value} {text}"})


def brought_by(material: Material) -> str:
    """The id of the rotation that brought the files; empty when a boot did."""
    return material.rotation.read_text() if material.rotation.exists() else ""


def renew(material: Material, request: str, context: Mapping[str, str]) -> str:
    """New certificates, or the operator's from the VM's context, in place of the old ones; says what was done.

    Raises StepError, OSError; the old ones stay then.
    """
    if not context:
        raise StepError("OneGate does not show the context of this VM")
    new = material.successor
    for left in (new.rotation, new.ca_key, new.server_key, new.ca, new.server):
        left.unlink(missing_ok=True)
    source = tls.superlink_source(context, enabled=True)
    note = tls.setup_superlink(new, source, context, context.get("ETH0_IP", "127.0.0.1"))
    files.write(new.rotation, request, 0o644)
    material.settle()
    return note
