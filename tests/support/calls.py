"""Counting the calls that reach a cloud: a relay in front of its APIs that writes down every request."""

import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_METHOD_NAME = re.compile(rb"<methodName>\s*(?:one\.)?([\w.]+)")
_NUMBER = re.compile(r"\d+")
_LENGTH = re.compile(rb"^content-length:\s*(\d+)", re.IGNORECASE | re.MULTILINE)


@dataclass
class Calls:
    """What passed so far: moment (steady clock, seconds) and name, such as `image.info` or `GET /service/N`."""

    seen: list[tuple[float, str]] = field(default_factory=list)

    def count(self) -> Counter[str]:
        """How many of each name."""
        return Counter(name for _, name in self.seen)

    def busiest_second(self, *names: str) -> int:
        """The highest number of calls (of these names, of all without any) within one second."""
        moments = sorted(moment for moment, name in self.seen if not names or name in names)
        first, most = 0, 0
        for last, moment in enumerate(moments):
            while moments[first] <= moment - 1:
                first += 1
            most = max(most, last - first + 1)
        return most


@contextmanager
def counted(*endpoints: str) -> Iterator[tuple[Calls, list[str]]]:
    """The calls to these addresses, and an address for each that leads there."""
    calls, loop = Calls(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        opened = [asyncio.run_coroutine_threadsafe(_relay(endpoint, calls), loop).result() for endpoint in endpoints]
        yield calls, opened
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        _close(loop)


def _close(loop: asyncio.AbstractEventLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left))
    loop.close()


async def _relay(endpoint: str, calls: Calls) -> str:
    """Listens in front of an address; the address to call instead."""
    target = urlsplit(endpoint)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, forth = await asyncio.open_connection(target.hostname, target.port)
            answers = asyncio.create_task(_copy(back, writer))
            await _requests(reader, forth, calls)
            forth.close()
            await answers
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    return target._replace(netloc=f"127.0.0.1:{port}").geturl()


async def _requests(reader: asyncio.StreamReader, forth: asyncio.StreamWriter, calls: Calls) -> None:
    """Hands requests on until the client hangs up."""
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        calls.seen.append((time.monotonic(), _name(head, body)))
        forth.write(head + body)
        await forth.drain()


def _name(head: bytes, body: bytes) -> str:
    called = _METHOD_NAME.search(body)
    if called:
        return called[1].decode()
    verb, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
    return f"{verb} {_NUMBER.sub('N', path)}"


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(1 << 16):
        writer.write(chunk)
        await writer.drain()
    writer.close()
