"""A real federation for tests: SuperLink (TLS, SuperNode authentication) and SuperNodes, on their own 127.x.y block."""

import contextlib
import os
import secrets
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from fedstack.processes import kill_marked
from fedstack.training.connection import NAME, Connection, write_home
from fedstack.training.flower import QUIET, Flower
from tests.integration.training.certificates import write_certificates, write_key

MARK = "FEDSTACK_TEST_FEDERATION"
PATIENCE = 60.0


class FlowerProcess:
    """A Flower process whose log lines can be waited for; ``mark`` is in its environment and its children's."""

    def __init__(self, executable: Path, *arguments: str, home: Path, mark: str) -> None:
        home.mkdir(mode=0o700)
        environment = {
            **os.environ,
            **QUIET,
            "FLWR_HOME": str(home),
            "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.1",
            MARK: mark,
        }
        path = f"{executable.parent}{os.pathsep}{os.environ['PATH']}"
        self._process = subprocess.Popen(
            [str(executable), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=home,
            env={**environment, "PATH": path},
        )
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def await_line(self, text: str) -> None:
        """Wait for a log line that holds ``text``; fails when the process ends or takes a minute."""
        with self._changed:
            seen = self._changed.wait_for(
                lambda: any(text in line for line in self._lines) or not self._reader.is_alive(), PATIENCE
            )
        assert seen and any(text in line for line in self._lines), "".join(self._lines)

    def stop(self) -> None:
        """End the process by SIGTERM, by force when that takes a minute."""
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                with self._changed:
                    self._lines.append(line)
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


@contextlib.contextmanager
def federation(environment: Path, folder: Path, supernodes: int) -> Iterator[Connection]:
    """Run a federation; gives the connection to its Control API once every SuperNode is registered and online."""
    with contextlib.ExitStack() as stack:
        block = stack.enter_context(claimed_block())
        mark = secrets.token_hex(16)
        stack.callback(kill_marked, MARK, mark)
        link_address = f"{block}.1"
        ca_pem = write_certificates(folder, link_address)
        binaries = environment / "bin"
        superlink = FlowerProcess(
            binaries / "flower-superlink",
            *("--ssl-ca-certfile", str(folder / "ca.crt")),
            *("--ssl-certfile", str(folder / "server.crt"), "--ssl-keyfile", str(folder / "server.key")),
            *("--fleet-api-address", f"{link_address}:9092", "--control-api-address", f"{link_address}:9093"),
            *("--host", link_address, "--port", "9091", "--database", str(folder / "state.db")),
            *("--enable-supernode-auth", "--disable-runtime-dependency-installation"),
            home=folder / "superlink",
            mark=mark,
        )
        stack.callback(superlink.stop)
        connection = Connection(f"{link_address}:9093", ca_pem)
        keys = [write_key(folder / f"node{number}") for number in range(supernodes)]
        superlink.await_line("Starting Control API")
        register(environment, folder / "operator", connection, keys)
        nodes = []
        for number, key in enumerate(keys):
            node = FlowerProcess(
                binaries / "flower-supernode",
                *("--root-certificates", str(folder / "ca.crt"), "--auth-supernode-private-key", str(key)),
                *("--superlink", f"{link_address}:9092", "--host", f"{block}.{10 + number}", "--port", "9094"),
                *("--node-config", f"partition-id={number} num-partitions={supernodes}"),
                home=folder / f"supernode{number}",
                mark=mark,
            )
            stack.callback(node.stop)
            nodes.append(node)
        for node in nodes:
            node.await_line("SuperNode ID")
        yield connection


@contextlib.contextmanager
def claimed_block() -> Iterator[str]:
    """Give a 127.x.y block that no other test uses, held by a bound socket."""
    with socket.socket() as claim:
        while True:
            block = f"127.{64 + secrets.randbelow(186)}.{1 + secrets.randbelow(250)}"
            try:
                claim.bind((f"{block}.1", 9099))
            except OSError:
                continue
            break
        yield block


def register(environment: Path, home: Path, connection: Connection, keys: list[Path]) -> None:
    """Register the public halves of the keys over the Control API."""
    write_home(home, connection)
    with Flower(environment, home) as flower:
        for key in keys:
            flower.run("supernode", "register", f"{key}.pub", NAME)
