"""One value that is not as expected."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """`expected` completes the sentence "expected ..."; `involved` are the variables that the verdict rests on."""

    variable: str
    value: str
    expected: str
    involved: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.variable}={_short(self.value)!r}: expected {self.expected}"


def _short(value: str) -> str:
    return value if len(value) <= 80 else f"{value[:77]}..."
