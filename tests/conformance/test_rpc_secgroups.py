"""Security groups: rules, owners, and the VMs that have them (reference 2.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyone
import pytest

RULES = 'RULE=[PROTOCOL="TCP",RULE_TYPE="INBOUND",RANGE="22,80:90"]\nRULE=[PROTOCOL="ALL",RULE_TYPE="OUTBOUND"]'


@pytest.fixture
def group(lab: Any) -> Iterator[int]:
    """A group with two rules."""
    group_id: int = lab.one.secgroup.allocate(f'NAME="{lab.name("sg")}"\n{RULES}')
    yield group_id
    lab.clean()
    lab.call("one.secgroup.delete", group_id)


def rules_of(lab: Any, vm_id: int) -> list[Any]:
    """SECURITY_GROUP_RULE of a VM, always a list."""
    found = lab.one.vm.info(vm_id).TEMPLATE["SECURITY_GROUP_RULE"]
    return found if isinstance(found, list) else [found]


def test_rules_are_kept(lab: Any, group: int) -> None:
    info = lab.one.secgroup.info(group)
    assert [one["PROTOCOL"] for one in info.TEMPLATE["RULE"]] == ["TCP", "ALL"]
    assert info.TEMPLATE["RULE"][0]["RANGE"] == "22,80:90"
    assert group in [one.ID for one in lab.one.secgrouppool.info(-2, -1, -1).SECURITY_GROUP]


@pytest.mark.parametrize(
    "rule",
    [
        'PROTOCOL="NONE",RULE_TYPE="INBOUND"',
        'PROTOCOL="TCP",RULE_TYPE="SIDEWAYS"',
        'PROTOCOL="TCP"',
        'RULE_TYPE="INBOUND"',
        'PROTOCOL="TCP",RULE_TYPE="INBOUND",RANGE="a-b"',
        'PROTOCOL="TCP",RULE_TYPE="INBOUND",IP="10.0.0.1"',
    ],
)
def test_wrong_rules_are_refused(lab: Any, group: int, rule: str) -> None:
    reply = lab.call("one.secgroup.allocate", f'NAME="{lab.name("sg")}"\nRULE=[{rule}]')
    assert (reply[0], reply[2]) == (False, 0x2000)
    assert lab.call("one.secgroup.update", group, f"RULE=[{rule}]", 0)[0] is False
    assert len(lab.one.secgroup.info(group).TEMPLATE["RULE"]) == 2


def test_groups_need_a_name_of_their_own(lab: Any, group: int) -> None:
    assert lab.call("one.secgroup.allocate", RULES)[2] == 0x2000
    name = lab.one.secgroup.info(group).NAME
    assert lab.call("one.secgroup.allocate", f'NAME="{name}"')[0] is False


def test_groups_are_changed_and_copied(lab: Any, group: int) -> None:
    name = lab.name("sg")
    lab.one.secgroup.rename(group, name)
    lab.one.secgroup.chmod(group, 1, 1, 0, 1, 0, 0, 0, 0, 0)
    lab.one.secgroup.chown(group, -1, 1)
    lab.one.secgroup.update(group, 'DESCRIPTION="d"', 1)
    info = lab.one.secgroup.info(group)
    assert (info.NAME, info.GID, info.PERMISSIONS.GROUP_U, info.TEMPLATE["DESCRIPTION"]) == (name, 1, 1, "d")
    copy = lab.one.secgroup.clone(group, lab.name("copy"))
    assert len(lab.one.secgroup.info(copy).TEMPLATE["RULE"]) == 2
    lab.one.secgroup.delete(copy)
    assert lab.call("one.secgroup.info", copy, False)[2] == 0x0400


def test_rules_reach_the_machines(lab: Any, group: int) -> None:
    network = lab.network()
    vm_id = lab.vm(lab.template(), f'NIC=[NETWORK_ID="{network}",SECURITY_GROUPS="{group}"]')
    nic = lab.one.vm.info(vm_id).TEMPLATE["NIC"]
    assert set(nic["SECURITY_GROUPS"].split(",")) == {"0", str(group)}
    assert {one["SECURITY_GROUP_ID"] for one in rules_of(lab, vm_id)} == {"0", str(group)}
    lab.one.secgroup.update(group, 'RULE=[PROTOCOL="UDP",RULE_TYPE="INBOUND",RANGE="53"]', 0)
    lab.one.secgroup.commit(group, False)
    own = [one for one in rules_of(lab, vm_id) if one["SECURITY_GROUP_ID"] == str(group)]
    assert [(one["PROTOCOL"], one["RANGE"]) for one in own] == [("UDP", "53")]


def test_groups_of_a_network_reach_its_machines(lab: Any, group: int) -> None:
    network = lab.network()
    lab.one.vn.update(network, f'SECURITY_GROUPS="0,{group}"', 1)
    vm_id = lab.vm(lab.template(network=network))
    assert str(group) in {one["SECURITY_GROUP_ID"] for one in rules_of(lab, vm_id)}
    assert vm_id in lab.one.secgroup.info(group).UPDATED_VMS.ID


def test_a_group_in_use_stays(lab: Any, group: int) -> None:
    vm_id = lab.vm(lab.template(), f'NIC=[NETWORK_ID="{lab.network()}",SECURITY_GROUPS="{group}"]')
    with pytest.raises(pyone.OneActionException):
        lab.one.secgroup.delete(group)
    lab.gone(vm_id)
    assert lab.one.secgroup.delete(group) == group


def test_the_default_group_stays(lab: Any) -> None:
    assert lab.call("one.secgroup.delete", 0)[0] is False


def test_groups_of_nics_are_checked(lab: Any, other: Any, group: int) -> None:
    template_id, network = lab.template(), lab.network()
    with pytest.raises(pyone.OneNoExistsException):
        lab.vm(template_id, f'NIC=[NETWORK_ID="{network}",SECURITY_GROUPS="99999"]')
    lab.one.vn.chmod(network, -1, -1, -1, -1, -1, -1, 1, -1, -1)
    nic = f'NIC=[NETWORK_ID="{network}",SECURITY_GROUPS="{group}"]'
    reply = other.call("one.vm.allocate", f'CPU="0.01"\nMEMORY="16"\n{nic}', True)
    assert reply[2] == 0x0200


def test_groups_of_ordinary_users(lab: Any, other: Any, group: int) -> None:
    assert other.call("one.secgroup.info", group, False)[2] == 0x0200
    assert other.one.secgroup.info(0).NAME == "default"
    assert other.call("one.secgroup.update", 0, 'A="1"', 1)[2] == 0x0200
    own = other.one.secgroup.allocate(f'NAME="{lab.name("own")}"')
    assert other.one.secgroup.delete(own) == own
