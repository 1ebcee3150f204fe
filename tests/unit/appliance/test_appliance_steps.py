"""The step runner: order, log lines, fatal and degraded failures; the tables of both roles."""

import re
from pathlib import Path

import pytest

from fedstack.appliance import steps, superlink, supernode
from fedstack.appliance.bootlog import BootLog
from fedstack.appliance.failure import ErrorCode, StepError
from fedstack.appliance.steps import BootFailedError, Step

LINE = re.compile(
    r"^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] \[(INFO|WARNING|ERROR)\] \[flower-bootstrap\] "
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


FINE = Step("1", "fine", Recorder.fine, None)


@pytest.fixture
def log(tmp_path: Path) -> BootLog:
    return BootLog(tmp_path / "log" / "boot.log")


def test_each_step_is_one_line_with_its_duration(log: BootLog) -> None:
    steps.run([FINE, Step("2a", "bad", Recorder.bad, None)], Recorder(), log)
    lines = log.path.read_text().splitlines()
    found = [LINE.match(line) for line in lines]
    assert all(found)
    assert [match.groups()[:4] for match in found if match] == [
        ("INFO", "1", "fine", "done"),
        ("WARNING", "2a", "bad", "failed"),
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
    link = [step.number for step in superlink.STEPS]
    node = [step.number for step in supernode.STEPS]
    assert link == ["1", "3", "4", "5", "6", "7", "7a", "8", "9", "10", "11", "12"]
    assert node == ["1", "2", "3", "3a", "4", "5", "6", "7", "7b", "8", "9", "10a", "11", "12", "13", "14a"]


def test_failure_codes_of_the_reference_are_where_it_puts_them() -> None:
    codes = {step.number: step.code for step in superlink.STEPS}
    assert codes["4"] is ErrorCode.CONFIG_VALIDATION_FAILED
    assert codes["7a"] is ErrorCode.TLS_SETUP_FAILED
    assert codes["11"] is ErrorCode.HEALTH_CHECK_TIMEOUT
    degraded = {step.number for step in supernode.STEPS if step.code is None}
    assert degraded == {"3a", "9", "13", "14a"}
