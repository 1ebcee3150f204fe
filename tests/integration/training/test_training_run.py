"""Training on a real federation: a run to its end, apps that raise, a stop in the middle, wrong connections."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fedstack.training import Connection, Result, Round, TrainingError, final_line, train
from tests.integration.training.certificates import write_certificates
from tests.integration.training.conftest import ROOT, Running

DIGITS = ROOT / "examples" / "digits"
PROGRAM = Path(__file__).with_name("train_program.py")

PYPROJECT = """\
[project]
name = "broken"
version = "1.0"
[tool.flwr.app]
publisher = "tests"
components.serverapp = "broken:server"
components.clientapp = "broken:client"
"""
CLIENT = """\
from flwr.clientapp import ClientApp
client = ClientApp()
@client.train()
def train(message, context):
    raise ZeroDivisionError("no examples on this node")
"""
RAISING_SERVER = """\
from flwr.serverapp import ServerApp
server = ServerApp()
@server.main()
def main(grid, context):
    raise LookupError("no model to start from")
"""
PATIENT_SERVER = """\
import numpy
from flwr.app import ArrayRecord
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg
server = ServerApp()
@server.main()
def main(grid, context):
    FedAvg(fraction_evaluate=0.0).start(grid, ArrayRecord([numpy.zeros(2)]), num_rounds=1)
"""


def app(folder: Path, server: str) -> Path:
    """Write an app whose clients raise."""
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "broken.py").write_text(CLIENT + server)
    return folder


def run(source: Path, running: Running, folder: Path) -> Result:
    return train(source, running.connection, running.environment, {}, folder / "runs")


def test_a_real_run_learns_and_leaves_its_files(running: Running, tmp_path: Path) -> None:
    seen: list[Round] = []
    log: list[str] = []
    result = train(
        DIGITS,
        running.connection,
        running.environment,
        {"strategy": "FedAvg", "num-server-rounds": "9", "dropout": "0.1"},
        tmp_path,
        settings={"num-server-rounds": "3"},
        on_round=seen.append,
        on_log=log.append,
    )
    assert (result.exit_code, result.error, result.status) == (0, None, "finished:completed")
    assert [one.number for one in seen] == [1, 2, 3]
    assert seen == result.rounds
    accuracy = result.rounds[-1].accuracy
    assert accuracy is not None and accuracy >= 0.93
    assert final_line(result).startswith("accuracy=0.9")
    assert final_line(result).endswith(" rounds=3 supernodes=2")
    assert result.directory == tmp_path / result.run_id
    assert json.loads((result.directory / "metrics.json").read_text())["run_config"]["num-server-rounds"] == 3
    assert (result.directory / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "fedstack.metrics" in (result.directory / "run.log").read_text()
    assert result.notes == ["digits declares no run-config key dropout; the stack's value is not used"]
    assert not any("\x1b" in line for line in log)


def test_a_server_app_that_raises_ends_with_its_exception(running: Running, tmp_path: Path) -> None:
    result = run(app(tmp_path, RAISING_SERVER), running, tmp_path)
    assert (result.exit_code, result.status) == (1, "finished:failed")
    assert result.error == f"broken, run {result.run_id}: LookupError: no model to start from"
    assert json.loads((result.directory / "metrics.json").read_text())["error"] == result.error


def test_client_apps_that_all_raise_fail_the_run_that_flower_calls_completed(running: Running, tmp_path: Path) -> None:
    result = run(app(tmp_path, PATIENT_SERVER), running, tmp_path)
    assert (result.exit_code, result.status) == (1, "finished:completed")
    assert "no client ever trained: ZeroDivisionError: no examples on this node" in str(result.error)


def test_an_interrupt_stops_the_run(running: Running, tmp_path: Path) -> None:
    command = [sys.executable, str(PROGRAM), str(DIGITS), running.connection.address, str(running.folder / "ca.crt")]
    process = subprocess.Popen(
        [*command, str(running.environment), str(tmp_path), "num-server-rounds=100"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("round 1 ")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "finished:stopped" in output
    assert "stopped by SIGINT" in output


def test_another_ca_is_named_before_anything_starts(running: Running, tmp_path: Path) -> None:
    other = write_certificates(tmp_path, "127.0.0.1")
    connection = Connection(running.connection.address, other)
    with pytest.raises(TrainingError, match="certificate is not valid for this CA"):
        train(DIGITS, connection, running.environment, {}, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_an_app_that_flower_refuses_is_not_started(running: Running, tmp_path: Path) -> None:
    (app(tmp_path, RAISING_SERVER) / "broken.py").unlink()
    with pytest.raises(TrainingError, match="not started: Invalid Flower App configuration"):
        run(tmp_path, running, tmp_path)
    assert not (tmp_path / "runs").exists()
