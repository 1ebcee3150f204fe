"""What one row of the registry says about a context variable."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from fedstack.context.forms import Form

Appliance = Literal["superlink", "supernode"]


class Category(Enum):
    """The five groups in which the reference counts; a variable of two groups counts once in the total."""

    SUPERLINK = "SuperLink"
    SUPERNODE = "SuperNode"
    INFRASTRUCTURE = "shared infrastructure"
    SERVICE = "service level"
    PLACEHOLDER = "formerly placeholder"


class Level(Enum):
    """Where a service template carries the variable: exactly one place for each."""

    SERVICE = "service"
    ROLE = "role"
    CONTEXT = "context"


class Scope(Enum):
    """When a value is read, and so what a change costs.

    BOOT: once, by the VM: a change replaces the service. RUN: when a run is submitted: a change touches no VM.
    ROTATION: by the VM, at boot and when `fedstack rotate-certs` asks it to: a change by itself touches no VM.
    """

    BOOT = "boot"
    RUN = "run"
    ROTATION = "rotation"


class Target(Enum):
    """The kind of thing that a value becomes."""

    FLAG = "command-line flag"
    ENVIRONMENT = "environment variable"
    RUN_CONFIG = "run-config key"
    CHANNEL = "gRPC option"
    IMAGE = "image"
    BOOT = "boot step"
    GUEST = "guest agent"


@dataclass(frozen=True)
class MapsTo:
    """The kind of target and its name there, e.g. FLAG `--isolation`, RUN_CONFIG `strategy`."""

    target: Target
    name: str

    def __str__(self) -> str:
        return f"{self.target.value} {self.name}"


@dataclass(frozen=True)
class Condition:
    """Holds while another variable has one of these values."""

    variable: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Variable:
    """One row. A name has two rows where the reference gives each appliance its own (V1 and V25).

    `default` is ours; empty means that nothing is set and the guest decides (for an address: the VM's own).
    `phase` is the phase of the reference in which the variable appeared, 0 for our own; without `active_if` the value
    always counts.
    """

    number: str
    name: str
    description: str
    form: Form
    reference_default: str
    default: str
    maps_to: MapsTo
    phase: int
    scope: Scope
    level: Level
    appliances: tuple[Appliance, ...]
    categories: tuple[Category, ...]
    active_if: Condition | None = None
    secret: bool = False
