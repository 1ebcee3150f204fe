"""Which keys the SuperLink registers, revokes and refuses, and what it publishes about them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fedstack.appliance import keys
from fedstack.appliance.control import RefusedError, RegisteredNode
from fedstack.appliance.keys import NodeKey
from fedstack.appliance.registrar import OUTSIDE, REVOKED, Registrar


class Cloud:
    """OneGate as the SuperLink's VM (number 0) sees it."""

    vm_id = "0"

    def __init__(self) -> None:
        self.nodes: dict[int, str] = {}
        self.cardinality = 0
        self.own: dict[str, str] = {"FL_READY": "YES"}
        self.published: list[dict[str, str]] = []

    def service(self) -> dict[str, Any]:
        def node(number: int, template: dict[str, str]) -> dict[str, Any]:
            return {"deploy_id": number, "vm_info": {"VM": {"USER_TEMPLATE": template}}}

        members = [node(number, {"FL_NODE_PUBLIC_KEY": key} if key else {}) for number, key in self.nodes.items()]
        roles = [
            {"name": "superlink", "cardinality": 1, "nodes": [node(0, self.own)]},
            {"name": "supernode", "cardinality": self.cardinality, "nodes": members},
        ]
        return {"SERVICE": {"roles": roles}}

    def publish(self, attributes: dict[str, str]) -> None:
        self.published.append(attributes)
        self.own.update(attributes)


