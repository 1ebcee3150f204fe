"""The first process of a local VM: ``python -m fedstack.localcloud.guest VM-DIRECTORY``.

It does what the contextualization packages do in a real one: writes ``one_env`` and ``token.txt``, runs the start
script, reports READY=YES when the ready script allows it (retries included), and on SIGTERM ends everything that
runs in the VM, services first. It knows nothing of what the start script starts.

It reads ``context.json`` in the VM's directory, and is told apart from a later process with the same number by
``guest.json`` (pid, start time). Everything of the VM carries ``ONE_VM_MARK`` in its environment.
"""

from __future__ import annotations

import base64
import ctypes
import http.client
import json
import os
import shlex
import shutil
import signal
import sys
import time
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fedstack.localcloud import trust
from fedstack.processes import kill_marked, marked, parent, send, signal_marked, start_time

MARK = "ONE_VM_MARK"
UP_FD = "ONE_VM_UP_FD"
"""Environment variable: the descriptor to write to, once, when the guest is up."""
CONTEXT_FILE = "context.json"
IDENTITY_FILE = "guest.json"

_INHERITED = (MARK, "PYTHONPATH", "LANG", "LC_ALL", "TZ", *trust.VARIABLES)
_PR_SET_CHILD_SUBREAPER = 36
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
_SERVICES_SECONDS = 20.0  # what services get to end by themselves
_REST_SECONDS = 3.0  # what everything else gets afterwards
_HTTP_SECONDS = 10.0


class PowerOff(BaseException):
    """SIGTERM came: the VM has to end."""


@dataclass(frozen=True)
class Machine:
    """One VM as its first process sees it. `context` is the complete CONTEXT, `token` the content of token.txt."""

    directory: Path
    context: Mapping[str, str]
    token: str | None

    @property
    def root(self) -> Path:
        """The VM's file system."""
        return self.directory / "root"

    @property
    def runtime(self) -> Path:
        """Where the contextualization packages put their files."""
        return self.root / "run" / "one-context"

    @property
    def log(self) -> Path:
        """What the start script and all that it starts print."""
        return self.root / "var" / "log" / "one-context.log"


def read_machine(directory: Path) -> Machine:
    """The machine that the hypervisor described in ``context.json``."""
    description = json.loads((directory / CONTEXT_FILE).read_text())
    return Machine(directory, description["context"], description["token"])


def write_private(path: Path, text: str, mode: int) -> None:
    """Writes a file whose content nobody else may read at any moment; replaces one that is there."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    path.chmod(mode)


def one_env(machine: Machine) -> str:
    """The context as a file that a shell can source: the context variables and TOKENTXT (reference 7.5)."""
    values = {**machine.context, **({"TOKENTXT": machine.token} if machine.token else {})}
    return "".join(f"export {key}={shlex.quote(value)}\n" for key, value in values.items())


def contextualize(machine: Machine) -> None:
    """Writes what a context disk brings; ``/run`` starts empty at every boot."""
    shutil.rmtree(machine.root / "run", ignore_errors=True)
    machine.runtime.mkdir(parents=True)
    machine.log.parent.mkdir(parents=True, exist_ok=True)
    write_private(machine.runtime / "one_env", one_env(machine), 0o400)
    if machine.token:
        write_private(machine.runtime / "token.txt", machine.token, 0o400)
    authorize(machine)


def authorize(machine: Machine) -> None:
    """Adds the keys of SSH_PUBLIC_KEY, one a line, to those that may log in as root."""
    place = machine.root / "root" / ".ssh" / "authorized_keys"
    known = place.read_text().splitlines() if place.exists() else []
    given = (line.strip() for line in machine.context.get("SSH_PUBLIC_KEY", "").splitlines())
    if new := [line for line in given if line and line not in known]:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(place, "".join(f"{line}\n" for line in [*known, *new]), 0o600)


def environment(machine: Machine) -> dict[str, str]:
    """What every process of the VM gets: of the machine below only the way to its programs, and whom it trusts."""
    programs = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    kept = {key: os.environ[key] for key in _INHERITED if key in os.environ}
    return kept | {
        "PATH": os.pathsep.join(programs),
        "HOME": str(machine.root),
        "ONE_ENV": str(machine.runtime / "one_env"),
        "FEDSTACK_ROOT": str(machine.root),
    }


class Init:
    """The signals and children of the first process: everything that loses its parent becomes its child."""

    def __init__(self) -> None:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)

    def run(self, program: Path, machine: Machine) -> int:
        """Runs a program to its end, output to the log; returns its exit status. Raises PowerOff."""
        opened = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(machine.log), opened, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        pid = os.posix_spawn(program, [str(program)], environment(machine), file_actions=actions, setsigmask=[])
        while (status := self.wait(None).get(pid)) is None:
            pass
        return os.waitstatus_to_exitcode(status)

    def wait(self, seconds: float | None) -> dict[int, int]:
        """Waits for a signal, reaps every child that ended: pid to wait status. Raises PowerOff on SIGTERM."""
        received = signal.sigtimedwait(_SIGNALS, seconds) if seconds is not None else signal.sigwaitinfo(_SIGNALS)
        if received and received.si_signo != signal.SIGCHLD:
            raise PowerOff
        return reap()

    def rest(self, seconds: float) -> None:
        """Waits that long, reaping. Raises PowerOff on SIGTERM."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.wait(left)


