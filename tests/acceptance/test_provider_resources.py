"""Every resource through the real CLI: made, unchanged, changed in place, imported, mended, replaced, missed, removed.

One table says what happens to each; the CLI runs once for all of them.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import wait_for

sys.path.insert(0, str(Path(__file__).parents[1] / "integration/provider"))

from provider_cloud import TestCloud, running_cloud
from provider_stack import Stack

Inputs = dict[str, Any]
Hand = Callable[[TestCloud, int], Any]
POLICY = {"type": "CHANGE", "adjust": 1, "expression": "LOAD > 5", "period": 9000}
OWNED = {"mark": "@mark.value", "group": "users", "permissions": "640", "labels": ["red"]}


@dataclass(frozen=True)
class Case:
    """One resource. `update` changes the inputs in place, `replace` by another object; none where nothing forces that.

    `drift` is what somebody changes by hand, and the input that shows it; `remove` how somebody deletes the object;
    `make` how somebody makes one by hand, that a program with `imported` has no difference to.
    """

    kind: str
    inputs: Inputs
    update: Inputs = field(default_factory=dict)
    replace: Inputs = field(default_factory=dict)
    drift: tuple[Hand, str] | None = None
    remove: Hand | None = None
    make: Callable[[TestCloud], Any] | None = None
    imported: Inputs = field(default_factory=dict)


def rpc(method: str, *params: Any) -> Hand:
    """An XML-RPC call about the object."""
    return lambda cloud, number: cloud.call(method, number, *params)


def act(path: str, perform: str, **params: Any) -> Hand:
    """An action on a OneFlow document."""
    sent = {"action": {"perform": perform, "params": params}}
    return lambda cloud, number: cloud.flow("POST", f"{path}/{number}/action", sent)


def end(cloud: TestCloud, number: int) -> None:
    """Terminates a machine."""
    cloud.call("vm.action", "terminate-hard", number)
    wait_for(lambda: cloud.info("vm.info", number)["STATE"] == "6", 10, "the end of the machine")


def posted(cloud: TestCloud, path: str, body: Any) -> int:
    """A OneFlow document made by hand."""
    return int(cloud.flow("POST", path, body).json()["DOCUMENT"]["ID"])


def instantiated(cloud: TestCloud, template: int, name: str) -> int:
    """A service made by hand, once it runs."""
    sent = {"action": {"perform": "instantiate", "params": {"merge_template": {"name": name}}}}
    number = posted(cloud, f"service_template/{template}/action", sent)
    running = lambda: cloud.flow("GET", f"service/{number}").json()["DOCUMENT"]["TEMPLATE"]["BODY"]["state"] == 2  # noqa: E731
    wait_for(running, 10, "the service")
    return number


def table(cloud: TestCloud, folder: Path) -> dict[str, Case]:
    """The resources on a cloud with two images, two machine templates and a service template, all made by hand."""
    first, second = (cloud.call("image.allocate", f'NAME="base{i}"\nPATH="{folder}"', 1) for i in (1, 2))
    small, large = (cloud.call("template.allocate", f'NAME="t{i}"\nCPU="0.1"\nMEMORY="{32 * i}"') for i in (1, 2))
    role = {"name": "worker", "type": "vm", "template_id": small, "cardinality": 1, "min_vms": 0, "max_vms": 3}
    form = posted(cloud, "service_template", {"name": "base", "roles": [{**role, "cooldown": 0}]})
    moved = folder / "moved"
    moved.mkdir()
    declared = {"name": "worker", "cardinality": 1, "max_vms": 3, "elasticity_policies": [POLICY], "min_vms": 1}
    return {
        "mark": Case(
            "Mark", {"keepers": {"a": "1"}}, replace={"keepers": {"a": "2"}}, make=lambda _one: "0123456789abcdef"
        ),
        "network": Case(
            "VirtualNetwork",
            {"name": "net", "address_ranges": [{"ip": "10.1.0.1", "size": 4}], "held_leases": ["10.1.0.2"], **OWNED},
            update={
                "address_ranges": [{"ip": "10.2.0.1", "size": 2}, {"ip": "10.1.0.1", "size": 8}],
                "held_leases": [],
            },
            replace={"vn_mad": "bridge"},
            drift=(rpc("vn.add_ar", 'AR=[TYPE="IP4",IP="10.3.0.1",SIZE="2"]'), "addressRanges"),
            remove=rpc("vn.delete"),
            make=lambda one: one.call("vn.allocate", f'NAME="mine"\nVN_MAD="dummy"\n{RANGE}', -1),
            imported={"name": "mine", "address_ranges": [{"ip": "10.9.0.1", "size": 4}]},
        ),
        "group": Case(
            "SecurityGroup",
            {"name": "web", "rules": [{"protocol": "TCP", "direction": "INBOUND", "ports": "22"}], **OWNED},
            update={"rules": [{"protocol": "ALL", "direction": "OUTBOUND"}], "description": "changed"},
            drift=(rpc("secgroup.rename", "by hand"), "name"),
            remove=rpc("secgroup.delete"),
            make=lambda one: one.call("secgroup.allocate", 'NAME="mine"\nRULE=[PROTOCOL="icmp",RULE_TYPE="inbound"]'),
            imported={"name": "mine", "rules": [{"protocol": "ICMP", "direction": "INBOUND"}]},
        ),
        "image": Case(
            "Image",
            {"name": "disk", "path": str(folder), "attributes": {"tier": "a"}, **OWNED},
            update={"persistent": True, "attributes": {"tier": "b"}, "name": "disk2"},
            replace={"path": str(moved)},
            drift=(rpc("image.persistent", False), "persistent"),
            remove=rpc("image.delete"),
            make=lambda one: one.call("image.allocate", f'NAME="mine"\nPATH="{folder}"\nDESCRIPTION="d"', 1),
            imported={"name": "mine", "path": str(folder), "description": "d"},
        ),
        "copy": Case(
            "Image",
            {"name": "copy", "clone_from": first, "type": "DATABLOCK", **OWNED},
            update={"labels": ["red", "blue"], "type": "OS"},
            replace={"clone_from": second},
            drift=(rpc("image.chmod", *(1, 1, 0), *(0, 0, 0), *(0, 0, 0)), "permissions"),
            remove=rpc("image.delete"),
        ),
        "template": Case(
            "VirtualMachineTemplate",
            {"name": "node", "cpu": 0.5, "memory_mb": 64, "context": {"TOKEN": "YES"}, **OWNED},
            update={"memory_mb": 128, "features": {"acpi": True}, "context": {"TOKEN": "NO"}},
            drift=(rpc("template.update", 'EXTRA="1"', 1), "attributes"),
            remove=rpc("template.delete"),
            make=lambda one: one.call("template.allocate", 'NAME="mine"\nCPU="1"\nMEMORY="64"\nOS=[BOOT="disk0"]'),
            imported={"name": "mine", "cpu": 1, "memory_mb": 64, "os": {"boot": "disk0"}},
        ),
        "machine": Case(
            "VirtualMachine",
            {"name": "vm", "template_id": small, "attributes": {"tier": "a"}, **OWNED},
            update={"power_state": "off", "memory_mb": 48, "attributes": {"tier": "b"}},
            replace={"template_id": large},
            drift=(rpc("vm.chown", -1, 0), "group"),
            remove=end,
            make=lambda one: one.call("template.instantiate", small, "mine", False, "", False),
            imported={"name": "mine", "template_id": small, "cpu": 0.1, "memory_mb": 32},
        ),
        "form": Case(
            "ServiceTemplate",
            {"name": "form", "roles": [{"name": "a", "template_id": small, "cardinality": 1}], **OWNED},
            update={"deployment": "straight", "roles": [{"name": "a", "template_id": small, "max_vms": 5}]},
            drift=(act("service_template", "chmod", octet="600"), "permissions"),
            remove=lambda one, number: one.flow("DELETE", f"service_template/{number}"),
            make=lambda one: posted(one, "service_template", {"name": "mine", "roles": [role]}),
            imported={
                "name": "mine",
                "roles": [{"name": "worker", "template_id": small, "cardinality": 1, "min_vms": 0, "max_vms": 3}],
            },
        ),
        "service": Case(
            "Service",
            {"name": "fed", "service_template_id": form, "roles": [declared], "triggers": {"a": "1"}, **OWNED},
            update={"roles": [{**declared, "cardinality": 2, "max_vms": 5, "elasticity_policies": []}]},
            replace={"triggers": {"a": "2"}},
            drift=(act("service", "rename", name="by hand"), "name"),
            remove=act("service", "recover", delete=True),
            make=lambda one: instantiated(one, form, "mine"),
            imported={"name": "mine", "service_template_id": form},
        ),
    }


RANGE = 'AR=[TYPE="IP4",IP="10.9.0.1",SIZE="4"]'


@dataclass
class Life:
    """The stack, its cloud, and the table."""

    stack: Stack
    cloud: TestCloud
    cases: dict[str, Case]

    def want(self, name: str, inputs: Inputs) -> None:
        """Sets the inputs of a resource; one that was made by hand is named `my_` and the name of its case."""
        kind = self.cases[name.removeprefix("my_")].kind
        self.stack.wanted[name] = {"type": kind, "inputs": inputs}

    def change(self, what: str) -> set[str]:
        """Lays `update` or `replace` over the inputs; returns the resources that have one."""
        touched = {name for name, case in self.cases.items() if getattr(case, what)}
        for name in touched:
            self.want(name, {**self.stack.wanted[name]["inputs"], **getattr(self.cases[name], what)})
        return touched

    def up(self, *options: str) -> str:
        """Deploys; what the CLI printed."""
        done = self.stack.up(*options)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def ids(self) -> dict[str, str]:
        """The ids of the program's resources."""
        found = self.stack.resources()
        return {name: found[name]["id"] for name in self.cases}

    def machines(self) -> set[int]:
        """The machines of the service."""
        (worker,) = self.stack.resources()["service"]["outputs"]["roleStatus"]
        return {node["vmId"] for node in worker["nodes"]}


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("image")
    with running_cloud(tmp_path_factory.mktemp("cloud") / "state", "--boot-time", "0.2") as cloud:
        one = Life(Stack(tmp_path_factory.mktemp("project"), cloud.environment), cloud, table(cloud, folder))
        for name, case in one.cases.items():
            one.want(name, case.inputs)
        yield one
        one.stack.run("destroy", "--yes", "--skip-preview")


