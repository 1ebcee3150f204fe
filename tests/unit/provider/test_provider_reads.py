"""Shared reads: one call for everybody who asks at a time, never an answer older than its question, never too many."""

import asyncio
from typing import Any

import pytest

from fedstack.opennebula.errors import ErrorCode
from opennebula_provider.errors import FlowError, ProviderError, RpcError
from opennebula_provider.reads import BURST, CALLS_PER_SECOND, Rate, Reads


class Platform:
    """Answers as OpenNebula and OneFlow do, from a set of ids as it is when a call arrives; notes the calls."""

    def __init__(self, ids: set[int], delay: float = 0.0, failure: Exception | None = None) -> None:
        self.ids = ids
        self.delay = delay
        self.failure = failure
        self.calls: list[tuple[Any, ...]] = []

    async def info(self, method: str, *params: Any) -> dict[str, Any]:
        """XML-RPC."""
        known = await self._arrived(method, *params)
        if method == "vmpool.infoset":
            return {"VM": [document(number) for number in map(int, params[0].split(",")) if number in known]}
        if "pool." in method:
            element = {"imagepool.info": "IMAGE", "vmpool.infoextended": "VM"}[method]
            return {element: [document(number) for number in known]}
        if params[0] not in known:
            raise RpcError(f"one.{method}", ErrorCode.NO_EXISTS, "NO_EXISTS", "Error getting image", params[0])
        return document(params[0])

    async def get(self, path: str) -> dict[str, Any]:
        """OneFlow."""
        known = await self._arrived(path)
        if path == "service":
            return {"DOCUMENT_POOL": {"DOCUMENT": [document(number) for number in known]}}
        number = int(path.split("/")[1])
        if number not in known:
            raise FlowError(f"GET {path}", 404, "not found")
        return {"DOCUMENT": document(number)}

    async def _arrived(self, *call: Any) -> list[int]:
        self.calls.append(call)
        known = sorted(self.ids)
        await asyncio.sleep(self.delay)
        if self.failure is not None:
            raise self.failure
        return known


def document(number: int) -> dict[str, Any]:
    """An object as both APIs show it, as far as reads look."""
    return {"ID": str(number), "NAME": f"n{number}"}


def reads(platform: Platform) -> Reads:
    stand_in: Any = platform
    return Reads(stand_in, stand_in)


@pytest.mark.parametrize(
    ("kind", "alone", "together"),
    [
        ("image", ("image.info", 3), ("imagepool.info", -2, -1, -1)),
        ("service", ("service/3",), ("service",)),
        ("vm", ("vmpool.infoset", "3", True), ("vmpool.infoset", "3,4,9", True)),
    ],
)
def test_one_object_is_read_alone_and_several_in_one_call(
    kind: str, alone: tuple[Any, ...], together: tuple[Any, ...]
) -> None:
    platform = Platform({3, 4, 5})

    async def scenario() -> None:
        shared = reads(platform)
        assert await shared.one(kind, 3) == document(3)
        found = await asyncio.gather(*(shared.one(kind, number) for number in (3, 4, 9, 3)))
        assert [one and one["NAME"] for one in found] == ["n3", "n4", None, "n3"]

    asyncio.run(scenario())
    assert platform.calls == [alone, together]


@pytest.mark.parametrize("kind", ["image", "service", "vm"])
def test_what_is_gone_is_none(kind: str) -> None:
    assert asyncio.run(reads(Platform({1})).one(kind, 3)) is None


@pytest.mark.parametrize("kind", ["image", "service", "vm"])
def test_the_whole_pool_is_shared_with_single_objects(kind: str) -> None:
    platform = Platform({3, 4})

    async def scenario() -> None:
        shared = reads(platform)
        every, one = await asyncio.gather(shared.every(kind), shared.one(kind, 4))
        assert [found["NAME"] for found in every] == ["n3", "n4"]
        assert one == document(4)

    asyncio.run(scenario())
    assert len(platform.calls) == 1


def test_an_answer_is_never_older_than_its_question() -> None:
    """Who asks while a call is under way does not get that call's answer."""
    platform = Platform({3}, delay=0.05)

    async def scenario() -> Any:
        shared = reads(platform)
        first = asyncio.create_task(shared.one("image", 4))
        await asyncio.sleep(0.02)
        platform.ids.add(4)
        second = await shared.one("image", 4)
        return await first, second

    assert asyncio.run(scenario()) == (None, document(4))


def test_a_call_that_fails_fails_for_everybody_who_shared_it() -> None:
    platform = Platform(set(), failure=ProviderError("does not answer"))

    async def scenario() -> list[Any]:
        shared = reads(platform)
        return await asyncio.gather(*(shared.one("vm", number) for number in range(3)), return_exceptions=True)

    assert [str(error) for error in asyncio.run(scenario())] == ["does not answer"] * 3
    assert len(platform.calls) == 1


def test_a_reader_who_goes_takes_no_answer_from_the_others() -> None:
    platform = Platform({1, 2}, delay=0.05)

    async def scenario() -> Any:
        shared = reads(platform)
        first, second = (asyncio.create_task(shared.one("vm", number)) for number in (1, 2))
        await asyncio.sleep(0.01)
        first.cancel()
        return await second

    assert asyncio.run(scenario()) == document(2)


def test_the_rate_is_bounded_after_a_burst() -> None:
    async def scenario() -> list[float]:
        rate, loop = Rate(), asyncio.get_running_loop()
        begin = loop.time()
        moments = []
        for _ in range(14):
            await rate.turn()
            moments.append(loop.time() - begin)
        return moments

    moments = asyncio.run(scenario())
    for index, moment in enumerate(moments):
        assert moment >= (index + 1 - BURST) / CALLS_PER_SECOND - 0.002


def test_a_hundred_waits_make_as_many_calls_as_one() -> None:
    """A hundred objects that are looked at ten times, service and machine each: twenty calls, not two thousand."""
    platform = Platform(set(range(100)))

    async def look(shared: Reads, number: int) -> None:
        for _ in range(10):
            await shared.one("service", number)
            await shared.some("vm", [number])

    async def scenario() -> None:
        shared = reads(platform)
        await asyncio.gather(*(look(shared, number) for number in range(100)))

    asyncio.run(scenario())
    assert len(platform.calls) <= 21
