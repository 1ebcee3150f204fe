"""A stack that is one part of a federation: its SuperLink, or SuperNodes of a SuperLink elsewhere (reference 12)."""

import base64
from typing import Any

import pytest
from support.declared import Resources, deploy, service, template

from components.errors import SettingsError
from components.settings import read_settings
from fedstack.oneflow.names import from_camel
from fedstack.oneflow.template import normalise
from fedstack.rules import RULES, check_properties

CA = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
SITE = {
    "topology": "site",
    "supernodes": {"superlinkAddress": "203.0.113.5:9092", "count": 3},
    "tls": {"caCertificate": CA},
}
COORDINATOR = {"topology": "coordinator", "tls": {"extraSan": ["IP:203.0.113.5"]}}


def violations(declared: Resources) -> list[Any]:
    """What all rules say of a template, and the platform's own schema."""
    inputs = {key: value for key, value in template(declared).items() if key != "mark"}
    normalise(from_camel(inputs))
    return [each for rule in RULES for each in check_properties(inputs, [rule], {})]


def complaints(raw: Any) -> list[str]:
    with pytest.raises(SettingsError) as error:
        read_settings(raw)
    return error.value.problems


def test_a_coordinator_is_the_superlink_alone() -> None:
    declared, outputs = deploy(COORDINATOR)
    (role,) = template(declared)["roles"]
    assert role["name"] == "superlink"
    assert role["userInputs"]["FL_CERT_EXTRA_SAN"].endswith("IP:203.0.113.5")
    assert [name for name in declared if name.startswith("VirtualMachineTemplate")] == [
        "VirtualMachineTemplate federation-dev-superlink"
    ]
    assert "ML_FRAMEWORK" not in outputs["variables"]
    assert outputs["runConfig"]["num-server-rounds"] == "3"
    assert violations(declared) == []


def test_a_site_is_told_what_onegate_cannot_tell() -> None:
    declared, outputs = deploy(SITE)
    (role,) = template(declared)["roles"]
    (given,) = service(declared)["roles"]
    assert role["name"] == "supernode" and "parents" not in role
    assert role["userInputs"]["FL_SUPERLINK_ADDRESS"].startswith("M|text|")
    assert template(declared)["userInputs"]["FL_SSL_CA_CERTFILE"].startswith("M|text64|")
    assert given["cardinality"] == 3
    assert given["userInputsValues"]["FL_SUPERLINK_ADDRESS"] == "203.0.113.5:9092"
    assert service(declared)["userInputsValues"]["FL_SSL_CA_CERTFILE"] == base64.b64encode(CA.encode()).decode()
    assert "FL_NUM_ROUNDS" not in outputs["variables"]
    assert outputs["runConfig"] == {}
    assert violations(declared) == []


def test_a_site_shows_where_its_superlink_is_and_the_keys_to_enrol() -> None:
    nodes = [
        {"vmId": 4, "name": "supernode_0", "ip": "10.0.0.4", "state": "RUNNING", "attributes": {}},
        {
            "vmId": 5,
            "name": "supernode_1",
            "ip": "10.0.0.5",
            "state": "RUNNING",
            "attributes": {"FL_NODE_PUBLIC_KEY": "ecdsa-sha2-nistp384 AAAA"},
        },
    ]
    status = [{"name": "supernode", "state": "RUNNING", "cardinality": 2, "nodes": nodes}]
    _, outputs = deploy(SITE, status=status)
    assert outputs["fleetEndpoint"] == "203.0.113.5:9092"
    assert outputs["controlEndpoint"] == ""
    assert outputs["caCertificate"] == CA
    assert outputs["nodeCount"] == 2
    assert outputs["nodeKeys"] == {"supernode_1": "ecdsa-sha2-nistp384 AAAA"}


def test_another_superlink_or_ca_replaces_a_site() -> None:
    moved = {**SITE, "supernodes": {"superlinkAddress": "203.0.113.6:9092", "count": 3}}
    before, after = (service(deploy(each)[0])["triggers"] for each in (SITE, moved))
    assert [name for name in before if before[name] != after[name]] == ["supernodes.superlinkAddress"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            {"topology": "site"},
            [
                "tls.caCertificate: a value is missing: topology is site",
                "supernodes.superlinkAddress: a value is missing: topology is site",
            ],
        ),
        (
            {"topology": "site", "tls": {"enabled": False}},
            ["supernodes.superlinkAddress: a value is missing: topology is site"],
        ),
        (
            {**SITE, "superlink": {"cpu": 2}, "training": {"rounds": 5}},
            [
                "superlink: expected nothing here: topology is site",
                "training.rounds: expected no value: no VM reads it while topology is site",
            ],
        ),
        (
            {"topology": "coordinator", "supernodes": {"count": 2}, "gpu": {"devices": "0"}},
            [
                "supernodes: expected nothing here: topology is coordinator",
                "gpu.devices: expected no value: no VM reads it while topology is coordinator",
            ],
        ),
        ({"topology": "star"}, ["topology: expected 'single', 'coordinator' or 'site', got \"star\""]),
    ],
)
def test_what_a_topology_has_no_place_for_is_refused(raw: dict[str, Any], expected: list[str]) -> None:
    assert complaints(raw) == expected
