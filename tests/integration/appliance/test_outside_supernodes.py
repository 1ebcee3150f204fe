"""SuperNodes that OneGate does not reach: a VM of its own that is told an address and a CA, enrolled by hand."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fedstack.appliance import keys
from fedstack.appliance.status import State
from fedstack.localcloud import control, images
from fedstack.operations import enrolment
from fedstack.operations.cloud_client import Access
from fedstack.operations.enrolment import Enrolled
from fedstack.operations.errors import BadInputError, OperationError
from fedstack.operations.superlink import SuperLink, find
from fedstack.training import Connection, train
from tests.integration.appliance.federation import RECIPE, Machine, cloud
from tests.integration.appliance.machines import Site, Vm
from tests.support.waiting import wait_for

pytestmark = pytest.mark.xdist_group("federation")

APP = Path(__file__).resolve().parents[3] / "examples" / "digits"
JOIN_SECONDS = 60
ONE_ROUND = {"num-server-rounds": "1", "min-available-clients": "2", "min-fit-clients": "2"}


@dataclass(frozen=True)
class World:
    """A service of one SuperLink and one SuperNode, and a SuperNode outside of it."""

    site: Site
    link: SuperLink
    outside_id: int

    @property
    def superlink(self) -> Machine:
        """The SuperLink's VM as it is now."""
        return self.site.machine(self.link.vm_id)

    @property
    def outside(self) -> Machine:
        """The SuperNode outside as it is now."""
        return self.site.machine(self.outside_id)

    @property
    def outside_key(self) -> str:
        """What the SuperNode outside publishes in its own cloud."""
        return str(self.outside.attributes["FL_NODE_PUBLIC_KEY"])


def access(running: control.Status) -> Access:
    return Access(running["rpc"], running["flow"], Path(running["auth_file"]).read_text().strip())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with cloud(tmp_path_factory.mktemp("outside") / "cloud") as running:
        site = Site(running)
        service = site.serve({"superlink": Vm("superlink"), "supernode": Vm("supernode")}, gated=True)
        inside = site.node(service, "supernode")
        said = site.machine(site.node(service, "superlink")).attributes
        told = {
            "FL_SUPERLINK_ADDRESS": said["FL_ENDPOINT"],
            "FL_TLS_ENABLED": said["FL_TLS"],
            "FL_SSL_CA_CERTFILE": said["FL_CA_CERT"],
            "FL_NODE_CONFIG": "partition-id=1 num-partitions=2",
        }
        outside = site.start(Vm("supernode", told))
        assert site.end(inside).ready
        yield World(site, find(access(running), service), outside)


def is_connected(machine: Machine) -> bool:
    return machine.paths.status_file.exists() and machine.status().state is State.CONNECTED


def test_a_supernode_outside_is_ready_and_waits_for_its_enrolment(world: World) -> None:
    assert world.site.end(world.outside_id).ready
    wait_for(lambda: "Failed to activate SuperNode" in world.outside.boot_log, JOIN_SECONDS, "a refusal")
    assert not is_connected(world.outside)
    assert world.outside_key in world.outside.boot_log
    assert world.outside.attributes["FL_NODE_READY"] == "YES"


def test_what_is_no_key_of_a_supernode_is_refused(world: World) -> None:
    rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7 somebody"
    for text in ("", "nonsense", rsa, world.outside_key.replace("AAAA", "BBBB")):
        with pytest.raises(BadInputError, match="expected the public key of a SuperNode"):
            enrolment.enrol(world.link, text)
    assert not [name for name in world.link.attributes() if name.startswith(enrolment.PREFIX)]


def test_once_enrolled_it_joins_and_trains(world: World, tmp_path: Path) -> None:
    name = enrolment.enrol(world.link, f"{world.outside_key} root@site-b\n")
    assert name == keys.fingerprint(world.outside_key)
    assert enrolment.enrol(world.link, world.outside_key) == name, "doing it again changes nothing"
    wait_for(lambda: is_connected(world.outside), JOIN_SECONDS, "the connection")
    assert Enrolled(name, "outside", "registered") in enrolment.enrolled(world.link)
    said = world.superlink
    connection = Connection(said.attributes["FL_CONTROL_ENDPOINT"], (said.paths.certificates / "ca.crt").read_text())
    result = train(APP, connection, images.ensure(RECIPE, print), {}, tmp_path, settings=ONE_ROUND)
    assert (result.exit_code, result.supernodes) == (0, 2)


def test_every_key_is_listed_with_its_place(world: World) -> None:
    (inside,) = world.link.members
    listed = [(each.node, each.state) for each in enrolment.enrolled(world.link)]
    assert listed == [(f"VM {inside}", "registered"), ("outside", "registered")]


def test_only_an_enrolled_key_can_be_revoked_by_hand(world: World) -> None:
    inside = next(each.fingerprint for each in enrolment.enrolled(world.link) if each.node != "outside")
    for wrong in (inside, "0123456789abcdef", ""):
        with pytest.raises(BadInputError, match=f"one of {keys.fingerprint(world.outside_key)}"):
            enrolment.revoke(world.link, wrong)


def test_a_revoked_supernode_is_cut_off_for_good_and_its_key_cannot_be_enrolled_again(world: World) -> None:
    name = keys.fingerprint(world.outside_key)
    enrolment.revoke(world.link, name.upper())
    wait_for(lambda: not is_connected(world.outside), JOIN_SECONDS, "the end of the connection")
    assert Enrolled(name, "outside", "revoked") in enrolment.enrolled(world.link)
    with pytest.raises(OperationError, match=f"key {name} was revoked"):
        enrolment.enrol(world.link, world.outside_key)
    world.link.ask({f"{enrolment.PREFIX}{name.upper()}": world.outside_key})  # past the command, straight into the VM
    wait_for(lambda: name in world.link.attributes().get("FL_REFUSED", ""), 30, "the refusal")
    assert name not in world.link.attributes()["FL_REGISTERED"]
    ledger = json.loads((world.superlink.paths.state / "enrolled.json").read_text())
    assert name not in ledger
