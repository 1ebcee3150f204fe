"""The CA that a SuperNode trusts, when its SuperLink gets a new one.

Who decides about it stays the same as at boot (reference 5.3): a CA in the node's context counts alone, and nobody but
the platform changes that; without one the SuperLink's word counts.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fedstack.appliance import files, service, tls
from fedstack.appliance.onegate import GateError, OneGate
from fedstack.appliance.service import Announcement

_LOOK_SECONDS = 10.0
_SECONDS_A_NODE = 0.1
_PRESENT_SECONDS = 60.0
_PRESENT_EVERY = 0.25
_HANDSHAKE_SECONDS = 2.0


def look_interval(nodes: int) -> float:
    """Seconds between two looks of one of that many SuperNodes: together they ask ten times a second at most."""
    return max(_LOOK_SECONDS, nodes * _SECONDS_A_NODE)


def ruling(document: Mapping[str, Any], vm_id: str) -> str:
    """The CA (base64) that a SuperNode has to trust from now on; empty: the one that it has.

    A CA of its context counts once the SuperLink has it too; before that nothing would fit.
    """
    own, announced = service.own(document, vm_id), service.announcement(document)
    if not (own and own.context and announced):
        return ""
    given = "".join(own.context.get(tls.CA, "").split())
    return announced.ca if given in ("", announced.ca) else ""


class Trust:
    """Keeps `ca` (ca.crt) what it has to be. `address` is the SuperLink's ``host:port``."""

    def __init__(self, gate: OneGate, ca: Path, address: str, say: Callable[[str], None]) -> None:
        self._gate = gate
        self._ca = ca
        self._address = address
        self._say = say
        self._link: Announcement | None = None
        self._interval = _LOOK_SECONDS
        self._changed = False

    async def renewed(self) -> None:
        """Returns when ca.crt has been replaced, for Flower to be started anew."""
        while not await self.follow():
            await self._until_something_else_is_published()

    async def follow(self) -> bool:
        """Takes the CA that counts now; True when it is another one."""
        try:
            document = await asyncio.to_thread(self._gate.service)
        except GateError:
            return False
        self._link = service.announcement(document)
        self._interval = look_interval(len(service.nodes(document, service.SUPERNODE_ROLE)))
        ca = base64.b64decode(ruling(document, self._gate.vm_id))
        if not ca or ca == self._ca.read_bytes():
            return False
        files.write(self._ca, ca, 0o644)
        self._changed = True
        self._say("the SuperLink has a new CA")
        return True

    async def _until_something_else_is_published(self) -> None:
        """Looks at the SuperLink's VM alone: at each look of each SuperNode the whole service would be much to read."""
        while True:
            await asyncio.sleep(self._interval)
            if self._link is None or await self._announced(self._link.vm_id) != self._link.ca:
                return

    async def _announced(self, vm_id: int) -> str | None:
        try:
            machine = (await asyncio.to_thread(self._gate.other, vm_id)).get("VM") or {}
        except GateError:
            return None
        announced = service.announced(vm_id, machine.get("USER_TEMPLATE") or {})
        return announced.ca if announced else None

    async def presented(self) -> None:
        """After a change: returns when the SuperLink shows a certificate of the new CA, after a minute in any case."""
        end = time.monotonic() + _PRESENT_SECONDS
        while self._changed and time.monotonic() < end and not await asyncio.to_thread(self._greets):
            await asyncio.sleep(_PRESENT_EVERY)
        self._changed = False

    def _greets(self) -> bool:
        host, _, port = self._address.rpartition(":")
        try:
            trusting = ssl.create_default_context(cafile=str(self._ca))
            with socket.create_connection((host.strip("[]"), int(port)), _HANDSHAKE_SECONDS) as plain:
                trusting.wrap_socket(plain, server_hostname=host.strip("[]")).close()
        except OSError:
            return False
        return True
