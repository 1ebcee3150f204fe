"""How a SuperNode gets known to its SuperLink: it publishes a public key and waits until that is registered.

Also how it finds back to a SuperLink that refuses it: with a new key (Flower lets a killed node back only after its old
life counts as offline, a minute later).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from pathlib import Path

from fedstack.appliance import keys, service
from fedstack.appliance.keys import NodeKey
from fedstack.appliance.onegate import GateError, OneGate
from fedstack.appliance.service import Announcement

Say = Callable[[str], None]


def looks() -> Iterator[float]:
    """Seconds between looks for the registration: often for as long as it usually takes, then every 2."""
    return chain(repeat(0.25, 12), repeat(2.0))


def publish(gate: OneGate, key: NodeKey) -> None:
    """Publishes the key. Raises GateError."""
    gate.publish({"FL_NODE_PUBLIC_KEY": key.public})


async def announcement(gate: OneGate) -> Announcement | None:
    """What the SuperLink says now; None while it is not ready or OneGate does not answer."""
    try:
        return service.announcement(await asyncio.to_thread(gate.service))
    except GateError:
        return None


class Enrolment:
    """A SuperNode's standing with the SuperLink of its service.

    `directory` holds its key, `refusal` is a part of what a SuperLink says that does not take it.
    """

    def __init__(self, gate: OneGate, directory: Path, refusal: str, say: Say) -> None:
        self._gate = gate
        self._directory = directory
        self._refusal = refusal
        self._say = say

    async def registered(self) -> None:
        """Returns once the SuperLink lists this node's key."""
        key = keys.ensure(self._directory)
        start = time.monotonic()
        for wait in looks():
            announced = await announcement(self._gate)
            if announced and key.fingerprint in announced.registered:
                self._say(f"key {key.fingerprint} is registered after {time.monotonic() - start:.3f} s")
                return
            await asyncio.sleep(wait)

    async def recover(self, reason: str) -> bool:
        """After a failure: True when a new key makes a new try sensible at once."""
        if self._refusal not in reason:
            return False
        announced = await announcement(self._gate)
        return announced is not None and await self._renew_key(announced)

    async def _renew_key(self, announced: Announcement) -> bool:
        """A registered key that is refused belongs, for the SuperLink, to this node's earlier life."""
        old = keys.ensure(self._directory)
        if old.fingerprint not in announced.registered:
            return False
        new = keys.create(self._directory)
        self._say(f"key {old.fingerprint} is still in use, enrolling with {new.fingerprint}")
        try:
            await asyncio.to_thread(publish, self._gate, new)
        except GateError as error:
            self._say(f"the new key could not be published: {error}")
            return False
        return True
