"""What benchmarks compute from what they saw, and how they refuse."""

import json
import os
from pathlib import Path

import pytest

from benchmarks import __main__ as program
from benchmarks.deploy import BOOT_LOG, Boot, boot_seconds, read_boot
from benchmarks.machine import cpu_seconds, describe, memory_mb
from benchmarks.outcome import Outcome
from benchmarks.stack import free, wanted
from tests.support.calls import Calls

PUBLISHED = "[1970-01-01T00:00:05.250Z] [INFO] [flower-bootstrap] step 12 publish done in 0.026 s: FL_READY\n"


def machine(folder: Path, console: str = "guest: reported READY=YES\n") -> Path:
    (folder / BOOT_LOG).parent.mkdir(parents=True)
    (folder / BOOT_LOG).write_text(PUBLISHED)
    (folder / "vm.json").write_text("{}")
    (folder / "console.log").write_text(console)
    os.utime(folder / "vm.json", (2.5, 2.5))
    os.utime(folder / "console.log", (6.75, 6.75))
    return folder


def test_goals_have_a_direction() -> None:
    assert Outcome("a", 1.2, "ratio", 1.3).met is True
    assert Outcome("a", 150, "VMs/s", 200, higher_is_better=True).met is False
    assert Outcome("a", 3.0, "ms").met is None


def test_a_line_says_all() -> None:
    line = Outcome("deploy", 1.5, "ratio", 1.3, figures={"up_s": 12.0}).line()
    assert line == "deploy: 1.5 ratio (goal <= 1.3: MISSED)  up_s=12"


def test_a_boot_is_read_from_the_files_of_a_vm(tmp_path: Path) -> None:
    assert read_boot(machine(tmp_path)) == Boot(2.5, 5.25, 6.75)


def test_a_vm_that_has_not_reported_has_no_boot(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has not reported"):
        read_boot(machine(tmp_path, "guest: not ready\n"))


def test_workers_boot_at_the_same_time() -> None:
    boots = [Boot(0, 2, 3), Boot(3, 6, 8), Boot(3, 5, 7)]
    assert boot_seconds(boots, lambda boot: boot.ready) == 3 + 5


def test_results_are_json_with_the_machine(tmp_path: Path) -> None:
    program.write(tmp_path / "results.json", [Outcome("a", 1.0, "ratio", 1.1)], describe())
    written = json.loads((tmp_path / "results.json").read_text())
    assert written["machine"]["cores"] == os.cpu_count()
    assert written["results"][0]["met"] is True


def test_this_process_has_used_processor_and_memory() -> None:
    assert cpu_seconds(os.getpid()) > 0
    assert memory_mb(os.getpid()) > 1


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(["nothing"])
    assert ended.value.code == 2
    assert (
        "nothing: no such benchmark (expected provider, localcloud, preview, deploy, stack)" in capsys.readouterr().err
    )


def test_marks_stand_for_the_same_resources_with_the_same_references() -> None:
    resources = wanted(4, 2)
    assert [one["type"] for one in resources.values()].count("VirtualMachineTemplate") == 4
    marks = free(resources)
    assert marks.keys() == resources.keys()
    assert {one["type"] for one in marks.values()} == {"Mark"}
    service = marks["service-1"]["inputs"]["keepers"]
    assert service == {".mark": "@mark.value", ".name": "pair-1", ".service_template_id": "@template-1.value"}
    roles = marks["template-1"]["inputs"]["keepers"]
    assert roles[".roles.1.template_id"] == "@node-3.value"


def test_the_busiest_second_of_calls() -> None:
    calls = Calls([(0.0, "a"), (0.5, "b"), (0.9, "a"), (1.2, "a"), (1.3, "b"), (5.0, "a")])
    assert calls.busiest_second() == 4
    assert calls.busiest_second("a") == 2
    assert calls.busiest_second("c") == 0
    assert calls.count() == {"a": 4, "b": 2}
