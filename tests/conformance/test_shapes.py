"""Every reply that was recorded from a real OpenNebula: same status, code, types and keys."""

from __future__ import annotations

import json
import re
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

RECORDED: list[dict[str, Any]] = json.loads(Path(__file__).with_name("recorded-shapes.json").read_text())
HARDWARE = ("HOST/HOST_SHARE/PCI_DEVICES",)
"""What depends on the host that was recorded."""
EARLY = "flow.service.get.early"


def xml_paths(text: str) -> set[str]:
    """Paths of all elements."""
    from lxml import etree

    root = etree.fromstring(text.encode())
    tree = etree.ElementTree(root)
    paths = (re.sub(r"\[\d+\]", "", tree.getpath(one)) for one in root.iter())
    return {path.removeprefix(f"/{root.tag}").lstrip("/") for path in paths} - {""}


def shape_paths(shape: Any, prefix: str = "") -> set[str]:
    """Paths of a recorded XML shape."""
    found: set[str] = set()
    for key, inner in (shape or {}).items():
        found |= {prefix + key} | shape_paths(inner, f"{prefix}{key}/")
    return found


def json_leaves(value: Any, prefix: str = "") -> set[str]:
    """`path:type` of every leaf; list members share one path."""
    if isinstance(value, dict):
        return set().union(*(json_leaves(one, f"{prefix}/{key}") for key, one in value.items())) if value else set()
    if isinstance(value, list):
        return set().union(*(json_leaves(one, f"{prefix}[]") for one in value)) if value else set()
    return {f"{prefix}:{type(value).__name__}"}


def recorded_leaves(shape: Any, prefix: str = "") -> set[str]:
    """The same of a recorded JSON shape, whose leaves are type names."""
    if isinstance(shape, dict):
        return set().union(*(recorded_leaves(one, f"{prefix}/{key}") for key, one in shape.items())) if shape else set()
    if isinstance(shape, list):
        return set().union(*(recorded_leaves(one, f"{prefix}[]") for one in shape)) if shape else set()
    return {f"{prefix}:{shape}"}


