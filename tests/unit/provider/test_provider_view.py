"""What is read from a service: health, progress, causes, numbers that are held."""

from typing import Any

import pytest

from opennebula_provider.converge import in_order, target_of
from opennebula_provider.resource import Call
from opennebula_provider.scaling import Scaling
from opennebula_provider.service_view import Role, View, view

READY = {"READY": "YES"}
POLICY = {"type": "CHANGE", "adjust": 1, "expression": "LOAD > 1"}
ELASTIC = Scaling({"minVms": 1, "maxVms": 4, "elasticityPolicies": [POLICY]})


def seen(state: int, *nodes: tuple[int, int, dict[str, str]], role_state: int = 2, **body: Any) -> View:
    """A gated service of one role `n` with machines `(state, LCM state, user template)`."""
    role = {
        "name": "n",
        "state": role_state,
        "cardinality": len(nodes),
        "nodes": [{"deploy_id": i} for i in range(len(nodes))],
    }
    vms = {
        number: {"NAME": f"n_{number}", "STATE": str(vm), "LCM_STATE": str(lcm), "USER_TEMPLATE": attributes}
        for number, (vm, lcm, attributes) in enumerate(nodes)
    }
    document = {"state": state, "ready_status_gate": True, "roles": [role], **body}
    return view({"ID": "5", "NAME": "fed", "TEMPLATE": {"BODY": document}}, vms)


@pytest.mark.parametrize(
    ("service", "health"),
    [
        (seen(2, (3, 3, READY)), "healthy"),
        (seen(10, (3, 3, READY), role_state=10), "healthy"),
        (seen(8, (3, 2, {}), role_state=8), "healthy"),
        (seen(2, (3, 3, {"FL_READY": "YES"})), "healthy"),
        (seen(2, (3, 3, {"READY": "NO"})), "WARNING: n_0 runs but has not reported READY"),
        (seen(4, (8, 0, READY), (3, 3, READY), role_state=4), "WARNING: n_0 is POWEROFF"),
        (seen(4, (3, 3, READY), role_state=4), "WARNING"),
        (seen(2, (3, 36, {"FL_ERROR": "NET", "FL_ERROR_DETAIL": "no route"})), None),
        (seen(1, (3, 3, {}), role_state=1), "DEPLOYING: n_0 runs but has not reported READY"),
        (seen(7, log=[{"severity": "E", "message": "no host"}]), "FAILED_DEPLOYING: service log: no host"),
    ],
)
def test_health(service: View, health: str | None) -> None:
    expected = health or "WARNING: n_0 is BOOT_FAILURE (FL_ERROR=NET, FL_ERROR_DETAIL=no route)"
    assert service.health() == expected


def test_a_machine_that_the_platform_does_not_know_is_done() -> None:
    service = view(
        {
            "ID": "5",
            "NAME": "f",
            "TEMPLATE": {"BODY": {"state": 4, "roles": [{"name": "n", "nodes": [{"deploy_id": 7}]}]}},
        },
        {},
    )
    assert service.health() == "WARNING: machine 7 is DONE"


def test_what_is_shown_of_a_machine() -> None:
    nic = {"NIC": [{"IP": "10.0.0.1"}, {"IP": "10.0.0.2"}]}
    attributes = {
        **READY,
        "SERVICE_ID": "5",
        "ROLE_NAME": "n",
        "PULUMI_MARK": "m",
        "FL_NODE_ID": "9",
        "VECTOR": {"A": "1"},
    }
    document = {"state": 2, "roles": [{"name": "n", "state": 2, "cardinality": 1, "nodes": [{"deploy_id": 3}]}]}
    vm = {"NAME": "n_0", "STATE": "3", "LCM_STATE": "3", "USER_TEMPLATE": attributes, "TEMPLATE": nic}
    service = view({"ID": "5", "NAME": "f", "TEMPLATE": {"BODY": document}}, {3: vm})
    assert service.roles[0].output() == {
        **{"name": "n", "state": "RUNNING", "cardinality": 1},
        "nodes": [{"vmId": 3, "name": "n_0", "ip": "10.0.0.1", "state": "RUNNING", "attributes": {"FL_NODE_ID": "9"}}],
    }


def test_progress_names_the_first_error() -> None:
    service = seen(1, (3, 3, READY), (3, 3, {"FL_ERROR": "TLS"}), role_state=1)
    assert service.progress() == "n 1/2 ready; n_1 (FL_ERROR=TLS)"
    assert seen(2, (3, 3, READY)).progress() == "n READY 1/1"


def role(name: str, *parents: str, count: int = 1, **more: Any) -> Role:
    return Role(name, "RUNNING", count, (), parents, **more)


def test_parents_come_before_children_and_cycles_end() -> None:
    assert in_order((role("c", "b"), role("b", "a"), role("a"))) == ["a", "b", "c"]
    assert sorted(in_order((role("a", "b"), role("b", "a")))) == ["a", "b"]


@pytest.mark.parametrize(
    ("held", "declared", "before", "target"),
    [
        (role("n", count=1), None, None, None),
        (role("n", count=1), 2, 2, 2),
        (role("n", count=3, scaling=ELASTIC), 2, 2, None),
        (role("n", count=3, scaling=ELASTIC), 4, 2, 4),
        (role("n", count=9, scaling=ELASTIC), 2, 2, 2),
    ],
)
def test_the_number_that_a_role_is_held_to(
    held: Role, declared: int | None, before: int | None, target: int | None
) -> None:
    entry = lambda count: {"roles": [{"name": "n", **({} if count is None else {"cardinality": count})}]}  # noqa: E731
    call = Call(None, "urn", "1", entry(declared), entry(before))  # type: ignore[arg-type]
    assert target_of(call, held) == target
