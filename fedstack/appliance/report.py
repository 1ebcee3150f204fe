"""The end of a boot: whether READY=YES may be reported (reference 3.2 step 12, 4.2 step 15).

The guest agent asks through health-check.sh, up to three times ten seconds apart, and reports READY=YES itself. Once
it has given up, `late` does it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fedstack.appliance import health, steps
from fedstack.appliance.bootlog import BootLog
from fedstack.appliance.failure import StepError
from fedstack.appliance.paths import Paths
from fedstack.appliance.steps import Step
from fedstack.context import Appliance

_NUMBERS: Mapping[Appliance, str] = {"superlink": "12", "supernode": "15"}


def step(appliance: Appliance) -> Step[Paths]:
    """The step of a role; its failure is no error: the agent asks again."""
    return Step(_NUMBERS[appliance], "report", _allowed(appliance), None, "report")


def _allowed(appliance: Appliance) -> Callable[[Paths], str]:
    def look(paths: Paths) -> str:
        if problem := health.check(appliance, paths):
            raise StepError(problem)
        return "READY=YES may be reported"

    return look


def report(appliance: Appliance, paths: Paths) -> int:
    """Takes the step; 0 lets the agent report."""
    return 1 if steps.take(step(appliance), paths, BootLog(paths.logs / "flower-bootstrap.log")) else 0
