"""States, strategies, graph and readiness."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedstack.oneflow import graph, strategy
from fedstack.oneflow.readiness import Readiness, node_held, node_ready, opens_gate
from fedstack.oneflow.states import (
    FAILED,
    TRANSIENT,
    UNDEPLOYABLE,
    Recovery,
    RoleState,
    ServiceState,
    recovery,
    role_state_name,
    service_state_name,
)
from fedstack.opennebula.states import LCM_FAILURES, LcmState, VmState


def roles(*described: tuple[str, RoleState, list[str]]) -> list[dict[str, Any]]:
    return [{"name": name, "state": int(state), "parents": parents} for name, state, parents in described]


PENDING, RUNNING, HOLD, DONE = RoleState.PENDING, RoleState.RUNNING, RoleState.HOLD, RoleState.DONE


def test_numbers_and_sets() -> None:
    assert {int(state) for state in TRANSIENT} == {1, 3, 8, 10, 11, 12}
    assert {int(state) for state in FAILED} == {6, 7, 9, 13, 14}
    assert {int(state) for state in UNDEPLOYABLE} == {0, 2, 3, 4, 15}
    refused = {int(state) for state in ServiceState if recovery(state) is Recovery.REFUSED}
    assert refused == {2, 4, 5, 15}
    assert recovery(ServiceState.FAILED_UNDEPLOYING_NETS) is Recovery.UNDEPLOY
    assert recovery(ServiceState.FAILED_DEPLOYING_NETS) is Recovery.NETWORKS


def test_names_of_states() -> None:
    assert service_state_name(11) == "DEPLOYING_NETS"
    assert role_state_name(11) == "HOLD"
    assert service_state_name(99) == "99"


def test_straight_deploys_children_of_running_parents_only() -> None:
    described = roles(("web", PENDING, ["db"]), ("db", PENDING, []), ("lost", PENDING, ["nobody"]))
    assert strategy.to_deploy("straight", described) == ["db"]
    described[1]["state"] = int(RUNNING)
    assert strategy.to_deploy("straight", described) == ["web"]
    assert strategy.to_deploy("none", described) == ["web", "lost"]


def test_none_also_takes_scaling_roles() -> None:
    assert strategy.to_deploy("none", roles(("a", RoleState.SCALING, []))) == ["a"]
    assert strategy.to_deploy("straight", roles(("a", RoleState.SCALING, []))) == []


def test_hold_and_release() -> None:
    described = roles(("db", HOLD, []), ("web", PENDING, ["db"]))
    assert strategy.to_hold("straight", described) == ["web"]
    assert strategy.to_release("straight", described) == ["db"]
    described = roles(("db", HOLD, []), ("web", HOLD, ["db"]))
    assert strategy.to_release("straight", described) == ["db"]
    assert strategy.to_release("none", described) == ["db", "web"]
    assert strategy.to_hold("none", roles(("a", PENDING, ["b"]))) == ["a"]


def test_shutdown_takes_children_first() -> None:
    described = roles(("db", RUNNING, []), ("web", RUNNING, ["db"]))
    assert strategy.to_shutdown("straight", described) == ["web"]
    assert strategy.to_shutdown("none", described) == ["db", "web"]
    described[1]["state"] = int(RoleState.UNDEPLOYING)
    assert strategy.to_shutdown("straight", described) == []
    described[1]["state"] = int(DONE)
    assert strategy.to_shutdown("straight", described) == ["db"]


def test_a_cycle_is_never_eligible() -> None:
    described = roles(("a", PENDING, ["b"]), ("b", PENDING, ["a"]))
    assert strategy.to_deploy("straight", described) == []
    assert strategy.to_shutdown("straight", described) == []


@given(st.lists(st.lists(st.integers(0, 5), max_size=3), min_size=1, max_size=6))
def test_straight_deploys_everything_exactly_when_the_graph_is_sound(edges: list[list[int]]) -> None:
    described = roles(*((f"r{i}", PENDING, [f"r{j}" for j in parents]) for i, parents in enumerate(edges)))
    while ready := strategy.to_deploy("straight", described):
        for role in described:
            role["state"] = int(RUNNING) if role["name"] in ready else role["state"]
    complete = all(role["state"] == RUNNING for role in described)
    assert complete == (not graph.cycles(described) and not graph.unknown_parents(described))


def test_graph_reports_names() -> None:
    described = roles(("a", PENDING, ["b"]), ("b", PENDING, ["a"]), ("c", PENDING, ["c"]), ("d", PENDING, ["x", "a"]))
    assert graph.cycles(described) == [["a", "b"], ["c"]]
    assert graph.unknown_parents(described) == [("d", "x")]
    assert graph.parents({"parents": "text"}) == []


@pytest.mark.parametrize("text", ['READY="YES"', "FL_READY = 'YES'", "FL_NODE_READY=YES", 'A=1\nREADY = "YES"'])
def test_opens_gate(text: str) -> None:
    assert opens_gate(text)


@pytest.mark.parametrize("text", ["", "READY=NO", "FL_ENDPOINT=1.2.3.4:9092", "READY=yes", "NOT_READY=NO YES"])
def test_keeps_gate_shut(text: str) -> None:
    assert not opens_gate(text)


ACTIVE = VmState.ACTIVE


@pytest.mark.parametrize(
    ("gate", "state", "lcm", "ready", "verdict"),
    [
        (False, ACTIVE, LcmState.RUNNING, None, Readiness.READY),
        (False, ACTIVE, LcmState.BOOT, None, Readiness.WAITING),
        (False, VmState.POWEROFF, LcmState.LCM_INIT, None, Readiness.READY),
        (True, VmState.DONE, LcmState.LCM_INIT, None, Readiness.READY),
        (True, ACTIVE, LcmState.RUNNING, None, Readiness.WAITING),
        (True, ACTIVE, LcmState.BOOT, " YES ", Readiness.READY),
        (True, ACTIVE, LcmState.RUNNING, "NO", Readiness.WAITING),
        (False, VmState.PENDING, LcmState.LCM_INIT, None, Readiness.WAITING),
        (True, VmState.HOLD, LcmState.LCM_INIT, None, Readiness.WAITING),
    ],
)
def test_node_ready(gate: bool, state: VmState, lcm: LcmState, ready: str | None, verdict: Readiness) -> None:
    assert node_ready(gate, state, lcm, ready) is verdict


@pytest.mark.parametrize("gate", [True, False])
@pytest.mark.parametrize("lcm", sorted(LCM_FAILURES))
def test_failure_states_fail(gate: bool, lcm: LcmState) -> None:
    assert node_ready(gate, ACTIVE, lcm, None) is Readiness.FAILED


def test_hold() -> None:
    assert node_held(VmState.HOLD) is Readiness.READY
    assert node_held(VmState.ACTIVE) is Readiness.WAITING
