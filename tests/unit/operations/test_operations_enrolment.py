"""What `fedstack enrol` reads, asks and answers, against a SuperLink's VM that answers at once or never."""

import io
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fedstack.appliance import keys
from fedstack.operations import enrolment, superlink
from fedstack.operations.enrolment import Enrolled
from fedstack.operations.errors import BadInputError, OperationError
from fedstack.operations.superlink import SuperLink

FACTS = {"FL_ENROLMENT": "YES"}


class Vm:
    """A VM of the platform, with its attributes alone."""

    def __init__(self, attributes: dict[str, str]) -> None:
        self.USER_TEMPLATE = attributes


class Cloud:
    """The SuperLink is VM 0; `answers` follow the requests, one each."""

    def __init__(self, said: Mapping[str, str], members: Mapping[int, str] = {}, answers: tuple[Any, ...] = ()) -> None:
        self.machines = {0: Vm(dict(said))}
        self.machines |= {vm_id: Vm({"FL_NODE_PUBLIC_KEY": key} if key else {}) for vm_id, key in members.items()}
        self.answers = list(answers)
        self.asked: list[Mapping[str, str]] = []

    def vms(self, ids: list[int]) -> dict[int, Any]:
        return {vm_id: self.machines[vm_id] for vm_id in ids if vm_id in self.machines}

    def update_vm(self, vm_id: int, attributes: Mapping[str, str]) -> None:
        self.asked.append(attributes)
        self.machines[vm_id].USER_TEMPLATE |= {**attributes, **(self.answers.pop(0) if self.answers else {})}

    @property
    def link(self) -> SuperLink:
        members = tuple(vm_id for vm_id in self.machines if vm_id)
        return SuperLink(self, 1, 0, members)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> keys.NodeKey:
    return keys.create(tmp_path_factory.mktemp("key"))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(superlink, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(enrolment, "ANSWER_SECONDS", 0.01)


def attribute(key: keys.NodeKey) -> str:
    return f"FL_ENROL_{key.fingerprint.upper()}"


def test_a_key_is_asked_for_once_without_its_comment(key: keys.NodeKey) -> None:
    cloud = Cloud(FACTS, answers=({"FL_REGISTERED": key.fingerprint},))
    for text in (f"{key.public} root@site\n", key.public):
        assert enrolment.enrol(cloud.link, text) == key.fingerprint
    assert cloud.asked == [{attribute(key): key.public}]


@pytest.mark.parametrize(
    ("answered", "problem"), [((), "is not registered yet"), (("FL_REFUSED",), "it was registered before")]
)
def test_what_the_superlink_does_not_take(key: keys.NodeKey, answered: tuple[str, ...], problem: str) -> None:
    cloud = Cloud(FACTS, answers=(dict.fromkeys(answered, key.fingerprint),))
    with pytest.raises(OperationError, match=f"key {key.fingerprint}.*{problem}"):
        enrolment.enrol(cloud.link, key.public)


def test_a_revoked_key_is_not_even_asked_for(key: keys.NodeKey) -> None:
    cloud = Cloud({**FACTS, attribute(key): "revoked"})
    with pytest.raises(OperationError, match="was revoked, which is for good"):
        enrolment.enrol(cloud.link, key.public)
    assert cloud.asked == []


@pytest.mark.parametrize("said", [{}, {"FL_ENROLMENT": "NO"}])
def test_without_authentication_nobody_has_to_enrol(key: keys.NodeKey, said: dict[str, str]) -> None:
    for action in (lambda link: enrolment.enrol(link, key.public), enrolment.enrolled):
        with pytest.raises(OperationError, match="does not authenticate SuperNodes"):
            action(Cloud(said).link)


@pytest.mark.parametrize("text", ["", "x", "ssh-ed25519 AAAA", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384 AAAA"])
def test_what_is_no_key_is_bad_input(text: str) -> None:
    with pytest.raises(BadInputError, match="expected the public key of a SuperNode") as caught:
        enrolment.enrol(Cloud(FACTS).link, text)
    assert caught.value.exit_code == 2


def test_revoking_waits_for_the_answer_and_can_be_repeated(key: keys.NodeKey) -> None:
    said = {**FACTS, attribute(key): key.public, "FL_REGISTERED": key.fingerprint}
    cloud = Cloud(said, answers=({"FL_REGISTERED": ""},))
    for name in (key.fingerprint.upper(), key.fingerprint):
        enrolment.revoke(cloud.link, name)
    assert cloud.asked == [{attribute(key): "revoked"}] * 2
    with pytest.raises(OperationError, match="still registered"):
        enrolment.revoke(Cloud(said).link, key.fingerprint)


def test_all_keys_with_their_place_and_state(key: keys.NodeKey, tmp_path: Path) -> None:
    inside, waiting = keys.create(tmp_path / "inside"), keys.create(tmp_path / "waiting")
    said = {**FACTS, attribute(key): "revoked", "FL_REGISTERED": inside.fingerprint}
    cloud = Cloud(said, {5: inside.public, 6: waiting.public, 7: ""})
    assert enrolment.enrolled(cloud.link) == [
        Enrolled(inside.fingerprint, "VM 5", "registered"),
        Enrolled(waiting.fingerprint, "VM 6", "waiting"),
        Enrolled(key.fingerprint, "outside", "revoked"),
    ]


def test_keys_come_from_a_file_or_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key.pub").write_text("from a file")
    monkeypatch.setattr(sys, "stdin", io.StringIO("from a pipe"))
    assert enrolment.read_file(str(tmp_path / "key.pub")) == "from a file"
    assert enrolment.read_file("-") == "from a pipe"
    with pytest.raises(BadInputError, match="expected a readable file"):
        enrolment.read_file(str(tmp_path / "none"))


def test_a_superlink_that_is_gone_is_named() -> None:
    link = Cloud(FACTS).link
    link.access.machines.clear()  # type: ignore[attr-defined]
    with pytest.raises(OperationError, match="VM 0 is gone"):
        link.attributes()
