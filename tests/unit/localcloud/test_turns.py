"""Many tasks at once leave room for others."""

from __future__ import annotations

import asyncio

from fedstack.localcloud.turns import Turns


async def _count(tasks: int, most: int, cancelled: int = 0) -> tuple[list[int], int]:
    """The order in which tasks went on, and how many turns of the loop it took until all had."""
    turns, order, passed = Turns(most), [], 0

    async def work(number: int) -> None:
        await turns.take()
        order.append(number)

    begun = [asyncio.create_task(work(number)) for number in range(tasks)]
    await asyncio.sleep(0)
    for one in begun[most : most + cancelled]:
        one.cancel()
    while not all(one.done() for one in begun):
        passed += 1
        await asyncio.sleep(0)
    return order, passed


def test_few_tasks_do_not_wait() -> None:
    assert asyncio.run(_count(4, 4)) == ([0, 1, 2, 3], 0)


def test_many_tasks_go_on_in_order_over_many_turns() -> None:
    order, passed = asyncio.run(_count(100, 10))
    assert order == list(range(100))
    assert passed >= 9


def test_tasks_that_are_cancelled_hold_up_nobody() -> None:
    order, _ = asyncio.run(_count(50, 5, cancelled=20))
    assert order == [*range(5), *range(25, 50)]


def test_turns_come_back() -> None:
    async def twice() -> int:
        turns = Turns(2)
        for _ in range(3):
            await asyncio.gather(*(turns.take() for _ in range(7)))
        return await asyncio.wait_for(turns.take(), 1) or 0

    assert asyncio.run(twice()) == 0
