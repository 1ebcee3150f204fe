"""What a SuperNode makes of the service document, and how long it looks for one."""

from itertools import islice
from typing import Any

import pytest

from fedstack.appliance import service
from fedstack.appliance.backoff import FIXED, choose
from fedstack.appliance.discovery import discover
from fedstack.appliance.failure import StepError
from fedstack.appliance.onegate import GateError

READY = {
    "FL_READY": "YES",
    "FL_ENDPOINT": "127.0.0.2:9092",
    "FL_TLS": "YES",
    "FL_CA_CERT": "Y2E=",
    "FL_ENROLMENT": "YES",
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


class Clock:
    """Time that passes when somebody rests; TimeoutError once it is `enough`."""

    def __init__(self, enough: float = 10_000.0) -> None:
        self.rests: list[float] = []
        self.enough = enough

    def rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        if sum(self.rests) > self.enough:
            raise TimeoutError


def test_all_that_a_ready_superlink_published_is_read() -> None:
    found = service.announcement(document(READY))
    assert found == service.Announcement(0, "127.0.0.2:9092", True, "Y2E=", True, "1.36.0", frozenset({"aa", "bb"}))


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
    with pytest.raises(StepError, match="FL_SUPERLINK_ADDRESS is empty and OneGate is not available"):
        discover("", None, print)


def test_a_useless_onegate_ends_discovery_at_once() -> None:
    gate = Gate(document(READY), vm=GateError("refused with 401"))
    with pytest.raises(StepError, match="set FL_SUPERLINK_ADDRESS"):
        discover("", gate, print)  # type: ignore[arg-type]
    assert gate.asked == 0


def test_it_goes_on_looking_until_a_superlink_is_ready() -> None:
    gate = Gate(document({}), GateError("500"), document(READY))
    said: list[str] = []
    clock = Clock()
    found = discover("", gate, said.append, rest=clock.rest)  # type: ignore[arg-type]
    assert (found.address, gate.asked, len(said)) == ("127.0.0.2:9092", 3, 3)
    assert clock.rests == [10.0, 10.0]


def test_an_address_that_is_none_is_said_and_not_used() -> None:
    gate, clock = Gate(document({**READY, "FL_ENDPOINT": "$(reboot)"}), document(READY)), Clock()
    said: list[str] = []
    found = discover("", gate, said.append, rest=clock.rest)  # type: ignore[arg-type]
    assert (found.address, clock.rests) == ("127.0.0.2:9092", [10.0])
    assert said[0].startswith("the SuperLink published FL_ENDPOINT='$(reboot)': expected host:port")


def test_it_gives_up_after_the_attempts() -> None:
    gate, clock = Gate(document({})), Clock()
    with pytest.raises(StepError, match="in 30 attempts"):
        discover("", gate, lambda _: None, rest=clock.rest)  # type: ignore[arg-type]
    assert (gate.asked, clock.rests) == (30, [10.0] * 29)


def test_an_edge_node_never_gives_up_and_looks_less_and_less_often() -> None:
    gate, clock = Gate(document({})), Clock(enough=4000.0)
    said: list[str] = []
    with pytest.raises(TimeoutError):
        discover("", gate, said.append, choose(True, "exponential", 300), clock.rest)  # type: ignore[arg-type]
    assert clock.rests[:7] == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]
    assert set(clock.rests[5:]) == {300.0}  # 12 looks an hour
    assert said[1] == "no SuperLink is ready (attempt 2), next look in 20 s"


def test_an_edge_node_boots_before_its_network() -> None:
    away = GateError("http://gate cannot be reached")
    gate, clock = Gate(away, away, document({}), document(READY), vm=away), Clock()
    found = discover("", gate, lambda _: None, choose(True, "exponential", 15), clock.rest)  # type: ignore[arg-type]
    assert (found.address, clock.rests) == ("127.0.0.2:9092", [10.0, 15.0, 15.0])


def test_a_cap_below_the_first_wait_counts_from_the_start() -> None:
    assert list(islice(choose(True, "exponential", 4).waits(), 3)) == [4, 4, 4]


@pytest.mark.parametrize(("edge", "algorithm"), [(False, "exponential"), (False, "fixed"), (True, "fixed")])
def test_only_an_edge_image_backs_off(edge: bool, algorithm: str) -> None:
    assert choose(edge, algorithm, 300) == FIXED


def test_an_image_may_look_more_often() -> None:
    assert list(islice(choose(True, "exponential", 5, 2).waits(), 3)) == [2, 4, 5]
    assert set(choose(False, "exponential", 5, 2).waits()) == {2, None}
