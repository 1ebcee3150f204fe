"""From a service as the platform has it to settings and files, without a platform."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from fedstack.operations.adopt import federation, files
from fedstack.operations.adopt.found import Found, Machine
from fedstack.operations.adopt.trial import RefusedError, described
from fedstack.operations.errors import BadInputError

POLICY = {"type": "CHANGE", "adjust": 1, "expression": "CPU > 80", "period_number": 3}


def found(name: str = "fed-lab", machines: Mapping[str, Machine] | None = None) -> Found:
    """A federation that runs with another log level than the template's default, and trains other rounds."""
    inputs = {"FL_LOG_LEVEL": "O|list|Log level|DEBUG,INFO|INFO"}
    link_inputs = {"FL_NUM_ROUNDS": "O|number|Training rounds||7"}
    link: dict[str, Any] = {"name": "superlink", "user_inputs": link_inputs, "min_vms": 1, "max_vms": 1}
    node: dict[str, Any] = {"name": "supernode", "cardinality": 2, "min_vms": 2, "elasticity_policies": [POLICY]}
    template = {"user_inputs": inputs, "roles": [link, node]}
    service = {
        "user_inputs_values": {"FL_LOG_LEVEL": "DEBUG"},
        "roles": [
            {**link, "cardinality": 1, "user_inputs_values": {"FL_NUM_ROUNDS": "3"}},
            {**node, "cardinality": 4, "cooldown": 9, "elasticity_policies": [{**POLICY, "true_evals": 2}]},
        ],
    }
    sizes: dict[str, Any] = {"CPU": "0.5", "MEMORY": "512", "DISK": {"IMAGE_ID": "4"}, "NIC": {"NETWORK_ID": "2"}}
    both = {"superlink": Machine(0, "a", sizes), "supernode": Machine(1, "b", {**sizes, "VCPU": "2"})}
    return Found(12, name, service, 3, template, machines or both)


def test_settings_say_what_is_there_and_not_the_default() -> None:
    assert federation.settings(found(), "lab") == {
        "name": "fed",
        "image": {"id": 4},
        "network": {"id": 2},
        "superlink": {"cpu": 0.5, "memoryMb": 512},
        "supernodes": {
            **{"count": 4, "min": 2, "cooldown": 9, "cpu": 0.5, "vcpu": 2, "memoryMb": 512},
            "elasticityPolicies": [{"type": "CHANGE", "adjust": 1, "expression": "CPU > 80", "periodNumber": 3}],
        },
        "variables": {"FL_LOG_LEVEL": "DEBUG", "FL_NUM_ROUNDS": "7"},
    }


def test_a_federation_of_the_stack_has_no_obstacle() -> None:
    assert federation.obstacles(found(), "lab") == []


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        (found("fed"), "name: expected <name>-lab, got 'fed'; --stack chooses another ending"),
        (found("-lab"), "name: expected <name>-lab, got '-lab'; --stack chooses another ending"),
        (
            found(machines={"front": Machine(0, "a", {}), "worker": Machine(0, "a", {})}),
            "roles: expected superlink and supernode, got front, worker",
        ),
    ],
)
def test_what_cannot_be_a_federation_of_the_stack(service: Found, reason: str) -> None:
    assert federation.obstacles(service, "lab") == [reason]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "encryptionsalt: v1:abc\n",
        "# ours\nconfig: {}\n",
        "config:\n",
        "encryptionsalt: v1:abc\nconfig:\n    aws:region: x # far\n    opennebula:endpoint: http://one\n",
        "config: # none yet",
    ],
)
def test_the_federation_is_added_and_the_rest_stays(text: str) -> None:
    settings = {"name": "fed", "supernodes": {"count": 4}}
    written = files.with_federation(text, settings)
    before, after = yaml.safe_load(text) or {}, yaml.safe_load(written)
    assert after == {**before, "config": {**(before.get("config") or {}), "fedstack:federation": settings}}
    assert [line for line in text.splitlines() if not line.startswith("config:") and line not in written] == []


def test_a_configuration_on_one_line_is_refused() -> None:
    with pytest.raises(BadInputError, match="expected `config:` with a key a line"):
        files.with_federation("config: {opennebula:endpoint: http://one}\n", {"name": "fed"})


def test_a_second_federation_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"Pulumi\.lab\.yaml: expected no fedstack:federation yet"):
        files.refuse_second_federation("lab", {"fedstack:federation": {}})


def test_secrets_of_the_provider_stay_where_they_are() -> None:
    plain = {"opennebula:endpoint": "http://one"}
    secret = {"opennebula:username": "me", "opennebula:password": {"secure": "v1:x"}, "other:key": "y"}
    assert files.endpoint_settings({**plain, **secret}) == plain


def test_every_declared_resource_gets_its_number() -> None:
    declared = [
        {"type": "fedstack:index:Federation", "name": "fed-lab", "component": True},
        *(
            {"type": f"opennebula:index:{kind}", "name": f"fed-lab-{name}", "id": "<PLACEHOLDER>"}
            for kind, name in (
                *(("Mark", "mark"), ("VirtualMachineTemplate", "superlink"), ("VirtualMachineTemplate", "supernode")),
                *(("ServiceTemplate", "template"), ("Service", "service")),
            )
        ),
    ]
    filled = files.filled(declared, found(), "0123456789abcdef")
    assert [each.get("id") for each in filled] == [None, "0123456789abcdef", "0", "1", "3", "12"]


def test_a_difference_names_place_and_both_values() -> None:
    step = {
        "op": "update",
        "urn": "urn:pulumi:lab::p::a$opennebula:index:ServiceTemplate::fed-lab-template",
        "oldState": {"inputs": {"roles": [{"cardinality": 3, "userInputs": {"a.b": "x"}}]}},
        "newState": {"inputs": {"roles": [{"cardinality": 2}]}},
        "detailedDiff": {"roles[0].cardinality": {}, 'roles[0].userInputs["a.b"]': {}},
    }
    assert list(described(step)) == [
        "ServiceTemplate fed-lab-template: roles[0].cardinality: 3, declared 2",
        'ServiceTemplate fed-lab-template: roles[0].userInputs["a.b"]: "x", declared nothing',
    ]


def test_a_difference_shows_no_secret() -> None:
    path = "roles[0].userInputsValues.FL_SSL_KEYFILE"
    step = {"op": "replace", "urn": "urn:pulumi:lab::p::opennebula:index:Service::s", "detailedDiff": {path: {}}}
    assert list(described(step)) == [f"Service s: {path}"]


def test_what_is_no_part_of_the_service_is_refused() -> None:
    declared = [{"type": "opennebula:index:Image", "name": "fed-lab-image", "id": "<PLACEHOLDER>"}]
    with pytest.raises(RefusedError, match="Image fed-lab-image: nothing of the service is this"):
        files.filled(declared, found(), "0123456789abcdef")
