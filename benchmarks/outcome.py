"""What a benchmark found: one value against its goal, and the figures behind it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """One measured value.

    `unit` is `ratio`, `VMs/s`, `%` or `ms`; `goal` is in the same unit and None where a value only informs. `figures`
    are what the value was computed from, with their units in their names.
    """

    name: str
    value: float
    unit: str
    goal: float | None = None
    higher_is_better: bool = False
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without a goal."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.higher_is_better else self.value <= self.goal

    def as_dict(self) -> dict[str, Any]:
        """Plain data for results.json."""
        return {**asdict(self), "met": self.met}

    def line(self) -> str:
        """The value, its goal and its figures on one line."""
        wanted = ""
        if self.goal is not None:
            relation = ">=" if self.higher_is_better else "<="
            wanted = f" (goal {relation} {self.goal:g}: {'met' if self.met else 'MISSED'})"
        figures = "  ".join(f"{name}={value:.3g}" for name, value in self.figures.items())
        return f"{self.name}: {self.value:.3g} {self.unit}{wanted}  {figures}".rstrip()
