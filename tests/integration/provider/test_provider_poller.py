"""A hundred VM templates and twenty services at once: few calls, however many of them wait, and nothing left to do.

How long that takes is measured by `python -m benchmarks stack`.
"""

from collections.abc import Iterator

import pytest
from provider_cloud import TestCloud, running_cloud
from provider_stack import Stack

from benchmarks.stack import wanted
from opennebula_provider.reads import BURST, CALLS_PER_SECOND
from tests.support.calls import Calls, counted

BOUND = CALLS_PER_SECOND + BURST
SLACK = 2
"""The relay sees calls a moment after they were made, so that a second here can hold some of its neighbours' calls."""
SHARED = ("GET /service", "GET /service/N", "GET /service_template", "templatepool.info", "vmpool.infoset")
"""The calls by which many resources look, for services and for what a killed update may have left."""


@pytest.fixture(scope="module")
def slow_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCloud]:
    """Its machines take long enough for all services to wait at the same time."""
    with running_cloud(tmp_path_factory.mktemp("cloud") / "state", "--boot-time", "1.5") as running:
        yield running


@pytest.fixture(scope="module")
def calls(slow_cloud: TestCloud) -> Iterator[tuple[Calls, list[str]]]:
    with counted(slow_cloud.status["rpc"], slow_cloud.status["flow"]) as seen:
        yield seen


@pytest.fixture(scope="module")
def stack(
    slow_cloud: TestCloud, calls: tuple[Calls, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    _, (rpc, flow) = calls
    there = {**slow_cloud.environment, "ONE_XMLRPC": rpc, "ONEFLOW_URL": flow, "PULUMI_PARALLEL": "64"}
    yield Stack(tmp_path_factory.mktemp("project"), there, wanted(100, 20))


def test_the_stack_is_deployed_with_a_bounded_number_of_looks(
    stack: Stack, slow_cloud: TestCloud, calls: tuple[Calls, list[str]]
) -> None:
    done = stack.up()
    assert done.returncode == 0, done.stdout
    assert slow_cloud.left() == {
        **{"VNET": 0, "IMAGE": 0},
        **{"VMTEMPLATE": 100, "VM": 40, "service": 20, "service_template": 20},
    }
    seen = calls[0]
    assert 0 < seen.busiest_second(*SHARED) <= BOUND + SLACK, seen.count()


def test_the_next_update_changes_nothing_and_asks_nothing(stack: Stack, calls: tuple[Calls, list[str]]) -> None:
    calls[0].seen.clear()
    again = stack.up("--expect-no-changes")
    assert again.returncode == 0, again.stdout
    assert calls[0].count() == {"system.version": 1}


def test_all_of_it_goes_again(stack: Stack, slow_cloud: TestCloud) -> None:
    gone = stack.run("destroy", "--yes", "--skip-preview")
    assert gone.returncode == 0, gone.stdout
    assert set(slow_cloud.left().values()) == {0}
