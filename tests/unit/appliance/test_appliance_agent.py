"""The SuperLink's enrolment agent: what it registers, revokes, publishes, and how soon it looks again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fedstack.appliance import keys
from fedstack.appliance.agent import BUSY_SECONDS, IDLE_SECONDS, Agent
from fedstack.appliance.control import RefusedError, RegisteredNode
from fedstack.appliance.keys import NodeKey


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
    """An agent between a cloud and a SuperLink."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.cloud, self.link, self.said = Cloud(), Link(), list[str]()
        self.restart()

    def restart(self) -> None:
        ledger = self.directory / "enrolled.json"
        self.agent = Agent(self.cloud, self.link, ledger, self.said.append)  # type: ignore[arg-type]

    def look(self) -> float:
        return asyncio.run(self.agent.look())

    def key(self, name: str) -> NodeKey:
        return keys.ensure(self.directory / name)


@pytest.fixture
def world(tmp_path: Path) -> Fixture:
    return Fixture(tmp_path)


def test_new_keys_are_registered_and_published(world: Fixture) -> None:
    one, two = world.key("one"), world.key("two")
    world.cloud.cardinality = 2
    world.cloud.nodes = {1: one.public, 2: two.public}
    assert world.look() == IDLE_SECONDS
    assert world.link.registered() == {one.fingerprint, two.fingerprint}
    expected = " ".join(sorted({one.fingerprint, two.fingerprint}))
    assert world.cloud.published == [{"FL_REGISTERED": expected}]


def test_nothing_new_means_nothing_is_said_or_asked_again(world: Fixture) -> None:
    world.cloud.nodes = {1: world.key("one").public}
    world.look()
    world.look()
    assert len(world.cloud.published) == 1
    assert world.link.listed == 1


@pytest.mark.parametrize(
    ("nodes", "cardinality", "pause"),
    [({}, 2, BUSY_SECONDS), ({1: ""}, 1, BUSY_SECONDS), ({}, 0, IDLE_SECONDS)],
)
def test_it_looks_often_while_a_node_lacks_registration(
    world: Fixture, nodes: dict[int, str], cardinality: int, pause: float
) -> None:
    world.cloud.nodes, world.cloud.cardinality = nodes, cardinality
    assert world.look() == pause


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
    assert world.cloud.own["FL_REGISTERED"] == ""


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
