"""`fedstack lint`: what is read, where remarks are placed, what is printed, how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.rules.rule_templates import GOOD, GOOD_VM, changed

from fedstack.rules.lint.command import main
from fedstack.rules.lint.positions import Positions
from fedstack.rules.lint.run import examine

ROOT = Path(__file__).resolve().parents[3]
BAD = changed({"0/max_vms": 2, "deployment": "none"})


def written(folder: Path, body: Any, name: str = "template.json") -> Path:
    file = folder / name
    file.write_text(body if isinstance(body, str) else json.dumps(body, indent=2))
    return file


def line_of(file: Path, text: str) -> int:
    (line,) = [number for number, each in enumerate(file.read_text().splitlines(), 1) if text in each]
    return line


WRAPPED = {
    "plain": BAD,
    "document": {"DOCUMENT": {"ID": "3", "TEMPLATE": {"BODY": BAD}}},
    "template": {"TEMPLATE": {"BODY": BAD}},
    "body": {"BODY": BAD},
    "pool": {"DOCUMENT_POOL": {"DOCUMENT": [{"TEMPLATE": {"BODY": GOOD}}, {"TEMPLATE": {"BODY": BAD}}]}},
}


@pytest.mark.parametrize("form", WRAPPED)
def test_every_form_is_judged_at_its_lines(form: str, tmp_path: Path) -> None:
    file = written(tmp_path, WRAPPED[form])
    report = examine([file])
    assert report.exit_code == 1
    assert report.templates == (2 if form == "pool" else 1)
    assert [(each.rule.id, each.line) for each in report.remarks] == [
        ("straight-deployment", line_of(file, '"none"')),
        ("superlink-singleton", line_of(file, '"max_vms": 2')),
    ]


def test_a_body_as_text_is_judged_at_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, {"DOCUMENT": {"TEMPLATE": {"BODY": json.dumps(BAD)}}})
    assert {each.line for each in examine([file]).remarks} == {line_of(file, "BODY")}


def test_old_names_are_found_at_their_lines(tmp_path: Path) -> None:
    role = {"name": "a", "cardinality": 1, "vm_template": "1", "vm_template_contents": "A=1"}
    file = written(tmp_path, {"deployment": "straight", "ready_status_gate": True, "roles": [role]})
    places = {(each.rule.id, each.line) for each in examine([file]).remarks}
    assert ("token-in-context", line_of(file, "vm_template_contents")) in places
    assert ("numbers-as-numbers", line_of(file, '"vm_template"')) in places


def test_vm_templates_are_judged(tmp_path: Path) -> None:
    body = changed({"OS/FIRMWARE": "BIOS"}, GOOD_VM)
    file = written(tmp_path, {"VMTEMPLATE": {"ID": "1", "TEMPLATE": body}})
    assert [(each.rule.id, each.line) for each in examine([file]).remarks] == [
        ("gpu-firmware", line_of(file, "FIRMWARE"))
    ]


def test_a_folder_is_searched_and_other_json_passed_over(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    written(tmp_path, {"name": "package"}, "package.json")
    written(tmp_path, [1, 2], "list.json")
    written(tmp_path / "inner", BAD)
    report = examine([tmp_path])
    assert (report.templates, len(report.remarks), report.exit_code) == (1, 2, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"roles": [\n {,}]}', "template.json:2: column 3: expected JSON"),
        ('{"name": "x"}', "template.json:1: expected a OneFlow template"),
        ("[]", "template.json:1: expected a OneFlow template"),
        ('{"TEMPLATE": {"BODY": "no JSON"}}', "template.json:1: expected a OneFlow template"),
        ("[" * 100_000, "template.json: expected JSON that is less deep"),
    ],
)
def test_an_unreadable_file_is_named_with_its_place(
    content: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(written(tmp_path, content))]) == 2
    assert message in capsys.readouterr().err


def test_bytes_that_are_no_text_and_a_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(b'{"roles": "\xff"}')
    assert main([str(file), str(tmp_path / "none.json")]) == 2
    told = capsys.readouterr().err
    assert "x.json: expected UTF-8 text, byte 11 is none" in told
    assert "none.json: No such file" in told


def test_text_has_a_line_a_remark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, BAD)
    assert main([str(file)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{file}:{line_of(file, 'none')}: mandatory [straight-deployment] deployment is")
    assert lines[-1] == "1 templates: 2 mandatory, 0 advisory, 0 unreadable files"


def test_json_says_all_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, BAD)
    main(["--format", "json", str(file), str(tmp_path / "none.json")])
    told = json.loads(capsys.readouterr().out)
    assert [each["rule"] for each in told["remarks"]] == ["straight-deployment", "superlink-singleton"]
    assert told["remarks"][1]["path"] == "roles[0].max_vms"
    assert told["unreadable"][0]["file"].endswith("none.json")


def test_sarif_has_rules_levels_and_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, changed({"0/max_vms": 2, "1/cooldown": "60"}))
    main(["--format", "sarif", str(file)])
    log = json.loads(capsys.readouterr().out)
    (run,) = log["runs"]
    assert log["version"] == "2.1.0" and run["invocations"][0]["executionSuccessful"]
    results = {each["ruleId"]: each for each in run["results"]}
    assert results["superlink-singleton"]["level"] == "error"
    assert results["numbers-as-numbers"]["level"] == "warning"
    location = results["superlink-singleton"]["locations"][0]["physicalLocation"]
    assert location["region"]["startLine"] == line_of(file, '"max_vms": 2')
    assert location["artifactLocation"]["uri"] == file.as_posix()
    for each in run["results"]:
        assert run["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] == each["ruleId"]


def test_an_environment_decides_on_levels(tmp_path: Path) -> None:
    file = written(tmp_path, changed({"user_inputs/FL_TLS_ENABLED": "O|boolean|x||NO"}))
    assert main([str(file)]) == 0
    assert main([str(file), "--config", str(ROOT / "policies" / "prod.json")]) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "expected an object of rules, got list"),
        ("{", "expected JSON"),
        ('{"no-rule": "advisory"}', "no-rule: expected the id of a rule"),
        ('{"ready-gate": "strict"}', "ready-gate: enforcementLevel is 'strict', expected one of mandatory"),
        ('{"ready-gate": {"x": 1}}', "ready-gate: x: expected one of no options"),
        ('{"period-is-seen": {"scanSeconds": "9"}}', "scanSeconds is '9', expected a value of type integer"),
    ],
)
def test_a_bad_configuration_is_refused(
    content: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = written(tmp_path, content, "config.json")
    assert main([str(written(tmp_path, GOOD)), "--config", str(config)]) == 2
    assert message in capsys.readouterr().err


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=20,
)


def paths(value: Any, path: str = "") -> list[str]:
    found = [path]
    if isinstance(value, dict):
        found += [each for key, inner in value.items() for each in paths(inner, f"{path}.{key}".lstrip("."))]
    elif isinstance(value, list):
        found += [each for index, inner in enumerate(value) for each in paths(inner, f"{path}[{index}]")]
    return found


@settings(deadline=None)
@given(JSON)
def test_lines_grow_with_the_text(value: Any) -> None:
    """Every member is on a line of its own when indented, in the order of the text, and never on that of another."""
    text = json.dumps(value, indent=1)
    positions = Positions(text)
    lines = [positions.line(path) for path in paths(value)]
    assert lines == sorted(set(lines))
    assert max(lines) <= text.count("\n") + 1


def test_the_command_is_fast_and_its_exit_code_is_that_of_the_process(tmp_path: Path) -> None:
    """Processor time, start included: what it takes on a machine with nothing else to do."""
    file = written(tmp_path, BAD)
    command = [str(Path(sys.executable).parent / "fedstack"), "lint", str(file)]
    took = []
    for _ in range(4):
        before = os.times()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        after = os.times()
        took.append(after.children_user + after.children_system - before.children_user - before.children_system)
        assert done.returncode == 1 and "superlink-singleton" in done.stdout
    assert min(took) < 0.5


def test_the_linter_loads_nothing_heavy() -> None:
    program = "import sys, fedstack.rules.lint.command; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"pydantic", "lark", "typer", "pulumi", "yaml", "requests"} & set(done.stdout.split())
