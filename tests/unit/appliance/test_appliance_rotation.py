"""A rotation in the SuperLink's VM: what is asked and answered, the order, and that it goes on where it was cut off."""

import asyncio
import base64
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fedstack.appliance import certificates, facts, files, rotation, tls
from fedstack.appliance.certificates import Material
from fedstack.appliance.control import RegisteredNode
from fedstack.appliance.onegate import GateError
from fedstack.appliance.paths import Paths
from fedstack.appliance.rotation import Request, Rotation
from fedstack.appliance.tls import Source


class World:
    """The SuperLink's VM (number 0): its files, its attributes, its context, its runs and connected SuperNodes."""

    vm_id = "0"

    def __init__(self, directory: Path) -> None:
        self.paths = Paths(directory)
        self.context: dict[str, str] = {"ETH0_IP": "127.0.0.1"}
        self.attributes: dict[str, str] = {}
        self.events: list[str] = []
        self.runs: list[str] = []
        self.online: list[list[str]] = [[]]
        self.away = 0
        tls.setup_superlink(self.material, Source.GENERATED, {}, "127.0.0.1")
        self.attributes |= tls.published(self.material)
        facts.save(self.paths, {"FL_READY": "YES"})
        self.start()

    @property
    def material(self) -> Material:
        return Material(self.paths.certificates)

    def start(self) -> None:
        """The supervisor starts, and Flower."""
        self.rotation = Rotation(self, self, self.paths, self.events.append)  # type: ignore[arg-type]
        self.restart()

    def restart(self) -> None:
        """Flower starts."""
        self.rotation.begin()
        self.serving = self.material.server.read_bytes()

    def look(self) -> bool:
        node = {"USER_TEMPLATE": self.attributes, "TEMPLATE": {"CONTEXT": self.context}}
        roles = [{"name": "superlink", "nodes": [{"deploy_id": 0, "vm_info": {"VM": node}}]}]
        return asyncio.run(self.rotation.look({"SERVICE": {"roles": roles}}))

    def publish(self, attributes: Mapping[str, str]) -> None:
        if self.away:
            self.away -= 1
            raise GateError("away")
        self.events.append(f"published {' '.join(attributes)}")
        self.attributes |= attributes

    async def active_runs(self) -> list[str]:
        return self.runs

    async def nodes(self) -> list[RegisteredNode]:
        """Who is online, look by look; the last look stays."""
        names = self.online.pop(0) if len(self.online) > 1 else self.online[0]
        self.events.append(f"online {len(names)}")
        return [RegisteredNode("1", "online", name) for name in names]

    def rotate(self) -> str:
        """Looks as often as it takes; the answer."""
        while self.look():
            self.restart()
        return self.attributes["FL_ROTATED"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "KEY_BITS", 2048)
    monkeypatch.setattr(rotation, "_LOOK_EVERY", 0.001)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize(
    ("said", "request_"),
    [
        ({}, None),
        ({"FL_ROTATE": "a"}, Request("a")),
        ({"FL_ROTATE": "a force"}, Request("a", True)),
        ({"FL_ROTATE": "a", "FL_ROTATED": "a done"}, None),
        ({"FL_ROTATE": "b", "FL_ROTATED": "a done"}, Request("b")),
        ({"FL_ROTATE": "", "FL_ROTATED": "a done"}, None),
    ],
)
def test_a_request_counts_until_it_is_answered(said: dict[str, str], request_: Request | None) -> None:
    assert Request.of(said) == request_


def test_nothing_is_asked_and_nothing_happens(world: World) -> None:
    before = world.serving
    assert not world.look()
    assert world.material.server.read_bytes() == before
    assert world.events == []


def test_the_ca_is_published_before_flower_goes_and_the_answer_comes_when_all_are_back(world: World) -> None:
    old, old_ca = world.serving, world.attributes["FL_CA_CERT"]
    world.attributes["FL_ROTATE"] = "a"
    world.online = [["n1", "n2"], ["n1", "n2"], ["n2"], []]
    assert world.look(), "Flower has to be started anew"
    assert world.serving == old
    published, *looks = (event for event in world.events if not event.startswith("a: "))
    assert published.startswith("published FL_CA_CERT")
    assert looks == ["online 2", "online 2", "online 1", "online 0"]
    world.restart()
    world.online = [[], ["n1"], ["n1", "n2"]]
    assert not world.look()
    assert world.attributes["FL_ROTATED"].startswith("a done 2 of 2 SuperNodes moved to the new CA in ")
    assert world.serving != old
    assert world.attributes["FL_CA_CERT"] != old_ca
    assert world.attributes["FL_CA_CERT"] == base64.b64encode(world.material.ca.read_bytes()).decode()
    kept = (world.paths.facts_file).read_text()
    assert world.attributes["FL_CA_CERT"] in kept and '"FL_READY": "YES"' in kept
    assert not world.look(), "a request is served once"


