"""An update that is killed, a service that does not get ready: nothing is lost, doubled or forgotten."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from provider_cloud import TestCloud
from provider_stack import Stack, federation

from tests.support.waiting import wait_for
from tests.support.workspace import processes_with


@pytest.fixture(scope="module")
def stack(cloud: TestCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("project"), cloud.environment, silent())
    yield made
    made.run("destroy", "--yes", "--skip-preview")


def silent() -> dict[str, Any]:
    """Guests that never report READY; the coordinator gets two seconds for it."""
    roles = [{"name": "head", "ready_deadline": 2}, {"name": "worker", "cardinality": 1}]
    return federation(report=False, roles=roles)


def test_a_killed_update_leaves_no_provider(stack: Stack, cloud: TestCloud) -> None:
    killed = stack.start("up", "--yes", "--skip-preview")
    wait_for(cloud.machines, 30, "the first machine")
    assert stack.providers()
    killed.kill()
    killed.wait()
    wait_for(lambda: not stack.providers(), 15, "the end of the provider")
    for orphan in processes_with(str(stack.root)):  # Pulumi's own hosts do not notice that their engine is gone
        os.kill(orphan, signal.SIGKILL)
    assert stack.run("cancel", "--yes").returncode == 0


def test_a_deadline_keeps_the_service_with_its_reason(stack: Stack, cloud: TestCloud) -> None:
    failed = stack.up()
    assert failed.returncode != 0
    assert len(cloud.services()) == 1, "the service of the killed update is adopted"
    name = cloud.machines()[0]["NAME"]
    reason = f"role head 0/1 ready after 2 s: {name} runs but has not reported READY"
    assert reason in failed.stdout
    assert "Traceback" not in failed.stdout
    kept = stack.resources()["service"]
    assert reason in kept["initErrors"][0]
    assert kept["outputs"]["state"] == "DEPLOYING"


def test_a_refresh_does_not_forget_it(stack: Stack) -> None:
    stack.run("refresh", "--yes", "--skip-preview", "--clear-pending-creates")
    kept = stack.resources()["service"]
    assert "is DEPLOYING" in kept["initErrors"][0]
    assert kept["outputs"]["health"].startswith("DEPLOYING: ")


def test_the_next_update_goes_on_with_the_same_service(stack: Stack, cloud: TestCloud) -> None:
    before = stack.resources()["service"]["id"]
    cloud.report_ready(int(cloud.machines()[0]["ID"]))
    wait_for(lambda: len(cloud.machines()) == 2, 10, "the worker")
    cloud.report_ready(int(cloud.machines()[1]["ID"]))
    done = stack.up()
    assert done.returncode == 0, done.stdout
    kept = stack.resources()["service"]
    assert kept["id"] == before
    assert not kept.get("initErrors")
    assert kept["outputs"]["health"] == "healthy"


def test_a_service_deleted_outside_is_made_anew(stack: Stack, cloud: TestCloud) -> None:
    cloud.flow("POST", "service/{}/action".format(stack.resources()["service"]["id"]), RECOVER_DELETE)
    stack.wanted = federation(report=True)
    done = stack.up("--refresh")
    assert done.returncode == 0, done.stdout
    assert len(cloud.services()) == 1
    gone = stack.run("destroy", "--yes", "--skip-preview")
    assert gone.returncode == 0, gone.stdout
    assert set(cloud.left().values()) == {0}


RECOVER_DELETE = {"action": {"perform": "recover", "params": {"delete": True}}}
