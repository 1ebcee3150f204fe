"""Validation of values: everything that is wrong is reported at once (reference 2.7)."""

from collections.abc import Iterator, Mapping

from fedstack.context.cross import cross_violations
from fedstack.context.table import variables
from fedstack.context.values import effective, is_set
from fedstack.context.variable import Appliance, Variable
from fedstack.context.violation import Violation


def validate(appliance: Appliance, values: Mapping[str, str], *, material: bool = False) -> list[Violation]:
    """Every violation, in the order of the table, then those between variables; empty when all is well.

    Unset values are skipped: defaults are valid. With `material` base64 values are looked into too; a booting VM
    leaves them to its TLS step, which has an error code of its own. Keys without a row are ignored.
    """
    single = list(_single(appliance, values, material))
    wrong = {violation.variable for violation in single}
    crossing = cross_violations(appliance, effective(appliance, values))
    return [*single, *(violation for violation in crossing if not wrong & set(violation.involved))]


def _single(appliance: Appliance, values: Mapping[str, str], material: bool) -> Iterator[Violation]:
    for variable in variables(appliance):
        value = values.get(variable.name)
        if value is not None and is_set(value) and (material or not variable.form.material):
            yield from violation_of(variable, value)


def violation_of(variable: Variable, value: str) -> list[Violation]:
    """At most one violation: the value has not the form of the row. Secret values are not shown."""
    if variable.form.accepts(value):
        return []
    shown = "a secret value" if variable.secret else value
    return [Violation(variable.name, shown, variable.form.expected, (variable.name,))]
