"""One success of each further call on templates, images, networks, security groups and virtual machines."""

from __future__ import annotations

from typing import Any

from tests.conformance.method_cases import GROUPS, IMAGES, NETWORKS, RUNNING, TEMPLATES, VMS, case, later


def ready(lab: Any) -> int:
    """An image that is READY."""
    made = IMAGES.new(lab)
    lab.until(lambda: lab.one.image.info(made).STATE == 1, "image ready")
    return made


def running(lab: Any, network: int | None = None) -> int:
    """A VM that runs."""
    made: int = lab.vm(lab.template(network=network))
    lab.vm_in(made, RUNNING)
    return made


def nics(lab: Any, vm_id: int) -> list[Any]:
    """NICs of a VM."""
    found = lab.one.vm.info(vm_id).TEMPLATE.get("NIC", [])
    return found if isinstance(found, list) else [found]


def listed(pool: Any) -> list[int]:
    """Ids in a pool of VMs."""
    return [one.ID for one in pool.VM]


@case
def template_instantiate(lab: Any) -> None:
    vm_id = lab.one.template.instantiate(TEMPLATES.new(lab), "made", True, 'NOTE="n"', False)
    later(lab, lambda: lab.gone(vm_id))
    assert (lab.one.vm.info(vm_id).NAME, lab.place(vm_id)) == ("made", (2, 0))


@case
def image_clone(lab: Any) -> None:
    source, name = ready(lab), lab.name("copy")
    copy = lab.one.image.clone(source, name, 1)
    later(lab, lambda: lab.one.image.delete(copy))
    lab.until(lambda: lab.one.image.info(copy).STATE == 1, "copy ready")
    assert (name, lab.one.image.info(source).SIZE) == (lab.one.image.info(copy).NAME, lab.one.image.info(copy).SIZE)


@case
def image_enable(lab: Any) -> None:
    image = ready(lab)
    assert lab.one.image.enable(image, False) == image
    assert lab.one.image.info(image).STATE == 3


@case
def image_persistent(lab: Any) -> None:
    image = ready(lab)
    assert lab.one.image.persistent(image, True) == image
    assert lab.one.image.info(image).PERSISTENT == 1


@case
def image_chtype(lab: Any) -> None:
    image = ready(lab)
    assert lab.one.image.chtype(image, "OS") == image
    assert lab.one.image.info(image).TYPE == 0


def ranges(lab: Any, network: int) -> list[Any]:
    """Address ranges of a network."""
    found: list[Any] = lab.one.vn.info(network).AR_POOL.AR
    return found


@case
def vn_add_ar(lab: Any) -> None:
    network = NETWORKS.new(lab)
    assert lab.one.vn.add_ar(network, 'AR=[TYPE="IP4",IP="10.91.0.1",SIZE="4"]') == network
    assert [one.IP for one in ranges(lab, network)] == ["10.91.0.1"]


@case
def vn_update_ar(lab: Any) -> None:
    network = lab.network(4)
    assert lab.one.vn.update_ar(network, 'AR=[AR_ID="0",SIZE="9",NOTE="n"]') == network
    assert ranges(lab, network)[0].SIZE == 9


@case
def vn_rm_ar(lab: Any) -> None:
    network = lab.network(4)
    assert lab.one.vn.rm_ar(network, 0) == network
    assert ranges(lab, network) == []


@case
def vn_free_ar(lab: Any) -> None:
    parent = lab.network(4)
    child = lab.one.vn.reserve(parent, f'NAME="{lab.name("res")}"\nSIZE="2"')
    later(lab, lambda: lab.one.vn.delete(child))
    assert lab.one.vn.free_ar(child, 0) == child
    assert ranges(lab, child) == []
    assert ranges(lab, parent)[0].USED_LEASES == "0"


@case
def vn_hold(lab: Any) -> None:
    network = lab.network(4, "10.92.0.1")
    assert lab.one.vn.hold(network, 'LEASES=[IP="10.92.0.2"]') == network
    assert ranges(lab, network)[0].LEASES.LEASE[0].IP == "10.92.0.2"
    lab.one.vn.release(network, 'LEASES=[IP="10.92.0.2"]')


@case
def vn_release(lab: Any) -> None:
    network = lab.network(4, "10.92.1.1")
    lab.one.vn.hold(network, 'LEASES=[IP="10.92.1.2"]')
    assert lab.one.vn.release(network, 'LEASES=[IP="10.92.1.2"]') == network
    assert ranges(lab, network)[0].USED_LEASES == "0"


@case
def vn_reserve(lab: Any) -> None:
    parent = lab.network(8, "10.92.2.1")
    child = lab.one.vn.reserve(parent, f'NAME="{lab.name("res")}"\nSIZE="3"')
    later(lab, lambda: lab.one.vn.delete(child))
    assert (int(lab.one.vn.info(child).PARENT_NETWORK_ID), ranges(lab, child)[0].SIZE) == (parent, 3)


@case
def vn_recover(lab: Any) -> None:
    """A network that is READY has nothing to recover: the success of this call needs a driver that failed."""
    assert lab.call("one.vn.recover", lab.network(), 1)[2] == 0x2000


