"""How a role scales: what is missing, what the platform writes by itself, what fits, what an import cannot know."""

from typing import Any

import pytest

from opennebula_provider.diffs import Difference
from opennebula_provider.engine import Engine
from opennebula_provider.provider import OpenNebula, Request
from opennebula_provider.scaling import Scaling, actual, declared, written

POLICY = {"type": "CHANGE", "adjust": 1, "expression": "LOAD > 5", "cooldown": 7}
STORED = {**POLICY, "last_eval": 17, "true_evals": 2, "expression_evaluated": "LOAD[3]"}
BODY = {"name": "w", "min_vms": 1, "max_vms": 3, "cooldown": 60, "elasticity_policies": [STORED]}


def test_the_platform_s_bookkeeping_is_left_out() -> None:
    assert actual(BODY).settings == {"minVms": 1, "maxVms": 3, "cooldown": 60, "elasticityPolicies": [POLICY]}
    assert actual({"name": "w", "scheduled_policies": []}).settings == {}


@pytest.mark.parametrize(
    ("wished", "missing"),
    [
        ({}, []),
        ({"maxVms": 3, "elasticityPolicies": [POLICY]}, []),
        ({"maxVms": 4}, ["maxVms"]),
        ({"elasticityPolicies": [{**POLICY, "adjust": 2}]}, ["elasticityPolicies"]),
        ({"elasticityPolicies": []}, ["elasticityPolicies"]),
        ({"scheduledPolicies": []}, []),
        ({"cooldown": 10}, ["cooldown"]),
    ],
)
def test_what_a_role_lacks(wished: dict[str, Any], missing: list[str]) -> None:
    assert list(Scaling(wished).missing(actual(BODY))) == missing


@pytest.mark.parametrize(("cooldown", "drift"), [(7, False), (0, False), (8, True)])
def test_a_cooldown_that_the_platform_wrote_is_no_drift_until_it_is_declared_anew(cooldown: int, drift: bool) -> None:
    role, wished = actual({**BODY, "cooldown": cooldown}), Scaling({"cooldown": 60})
    assert bool(wished.missing(role)) == drift
    assert wished.missing(role, Scaling({"cooldown": 30})) == {"cooldown": 60}


def test_bounds() -> None:
    scaling = Scaling({"minVms": 2, "maxVms": 4})
    assert [scaling.clamped(count) for count in (0, 3, 9)] == [2, 3, 4]
    assert [count for count in range(6) if scaling.holds(count)] == [2, 3, 4]
    assert Scaling().holds(99)


def test_the_role_s_own_cooldown_comes_before_the_service_s() -> None:
    inputs = {"cooldown": 5, "roles": [{"name": "a", "cooldown": 9, "maxVms": 2}, {"name": "b"}]}
    assert declared(inputs, "a").settings == {"cooldown": 9, "maxVms": 2}
    assert declared(inputs, "b").settings == declared(inputs, "c").settings == {"cooldown": 5}


def test_no_policies_are_written_as_none_at_all() -> None:
    assert written(BODY, {"elasticityPolicies": [], "minVms": 0}) == {
        **{"name": "w", "min_vms": 0, "max_vms": 3, "cooldown": 60}
    }


SERVICE = {"name": "s", "serviceTemplateId": 0, "roles": [{"name": "w", "cardinality": 1, "maxVms": 3}]}


def diff(old: dict[str, Any], new: dict[str, Any]) -> Difference:
    request = Request("urn:pulumi:s::p::opennebula:index:Service::x", "1", new, old, old)
    return OpenNebula(Engine(""), {}).diff(request)


@pytest.mark.parametrize(
    ("old", "new", "replaces"),
    [
        ({"triggers": {"a": "1"}}, {"triggers": {"a": "2"}}, ["triggers"]),
        ({"triggers": {"a": "1"}}, {"triggers": {"a": "1", "b": "1"}}, ["triggers"]),
        ({"triggers": {"a": "1"}}, {"triggers": {}}, ["triggers"]),
        ({}, {"triggers": {"a": "1"}}, []),
        ({"triggers": {}}, {"triggers": {"a": "1"}}, []),
        ({"serviceTemplateId": 0}, {"serviceTemplateId": 1}, ["serviceTemplateId"]),
        ({"serviceTemplateId": None}, {"serviceTemplateId": 1}, []),
    ],
)
def test_what_an_import_cannot_know_is_only_remembered(
    old: dict[str, Any], new: dict[str, Any], replaces: list[str]
) -> None:
    before = {key: value for key, value in {**SERVICE, **old}.items() if value is not None}
    assert diff(before, {**SERVICE, **new}).replaces == replaces


def test_what_a_role_does_not_declare_stays() -> None:
    assert diff(SERVICE, {**SERVICE, "roles": [{"name": "w"}]}).changes == {}
    assert diff(SERVICE, {**SERVICE, "roles": []}).changes == {}
    narrow = {**SERVICE, "roles": [{"name": "w", "maxVms": 2, "elasticityPolicies": []}]}
    assert diff(SERVICE, narrow).names == ["roles"]
