"""VMs as processes: boot, contextualization, READY report, stop in order, death as a whole, adoption."""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import pytest

from fedstack.localcloud.guest import MARK
from fedstack.localcloud.hypervisors import BootError, Guest
from fedstack.localcloud.hypervisors.process import ProcessHypervisor, read_identity
from fedstack.processes import is_alive, kill_marked, marked

SLEEPER = f"{sys.executable} -c 'import time; time.sleep(300)'"
STUBBORN = f"{sys.executable} -c 'import os, signal, time; os.setsid(); signal.signal(15, signal.SIG_IGN); "
STUBBORN += 'open("up", "w").write("up"); time.sleep(300)\''


def script(text: str) -> str:
    return base64.b64encode(f"#!/bin/sh\ncd $FEDSTACK_ROOT\n{text}\n".encode()).decode()


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Callable[..., Guest]]:
    """Makes guests below the test's directory; nothing of them is left afterwards."""
    made: list[Guest] = []

    def make(vm_id: int = 1, start: str = "", **context: str) -> Guest:
        full = {"VMID": str(vm_id), "ETH0_IP": "127.0.0.1", "RETRY_WAIT_PERIOD": "0", **context}
        if start:
            full["START_SCRIPT_BASE64"] = script(start)
        made.append(Guest(vm_id, f"vm-{vm_id}", tmp_path / str(vm_id), None, "127.0.0.1", full, "the-token"))
        return made[-1]

    yield make
    for one in made:
        if mark := read_identity(one.directory)[0]:
            kill_marked(MARK, mark)


@asynccontextmanager
async def hypervisor() -> AsyncIterator[tuple[ProcessHypervisor, "asyncio.Queue[int]"]]:
    """A hypervisor and the ids of the machines that ended by themselves."""
    ended: asyncio.Queue[int] = asyncio.Queue()
    machines = ProcessHypervisor(ended.put_nowait)
    yield machines, ended
    await machines.close()


async def seen(path: Path, seconds: float = 15.0) -> str:
    """The content of a file, once it is there and has some."""
    async with asyncio.timeout(seconds):
        while not (path.exists() and path.read_text()):
            await asyncio.sleep(0.02)
    return path.read_text()


def mark_of(one: Guest) -> str:
    return read_identity(one.directory)[0]


def running(one: Guest) -> list[int]:
    return list(marked(MARK, mark_of(one)))


