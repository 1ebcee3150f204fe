"""What a SuperNode makes of the service document, and how long it looks for one."""

from typing import Any

import pytest

from fedstack.appliance import service
from fedstack.appliance.discovery import discover
from fedstack.appliance.failure import StepError
from fedstack.appliance.onegate import GateError

READY = {
    "FL_READY": "YES",
    "FL_ENDPOINT": "127.0.0.2:9092",
    "FL_TLS": "YES",
    "FL_CA_CERT": "Y2E=",
    "FL_SUPERNODE_AUTH": "YES",
    "FL_VERSION": "1.36.0",
    "FL_REGISTERED": "aa bb",
}


def document(*links: dict[str, str], nodes: tuple[int, ...] = ()) -> dict[str, Any]:
    def node(number: int, template: dict[str, str]) -> dict[str, Any]:
        return {"deploy_id": number, "running": None, "vm_info": {"VM": {"USER_TEMPLATE": template}}}

    return {
        "SERVICE": {
            "id": "5",
            "roles": [
                {"name": "superlink", "cardinality": 1, "nodes": [node(i, said) for i, said in enumerate(links)]},
                {"name": "supernode", "cardinality": str(len(nodes)), "nodes": [node(i, {}) for i in nodes]},
            ],
        }
    }


class Gate:
    """Answers what it is given, one after the other; the last one again and again."""

    def __init__(self, *answers: dict[str, Any] | GateError, vm: GateError | None = None) -> None:
        self.answers = list(answers)
        self.refusal = vm
        self.asked = 0

    def vm(self) -> dict[str, Any]:
        if self.refusal:
            raise self.refusal
        return {}

    def service(self) -> dict[str, Any]:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, GateError):
            raise answer
        return answer


def test_all_that_a_ready_superlink_published_is_read() -> None:
    found = service.announcement(document(READY))
    assert found == service.Announcement("127.0.0.2:9092", True, "Y2E=", True, "1.36.0", frozenset({"aa", "bb"}))


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"FL_ENDPOINT": "127.0.0.2:9092"},
        {"FL_READY": "NO", "FL_ENDPOINT": "127.0.0.2:9092"},
        {"FL_READY": "YES", "FL_ENDPOINT": ""},
    ],
)
def test_a_superlink_that_is_not_ready_is_none(said: dict[str, str]) -> None:
    assert service.announcement(document(said)) is None


def test_the_first_ready_one_counts() -> None:
    found = service.announcement(document({"FL_READY": "NO"}, READY))
    assert found is not None
    assert found.endpoint == "127.0.0.2:9092"


@pytest.mark.parametrize("odd", [{}, {"SERVICE": {}}, {"SERVICE": {"roles": [{"name": "superlink"}]}}])
def test_odd_documents_have_no_superlink(odd: dict[str, Any]) -> None:
    assert service.announcement(odd) is None


def test_the_plain_form_of_the_document_has_no_announcement() -> None:
    plain = document(READY)
    plain["SERVICE"]["roles"][0]["nodes"][0]["vm_info"] = {"VM": {"ID": "0", "NAME": "superlink_0"}}
    assert service.announcement(plain) is None


def test_the_partition_is_the_place_in_the_array() -> None:
    assert service.partition(document(nodes=(7, 9, 12)), "9") == "partition-id=1 num-partitions=3"
    assert service.partition(document(nodes=(7, 9)), "8") is None
    assert service.partition({"SERVICE": {"roles": []}}, "8") is None


def test_a_static_address_asks_nobody() -> None:
    gate = Gate(document(READY), vm=GateError("away"))
    found = discover("10.0.0.1:9092", gate, print)  # type: ignore[arg-type]
    assert (found.address, found.announced, gate.asked) == ("10.0.0.1:9092", None, 0)


def test_neither_address_nor_onegate_is_an_error() -> None:
    with pytest.raises(StepError, match="FL_SUPERLINK_ADDRESS is empty"):
        discover("", None, print)


def test_a_useless_onegate_ends_discovery_at_once() -> None:
    gate = Gate(document(READY), vm=GateError("refused with 401"))
    with pytest.raises(StepError, match="set FL_SUPERLINK_ADDRESS"):
        discover("", gate, print)  # type: ignore[arg-type]
    assert gate.asked == 0


def test_it_goes_on_looking_until_a_superlink_is_ready() -> None:
    gate = Gate(document({}), GateError("500"), document(READY))
    said: list[str] = []
    found = discover("", gate, said.append, wait=0.01)  # type: ignore[arg-type]
    assert (found.address, gate.asked, len(said)) == ("127.0.0.2:9092", 3, 3)


def test_it_gives_up_after_the_attempts() -> None:
    gate = Gate(document({}))
    with pytest.raises(StepError, match="in 4 attempts"):
        discover("", gate, lambda _: None, attempts=4, wait=0.01)  # type: ignore[arg-type]
    assert gate.asked == 4
