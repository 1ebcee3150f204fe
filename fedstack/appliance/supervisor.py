"""Keeps Flower running in this VM: starts it, watches for a real connection, restarts it, stops it in order.

What dies here is no business of the cloud. A SuperNode that its SuperLink refuses ends (the launcher sees to that)
and is tried again; see `enrolment` for how it gets back in.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress

from fedstack.appliance import context, facts, flower, health, late, onegate, runtime
from fedstack.appliance.bootlog import BootLog
from fedstack.appliance.companions import companion
from fedstack.appliance.failure import ErrorCode
from fedstack.appliance.flower import Event, FlowerProcess
from fedstack.appliance.grpc_notes import GrpcNotes
from fedstack.appliance.launch import Launch
from fedstack.appliance.onegate import GateError, OneGate
from fedstack.appliance.paths import Paths
from fedstack.appliance.restarts import Restarts
from fedstack.appliance.status import State, Status
from fedstack.context import Appliance
from fedstack.processes import start_time

_RECOVER_EVERY = 10.0
_SETTLE_SECONDS = 1.0


class Supervisor:
    """Supervises one launch until it is told to stop. `patience` is that of `late`."""

    def __init__(
        self, paths: Paths, launch: Launch, gate: OneGate | None, log: BootLog, patience: float | None = None
    ) -> None:
        self._paths = paths
        self._launch = launch
        self._gate = gate
        self._log = log
        self._patience = patience
        self._runtime = runtime.find(paths)
        self._companion = companion(paths, launch, self._runtime, gate, log)
        self._restarts = Restarts()
        self._lives = 0
        self._renewing = False
        self._process: FlowerProcess | None = None
        self._recovery: asyncio.Task[None] | None = None
        self._grpc = GrpcNotes(launch, log)

    async def run(self) -> int:
        """Runs Flower until SIGTERM (0) or until it has crashed too often (1)."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        work = asyncio.create_task(self._keep_running())
        told = asyncio.create_task(stop.wait())
        await asyncio.wait({work, told}, return_when=asyncio.FIRST_COMPLETED)
        if not told.done():
            told.cancel()
            await work
            return 1
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
        if self._process:
            await self._process.stop()
        self._report(State.STOPPED)
        return 0

    async def _keep_running(self) -> None:
        """Starts Flower again and again; returns when it crashed too often."""
        while True:
            reason, refused = await self._one_life()
            if self._renewing:
                continue
            pause = self._restarts.refused() if refused else self._restarts.crashed(time.monotonic())
            if pause is None:
                await self._give_up(reason)
                return
            self._report(State.WAITING, reason=reason)
            self._log.warning(f"supervisor: Flower ended ({reason})")
            if not (refused and await self._companion.refused(reason)):
                await asyncio.sleep(pause)

    async def _one_life(self) -> tuple[str, bool]:
        """One process from start to end; says why it ended and whether the SuperLink refused it."""
        log = self._paths.logs / f"{self._launch.program}.log"
        process = self._process = await flower.start(self._runtime, self._launch, log)
        self._lives += 1
        self._renewing = False
        self._report(State.ENROLLING)
        company = asyncio.create_task(self._accompany(process))
        try:
            status = await process.listen(self._heard)
        finally:
            company.cancel()
            if self._recovery:
                self._recovery.cancel()
        await process.stop()  # what it left behind
        if process.failure:
            return process.failure, self._launch.appliance == "supernode"
        return f"exit status {status}", False

    async def _accompany(self, process: FlowerProcess) -> None:
        """Ends the process when its companion wants it to be started anew."""
        await self._companion.permission()
        self._report(State.STARTING)
        process.release()
        await self._companion.accompany(self._connected)
        self._renewing = True
        self._say("Flower is started anew with other certificates")
        self._report(State.WAITING, reason="the certificates change")
        await process.stop()

    def _heard(self, event: Event) -> None:
        match event["event"]:
            case "activated":
                self._connected(event["node_id"])
                self._say(f"connected to {self._launch.fleet_address} as node {event['node_id']}")
            case "grpc":
                self._grpc.made(event["side"], event["options"])
            case "warning":
                self._grpc.warn(event["message"])

    def _connected(self, node_id: str = "") -> None:
        self._restarts.succeeded()
        self._report(State.CONNECTED, node_id=node_id)
        if not self._recovery or self._recovery.done():
            self._recovery = asyncio.create_task(self._recover())
        asyncio.get_running_loop().call_later(_SETTLE_SECONDS, self._grpc.check)

    async def _recover(self) -> None:
        """After a failure that was published: says that this VM is ready after all; as long as it is connected."""
        while not await self._recovered():
            await asyncio.sleep(_RECOVER_EVERY)
        if self._gate and self._patience is not None:
            await late.report(self._launch.appliance, self._paths, self._gate, self._patience, self._say)

    async def _recovered(self) -> bool:
        try:
            if await asyncio.to_thread(facts.recover, self._paths, self._gate):
                self._say("connected after a failure, which is taken back")
        except (GateError, OSError) as error:
            self._log.warning(f"supervisor: connected after a failure, which cannot be taken back yet: {error}")
            return False
        return True

    def _say(self, message: str) -> None:
        self._log.info(f"supervisor: {message}")

    async def _give_up(self, reason: str) -> None:
        self._report(State.FAILED, reason=reason)
        self._log.write("ERROR", f"supervisor: Flower crashed too often, the last time with: {reason}")
        health.write_outcome(self._paths, f"Flower crashed too often: {reason}")
        said = facts.failure(self._launch.appliance, ErrorCode.CRASH_LOOP, reason)
        if self._gate:
            with suppress(GateError):
                await asyncio.to_thread(self._gate.publish, said)

    def _report(self, state: State, *, node_id: str = "", reason: str = "") -> None:
        me = os.getpid()
        alive = state in (State.ENROLLING, State.STARTING, State.CONNECTED)
        status = Status(
            state=state,
            supervisor=me,
            started=start_time(me) or 0,
            pid=self._process.pid if self._process and alive else None,
            node_id=node_id,
            reason=reason,
            restarts=max(0, self._lives - 1),
        )
        status.save(self._paths.status_file)


def supervise(appliance: Appliance, paths: Paths) -> int:
    """Runs the supervisor of this VM; the exit status of the process."""
    here = context.read(appliance, paths)
    launch = Launch.load(paths.launch_file)
    log = BootLog(paths.logs / "flower-bootstrap.log")
    return asyncio.run(Supervisor(paths, launch, onegate.connect(here), log, late.patience(here)).run())
