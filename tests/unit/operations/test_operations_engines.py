"""Runs of Pulumi, told by the processes that they started: command lines as they were seen, and real processes."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fedstack.operations.engines import engine_port, engines
from fedstack.operations.environment import Project
from fedstack.operations.errors import OperationError
from fedstack.operations.resume import clear
from fedstack.operations.stack import Stack

HOST = ["/x/pulumi-language-python", "-virtualenv=/p/.venv", "-toolchain=pip", "-root=/p", "127.0.0.1:4711"]
PROGRAM = ["/p/.venv/bin/python", "/x/pulumi-language-python-exec", "--monitor", "127.0.0.1:1", "--engine"]
PACK = ["/p/.venv/bin/python", "-u", "-m", "pulumi.policy", "127.0.0.1:4711", ".", "-toolchain=pip"]
PROVIDER = ["/p/provider/../.venv/bin/python", "/p/provider", "127.0.0.1:4711"]
SLEEPER = "import sys; print(flush=True); sys.stdin.read()"


@pytest.mark.parametrize("words", [HOST, [*PROGRAM, "127.0.0.1:4711", "--stack", "dev"], PACK, PROVIDER])
def test_the_engine_of_a_helper(words: list[str]) -> None:
    assert engine_port(words) == 4711


@pytest.mark.parametrize(
    "words", [["pulumi", "up", "127.0.0.1:4711"], ["python", "-m", "http.server"], ["curl", "127.0.0.1:4711"], [""]]
)
def test_other_processes_are_no_helpers(words: list[str]) -> None:
    assert engine_port(words) is None


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(Project(tmp_path), "dev", {})


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """What an engine is seen by: something that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def helper(tmp_path: Path, listener: socket.socket) -> Iterator[subprocess.Popen[str]]:
    """A process in the project's folder with the command line of a program of stack dev."""
    script = tmp_path / "pulumi-language-python-exec"
    script.write_text(SLEEPER)
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    with subprocess.Popen(
        [sys.executable, script, "--engine", address, "--stack", "dev"],
        **{"cwd": tmp_path, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_a_helper_of_a_live_engine_is_left_alone(
    stack: Stack, helper: subprocess.Popen[str], listener: socket.socket
) -> None:
    found = engines(stack.project.root)
    assert [(one.port, one.stack, one.alive) for one in found] == [(listener.getsockname()[1], "dev", True)]
    with pytest.raises(
        OperationError, match=rf"stack 'dev': a run of Pulumi is under way.*\(its processes: {helper.pid}\)"
    ):
        clear(stack, print)
    assert helper.poll() is None


def test_a_helper_of_a_dead_engine_is_ended(
    stack: Stack, helper: subprocess.Popen[str], listener: socket.socket
) -> None:
    listener.close()
    said: list[str] = []
    clear(stack, said.append)
    assert said == ["ended 1 process of a killed run"]
    assert helper.wait(5) == -signal.SIGKILL
    clear(stack, said.append)
    assert len(said) == 1


def test_helpers_of_another_stack_or_folder_are_left_alone(
    tmp_path: Path, helper: subprocess.Popen[str], listener: socket.socket
) -> None:
    listener.close()
    clear(Stack(Project(tmp_path), "prod", {}), print)
    (tmp_path / "other").mkdir()
    clear(Stack(Project(tmp_path / "other"), "dev", {}), print)
    assert helper.poll() is None
