"""Values in force: what is given, with our defaults in the gaps."""

from collections.abc import Mapping

from fedstack.context.table import variables
from fedstack.context.variable import Appliance, Condition, Variable


def is_set(value: str | None) -> bool:
    """An empty input means unset: OneFlow passes inputs that nobody filled in as empty text."""
    return value is not None and value.strip() != ""


def effective(appliance: Appliance, values: Mapping[str, str]) -> dict[str, str]:
    """Every variable of an appliance with its value in force; other keys of `values` are left out.

    Booleans that are accepted in any case come out as YES or NO. An empty value in the result means that nothing is
    set and the guest decides (the VM's own address, discovery, a generated certificate, automatic partition).
    """
    return {variable.name: _value(variable, values.get(variable.name)) for variable in variables(appliance)}


def defaults(appliance: Appliance) -> dict[str, str]:
    """Our defaults of an appliance."""
    return effective(appliance, {})


def _value(variable: Variable, given: str | None) -> str:
    if given is None or not is_set(given):
        return variable.default
    return given.upper() if variable.form.any_case else given


def holds(condition: Condition | None, values: Mapping[str, str]) -> bool:
    """Whether a row counts under values in force."""
    return condition is None or values.get(condition.variable) in condition.values