class Link:
    """A SuperLink's registrations, with Flower's rule that a key is never registered twice."""

    def __init__(self) -> None:
        self.rows: dict[str, RegisteredNode] = {}
        self.listed = 0

    async def warm_up(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def nodes(self) -> list[RegisteredNode]:
        self.listed += 1
        return list(self.rows.values())

    async def register(self, public: str) -> RegisteredNode:
        name = keys.fingerprint(public)
        if name in self.rows:
            raise RefusedError("Public key already in use")
        self.rows[name] = RegisteredNode(str(len(self.rows) + 100), "registered", name)
        return self.rows[name]

    async def unregister(self, node_id: str) -> None:
        (name,) = (row.fingerprint for row in self.rows.values() if row.node_id == node_id)
        self.rows[name] = RegisteredNode(node_id, "unregistered", name)

    def registered(self) -> set[str]:
        return {name for name, row in self.rows.items() if row.status != "unregistered"}


class Fixture:
    """A registrar between a cloud and a SuperLink."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.cloud, self.link, self.said = Cloud(), Link(), list[str]()
        self.restart()

    def restart(self) -> None:
        ledger = self.directory / "enrolled.json"
        self.registrar = Registrar(self.cloud, self.link, ledger, self.said.append)  # type: ignore[arg-type]

    def look(self) -> bool:
        return asyncio.run(self.registrar.look(self.cloud.service()))

    def key(self, name: str) -> NodeKey:
        return keys.ensure(self.directory / name)

    def enrol(self, key: NodeKey, value: str = "") -> None:
        """What an operator puts into the SuperLink's VM."""
        self.cloud.own[f"{OUTSIDE}{key.fingerprint.upper()}"] = value or key.public


@pytest.fixture
def world(tmp_path: Path) -> Fixture:
    return Fixture(tmp_path)


def test_new_keys_are_registered_and_published(world: Fixture) -> None:
    one, two = world.key("one"), world.key("two")
    world.cloud.cardinality = 2
    world.cloud.nodes = {1: one.public, 2: two.public}
    assert not world.look()
    assert world.link.registered() == {one.fingerprint, two.fingerprint}
    expected = " ".join(sorted({one.fingerprint, two.fingerprint}))
    assert world.cloud.published == [{"FL_REGISTERED": expected, "FL_REFUSED": ""}]


def test_nothing_new_means_nothing_is_said_or_asked_again(world: Fixture) -> None:
    world.cloud.nodes = {1: world.key("one").public}
    world.look()
    world.look()
    assert len(world.cloud.published) == 1
    assert world.link.listed == 1


@pytest.mark.parametrize(
    ("nodes", "cardinality", "lacking"),
    [({}, 2, True), ({1: ""}, 1, True), ({}, 0, False)],
)
def test_it_says_whether_a_node_lacks_its_registration(
    world: Fixture, nodes: dict[int, str], cardinality: int, lacking: bool
) -> None:
    world.cloud.nodes, world.cloud.cardinality = nodes, cardinality
    assert world.look() is lacking


def test_a_new_key_of_the_same_vm_replaces_the_old_one(world: Fixture) -> None:
    old, new = world.key("old"), world.key("new")
    world.cloud.nodes = {1: old.public}
    world.look()
    world.cloud.nodes = {1: new.public}
    world.look()
    assert world.link.registered() == {new.fingerprint}
    assert world.cloud.own["FL_REGISTERED"] == new.fingerprint


def test_a_node_that_left_the_service_is_revoked_even_after_a_restart(world: Fixture) -> None:
    world.cloud.nodes = {1: world.key("one").public, 2: world.key("two").public}
    world.look()
    world.restart()
    del world.cloud.nodes[2]
    world.look()
    assert world.link.registered() == {world.key("one").fingerprint}


def test_a_vm_that_shows_no_key_for_a_moment_keeps_its_registration(world: Fixture) -> None:
    one = world.key("one")
    world.cloud.nodes = {1: one.public}
    world.look()
    world.cloud.nodes = {1: ""}
    world.look()
    assert world.link.registered() == {one.fingerprint}


def test_keys_registered_by_hand_are_left_alone(world: Fixture) -> None:
    by_hand = world.key("elsewhere")
    asyncio.run(world.link.register(by_hand.public))
    world.cloud.nodes = {1: world.key("one").public}
    world.look()
    world.cloud.nodes = {}
    world.look()
    assert world.link.registered() == {by_hand.fingerprint}


def test_a_revoked_key_is_not_accepted_again(world: Fixture) -> None:
    old = world.key("old")
    world.cloud.nodes = {1: old.public}
    world.look()
    world.cloud.nodes = {}
    world.look()
    world.restart()
    world.cloud.nodes = {3: old.public}
    world.look()
    assert world.link.registered() == set()
    assert (world.cloud.own["FL_REGISTERED"], world.cloud.own["FL_REFUSED"]) == ("", old.fingerprint)


def test_a_stale_list_of_an_earlier_superlink_is_corrected(world: Fixture) -> None:
    one = world.key("one")
    world.cloud.own["FL_REGISTERED"] = "0123456789abcdef"
    world.cloud.nodes = {1: one.public}
    world.look()
    assert world.cloud.own["FL_REGISTERED"] == one.fingerprint


def test_what_is_no_key_is_named_and_does_not_hold_up_the_others(world: Fixture) -> None:
    one = world.key("one")
    world.cloud.nodes = {1: "ssh-rsa AAAA", 2: one.public}
    world.look()
    assert world.link.registered() == {one.fingerprint}
    assert any("VM 1 published a key that is none" in line for line in world.said)


def test_a_key_that_another_vm_shows_too_goes_with_its_owner(world: Fixture) -> None:
    one = world.key("one")
    world.cloud.nodes = {1: one.public}
    world.look()
    world.cloud.nodes = {1: one.public, 2: one.public}
    world.look()
    assert world.link.registered() == {one.fingerprint}
    world.cloud.nodes = {2: one.public}
    world.look()
    assert world.link.registered() == set()
    assert world.cloud.own["FL_REFUSED"] == one.fingerprint


def test_a_node_from_outside_is_registered_and_stays_when_its_attribute_gets_lost(world: Fixture) -> None:
    site = world.key("site")
    world.enrol(site)
    world.look()
    assert world.cloud.own["FL_REGISTERED"] == site.fingerprint
    del world.cloud.own[f"{OUTSIDE}{site.fingerprint.upper()}"]
    world.look()
    assert world.link.registered() == {site.fingerprint}


def test_a_node_from_outside_counts_for_no_node_of_the_service(world: Fixture) -> None:
    world.cloud.cardinality = 1
    world.enrol(world.key("site"))
    assert world.look(), "the node of the service is still to come"


def test_a_node_from_outside_is_registered_anew_with_a_superlink_that_was_made_anew(world: Fixture) -> None:
    site = world.key("site")
    world.enrol(site)
    world.look()
    world.link.rows.clear()
    world.restart()
    world.look()
    assert world.link.registered() == {site.fingerprint}


def test_a_revoked_node_from_outside_never_comes_back(world: Fixture) -> None:
    site = world.key("site")
    world.enrol(site)
    world.look()
    world.enrol(site, REVOKED)
    world.look()
    assert world.link.registered() == set()
    assert world.cloud.own["FL_REGISTERED"] == ""
    world.enrol(site)
    world.look()
    assert world.link.registered() == set()
    assert world.cloud.own["FL_REFUSED"] == site.fingerprint


def test_a_revoked_key_is_not_registered_for_a_node_of_the_service(world: Fixture) -> None:
    one = world.key("one")
    world.enrol(one, REVOKED)
    world.cloud.nodes = {1: one.public}
    world.look()
    assert world.link.registered() == set()
    assert world.cloud.own["FL_REFUSED"] == one.fingerprint


def test_what_an_operator_enrols_that_is_no_key_is_named(world: Fixture) -> None:
    world.cloud.own[f"{OUTSIDE}0123456789ABCDEF"] = "ssh-rsa AAAA"
    world.look()
    assert world.link.rows == {}
    assert any(f"{OUTSIDE}0123456789ABCDEF" in line for line in world.said)
