"""Which CA a SuperNode trusts from now on (reference 5.3), and when it starts to."""

import asyncio
import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fedstack.appliance import certificates, trust
from fedstack.appliance.certificates import Material
from fedstack.appliance.onegate import GateError
from fedstack.appliance.trust import Trust, look_interval, ruling

OLD, NEW = (base64.b64encode(text).decode() for text in (b"old", b"new"))


class Gate:
    """A service: a SuperLink (VM 0), this SuperNode (VM 1)."""

    vm_id = "1"

    def __init__(self, ca: str, own: str = "") -> None:
        self.link = {"FL_READY": "YES", "FL_ENDPOINT": "127.0.0.1:9092", "FL_TLS": "YES", "FL_CA_CERT": ca}
        self.context = {"ETH0_IP": "127.0.0.2", "FL_SSL_CA_CERTFILE": own}
        self.asked: list[str] = []
        self.later: list[str] = []

    def service(self) -> dict[str, Any]:
        self.asked.append("service")
        return document(self.link, self.context)

    def other(self, vm_id: int) -> dict[str, Any]:
        """The SuperLink's VM; the CA is the next of `later`, at its end OneGate is away."""
        self.asked.append(f"vm {vm_id}")
        if not self.later:
            raise GateError("away")
        self.link["FL_CA_CERT"] = self.later.pop(0)
        return {"VM": {"USER_TEMPLATE": dict(self.link)}}


def document(link: dict[str, str], context: dict[str, str]) -> dict[str, Any]:
    machines = [("superlink", 0, {"USER_TEMPLATE": link}), ("supernode", 1, {"TEMPLATE": {"CONTEXT": context}})]
    roles = [{"name": role, "nodes": [{"deploy_id": vm, "vm_info": {"VM": info}}]} for role, vm, info in machines]
    return {"SERVICE": {"roles": roles}}


@pytest.mark.parametrize(
    ("announced", "own", "expected"),
    [(NEW, "", NEW), (NEW, NEW, NEW), (NEW, OLD, ""), ("", "", ""), ("", OLD, "")],
)
def test_a_ca_of_the_context_is_never_replaced_by_what_onegate_says(announced: str, own: str, expected: str) -> None:
    gate = Gate(announced, own)
    assert ruling(gate.service(), "1") == expected


def test_a_context_that_is_not_shown_changes_nothing() -> None:
    gate = Gate(NEW)
    gate.context.clear()
    assert ruling(gate.service(), "1") == ""


def following(gate: Gate, directory: Path) -> tuple[Trust, Path, list[str]]:
    ca, said = directory / "ca.crt", list[str]()
    ca.write_bytes(b"old")
    return Trust(gate, ca, "127.0.0.1:9092", said.append), ca, said  # type: ignore[arg-type]


def test_a_new_ca_is_taken_once(tmp_path: Path) -> None:
    one, ca, said = following(Gate(NEW), tmp_path)
    assert asyncio.run(one.follow())
    assert ca.read_bytes() == b"new"
    assert not asyncio.run(one.follow())
    assert said == ["the SuperLink has a new CA"]


def test_the_same_ca_and_one_that_is_not_ours_change_nothing(tmp_path: Path) -> None:
    for gate in (Gate(OLD), Gate(NEW, OLD)):
        one, ca, _ = following(gate, tmp_path)
        assert not asyncio.run(one.follow())
        assert ca.read_bytes() == b"old"


def test_it_looks_at_the_superlink_alone_until_that_has_another_ca(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "_LOOK_SECONDS", 0.001)
    monkeypatch.setattr(trust, "_SECONDS_A_NODE", 0.0)
    gate = Gate(OLD)
    gate.later = [OLD, OLD, NEW]
    one, ca, _ = following(gate, tmp_path)
    asyncio.run(one.renewed())
    assert gate.asked == ["service", "vm 0", "vm 0", "vm 0", "service"]
    assert ca.read_bytes() == b"new"


def test_many_nodes_look_less_often() -> None:
    assert [look_interval(nodes) for nodes in (1, 100, 1000)] == [10.0, 10.0, 100.0]


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    made = Material(tmp_path_factory.mktemp("certs"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificates, "KEY_BITS", 2048)
        certificates.generate(made, "127.0.0.1", certificates.alternative_names("127.0.0.1", ""))
    return made


@pytest.fixture
def server(material: Material) -> Iterator[str]:
    """The address of a server that shows the certificate, from the second connection on."""
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(material.server, material.server_key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener, shown))
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def serve(listener: socket.socket, shown: ssl.SSLContext) -> None:
    listener.accept()[0].close()
    plain, _ = listener.accept()
    shown.wrap_socket(plain, server_side=True).close()


def test_after_a_change_it_waits_until_the_superlink_shows_the_new_certificate(
    material: Material, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "_PRESENT_EVERY", 0.001)
    gate = Gate(base64.b64encode(material.ca.read_bytes()).decode())
    ca = tmp_path / "ca.crt"
    ca.write_bytes(b"old")
    one = Trust(gate, ca, server, lambda _: None)  # type: ignore[arg-type]

    async def change() -> None:
        await one.presented()  # nothing has changed yet: nobody is asked
        assert await one.follow()
        async with asyncio.timeout(30):
            await one.presented()

    asyncio.run(change())


def test_it_does_not_wait_for_ever(material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_PRESENT_SECONDS", 0.01)
    gate = Gate(base64.b64encode(material.ca.read_bytes()).decode())
    ca = tmp_path / "ca.crt"
    ca.write_bytes(b"old")
    one = Trust(gate, ca, "127.0.0.1:1", lambda _: None)  # type: ignore[arg-type]

    async def change() -> None:
        assert await one.follow()
        async with asyncio.timeout(30):
            await one.presented()

    asyncio.run(change())
