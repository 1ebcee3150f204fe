"""What is wrong with settings that are well-formed in themselves: between keys, between variables, for this stack."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from components import gpu, network, scaling, variables
from components.appliance import Image
from components.choices import Source, Topology
from components.errors import shown
from components.fields import to_text
from fedstack.context import NAMES, Appliance, Level, Violation, advice, is_set, named, validate, without_effect

if TYPE_CHECKING:
    from components.settings import Settings

GROUPS: Mapping[Appliance, str] = {"superlink": "superlink", "supernode": "supernodes"}
"""The key of each role."""


def problems(settings: "Settings") -> list[str]:
    """Everything that keeps a stack from being deployed, by key path."""
    nodes = settings.supernodes
    return [
        *_topology(settings),
        *_images(settings),
        *network.problems(settings.network),
        *gpu.problems(settings.gpu),
        *scaling.role_problems(nodes.count, nodes.min, nodes.max, nodes.policies),
        *_variables(settings),
    ]


def remarks(settings: "Settings") -> list[str]:
    """What will work, but hardly as meant, by key path."""
    found: list[Violation] = []
    idle: list[str] = []
    for role in settings.roles:
        chosen = variables.all_in_force(settings, role)
        found += advice(role, chosen)
        idle += without_effect(role, chosen)
    notes = (f"{_path(note.split()[0], settings)}: {note}" for note in dict.fromkeys(idle))
    return [*_lines(found, settings), *notes, *_other_than_the_image(settings), *_edge_elsewhere(settings)]


def _topology(settings: "Settings") -> Iterator[str]:
    """A stack with one role says nothing of the other."""
    for role, key in GROUPS.items():
        if role not in settings.roles and key in settings.model_fields_set:
            yield f"{key}: expected nothing here: topology is {settings.topology}"


def _images(settings: "Settings") -> Iterator[str]:
    """Each role's image is of the kind that `appliance.source` says, and both hold the same Flower."""
    versions: dict[str, str] = {}
    for role in settings.roles:
        key, image = image_key(settings, role), settings.image_of(role)
        yield from _source(settings, role, key, image)
        versions |= {key: image.recipe.version} if image.recipe else {}
    if len(set(versions.values())) > 1:
        held = ", ".join(f"{key} {version}" for key, version in versions.items())
        yield f"image: expected one Flower version on both sides, got {held}"


def image_key(settings: "Settings", role: Appliance) -> str:
    """The key that names the image of a role."""
    return "image" if settings.image_of(role) is settings.image else f"{GROUPS[role]}.image"


def _source(settings: "Settings", role: Appliance, key: str, image: Image) -> Iterator[str]:
    match settings.appliance.source:
        case Source.RECIPE if image.id is not None:
            yield f"{key}.id: expected no id: appliance.source is recipe, got {image.id}"
        case Source.ID if image.id is None:
            yield f"{key}.id: a value is missing: appliance.source is id"
        case Source.MARKETPLACE if key == "image" or image.recipe:
            yield f"{GROUPS[role]}.image: expected the marketplace's image of this role: its id, or its address as path"


def _other_than_the_image(settings: "Settings") -> Iterator[str]:
    held, given, places = variables.facts(settings), variables.values(settings), variables.paths(settings)
    for name in sorted(held.keys() & given.keys()):
        if given[name] != held[name]:
            yield f"{places[name]}: expected {held[name]}, which the image holds, got {shown(given[name])}"


def _edge_elsewhere(settings: "Settings") -> Iterator[str]:
    """The edge's waits on another image (rule 10o)."""
    for name in ("FL_EDGE_BACKOFF", "FL_EDGE_MAX_BACKOFF"):
        if name in variables.values(settings) and not settings.is_edge:
            yield f"{_path(name, settings)}: expected an edge image (edge.enabled), else it has no effect"


def _variables(settings: "Settings") -> list[str]:
    """Free variables, values that nobody takes, values that are missing, and rules between variables."""
    places = variables.paths(settings)
    typed = {path for _, path, text in variables.typed_keys(settings) if text is not None}
    free = [each for name, value in settings.variables.items() for each in _free(name, value, places, typed)]
    if free:
        return free
    chosen = variables.facts(settings) | variables.values(settings)
    found: list[Violation] = []
    for role in settings.roles:
        read = {row.name: chosen[row.name] for row in variables.taken(settings, role) if row.name in chosen}
        found += validate(role, read, material=True)
    return [*_unwanted(settings), *_missing(settings), *_lines(found, settings)]


def _free(name: str, value: Any, places: Mapping[str, str], typed: set[str]) -> list[str]:
    """What is wrong with one entry of `variables`."""
    place = f"variables.{name}"
    if name not in NAMES:
        near = get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {near[0]}?" if near else "see docs/context-variables.md"
        return [f"{place}: unknown variable (value {shown(value)}); {hint}"]
    if named(name)[0].level is Level.CONTEXT:
        return [f"{place}: set by the appliance itself, expected no value here"]
    if places[name] in typed:
        return [f"{place}: already set by {places[name]}"]
    try:
        to_text(value)
    except ValueError as error:
        return [f"{place}: {error}, got {shown(value)}"]
    return []


def _unwanted(settings: "Settings") -> list[str]:
    """Values that no role of this stack takes are said, not ignored."""
    accepted = {row.name for role in settings.roles for row in variables.taken(settings, role)}
    why = {name: text for role in settings.roles for name, text in variables.refused(settings, role).items()}
    nobody = f"no VM reads it while topology is {settings.topology}"
    return [
        f"{_path(name, settings)}: expected no value: {why.get(name, nobody)}"
        for name, value in variables.values(settings).items()
        if is_set(value) and name not in accepted
    ]


def _missing(settings: "Settings") -> list[str]:
    """What a site has to be told; the marketplace's SuperNodes cannot be told of a CA."""
    if settings.topology is not Topology.SITE:
        return []
    if settings.is_marketplace and variables.in_force(settings)["supernode"]["FL_TLS_ENABLED"] == "YES":
        return ["tls.enabled: expected NO: the marketplace appliance of a site can be given no CA; use a tunnel"]
    chosen, places = variables.in_force(settings)["supernode"], variables.paths(settings)
    needed = (places[name] for name in sorted(variables.mandatory(settings)) if not chosen[name])
    return [f"{path}: a value is missing: topology is {settings.topology}" for path in needed]


def _lines(found: list[Violation], settings: "Settings") -> list[str]:
    """One line for each violation; what concerns both appliances is said once."""
    lines = (f"{_path(each.variable, settings)}: expected {each.expected}, got {shown(each.value)}" for each in found)
    return list(dict.fromkeys(lines))


def _path(name: str, settings: "Settings") -> str:
    """Where the configuration sets a variable."""
    return f"variables.{name}" if name in settings.variables else variables.paths(settings)[name]
