"""What `fedstack rotate-certs` asks of the platform, in which order, and how it goes on after it was cut off."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from fedstack.appliance import certificates
from fedstack.appliance.certificates import Material
from fedstack.operations import rotation, superlink
from fedstack.operations.errors import BadInputError, OperationError
from fedstack.operations.rotation import CA, CERTIFICATE, KEY, REFRESH, Answer
from fedstack.operations.superlink import SuperLink

READY = {"FL_TLS": "YES"}


class Vm:
    """A VM with attributes and a context."""

    def __init__(self, attributes: dict[str, str], context: dict[str, str]) -> None:
        self.USER_TEMPLATE = attributes
        self.TEMPLATE = {"CONTEXT": context}


class Cloud:
    """A service: SuperLink 0, SuperNode 1. It answers every request at once, with `outcome`."""

    def __init__(self, said: Mapping[str, str], outcome: str = "done fine", context: Mapping[str, str] = {}) -> None:
        self.machines = {0: Vm(dict(said), dict(context)), 1: Vm({}, {CA: context.get(CA, "")})}
        self.outcome = outcome
        self.calls: list[str] = []
        contents = {name: context.get(name, "") for name in (CA, CERTIFICATE, KEY)}
        roles = [
            {"name": "superlink", "template_contents": {**contents, "CONTEXT": {CA: f"${CA}"}}},
            {"name": "supernode", "template_contents": {CA: context.get(CA, "")}},
        ]
        self.body: dict[str, Any] = {"roles": roles}

    def vms(self, ids: list[int]) -> dict[int, Any]:
        return {vm_id: self.machines[vm_id] for vm_id in ids}

    def service(self, service_id: int) -> dict[str, Any]:
        assert service_id == 9
        return {"TEMPLATE": {"BODY": self.body}}

    def update_service(self, service_id: int, body: Mapping[str, Any]) -> None:
        assert service_id == 9
        self.calls.append("service")
        self.body = dict(body)

    def update_context(self, vm_id: int, variables: Mapping[str, str]) -> None:
        self.calls.append(f"context of {vm_id}: {' '.join(variables)}")
        self.machines[vm_id].TEMPLATE["CONTEXT"] |= variables

    def update_vm(self, vm_id: int, attributes: Mapping[str, str]) -> None:
        self.calls.append("request")
        asked = attributes["FL_ROTATE"].split()[0]
        self.machines[vm_id].USER_TEMPLATE |= {**attributes, "FL_ROTATED": f"{asked} {self.outcome}"}

    def read(self, *arguments: str) -> str:
        """The stack."""
        self.calls.append(arguments[0])
        assert arguments == REFRESH
        return ""

    @property
    def said(self) -> dict[str, str]:
        return self.machines[0].USER_TEMPLATE

    def rotate(self, declared: Mapping[str, str] = {}, *, force: bool = False) -> Answer:
        link = SuperLink(self, 9, 0, (1,))  # type: ignore[arg-type]
        return rotation.rotate(self, link, declared, force, lambda _: None)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(superlink, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(rotation, "ANSWER_SECONDS", 0.01)


@pytest.fixture(scope="module")
def triple(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Certificates of a configuration."""
    made = Material(tmp_path_factory.mktemp("own"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certificates, "KEY_BITS", 2048)
        certificates.generate(made, "127.0.0.1", certificates.alternative_names("127.0.0.1", ""))
    found = {CA: made.ca, CERTIFICATE: made.server, KEY: made.server_key}
    return {name: base64.b64encode(path.read_bytes()).decode() for name, path in found.items()}


def test_generated_certificates_need_a_request_and_nothing_else() -> None:
    cloud = Cloud(READY)
    answer = cloud.rotate()
    assert (answer.outcome, answer.text) == ("done", "fine")
    assert cloud.calls == ["request", "refresh"]
    assert "force" not in cloud.said["FL_ROTATE"]


def test_force_is_part_of_the_request() -> None:
    cloud = Cloud(READY)
    cloud.rotate(force=True)
    assert cloud.said["FL_ROTATE"].endswith(" force")


def test_certificates_of_the_configuration_go_where_vms_boot_from_before_the_request(triple: dict[str, str]) -> None:
    cloud = Cloud(READY)
    cloud.rotate(triple)
    assert cloud.calls == [
        "service",
        f"context of 0: {CA} {CERTIFICATE} {KEY}",
        f"context of 1: {CA}",
        "request",
        "refresh",
    ]
    link, node = (role["template_contents"] for role in cloud.body["roles"])
    assert {name: link[name] for name in triple} == triple
    assert link["CONTEXT"] == {CA: f"${CA}"}
    assert node == {CA: triple[CA]}
    cloud.calls.clear()
    cloud.rotate(triple)
    assert cloud.calls == ["request", "refresh"], "what is there already is not written again"


def test_back_to_generated_certificates(triple: dict[str, str]) -> None:
    cloud = Cloud(READY, context=triple)
    cloud.rotate({})
    assert cloud.machines[0].TEMPLATE["CONTEXT"] == {CA: "", CERTIFICATE: "", KEY: ""}
    assert cloud.machines[1].TEMPLATE["CONTEXT"] == {CA: ""}


def test_a_rotation_that_was_cut_off_is_followed_not_repeated() -> None:
    cloud = Cloud({**READY, "FL_ROTATE": "a1", "FL_ROTATED": "0f done before"})
    with pytest.raises(OperationError, match="no answer to rotation a1 yet; it goes on"):
        cloud.rotate()
    assert cloud.calls == []
    cloud.said["FL_ROTATED"] = "a1 done 2 of 2"
    assert rotation.pending(cloud.said) is None


@pytest.mark.parametrize(
    ("outcome", "problem"),
    [("refused run 17 is active", "refused: run 17 is active; --force ends it"), ("failed no CA", "failed: no CA")],
)
def test_what_the_superlink_does_not_do_is_said_and_refreshes_nothing(outcome: str, problem: str) -> None:
    cloud = Cloud(READY, outcome)
    with pytest.raises(OperationError, match=problem):
        cloud.rotate()
    assert "refresh" not in cloud.calls


@pytest.mark.parametrize("said", [{}, {"FL_TLS": "NO"}])
def test_without_tls_there_is_nothing_to_rotate(said: dict[str, str]) -> None:
    cloud = Cloud(said)
    with pytest.raises(OperationError, match="there are no certificates to rotate"):
        cloud.rotate()
    assert cloud.calls == []


def test_certificates_that_cannot_work_change_nothing(triple: dict[str, str]) -> None:
    for change, problem in (
        ({KEY: triple[CERTIFICATE]}, "server.key is no unencrypted private key"),
        ({CERTIFICATE: "?"}, "tls of the stack's configuration"),
    ):
        cloud = Cloud(READY)
        with pytest.raises(BadInputError, match=problem) as caught:
            cloud.rotate({**triple, **change})
        assert triple[KEY] not in str(caught.value)
        assert cloud.calls == []


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", None),
        ("a1", None),
        ("a1 done", Answer("a1", "done", "")),
        ("a1 refused run 1 is active", Answer("a1", "refused", "run 1 is active")),
    ],
)
def test_answers(text: str, answer: Answer | None) -> None:
    assert Answer.of({"FL_ROTATED": text}) == answer


def test_only_a_service_with_a_superlink_has_certificates() -> None:
    cloud = Cloud(READY)
    cloud.body["roles"] = [{"name": "supernode", "nodes": [{"deploy_id": 1}]}]
    with pytest.raises(OperationError, match="run this on the SuperLink's stack"):
        superlink.find(cloud, 9)  # type: ignore[arg-type]
    cloud.body["roles"].append({"name": "superlink", "nodes": [{"deploy_id": 0}]})
    found = superlink.find(cloud, 9)  # type: ignore[arg-type]
    assert (found.vm_id, found.members) == (0, (1,))