class Recorder:
    """Repeats the recorded session, keeping each reply under its case."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab
        self.replies: dict[str, Any] = {}

    def rpc(self, case: str, method: str, *parameters: Any) -> Any:
        try:
            reply = self.lab.call(method, *parameters)
        except xmlrpc.client.Fault as fault:
            self.replies[case] = fault
            return None
        self.replies[case] = reply
        return reply[1]

    def http(self, case: str, reply: requests.Response) -> requests.Response:
        self.replies[case] = reply
        return reply


def _infrastructure(recorder: Recorder, target: Any) -> None:
    recorder.rpc("rpc.version", "one.system.version")
    bad = xmlrpc.client.ServerProxy(target.rpc)
    recorder.replies["rpc.version.badauth"] = bad.one.system.version("oneadmin:wrong")
    recorder.rpc("rpc.unknown_method", "one.nothing.here")
    recorder.rpc("rpc.user.self", "one.user.info", -1, False)
    recorder.rpc("rpc.userpool", "one.userpool.info")
    recorder.rpc("rpc.grouppool", "one.grouppool.info")
    recorder.rpc("rpc.hostpool", "one.hostpool.info")
    recorder.rpc("rpc.datastorepool", "one.datastorepool.info")


def _networks(recorder: Recorder) -> tuple[int, str]:
    name = recorder.lab.name("shape")
    text = f'NAME="{name}"\nVN_MAD="dummy"\nBRIDGE="br0"\nAR=[TYPE="IP4",IP="10.99.0.1",SIZE="50"]'
    network_id = recorder.rpc("rpc.vn.allocate", "one.vn.allocate", text, -1)
    recorder.rpc("rpc.vn.allocate.duplicate", "one.vn.allocate", text, -1)
    recorder.rpc("rpc.vn.allocate.noname", "one.vn.allocate", 'VN_MAD="dummy"', -1)
    recorder.rpc("rpc.vn.info", "one.vn.info", network_id, False)
    recorder.rpc("rpc.vnpool", "one.vnpool.info", -2, network_id, network_id)
    return network_id, name


def _templates(recorder: Recorder, network: str) -> int:
    name = recorder.lab.name("shape")
    context = 'CONTEXT=[TOKEN="YES",NETWORK="YES",REPORT_READY="YES",FL_X="1"]'
    text = f'NAME="{name}"\nCPU="0.01"\nMEMORY="16"\nNIC=[NETWORK="{network}"]\n{context}'
    template_id: int = recorder.rpc("rpc.template.allocate", "one.template.allocate", text)
    recorder.rpc("rpc.template.duplicate", "one.template.allocate", text)
    recorder.rpc("rpc.template.info", "one.template.info", template_id, False, False)
    recorder.rpc("rpc.template.update", "one.template.update", template_id, 'NOTE="n"', 1)
    recorder.rpc("rpc.template.rename", "one.template.rename", template_id, f"{name}-b")
    recorder.rpc("rpc.template.chmod", "one.template.chmod", template_id, *(1, 1, 0, 1, 0, 0, 0, 0, 0), False)
    recorder.rpc("rpc.template.missing", "one.template.info", 999999, False, False)
    copy = recorder.rpc("rpc.template.clone", "one.template.clone", template_id, f"{name}-c", False)
    recorder.rpc("rpc.templatepool", "one.templatepool.info", -2, template_id, template_id)
    recorder.rpc("rpc.templatepool.badfilter", "one.templatepool.info", -7, -1, -1)
    recorder.lab.call("one.template.delete", copy, False)
    return template_id


def _machines(recorder: Recorder, template_id: int) -> int:
    recorder.rpc("rpc.image.missing", "one.image.info", 999999, False)
    recorder.rpc("rpc.imagepool", "one.imagepool.info", -2, -1, -1)
    vm_id: int = recorder.rpc("rpc.template.instantiate", "one.template.instantiate", template_id, "", False, "", False)
    recorder.lab.vm_in(vm_id, (3, 3))
    recorder.rpc("rpc.vm.info", "one.vm.info", vm_id, False)
    recorder.rpc("rpc.vm.update", "one.vm.update", vm_id, 'A="1"', 1)
    recorder.rpc("rpc.vmpool", "one.vmpool.info", -2, -1, -1, -1, "")
    recorder.rpc("rpc.vmpool.extended", "one.vmpool.infoextended", -2, vm_id, vm_id, -1, "")
    recorder.lab.call("one.vm.action", "terminate-hard", vm_id)
    recorder.lab.vm_in(vm_id, (6, 0))
    recorder.rpc("rpc.vm.info.done", "one.vm.info", vm_id, False)
    recorder.rpc("rpc.vm.missing", "one.vm.info", 999999, False)
    return vm_id


def _services(recorder: Recorder, template_id: int, stranger: int) -> None:
    lab = recorder.lab
    role = {"type": "vm", "template_id": template_id, "cardinality": 1, "min_vms": 1, "max_vms": 2}
    roles = [{"name": "parent", **role}, {"name": "child", **role, "parents": ["parent"]}]
    body = {"name": lab.name("shape"), "deployment": "straight", "ready_status_gate": True, "roles": roles}
    reply = recorder.http("flow.template.create", lab.post("service_template", body))
    path = f"service_template/{reply.json()['DOCUMENT']['ID']}"
    recorder.http("flow.template.get", lab.get(path))
    reply = recorder.http("flow.instantiate", lab.act(path, "instantiate", merge_template={}))
    service_id = int(reply.json()["DOCUMENT"]["ID"])
    recorder.http(EARLY, lab.get(f"service/{service_id}"))
    (parent,) = lab.nodes_of(service_id, "parent", 1)
    guest = lab.guest(parent)
    for case, where in (("gate.root", "/"), ("gate.vm", "/vm"), ("gate.service", "/service")):
        recorder.http(case, guest.get(where))
    lab.vm_in(parent, (3, 3))
    recorder.http("gate.service.extended", guest.get("/service?extended=true"))
    recorder.http("gate.vms.other", guest.get(f"/vms/{stranger}"))
    guest.report()
    (child,) = lab.nodes_of(service_id, "child", 1)
    lab.guest(child).report()
    lab.in_state(service_id, 2)
    recorder.http("flow.service.get", lab.get(f"service/{service_id}"))
    lab.remove_service(service_id)
    lab.flow.delete(lab.url(path))


@pytest.fixture(scope="module")
def replies(target: Any) -> Iterator[dict[str, Any]]:
    """All replies, by case."""
    lab = _lab(target)
    recorder = Recorder(lab)
    _infrastructure(recorder, target)
    network_id, network = _networks(recorder)
    template_id = _templates(recorder, network)
    vm_id = _machines(recorder, template_id)
    _services(recorder, template_id, vm_id)
    recorder.rpc("rpc.template.delete", "one.template.delete", template_id, False)
    recorder.rpc("rpc.vn.delete", "one.vn.delete", network_id)
    yield recorder.replies


def _lab(target: Any) -> Any:
    """A client with the life time of the module."""
    import sys

    module = sys.modules[type(target).__module__]
    return module.Lab(target, target.auth)


def _check_rpc(case: dict[str, Any], reply: Any) -> None:
    if "fault" in case:
        assert isinstance(reply, xmlrpc.client.Fault)
        assert reply.faultCode == case["fault"]
        return
    assert reply[0] is case["ok"], reply
    assert [type(member).__name__ for member in reply] == case["types"]
    if not case["ok"]:
        assert reply[2] == case["code"]
        assert re.sub(r"\d+", "N", reply[1]) == re.sub(r"\d+", "N", case["message"])
    if "root" in case:
        assert re.match(r"<(\w+)", reply[1])[1] == case["root"]  # type: ignore[index]
        missing = {path for path in shape_paths(case["shape"]) - xml_paths(reply[1]) if not path.startswith(HARDWARE)}
        assert not missing


def _check_http(case: dict[str, Any], reply: requests.Response) -> None:
    assert reply.status_code == case["http"], reply.text
    assert reply.headers["content-type"].split(";")[0] == case["ctype"]
    if "text" in case:
        assert re.sub(r"\d+", "N", reply.text) == case["text"]
        return
    expected, found = recorded_leaves(case["shape"]), json_leaves(reply.json())
    assert expected - found == set()
    if case["case"] not in (EARLY, "gate.service.extended"):
        assert {leaf for leaf in found - expected if "parents[]" not in leaf} == set()


@pytest.mark.parametrize("case", RECORDED, ids=[case["case"] for case in RECORDED])
def test_reply_has_the_recorded_shape(case: dict[str, Any], replies: dict[str, Any]) -> None:
    reply = replies[case["case"]]
    if case["case"].startswith("rpc."):
        _check_rpc(case, reply)
    else:
        _check_http(case, reply)
