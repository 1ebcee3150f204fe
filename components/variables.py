"""From settings to context variables: which are given where, what is in force, what each role's template declares."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel

from components import marketplace
from components.choices import Topology
from components.fields import Sets, to_text
from fedstack.context import NAMES, Appliance, Level, Scope, Variable, effective, is_set, named, user_input, variables
from fedstack.context import run_config as run_config_of

if TYPE_CHECKING:
    from components.settings import Settings

ADDRESS, AUTHORITY = "FL_SUPERLINK_ADDRESS", "FL_SSL_CA_CERTFILE"
ROTATED = tuple(name for name in NAMES if any(row.scope is Scope.ROTATION for row in named(name)))
"""Certificates: a SuperLink of this stack takes them at boot, and when `fedstack rotate-certs` asks it to."""
LONGEST = 60
"""Characters of a value that are shown as they are; a longer or a secret one is shown as its digest."""

EDGE_LACKS = frozenset(
    {"ML_FRAMEWORK", "FL_USE_CASE", "FL_GPU_ENABLED", "FL_CUDA_VISIBLE_DEVICES"}
    | {"FL_GPU_MEMORY_FRACTION", "FL_DCGM_ENABLED"}
)
"""What an edge image has no use for (reference 9)."""


def typed_keys(settings: BaseModel, prefix: str = "") -> Iterator[tuple[str, str, str | None]]:
    """The typed keys: variable, key path, text (None where it is not set)."""
    for name, field in type(settings).model_fields.items():
        path, value = f"{prefix}{field.alias or name}", getattr(settings, name)
        marks = [mark for mark in field.metadata if isinstance(mark, Sets)]
        if isinstance(value, BaseModel):
            yield from typed_keys(value, f"{path}.")
        elif marks:
            yield marks[0].variable, path, marks[0].text(value)


def paths(settings: BaseModel) -> dict[str, str]:
    """The key path of each variable that a configuration can set."""
    return {name: path for name, path, _ in typed_keys(settings)}


def values(settings: "Settings") -> dict[str, str]:
    """Every variable that the configuration sets, by typed keys or under `variables`."""
    free = {name: to_text(value) or "" for name, value in settings.variables.items()}
    return free | {name: text for name, _, text in typed_keys(settings) if text is not None}


def refused(settings: "Settings", role: Appliance) -> dict[str, str]:
    """The variables that a role of this stack does not take, and why."""
    why: dict[str, str] = {}
    if settings.topology is not Topology.SITE:
        why[ADDRESS] = "SuperNodes of this service find their SuperLink through OneGate"
    if settings.is_edge and role == "supernode":
        why |= dict.fromkeys(EDGE_LACKS, "an edge image has no framework and no GPU")
    if settings.is_marketplace:
        ignored = (row.name for row in variables(role) if row.name not in marketplace.READ[role])
        why |= dict.fromkeys(ignored, "the marketplace appliance ignores it")
    return why


def taken(settings: "Settings", role: Appliance) -> tuple[Variable, ...]:
    """The rows that a role's template declares."""
    without = refused(settings, role)
    return tuple(row for row in variables(role) if row.level is not Level.CONTEXT and row.name not in without)


def declared(settings: "Settings", role: Appliance, level: Level) -> tuple[Variable, ...]:
    """The rows that a service template declares at a level for a role."""
    return tuple(row for row in taken(settings, role) if row.level is level)


def mandatory(settings: "Settings") -> frozenset[str]:
    """What a site has to be told, because OneGate ends at its zone (reference 12.1)."""
    if settings.topology is not Topology.SITE:
        return frozenset()
    chosen = in_force(settings)["supernode"]
    return frozenset({ADDRESS, AUTHORITY} & {*chosen} if chosen["FL_TLS_ENABLED"] == "YES" else {ADDRESS})


def facts(settings: "Settings") -> dict[str, str]:
    """What the images hold, which counts where nothing is set: Flower's version and the framework."""
    if settings.is_marketplace:
        return dict(marketplace.DEFAULTS)
    held: dict[str, str] = {}
    for role in settings.roles:
        if recipe := settings.image_of(role).recipe:
            held["FLOWER_VERSION"] = recipe.version
            held |= {"ML_FRAMEWORK": recipe.framework} if role == "supernode" else {}
    return held


def all_in_force(settings: "Settings", role: Appliance) -> dict[str, str]:
    """Every variable of an appliance with its value, also those that this stack's template does not declare."""
    return effective(role, facts(settings) | {name: text for name, text in values(settings).items() if is_set(text)})


def in_force(settings: "Settings") -> dict[Appliance, dict[str, str]]:
    """Per role, every variable that its template declares, with its value in force (empty: the guest decides)."""
    found: dict[Appliance, dict[str, str]] = {}
    for role in settings.roles:
        chosen = all_in_force(settings, role)
        found[role] = {row.name: chosen[row.name] for row in taken(settings, role)}
    return found


def template_name(settings: "Settings", variable: str) -> str:
    """What the templates of this stack call a variable."""
    return marketplace.name(variable) if settings.is_marketplace else variable


def user_inputs(settings: "Settings", role: Appliance, level: Level) -> dict[str, str]:
    """USER_INPUT strings of a role's variables at a level, with the values in force as their defaults.

    A mandatory one has none: that it must be given is the point.
    """
    chosen = in_force(settings)[role] | dict.fromkeys(needed := mandatory(settings), "")
    return {
        template_name(settings, row.name): user_input(row, chosen[row.name], mandatory=row.name in needed)
        for row in declared(settings, role, level)
    }


def run_config(settings: "Settings") -> dict[str, str]:
    """What a run is submitted with; empty where the stack has no say in it."""
    chosen = in_force(settings).get("superlink", {})
    return run_config_of(chosen) if set(run_scoped()) <= {*chosen} else {}


def run_scoped() -> list[str]:
    """Names that are read when a run is submitted."""
    return [name for name in NAMES if all(row.scope is Scope.RUN for row in named(name))]


def not_at_boot(settings: "Settings") -> list[str]:
    """Names whose change touches no VM: those of runs, and what `fedstack rotate-certs` takes to the SuperLink."""
    rotated = [name for name in NAMES if any(row.scope is Scope.ROTATION for row in named(name))]
    return [*run_scoped(), *(rotated if "superlink" in settings.roles else [])]


def boot_values(settings: "Settings") -> dict[str, str]:
    """All that VMs read at boot, by key path: another value means another service. Secrets are not revealed."""
    place, other = paths(settings), set(not_at_boot(settings))
    merged = {name: value for chosen in in_force(settings).values() for name, value in chosen.items()}
    return {
        place[name]: digest({name: value}) if len(value) > LONGEST or named(name)[0].secret else value
        for name, value in merged.items()
        if name not in other and is_set(value)
    }


def digest(chosen: Mapping[str, str]) -> str:
    """A short text that changes with any of the values; it does not reveal them."""
    lines = "\n".join(f"{name}={chosen[name]}" for name in sorted(chosen) if is_set(chosen[name]))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]