@case
def secgroup_commit(lab: Any) -> None:
    group = GROUPS.new(lab)
    assert lab.one.secgroup.commit(group, False) == group


@case
def vm_action(lab: Any) -> None:
    vm_id = running(lab)
    assert lab.one.vm.action("poweroff", vm_id) == vm_id
    lab.vm_in(vm_id, (8, 0))


@case
def vm_recover(lab: Any) -> None:
    vm_id = VMS.new(lab)
    assert lab.one.vm.recover(vm_id, 3) == vm_id
    lab.vm_in(vm_id, (6, 0))


@case
def vm_deploy(lab: Any) -> None:
    vm_id = VMS.new(lab)
    assert lab.one.vm.deploy(vm_id, lab.one.hostpool.info().HOST[0].ID, False, -1, "") == vm_id
    lab.vm_in(vm_id, RUNNING)


@case
def vm_resize(lab: Any) -> None:
    vm_id = VMS.new(lab)
    assert lab.one.vm.resize(vm_id, 'MEMORY="32"', False) == vm_id
    assert lab.one.vm.info(vm_id).TEMPLATE["MEMORY"] == "32"


@case
def vm_updateconf(lab: Any) -> None:
    vm_id = VMS.new(lab)
    assert lab.one.vm.updateconf(vm_id, 'CONTEXT=[EXTRA="1"]', 0) == vm_id
    assert lab.one.vm.info(vm_id).TEMPLATE["CONTEXT"]["EXTRA"] == "1"


@case
def vm_attachnic(lab: Any) -> None:
    vm_id, network = running(lab), lab.network()
    assert lab.one.vm.attachnic(vm_id, f'NIC=[NETWORK_ID="{network}"]') == vm_id
    lab.vm_in(vm_id, RUNNING)
    assert [one["NETWORK_ID"] for one in nics(lab, vm_id)] == [str(network)]


@case
def vm_detachnic(lab: Any) -> None:
    vm_id = running(lab, lab.network())
    assert lab.one.vm.detachnic(vm_id, 0) == vm_id
    lab.vm_in(vm_id, RUNNING)
    assert nics(lab, vm_id) == []


@case
def vm_attachsg(lab: Any) -> None:
    group, vm_id = GROUPS.new(lab), running(lab, lab.network())
    assert lab.one.vm.attachsg(vm_id, 0, group) == vm_id
    lab.vm_in(vm_id, RUNNING)
    assert str(group) in nics(lab, vm_id)[0]["SECURITY_GROUPS"].split(",")


@case
def vm_detachsg(lab: Any) -> None:
    group, network = GROUPS.new(lab), lab.network()
    vm_id = lab.vm(lab.template(), f'NIC=[NETWORK_ID="{network}",SECURITY_GROUPS="{group}"]')
    lab.vm_in(vm_id, RUNNING)
    assert lab.one.vm.detachsg(vm_id, 0, group) == vm_id
    lab.vm_in(vm_id, RUNNING)
    assert str(group) not in nics(lab, vm_id)[0]["SECURITY_GROUPS"].split(",")


@case
def vm_monitoring(lab: Any) -> None:
    vm_id = running(lab)
    assert lab.call("one.vm.monitoring", vm_id)[1].startswith("<MONITORING_DATA")
    assert lab.one.vm.monitoring(vm_id) is not None


def scheduled(lab: Any, vm_id: int) -> int:
    """An action in the far future."""
    found: int = lab.one.vm.schedadd(vm_id, 'SCHED_ACTION=[ACTION="poweroff",TIME="4000000000"]')
    return found


@case
def vm_schedadd(lab: Any) -> None:
    vm_id = VMS.new(lab)
    assert lab.one.vm.info(vm_id).SCHED_ACTIONS.ID == []
    assert [scheduled(lab, vm_id)] == lab.one.vm.info(vm_id).SCHED_ACTIONS.ID


@case
def vm_schedupdate(lab: Any) -> None:
    vm_id = VMS.new(lab)
    number = scheduled(lab, vm_id)
    assert lab.one.vm.schedupdate(vm_id, number, 'SCHED_ACTION=[ACTION="reboot",TIME="4000000001"]') == number
    assert lab.one.vm.info(vm_id).TEMPLATE["SCHED_ACTION"]["ACTION"] == "reboot"


@case
def vm_scheddelete(lab: Any) -> None:
    vm_id = VMS.new(lab)
    assert lab.one.vm.scheddelete(vm_id, scheduled(lab, vm_id)) == vm_id
    assert lab.one.vm.info(vm_id).SCHED_ACTIONS.ID == []


@case
def vmpool_infoextended(lab: Any) -> None:
    vm_id = VMS.new(lab)
    assert listed(lab.one.vmpool.infoextended(-2, vm_id, vm_id, -1)) == [vm_id]


@case
def vmpool_infoset(lab: Any) -> None:
    vm_id = VMS.new(lab)
    assert listed(lab.one.vmpool.infoset(str(vm_id), True)) == [vm_id]


@case
def vmpool_monitoring(lab: Any) -> None:
    vm_id = running(lab)
    assert lab.call("one.vmpool.monitoring", -2, 0)[1].startswith("<MONITORING_DATA")
    assert lab.one.vmpool.monitoring(-2, 0) is not None
    assert vm_id >= 0