def test_a_node_that_stays_away_is_told_of(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "_RETURN_SECONDS", 0.01)
    world.attributes["FL_ROTATE"] = "a"
    world.online = [["n1", "n2"], [], [], ["n1"]]
    assert "1 of 2 SuperNodes" in world.rotate()


def test_nodes_from_outside_are_not_waited_for(world: World) -> None:
    world.attributes |= {"FL_ROTATE": "a", "FL_ENROL_0A": "key"}
    world.online = [["0a"]]
    assert world.rotate() == "a done no SuperNode had to move"


def test_a_run_is_not_ended_unless_it_is_forced(world: World) -> None:
    old, world.runs = world.serving, ["17", "18"]
    world.attributes["FL_ROTATE"] = "a"
    assert world.rotate() == "a refused run 17, 18 is active"
    assert world.material.server.read_bytes() == old
    world.attributes["FL_ROTATE"] = "b force"
    assert world.rotate().startswith("b done")
    assert world.serving != old


def test_a_publication_that_fails_leaves_flower_alone_until_it_succeeds(world: World) -> None:
    world.attributes["FL_ROTATE"], world.away = "a", 1
    with pytest.raises(GateError):
        world.look()
    new, world.runs = world.material.server.read_bytes(), ["17"]
    assert world.rotate().startswith("a done"), "what has begun is finished, whatever has begun since"
    assert world.serving == new, "the certificates were made once"


def killed_while_files_were_made(material: Material, _: Mapping[str, str]) -> None:
    files.write(material.successor.ca_key, "half of it", 0o600)


def killed_before_files_were_moved(material: Material, context: Mapping[str, str]) -> None:
    tls.setup_superlink(material.successor, Source.GENERATED, context, "127.0.0.1")
    files.write(material.successor.rotation, "a", 0o644)


def killed_before_the_publication(material: Material, context: Mapping[str, str]) -> None:
    rotation.renew(material, "a", context)


@pytest.mark.parametrize(
    "killed", [killed_while_files_were_made, killed_before_files_were_moved, killed_before_the_publication]
)
def test_a_rotation_goes_on_after_a_kill(world: World, killed: Callable[[Material, Mapping[str, str]], None]) -> None:
    old = world.serving
    world.attributes["FL_ROTATE"] = "a"
    killed(world.material, world.context)
    world.start()
    assert world.rotate().startswith("a done")
    assert world.attributes["FL_CA_CERT"] == base64.b64encode(world.material.ca.read_bytes()).decode()
    assert world.serving == world.material.server.read_bytes() != old
    assert certificates.verify(world.material)
    assert list(world.material.successor.directory.iterdir()) == []


def triple(directory: Path) -> dict[str, str]:
    """A triple of an operator, as context variables."""
    made = Material(directory)
    certificates.generate(made, "127.0.0.1", certificates.alternative_names("127.0.0.1", ""))
    found = {tls.CA: made.ca, tls.CERTIFICATE: made.server, tls.KEY: made.server_key}
    return {name: base64.b64encode(path.read_bytes()).decode() for name, path in found.items()}


def test_the_operators_new_triple_comes_from_the_context(world: World, tmp_path: Path) -> None:
    own = triple(tmp_path / "own")
    world.context |= own
    world.attributes["FL_ROTATE"] = "a"
    assert world.rotate().startswith("a done")
    assert world.attributes["FL_CA_CERT"] == own[tls.CA]
    assert world.material.server_key.stat().st_mode & 0o777 == 0o600
    assert not world.material.ca_key.exists()
    assert "published FL_CA_CERT" in " ".join(world.events)
    assert own[tls.KEY] not in str(world.attributes) + str(world.events)


def test_a_new_certificate_of_the_same_ca_moves_no_node(world: World, tmp_path: Path) -> None:
    world.context |= triple(tmp_path / "own")
    world.attributes["FL_ROTATE"] = "a"
    world.rotate()
    world.events.clear()
    world.online = [["n1"]]
    world.attributes["FL_ROTATE"] = "b"
    assert world.rotate() == "b done no SuperNode had to move"
    assert not [event for event in world.events if event.startswith("published FL_CA")]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({tls.KEY: ""}, f"{tls.CA} is set but {tls.KEY} is not"),
        ({tls.CERTIFICATE: "bm90IGEgUEVN"}, "server.pem is no X.509 certificate in PEM form"),
    ],
)
def test_an_unusable_triple_changes_nothing(world: World, tmp_path: Path, change: dict[str, str], problem: str) -> None:
    old = world.serving
    world.context |= triple(tmp_path / "own") | change
    world.attributes["FL_ROTATE"] = "a"
    answer = world.rotate()
    assert answer.startswith("a failed") and problem in answer
    assert world.material.server.read_bytes() == old
    assert certificates.verify(world.material)


def test_without_a_context_nobody_knows_what_was_wanted(world: World) -> None:
    world.context.clear()
    world.attributes["FL_ROTATE"] = "a"
    assert world.rotate() == "a failed OneGate does not show the context of this VM"