def test_a_guest_gets_its_context_token_and_environment(guest: Callable[..., Guest]) -> None:
    one = guest(start="env > environment; cp $ONE_ENV seen_env", GREETING="it's\ntwo lines")

    async def story() -> None:
        async with hypervisor() as (machines, _):
            await machines.start(one)
            await seen(one.directory / "root" / "seen_env")
            await machines.stop(1, hard=True)

    asyncio.run(story())
    root = one.directory / "root"
    runtime = root / "run" / "one-context"
    assert {path.name: path.stat().st_mode & 0o777 for path in runtime.iterdir()} == {
        "one_env": 0o400,
        "token.txt": 0o400,
        "start_script": 0o700,
    }
    assert (runtime / "token.txt").read_text() == "the-token"
    sourced = subprocess.run(
        ["/bin/sh", "-c", f'. "{runtime}/one_env"; printf %s "$GREETING|$TOKENTXT"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert sourced.stdout == "it's\ntwo lines|the-token"
    environment = dict(line.split("=", 1) for line in (root / "environment").read_text().splitlines() if "=" in line)
    assert environment["FEDSTACK_ROOT"] == str(root)
    assert environment["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert "the-token" not in (root / "environment").read_text()


def test_identity_and_description_are_private(guest: Callable[..., Guest]) -> None:
    one = guest()

    async def story() -> None:
        async with hypervisor() as (machines, _):
            await machines.start(one)
            for name in ("vm.json", "guest.json", "context.json"):
                assert (one.directory / name).stat().st_mode & 0o777 == 0o600
            mark, pid, started = read_identity(one.directory)
            assert is_alive(pid, started)
            assert pid in set(marked(MARK, mark))
            assert os.getsid(pid) == pid
            await machines.stop(1, hard=False)
            assert not is_alive(pid, started)

    asyncio.run(story())


def test_a_soft_stop_ends_services_first_and_leaves_nothing(guest: Callable[..., Guest]) -> None:
    service = textwrap.dedent(
        """
        import os, signal, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
        def end(*_):
            open("order", "a").write(f"service ends, helper alive: {child.poll() is None}")
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        open("up", "w").write("up")
        while True:
            time.sleep(1)
        """
    )
    one = guest(start=f"cat > service.py <<'EOF'\n{service}\nEOF\n{sys.executable} service.py &")

    async def story() -> None:
        async with hypervisor() as (machines, ended):
            await machines.start(one)
            await seen(one.directory / "root" / "up")
            assert len(running(one)) == 3
            await machines.stop(1, hard=False)
            assert running(one) == []
            assert ended.empty()
            await machines.stop(1, hard=False)

    asyncio.run(story())
    assert (one.directory / "root" / "order").read_text() == "service ends, helper alive: True"


def test_a_killed_group_takes_everything_with_it_before_it_is_reported(guest: Callable[..., Guest]) -> None:
    one = guest(start=f"{STUBBORN} &")

    async def story() -> None:
        async with hypervisor() as (machines, ended):
            await machines.start(one)
            await seen(one.directory / "root" / "up")
            mark, pid, _ = read_identity(one.directory)
            os.killpg(pid, signal.SIGKILL)
            assert await asyncio.wait_for(ended.get(), 15) == 1
            assert list(marked(MARK, mark)) == []
            await machines.start(one)
            assert len(running(one)) >= 1
            await machines.stop(1, hard=True)
            assert running(one) == []

    asyncio.run(story())


def test_a_machine_outlives_its_cloud_and_is_adopted_by_the_next(guest: Callable[..., Guest], tmp_path: Path) -> None:
    one = guest(start=f"{SLEEPER} &")
    cloud = textwrap.dedent(
        f"""
        import asyncio, os, signal
        from pathlib import Path
        from fedstack.localcloud.hypervisors import Guest
        from fedstack.localcloud.hypervisors.process import ProcessHypervisor
        async def main():
            await ProcessHypervisor(print).start(
                Guest(1, "vm-1", Path({str(one.directory)!r}), None, None, {dict(one.context)!r}, None))
            os.kill(os.getpid(), signal.SIGKILL)
        asyncio.run(main())
        """
    )
    first = subprocess.run([sys.executable, "-c", cloud], cwd=tmp_path, timeout=30, check=False)
    assert first.returncode == -signal.SIGKILL

    async def story() -> None:
        async with hypervisor() as (machines, ended):
            assert await machines.adopt(one)
            assert await machines.adopt(one)
            _, pid, started = read_identity(one.directory)
            assert is_alive(pid, started)
            os.kill(pid, signal.SIGKILL)
            assert await asyncio.wait_for(ended.get(), 15) == 1
            assert running(one) == []
            assert not await machines.adopt(one)

    asyncio.run(story())


def test_what_a_dead_machine_left_is_cleared_when_nobody_adopts_it(guest: Callable[..., Guest]) -> None:
    one = guest(start=f"{STUBBORN} &")

    async def story() -> None:
        async with hypervisor() as (machines, _):
            await machines.start(one)
            await seen(one.directory / "root" / "up")
        _, pid, _ = read_identity(one.directory)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert running(one) != []
        async with hypervisor() as (machines, _):
            assert not await machines.adopt(one)
            assert running(one) == []

    asyncio.run(story())


def test_a_directory_that_was_never_a_machine_is_not_adopted(guest: Callable[..., Guest]) -> None:
    async def story() -> None:
        async with hypervisor() as (machines, _):
            assert not await machines.adopt(guest())
            await machines.stop(99, hard=False)

    asyncio.run(story())


def test_a_guest_that_cannot_start_is_a_boot_error_with_its_last_words(guest: Callable[..., Guest]) -> None:
    one = guest()
    (one.directory / "root").mkdir(parents=True)
    (one.directory / "root" / "run").write_text("a file where a directory has to be")

    async def story() -> None:
        async with hypervisor() as (machines, ended):
            with pytest.raises(BootError, match=r"the guest ended during its start: .*the guest failed"):
                await machines.start(one)
            assert running(one) == []
            assert ended.empty()

    asyncio.run(story())


def test_something_that_is_no_image_is_a_boot_error(guest: Callable[..., Guest], tmp_path: Path) -> None:
    one = replace(guest(), image=tmp_path)

    async def story() -> None:
        async with hypervisor() as (machines, _):
            with pytest.raises(BootError, match="the image cannot be used"):
                await machines.start(one)

    asyncio.run(story())


@pytest.fixture
def gate() -> Iterator[tuple[str, "Queue[dict[str, Any]]"]]:
    """An HTTP server that keeps what is put; the first request is refused."""
    puts: Queue[dict[str, Any]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            refused = puts.empty()
            puts.put({"path": self.path, "body": body, "token": self.headers["X-ONEGATE-TOKEN"]})
            self.send_response(500 if refused else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", puts
    server.shutdown()
    thread.join()
    server.server_close()


READY = {"REPORT_READY": "YES", "READY_SCRIPT_PATH": "/opt/ready.sh"}
WRITE_READY_SCRIPT = "mkdir -p opt; printf '#!/bin/sh\\necho x >> {root}/asked; exit {status}\\n' > opt/ready.sh; "


def ready_script(one_root: Path, status: int) -> str:
    return WRITE_READY_SCRIPT.format(root=one_root, status=status) + "chmod +x opt/ready.sh"


def test_ready_is_reported_as_the_guest_client_does_and_tried_again(
    guest: Callable[..., Guest], gate: tuple[str, "Queue[dict[str, Any]]"], tmp_path: Path
) -> None:
    endpoint, puts = gate
    one = guest(start=ready_script(tmp_path / "1" / "root", 0), ONEGATE_ENDPOINT=endpoint, **READY)

    async def story() -> None:
        async with hypervisor() as (machines, _):
            await machines.start(one)
            first, second = [await asyncio.to_thread(puts.get, True, 15) for _ in range(2)]
            assert first == second == {"path": "/vm", "body": "data=READY%3DYES&type=1", "token": "the-token"}
            await machines.stop(1, hard=True)

    asyncio.run(story())


def test_ready_is_not_reported_while_the_ready_script_says_no(
    guest: Callable[..., Guest], gate: tuple[str, "Queue[dict[str, Any]]"], tmp_path: Path
) -> None:
    endpoint, puts = gate
    start = ready_script(tmp_path / "1" / "root", 1)
    one = guest(start=start, ONEGATE_ENDPOINT=endpoint, RETRY_COUNT="2", **READY)

    async def story() -> None:
        async with hypervisor() as (machines, _):
            await machines.start(one)
            console = one.directory / "console.log"
            async with asyncio.timeout(15):
                while "attempt 2 of 2" not in console.read_text():
                    await asyncio.sleep(0.02)
            await machines.stop(1, hard=False)

    asyncio.run(story())
    assert puts.empty()
    assert (one.directory / "root" / "asked").read_text() == "x\nx\n"


def test_a_power_off_during_the_start_script_ends_it(guest: Callable[..., Guest]) -> None:
    one = guest(start=f"echo up > up; exec {SLEEPER}")

    async def story() -> None:
        async with hypervisor() as (machines, _):
            await machines.start(one)
            await seen(one.directory / "root" / "up")
            async with asyncio.timeout(10):
                await machines.stop(1, hard=False)
            assert running(one) == []

    asyncio.run(story())


def test_run_is_empty_at_every_boot_and_the_rest_is_kept(guest: Callable[..., Guest]) -> None:
    one = guest(start="echo x >> kept; echo x >> run/not_kept; echo done >> run/done")

    async def story() -> None:
        async with hypervisor() as (machines, _):
            for boots in (1, 2):
                await machines.start(one)
                await seen(one.directory / "root" / "run" / "done")
                root = one.directory / "root"
                assert (root / "kept").read_text() == "x\n" * boots
                assert (root / "run" / "not_kept").read_text() == "x\n"
                await machines.stop(1, hard=False)

    asyncio.run(story())


def test_operators_get_in_with_their_keys_and_earlier_ones_stay(guest: Callable[..., Guest]) -> None:
    one = guest(SSH_PUBLIC_KEY="ssh-ed25519 AAAA one\n\nssh-ed25519 BBBB two\n")
    place = one.directory / "root" / "root" / ".ssh" / "authorized_keys"

    async def story() -> None:
        async with hypervisor() as (machines, _):
            for more in (one, replace(one, context={**one.context, "SSH_PUBLIC_KEY": "ssh-ed25519 CCCC three"})):
                await machines.start(more)
                await machines.stop(1, hard=True)

    asyncio.run(story())
    assert place.read_text().split() == [
        *("ssh-ed25519", "AAAA", "one"),
        *("ssh-ed25519", "BBBB", "two"),
        *("ssh-ed25519", "CCCC", "three"),
    ]
    assert (place.stat().st_mode & 0o777, place.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_description_is_what_the_hypervisor_was_given(guest: Callable[..., Guest]) -> None:
    one = guest(FLAVOUR="vanilla")

    async def story() -> None:
        async with hypervisor() as (machines, _):
            await machines.start(one)
            written = json.loads((one.directory / "context.json").read_text())
            assert written == {"context": dict(one.context), "token": "the-token"}
            await machines.stop(1, hard=True)

    asyncio.run(story())
