"""Field types of the stack configuration: every variable of the registry is one annotation away."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import core_schema

from fedstack.context import Variable, named
from fedstack.oneflow.names import camel


class Group(BaseModel):
    """A group of keys: camelCase in a configuration, the fields' own names in Python; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", alias_generator=camel, frozen=True, validate_by_name=True)


@dataclass(frozen=True)
class Sets:
    """Marks a field that sets a context variable: the registry's form decides what is accepted, in any spelling.

    The field's type is the value in Python: int, float, bool, a StrEnum of the row's options, or str.
    """

    variable: str

    @property
    def row(self) -> Variable:
        """The variable's row (the first, where both appliances have one: their forms are equal)."""
        return named(self.variable)[0]

    def text(self, value: Any) -> str | None:
        """The variable's text for a value, None for none; raises ValueError with the expected form.

        PEM text is taken too where the variable is base64 of it.
        """
        text = to_text(value)
        if text is None or text == "":
            return None
        form = self.row.form
        if form.material and "-----BEGIN" in text:
            text = base64.b64encode(text.encode()).decode()
        text = text.upper() if form.any_case else text
        if not form.accepts(text):
            raise ValueError(f"expected {form.expected}")
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Replaces the annotated type's own schema."""
        kind = next(each for each in (*get_args(source), source) if each is not type(None))

        def read(value: Any) -> Any:
            text = self.text(value)
            return text if text is None else _typed(text, kind)

        return core_schema.no_info_plain_validator_function(read)


def _typed(text: str, kind: Any) -> Any:
    """A variable's text as a value of a field's type."""
    if kind is bool:
        return text == "YES"
    return kind(text) if isinstance(kind, type) and issubclass(kind, int | float | StrEnum) else text


class WithVariables(Group):
    """Settings with a second way to variables, by the names of the registry: `variables: {NAME: value}`."""

    variables: dict[str, Any] = Field(
        default_factory=dict,
        description="Context variables by [name](context-variables.md), instead of by key",
    )


def to_text(value: Any) -> str | None:
    """A YAML value as the text of a variable.

    true and false are YES and NO, lists are joined by commas, maps become key=value pairs. Raises ValueError for
    anything deeper.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return "YES" if value else "NO"
    if isinstance(value, list | tuple):
        return ",".join(_scalar(item) for item in value)
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_scalar(item)}" for key, item in value.items())
    return _scalar(value)


def _scalar(value: Any) -> str:
    """One value; numbers without exponent, whole ones without a point."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("expected a text or a number")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{Decimal(repr(value)):f}"
    return str(value)


def _integer(value: Any) -> Any:
    """Whole numbers only: `3`, `3.0` and `"3"`, as the Pulumi CLI writes any of them."""
    if isinstance(value, str) and value.strip().lstrip("-").isdigit():
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("expected an integer")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("expected a number")
    return value


def matching(pattern: str, expected: str) -> Callable[[Any], Any]:
    """Accepts a text that matches a pattern as a whole; what is no text is left to the field's type."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(pattern, value):
            raise ValueError(f"expected {expected}")
        return value

    return check


Count = Annotated[int, BeforeValidator(_integer), Field(ge=0)]
Positive = Annotated[int, BeforeValidator(_integer), Field(ge=1)]
Number = Annotated[float, BeforeValidator(_number), Field(gt=0)]
Name = Annotated[
    str,
    BeforeValidator(
        matching(
            r"[A-Za-z0-9][A-Za-z0-9_. -]{0,63}",
            "letters, digits, blanks and _ . - (at most 64, a letter or digit first)",
        )
    ),
]
