"""One adapter a Flower generation: how its programs are told what to do.

An adapter is a module with the functions of `Generation`; a new generation is a new module and one line here.
"""

from __future__ import annotations

from typing import Protocol, cast

from fedstack.appliance.failure import ErrorCode, StepError
from fedstack.appliance.generations import flower_1_36
from fedstack.appliance.generations.plan import SuperLinkPlan, SuperNodePlan
from fedstack.appliance.launch import Launch


class Generation(Protocol):
    """What the appliance asks an adapter."""

    def superlink(self, plan: SuperLinkPlan) -> Launch:
        """The SuperLink's launch."""

    def supernode(self, plan: SuperNodePlan) -> Launch:
        """The SuperNode's launch."""


GENERATIONS: dict[str, Generation] = {"1.36": cast(Generation, flower_1_36)}


def generation(name: str) -> Generation:
    """The adapter of a generation such as ``1.36``. Raises StepError when there is none."""
    if name not in GENERATIONS:
        known = ", ".join(GENERATIONS)
        problem = f"the image's Flower generation is {name!r}, expected one of {known}"
        raise StepError(problem, ErrorCode.RUNTIME_START_FAILED)
    return GENERATIONS[name]
