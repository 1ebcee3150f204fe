"""The cloud's end of the control socket."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from fedstack.localcloud.admin import channel
from fedstack.localcloud.admin.overview import overview
from fedstack.localcloud.errors import CloudError, OptionsError
from fedstack.localcloud.faults import table
from fedstack.localcloud.faults.plan import Faults
from fedstack.localcloud.store.database import Store

LOG = logging.getLogger(__name__)

_REQUEST_TIMEOUT = 10.0
_BATCH = 500
Request = dict[str, Any]


class AdminServer:
    """Answers the owner of the state directory, and nobody else."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults
        self._handlers: dict[str, Callable[[Request], Any]] = {
            "fault.add": self._add_fault,
            "fault.list": self._list_faults,
            "fault.clear": self._clear_faults,
            "overview": self._overview,
        }
        self._tasks: set[asyncio.Task[None]] = set()
        self._followers: set[asyncio.Event] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listens in the state directory."""
        opened = channel.listen(self._store.site.state_dir)
        self._server = await asyncio.start_unix_server(self._accept, sock=opened, limit=channel.MAX_REQUEST)
        self._store.recorded = self._wake

    async def close(self) -> None:
        """Ends every conversation and removes the socket."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        (self._store.site.state_dir / channel.SOCKET).unlink(missing_ok=True)

    def _wake(self) -> None:
        for follower in self._followers:
            follower.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if _is_owner(writer):
                await self._answer(reader, writer)
        except (ConnectionError, TimeoutError):
            pass  # the client went away, or said nothing
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_TIMEOUT):
                request = _parsed(await reader.readline())
            if request["do"] == "events":
                await self._send_events(request, reader, writer)
            else:
                await _send(writer, {"ok": self._handler(request)(request)})
        except CloudError as error:
            await _send(writer, {"error": str(error), "input": isinstance(error, OptionsError)})
        except ValueError:
            await _send(writer, {"error": f"the request is longer than {channel.MAX_REQUEST} bytes"})
        except (ConnectionError, TimeoutError):
            raise
        except Exception:
            LOG.exception("control request failed")
            await _send(writer, {"error": "the request failed; see the cloud's log"})

    def _handler(self, request: Request) -> Callable[[Request], Any]:
        found = self._handlers.get(str(request["do"]))
        if found is None:
            raise CloudError(f"the cloud cannot {str(request['do'])[:64]!r}")
        return found

    def _add_fault(self, request: Request) -> Any:
        sent = {key: value for key, value in request.items() if key != "do" and value is not None}
        with self._store.begin() as tx:
            return self._faults.add(tx, sent).as_dict()

    def _list_faults(self, _request: Request) -> Any:
        with self._store.begin() as tx:
            return [one.as_dict() for one in table.everything(tx)]

    def _clear_faults(self, request: Request) -> Any:
        fault_id = request.get("id")
        if fault_id is not None and type(fault_id) is not int:
            raise CloudError(f"fault: id is {fault_id!r}, expected a whole number")
        with self._store.begin() as tx:
            return self._faults.clear(tx, fault_id)

    def _overview(self, _request: Request) -> Any:
        with self._store.begin() as tx:
            return overview(tx)

    async def _send_events(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The last events, then with `follow` every new one until either side ends.

        A slow client delays itself alone: events are read from the store when it has taken those before.
        """
        last, news = request.get("last", 0), asyncio.Event()
        if type(last) is not int or last < 0:
            raise CloudError(f"events: last is {last!r}, expected a whole number, 0 or more")
        self._followers.add(news)
        gone = asyncio.ensure_future(reader.read(1))
        gone.add_done_callback(lambda _: news.set())
        try:
            async for batch in self._events(last, news, gone, follow=request.get("follow") is True):
                writer.write(batch)
                await writer.drain()
        finally:
            self._followers.discard(news)
            gone.cancel()

    async def _events(
        self, last: int, news: asyncio.Event, gone: asyncio.Future[bytes], *, follow: bool
    ) -> AsyncIterator[bytes]:
        position = self._store.journal.before_last(last)
        while not gone.done():
            news.clear()
            found = self._store.journal.read(position, _BATCH)
            if found:
                position = found[-1][0]
                yield b"".join(_line({"ok": one.as_dict()}) for _, one in found)
            elif not follow:
                return
            else:
                await news.wait()


def _is_owner(writer: asyncio.StreamWriter) -> bool:
    """Whether the process at the other end belongs to our user (or to root)."""
    size = struct.calcsize("3i")
    credentials = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    _, uid, _ = struct.unpack("3i", credentials)
    return uid in (0, os.getuid())


def _parsed(line: bytes) -> Request:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict) or "do" not in request:
        raise CloudError('the request must be a line of JSON: {"do": ...}')
    return request


def _line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


async def _send(writer: asyncio.StreamWriter, value: object) -> None:
    writer.write(_line(value))
    await writer.drain()
