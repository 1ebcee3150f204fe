"""One adapter a Flower generation: how its programs are told what to do."""

from __future__ import annotations

from fedstack.appliance.failure import ErrorCode, StepError
from fedstack.appliance.generations.flower import FLOWER_1_25, FLOWER_1_31, FLOWER_1_36
from fedstack.appliance.generations.generation import Generation

GENERATIONS: dict[str, Generation] = {each.name: each for each in (FLOWER_1_25, FLOWER_1_31, FLOWER_1_36)}


def generation(name: str) -> Generation:
    """The adapter of a generation such as ``1.36``. Raises StepError when there is none."""
    if name not in GENERATIONS:
        known = ", ".join(GENERATIONS)
        problem = f"the image's Flower generation is {name!r}, expected one of {known}"
        raise StepError(problem, ErrorCode.RUNTIME_START_FAILED)
    return GENERATIONS[name]
