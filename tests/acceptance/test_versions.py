"""A federation of every Flower generation that is supported: booted, enrolled, trained, watched, resumed.

`make test-versions` runs all of them with both isolations and prints a table; otherwise the newest one stands for all.
"""

import base64
import os
import re
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import pytest

from fedstack.appliance import keys
from fedstack.context import run_config
from fedstack.localcloud import control, images
from fedstack.processes import parent
from fedstack.training import Connection, Result, final_line, train
from tests.integration.appliance.federation import RECIPE, RUNNING, Federation, Machine, cloud
from tests.support.waiting import wait_for

VERSIONS = os.environ.get("FEDSTACK_FLOWER_VERSIONS", "").split()
CASES = [(version, isolation) for version in VERSIONS for isolation in ("subprocess", "process")]
CASES = CASES or [("1.36.0", "process")]
RECIPES = {"1.25.0": f"{RECIPE}-1.25", "1.31.0": f"{RECIPE}-1.31", "1.36.0": f"{RECIPE}"}
DIGITS = RECIPE.parents[1] / "examples" / "digits"
TRAINING = {"FL_NUM_ROUNDS": "2", "FL_CHECKPOINT_ENABLED": "YES", "FL_METRICS_ENABLED": "YES"}
METRICS = {
    "fl_round_current": "gauge",
    "fl_round_total": "gauge",
    "fl_round_duration_seconds": "histogram",
    "fl_aggregated_loss": "gauge",
    "fl_aggregated_accuracy": "gauge",
    "fl_clients_connected": "gauge",
    "fl_clients_selected": "gauge",
    "fl_clients_responded": "gauge",
    "fl_clients_failed_total": "counter",
    "fl_checkpoint_saved_total": "counter",
    "fl_training_status": "gauge",
}
"""Reference 13.2; a counter's name ends in _total."""


@dataclass
class Deployed:
    """A federation of one version; `row` is its line of the table."""

    version: str
    isolation: str
    federation: Federation
    folder: Path
    row: list[str]

    @property
    def link(self) -> Machine:
        (found,) = self.federation.machines("superlink")
        return found

    @property
    def nodes(self) -> list[Machine]:
        return self.federation.machines("supernode")

    def run(self, **values: str) -> tuple[Result, list[str]]:
        """Trains digits as `fedstack train` does; the result and the log."""
        said, log = self.link.attributes, list[str]()
        connection = Connection(said["FL_CONTROL_ENDPOINT"], base64.b64decode(said["FL_CA_CERT"]).decode())
        environment = images.ensure(Path(RECIPES[self.version]), log.append)
        config = run_config({**TRAINING, **values})
        return train(DIGITS, connection, environment, config, self.folder, on_log=log.append), log


@contextmanager
def scraping(address: str, until: str) -> Iterator[list[str]]:
    """Asks for metrics all the time; gives what was said from the answer on that holds `until`, to the last one."""
    seen: list[str] = []
    over = Event()

    def ask() -> None:
        while not over.wait(0.1):
            with suppress(OSError), urllib.request.urlopen(f"http://{address}:9101/metrics", timeout=10) as answer:
                text = answer.read().decode()
                seen.extend([text] if seen or until in text else [])

    thread = Thread(target=ask)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Status]:
    with cloud(tmp_path_factory.mktemp("versions") / "cloud") as status:
        yield status


@pytest.fixture(scope="module")
def table() -> Iterator[list[list[str]]]:
    rows = [["Flower", "isolation", "boot s", "enrolled", "rounds", "accuracy", "resumed"]]
    yield rows
    for row in ["", *("".join(f"{cell:12}" for cell in row) for row in rows)]:
        print(row)


@pytest.fixture(scope="module")
def deployed(
    request: pytest.FixtureRequest,
    running: control.Status,
    table: list[list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Deployed]:
    version, isolation = request.param
    inputs = {"FL_ISOLATION": isolation, "FLOWER_VERSION": version, "FL_CHECKPOINT_ENABLED": "YES"}
    made = Federation(running, inputs=inputs, recipe=Path(RECIPES[version]))
    made.deploy(2)
    begun = time.monotonic()
    made.wait_for_state(RUNNING)
    table.append([version, isolation, f"{time.monotonic() - begun:.1f}"])
    yield Deployed(version, isolation, made, tmp_path_factory.mktemp("runs"), table[-1])
    made.undeploy()


every_case = pytest.mark.parametrize("deployed", CASES, indirect=True, ids="-".join)
with_superexec = pytest.mark.parametrize(
    "deployed", [case for case in CASES if case[1] == "process"], indirect=True, ids="-".join
)


def superexec(machine: Machine) -> int:
    """The process that starts app processes."""
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in machine.processes()}
    (found,) = [pid for pid, command in commands.items() if b"/flower-superexec\0" in command]
    return found


