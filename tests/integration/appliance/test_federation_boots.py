"""Boots that differ or fail: without TLS, with wrong values, with a Flower that does not stay up."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fedstack.appliance.status import State
from fedstack.localcloud import control
from tests.integration.appliance.federation import READY_SECONDS, RUNNING, Federation, Machine, cloud
from tests.support.waiting import wait_for

pytestmark = pytest.mark.xdist_group("federation")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Status]:
    with cloud(tmp_path_factory.mktemp("boots") / "cloud") as status:
        yield status


@contextmanager
def deployed(running: control.Status, **inputs: str) -> Iterator[Federation]:
    """One SuperLink and one SuperNode with these context variables."""
    made = Federation(running, inputs=inputs)
    made.deploy(1)
    yield made
    made.undeploy()


def failed_superlink(federation: Federation) -> Machine:
    """The SuperLink once it has published a failure."""
    wait_for(lambda: federation.service().get("roles", [{}])[0].get("nodes"), 30, "the VM", 0.05)
    (link,) = federation.machines("superlink")
    wait_for(lambda: "FL_ERROR" in federation.machine(link.vm_id).attributes, READY_SECONDS, "FL_ERROR", 0.05)
    return federation.machine(link.vm_id)


def test_without_tls_nobody_is_authenticated_and_it_still_works(running: control.Status) -> None:
    with deployed(running, FL_TLS_ENABLED="NO", FL_LOG_LEVEL="WARNING", FL_LOG_FORMAT="json") as federation:
        federation.wait_for_state(RUNNING)
        (link,), (node,) = federation.machines("superlink"), federation.machines("supernode")
        assert (link.attributes["FL_TLS"], link.attributes["FL_SUPERNODE_AUTH"]) == ("NO", "NO")
        assert "FL_CA_CERT" not in link.attributes
        assert "[WARNING]" in link.boot_log
        assert node.status().state is State.CONNECTED  # seen although INFO is not logged
        assert not (node.paths.keys).exists()
        logged = [json.loads(line) for line in flower_log(link) if line.startswith("{")]
        assert any("--insecure" in entry["message"] for entry in logged)
        assert {(entry["role"], entry["level"]) for entry in logged} == {("superlink", "WARNING")}


def flower_log(link: Machine) -> list[str]:
    """What the SuperLink's Flower logged."""
    return (link.paths.logs / "flower-superlink.log").read_text().splitlines()


def test_wrong_values_are_all_named_and_open_no_gate(running: control.Status) -> None:
    with deployed(running, FL_FLEET_API_ADDRESS="nowhere", FL_STRATEGY="Best") as federation:
        said = failed_superlink(federation).attributes
        assert (said["FL_READY"], said["FL_ERROR"]) == ("NO", "config_validation_failed")
        assert "FL_FLEET_API_ADDRESS='nowhere'" in said["FL_ERROR_DETAIL"]
        assert "FL_STRATEGY='Best'" in said["FL_ERROR_DETAIL"]
        assert "READY" not in said
        assert federation.machines("supernode") == []


def test_unusable_operator_certificates_are_a_tls_failure(running: control.Status) -> None:
    triple = dict.fromkeys(("FL_SSL_CA_CERTFILE", "FL_SSL_CERTFILE", "FL_SSL_KEYFILE"), "bm90IGEgUEVN")
    with deployed(running, **triple) as federation:
        said = failed_superlink(federation).attributes
        assert (said["FL_READY"], said["FL_ERROR"]) == ("NO", "tls_setup_failed")
        assert "bm90IGEgUEVN" not in said["FL_ERROR_DETAIL"]


def test_a_flower_that_does_not_stay_up_is_given_up(running: control.Status) -> None:
    with deployed(running, FL_FLEET_API_ADDRESS="192.0.2.1:9092") as federation:
        link = failed_superlink(federation)
        assert (link.attributes["FL_READY"], link.attributes["FL_ERROR"]) == ("NO", "crash_loop")
        assert link.status().state is State.FAILED
        assert "192.0.2.1:9092 is already in use" in link.attributes["FL_ERROR_DETAIL"]
