"""The state machine of VMs as a table."""

from __future__ import annotations

import pytest

from fedstack.localcloud.vm import actions, places


@pytest.mark.parametrize("place", list(places.STEPS), ids=places.name)
def test_every_passing_place_leads_to_rest(place: places.Place) -> None:
    seen = []
    while place in places.STEPS:
        assert place not in seen
        seen.append(place)
        place = places.STEPS[place].then
    assert place in {places.RUNNING, places.DONE, *places.AT_REST}


def test_every_failure_that_a_step_makes_can_be_tried_again() -> None:
    made = {step.failed for step in places.STEPS.values()} & places.FAILURES
    assert made == set(places.RETRIES)


@pytest.mark.parametrize("action", list(actions.MOVES))
def test_actions_lead_to_places_that_are_known(action: str) -> None:
    known = {places.RUNNING, places.DONE, places.HOLD, *places.AT_REST, *places.STEPS}
    assert set(actions.MOVES[action].values()) <= known


def test_terminate_is_possible_wherever_a_vm_can_rest() -> None:
    rests = {places.RUNNING, places.UNKNOWN, places.PENDING, places.HOLD, *places.AT_REST, *places.FAILURES}
    assert rests <= set(actions.MOVES["terminate"])
