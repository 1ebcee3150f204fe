"""The await table and the watches on recorded sequences: a new way to fail is a new file."""

import json
from pathlib import Path
from typing import Any

import pytest

from fedstack.oneflow.states import ServiceState
from fedstack.opennebula.states import LCM_FAILURES, ImageState, VnetState
from opennebula_provider.awaits import TABLE, Outcome, Sight, StateWatch, Verdict, judge
from opennebula_provider.healing import NodeSight, NodeWatch, Remedy, remedies
from opennebula_provider.service_view import Node, View, view
from opennebula_provider.service_watch import ServiceWatch, sight

SEQUENCES = sorted((Path(__file__).parent / "sequences").glob("*.json"))


def service_view(step: dict[str, Any]) -> View:
    """A recorded service: node `[id, state, lcm state, user template]`."""
    roles, vms = [], {}
    for role in step["roles"]:
        nodes = [
            {"deploy_id": node[0], "vm_info": {"VM": {"NAME": f"{role['name']}_{node[0]}"}}} for node in role["nodes"]
        ]
        roles.append({**role, "nodes": nodes})
        for number, state, lcm, attributes in role["nodes"]:
            name = f"{role['name']}_{number}"
            vms[number] = {"NAME": name, "STATE": str(state), "LCM_STATE": str(lcm), "USER_TEMPLATE": attributes}
    log = [{"timestamp": 1, "severity": "E", "message": text} for text in step.get("errors", [])]
    body = {"state": step["state"], "roles": roles, "ready_status_gate": step.get("gate", True), "log": log}
    return view({"ID": "5", "NAME": "fed", "TEMPLATE": {"BODY": body}}, vms)


def replay_service(case: dict[str, Any]) -> tuple[float, Outcome]:
    deadlines = case["deadlines"]
    row = TABLE["Service", case["operation"]]
    watch = ServiceWatch(
        row, "service 'fed' (5)", lambda role: deadlines.get(role, deadlines[""]), case.get("timeout", 0)
    )
    outcome, at = Outcome(Verdict.PENDING), 0.0
    for step in case["steps"]:
        at = step["at"]
        outcome = watch.see(sight(service_view(step["service"]) if step["service"] else None), at)
        if outcome.verdict is not Verdict.PENDING:
            break
    return at, outcome


def replay_object(case: dict[str, Any]) -> tuple[float, Outcome]:
    row = TABLE[case["resource"], case["operation"]]
    watch = StateWatch(row, case["what"], case["deadlines"][""])
    outcome, at = Outcome(Verdict.PENDING), 0.0
    for step in case["steps"]:
        at = step["at"]
        outcome = watch.see(Sight(step["state"], "", step.get("cause", "")), at)
        if outcome.verdict is not Verdict.PENDING:
            break
    return at, outcome


def replay_node(case: dict[str, Any]) -> tuple[float, Outcome]:
    first = service_view(case["steps"][0]["service"]).nodes[0]
    watch = NodeWatch(first.state, gate=True, deadline=case["deadlines"][""])
    outcome, at = Outcome(Verdict.PENDING), 0.0
    for step in case["steps"]:
        at = step["at"]
        node = service_view(step["service"]).nodes[0]
        outcome = watch.see(NodeSight(node.state, node=node), at)
        if outcome.verdict is not Verdict.PENDING:
            break
    return at, outcome


def replay(case: dict[str, Any]) -> tuple[float, Outcome]:
    """When a recorded sequence ends, and how."""
    if case["resource"] == "Service":
        return replay_service(case)
    under_remedy = (case["resource"], case["operation"]) == ("Machine", "heal")
    return replay_node(case) if under_remedy else replay_object(case)


@pytest.mark.parametrize("path", SEQUENCES, ids=lambda path: path.stem)
def test_recorded_sequence(path: Path) -> None:
    case = json.loads(path.read_text())
    at, outcome = replay(case)
    assert {"at": at, "verdict": outcome.verdict.value, "message": outcome.message} == case["ends"]


def test_every_state_of_the_platform_is_in_every_row() -> None:
    names = {
        "Image": {state.name for state in ImageState},
        "VirtualNetwork": {state.name for state in VnetState},
        "Service": {state.name for state in ServiceState},
    }
    for (resource, operation), row in TABLE.items():
        if resource in names and operation in {"create", "delete"}:
            assert names[resource] <= row.done | row.pending | row.failed, (resource, operation)


def test_every_row_has_a_recorded_sequence() -> None:
    cases = [json.loads(path.read_text()) for path in SEQUENCES]
    assert {(case["resource"], case["operation"]) for case in cases} >= TABLE.keys()


def test_no_state_is_in_two_columns() -> None:
    for key, row in TABLE.items():
        assert not (row.done & row.pending or row.done & row.failed or row.pending & row.failed), key


def test_a_state_that_nobody_listed_ends_the_wait() -> None:
    assert judge(TABLE["Image", "create"], "99") is Verdict.FAILED


def test_every_row_says_when_it_is_late() -> None:
    for key, row in TABLE.items():
        assert row.deadline > 0, key
        assert row.message.format(state="X"), key


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("POWEROFF", (Remedy.RESUME, Remedy.RECREATE)),
        *((failure.name, (Remedy.RETRY, Remedy.RECREATE)) for failure in LCM_FAILURES),
        ("UNKNOWN", (Remedy.RECREATE,)),
        ("RUNNING", ()),
        ("BOOT", ()),
        ("DONE", ()),
    ],
)
def test_the_healing_table(state: str, expected: tuple[Remedy, ...]) -> None:
    assert remedies(Node(1, "n", "", state, {})) == expected
