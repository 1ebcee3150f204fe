"""Every pool alike: filters, pages, order, and what a second user sees and may do (reference 2.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

AUTHORIZATION, NO_EXISTS, ACTION, RPC_API, INTERNAL = 0x0200, 0x0400, 0x0800, 0x1000, 0x2000
DOCUMENT_TYPE = 901


@dataclass(frozen=True)
class Kind:
    """One pool: the prefix of its calls, how an object is made, and what its pool call takes besides the filter."""

    prefix: str
    text: str
    more: tuple[Any, ...] = ()
    pool_more: tuple[Any, ...] = ()
    rights: tuple[str, ...] = ("rename", "update", "chmod", "delete")

    def make(self, lab: Any) -> int:
        """A new object of the lab's user; networks are made by administrators only, and given away."""
        maker = lab.admin if self.prefix == "vn" and lab.admin is not None else lab
        reply = maker.call(f"one.{self.prefix}.allocate", self.text.format(name=lab.name("pool")), *self.more)
        assert reply[0] is True, reply
        found: int = reply[1]
        if maker is not lab:
            maker.one.vn.chown(found, lab.one.user.info(-1).ID, 1)
        if self.prefix == "vm":
            lab.made.append(lambda: lab.gone(found))
        else:
            lab.made.append(lambda: lab.call(f"one.{self.prefix}.delete", found))
        return found

    def listed(self, lab: Any, flag: int, start: int = -1, end: int = -1) -> list[int]:
        """Ids in a page of the pool."""
        pool = getattr(lab.one, f"{self.prefix}pool").info(flag, start, end, *self.pool_more)
        members: list[Any] = next(
            iter(value for key, value in vars(pool).items() if isinstance(value, list) and key.isupper())
        )
        return [one.ID for one in members]