def test_everything_is_made_and_a_second_up_changes_nothing(life: Life) -> None:
    printed = life.up()
    assert f"{len(life.cases) + 1} created" in printed
    printed = life.up("--refresh", "--expect-no-changes")
    assert f"{len(life.cases) + 1} unchanged" in printed


def test_objects_made_by_hand_are_imported_without_a_difference(life: Life) -> None:
    made = {f"my_{name}": case.make(life.cloud) for name, case in life.cases.items() if case.make}
    wanted = [
        {"type": f"opennebula:index:{life.cases[name.removeprefix('my_')].kind}", "name": name, "id": str(number)}
        for name, number in made.items()
    ]
    (life.stack.root / "import.json").write_text(json.dumps({"resources": wanted}))
    options = ("--yes", "--generate-code=false", "--protect=false", "--skip-preview")
    done = life.stack.run("import", "--file", "import.json", *options)
    assert done.returncode == 0, done.stdout
    for name in made:
        life.want(name, life.cases[name.removeprefix("my_")].imported)
    shown = life.stack.preview("--refresh", "--expect-no-changes")
    assert shown.returncode == 0, shown.stdout
    for name in made:
        del life.stack.wanted[name]


def test_changes_are_in_place(life: Life) -> None:
    before, machines = life.ids(), life.machines()
    touched = life.change("update")
    printed = life.up()
    assert f"{len(touched)} updated" in printed
    assert "replaced" not in printed
    assert life.ids() == before
    assert machines < life.machines()
    life.up("--refresh", "--expect-no-changes")


