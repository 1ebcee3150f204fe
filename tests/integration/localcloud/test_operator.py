"""`fedstack cloud events, logs, status, fault`: what a person sees of a cloud, and who may ask."""

from __future__ import annotations

import base64
import json
import os
import pty
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fedstack.localcloud import control
from fedstack.localcloud.admin import channel, client

TOOL = (
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from fedstack.cli import main; main()",
    "cloud",
)


def environment() -> dict[str, str]:
    """Ours, in which nothing asks for colours."""
    kept = {key: value for key, value in os.environ.items() if key not in {"FORCE_COLOR", "NO_COLOR"}}
    return {**kept, "COLUMNS": "140", "TERM": "xterm"}


def tool(cloud: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `fedstack cloud ...` on a cloud."""
    command = [*TOOL, *arguments, "--state-dir", str(cloud.options.state_dir)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(), check=False)


@pytest.fixture
def following() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `fedstack cloud ... --follow`; ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(cloud: Any, *arguments: str) -> subprocess.Popen[str]:
        command = [*TOOL, *arguments, "--follow", "--state-dir", str(cloud.options.state_dir)]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment()))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def boot(cloud: Any, name: str, until: Callable[..., Any]) -> int:
    """A VM that runs."""
    vm_id: int = cloud.one.template.instantiate(cloud.template(), name)
    until(lambda: cloud.place(vm_id) == (3, 3), "running")
    return vm_id


def test_every_transition_once_and_in_order(cloud: Any, until: Callable[..., Any]) -> None:
    before = len(list(client.events(cloud.options.state_dir, last=10_000)))
    service_id = cloud.deploy(cloud.template(), ready_status_gate=True)
    until(lambda: cloud.service(service_id)["state"] == 2, "RUNNING")
    cloud.flow("DELETE", f"service/{service_id}")
    until(lambda: cloud.flow("GET", f"service/{service_id}").status_code == 404, "gone")
    found = list(client.events(cloud.options.state_dir, last=10_000))[before:]
    chains: dict[tuple[str, int, str], list[str]] = {}
    for one in found:
        chain = chains.setdefault((one["object"], one["id"], one["name"]), [])
        assert one["from"] == (chain[-1] if chain else ""), one
        chain.append(one["to"])
    vms = [chain for key, chain in chains.items() if key[0] == "vm"]
    assert vms == [["PENDING", "PROLOG", "BOOT", "RUNNING", "SHUTDOWN", "EPILOG", "DONE"]] * 3
    assert chains[("role", service_id, "child")] == ["PENDING", "DEPLOYING", "RUNNING", "UNDEPLOYING", "DONE"]
    assert chains[("service", service_id, "svc")] == [
        *("PENDING", "DEPLOYING_NETS", "DEPLOYING", "RUNNING", "UNDEPLOYING", "UNDEPLOYING_NETS", "DONE")
    ]
    assert [one["time"] for one in found] == sorted(one["time"] for one in found)
    causes = {one["to"]: one["cause"] for one in found if one["object"] == "service"}
    assert causes["RUNNING"].endswith("reported READY=YES")
    assert causes["UNDEPLOYING"] == f"DELETE /service/{service_id}"


def test_events_follow_as_they_happen_until_ctrl_c(
    cloud: Any, until: Callable[..., Any], following: Callable[..., subprocess.Popen[str]]
) -> None:
    process = following(cloud, "events", "--json", "--last", "0")
    watched = following(cloud, "events", "--last", "1")
    assert process.stdout is not None and watched.stdout is not None
    lines: list[dict[str, Any]] = []
    enough = threading.Event()

    def read(output: Any) -> None:
        for line in output:
            lines.append(json.loads(line))
            if lines[-1]["to"] == "RUNNING":
                enough.set()

    threading.Thread(target=read, args=(process.stdout,), daemon=True).start()
    until(lambda: boot(cloud, "followed", until) >= 0 and enough.wait(1), "events")
    assert {"object": "vm", "to": "RUNNING", "from": "BOOT"}.items() <= lines[-1].items()
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert "->" in watched.stdout.readline()
    watched.send_signal(signal.SIGINT)
    assert watched.communicate(timeout=10)[1] == ""
    assert watched.returncode == 130
    assert process.stderr is not None and process.stderr.read() == ""


def test_following_ends_with_the_cloud(new_cloud: Any, following: Callable[..., subprocess.Popen[str]]) -> None:
    cloud = new_cloud()
    cloud.network()
    cloud.one.template.instantiate(cloud.template(), "one")
    process = following(cloud, "events")
    assert process.stdout is not None
    assert "vm 0 one: (new) -> PENDING" in process.stdout.readline()
    control.stop(cloud.options.state_dir, destroy_vms=False)
    assert process.communicate(timeout=20)[1] == f"fedstack: the local cloud in {cloud.options.state_dir} has ended\n"
    assert process.returncode == 1
    assert not (cloud.options.state_dir / channel.SOCKET).exists()


def test_a_slow_follower_delays_nobody(cloud: Any, until: Callable[..., Any]) -> None:
    stuck = client.events(cloud.options.state_dir, last=10_000, follow=True)
    boot(cloud, "first", until)
    assert next(stuck)["object"]
    boot(cloud, "second", until)
    stuck.close()  # type: ignore[attr-defined]


def test_the_socket_is_for_its_owner(cloud: Any) -> None:
    path = cloud.options.state_dir / channel.SOCKET
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(cloud.options.state_dir.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"nonsense\n", "must be a line of JSON"),
        (b"[1]\n", "must be a line of JSON"),
        (b'{"do": "explode"}\n', "cannot 'explode'"),
        (b'{"do": ["x"]}\n', "cannot"),
        (b'{"do": "events", "last": "all"}\n', "last is 'all'"),
        (b'{"do": "fault.clear", "id": "all"}\n', "id is 'all'"),
        (b"[" * 60_000 + b"\n", "must be a line of JSON"),
        (b"x" * (channel.MAX_REQUEST * 3) + b"\n", "longer than 65536 bytes"),
        (b"", "must be a line of JSON"),
    ],
)
def test_nonsense_is_refused_in_words(cloud: Any, sent: bytes, answer: str, monkeypatch: Any) -> None:
    monkeypatch.chdir(cloud.options.state_dir)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(channel.SOCKET)
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        reply = connection.makefile().readline()
    assert answer in json.loads(reply)["error"]


def test_a_long_path_is_no_obstacle(new_cloud: Any) -> None:
    cloud = new_cloud("d" * 120)
    assert client.faults(cloud.options.state_dir) == []


def test_status_shows_what_lives(new_cloud: Any, until: Callable[..., Any]) -> None:
    cloud = new_cloud()
    service_id = cloud.deploy(cloud.template(), children=60, ready_status_gate=True, name="[bold]lab")
    until(lambda: cloud.service(service_id)["state"] == 2, "RUNNING")
    shown = tool(cloud, "status")
    assert shown.returncode == 0, shown.stderr
    status = control.status(cloud.options.state_dir)
    first = f"running: {status['rpc']}, 1 services, 61 VMs (pid {status['pid']})"
    assert shown.stdout.splitlines()[0] == first
    rows = [line.split() for line in shown.stdout.splitlines()]
    assert [str(service_id), "[bold]lab", "RUNNING"] in rows
    assert ["child", "RUNNING", "60/60", "60/60"] in rows
    assert any(row[:1] == ["49"] and row[-2] == "yes" for row in rows)
    assert ["0", "net", cloud.one.vn.info(0).AR_POOL.AR[0].IP, "61/200"] in rows
    assert "11 more VMs; --all shows them" in shown.stdout
    assert "more VMs" not in tool(cloud, "status", "--all").stdout
    assert tool(cloud, "status", "--brief").stdout == first + "\n"
    assert json.loads(tool(cloud, "status", "--json").stdout) == dict(status)
    assert "\x1b" not in shown.stdout


def test_colours_on_a_terminal_only(cloud: Any, until: Callable[..., Any]) -> None:
    boot(cloud, "coloured", until)
    ours, theirs = pty.openpty()
    command = [*TOOL, "status", "--state-dir", str(cloud.options.state_dir)]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment())
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:
        pass  # how a terminal says that its other end is gone
    finally:
        os.close(ours)
    assert process.wait(20) == 0
    assert b"\x1b[32mRUNNING" in shown
    assert b"\x1b" not in tool(cloud, "events").stdout.encode()


def test_faults_from_the_command_line(cloud: Any) -> None:
    added = tool(cloud, "fault", "add", "slow-boot", "--role", "none", "--nth", "2", "--seconds", "3", "--times", "0")
    assert added.stdout.endswith(": slow-boot, role none, number 2 created\n"), added.stderr
    listed = tool(cloud, "fault", "list").stdout
    assert "role none, number 2 created" in listed and "always" in listed
    found = json.loads(tool(cloud, "fault", "list", "--json").stdout)
    assert {"kind": "slow-boot", "role": "none", "nth": 2, "seconds": 3.0, "left": None}.items() <= found[0].items()
    wrong = tool(cloud, "fault", "add", "explode")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("fedstack: fault: kind is 'explode', expected one of boot-failure, ")
    assert tool(cloud, "fault", "clear", str(found[0]["id"])).stdout == "1 fault cleared\n"
    assert tool(cloud, "fault", "list").stdout == "no faults\n"


def script(text: str) -> str:
    """A context whose guest runs that."""
    encoded = base64.b64encode(f"#!/bin/sh\n{text}\n".encode()).decode()
    return f'TOKEN="YES",NETWORK="YES",START_SCRIPT_BASE64="{encoded}"'


def test_logs_of_a_process_vm(
    host: Any, until: Callable[..., Any], following: Callable[..., subprocess.Popen[str]]
) -> None:
    lines = (
        'log="$FEDSTACK_ROOT/var/log/app"',
        'mkdir -p "$log"',
        "echo from the script",
        'echo from the app > "$log/app.log"',
    )
    text = "\n".join(lines)
    vm_id: int = host.one.template.instantiate(host.template(context=script(text)), "talker")
    until(lambda: "app | from the app" in tool(host, "logs", str(vm_id)).stdout, "the log")
    shown = tool(host, "logs", str(vm_id)).stdout
    assert "one-context | from the script" in shown
    assert f"guest: VM {vm_id} is up at " in shown.splitlines()[0]
    assert tool(host, "logs", str(vm_id), "--source", "app").stdout == "app | from the app\n"
    process = following(host, "logs", str(vm_id), "--source", "app")
    assert process.stdout is not None
    assert process.stdout.readline() == "app | from the app\n"
    with Path(host.options.state_dir, "vms", str(vm_id), "root/var/log/app/app.log").open("a") as log:
        log.write("and more\n")
    assert process.stdout.readline() == "app | and more\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=10)[1] == ""
    assert process.returncode == 130


def test_faults_of_a_process_vm(host: Any, until: Callable[..., Any]) -> None:
    vm_id: int = host.one.template.instantiate(host.template(context=script("sleep 1000 &")), "doomed")
    until(lambda: host.place(vm_id) == (3, 3), "running")
    client.add_fault(host.options.state_dir, "lost-monitoring", vm=vm_id, seconds=0.3)
    until(lambda: host.place(vm_id) == (3, 16), "unknown")
    until(lambda: host.place(vm_id) == (3, 3), "found again")
    client.add_fault(host.options.state_dir, "power-off", vm=vm_id)
    until(lambda: host.place(vm_id) == (8, 0), "off")
    client.add_fault(host.options.state_dir, "boot-failure", vm=vm_id)
    host.one.vm.action("resume", vm_id)
    until(lambda: "fault" in host.one.vm.info(vm_id).USER_TEMPLATE.get("ERROR", ""), "failure")
    until(lambda: host.place(vm_id) == (8, 0), "off")
    client.clear_faults(host.options.state_dir)


def test_logs_that_cannot_be(cloud: Any, until: Callable[..., Any]) -> None:
    vm_id = boot(cloud, "silent", until)
    told = tool(cloud, "logs", str(vm_id))
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == f"fedstack: VM {vm_id} is simulated: it is nothing but its states and prints nothing\n"
    told = tool(cloud, "logs", "99999")
    assert told.returncode == 1
    assert told.stderr.startswith("fedstack: VM 99999 does not exist in ")
