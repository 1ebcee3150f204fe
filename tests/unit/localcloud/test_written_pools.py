"""Long replies of XML-RPC are written in slices: others have their turn, and the text is that of a short reply."""

from __future__ import annotations

import asyncio
import time
import xmlrpc.client
from collections.abc import Iterator

import pytest

from fedstack.localcloud.rpc.method import Pool
from fedstack.localcloud.rpc.urls import written


def slow(count: int) -> Iterator[str]:
    """Members that take a while each."""
    for number in range(count):
        end = time.perf_counter() + 0.005
        while time.perf_counter() < end:
            pass
        yield f"<VM><ID>{number}</ID></VM>"


def test_others_have_their_turn_while_a_pool_is_written() -> None:
    turns = 0

    async def work() -> None:
        nonlocal turns
        writing = asyncio.ensure_future(written(Pool("VM_POOL", slow(20))))
        while not writing.done():
            await asyncio.sleep(0)
            turns += 1

    asyncio.run(work())
    assert turns >= 20


@pytest.mark.parametrize("members", [(), ("<VM/>",), ("<VM>&amp; ]]></VM>", "<VM><![CDATA[<>]]></VM>")])
def test_a_pool_is_one_text(members: tuple[str, ...]) -> None:
    reply = asyncio.run(written(Pool("VM_POOL", iter(members))))
    ((done, text, code),), _ = xmlrpc.client.loads(reply)
    assert (done, code) == (True, 0)
    assert text == (f"<VM_POOL>{''.join(members)}</VM_POOL>" if members else "<VM_POOL/>")
