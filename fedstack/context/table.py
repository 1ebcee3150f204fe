"""The registry: every context variable of the two appliances, one row each (reference section 2).

Everything else about variables is derived from it: USER_INPUT strings, boot validation, settings, docs.
"""

from collections.abc import Mapping

from fedstack.context.shared_rows import SHARED
from fedstack.context.superlink_rows import SUPERLINK
from fedstack.context.supernode_rows import SUPERNODE
from fedstack.context.variable import Appliance, Category, Variable

VARIABLES: tuple[Variable, ...] = (*SUPERLINK, *SUPERNODE, *SHARED)
"""V1 to V48, then X1 to X4."""

NAMES: tuple[str, ...] = tuple(dict.fromkeys(variable.name for variable in VARIABLES))
"""Every name, once, in the order of the table."""


def variables(appliance: Appliance) -> tuple[Variable, ...]:
    """The rows that an appliance reads; no name occurs twice."""
    return tuple(variable for variable in VARIABLES if appliance in variable.appliances)


def named(name: str) -> tuple[Variable, ...]:
    """The rows of a name: none, one, or one for each appliance."""
    return tuple(variable for variable in VARIABLES if variable.name == name)


def category(group: Category) -> tuple[Variable, ...]:
    """The rows of a category in the order in which they appeared; the edge rows are SuperNode 14 and 15."""
    return tuple(sorted((row for row in VARIABLES if group in row.categories), key=lambda row: row.phase))


def counts() -> Mapping[Category, int]:
    """Rows per category as the reference claims them: 24, 15, 5, 1, 5."""
    return {group: len(category(group)) for group in Category}


def headline() -> int:
    """The 48 of the reference: the rows of all categories, those of two categories counted once."""
    return len([variable for variable in VARIABLES if variable.categories])
