"""`pulumi preview` of the deployed federation with the policy pack against the same without."""

from statistics import median

from benchmarks.outcome import Outcome
from benchmarks.stacks import PACK, workspace

GOAL = 1.5
ROUNDS = 5


def measure() -> list[Outcome]:
    """The medians of previews that take turns, of a stack that was never deployed (all resources are new)."""
    with workspace() as (copy, pulumi):
        pulumi.seconds(copy.root, "preview", *PACK)  # fills the file cache and writes byte code
        pairs = [
            (pulumi.seconds(copy.root, "preview"), pulumi.seconds(copy.root, "preview", *PACK)) for _ in range(ROUNDS)
        ]
    plain, judged = (median(times) for times in zip(*pairs, strict=True))
    return [Outcome("preview", judged / plain, "ratio", GOAL, figures={"plain_s": plain, "with_pack_s": judged})]
