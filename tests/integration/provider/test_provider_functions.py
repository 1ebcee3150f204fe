"""Every function: over the provider's own wire, and in a program through the real CLI."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from provider_cloud import TestCloud
from provider_driver import Driver
from provider_plugin import Plugin, message, running_plugin, struct
from provider_stack import Stack, federation
from pulumi.runtime.proto import provider_pb2

from opennebula_provider.values import from_struct


@pytest.fixture(scope="module")
def plugin(cloud: TestCloud) -> Iterator[Plugin]:
    """A provider that is configured for the cloud."""
    with running_plugin(**cloud.environment) as running:
        running.stub.Configure(provider_pb2.ConfigureRequest(args=struct()))
        yield running


def request(name: str, /, **arguments: Any) -> provider_pb2.InvokeRequest:
    return provider_pb2.InvokeRequest(tok=f"opennebula:index:{name}", args=struct(**arguments))


def ask(plugin: Plugin, name: str, /, **arguments: Any) -> dict[str, Any]:
    return from_struct(getattr(plugin.stub.Invoke(request(name, **arguments)), "return"))


def test_images(plugin: Plugin, cloud: TestCloud, tmp_path: Any) -> None:
    made = []
    for name, kind in (("ubuntu-24", "OS"), ("ubuntu-22", "OS"), ("data", "DATABLOCK")):
        made.append(Driver(cloud, "Image"))
        made[-1].create(name=name, path=str(tmp_path), type=kind, attributes={"tier": kind}, permissions="644")
    one = ask(plugin, "getImage", name="ubuntu-22")
    assert one == ask(plugin, "getImage", imageId=int(made[1].id))
    expected = {"imageId": int(made[1].id), "state": "READY", "type": "OS", "owner": "oneadmin", "permissions": "644"}
    assert expected.items() <= one.items()
    assert one["attributes"]["TIER"] == "OS"
    named = ask(plugin, "getImages", namePattern="ubuntu-.*")["images"]
    assert [image["name"] for image in named] == ["ubuntu-24", "ubuntu-22"]
    (block,) = ask(plugin, "getImages", attributes={"tier": "DATABLOCK"})["images"]
    assert block["name"] == "data"
    assert ask(plugin, "getImages", type="CDROM")["images"] == []
    assert len(ask(plugin, "getImages")["images"]) == 3
    text = message(plugin.stub.Invoke, request("getImages", namePattern="("))
    assert text.startswith("namePattern: must be a regular expression (missing )")
    for image in made:
        image.delete()


@dataclass(frozen=True)
class Pool:
    """How an object named `twin` is made and deleted; `params` are those of `allocate`."""

    kind: str
    params: tuple[Any, ...]

    def make(self, cloud: TestCloud, owner: int) -> int:
        """One that belongs to that user (-1: to whoever makes it)."""
        number = cloud.call(f"{self.kind}.allocate", *self.params)
        cloud.call(f"{self.kind}.chown", number, owner, -1)
        return int(number)

    def remove(self, cloud: TestCloud, number: int) -> None:
        """Deletes it."""
        cloud.call(f"{self.kind}.delete", number)


@dataclass(frozen=True)
class Documents:
    """The same for a OneFlow document; `path` is where it is."""

    path: str

    def make(self, cloud: TestCloud, _owner: int) -> int:
        """A template, or a service of one."""
        number = _id(cloud.flow("POST", "service_template", {"name": "twin", "roles": []}))
        if self.path == "service_template":
            return number
        action = f"service_template/{number}/action"
        made = _id(cloud.flow("POST", action, {"action": {"perform": "instantiate", "params": {}}}))
        cloud.flow("DELETE", f"service_template/{number}")
        return made

    def remove(self, cloud: TestCloud, number: int) -> None:
        """Deletes it."""
        assert cloud.flow("DELETE", f"{self.path}/{number}").ok


def _id(reply: Any) -> int:
    return int(reply.json()["DOCUMENT"]["ID"])


LOOKUPS = {
    "getImage": ("imageId", "image", Pool("image", ('NAME="twin"\nTYPE="OS"\nSIZE="1"', 1))),
    "getVirtualNetwork": ("networkId", "virtual network", Pool("vn", ('NAME="twin"\nVN_MAD="dummy"', -1))),
    "getVirtualMachineTemplate": (
        "templateId",
        "virtual machine template",
        Pool("template", ('NAME="twin"\nCPU="1"\nMEMORY="1"',)),
    ),
    "getDatastore": ("datastoreId", "datastore", Pool("datastore", ('NAME="twin"\nTM_MAD="local"\nDS_MAD="fs"', 0))),
    "getServiceTemplate": ("serviceTemplateId", "service template", Documents("service_template")),
    "getService": ("serviceId", "service", Documents("service")),
}


@pytest.fixture(scope="module")
def other(cloud: TestCloud) -> int:
    """Another user."""
    return int(cloud.call("user.allocate", "other", "secret", "core", [1]))


@pytest.mark.parametrize("function", LOOKUPS)
def test_one_is_found_by_id_or_name_none_and_several_are_one_message(
    function: str, plugin: Plugin, cloud: TestCloud, other: int
) -> None:
    key, word, kind = LOOKUPS[function]
    endpoint = cloud.status["flow" if function.startswith("getService") else "rpc"]
    text = message(plugin.stub.Invoke, request(function, name="twin"))
    assert text.startswith(f"name 'twin': expected exactly one {word} of this name at {endpoint}, found 0")
    first, second = kind.make(cloud, other), kind.make(cloud, -1)
    text = message(plugin.stub.Invoke, request(function, name="twin"))
    owners = ("other" if isinstance(kind, Pool) else "oneadmin", "oneadmin")
    assert text.endswith(f"found 2 ({first} of {owners[0]}, {second} of {owners[1]}): say which with {key}")
    found = ask(plugin, function, **{key: second})
    assert (found["name"], found[key], found["owner"]) == ("twin", second, "oneadmin")
    text = message(plugin.stub.Invoke, request(function, **{key: 4711}))
    assert text == f"{key} 4711: there is no {word} with this id at {endpoint}"
    text = message(plugin.stub.Invoke, request(function, name="twim"))
    assert text.endswith("found 0; did you mean 'twin'?")
    text = message(plugin.stub.Invoke, request(function, nam="b"))
    assert text == "nam: is not a property; did you mean name?"
    text = message(plugin.stub.Invoke, request(function, **{"name": "a", key: 1}))
    assert text == f"exactly one of {key} and name is needed, got {key} and name"
    for number in (first, second):
        kind.remove(cloud, number)


def test_only_one_of_a_name_is_found_by_it(plugin: Plugin, cloud: TestCloud) -> None:
    number = cloud.call("template.allocate", 'NAME="single"\nCPU="0.5"\nMEMORY="8"\nLABELS="a,b"\nX="1"')
    found = ask(plugin, "getVirtualMachineTemplate", name="single")
    assert found == ask(plugin, "getVirtualMachineTemplate", templateId=number)
    assert (found["cpu"], found["labels"], found["attributes"]) == (0.5, ["a", "b"], {"X": "1"})
    cloud.call("template.delete", number)


def test_what_the_cloud_itself_has(plugin: Plugin, cloud: TestCloud) -> None:
    version = ask(plugin, "getVersion")
    assert version["version"].startswith("7.")
    assert version["endpoint"] == cloud.status["rpc"]
    store = ask(plugin, "getDatastore", name="default")
    assert (store["datastoreId"], store["type"], store["state"], store["clusterIds"]) == (1, "IMAGE", "READY", [0])
    assert store["totalMb"] >= store["freeMb"] > 0
    assert store == {**ask(plugin, "getDatastore", datastoreId=1), "freeMb": store["freeMb"], "usedMb": store["usedMb"]}
    (host,) = ask(plugin, "getHosts")["hosts"]
    assert host["state"] == "MONITORED"
    assert host["cpus"] >= 1
    assert host["memoryMb"] > 0
    assert ask(plugin, "getHosts", state="DISABLED")["hosts"] == []
    assert ask(plugin, "getHosts", namePattern=host["name"], clusterId=0)["hosts"] == [host]
    assert ask(plugin, "getHosts", namePattern="no such host")["hosts"] == []


def test_what_is_not_known_yet_gives_an_answer_that_is_not_known(plugin: Plugin) -> None:
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    reply = plugin.stub.Invoke(request("getVirtualNetwork", name=unknown))
    assert getattr(reply, "return").fields["networkId"].string_value == unknown


@pytest.fixture(scope="module")
def stack(cloud: TestCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("project"), cloud.environment, federation(2))
    first = made.up()
    assert first.returncode == 0, first.stdout
    yield made
    made.run("destroy", "--yes", "--skip-preview")


def test_a_running_federation_is_found(stack: Stack, plugin: Plugin) -> None:
    outputs = {name: entry["outputs"] for name, entry in stack.resources().items() if "outputs" in entry}
    network = ask(plugin, "getVirtualNetwork", name="lab")
    assert network["ranges"] == outputs["network"]["ranges"]
    assert (network["usedLeases"], network["securityGroups"], network["vnMad"]) == (3, [0], "dummy")
    template = ask(plugin, "getVirtualMachineTemplate", name="node")
    assert template["nics"] == [{"networkId": network["networkId"]}]
    assert (template["cpu"], template["memoryMb"], template["context"]["TOKEN"]) == (0.5, 128, "YES")
    service = ask(plugin, "getService", name="fed")
    assert service["roleStatus"] == outputs["service"]["roleStatus"]
    assert service == ask(plugin, "getService", serviceId=service["serviceId"])
    form = ask(plugin, "getServiceTemplate", name="fed")
    assert form["serviceTemplateId"] == outputs["template"]["serviceTemplateId"]
    assert [role["name"] for role in form["roles"]] == ["head", "worker"]
    assert (form["deployment"], form["readyStatusGate"], form.get("attributes")) == ("straight", True, None)


def test_a_program_uses_what_it_finds(stack: Stack, cloud: TestCloud) -> None:
    own = dict(stack.wanted)
    nics = [{"network_id": "@lab.network_id"}]
    stack.wanted = {
        **own,
        "lab": {"function": "get_virtual_network", "inputs": {"name": "lab"}},
        "version": {"function": "get_version", "inputs": {}},
        "images": {"function": "get_images", "inputs": {}},
        "other": {
            "type": "VirtualMachineTemplate",
            "inputs": {"name": "other", "cpu": 1, "memory_mb": 64, "nics": nics},
        },
    }
    rules = [{"protocol": "TCP", "direction": "INBOUND", "ports": "22"}]
    stack.wanted["group"] = {"type": "SecurityGroup", "inputs": {"name": "ssh", "rules": rules}}
    origin = {"name": "own", "template_id": "@other.template_id"}
    stack.wanted["single"] = {"type": "VirtualMachine", "inputs": {**origin, "labels": ["a"]}}
    done = stack.up()
    assert done.returncode == 0, done.stdout
    assert "3 created" in done.stdout
    outputs = json.loads(stack.run("stack", "output", "--json").stdout)
    assert outputs["lab"]["usedLeases"] == 3
    assert outputs["version"]["version"].startswith("7.")
    assert outputs["images"] == {"images": []}
    made = {name: one.get("outputs") for name, one in stack.resources().items()}
    assert made["other"]["nics"] == [{"networkId": outputs["lab"]["networkId"]}]
    assert made["single"]["state"] == "RUNNING"
    stack.wanted["lab"]["inputs"] = {"network_id": outputs["lab"]["networkId"]}
    second = stack.up("--refresh")
    assert second.returncode == 0, second.stdout
    assert "9 unchanged" in second.stdout
    stack.wanted["lab"]["inputs"] = {"name": "lap"}
    failed = stack.preview()
    assert failed.returncode != 0
    assert (
        f"name 'lap': expected exactly one virtual network of this name at {cloud.status['rpc']}, found 0; "
        "did you mean 'lab'?"
    ) in failed.stdout
    stack.wanted = own
