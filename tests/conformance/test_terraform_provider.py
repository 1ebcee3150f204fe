"""The calls of Terraform's provider 1.5: its order, its encodings, the parameters that it leaves out (reference 3)."""

from __future__ import annotations

import json
import xmlrpc.client
from typing import Any
from xml.sax.saxutils import escape

import pytest
import requests

READY, GONE = 1, 1024


class GoClient:
    """What the provider's client sends: no content type, `<i4>` for some numbers, `null` in GET and DELETE."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab

    def call(self, method: str, *parameters: Any, success: bool = True) -> Any:
        """The value of a call, or the code of a refusal."""
        sent = "".join(f"<param><value>{_value(one)}</value></param>" for one in (self.lab.auth, *parameters))
        body = f"<methodCall><methodName>{method}</methodName><params>{sent}</params></methodCall>"
        request = requests.Request("POST", self.lab.target.rpc, data=body.encode()).prepare()
        request.headers.pop("Content-Type", None)
        with requests.Session() as session:
            reply = session.send(request, timeout=20)
        (members,), _ = xmlrpc.client.loads(reply.content)
        assert members[0] is success, members
        assert members[1] != ""
        return members[1] if success else members[2]

    def rest(self, method: str, path: str, body: Any = None) -> requests.Response:
        """A call of OneFlow, as from an endpoint with a slash at its end."""
        headers = {"Content-Type": "application/json; charset=utf-8"}
        url = f"{self.lab.target.flow}//{path}"
        reply: requests.Response = self.lab.flow.request(
            method, url, data=json.dumps(body), headers=headers, timeout=20
        )
        return reply

    def act(self, path: str, perform: str, **params: Any) -> requests.Response:
        """An action."""
        return self.rest("POST", f"{path}/action", {"action": {"perform": perform, "params": params}})


class Unsigned(int):
    """A number that the client sends as `<i4>`."""


def _value(one: Any) -> str:
    if isinstance(one, bool):
        return f"<boolean>{int(one)}</boolean>"
    if isinstance(one, Unsigned):
        return f"<i4>{one}</i4>"
    return f"<int>{one}</int>" if isinstance(one, int) else f"<string>{escape(one)}</string>"


@pytest.fixture
def go(lab: Any) -> GoClient:
    """The provider's client."""
    return GoClient(lab)


def state(lab: Any, call: str, object_id: int) -> int:
    """STATE of an image or network."""
    found: int = getattr(lab.one, call).info(object_id).STATE
    return found


def chmod(octal: str) -> list[int]:
    """Nine numbers, as the provider makes them of `640`."""
    return [int(digit) >> place & 1 for digit in octal for place in (2, 1, 0)]


def test_configure(go: GoClient) -> None:
    major, minor, patch = (int(one) for one in go.call("one.system.version").split("."))
    assert (major, minor, patch) >= (6, 8, 0)


def test_an_image(lab: Any, go: GoClient) -> None:
    text = f'NAME="{lab.name("img")}"\nTYPE="DATABLOCK"\nPERSISTENT="1"\nSIZE="16"'
    image = go.call("one.image.allocate", text, Unsigned(1))
    lab.until(lambda: state(lab, "image", image) == READY, "image ready")
    go.call("one.image.update", image, 'DEV_PREFIX="vd"\nDESCRIPTION="a \\"quoted\\" one"', 1)
    go.call("one.image.chmod", image, *chmod("642"))
    go.call("one.image.chown", image, -1, 1)
    go.call("one.image.persistent", image, True)
    go.call("one.image.lock", image, 2)
    info = lab.one.image.info(image)
    assert (info.PERSISTENT, info.GNAME, info.LOCK.LOCKED) == (1, "users", 2)
    assert info.TEMPLATE["DESCRIPTION"] == 'a "quoted" one'
    go.call("one.image.unlock", image)
    go.call("one.image.delete", image)
    lab.until(lambda: lab.call("one.image.info", image, False)[2] == GONE, "image gone")


def test_a_template(lab: Any, go: GoClient) -> None:
    name = lab.name("tpl")
    vectors = 'CONTEXT=[\n    NETWORK="YES",\n    TOKEN="YES" ]\nDISK=[\n    SIZE="16",\n    TYPE="fs" ]'
    template = go.call("one.template.allocate", f'NAME="{name}"\nCPU="0.01"\nMEMORY="16"\n{vectors}')
    go.call("one.template.chmod", template, *chmod("600"))
    go.call("one.template.chown", template, -1, 1)
    go.call("one.template.lock", template, 4)
    assert "<CONTEXT><NETWORK>" in go.call("one.template.info", template, False, False)
    go.call("one.template.unlock", template)
    go.call("one.template.rename", template, f"{name}-b")
    go.call("one.template.update", template, 'CPU="0.02"\nMEMORY="16"', 0)
    go.call("one.template.delete", template)
    assert go.call("one.template.info", template, False, False, success=False) == GONE


