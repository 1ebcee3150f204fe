"""The SuperLink's side of enrolment: registers the keys that SuperNodes of the service publish.

It reads the service from OneGate, brings the SuperLink's registrations in line with it, and publishes which keys are
registered. A node that left the service, or came back with a new key, loses its old registration. Keys that somebody
registered by hand are left alone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedstack.appliance import files, keys, service
from fedstack.appliance.control import Control, ControlError, RefusedError, RegisteredNode
from fedstack.appliance.onegate import GateError, OneGate

BUSY_SECONDS = 2.0
IDLE_SECONDS = 10.0
_HELPER_IDLE_SECONDS = 60.0
_UNREGISTERED = "unregistered"


@dataclass(frozen=True)
class Wanted:
    """What the service document asks for. `keys`: VM id to public key; `members`: every SuperNode's VM id."""

    keys: Mapping[int, str]
    members: frozenset[int]
    cardinality: int
    published: frozenset[str]
    """Fingerprints in our own FL_REGISTERED."""

    def lacks(self, registered: int) -> bool:
        """Whether a SuperNode, there or still to come, has no registration."""
        return registered < max(self.cardinality, len(self.members))


def wanted(document: Mapping[str, Any], own_vm: str, say: Callable[[str], None]) -> Wanted:
    """Reads the service document; a key that is none is named and left out."""
    members = service.nodes(document, service.SUPERNODE_ROLE)
    published: dict[int, str] = {}
    for node in members:
        public = node.attributes.get("FL_NODE_PUBLIC_KEY", "")
        try:
            if public:
                keys.to_pem(public)
                published[node.vm_id] = public
        except ValueError as error:
            say(f"VM {node.vm_id} published a key that is none: {error}")
    links = service.nodes(document, service.SUPERLINK_ROLE)
    own = next((node.attributes for node in links if str(node.vm_id) == own_vm), {})
    return Wanted(
        keys=published,
        members=frozenset(node.vm_id for node in members),
        cardinality=service.cardinality(document, service.SUPERNODE_ROLE),
        published=frozenset(own.get("FL_REGISTERED", "").split()),
    )


class Agent:
    """Runs beside a SuperLink that authenticates its SuperNodes. `ledger` keeps whose keys it registered."""

    def __init__(self, gate: OneGate, control: Control, ledger: Path, say: Callable[[str], None]) -> None:
        self._gate = gate
        self._control = control
        self._ledger = ledger
        self._say = say
        self._known: dict[str, RegisteredNode] | None = None
        self._trouble = ""
        self._owners: dict[str, int] = json.loads(ledger.read_text()) if ledger.exists() else {}

    async def run(self) -> None:
        """Goes on until it is cancelled. A SuperLink that has just started is asked what it knows."""
        self._known = None
        quiet = 0.0
        while True:
            pause = await self._safe_look()
            quiet = quiet + pause if pause == IDLE_SECONDS else 0.0
            if quiet > _HELPER_IDLE_SECONDS:
                await self._control.close()
            await asyncio.sleep(pause)

    async def _safe_look(self) -> float:
        """Looks; what goes wrong is said once, not at every look."""
        pause, trouble = BUSY_SECONDS, ""
        try:
            pause = await self.look()
        except Exception as error:  # one odd document must not end the enrolment of all others
            trouble = str(error) if isinstance(error, GateError | ControlError) else repr(error)
            self._known = None
        if trouble and trouble != self._trouble:
            self._say(trouble)
        self._trouble = trouble
        return pause

    async def look(self) -> float:
        """Looks once; returns the seconds until the next look. Raises GateError, ControlError."""
        aim = wanted(await asyncio.to_thread(self._gate.service), self._gate.vm_id, self._say)
        if aim.lacks(len(aim.keys)):
            await self._control.warm_up()
        if self._known is None:
            self._known = {node.fingerprint: node for node in await self._control.nodes()}
        await self._register_new(aim, self._known)
        await self._revoke_old(aim, self._known)
        registered = self._registered(aim, self._known)
        if registered != aim.published:
            await asyncio.to_thread(self._gate.publish, {"FL_REGISTERED": " ".join(sorted(registered))})
        return BUSY_SECONDS if aim.lacks(len(registered)) else IDLE_SECONDS

    @staticmethod
    def _registered(aim: Wanted, known: Mapping[str, RegisteredNode]) -> frozenset[str]:
        """Fingerprints of members whose key the SuperLink accepts."""
        prints = map(keys.fingerprint, aim.keys.values())
        return frozenset(print for print in prints if print in known and known[print].status != _UNREGISTERED)

    async def _register_new(self, aim: Wanted, known: dict[str, RegisteredNode]) -> None:
        for vm_id, public in aim.keys.items():
            name = keys.fingerprint(public)
            if name in known:
                continue
            try:
                known[name] = await self._control.register(public)
            except RefusedError as error:
                known[name] = RegisteredNode("", _UNREGISTERED, name)
                self._say(f"key {name} of VM {vm_id} was refused: {error}")
                continue
            self._note(name, vm_id)
            self._say(f"VM {vm_id} registered with key {name} as node {known[name].node_id}")

    async def _revoke_old(self, aim: Wanted, known: dict[str, RegisteredNode]) -> None:
        current = {keys.fingerprint(public): vm_id for vm_id, public in aim.keys.items()}
        for name, vm_id in list(self._owners.items()):
            replaced = vm_id in aim.keys and name not in current
            if not (replaced or vm_id not in aim.members):
                continue
            node = known.get(name)
            if node and node.status != _UNREGISTERED:
                await self._control.unregister(node.node_id)
                known[name] = RegisteredNode(node.node_id, _UNREGISTERED, name)
                self._say(f"key {name} of VM {vm_id} revoked")
            self._note(name, None)

    def _note(self, name: str, vm_id: int | None) -> None:
        self._owners.pop(name, None)
        if vm_id is not None:
            self._owners[name] = vm_id
        files.write(self._ledger, json.dumps(self._owners), 0o600)
