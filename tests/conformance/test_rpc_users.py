"""Users, their groups, passwords and login tokens (reference 2.1, 2.4, 2.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyone
import pytest


@pytest.fixture
def group(lab: Any) -> Iterator[int]:
    """An empty group."""
    group_id: int = lab.one.group.allocate(lab.name("group"))
    yield group_id
    for user_id in lab.one.group.info(group_id).USERS.ID:
        lab.call("one.user.delgroup", user_id, group_id)
    lab.call("one.group.delete", group_id)


def uid(lab: Any) -> int:
    """The user of a lab."""
    found: int = lab.one.user.info(-1).ID
    return found


def enters(lab: Any, session: str) -> bool:
    """Whether a session is accepted."""
    try:
        return bool(pyone.OneServer(lab.target.rpc, session=session).system.version())
    except pyone.OneAuthenticationException:
        return False


def test_a_new_user_has_its_groups(lab: Any, group: int) -> None:
    user_id = lab.one.user.allocate(lab.name("user"), "secret", "core", [group, 1])
    info = lab.one.user.info(user_id)
    assert (info.GID, set(info.GROUPS.ID), info.ENABLED) == (group, {group, 1}, 1)
    assert user_id in lab.one.group.info(group).USERS.ID
    lab.one.user.delete(user_id)
    assert lab.call("one.user.info", user_id, False)[2] == 0x0400
    assert user_id not in lab.one.group.info(group).USERS.ID


@pytest.mark.parametrize("name", ["", "a b", "a;b", "oneadmin"])
def test_names_of_users_are_checked(lab: Any, name: str) -> None:
    assert lab.call("one.user.allocate", name, "secret", "core", [])[0] is False


def test_users_change_their_own_password(lab: Any, other: Any) -> None:
    name = other.auth.split(":")[0]
    other.one.user.passwd(uid(other), "another")
    assert enters(lab, f"{name}:another")
    assert not enters(lab, other.auth)
    assert lab.call("one.user.passwd", uid(lab), "")[0] is False
    other.auth = f"{name}:another"


def test_passwords_are_not_shown(lab: Any, other: Any) -> None:
    assert "secret" not in str(lab.one.user.info(other.one.user.info(-1).ID).PASSWORD)


def test_disabled_users_are_locked_out(lab: Any, other: Any) -> None:
    user_id = uid(other)
    lab.one.user.enable(user_id, False)
    assert not enters(lab, other.auth)
    assert lab.one.user.info(user_id).ENABLED == 0
    lab.one.user.enable(user_id, True)
    assert enters(lab, other.auth)


def test_another_way_to_log_in(lab: Any, other: Any) -> None:
    user_id, name = uid(other), other.auth.split(":")[0]
    lab.one.user.chauth(user_id, "ssh", "")
    assert lab.one.user.info(user_id).AUTH_DRIVER == "ssh"
    assert not enters(lab, other.auth)
    lab.one.user.chauth(user_id, "core", "new")
    assert enters(lab, f"{name}:new")
    assert lab.call("one.user.chauth", user_id, "nonsense", "")[0] is False


def test_groups_of_users(lab: Any, other: Any, group: int) -> None:
    user_id = uid(other)
    lab.one.user.addgroup(user_id, group)
    assert set(lab.one.user.info(user_id).GROUPS.ID) == {1, group}
    lab.one.user.chgrp(user_id, group)
    assert group == lab.one.user.info(user_id).GID
    assert lab.call("one.user.delgroup", user_id, group)[0] is False
    lab.one.user.chgrp(user_id, 1)
    lab.one.user.delgroup(user_id, group)
    assert lab.one.user.info(user_id).GROUPS.ID == [1]
    assert lab.call("one.user.addgroup", user_id, 99999)[2] == 0x0400


def test_objects_of_a_group_are_shared_with_its_members(lab: Any, other: Any, group: int) -> None:
    template_id = lab.template()
    lab.one.template.chown(template_id, -1, group)
    lab.one.template.chmod(template_id, -1, -1, -1, 1, -1, -1, -1, -1, -1)
    assert other.call("one.template.info", template_id, False, False)[2] == 0x0200
    lab.one.user.addgroup(uid(other), group)
    assert template_id == other.one.template.info(template_id).ID
    assert template_id in [one.ID for one in other.one.templatepool.info(-1, -1, -1).VMTEMPLATE]
    assert template_id not in [one.ID for one in other.one.templatepool.info(-4, -1, -1).VMTEMPLATE]


def test_groups_are_changed(lab: Any, other: Any, group: int) -> None:
    lab.one.group.update(group, 'NOTE="n"', 1)
    lab.one.user.addgroup(uid(other), group)
    lab.one.group.addadmin(group, uid(other))
    info = lab.one.group.info(group)
    assert (info.TEMPLATE["NOTE"], info.ADMINS.ID) == ("n", [uid(other)])
    assert lab.call("one.group.delete", group)[2] in (0x0800, 0x2000)
    lab.one.group.deladmin(group, uid(other))
    assert lab.one.group.info(group).ADMINS.ID == []
    assert group in [one.ID for one in lab.one.grouppool.info().GROUP]


def test_login_tokens_replace_the_password(lab: Any, other: Any) -> None:
    name = other.auth.split(":")[0]
    token = other.one.user.login(name, "", 3600, -1)
    assert len(token) >= 32
    assert enters(lab, f"{name}:{token}")
    assert enters(lab, other.auth)
    tokens = other.one.user.info(-1).LOGIN_TOKEN
    assert [one.EGID for one in tokens] == [-1]
    other.one.user.login(name, token, 0, -1)
    assert not enters(lab, f"{name}:{token}")
    assert lab.call("one.user.login", name, token, 0, -1)[0] is False


def test_login_tokens_of_ones_own_choice_for_good(lab: Any, other: Any) -> None:
    name, token = other.auth.split(":")[0], "f" * 40
    assert other.one.user.login(name, token, -1, -1) == token
    assert enters(lab, f"{name}:{token}")
    assert other.one.user.info(-1).LOGIN_TOKEN[0].EXPIRATION_TIME == -1


def test_login_tokens_of_one_group(lab: Any, other: Any, group: int) -> None:
    name = other.auth.split(":")[0]
    assert other.call("one.user.login", name, "", 60, group)[0] is False
    lab.one.user.addgroup(uid(other), group)
    token = other.one.user.login(name, "", 60, group)
    one = pyone.OneServer(lab.target.rpc, session=f"{name}:{token}")
    made = one.template.allocate(f'NAME="{lab.name("tpl")}"\nCPU="1"\nMEMORY="1"')
    assert group == one.template.info(made).GID
    one.template.delete(made)
    lab.one.user.delgroup(uid(other), group)
    assert not enters(lab, f"{name}:{token}")


def test_login_tokens_of_others_are_none_of_ones_business(lab: Any, other: Any) -> None:
    assert other.call("one.user.login", lab.auth.split(":")[0], "", 60, -1)[2] == 0x0200
    assert lab.call("one.user.login", lab.name("nobody"), "", 60, -1)[2] == 0x0400


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("one.user.delete", (0,)),
        ("one.user.info", (0, False)),
        ("one.user.update", (0, 'A="1"', 1)),
        ("one.user.passwd", (0, "x")),
        ("one.user.enable", (0, False)),
        ("one.user.chauth", (0, "core", "x")),
        ("one.user.chgrp", (1, 1)),
        ("one.user.addgroup", (0, 1)),
        ("one.user.delgroup", (0, 1)),
        ("one.group.allocate", ("g",)),
        ("one.group.info", (0, False)),
        ("one.group.update", (1, 'A="1"', 1)),
        ("one.group.delete", (1,)),
        ("one.group.addadmin", (1, 0)),
    ],
)
def test_users_and_groups_belong_to_administrators(other: Any, method: str, parameters: tuple[Any, ...]) -> None:
    assert other.call(method, *parameters)[2] == 0x0200


def test_users_write_their_own_template(other: Any) -> None:
    other.one.user.update(uid(other), 'SSH_PUBLIC_KEY="k"', 1)
    template = other.one.user.info(-1).TEMPLATE
    assert template["SSH_PUBLIC_KEY"] == "k"
    assert len(template["TOKEN_PASSWORD"]) >= 32


def test_ordinary_users_see_themselves_only(other: Any) -> None:
    assert [one.ID for one in other.one.userpool.info().USER] == [uid(other)]
    assert [one.ID for one in other.one.grouppool.info().GROUP] == [1]
    assert other.one.group.info(-1).ID == 1