def test_a_network(lab: Any, go: GoClient) -> None:
    text = f'NAME="{lab.name("net")}"\nVN_MAD="dummy"\nBRIDGE="br0"'
    network = go.call("one.vn.allocate", text, -1)
    lab.until(lambda: state(lab, "vn", network) == READY, "network ready")
    go.call("one.vn.update", network, 'MTU="1500"\nGUEST_MTU="1500"', 1)
    go.call("one.vn.add_ar", network, 'AR=[\n    IP="10.98.0.1",\n    SIZE="8",\n    TYPE="IP4" ]')
    go.call("one.vn.hold", network, 'LEASES=[\n    IP="10.98.0.3" ]')
    go.call("one.vn.update", network, 'SECURITY_GROUPS="0"', 1)
    go.call("one.vn.chmod", network, *chmod("600"))
    go.call("one.vn.chown", network, -1, 1)
    held = lab.one.vn.info(network).AR_POOL.AR[0].LEASES.LEASE[0]
    assert (held.IP, held.VM) == ("10.98.0.3", -1)
    child = go.call("one.vn.reserve", network, f'NAME="{lab.name("res")}"\nSIZE="2"')
    go.call("one.vn.delete", child)
    go.call("one.vn.release", network, 'LEASES=[\n    IP="10.98.0.3" ]')
    go.call("one.vn.delete", network)
    lab.until(lambda: lab.call("one.vn.info", network, False)[2] == GONE, "network gone")


def test_pools_of_data_sources(lab: Any, go: GoClient) -> None:
    lab.template()
    for pool in ("template", "image", "vn"):
        assert go.call(f"one.{pool}pool.info", -2, -1, -1).startswith("<")
    assert go.call("one.datastorepool.info").startswith("<DATASTORE_POOL>")
    assert go.call("one.clusterpool.info", True).startswith("<CLUSTER_POOL>")
    assert go.call("one.group.info", 1, True).startswith("<GROUP>")
    assert go.call("one.user.info", 0, True).startswith("<USER>")


def test_a_service(lab: Any, go: GoClient) -> None:
    role = {"name": "web", "type": "vm", "template_id": lab.template(), "min_vms": 1, "max_vms": 4, "cooldown": 1}
    body = {"name": lab.name("svc"), "deployment": "straight", "roles": [{**role, "cardinality": 1}]}
    made = go.rest("POST", "service_template", body)
    assert made.status_code == 201
    template = f"service_template/{made.json()['DOCUMENT']['ID']}"
    for perform, params in (("chmod", {"octet": "640"}), ("chown", {"owner_id": -1, "group_id": 1})):
        assert go.act(template, perform, **params).status_code == 204
    changed = json.dumps({**body, "description": "d"})
    assert go.act(template, "update", append=False, template_json=changed).status_code == 204
    document = go.rest("GET", template).json()["DOCUMENT"]
    assert document.keys() >= {"ID", "NAME", "UID", "GID", "UNAME", "GNAME", "PERMISSIONS", "TEMPLATE"}
    stored = document["TEMPLATE"]["BODY"]
    assert {key: stored[key] for key in body} == body
    made = go.act(template, "instantiate", merge_template={"roles": [{"name": "web", "cardinality": 2}]})
    assert made.status_code == 201
    service_id = int(made.json()["DOCUMENT"]["ID"])
    lab.made.append(lambda: lab.remove_service(service_id))
    lab.in_state(service_id, 2)
    assert len(lab.nodes(service_id, "web")) == 2
    path = f"service/{service_id}"
    scale = {"role_name": "web", "cardinality": 3, "force": False}
    assert go.rest("POST", f"{path}/scale", scale).status_code == 204
    lab.nodes_of(service_id, "web", 3)
    lab.in_state(service_id, 2)
    if go.rest("DELETE", path).status_code != 204:
        assert go.act(path, "recover", delete=True).status_code == 204
    lab.until(lambda: go.rest("GET", path).status_code == 404, "service gone")
    assert go.rest("DELETE", template).status_code == 204
