"""One Flower process: started through the launcher, heard through its events, ended with everything it started.

With isolation ``process`` a SuperExec lives beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from fedstack.appliance import superexec
from fedstack.appliance.launch import Launch
from fedstack.appliance.runtime import LAUNCH_MARK, Runtime
from fedstack.processes import kill_marked

Event = dict[str, Any]
STOP_SECONDS = 15.0
_LOG_BYTES = 8 * 1024 * 1024


class FlowerProcess:
    """A running launch. `failure` is what the launcher said when Flower's main function failed.

    `company` is what runs beside it, from its release to its end.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        mark: str,
        events: asyncio.StreamReader,
        company: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self._process = process
        self._mark = mark
        self._events = events
        self._company = company
        self._accompanied: asyncio.Task[None] | None = None
        self.failure = ""

    @property
    def pid(self) -> int:
        """Flower's process id."""
        return self._process.pid

    def release(self) -> None:
        """Lets the launcher go on: it has imported Flower meanwhile and waits for a line."""
        if self._process.stdin:
            self._process.stdin.write(b"go\n")
            self._process.stdin.close()
        self._accompanied = asyncio.create_task(self._company())

    async def listen(self, heard: Callable[[Event], None]) -> int:
        """Hands on every event until the process has ended; returns its exit status. Keeps why it failed."""
        while line := await self._events.readline():
            event = json.loads(line)
            if event["event"] == "failed":
                self.failure = event["reason"]
            heard(event)
        return await self._process.wait()

    async def stop(self) -> None:
        """SIGTERM and time to close its files; then everything that carries its mark is killed."""
        if self._process.returncode is None:
            self._process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        if self._accompanied:
            self._accompanied.cancel()
            await asyncio.wait({self._accompanied})
        await asyncio.to_thread(kill_marked, LAUNCH_MARK, self._mark)
        await self._process.wait()


async def start(runtime: Runtime, launch: Launch, log: Path) -> FlowerProcess:
    """Starts a launch, output appended to `log`; Flower's own work begins with `release`. Raises OSError."""
    rotate(log)
    mark = uuid.uuid4().hex
    reader, writer = os.pipe()
    with log.open("ab") as output:
        try:
            process = await asyncio.create_subprocess_exec(
                *runtime.command(launch),
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                cwd=log.parent,
                env=runtime.environment(launch, mark, writer),
                pass_fds=[writer],
            )
        except OSError:
            os.close(reader)
            raise
        finally:
            os.close(writer)
    return FlowerProcess(process, mark, await _stream(reader), lambda: superexec.keep(runtime, launch, mark, log))


def rotate(log: Path) -> None:
    """Keeps one earlier log when the current one has grown large."""
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


async def _stream(descriptor: int) -> asyncio.StreamReader:
    stream = asyncio.StreamReader()
    file = os.fdopen(descriptor, "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), file)
    return stream
