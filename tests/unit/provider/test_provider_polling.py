"""When the provider looks: at the pace of whoever expects news soonest, and everybody at the same moments."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from opennebula_provider.awaits import TABLE, Outcome, Sight, StateWatch, Verdict
from opennebula_provider.polling import FIRST_DELAY, LONGEST_DELAY, InterruptedWaitError, Pace, Poller

IMAGE = TABLE["Image", "create"]


async def silent(_text: str) -> None:
    return None


def watch(deadline: float = 60) -> StateWatch:
    return StateWatch(IMAGE, "image", deadline)


def looks(*sights: Sight) -> Callable[[], Awaitable[Sight]]:
    """One sight after the other, the last one for ever."""
    left = list(sights)

    async def look() -> Sight:
        return left.pop(0) if len(left) > 1 else left[0]

    return look


def test_the_pace_is_tight_after_a_change_and_adds_at_most_a_tenth() -> None:
    pace, now = Pace(), 0.0
    delays = []
    for _ in range(60):
        delay = pace.next("same", now)
        assert delay <= max(FIRST_DELAY, 0.1 * now) + 1e-9
        delays.append(delay)
        now += delay
    assert delays[0] == FIRST_DELAY
    assert delays == sorted(delays)
    assert delays[-1] == LONGEST_DELAY
    assert pace.next("changed", now) == FIRST_DELAY


def test_a_wait_shows_progress_once_and_ends() -> None:
    shown: list[str] = []

    async def report(text: str) -> None:
        shown.append(text)

    seen = looks(Sight("LOCKED", "a"), Sight("LOCKED", "a"), Sight("LOCKED", "b"), Sight("READY"))
    outcome = asyncio.run(Poller().wait(seen, watch(), report))
    assert outcome.verdict is Verdict.DONE
    assert shown == ["a", "b"]


def test_a_wait_ends_at_its_deadline() -> None:
    outcome = asyncio.run(Poller().wait(looks(Sight("LOCKED")), watch(0.12), silent))
    assert outcome == Outcome(Verdict.FAILED, "image is still in state LOCKED after 0.12 s")


@pytest.mark.parametrize("early", [True, False])
def test_a_user_who_stops_ends_every_wait(early: bool) -> None:
    async def scenario() -> list[object]:
        poller = Poller()
        if early:
            poller.interrupt()
        waits = [asyncio.create_task(poller.wait(looks(Sight("LOCKED")), watch(), silent)) for _ in range(3)]
        await asyncio.sleep(0)
        poller.interrupt()
        return await asyncio.gather(*waits, return_exceptions=True)

    ended = asyncio.run(scenario())
    assert [type(one) for one in ended] == [InterruptedWaitError] * 3


def test_everybody_looks_when_one_of_them_does() -> None:
    """One wait whose object changes all the time, and one whose pace alone would leave seconds between its looks."""
    times: dict[str, int] = {"busy": 0, "quiet": 0}

    async def scenario() -> None:
        poller = Poller()

        async def busy() -> Sight:
            times["busy"] += 1
            return Sight("READY" if times["busy"] == 12 else "LOCKED", str(times["busy"]))

        async def quiet() -> Sight:
            times["quiet"] += 1
            return Sight("LOCKED")

        other = asyncio.create_task(poller.wait(quiet, watch(), silent))
        await poller.wait(busy, watch(), silent)
        poller.interrupt()
        await asyncio.gather(other, return_exceptions=True)

    asyncio.run(scenario())
    assert abs(times["busy"] - times["quiet"]) <= 1


def test_a_pause_is_as_long_as_the_look_before_it() -> None:
    moments: list[float] = []

    async def scenario() -> None:
        loop = asyncio.get_running_loop()

        async def slow() -> Sight:
            moments.append(loop.time())
            await asyncio.sleep(0.15)
            moments.append(loop.time())
            return Sight("READY" if len(moments) == 4 else "LOCKED")

        await Poller().wait(slow, watch(), silent)

    asyncio.run(scenario())
    assert moments[2] - moments[1] >= 0.14
