"""Virtual machines: creation, context, states, recover, updates (reference 2.10)."""

from __future__ import annotations

from typing import Any

import pyone
import pytest

RUNNING, POWEROFF, DONE, HOLD, SUSPENDED = (3, 3), (8, 0), (6, 0), (2, 0), (5, 0)


@pytest.fixture
def running(lab: Any) -> int:
    """A VM that runs."""
    vm_id: int = lab.vm(lab.template('NOTE="n"', network=lab.network()))
    lab.vm_in(vm_id, RUNNING)
    return vm_id


def test_capacity_is_mandatory(lab: Any) -> None:
    for text in ('MEMORY="16"', 'CPU="1"', 'CPU="0"\nMEMORY="16"', 'CPU="x"\nMEMORY="16"'):
        reply = lab.call("one.vm.allocate", text, False)
        assert reply[2] == 0x4000
        assert reply[1].startswith("[one.vm.allocate] Error allocating a new virtual machine.")


def test_names_default_to_template_and_id(lab: Any) -> None:
    template_id = lab.template()
    vm_id = lab.one.template.instantiate(template_id, "", False, "", False)
    assert f"{lab.one.template.info(template_id).NAME}-{vm_id}" == lab.one.vm.info(vm_id).NAME
    lab.gone(vm_id)


def test_attributes_are_sorted_into_two_templates(lab: Any, running: int) -> None:
    info = lab.one.vm.info(running)
    assert info.USER_TEMPLATE["NOTE"] == "n"
    assert info.TEMPLATE["VMID"] == str(running)
    assert "NOTE" not in info.TEMPLATE


def test_context_is_completed(lab: Any, running: int) -> None:
    context = lab.one.vm.info(running).TEMPLATE["CONTEXT"]
    nic = lab.one.vm.info(running).TEMPLATE["NIC"]
    assert context["VMID"] == str(running)
    assert context["ONEGATE_ENDPOINT"].startswith("http")
    assert (context["ETH0_IP"], context["ETH0_MAC"]) == (nic["IP"], nic["MAC"])


def test_context_expressions_are_expanded(lab: Any) -> None:
    template_id = lab.template('MY_VALUE="42"', context='A="$NAME",B="$MY_VALUE",C="x$NO_SUCH_THING",D="$USER[NONE]"')
    vm_id = lab.vm(template_id)
    info = lab.one.vm.info(vm_id)
    context = info.TEMPLATE["CONTEXT"]
    assert (context["A"], context["B"], context["C"]) == (info.NAME, "42", "x")
    assert "VMID" not in context


def test_extra_attributes_replace_those_of_the_template(lab: Any) -> None:
    vm_id = lab.vm(lab.template(), 'CONTEXT=[ONLY="1"]\nMEMORY="32"')
    template = lab.one.vm.info(vm_id).TEMPLATE
    assert template["MEMORY"] == "32"
    assert "TOKEN" not in template["CONTEXT"]


def test_held_machines_wait_for_release(lab: Any) -> None:
    vm_id = lab.vm(lab.template(), hold=True)
    assert lab.place(vm_id) == HOLD
    lab.one.vm.action("release", vm_id)
    lab.vm_in(vm_id, RUNNING)


@pytest.mark.parametrize(
    ("action", "rest"), [("poweroff", POWEROFF), ("poweroff-hard", POWEROFF), ("suspend", SUSPENDED), ("stop", (4, 0))]
)
def test_rest_and_resume(lab: Any, running: int, action: str, rest: tuple[int, int]) -> None:
    lab.one.vm.action(action, running)
    lab.vm_in(running, rest)
    lab.one.vm.action("resume", running)
    lab.vm_in(running, RUNNING)


def test_undeploy_and_resume(lab: Any, running: int) -> None:
    lab.one.vm.action("undeploy", running)
    lab.vm_in(running, (9, 0))
    lab.one.vm.action("resume", running)
    lab.vm_in(running, RUNNING)


def test_reboot_leaves_it_running(lab: Any, running: int) -> None:
    lab.one.vm.action("reboot", running)
    lab.vm_in(running, RUNNING)


def test_terminated_machines_stay_readable(lab: Any, running: int) -> None:
    lab.one.vm.action("terminate", running)
    lab.vm_in(running, DONE)
    info = lab.one.vm.info(running)
    assert info.ETIME >= info.STIME > 0
    assert lab.one.vm.action("terminate", running) == running
    listed = [one.ID for one in lab.one.vmpool.info(-2, running, running, -1).VM]
    assert listed == []
    listed = [one.ID for one in lab.one.vmpool.info(-2, running, running, -2).VM]
    assert listed == [running]


@pytest.mark.parametrize("action", ["resume", "release", "nonsense"])
def test_impossible_actions(lab: Any, running: int, action: str) -> None:
    assert lab.call("one.vm.action", action, running)[2] == 0x0800


def test_recreate_after_poweroff_keeps_what_was_reported(lab: Any, running: int) -> None:
    lab.one.vm.update(running, 'READY="YES"', 1)
    lab.one.vm.action("poweroff", running)
    lab.vm_in(running, POWEROFF)
    lab.one.vm.recover(running, 4)
    lab.vm_in(running, RUNNING)
    assert lab.one.vm.info(running).USER_TEMPLATE["READY"] == "YES"
    assert lab.one.vm.info(running).HISTORY_RECORDS.HISTORY[-1].SEQ == 1