def test_what_others_changed_is_seen_and_mended(life: Life) -> None:
    ids = life.ids()
    drifted = {name: case.drift for name, case in life.cases.items() if case.drift}
    for name, (change, _) in drifted.items():
        change(life.cloud, int(ids[name]))
    seen = {
        name: set(one["detailedDiff"])
        for one in json.loads(life.stack.preview("--refresh", "--json").stdout)["steps"]
        if one["op"] == "update" and (name := one["urn"].split("::")[-1])
    }
    assert {name: {path.split("[")[0] for path in paths} for name, paths in seen.items()} == {
        name: {path} for name, (_, path) in drifted.items()
    }
    printed = life.up("--refresh")
    assert f"{len(drifted)} updated" in printed
    life.up("--refresh", "--expect-no-changes")


def test_what_forces_a_replacement_replaces_and_nothing_else(life: Life) -> None:
    before = life.ids()
    touched = life.change("replace")
    printed = life.up()
    assert f"{len(touched)} replaced" in printed
    after = life.ids()
    assert {name for name in before if before[name] != after[name]} == touched


def test_what_others_deleted_is_made_again(life: Life) -> None:
    before = life.ids()
    removed = {name: case.remove for name, case in life.cases.items() if case.remove}
    for name, remove in removed.items():
        remove(life.cloud, int(before[name]))
    printed = life.up("--refresh")
    assert f"{len(removed)} created" in printed
    after = life.ids()
    assert {name for name in before if before[name] != after[name]} == set(removed)


def test_destroy_leaves_what_was_there_before(life: Life) -> None:
    done = life.stack.run("destroy", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout
    assert life.cloud.left() == {
        **{"VNET": 0, "IMAGE": 2, "VMTEMPLATE": 2, "VM": 0, "service": 0, "service_template": 1},
    }
    assert "Traceback" not in done.stdout
