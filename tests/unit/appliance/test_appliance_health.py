"""Health, status and restarts: when READY may be reported, and when a crash is one too many."""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fedstack.appliance import health, status
from fedstack.appliance.launch import Launch
from fedstack.appliance.paths import Paths
from fedstack.appliance.restarts import CRASHES, FIRST_PAUSE, LONGEST_PAUSE, Restarts
from fedstack.appliance.status import State, Status
from fedstack.processes import start_time

LAUNCH = Launch("supernode", "flower-supernode", [], {}, "1.36", "127.0.0.1:9092")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


@pytest.fixture
def listener() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def booted(paths: Paths, launch: Launch, error: str | None = None) -> None:
    launch.save(paths.launch_file)
    health.write_outcome(paths, error)


def own_status(state: State, **more: str) -> Status:
    return Status(state, os.getpid(), start_time(os.getpid()) or 0, **more)  # type: ignore[arg-type]


def test_a_boot_that_has_not_ended_is_not_healthy(paths: Paths) -> None:
    assert health.check("superlink", paths) == "the boot has not ended"


def test_a_failed_boot_is_not_healthy_even_when_flower_listens(paths: Paths, listener: str) -> None:
    booted(paths, replace(LAUNCH, appliance="superlink", fleet_address=listener), "step 12 publish: refused")
    assert health.check("superlink", paths) == "the boot failed: step 12 publish: refused"


def test_a_superlink_is_healthy_while_its_fleet_api_listens(paths: Paths, listener: str) -> None:
    booted(paths, replace(LAUNCH, appliance="superlink", fleet_address=listener))
    assert health.check("superlink", paths) is None
    booted(paths, replace(LAUNCH, appliance="superlink", fleet_address="127.0.0.1:1"))
    assert health.check("superlink", paths) == "nothing listens on 127.0.0.1:1"


def test_a_supernode_is_healthy_once_it_is_connected(paths: Paths) -> None:
    booted(paths, LAUNCH)
    assert health.check("supernode", paths) == "the supervisor does not run"
    own_status(State.WAITING, reason="refused").save(paths.status_file)
    assert health.check("supernode", paths) == "not connected to 127.0.0.1:9092: waiting refused"
    own_status(State.CONNECTED).save(paths.status_file)
    assert health.check("supernode", paths) is None


def test_with_a_static_address_a_running_supervisor_is_enough(paths: Paths) -> None:
    booted(paths, replace(LAUNCH, static=True))
    own_status(State.WAITING).save(paths.status_file)
    assert health.check("supernode", paths) is None


def test_the_word_of_a_dead_supervisor_does_not_count(paths: Paths) -> None:
    booted(paths, LAUNCH)
    replace(own_status(State.CONNECTED), started=1).save(paths.status_file)
    assert health.check("supernode", paths) == "the supervisor does not run"


def test_a_status_is_read_back_unchanged(paths: Paths) -> None:
    written = own_status(State.CONNECTED, node_id="12")
    written.save(paths.status_file)
    assert status.load(paths.status_file) == written
    assert status.load(paths.root / "none") is None


def test_the_health_script_is_executable(paths: Paths) -> None:
    health.write_script("supernode", paths)
    script = paths.scripts / "health-check.sh"
    assert script.stat().st_mode & 0o777 == 0o755
    assert script.read_text().endswith("exec fedstack-appliance report supernode\n")


@pytest.mark.parametrize("wildcard", ["0.0.0.0", "127.0.0.1"])  # noqa: S104
def test_an_address_of_all_interfaces_is_tried_on_loopback(listener: str, wildcard: str) -> None:
    assert health.accepts(f"{wildcard}:{listener.rpartition(':')[2]}")


def test_pauses_grow_and_are_short_again_after_success() -> None:
    restarts = Restarts()
    pauses = [restarts.refused() for _ in range(8)]
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE
    restarts.succeeded()
    assert restarts.refused() == FIRST_PAUSE


def test_five_crashes_in_a_minute_are_too_many() -> None:
    restarts = Restarts()
    assert all(restarts.crashed(float(second)) is not None for second in range(CRASHES - 1))
    assert restarts.crashed(59.0) is None


def test_crashes_far_apart_go_on_for_ever() -> None:
    restarts = Restarts()
    assert all(restarts.crashed(20.0 * number) is not None for number in range(50))
