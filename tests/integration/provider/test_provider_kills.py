"""`pulumi up` killed with -9 at random moments while everything is created, scaled, replaced and destroyed.

After each kill `fedstack resume` brings the stack to its program, and the cloud has exactly what the state has.
"""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from provider_cloud import TestCloud
from provider_stack import Stack
from provider_versions import add_pack, in_cloud, in_state, sizes, versions

from tests.support.calls import Calls, counted
from tests.support.waiting import wait_for
from tests.support.workspace import processes_with

KILLS = int(os.environ.get("FEDSTACK_UP_KILLS", "3"))
SEED = int(os.environ.get("FEDSTACK_UP_KILLS_SEED", "11"))
CALLS = (50, 50, 60, 25)
"""How many calls the update to each version makes at least; a kill waits for one of them."""
EARLY, LATER = 2.5, 0.3
"""A kill comes up to LATER seconds after that call; one in EARLY_SHARE up to EARLY seconds after the start."""
EARLY_SHARE = 6
SECONDS = 180
MACHINES = [{"fed": 2, "loose": 2}, {"fed": 4, "loose": 2}, {"fed": 3, "loose": 2}, {}]
"""Of the services in each version: a coordinator and its workers."""


@pytest.fixture(scope="module")
def calls(cloud: TestCloud) -> Iterator[tuple[Calls, list[str]]]:
    with counted(cloud.status["rpc"], cloud.status["flow"]) as seen:
        yield seen


@pytest.fixture(scope="module")
def stack(
    cloud: TestCloud, calls: tuple[Calls, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    _, (rpc, flow) = calls
    there = {**cloud.environment, "ONE_XMLRPC": rpc, "ONEFLOW_URL": flow, "PULUMI_PARALLEL": "16"}
    made = Stack(tmp_path_factory.mktemp("project"), there)
    add_pack(made)
    yield made
    made.run("destroy", "--yes", "--skip-preview")


def killed(stack: Stack, seen: Calls, number: int, seconds: float) -> bool:
    """Starts an update and kills it so many seconds after that many calls; False when it ended by itself before."""
    seen.seen.clear()
    running = stack.start("up", "--yes", "--skip-preview", "--policy-pack", "policies")
    wait_for(lambda: len(seen.seen) >= number or running.poll() is not None, SECONDS, f"call {number}", every=0.005)
    try:
        running.wait(seconds)
    except subprocess.TimeoutExpired:
        running.kill()
    return running.wait() != 0


def resume(stack: Stack) -> subprocess.CompletedProcess[str]:
    """The one documented command."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "fedstack"), "resume", "--stack", "dev"],
        cwd=stack.root,
        env=stack.settings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_no_kill_loses_or_doubles_anything(stack: Stack, cloud: TestCloud, calls: tuple[Calls, list[str]]) -> None:
    chance = random.Random(SEED)  # noqa: S311 - reproducible on purpose
    programs, hits, turn = versions(), 0, 0
    while hits < KILLS:
        place = turn % len(programs)
        stack.wanted = programs[place]
        stack.write()
        number = chance.randint(1, CALLS[place]) if chance.randrange(EARLY_SHARE) else 0
        seconds = chance.uniform(0, LATER if number else EARLY)
        hit = killed(stack, calls[0], number, seconds)
        where = f"version {place}, {seconds:.2f} s after call {number} (seed {SEED}, kill {hits})"
        done = resume(stack)
        assert done.returncode == 0, f"{where}\n{done.stdout}"
        assert processes_with(str(stack.root)) == [], where
        known, pending = in_state(stack)
        assert pending == [], where
        assert in_cloud(cloud, stack.resources()["mark"]["id"]) == known, where
        assert len(known) == len(programs[place]) - 1, where
        assert sizes(cloud) == MACHINES[place], where
        hits, turn = hits + hit, turn + 1
    print(f"{hits} kills in {turn} updates (seed {SEED}): nothing lost, nothing doubled")
    assert stack.up("--expect-no-changes").returncode == 0


def test_a_state_that_a_kill_left_unreadable_is_mended(stack: Stack) -> None:
    """Pulumi writes a file beside its state, and not at once."""
    beside = stack.root / "state/.pulumi/stacks/probe/dev.json.attrs"
    assert beside.read_text()
    beside.write_text("")
    assert "failed to load checkpoint" in stack.run("cancel", "--yes").stdout
    done = resume(stack)
    assert done.returncode == 0, done.stdout
    assert "removed dev.json.attrs" in done.stdout


def test_a_run_that_is_alive_is_left_alone(stack: Stack) -> None:
    running = stack.start("up", "--yes", "--skip-preview")
    wait_for(stack.providers, 30, "the provider")
    running.send_signal(signal.SIGSTOP)
    try:
        refused = resume(stack)
    finally:
        running.send_signal(signal.SIGCONT)
    assert refused.returncode == 1
    assert "stack 'dev': a run of Pulumi is under way in this project" in refused.stdout
    assert running.wait(SECONDS) == 0
