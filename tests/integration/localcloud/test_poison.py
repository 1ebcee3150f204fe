"""One bad object spoils no other: what is refused leaves nothing behind, what is stored can be shown."""

from __future__ import annotations

import json
import xmlrpc.client
from typing import Any

import pytest
import requests

from fedstack.opennebula.errors import ErrorCode

ROLE = {"name": "r", "type": "vm", "cardinality": 1}


def call(cloud: Any, method: str, *parameters: Any) -> list[Any]:
    """The members of the reply."""
    server = xmlrpc.client.ServerProxy(cloud.status["rpc"])
    found: Any = getattr(server, method)(cloud.auth, *parameters)
    return list(found)


def instantiated(cloud: Any, role: dict[str, Any], **more: Any) -> requests.Response:
    """The reply to the instantiation of a template with one role, with a merge template that may be wrong."""
    body = {"name": "p", "roles": [{**ROLE, "template_id": cloud.template(), **role}]}
    stored = cloud.flow("POST", "service_template", body).json()["DOCUMENT"]["ID"]
    reply: requests.Response = cloud.act(f"service_template/{stored}", "instantiate", merge_template=more)
    return reply


def still_well(cloud: Any) -> None:
    """Everything there is can be shown, and the server has seen no exception."""
    for path in ("service", "service_template"):
        assert cloud.flow("GET", path).status_code == 200
    for method in ("one.vmpool.infoextended", "one.vmpool.info"):
        assert call(cloud, method, -2, -1, -1, -1)[0] is True
    assert call(cloud, "one.documentpool.info", -2, -1, -1, 101)[0] is True
    assert "Traceback" not in (cloud.options.state_dir / "cloud.log").read_text()


@pytest.mark.parametrize("body", ["{", "[1]", "[" * 900, '{\\"roles\\":[]}', '{\\"name\\":\\"x\\",\\"roles\\":[1]}'])
def test_documents_that_are_no_service_templates(cloud: Any, body: str) -> None:
    reply = call(cloud, "one.document.allocate", f'NAME="x"\nBODY="{body}"', 101)
    assert reply[:3] == [False, reply[1], ErrorCode.INTERNAL]
    still_well(cloud)


@pytest.mark.parametrize(
    "text", ["[" * 900 + "]" * 900, '{"name": "\\ud800", "roles": []}', '{"name": "x", "roles": [], "a": 1e999}']
)
def test_json_that_could_not_be_shown_again(cloud: Any, text: str) -> None:
    user, _, password = cloud.auth.partition(":")
    url = f"{cloud.status['flow']}/service_template"
    assert requests.post(url, text, auth=(user, password), timeout=30).status_code == 400
    still_well(cloud)


@pytest.mark.parametrize("name", [[], {}, 1, None])
def test_role_names_that_are_no_names_merge_with_nothing(cloud: Any, name: Any) -> None:
    assert instantiated(cloud, {}, roles=[{"name": name}]).status_code == 201
    still_well(cloud)


@pytest.mark.parametrize("values", [{"a b": "1"}, {"<x>": "1"}, {"ŉ": "1"}, {"": "1"}])
def test_inputs_whose_names_no_template_can_hold_fail_their_role(
    cloud: Any, until: Any, values: dict[str, str]
) -> None:
    reply = instantiated(cloud, {"template_contents": values})
    service_id = reply.json()["DOCUMENT"]["ID"]
    until(lambda: cloud.service(service_id)["state"] == 7, "failed")
    assert "is no attribute name" in json.dumps(cloud.service(service_id)["log"])
    still_well(cloud)


@pytest.mark.parametrize("key", ["cardinality", "template_id", "max_vms", "cooldown"])
@pytest.mark.parametrize("value", [10**12, "9" * 30, 1e300])
def test_numbers_that_no_column_holds(cloud: Any, key: str, value: Any) -> None:
    role = {**ROLE, "template_id": 0, "min_vms": 0, key: value}
    reply = cloud.flow("POST", "service_template", {"name": "x", "roles": [role]})
    assert reply.status_code == 400
    assert "32 bits" in reply.text


def test_bookkeeping_of_policies_that_a_user_wrote(new_cloud: Any, until: Any) -> None:
    cloud = new_cloud(autoscaler_interval=0.1)
    policy = {"type": "CHANGE", "adjust": 1, "expression": "CPU >= 0", "last_eval": "x", "true_evals": []}
    bounds = {"min_vms": 1, "max_vms": 2, "cooldown": 0}
    service_id = instantiated(cloud, {**bounds, "elasticity_policies": [policy]}).json()["DOCUMENT"]["ID"]
    until(lambda: cloud.service(service_id)["roles"][0]["cardinality"] == 2, "scaled by the policy")
    still_well(cloud)


@pytest.mark.parametrize("number", ["\xb2", "9" * 400, "-1", "0x1"])
def test_guests_with_odd_numbers(cloud: Any, number: str) -> None:
    headers = {"X-ONEGATE-VMID": number, "X-ONEGATE-TOKEN": "x"}
    reply = requests.get(f"{cloud.status['gate']}/vm", headers=headers, timeout=30)
    assert (reply.status_code, reply.text) == (401, "Not authorized")


@pytest.mark.parametrize("size", [2, 65536])
def test_address_ranges_end_where_addresses_end(cloud: Any, size: int) -> None:
    for start in ('TYPE="IP4",IP="255.255.255.255"', 'TYPE="ETHER",MAC="ff:ff:ff:ff:ff:ff"'):
        reply = call(cloud, "one.vn.allocate", f'NAME="edge"\nVN_MAD="dummy"\nAR=[{start},SIZE="{size}"]', -1)
        assert (reply[0], reply[2]) == (False, ErrorCode.INTERNAL)
    assert call(cloud, "one.vnpool.info", -2, -1, -1)[0] is True


def test_a_guest_cannot_fill_the_disk(cloud: Any, until: Any) -> None:
    vm_id = cloud.one.template.instantiate(cloud.template(), "fat")
    until(lambda: cloud.place(vm_id) == (3, 3), "running")
    part = "x" * 200_000
    replies = [call(cloud, "one.vm.update", vm_id, f'A{number}="{part}"', 1) for number in range(4)]
    assert [reply[0] for reply in replies] == [True, True, False, False]
    assert replies[-1][2] == ErrorCode.INTERNAL
