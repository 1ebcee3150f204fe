"""How rows are written down: what a value becomes, and the places that many rows share."""

from dataclasses import dataclass, replace

from fedstack.context.forms import Form
from fedstack.context.variable import Appliance, Category, Condition, Level, MapsTo, Scope, Target, Variable

CHECKPOINTS = Condition("FL_CHECKPOINT_ENABLED", ("YES",))
METRICS = Condition("FL_METRICS_ENABLED", ("YES",))
GPU = Condition("FL_GPU_ENABLED", ("YES",))
TLS = Condition("FL_TLS_ENABLED", ("YES",))


def flag(name: str) -> MapsTo:
    """A command-line flag of Flower."""
    return MapsTo(Target.FLAG, name)


def environment(name: str) -> MapsTo:
    """An environment variable of Flower."""
    return MapsTo(Target.ENVIRONMENT, name)


def run_config(name: str) -> MapsTo:
    """A key of the run config."""
    return MapsTo(Target.RUN_CONFIG, name)


def boot(name: str) -> MapsTo:
    """A step of the boot by its name, or several with commas in between."""
    return MapsTo(Target.BOOT, name)


def guest(name: str) -> MapsTo:
    """A variable of the guest agent itself."""
    return MapsTo(Target.GUEST, name)


def image(name: str) -> MapsTo:
    """What the image has to have."""
    return MapsTo(Target.IMAGE, name)


@dataclass(frozen=True)
class Place:
    """What many rows have in common."""

    appliances: tuple[Appliance, ...]
    categories: tuple[Category, ...]
    level: Level = Level.ROLE
    scope: Scope = Scope.BOOT


LINK = Place(("superlink",), (Category.SUPERLINK,))
LINK_RUN = replace(LINK, scope=Scope.RUN)
LINK_SERVICE = replace(LINK, level=Level.SERVICE)
LINK_KEYS = replace(LINK, categories=(Category.PLACEHOLDER,), scope=Scope.ROTATION)
NODE = Place(("supernode",), (Category.SUPERNODE,))
NODE_SERVICE = replace(NODE, level=Level.SERVICE)
FRAMEWORK = replace(NODE, categories=(Category.PLACEHOLDER,))
UNCOUNTED = replace(NODE, categories=())
BOTH = Place(("superlink", "supernode"), (Category.SUPERLINK, Category.SUPERNODE), Level.SERVICE)
LOGS = replace(BOTH, categories=(Category.SERVICE,))
TRUST = replace(BOTH, categories=(Category.PLACEHOLDER,))
TRUST_ANCHOR = replace(TRUST, scope=Scope.ROTATION)
EXTRA = replace(BOTH, categories=())
CONTEXT = replace(BOTH, categories=(Category.INFRASTRUCTURE,), level=Level.CONTEXT)
LAUNCHER = replace(CONTEXT, categories=())


def row(
    number: str,
    name: str,
    description: str,
    form: Form,
    defaults: tuple[str, str],
    maps_to: MapsTo,
    place: Place,
    phase: int = 1,
    *,
    active_if: Condition | None = None,
    secret: bool = False,
) -> Variable:
    """One row; `defaults` are the reference's and ours."""
    return Variable(
        number,
        name,
        description,
        form,
        *defaults,
        maps_to,
        phase,
        place.scope,
        place.level,
        place.appliances,
        place.categories,
        active_if,
        secret,
    )
