"""When the platform scales by itself: policies of the elastic role, ready ones and one's own (reference 8)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import ConfigDict, Field

from components.errors import shown
from fedstack.oneflow import model
from fedstack.oneflow.model import AdjustmentType, Integer, Natural, Positive
from fedstack.oneflow.names import camel, camel_path
from fedstack.oneflow.template import Problem, problems

_CONFIG = ConfigDict(extra="forbid", alias_generator=camel, validate_by_name=True)


class ElasticityPolicy(model.ElasticityPolicy):
    """Scales by an expression over attributes of the SuperNodes."""

    model_config = _CONFIG

    type: AdjustmentType = Field(description="Whether `adjust` is added, is the new count, or is a percentage")
    adjust: Integer = Field(description="By how much, or to how many")
    expression: str = Field(description="Condition over the mean of an attribute of the SuperNodes, e.g. `CPU > 70`")
    min_adjust_step: Positive | None = Field(default=None, description="Least change of a PERCENTAGE_CHANGE")
    period_number: Natural | None = Field(default=None, description="How many looks in a row it must hold")
    period: Natural | None = Field(default=None, description="Seconds between two looks")
    cooldown: Natural | None = Field(default=None, description="Seconds of rest afterwards (unset: the role's)")


class ScheduledPolicy(model.ScheduledPolicy):
    """Scales at a time."""

    model_config = _CONFIG

    type: AdjustmentType = Field(description="Whether `adjust` is added, is the new count, or is a percentage")
    adjust: Integer = Field(description="By how much, or to how many")
    min_adjust_step: Positive | None = Field(default=None, description="Least change of a PERCENTAGE_CHANGE")
    start_time: str | None = Field(default=None, description="When, once: seconds since 1970 or a date")
    recurrence: str | None = Field(default=None, description="When, again and again: a cron expression")


class Preset(StrEnum):
    """Ready policies: `cpu` follows the load, `workdays` has `count` nodes in working hours and `min` otherwise."""

    CPU = "cpu"
    WORKDAYS = "workdays"


LOAD = (
    ElasticityPolicy(type="CHANGE", adjust=1, expression="CPU > 80", period_number=3, period=60, cooldown=300),
    ElasticityPolicy(type="CHANGE", adjust=-1, expression="CPU < 20", period_number=5, period=120, cooldown=600),
)
"""Up after 3 minutes of load, down after 10 of idleness (reference 8.4)."""


def workdays(count: int, minimum: int) -> tuple[ScheduledPolicy, ...]:
    """From 9 to 18 o'clock on weekdays, the rest of the time (reference 8.4)."""
    return (
        ScheduledPolicy(type="CARDINALITY", adjust=count, recurrence="0 9 * * mon,tue,wed,thu,fri"),
        ScheduledPolicy(type="CARDINALITY", adjust=minimum, recurrence="0 18 * * mon,tue,wed,thu,fri"),
    )


Bodies = list[dict[str, Any]]


def bodies(policies: tuple[ElasticityPolicy, ...] | tuple[ScheduledPolicy, ...]) -> Bodies:
    """Policies in the names of a template's body, without absent fields."""
    return [policy.model_dump(exclude_none=True) for policy in policies]


def role_problems(count: int, minimum: int, maximum: int, policies: Mapping[str, Bodies]) -> list[str]:
    """What the platform would say about an elastic role, in the names of the settings."""
    role = {
        "name": "supernode",
        "type": "vm",
        "template_id": 0,
        "cardinality": count,
        "min_vms": minimum,
        "max_vms": maximum,
        **policies,
    }
    return [_as_setting(problem) for problem in problems({"name": "federation", "roles": [role]})]


def _as_setting(problem: Problem) -> str:
    key = camel_path(problem.path).replace("roles[0].cardinality", "supernodes.count").replace("roles[0]", "supernodes")
    message = problem.message.replace("min_vms", "min").replace("max_vms", "max")
    return f"{key}: {message}" + ("" if problem.value is None else f", got {shown(problem.value)}")
