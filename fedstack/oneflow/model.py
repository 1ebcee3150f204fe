"""The typed service template: what the platform's schema demands of each field (reference 6.2, 6.3)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

ShutdownAction = Literal["terminate", "terminate-hard", "shutdown", "shutdown-hard"]
AdjustmentType = Literal["CHANGE", "CARDINALITY", "PERCENTAGE_CHANGE"]

VR_KEYS = frozenset(
    {"name", "type", "template_id", "cardinality", "template_contents"}
    | {"user_inputs", "user_inputs_values", "parents", "on_hold"}
)
"""Keys that the schema of a virtual-router role knows; others are stored unchecked."""

_LIMIT = 1 << 31


def _integer(value: Any) -> Any:
    """Coerces as the platform does: "3" and 3.0 are 3, 1.7 is 1; anything else is left to be refused."""
    if isinstance(value, bool):
        raise ValueError("must be an integer")
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("must be an integer") from None
    if not -_LIMIT <= number < _LIMIT:
        raise ValueError("must be an integer of 32 bits")
    return number


Integer = Annotated[int, BeforeValidator(_integer)]
Natural = Annotated[Integer, Field(ge=0)]
Positive = Annotated[Integer, Field(ge=1)]


class Part(BaseModel):
    """Common rules: other keys are kept, null and false count as absent, no silent conversions."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_absent(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        return {
            key: value
            for key, value in values.items()
            if key not in cls.model_fields or (value is not None and value is not False)
        }


class ElasticityPolicy(Part):
    """Changes the count when an expression over VM attributes holds."""

    type: AdjustmentType
    adjust: Integer
    expression: str
    min_adjust_step: Positive | None = None
    period_number: Natural | None = None
    period: Natural | None = None
    cooldown: Natural | None = None


class ScheduledPolicy(Part):
    """Changes the count at a time, once (`start_time`) or again and again (`recurrence`)."""

    type: AdjustmentType
    adjust: Integer
    min_adjust_step: Positive | None = None
    start_time: str | None = None
    recurrence: str | None = None


class Role(Part):
    """A group of like VMs. A `vr` role has no scaling fields: they are kept unchecked like any other key."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
    type: Literal["vm", "vr"]
    template_id: Integer
    cardinality: Natural = 0
    template_contents: dict[str, Any] | None = None
    user_inputs: dict[str, Any] | None = None
    user_inputs_values: dict[str, Any] | None = None
    parents: list[str] | None = None
    on_hold: bool | None = None
    shutdown_action: ShutdownAction | None = None
    min_vms: Natural | None = None
    max_vms: Natural | None = None
    cooldown: Natural | None = None
    elasticity_policies: list[ElasticityPolicy] | None = None
    scheduled_policies: list[ScheduledPolicy] | None = None

    @model_validator(mode="before")
    @classmethod
    def _drop_unchecked(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or values.get("type") != "vr":
            return values
        return {key: value for key, value in values.items() if key in VR_KEYS or key not in cls.model_fields}


class ServiceTemplate(Part):
    """A OneFlow service template as registered."""

    name: str
    deployment: Literal["none", "straight"] = "none"
    description: str = ""
    roles: list[Role]
    shutdown_action: ShutdownAction | None = None
    user_inputs: dict[str, Any] | None = None
    user_inputs_values: dict[str, Any] | None = None
    ready_status_gate: bool | None = None
    automatic_deletion: bool | None = None
    on_hold: bool | None = None
    networks: dict[str, Any] | None = None
    networks_values: list[dict[str, Any]] | None = None