KINDS = (
    Kind("template", 'NAME="{name}"\nCPU="1"\nMEMORY="1"'),
    Kind("image", 'NAME="{name}"\nTYPE="DATABLOCK"\nSIZE="1"', (1,)),
    Kind("vn", 'NAME="{name}"\nVN_MAD="dummy"\nBRIDGE="br0"', (-1,)),
    Kind("secgroup", 'NAME="{name}"\nRULE=[PROTOCOL="TCP",RULE_TYPE="INBOUND"]'),
    Kind("document", 'NAME="{name}"\nA="1"', (DOCUMENT_TYPE,), (DOCUMENT_TYPE,)),
    Kind("vm", 'NAME="{name}"\nCPU="0.01"\nMEMORY="16"', (True,), (-1,), ("rename", "update", "chmod", "action")),
)
LOCKABLE = [one for one in KINDS if one.prefix != "secgroup"]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.prefix)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each pool in turn."""
    found: Kind = request.param
    return found


def bits(lab: Any, kind: Kind, object_id: int, group: int = 0, others: int = 0) -> None:
    """Sets the use, manage and admin bits of group and others, as octal digits."""
    flags = [number >> place & 1 for number in (6, group, others) for place in (2, 1, 0)]
    assert lab.call(f"one.{kind.prefix}.chmod", object_id, *flags)[0] is True


def arguments(call: str, object_id: int, lab: Any) -> tuple[Any, ...]:
    """Parameters with which a call on that object would do something."""
    table: dict[str, tuple[Any, ...]] = {
        "rename": (object_id, lab.name("renamed")),
        "update": (object_id, 'NOTE="n"', 1),
        "chmod": (object_id, -1, -1, -1, -1, -1, -1, -1, -1, -1),
        "delete": (object_id,),
        "action": ("terminate-hard", object_id),
    }
    return table[call]


def attempts(kind: Kind, lab: Any, object_id: int) -> dict[str, int]:
    """The code with which each changing call is refused, 0 for those that succeed."""
    codes = {}
    for call in kind.rights:
        reply = lab.call(f"one.{kind.prefix}.{call}", *arguments(call, object_id, lab))
        codes[call] = 0 if reply[0] else reply[2]
    return codes


def test_ids_ascend_and_pages_cut_them(lab: Any, kind: Kind) -> None:
    made = [kind.make(lab) for _ in range(4)]
    everything = kind.listed(lab, -2)
    assert everything == sorted(everything)
    assert made == [one for one in everything if one in made]
    assert kind.listed(lab, -2, made[1], made[2]) == [one for one in everything if made[1] <= one <= made[2]]
    size = len(everything)
    assert kind.listed(lab, -2, size - 3, -2) == everything[-3:-1]
    assert kind.listed(lab, -2, size - 1, -10) == everything[-1:]
    assert kind.listed(lab, -2, size, -10) == []


def test_filters_choose_owners(lab: Any, other: Any, kind: Kind) -> None:
    mine, theirs = kind.make(lab), kind.make(other)
    uid = other.one.user.info(-1).ID
    for flag, expected in ((-2, {mine, theirs}), (-3, {mine}), (-1, {mine}), (uid, {theirs}), (0, {mine})):
        assert set(kind.listed(lab, flag)) & {mine, theirs} == expected, flag
    for flag, expected in ((-2, {theirs}), (-3, {theirs}), (-1, {theirs}), (-4, {theirs}), (uid, {theirs}), (0, set())):
        assert set(kind.listed(other, flag)) & {mine, theirs} == expected, flag


def test_filters_of_ones_groups(lab: Any, other: Any, kind: Kind) -> None:
    shared = kind.make(lab)
    assert lab.call(f"one.{kind.prefix}.chown", shared, -1, 1)[0] is True
    for flag in (-4, -1, -2):
        assert shared not in kind.listed(other, flag), flag
    bits(lab, kind, shared, group=4)
    for flag in (-4, -1, -2, 0):
        assert shared in kind.listed(other, flag), flag
    assert shared not in kind.listed(other, -3)


def test_unknown_filters_are_refused(lab: Any, kind: Kind) -> None:
    assert lab.call(f"one.{kind.prefix}pool.info", -5, -1, -1, *kind.pool_more)[2] == RPC_API


def test_without_bits_a_second_user_has_no_rights(lab: Any, other: Any, kind: Kind) -> None:
    object_id = kind.make(lab)
    assert other.call(f"one.{kind.prefix}.info", object_id)[2] == AUTHORIZATION
    assert object_id not in kind.listed(other, -2)
    assert set(attempts(kind, other, object_id).values()) == {AUTHORIZATION}


def test_use_shows_and_changes_nothing(lab: Any, other: Any, kind: Kind) -> None:
    object_id = kind.make(lab)
    bits(lab, kind, object_id, others=4)
    assert other.call(f"one.{kind.prefix}.info", object_id)[0] is True
    assert object_id in kind.listed(other, -2)
    assert set(attempts(kind, other, object_id).values()) == {AUTHORIZATION}


@pytest.mark.parametrize("whose", ["group", "others"])
def test_manage_changes(lab: Any, other: Any, kind: Kind, whose: str) -> None:
    object_id = kind.make(lab)
    if whose == "group":
        lab.call(f"one.{kind.prefix}.chown", object_id, -1, 1)
    bits(lab, kind, object_id, **{whose: 6})
    assert set(attempts(kind, other, object_id).values()) == {0}


def test_objects_are_given_away_by_administrators_only(lab: Any, other: Any, kind: Kind) -> None:
    object_id, uid = kind.make(other), other.one.user.info(-1).ID
    assert other.call(f"one.{kind.prefix}.chown", object_id, 0, -1)[2] == AUTHORIZATION
    assert lab.call(f"one.{kind.prefix}.chown", object_id, 0, 0)[0] is True
    assert other.call(f"one.{kind.prefix}.info", object_id)[2] == AUTHORIZATION
    assert lab.call(f"one.{kind.prefix}.chown", object_id, uid, 1)[0] is True
    assert lab.call(f"one.{kind.prefix}.chown", object_id, 99999, -1)[2] == NO_EXISTS
    assert lab.call(f"one.{kind.prefix}.chown", object_id, -1, 99999)[2] == NO_EXISTS


def test_new_objects_are_private(other: Any, kind: Kind) -> None:
    found = getattr(other.one, kind.prefix).info(kind.make(other)).PERMISSIONS
    assert [found.OWNER_U, found.OWNER_M, found.OWNER_A] == [1, 1, 0]
    assert {found.GROUP_U, found.GROUP_M, found.GROUP_A, found.OTHER_U, found.OTHER_M, found.OTHER_A} == {0}


@pytest.mark.parametrize("level", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", LOCKABLE, ids=lambda kind: kind.prefix)
def test_locks_hold_off_those_who_may_otherwise(lab: Any, other: Any, kind: Kind, level: int) -> None:
    object_id = kind.make(lab)
    bits(lab, kind, object_id, others=6)
    assert lab.call(f"one.{kind.prefix}.lock", object_id, 9, False)[2] == ACTION
    assert lab.call(f"one.{kind.prefix}.lock", object_id, level, False)[0] is True
    assert (1 if level == 4 else level) == getattr(lab.one, kind.prefix).info(object_id).LOCK.LOCKED
    reply = other.call(f"one.{kind.prefix}.update", object_id, 'NOTE="n"', 1)
    assert reply[0] is (level == 3)
    assert other.call(f"one.{kind.prefix}.unlock", object_id)[0] is False
    assert lab.call(f"one.{kind.prefix}.unlock", object_id)[0] is True
    assert other.call(f"one.{kind.prefix}.update", object_id, 'NOTE="n"', 1)[0] is True


def test_wrong_bits(lab: Any, kind: Kind) -> None:
    object_id = kind.make(lab)
    assert lab.call(f"one.{kind.prefix}.chmod", object_id, 2, *[-1] * 8)[2] == INTERNAL


def _pools() -> dict[str, Callable[[Any], Any]]:
    return {
        "hostpool": lambda one: one.hostpool.info().HOST,
        "clusterpool": lambda one: one.clusterpool.info().CLUSTER,
        "datastorepool": lambda one: one.datastorepool.info().DATASTORE,
        "zonepool": lambda one: one.zonepool.info().ZONE,
        "userpool": lambda one: one.userpool.info().USER,
        "grouppool": lambda one: one.grouppool.info().GROUP,
    }


@pytest.mark.parametrize("pool", _pools())
def test_pools_without_filter_ascend_too(lab: Any, pool: str) -> None:
    ids = [one.ID for one in _pools()[pool](lab.one)]
    assert ids == sorted(ids)
    assert ids


def test_datastores_are_seen_by_those_who_may_use_them(lab: Any, other: Any) -> None:
    text = f'NAME="{lab.name("ds")}"\nTYPE="IMAGE_DS"\nTM_MAD="dummy"\nDS_MAD="dummy"'
    private = lab.one.datastore.allocate(text, -1)
    assert private not in [one.ID for one in other.one.datastorepool.info().DATASTORE]
    image = f'NAME="{lab.name("img")}"\nTYPE="DATABLOCK"\nSIZE="1"'
    assert other.call("one.image.allocate", image, private)[2] == AUTHORIZATION
    lab.one.datastore.delete(private)
