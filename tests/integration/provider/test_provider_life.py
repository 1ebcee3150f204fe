"""A federation through the real CLI: made, left alone, scaled, ill, healed, robbed, adopted, removed."""

from collections.abc import Iterator

import pytest
from provider_cloud import TestCloud
from provider_stack import Stack, federation

from tests.support.waiting import wait_for


@pytest.fixture(scope="module")
def stack(cloud: TestCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("project"), cloud.environment, federation(2))
    first = made.up()
    assert first.returncode == 0, first.stdout
    assert "head READY 1/1, worker 0/2 ready" in first.stdout
    yield made
    made.run("destroy", "--yes", "--skip-preview")


def names(cloud: TestCloud) -> list[str]:
    return [machine["NAME"].split("_(")[0] for machine in cloud.machines()]


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    second = stack.up("--refresh", "--expect-no-changes")
    assert second.returncode == 0, second.stdout
    assert "6 unchanged" in second.stdout


def test_a_count_is_one_update_in_place(stack: Stack, cloud: TestCloud) -> None:
    before = {machine["ID"] for machine in cloud.machines()}
    stack.wanted = federation(3)
    done = stack.up()
    assert done.returncode == 0, done.stdout
    assert "~ cardinality: 2 => 3" in done.stdout
    assert "1 updated" in done.stdout
    assert before < {machine["ID"] for machine in cloud.machines()}
    assert names(cloud) == ["head_0", "worker_0", "worker_1", "worker_2"]


def test_a_dead_machine_shows_in_the_preview_and_is_healed(stack: Stack, cloud: TestCloud) -> None:
    victim = next(machine for machine in cloud.machines() if machine["NAME"].startswith("worker_1"))
    cloud.call("vm.action", "poweroff-hard", int(victim["ID"]))
    state = lambda: cloud.services()[0]["TEMPLATE"]["BODY"]["state"]  # noqa: E731
    wait_for(lambda: state() == 4, 10, "WARNING")
    preview = stack.preview("--refresh")
    assert preview.returncode == 0, preview.stdout
    assert f'~ health: "WARNING: {victim["NAME"]} is POWEROFF" => "healthy"' in preview.stdout
    healed = stack.up("--refresh")
    assert healed.returncode == 0, healed.stdout
    assert f"warning: service 'fed' ({stack.resources()['service']['id']}): WARNING: {victim['NAME']}" in healed.stdout
    assert state() == 2
    after = next(machine for machine in cloud.machines() if machine["ID"] == victim["ID"])
    assert (after["STATE"], after["USER_TEMPLATE"]["READY"]) == ("3", "YES")


def test_a_machine_that_is_gone_is_made_again(stack: Stack, cloud: TestCloud) -> None:
    victim = next(machine for machine in cloud.machines() if machine["NAME"].startswith("worker_0"))
    cloud.call("vm.action", "terminate-hard", int(victim["ID"]))
    wait_for(lambda: "worker_0" not in names(cloud), 10, "the end of worker_0")
    done = stack.up("--refresh")
    assert done.returncode == 0, done.stdout
    assert "~ cardinality: 2 => 3" in done.stdout
    assert names(cloud) == ["head_0", "worker_1", "worker_2", "worker_3"]


def test_a_creation_that_was_cut_off_is_adopted(stack: Stack, cloud: TestCloud) -> None:
    before, machines = stack.resources(), names(cloud)
    for name in ("service", "template"):
        assert stack.run("state", "delete", "--yes", before[name]["urn"]).returncode == 0
    done = stack.up()
    assert done.returncode == 0, done.stdout
    assert "2 created" in done.stdout
    after = stack.resources()
    assert [after[name]["id"] for name in ("service", "template")] == [
        before[name]["id"] for name in ("service", "template")
    ]
    assert names(cloud) == machines


def test_another_cloud_is_not_mistaken_for_an_empty_one(stack: Stack, cloud: TestCloud) -> None:
    port = cloud.status["rpc"].rsplit(":", 1)[1]
    moved = stack.run("refresh", "--yes", ONE_XMLRPC=f"http://localhost:{port}")
    assert moved.returncode != 0
    assert f"lives at {cloud.status['rpc']}, but the provider is configured for http://localhost:{port}" in moved.stdout


def test_destroy_leaves_nothing(stack: Stack, cloud: TestCloud) -> None:
    done = stack.run("destroy", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout
    assert set(cloud.left().values()) == {0}
    assert "Traceback" not in done.stdout


def test_a_wrong_password_is_one_message(stack: Stack) -> None:
    wrong = stack.run("preview", ONE_AUTH="oneadmin:wrong")
    assert wrong.returncode != 0
    assert "OpenNebula refuses this user name and password" in wrong.stdout
    assert "set opennebula:username and opennebula:password, or ONE_AUTH" in wrong.stdout
    assert "Traceback" not in wrong.stdout
