"""The step runner: order, log lines, fatal and degraded failures; the tables of both roles."""

import re
from pathlib import Path

import pytest

from fedstack.appliance import report, steps, superlink, supernode
from fedstack.appliance.bootlog import BootLog
from fedstack.appliance.failure import ErrorCode, StepError
from fedstack.appliance.paths import Paths
from fedstack.appliance.steps import BootFailedError, Step
from fedstack.context import VARIABLES, Target, Variable

LINE = re.compile(
    r"^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] \[(INFO|WARNING|ERROR)\] \[flower-(configure|bootstrap)\] "
    r"step (\S+) (\S+) (done|failed) in \d+\.\d{3} s(: .*)?$"
)


class Recorder:
    """Keeps which steps ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def fine(self) -> str:
        self.ran.append("fine")
        return "a note\nof two lines"

    def bad(self) -> None:
        self.ran.append("bad")
        raise StepError("no luck")

    def precise(self) -> None:
        raise StepError("no luck", ErrorCode.CRASH_LOOP)

    def disk_full(self) -> None:
        raise OSError(28, "No space left on device")


FINE = Step("1", "fine", Recorder.fine, None, "configure")


@pytest.fixture
def log(tmp_path: Path) -> BootLog:
    return BootLog(tmp_path / "log" / "boot.log")


def test_each_step_is_one_line_with_its_duration(log: BootLog) -> None:
    steps.run([FINE, Step("2a", "bad", Recorder.bad, None)], Recorder(), log)
    lines = log.path.read_text().splitlines()
    found = [LINE.match(line) for line in lines]
    assert all(found)
    assert [match.groups()[:5] for match in found if match] == [
        ("INFO", "configure", "1", "fine", "done"),
        ("WARNING", "bootstrap", "2a", "bad", "failed"),
    ]


def test_a_degraded_failure_goes_on_and_a_fatal_one_ends(log: BootLog) -> None:
    recorder = Recorder()
    degraded = Step("2", "bad", Recorder.bad, None)
    fatal = Step("3", "bad", Recorder.bad, ErrorCode.TLS_SETUP_FAILED)
    with pytest.raises(BootFailedError, match="step 3 bad: no luck") as caught:
        steps.run([degraded, FINE, fatal, FINE], recorder, log)
    assert caught.value.code is ErrorCode.TLS_SETUP_FAILED
    assert recorder.ran == ["bad", "fine", "bad"]


def test_a_step_may_know_its_error_better_than_the_table(log: BootLog) -> None:
    with pytest.raises(BootFailedError) as caught:
        steps.run([Step("1", "x", Recorder.precise, ErrorCode.HEALTH_CHECK_TIMEOUT)], Recorder(), log)
    assert caught.value.code is ErrorCode.CRASH_LOOP


def test_the_machine_refusing_is_a_failure_of_the_step(log: BootLog) -> None:
    with pytest.raises(BootFailedError, match="No space left"):
        steps.run([Step("1", "x", Recorder.disk_full, ErrorCode.RUNTIME_START_FAILED)], Recorder(), log)


def test_the_tables_follow_the_reference() -> None:
    """Reference 3.2 and 4.2; version (10) and start are two lines of one step, 10a is the enrolment of a key."""
    assert [f"{step.number} {step.stage} {step.name}" for step in (*superlink.STEPS, report.step("superlink"))] == [
        "1 configure contextualization",
        "2 configure start-script",
        "3 configure source-context",
        "4 configure validate",
        "5 configure defaults",
        "6 configure environment",
        "7 configure directories",
        "7a configure tls",
        "8 configure service",
        "9 bootstrap runtime",
        "10 bootstrap version",
        "10 bootstrap start",
        "11 bootstrap health",
        "12 bootstrap publish",
        "12 report report",
    ]
    assert [f"{step.number} {step.stage} {step.name}" for step in (*supernode.STEPS, report.step("supernode"))] == [
        "1 configure contextualization",
        "2 configure source-context",
        "3 configure validate",
        "3a configure log-format",
        "4 configure directories",
        "5 configure environment",
        "6 configure service",
        "7 discover discover",
        "7b configure ca",
        "8 bootstrap runtime",
        "9 bootstrap gpu",
        "10 bootstrap version",
        "10a bootstrap enrol",
        "11 bootstrap start",
        "12 bootstrap connection",
        "13 bootstrap publish",
        "14a bootstrap gpu-metrics",
        "15 report report",
    ]


@pytest.mark.parametrize(
    "row", [row for row in VARIABLES if row.maps_to.target is Target.BOOT], ids=lambda row: row.name
)
def test_a_variable_for_a_step_names_one(row: Variable) -> None:
    tables = {"superlink": superlink.STEPS, "supernode": supernode.STEPS}
    known = {step.name for appliance in row.appliances for step in tables[appliance]}
    assert set(row.maps_to.name.split(", ")) <= known


def test_failure_codes_of_the_reference_are_where_it_puts_them() -> None:
    codes = {step.number: step.code for step in superlink.STEPS if step.name != "version"}
    assert codes["4"] is ErrorCode.CONFIG_VALIDATION_FAILED
    assert codes["7a"] is ErrorCode.TLS_SETUP_FAILED
    assert codes["9"] is ErrorCode.DOCKER_START_FAILED
    assert codes["11"] is ErrorCode.HEALTH_CHECK_TIMEOUT
    assert {step.name for step in superlink.STEPS if step.code is None} == {"start-script", "version"}
    degraded = {step.number for step in supernode.STEPS if step.code is None}
    assert degraded == {"3a", "9", "10", "13", "14a"}


def test_operators_can_look_up_every_code() -> None:
    text = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) >= {code.value for code in ErrorCode}


def test_the_report_is_a_step_of_its_own_and_its_refusal_no_error(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert report.report("supernode", paths) == 1
    (line,) = (paths.logs / "flower-bootstrap.log").read_text().splitlines()
    assert "[WARNING] [flower-report] step 15 report failed in " in line
    assert line.endswith(" s: the boot has not ended")
