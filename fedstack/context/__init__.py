"""The registry of context variables: one table, and what is derived from it. No I/O.

Section numbers in docstrings ("reference 2.8") are those of the Flower-on-OpenNebula reference.
"""

from fedstack.context.cross import advice
from fedstack.context.effect import without_effect
from fedstack.context.inputs import user_input
from fedstack.context.run_config import run_config
from fedstack.context.table import NAMES, VARIABLES, category, counts, headline, named, variables
from fedstack.context.validation import validate
from fedstack.context.values import defaults, effective, holds, is_set
from fedstack.context.variable import Appliance, Category, Level, Scope, Target, Variable
from fedstack.context.violation import Violation

__all__ = [
    "NAMES",
    "VARIABLES",
    "Appliance",
    "Category",
    "Level",
    "Scope",
    "Target",
    "Variable",
    "Violation",
    "advice",
    "category",
    "counts",
    "defaults",
    "effective",
    "headline",
    "holds",
    "is_set",
    "named",
    "run_config",
    "user_input",
    "validate",
    "variables",
    "without_effect",
]