@every_case
def test_both_sides_boot_without_a_warning_and_enrol(deployed: Deployed) -> None:
    said = deployed.link.attributes
    assert (said["FL_VERSION"], said["FL_TLS"], said["FL_ENROLMENT"]) == (deployed.version, "YES", "YES")
    published = {keys.fingerprint(node.attributes["FL_NODE_PUBLIC_KEY"]) for node in deployed.nodes}
    assert set(said["FL_REGISTERED"].split()) == published
    assert len(published) == 2
    for machine in (deployed.link, *deployed.nodes):
        assert "[WARNING]" not in machine.boot_log and "[ERROR]" not in machine.boot_log
    assert "gRPC server options: grpc.keepalive_time_ms=60000" in deployed.link.boot_log
    assert all("gRPC client options: grpc.keepalive_time_ms=60000" in node.boot_log for node in deployed.nodes)
    deployed.row.append(f"{len(published)} of 2")


@every_case
def test_apps_are_run_from_where_the_isolation_says(deployed: Deployed) -> None:
    for machine in (deployed.link, *deployed.nodes):
        supervision = machine.status()
        expected = supervision.pid if deployed.isolation == "subprocess" else supervision.supervisor
        assert parent(superexec(machine)) == expected


@every_case
def test_a_run_is_the_same_on_every_version_and_is_watched_and_saved(deployed: Deployed) -> None:
    with scraping(deployed.link.address, 'fl_round_duration_seconds_count{strategy="FedAvg"} 1.0') as scraped:
        result, log = deployed.run()
    assert (result.exit_code, result.error, result.status, result.notes) == (0, None, "finished:completed", [])
    assert [one.number for one in result.rounds] == [1, 2]
    assert re.fullmatch(r"accuracy=(0\.9\d\d) rounds=2 supernodes=2", final_line(result)), final_line(result)
    assert {path.name for path in result.directory.iterdir()} == {"metrics.json", "curve.png", "run.log"}
    assert dict(re.findall(r"^# TYPE (\w+) (\w+)$", scraped[0], re.MULTILINE)) == METRICS
    figures = dict(line.rsplit(" ", 1) for line in scraped[0].splitlines() if not line.startswith("#"))
    assert float(figures['fl_aggregated_accuracy{strategy="FedAvg"}']) == result.rounds[0].accuracy
    assert figures['fl_round_total{strategy="FedAvg"}'] == figures["fl_clients_responded"] == "2.0"
    assert (figures["fl_training_status"], figures["fl_clients_failed_total"]) == ("1.0", "0.0")
    saved = deployed.link.paths.flower / "checkpoints"
    assert sorted(path.name for path in saved.iterdir()) == [
        "checkpoint_latest.json",
        "checkpoint_latest.npz",
        "checkpoint_round_2.npz",
    ]
    assert any(f"checkpoint of round 2: {saved}" in line for line in log)
    deployed.row += [str(len(result.rounds)), final_line(result).split()[0].partition("=")[2]]


@every_case
def test_the_next_run_starts_from_the_checkpoint(deployed: Deployed) -> None:
    result, log = deployed.run(FL_NUM_ROUNDS="1", FL_METRICS_ENABLED="NO")
    assert result.exit_code == 0
    start = next(line for line in log if "Initial global evaluation results" in line)
    accuracy = re.search(r"'accuracy': ([\d.]+)", start)
    assert accuracy and float(accuracy[1]) > 0.9
    deployed.row.append("yes")


@with_superexec
def test_what_is_killed_comes_back(deployed: Deployed) -> None:
    """A SuperExec beside the Flower that goes on; a SuperNode with a new key, since its old life counts as online."""
    link, node = deployed.link, deployed.nodes[0]
    helper, flower, node_id = superexec(link), link.status().pid, node.status().node_id
    for pid in (helper, node.status().pid):
        assert pid
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: helper not in link.processes() and is_back(link), 20, "another SuperExec")
    assert link.status().pid == flower
    assert "flower-superexec ended with exit status -9" in (link.paths.logs / "flower-superlink.log").read_text()
    wait_for(lambda: node.status().node_id not in {"", node_id}, 60, "the node under another number")
    assert "is still in use, enrolling with" in node.boot_log


def is_back(machine: Machine) -> bool:
    try:
        return superexec(machine) > 0
    except (ValueError, OSError):
        return False


@with_superexec
def test_a_supernode_of_another_version_is_refused(deployed: Deployed) -> None:
    deployed.federation.publish(deployed.link.vm_id, {"FL_VERSION": "9.9.9"})
    before = {node.vm_id for node in deployed.nodes}
    deployed.federation.scale(3)
    (added,) = wait_for(lambda: {node.vm_id for node in deployed.nodes} - before, 30, "the third SuperNode")
    wait_for(lambda: "FL_ERROR" in deployed.federation.machine(added).attributes, 60, "FL_ERROR")
    said = deployed.federation.machine(added).attributes
    assert (said["FL_NODE_READY"], said["FL_ERROR"]) == ("NO", "version_mismatch")
    assert f"this node has Flower {deployed.version}: expected 9.9.9" in said["FL_ERROR_DETAIL"]
    assert "READY" not in said
