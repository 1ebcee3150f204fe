"""The run config that a training run is submitted with (reference 10.1)."""

from collections.abc import Mapping

from fedstack.context.table import variables
from fedstack.context.values import effective, holds
from fedstack.context.variable import Target


def run_config(values: Mapping[str, str]) -> dict[str, str]:
    """Run-config keys and values for the SuperLink's values, given or in force.

    Only keys that count: parameters of the strategy in force, checkpoint and metrics keys when those are on. Booleans
    read true or false.
    """
    in_force = effective("superlink", values)
    return {
        variable.maps_to.name: _toml(in_force[variable.name])
        for variable in variables("superlink")
        if variable.maps_to.target is Target.RUN_CONFIG
        and holds(variable.active_if, in_force)
        and in_force[variable.name] != "NO"
    }


def _toml(value: str) -> str:
    return "true" if value == "YES" else value