def reap() -> dict[int, int]:
    """Collects every child that has ended: pid to wait status."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = status


def run_start_script(init: Init, machine: Machine) -> None:
    """Stage 97: the decoded start script, run by its own ``#!`` line. Its failure leaves the VM running."""
    encoded = machine.context.get("START_SCRIPT_BASE64")
    text = base64.b64decode(encoded).decode() if encoded else machine.context.get("START_SCRIPT", "")
    if not text:
        return
    script = machine.runtime / "start_script"
    write_private(script, text, 0o700)
    status = init.run(script, machine)
    say(f"start script ended with exit status {status}")


def report_ready(init: Init, machine: Machine) -> bool:
    """Stage 99: READY=YES to OneGate once the ready script allows it (reference 7.5). Says whether it was reported."""
    context = machine.context
    if context.get("REPORT_READY") != "YES":
        return False
    attempts = number(context, "RETRY_COUNT", 3)
    pause = number(context, "RETRY_WAIT_PERIOD", 10)
    for attempt in range(1, attempts + 1):
        if is_ready(init, machine) and put_ready(machine):
            say("reported READY=YES")
            return True
        say(f"not ready (attempt {attempt} of {attempts})")
        if attempt < attempts:
            init.rest(pause)
    return False


def number(context: Mapping[str, str], key: str, default: int) -> int:
    """A whole number of the context; the default when it is unset or no number."""
    value = context.get(key, "")
    return int(value) if value.isdigit() else default


def is_ready(init: Init, machine: Machine) -> bool:
    """Whether the ready script, looked up below the VM's root, exits with 0 (no script: ready)."""
    path = machine.context.get("READY_SCRIPT_PATH")
    if not path:
        return True
    script = machine.root / path.lstrip("/")
    return os.access(script, os.X_OK) and init.run(script, machine) == 0


def put_ready(machine: Machine) -> bool:
    """READY=YES to the VM's user template, as the guest client sends it. False when OneGate refuses or is away."""
    address = urllib.parse.urlsplit(machine.context.get("ONEGATE_ENDPOINT", ""))
    if not address.hostname or not machine.token:
        return False
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname, address.port, timeout=_HTTP_SECONDS)
    headers = {
        "X-ONEGATE-TOKEN": machine.token,
        "X-ONEGATE-VMID": machine.context.get("VMID", ""),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    try:
        connection.request("PUT", f"{address.path.rstrip('/')}/vm", "data=READY%3DYES&type=1", headers)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException) as error:
        say(f"OneGate did not answer: {error}")
        return False
    finally:
        connection.close()


def power_off(mark: str) -> None:
    """Ends the VM in order: its services (children of this process) first, then everything else, then by force."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    services = children(marked(MARK, mark))
    for pid in services:
        send(pid, signal.SIGTERM)
    wait_for_end(services, _SERVICES_SECONDS)
    signal_marked(MARK, mark, signal.SIGTERM)
    wait_for_end(list(marked(MARK, mark)), _REST_SECONDS)
    kill_marked(MARK, mark)


def children(pids: Iterable[int]) -> list[int]:
    """Those of `pids` whose parent is this process."""
    return [pid for pid in pids if parent(pid) == os.getpid()]


def wait_for_end(pids: list[int], seconds: float) -> None:
    """Waits until all of them have ended, at most that long. Every one ends as a child of this process."""
    until = time.monotonic() + seconds
    waiting = {pid: start_time(pid) for pid in pids}
    while any(started is not None and start_time(pid) == started for pid, started in waiting.items()):
        left = until - time.monotonic()
        if left <= 0:
            return
        signal.sigtimedwait({signal.SIGCHLD}, min(left, 0.1))
        reap()


def say(message: str) -> None:
    """One line to the VM's console."""
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} guest: {message}", flush=True)


def announce(machine: Machine) -> None:
    """Writes who this process is, then tells the one who started it that the VM is up."""
    identity = {"pid": os.getpid(), "started": start_time(os.getpid())}
    write_private(machine.directory / IDENTITY_FILE, json.dumps(identity), 0o600)
    if descriptor := os.environ.pop(UP_FD, ""):
        os.write(int(descriptor), b"up\n")
        os.close(int(descriptor))


def live(init: Init, machine: Machine) -> None:
    """From boot to the end: raises PowerOff on SIGTERM, never returns otherwise."""
    contextualize(machine)
    announce(machine)
    say(f"VM {machine.context.get('VMID', '?')} is up at {machine.context.get('ETH0_IP', 'no address')}")
    run_start_script(init, machine)
    report_ready(init, machine)
    while True:
        init.wait(None)


def main(directory: Path) -> int:
    """Runs the VM in `directory` until SIGTERM."""
    mark = os.environ[MARK]
    init = Init()
    try:
        live(init, read_machine(directory))
    except PowerOff:
        say("power off")
    except Exception as error:
        say(f"the guest failed: {type(error).__name__}: {error}")
        return 1
    finally:
        power_off(mark)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
