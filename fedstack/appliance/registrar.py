"""Which SuperNodes may connect: brings the SuperLink's registrations in line with what the service says.

A SuperNode of the service publishes its key in its own VM. The key of one that OneGate does not reach (another zone, a
VM of its own) is put into the SuperLink's VM by an operator: ``FL_ENROL_<fingerprint>`` is the key, or ``revoked``.
A node that left the service, or came back with a new key, loses its old registration. Keys that somebody registered by
other ways are left alone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedstack.appliance import files, keys, service
from fedstack.appliance.control import Control, RefusedError, RegisteredNode
from fedstack.appliance.onegate import OneGate

OUTSIDE = "FL_ENROL_"
"""What the attribute of a SuperNode from outside of the service begins with; its fingerprint follows."""
REVOKED = "revoked"
_UNREGISTERED = "unregistered"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What the service document asks for. `keys`: VM id to public key; `members`: every SuperNode's VM id."""

    keys: Mapping[int, str]
    members: frozenset[int]
    cardinality: int
    outside: Mapping[str, str]
    """Fingerprint to public key of SuperNodes from outside of the service."""
    revoked: frozenset[str]
    """Fingerprints that an operator has revoked."""
    published: Mapping[str, str]
    """Our own FL_REGISTERED and FL_REFUSED."""

    def lacks(self, registered: int) -> bool:
        """Whether a SuperNode of the service, there or still to come, has no registration."""
        return registered < max(self.cardinality, len(self.members))

    def everyone(self) -> Iterator[tuple[str, str, int | None]]:
        """Fingerprint, public key and VM id (None: from outside) of all that shall be registered."""
        yield from ((keys.fingerprint(public), public, vm_id) for vm_id, public in self.keys.items())
        yield from ((name, public, None) for name, public in self.outside.items())


def wanted(document: Mapping[str, Any], own_vm: str, say: Say) -> Wanted:
    """Reads the service document; a key that is none is named and left out."""
    members = service.nodes(document, service.SUPERNODE_ROLE)
    own = service.own(document, own_vm)
    said = own.attributes if own else {}
    published = {node.vm_id: node.attributes.get("FL_NODE_PUBLIC_KEY", "") for node in members}
    asked = {name: value for name, value in said.items() if name.startswith(OUTSIDE)}
    outside = [value for name, value in asked.items() if value != REVOKED and _is_key(value, name, say)]
    return Wanted(
        keys={vm_id: key for vm_id, key in published.items() if key and _is_key(key, f"VM {vm_id}", say)},
        members=frozenset(published),
        cardinality=service.cardinality(document, service.SUPERNODE_ROLE),
        outside={keys.fingerprint(value): value for value in outside},
        revoked=frozenset(name.removeprefix(OUTSIDE).lower() for name, value in asked.items() if value == REVOKED),
        published={name: said.get(name, "") for name in ("FL_REGISTERED", "FL_REFUSED")},
    )


def _is_key(public: str, place: str, say: Say) -> bool:
    try:
        keys.to_pem(public)
        keys.fingerprint(public)
    except ValueError as error:
        say(f"{place} published a key that is none: {error}")
        return False
    return True


class Registrar:
    """Registers and revokes by the Control API. `ledger` keeps which keys of VMs it registered."""

    def __init__(self, gate: OneGate, control: Control, ledger: Path, say: Say) -> None:
        self._gate = gate
        self._control = control
        self._ledger = ledger
        self._say = say
        self._known: dict[str, RegisteredNode] | None = None
        self._owners: dict[str, int] = json.loads(ledger.read_text()) if ledger.exists() else {}

    def forget(self) -> None:
        """A SuperLink that has started anew is asked what it knows."""
        self._known = None

    async def look(self, document: Mapping[str, Any]) -> bool:
        """Registers, revokes, publishes; True while a SuperNode lacks its registration.

        Raises GateError, ControlError.
        """
        aim = wanted(document, self._gate.vm_id, self._say)
        if aim.lacks(len(aim.keys)):
            await self._control.warm_up()
        if self._known is None:
            self._known = {node.fingerprint: node for node in await self._control.nodes()}
        await self._register_new(aim, self._known)
        await self._revoke_old(aim, self._known)
        said = self._answer(aim, self._known)
        if said != aim.published:
            await asyncio.to_thread(self._gate.publish, said)
        own = {keys.fingerprint(public) for public in aim.keys.values()}
        return aim.lacks(len(own & set(said["FL_REGISTERED"].split())))

    @staticmethod
    def _answer(aim: Wanted, known: Mapping[str, RegisteredNode]) -> dict[str, str]:
        """Fingerprints of wanted keys that the SuperLink accepts, and of those that it never will."""
        accepted = {name for name, _, _ in aim.everyone() if name in known and known[name].status != _UNREGISTERED}
        refused = {name for name, _, _ in aim.everyone()} - accepted
        return {"FL_REGISTERED": " ".join(sorted(accepted)), "FL_REFUSED": " ".join(sorted(refused))}

    async def _register_new(self, aim: Wanted, known: dict[str, RegisteredNode]) -> None:
        for name, public, vm_id in aim.everyone():
            if name in known or name in aim.revoked:
                continue
            place = "from outside" if vm_id is None else f"of VM {vm_id}"
            try:
                known[name] = await self._control.register(public)
            except RefusedError as error:
                known[name] = RegisteredNode("", _UNREGISTERED, name)
                self._say(f"key {name} {place} was refused: {error}")
                continue
            self._note(name, vm_id)
            self._say(f"key {name} {place} registered as node {known[name].node_id}")

    async def _revoke_old(self, aim: Wanted, known: dict[str, RegisteredNode]) -> None:
        for name in [*aim.revoked, *self._left(aim)]:
            node = known.get(name)
            if node and node.status != _UNREGISTERED:
                await self._control.unregister(node.node_id)
                known[name] = RegisteredNode(node.node_id, _UNREGISTERED, name)
                self._say(f"key {name} revoked")
            self._note(name, None)

    def _left(self, aim: Wanted) -> list[str]:
        """Keys of VMs that left the service or came back with another one."""
        current = {name for name, _, _ in aim.everyone()}
        return [
            name
            for name, vm_id in self._owners.items()
            if vm_id not in aim.members or (vm_id in aim.keys and name not in current)
        ]

    def _note(self, name: str, vm_id: int | None) -> None:
        if self._owners.get(name) == vm_id:
            return
        self._owners.pop(name, None)
        if vm_id is not None:
            self._owners[name] = vm_id
        files.write(self._ledger, json.dumps(self._owners), 0o600)
