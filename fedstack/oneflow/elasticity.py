"""Elasticity expressions and the count that a policy asks for (reference 6.20)."""

import math
import operator
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

Lookup = Callable[[str], float | None]
"""The average of an attribute (upper-cased name) over the role's running VMs; None when no VM has it."""

MAX_LENGTH, MAX_NESTING = 1000, 100
"""Bounds of an expression that strangers write."""

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}


class ExpressionError(ValueError):
    """Text that is no elasticity expression; the message says where and what was expected."""


@cache
def _parser() -> "Lark":
    from lark import Lark  # imported on first use: most users of the leaf never evaluate an expression

    grammar = Path(__file__).with_name("elasticity.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr")


def parse(expression: str) -> "Tree[Token]":
    """The syntax tree of an expression; raises ExpressionError."""
    from lark.exceptions import UnexpectedInput

    if len(expression) > MAX_LENGTH or expression.count("!") + expression.count("(") > MAX_NESTING:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters, or more than {MAX_NESTING} times ! and (")
    try:
        return _parser().parse(expression)
    except UnexpectedInput as error:
        place = getattr(error, "column", -1)
        where = f"at column {place}" if isinstance(place, int) and place > 0 else "at its end"
        raise ExpressionError(
            f"not an elasticity expression {where}: expected comparisons such as `CPU > 80 & FL_CLIENT_STATUS > 1.5`"
        ) from error


def names(expression: str) -> list[str]:
    """The attributes that an expression reads, upper-cased, in order; raises ExpressionError."""
    tokens = parse(expression).scan_values(lambda token: getattr(token, "type", "") == "NAME")
    return [str(token).upper() for token in tokens]


def evaluate(expression: str, lookup: Lookup) -> bool:
    """The truth of an expression; a comparison with a missing attribute is false. Raises ExpressionError."""
    return _truth(parse(expression), lookup)


def _truth(tree: "Tree[Token]", lookup: Lookup) -> bool:
    parts: list[Any] = tree.children
    if tree.data == "negated":
        return not _truth(parts[0], lookup)
    if tree.data == "combined":
        left, logic, right = parts
        both = _truth(left, lookup), _truth(right, lookup)
        return all(both) if logic.startswith("&") else any(both)
    left, comparator, right = parts
    values = _operand(left, lookup), _operand(right, lookup)
    if values[0] is None or values[1] is None:
        return False
    return _COMPARE[str(comparator)](values[0], values[1])


def _operand(tree: "Tree[Token]", lookup: Lookup) -> float | None:
    text = str(cast("Token", tree.children[0]))
    return float(text) if tree.data == "number" else lookup(text.upper())


def average(values: Iterable[str | None]) -> float | None:
    """The average over VMs, rounded to two decimals; VMs without the attribute (None) are left out.

    Text counts as the number that it starts with, else as 0.
    """
    numbers = [_leading_number(value) for value in values if value is not None]
    return round(sum(numbers) / len(numbers), 2) if numbers else None


def _leading_number(text: str) -> float:
    match = re.match(r"\s*[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", text)
    return float(match.group()) if match else 0.0


def target(
    kind: str,
    adjust: int,
    cardinality: int,
    *,
    min_vms: int,
    max_vms: int,
    min_adjust_step: int | None = None,
) -> int:
    """The count that a policy that fires asks for.

    `kind` is CHANGE, CARDINALITY or PERCENTAGE_CHANGE. A positive adjust is capped at the larger of the count and
    max_vms, a negative one floored at min_vms; CARDINALITY below min_vms is not raised (the scale call refuses it).
    """
    if kind == "CHANGE":
        wanted = cardinality + adjust
    elif kind == "CARDINALITY":
        wanted = adjust
    elif kind == "PERCENTAGE_CHANGE":
        wanted = cardinality + _percentage_step(cardinality, adjust, min_adjust_step or 1)
    else:
        raise ValueError(f"policy type {kind!r}: expected CHANGE, CARDINALITY or PERCENTAGE_CHANGE")
    if adjust > 0:
        return min(wanted, max(cardinality, max_vms))
    return max(wanted, min_vms) if adjust < 0 else wanted


def _percentage_step(cardinality: int, adjust: int, least: int) -> int:
    """The change in VMs: truncated, at least 1 and at least `least` in magnitude, with the sign of adjust."""
    size = max(math.trunc(abs(cardinality * adjust) / 100), 1, least)
    return size if adjust >= 0 else -size