def test_recover_delete_removes_from_anywhere(lab: Any) -> None:
    vm_id = lab.vm(lab.template(), hold=True)
    lab.one.vm.recover(vm_id, 3)
    lab.vm_in(vm_id, DONE)


def test_recover_needs_something_to_recover(lab: Any, running: int) -> None:
    for operation in (0, 1, 2, 77):
        assert lab.call("one.vm.recover", running, operation)[2] == 0x0800


def test_update_touches_the_user_template_only(lab: Any, running: int) -> None:
    lab.one.vm.update(running, 'A="1"\nCPU="9"', 1)
    info = lab.one.vm.info(running)
    assert (info.USER_TEMPLATE["A"], info.USER_TEMPLATE["NOTE"]) == ("1", "n")
    assert info.TEMPLATE["CPU"] == "0.01"
    lab.one.vm.update(running, 'B="2"', 0)
    assert dict(lab.one.vm.info(running).USER_TEMPLATE) == {"B": "2"}


def test_pools_of_machines(lab: Any, running: int) -> None:
    short = lab.one.vmpool.info(-2, running, running, -1).VM[0]
    full = lab.one.vmpool.infoextended(-2, running, running, -1).VM[0]
    assert "CONTEXT" not in short.TEMPLATE
    assert "CONTEXT" in full.TEMPLATE
    by_id = lab.one.vmpool.infoset(f"{running},999999", False).VM
    assert [one.ID for one in by_id] == [running]
    assert [one.ID for one in lab.one.vmpool.info(-2, running, running, 3).VM] == [running]
    assert lab.one.vmpool.info(-2, running, running, 8).VM == []


def test_rename_and_permissions(lab: Any, other: Any, running: int) -> None:
    name = lab.name("renamed")
    lab.one.vm.rename(running, name)
    assert name == lab.one.vm.info(running).NAME
    with pytest.raises(pyone.OneAuthorizationException):
        other.one.vm.info(running)
    with pytest.raises(pyone.OneAuthorizationException):
        other.one.vm.action("terminate", running)


def test_scheduled_actions_happen(lab: Any, running: int) -> None:
    lab.one.vm.schedadd(running, 'SCHED_ACTION=[ACTION="poweroff",TIME="1"]')
    lab.vm_in(running, POWEROFF)


def test_scheduled_actions_can_be_taken_back(lab: Any, running: int) -> None:
    action_id = lab.one.vm.schedadd(running, 'SCHED_ACTION=[ACTION="poweroff",TIME="4000000000"]')
    assert lab.one.vm.info(running).TEMPLATE["SCHED_ACTION"]["ACTION"] == "poweroff"
    lab.one.vm.scheddelete(running, action_id)
    assert "SCHED_ACTION" not in lab.one.vm.info(running).TEMPLATE


def test_missing_images_and_networks_are_named(lab: Any) -> None:
    reply = lab.call("one.vm.allocate", 'CPU="1"\nMEMORY="16"\nDISK=[IMAGE="no-such-image"]', False)
    assert reply[0] is False
    assert "no-such-image" in reply[1]
    reply = lab.call("one.vm.allocate", 'CPU="1"\nMEMORY="16"\nNIC=[NETWORK="no-such-net"]', False)
    assert reply[0] is False
    assert "no-such-net" in reply[1]


@pytest.mark.parametrize(
    "members", [None, 'ACTION="poweroff"', 'ACTION="poweroff",TIME="soon"', 'TIME="1"', 'ACTION="fly",TIME="1"']
)
def test_wrong_scheduled_actions(lab: Any, running: int, members: str | None) -> None:
    text = "" if members is None else f"SCHED_ACTION=[{members}]"
    assert lab.call("one.vm.schedadd", running, text)[2] == 0x0800


def test_scheduled_actions_count_from_the_start_of_a_vm(lab: Any, running: int) -> None:
    lab.one.vm.schedadd(running, 'SCHED_ACTION=[ACTION="poweroff",TIME="+600"]')
    info = lab.one.vm.info(running)
    assert int(info.TEMPLATE["SCHED_ACTION"]["TIME"]) == info.STIME + 600


def test_scheduled_actions_that_are_not_there(lab: Any, running: int) -> None:
    assert lab.call("one.vm.schedupdate", running, 999999, 'SCHED_ACTION=[ACTION="reboot",TIME="1"]')[2] == 0x2000
    assert lab.call("one.vm.scheddelete", running, 999999)[2] == 0x0400


def test_templates_schedule_actions(lab: Any) -> None:
    vm_id = lab.vm(lab.template('SCHED_ACTION=[ACTION="poweroff",TIME="+2"]'))
    lab.vm_in(vm_id, POWEROFF)
    assert len(lab.one.vm.info(vm_id).SCHED_ACTIONS.ID) == 1


def test_a_template_with_a_wrong_action_makes_no_vm(lab: Any) -> None:
    template_id = lab.template('SCHED_ACTION=[ACTION="levitate",TIME="+0"]')
    assert lab.call("one.template.instantiate", template_id, "", False, "", False)[0] is False
