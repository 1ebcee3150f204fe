"""Field types of the stack configuration: every variable of the registry is one annotation away."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import core_schema

from fedstack.context import Variable, named
from fedstack.oneflow.names import camel


class Group(BaseModel):
    """A group of keys: camelCase outside, unknown keys refused, values fixed once read."""

    model_config = ConfigDict(extra="forbid", alias_generator=camel, frozen=True)


@dataclass(frozen=True)
class Sets:
    """Marks a field that sets a context variable: the registry's form is the field's type and its error text."""

    variable: str

    @property
    def row(self) -> Variable:
        """The variable's row (the first, where both appliances have one: their forms are equal)."""
        return named(self.variable)[0]

    def read(self, value: Any) -> str | None:
        """The variable's text for a YAML value; raises ValueError with the expected form."""
        text = to_text(value)
        if text is None or text == "":
            return None
        form = self.row.form
        if not form.accepts(text):
            raise ValueError(f"expected {form.expected}")
        return text.upper() if form.any_case else text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Replaces the annotated type's own schema."""
        return core_schema.no_info_plain_validator_function(self.read)


class WithVariables(Group):
    """Settings with a place for variables that have no key of their own: `variables: {NAME: value}`."""

    variables: dict[str, Any] = Field(default_factory=dict)


def to_text(value: Any) -> str | None:
    """A YAML value as the text of a variable.

    true and false are YES and NO, lists are joined by commas, maps become key=value pairs. Raises ValueError for
    anything deeper.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "YES" if value else "NO"
    if isinstance(value, list):
        return ",".join(_scalar(item) for item in value)
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_scalar(item)}" for key, item in value.items())
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("expected a text or a number")
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


Count = Annotated[int, BeforeValidator(_integer), Field(ge=0)]
Positive = Annotated[int, BeforeValidator(_integer), Field(ge=1)]
Number = Annotated[float, BeforeValidator(_number), Field(gt=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_. -]{0,63}$")]
