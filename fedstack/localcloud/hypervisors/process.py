"""The process hypervisor: a VM is a session of processes on its own 127.x address, started by a guest init.

A VM survives the death of the cloud; a later cloud adopts it. It is known by pid, start time and mark, kept in
``vm.json`` and ``guest.json`` of its directory (0600). It ends as a whole: whatever carries its mark is killed when
its first process is gone, before the cloud hears that the machine is off.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fedstack.localcloud import images
from fedstack.localcloud.guest import CONTEXT_FILE, IDENTITY_FILE, MARK, UP_FD, write_private
from fedstack.localcloud.hypervisors import BootError, Guest, ImageError
from fedstack.processes import is_alive, kill_marked, marked, send

MACHINE_FILE = "vm.json"
CONSOLE = "console.log"
_SOFT_STOP_SECONDS = 30.0
_UP_SECONDS = 30.0


@dataclass
class _Machine:
    """A running VM: its first process, watched through `pidfd`. `child` when this process started it."""

    vm_id: int
    pid: int
    mark: str
    pidfd: int
    child: subprocess.Popen[bytes] | None
    stopping: bool = False
    off: asyncio.Event = field(default_factory=asyncio.Event)


class ProcessHypervisor:
    """Runs each VM as processes of this machine. See `fedstack.localcloud.hypervisors.Hypervisor`."""

    def __init__(self, on_exit: Callable[[int], None]) -> None:
        self._on_exit = on_exit
        self._machines: dict[int, _Machine] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def build_image(self, recipe: str, directory: Path) -> Path:
        """Builds (or finds) the environment of a recipe directory; the builder's output goes to ``build.log``."""
        if not Path(recipe).is_dir():
            raise ImageError(f"PATH is {recipe!r}, expected a directory on the server with {images.RECIPE_FILE}")
        directory.mkdir(parents=True, exist_ok=True)
        with (directory / "build.log").open("a", buffering=1) as log:
            return await images.build(Path(recipe), lambda line: print(line, file=log))

    async def start(self, guest: Guest) -> None:
        """Boots the machine in its directory (again, after a power-off); it is up when this returns."""
        if guest.vm_id in self._machines or await self.adopt(guest):
            return
        reader, writer = os.pipe()
        try:
            mark = prepare(guest)
            child = spawn(guest, mark, writer)
        except OSError as error:
            os.close(reader)
            raise BootError(f"the guest could not be started: {error}") from None
        except BootError:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        machine = self._watch(guest.vm_id, child.pid, mark, child)
        if not await _says_up(reader):
            machine.stopping = True
            await self._destroy(machine)
            raise BootError(f"the guest ended during its start: {last_line(guest.directory / CONSOLE)}")

    async def adopt(self, guest: Guest) -> bool:
        """Watches a machine that an earlier cloud started. A machine without its first process is cleared away."""
        if guest.vm_id in self._machines:
            return True
        mark, pid, started = read_identity(guest.directory)
        if mark and pid and is_alive(pid, started) and pid in set(marked(MARK, mark)):
            with contextlib.suppress(ProcessLookupError):  # it ended just now
                self._watch(guest.vm_id, pid, mark, None)
                return True
        if mark:
            await asyncio.to_thread(kill_marked, MARK, mark)
        return False

    async def stop(self, vm_id: int, *, hard: bool) -> None:
        """Ends the machine; nothing of it runs when this returns."""
        machine = self._machines.get(vm_id)
        if not machine:
            return
        machine.stopping = True
        if not hard:
            send(machine.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(machine.off.wait(), _SOFT_STOP_SECONDS)
        await self._destroy(machine)

    async def close(self) -> None:
        """Looks away; machines go on. What is being cleared away is cleared first."""
        await asyncio.gather(*self._tasks)
        loop = asyncio.get_running_loop()
        for machine in self._machines.values():
            loop.remove_reader(machine.pidfd)
            os.close(machine.pidfd)
        self._machines.clear()

    def _watch(self, vm_id: int, pid: int, mark: str, child: subprocess.Popen[bytes] | None) -> _Machine:
        machine = _Machine(vm_id, pid, mark, os.pidfd_open(pid), child)
        self._machines[vm_id] = machine
        asyncio.get_running_loop().add_reader(machine.pidfd, self._ended, machine)
        return machine

    def _ended(self, machine: _Machine) -> None:
        """The first process is gone: clears the rest away, then tells the cloud (unless the cloud asked for it)."""
        asyncio.get_running_loop().remove_reader(machine.pidfd)
        task = asyncio.create_task(self._clear(machine))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _clear(self, machine: _Machine) -> None:
        await asyncio.to_thread(kill_marked, MARK, machine.mark)
        if machine.child:
            machine.child.wait()
        os.close(machine.pidfd)
        self._machines.pop(machine.vm_id, None)
        machine.off.set()
        if not machine.stopping:
            self._on_exit(machine.vm_id)

    async def _destroy(self, machine: _Machine) -> None:
        if not machine.off.is_set():
            send(machine.pid, signal.SIGKILL)
            await machine.off.wait()


def prepare(guest: Guest) -> str:
    """Writes the machine's description and mounts its image; returns the mark of this boot."""
    mark = uuid.uuid4().hex
    guest.directory.mkdir(parents=True, exist_ok=True)
    guest.directory.chmod(0o700)
    description = {"context": dict(guest.context), "token": guest.token}
    write_private(guest.directory / CONTEXT_FILE, json.dumps(description), 0o600)
    write_private(guest.directory / MACHINE_FILE, json.dumps({"vm_id": guest.vm_id, "mark": mark}), 0o600)
    (guest.directory / IDENTITY_FILE).unlink(missing_ok=True)
    if guest.image:
        mount(guest.image, guest.directory / "root")
    return mark


def mount(image: Path, root: Path) -> None:
    """Puts the image at its mount point below the VM's root. Raises BootError when it is none."""
    try:
        point = root / images.read(image).mount
    except ImageError as error:
        raise BootError(f"the image cannot be used: {error}") from None
    point.parent.mkdir(parents=True, exist_ok=True)
    point.unlink(missing_ok=True)
    point.symlink_to(image)


def spawn(guest: Guest, mark: str, up: int) -> subprocess.Popen[bytes]:
    """Starts the guest init in its own session; it writes to the descriptor `up` when it is up."""
    with (guest.directory / CONSOLE).open("ab") as console:
        return subprocess.Popen(
            [sys.executable, "-m", "fedstack.localcloud.guest", str(guest.directory)],
            cwd=guest.directory,
            env={**os.environ, MARK: mark, UP_FD: str(up)},
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[up],
        )


async def _says_up(reader: int) -> bool:
    """Waits for the guest's word on the pipe; False when it ended or stayed silent. Closes the pipe."""
    loop = asyncio.get_running_loop()
    said = asyncio.Event()
    loop.add_reader(reader, said.set)
    try:
        await asyncio.wait_for(said.wait(), _UP_SECONDS)
        return bool(os.read(reader, 16))
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(reader)
        os.close(reader)


def read_identity(directory: Path) -> tuple[str, int, int]:
    """Mark, pid and start time of the machine that a directory belongs to; empty and 0 when it never came up."""
    mark, pid, started = "", 0, 0
    with contextlib.suppress(OSError, ValueError, KeyError):
        mark = json.loads((directory / MACHINE_FILE).read_text())["mark"]
        identity = json.loads((directory / IDENTITY_FILE).read_text())
        pid, started = identity["pid"], identity["started"]
    return mark, pid, started


def last_line(console: Path) -> str:
    """The last thing a machine said, for a message to users."""
    with contextlib.suppress(OSError):
        lines = [line for line in console.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing"
    return "it said nothing"
