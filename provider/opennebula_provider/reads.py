"""Reading objects together: who asks for the same kind at the same time shares one call.

An answer is never older than its question: what is asked while a call is under way waits for the next one. All these
calls together are at most CALLS_PER_SECOND a second, however many resources ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from fedstack.opennebula.errors import ErrorCode

from .errors import FlowError, RpcError
from .flow import Flow
from .rpc import Rpc, Tree, each

CALLS_PER_SECOND = 20.0
BURST = 4.0
"""Calls that may go out at once after a quiet time."""

VISIBLE = (-2, -1, -1)
"""The parameters of a pool call for everything that the user may see (reference 2.4)."""
NOT_DONE = -1
"""The state filter of a machine pool: all but those that ended (reference 2.5)."""

Found = dict[int, Tree]
Fetch = Callable[[set[int]], Awaitable[Found]]
WHOLE = -1
"""Stands among the wanted ids for the whole pool."""


@dataclass(frozen=True)
class Pool:
    """A pool on the XML-RPC side: the word in its calls, and the element of one object."""

    word: str
    element: str


POOLS = (
    Pool("image", "IMAGE"),
    Pool("secgroup", "SECURITY_GROUP"),
    Pool("template", "VMTEMPLATE"),
    Pool("vn", "VNET"),
)
DOCUMENTS = ("service", "service_template")
"""What OneFlow has, by its path."""


class Rate:
    """Lets CALLS_PER_SECOND calls pass a second, BURST of them without a distance."""

    def __init__(self) -> None:
        self._free_at = 0.0

    async def turn(self) -> None:
        """Returns when the next call may go out."""
        gap, now = 1 / CALLS_PER_SECOND, asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + gap
        await asyncio.sleep(self._free_at - now - BURST * gap)


class Shared:
    """The reads of one kind: one call at a time, for everybody who asked before it went out."""

    def __init__(self, fetch: Fetch, rate: Rate) -> None:
        self._fetch = fetch
        self._rate = rate
        self._wanted: set[int] = set()
        self._next: asyncio.Task[Found] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def read(self, numbers: Iterable[int]) -> Found:
        """At least the objects of these ids, as far as they exist."""
        self._wanted.update(numbers)
        if self._next is None:
            self._next = asyncio.create_task(self._call())
        return await asyncio.shield(self._next)

    async def _call(self) -> Found:
        async with self._one_at_a_time:
            await self._rate.turn()
            wanted, self._wanted, self._next = self._wanted, set(), None
            return await self._fetch(wanted)


class Reads:
    """All shared reads of one cloud. Kinds are named as in the calls: `image`, `vm`, `service`, ..."""

    def __init__(self, rpc: Rpc, flow: Flow) -> None:
        self._rpc, self._flow = rpc, flow
        fetches: dict[str, Fetch] = {pool.word: partial(self._objects, pool) for pool in POOLS}
        fetches |= {path: partial(self._documents, path) for path in DOCUMENTS}
        rate = Rate()
        self._kinds = {kind: Shared(fetch, rate) for kind, fetch in {**fetches, "vm": self._machines}.items()}

    async def one(self, kind: str, number: int) -> Tree | None:
        """An object as it is now, None when it is gone."""
        return (await self._kinds[kind].read([number])).get(number)

    async def some(self, kind: str, numbers: Iterable[int]) -> Found:
        """Objects by id; unknown ones are missing."""
        wanted = set(numbers)
        found = await self._kinds[kind].read(wanted) if wanted else {}
        return {number: found[number] for number in wanted & found.keys()}

    async def every(self, kind: str) -> list[Tree]:
        """All objects that the user may see, by id; machines without those that ended."""
        return list((await self._kinds[kind].read([WHOLE])).values())

    async def _objects(self, pool: Pool, wanted: set[int]) -> Found:
        if _many(wanted):
            return by_id(each(await self._rpc.info(f"{pool.word}pool.info", *VISIBLE), pool.element))
        try:
            return by_id([await self._rpc.info(f"{pool.word}.info", *wanted)])
        except RpcError as error:
            if error.code == ErrorCode.NO_EXISTS:
                return {}
            raise

    async def _documents(self, path: str, wanted: set[int]) -> Found:
        if _many(wanted):
            return by_id((await self._flow.get(path)).get("DOCUMENT_POOL", {}).get("DOCUMENT", []))
        try:
            return by_id([(await self._flow.get(f"{path}/{next(iter(wanted))}"))["DOCUMENT"]])
        except FlowError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return {}
            raise

    async def _machines(self, wanted: set[int]) -> Found:
        if WHOLE in wanted:
            return by_id(each(await self._rpc.info("vmpool.infoextended", *VISIBLE, NOT_DONE), "VM"))
        ids = ",".join(str(number) for number in sorted(wanted))
        return by_id(each(await self._rpc.info("vmpool.infoset", ids, True), "VM"))


def _many(wanted: set[int]) -> bool:
    return len(wanted) > 1 or WHOLE in wanted


def by_id(found: Iterable[Tree]) -> Found:
    """Objects by their id."""
    return {int(one["ID"]): one for one in found}
