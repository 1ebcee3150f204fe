"""Starting, stopping and asking the local cloud from other programs: `start`, `stop`, `status`."""

from __future__ import annotations

import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

from fedstack import processes
from fedstack.localcloud import binding, directory
from fedstack.localcloud.errors import CloudError, OptionsError
from fedstack.localcloud.options import Options

__all__ = ["CloudError", "Options", "OptionsError", "Status", "start", "status", "stop"]

START_TIMEOUT = 60.0
STOP_TIMEOUT = 15.0
DESTROY_TIMEOUT = 90.0


class Status(TypedDict):
    """What `fedstack cloud status --json` prints. URLs are complete; without a cloud they are empty and pid is 0.

    `authorities`: a PEM file that clients have to trust when the URLs begin with https, else empty.
    """

    running: bool
    pid: int
    rpc: str
    flow: str
    gate: str
    auth_file: str
    state_dir: str
    hypervisor: str
    vms: int
    services: int
    authorities: str


def status(state_dir: Path) -> Status:
    """The cloud of a state directory, running or not; VMs that are DONE do not count."""
    state_dir = state_dir.absolute()
    found = directory.read_status(state_dir)
    vms, services = _counts(state_dir / directory.DATABASE)
    known = found or {}
    return Status(
        running=found is not None,
        pid=int(known.get("pid", 0)),
        rpc=str(known.get("rpc", "")),
        flow=str(known.get("flow", "")),
        gate=str(known.get("gate", "")),
        auth_file=str(state_dir / directory.AUTH_FILE),
        state_dir=str(state_dir),
        hypervisor=str(known.get("hypervisor", "")),
        vms=vms,
        services=services,
        authorities=str(known.get("authorities", "")),
    )


def _counts(database: Path) -> tuple[int, int]:
    """VMs and services in the store."""
    if not database.exists():
        return 0, 0
    try:
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            vms = connection.execute("SELECT count(*) FROM vm WHERE state != 6").fetchone()
            services = connection.execute("SELECT count(*) FROM service").fetchone()
        finally:
            connection.close()
    except sqlite3.Error:
        return 0, 0
    return int(vms[0]), int(services[0])


def start(options: Options) -> Status:
    """Starts a cloud in the background and returns when it answers; one that runs already is left as it is.

    Raises OptionsError for options that cannot be, CloudError with the cause of any other failure: a port that is
    taken, a directory that cannot be written, a process that died.
    """
    options = replace(options, state_dir=options.state_dir.absolute())
    binding.check(options)
    if directory.read_status(options.state_dir) is not None:
        return status(options.state_dir)
    directory.create(options.state_dir)
    reader, writer = os.pipe()
    try:
        process = _spawn(options, writer)
    finally:
        os.close(writer)
    try:
        answer = _wait(reader, process)
    finally:
        os.close(reader)
    if "error" in answer:
        process.wait(STOP_TIMEOUT)
        raise CloudError(str(answer["error"]))
    return status(options.state_dir)


def _spawn(options: Options, writer: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "fedstack.localcloud", *options.arguments(), "--report-fd", str(writer)]
    log = os.open(options.state_dir / directory.LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[writer], start_new_session=True
        )
    finally:
        os.close(log)


def _wait(reader: int, process: subprocess.Popen[bytes]) -> dict[str, object]:
    """The report of the new process; when it ends without one, or says nothing, that is the error."""
    if not select.select([reader], [], [], START_TIMEOUT)[0]:
        process.kill()
        return {"error": f"the local cloud did not answer within {START_TIMEOUT:.0f} s; see its {directory.LOG_FILE}"}
    text = os.read(reader, 65536)
    if not text:
        code = process.wait(STOP_TIMEOUT)
        return {"error": f"the local cloud ended with code {code} while starting; see its {directory.LOG_FILE}"}
    report: dict[str, object] = json.loads(text)
    return report


def stop(state_dir: Path, destroy_vms: bool) -> None:
    """Ends the cloud of a state directory; nothing happens when none runs.

    `destroy_vms`: every service is undeployed and every VM terminated first (30 s to finish, then killed); else they
    live on and the next start finds them. Raises CloudError when the cloud does not end.
    """
    found = directory.read_status(state_dir.absolute())
    if found is None:
        return
    pid, started = int(found["pid"]), int(found["started"])
    number, timeout = (signal.SIGUSR1, DESTROY_TIMEOUT) if destroy_vms else (signal.SIGTERM, STOP_TIMEOUT)
    if processes.end(pid, started, number, timeout):
        return
    if destroy_vms or not processes.end(pid, started, signal.SIGKILL, STOP_TIMEOUT):
        raise CloudError(f"the local cloud (process {pid}) did not end within {timeout:.0f} s")
