"""The launcher that the image's interpreter runs: what it reads from Flower's log, how it ends the process."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fedstack.appliance.inside import launcher

REFUSAL = """<_InactiveRpcError of RPC that terminated with:
\tstatus = StatusCode.FAILED_PRECONDITION
\tdetails = "{"code": 2004, "public_message": "Failed to activate SuperNode.", "public_details": null}"
\tdebug_error_string = "x"
>"""


def record(message: str, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("flwr", level, "/x/connection.py", 7, message, None, None)


def test_an_activation_is_sent_whatever_the_console_shows() -> None:
    reader, writer = os.pipe()
    launcher.Events(writer).handle(record("SuperNode ID: 17612402145796674230", logging.DEBUG))
    launcher.Events(writer).handle(record("Starting Flower SuperNode"))
    os.close(writer)
    with os.fdopen(reader) as lines:
        assert [json.loads(line) for line in lines] == [{"event": "activated", "node_id": "17612402145796674230"}]


def test_nobody_listening_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    launcher.Events(writer).send("activated", node_id="1")
    os.close(writer)


def test_the_reason_is_what_the_superlink_said() -> None:
    reason = launcher.reason(RuntimeError("generator didn't yield"), REFUSAL)
    assert reason.startswith('{"code": 2004, "public_message": "Failed to activate SuperNode."')


def test_without_a_log_line_the_error_speaks() -> None:
    assert launcher.reason(ValueError("bad\n flag"), "") == "bad flag"
    assert launcher.reason(KeyboardInterrupt(), "") == "KeyboardInterrupt"


def test_a_json_line_has_the_keys_of_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(launcher.LOG_ROLE, "supernode")
    line = json.loads(launcher.JsonFormatter().format(record("hello", logging.WARNING)))
    assert {key: line[key] for key in ("level", "logger", "role", "message", "source")} == {
        "level": "WARNING",
        "logger": "flwr",
        "role": "supernode",
        "message": "hello",
        "source": "connection.py:7",
    }
    assert line["timestamp"].endswith("Z")


def test_the_web_servers_traceback_explains_a_start_that_failed() -> None:
    events = launcher.Events(-1)
    traceback = "Traceback (most recent call last):\n  File x\nSystemExit: Port 9092 is already in use.\n"
    assert events.overhear(record(traceback, logging.ERROR))
    assert events.overhear(record("Application startup failed. Exiting.", logging.ERROR))
    assert launcher.reason(SystemExit(3), events.last_error) == "SystemExit: Port 9092 is already in use."


def test_requests_for_work_are_not_logged() -> None:
    hide = launcher.HideRequests(["/pull-pending-tasks", "[Fleet.PullMessages]"])
    assert not hide.filter(record('127.0.0.1 - "POST /v1/runtime/pull-pending-tasks HTTP/1.1" 200'))
    assert hide.filter(record('127.0.0.1 - "GET /health HTTP/1.1" 200'))
    assert not hide.filter(record("[Fleet.PullMessages] node_id=1"))
    assert hide.filter(record("[Fleet.PullMessages] node_id=1", logging.DEBUG))


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A distribution whose scripts leave a thread behind: `failing` raises, `returning` returns."""
    (tmp_path / "failing.py").write_text(
        "import logging, threading, time\n"
        "def returning():\n"
        "    threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "    logging.getLogger('flwr').error('the cause')\n"
        "def main():\n"
        "    returning()\n"
        "    raise RuntimeError('what is raised')\n"
    )
    info = tmp_path / "failing-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: failing\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[console_scripts]\nfailing = failing:main\nreturning = failing:returning\n")
    return tmp_path


@pytest.mark.parametrize("script", ["failing", "returning"])
def test_a_program_ends_with_its_threads_and_says_why(program: Path, script: str) -> None:
    reader, writer = os.pipe()
    done = subprocess.run(
        [sys.executable, launcher.__file__, script],
        env={**os.environ, "PYTHONPATH": str(program), launcher.EVENTS_FD: str(writer)},
        pass_fds=[writer],
        input=b"go\n",
        capture_output=True,
        timeout=30,
        check=False,
    )
    os.close(writer)
    with os.fdopen(reader) as lines:
        assert json.loads(lines.readline()) == {"event": "failed", "reason": "the cause"}
    assert done.returncode == 70


def test_a_program_that_nobody_releases_does_not_start(program: Path) -> None:
    reader, writer = os.pipe()
    done = subprocess.run(
        [sys.executable, launcher.__file__, "failing"],
        env={**os.environ, "PYTHONPATH": str(program), launcher.EVENTS_FD: str(writer)},
        pass_fds=[writer],
        stdin=subprocess.DEVNULL,
        timeout=30,
        check=False,
    )
    os.close(writer)
    with os.fdopen(reader) as lines:
        assert lines.read() == ""
    assert done.returncode == 0
