"""Who may change owner, group, rights and locks, and set what (reference 2.3, 2.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

AUTHORIZATION, ACTION, RPC_API, INTERNAL = 0x0200, 0x0800, 0x1000, 0x2000
KEEP = (-1,) * 9


def code(lab: Any, method: str, *parameters: Any) -> int:
    """The code of a call, 0 for a success."""
    reply = lab.call(method, *parameters)
    return 0 if reply[0] else int(reply[2])


def uid(lab: Any) -> int:
    """The user of a lab."""
    found: int = lab.one.user.info(-1).ID
    return found


@pytest.fixture
def group(lab: Any) -> Iterator[int]:
    """A group without members."""
    made: int = lab.one.group.allocate(lab.name("group"))
    yield made
    for member in lab.one.group.info(made).USERS.ID:
        lab.call("one.user.delgroup", member, made)
    lab.call("one.group.delete", made)


def test_owners_choose_among_their_groups(lab: Any, other: Any, group: int) -> None:
    template_id = other.template()
    assert code(other, "one.template.chown", template_id, -1, group) == AUTHORIZATION
    lab.one.user.addgroup(uid(other), group)
    assert code(other, "one.template.chown", template_id, -1, group) == 0
    assert group == other.one.template.info(template_id).GID
    lab.one.template.chown(template_id, -1, 1)


def test_owner_and_group_that_an_object_has_already(other: Any) -> None:
    template_id = other.template()
    assert code(other, "one.template.chown", template_id, uid(other), 1) == 0


def test_who_may_manage_can_become_the_owner(lab: Any, other: Any) -> None:
    template_id = lab.template()
    lab.one.template.chmod(template_id, *KEEP[:6], 1, 1, 0)
    assert code(other, "one.template.chown", template_id, 1, -1) == AUTHORIZATION
    assert code(other, "one.template.chown", template_id, uid(other), -1) == 0
    assert uid(other) == other.one.template.info(template_id).UID


def test_a_new_owner_may_not_have_an_object_of_that_name(lab: Any, other: Any) -> None:
    name = lab.name("same")
    mine, theirs = (one.one.template.allocate(f'NAME="{name}"\nCPU="1"\nMEMORY="1"') for one in (lab, other))
    assert code(lab, "one.template.chown", mine, uid(other), -1) == ACTION
    for one in (mine, theirs):
        lab.one.template.delete(one)


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        ((1, 1, 0, 1, 0, 0, 0, 0, 0), 0),
        ((1, 1, 1, *KEEP[3:]), AUTHORIZATION),
        ((*KEEP[:5], 1, *KEEP[6:]), AUTHORIZATION),
    ],
)
def test_admin_bits_need_the_admin_right_when_they_change(other: Any, bits: tuple[int, ...], expected: int) -> None:
    assert code(other, "one.template.chmod", other.template(), *bits) == expected


def test_the_admin_right_lets_admin_bits_change(lab: Any, other: Any) -> None:
    template_id = other.template()
    lab.one.template.chmod(template_id, -1, -1, 1, *KEEP[3:])
    assert code(other, "one.template.chmod", template_id, *KEEP[:5], 1, *KEEP[6:]) == 0


def test_locks_of_others_are_not_taken_over(lab: Any, other: Any) -> None:
    template_id = lab.template()
    lab.one.template.chmod(template_id, *KEEP[:6], 1, 1, 0)
    lab.one.template.lock(template_id, 3, False)
    assert code(other, "one.template.lock", template_id, 1, False) == ACTION
    assert code(other, "one.template.unlock", template_id) == ACTION
    assert code(lab, "one.template.lock", template_id, 1, True) == ACTION
    lab.one.template.unlock(template_id)
    assert code(lab, "one.template.lock", template_id, 1, True) == 0
    lab.one.template.unlock(template_id)


def test_locks_need_the_manage_right(lab: Any, other: Any) -> None:
    template_id = lab.template()
    assert code(other, "one.template.lock", template_id, 1, False) == AUTHORIZATION
    assert code(other, "one.template.unlock", template_id) == AUTHORIZATION


def test_names_that_collide_are_named(lab: Any) -> None:
    first, second = lab.template(), lab.template()
    name = lab.one.template.info(first).NAME
    message = lab.call("one.template.rename", second, name)[1]
    assert f"cannot be renamed to {name} because it collides with virtual machine template {first}" in message
    assert code(lab, "one.template.rename", second, "a/b") == ACTION


def test_networks_are_made_by_administrators(other: Any) -> None:
    assert code(other, "one.vn.allocate", f'NAME="{other.name("net")}"\nVN_MAD="dummy"', -1) == AUTHORIZATION


RESTRICTED = ('NIC=[NETWORK="n",MAC="02:00:00:00:00:01"]', 'CONTEXT=[FILES="/etc/passwd"]', 'EMULATOR="/bin/sh"')


@pytest.mark.parametrize("attribute", RESTRICTED)
def test_ordinary_users_do_not_set_restricted_attributes(lab: Any, other: Any, attribute: str) -> None:
    text = f'NAME="{lab.name("tpl")}"\nCPU="0.01"\nMEMORY="16"\n'
    reply = other.call("one.template.allocate", text + attribute)
    assert (reply[2], "includes a restricted attribute" in reply[1]) == (AUTHORIZATION, True)
    assert code(other, "one.vm.allocate", text + attribute, True) == AUTHORIZATION
    template_id = other.template()
    assert code(other, "one.template.instantiate", template_id, "", True, attribute, False) == AUTHORIZATION
    assert code(other, "one.template.update", template_id, attribute, 1) == INTERNAL
    made = lab.one.template.allocate(text + attribute)
    lab.one.template.delete(made)


def test_restricted_attributes_of_a_template_may_be_used(lab: Any, other: Any) -> None:
    template_id = lab.template('EMULATOR="/usr/bin/kvm"')
    lab.one.template.chmod(template_id, *KEEP[:6], 1, -1, -1)
    assert code(other, "one.template.instantiate", template_id, "", True, 'EMULATOR="/bin/sh"', False) == AUTHORIZATION
    vm_id = other.vm(template_id, 'EMULATOR="/usr/bin/kvm"\nNOTE="n"', hold=True)
    assert other.one.vm.info(vm_id).TEMPLATE["EMULATOR"] == "/usr/bin/kvm"


def test_sources_of_images_are_restricted(other: Any) -> None:
    text = f'NAME="{other.name("img")}"\nTYPE="DATABLOCK"\nSIZE="1"\nSOURCE="/etc/shadow"'
    assert code(other, "one.image.allocate", text, 1) == AUTHORIZATION


class TestUsers:
    def test_a_second_time_in_a_group(self, lab: Any, other: Any, group: int) -> None:
        assert code(lab, "one.user.delgroup", uid(other), group) == ACTION
        lab.one.user.addgroup(uid(other), group)
        assert code(lab, "one.user.addgroup", uid(other), group) == ACTION

    def test_the_primary_group_stays(self, lab: Any, other: Any) -> None:
        assert code(lab, "one.user.delgroup", uid(other), 1) == ACTION

    def test_a_secondary_group_that_becomes_the_primary_one(self, lab: Any, other: Any, group: int) -> None:
        lab.one.user.addgroup(uid(other), group)
        lab.one.user.chgrp(uid(other), group)
        info = lab.one.user.info(uid(other))
        assert (group, sorted(info.GROUPS.ID)) == (info.GID, [1, group])
        lab.one.user.chgrp(uid(other), 1)

    def test_the_first_administrator_stays_one(self, lab: Any) -> None:
        assert code(lab, "one.user.enable", 0, False) == ACTION
        assert code(lab, "one.user.chgrp", 0, 1) == INTERNAL
        assert code(lab, "one.user.delete", 0) == ACTION
        assert code(lab, "one.user.chgrp", 1, -1) == RPC_API

    def test_administrators_of_groups(self, lab: Any, other: Any, group: int) -> None:
        assert code(lab, "one.group.addadmin", group, uid(other)) == INTERNAL
        lab.one.user.addgroup(uid(other), group)
        assert code(lab, "one.group.addadmin", group, uid(other)) == 0
        assert code(lab, "one.group.addadmin", group, uid(other)) == INTERNAL

    def test_passwords_of_some_drivers_are_kept_elsewhere(self, lab: Any, other: Any) -> None:
        user, name = uid(other), other.auth.split(":")[0]
        by_token = replace(other, auth=f"{name}:{other.one.user.login(name, '', 60, -1)}")
        lab.one.user.chauth(user, "x509", "")
        assert code(by_token, "one.user.passwd", user, "other") == ACTION
        assert code(lab, "one.user.passwd", user, "other") == 0

    def test_all_login_tokens_end_at_once(self, other: Any) -> None:
        name = other.auth.split(":")[0]
        for _ in range(2):
            other.one.user.login(name, "", 60, -1)
        other.call("one.user.login", name, "", 0, -1)
        assert other.one.user.info(-1).LOGIN_TOKEN == []
        assert code(other, "one.user.login", name, "none", 0, -1) == RPC_API
        assert code(other, "one.user.login", name, "", -7, -1) == RPC_API
