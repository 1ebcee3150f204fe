"""The inputs of a service: what is wrong with them, what of them counts as a difference, and what they are now."""

from __future__ import annotations

from fedstack.oneflow.unknown import UNKNOWN

from ..checks import Problem, known_items
from ..resource import folded
from ..scaling import Scaling, declared, entry_of
from ..service_view import Role, View
from ..values import Properties
from .service_template import body_of, body_problems

_UNSEEN = ("serviceTemplateId", "triggers")


def problems(inputs: Properties) -> list[Problem]:
    """What the platform would refuse in the roles; what is left open comes from the template, so it passes."""
    roles = inputs.get("roles")
    if not isinstance(roles, list):
        return []
    left_open = {"type": "vm", "templateId": 0, "cardinality": UNKNOWN, "minVms": UNKNOWN, "maxVms": UNKNOWN}
    whole = [{**left_open, **role} if isinstance(role, dict) else role for role in roles]
    found = body_problems(body_of({"name": "service", "roles": whole}))
    return [*found, *(one for index, role in enumerate(whole) for one in _crossed(role, f"roles[{index}]"))]


def _crossed(role: object, path: str) -> list[Problem]:
    """Bounds that no number fits; the platform itself only compares each with the number."""
    low, high = (role["minVms"], role["maxVms"]) if isinstance(role, dict) else (UNKNOWN, UNKNOWN)
    if not isinstance(low, int) or not isinstance(high, int) or low <= high:
        return []
    return [Problem(f"{path}.maxVms", f"must be at least minVms ({low}), got {high}")]


def comparable(old: Properties, new: Properties) -> tuple[Properties, Properties]:
    """Both inputs without the ignored ones, with the same roles in the same order.

    What an import cannot know of a service, its triggers and perhaps its template, is taken as it is declared.
    """
    listed = new.get("ignoredInputs")
    ignored = {name for name in listed if isinstance(name, str)} if isinstance(listed, list) else set()
    names = list(dict.fromkeys(entry["name"] for side in (new, old) for entry in _entries(side)))
    unknown = UNKNOWN in (old.get("roles"), new.get("roles"))
    before, after = (_without(side, ignored) if unknown else _stripped(side, ignored, names) for side in (old, new))
    unseen: list[str] = [name for name in _UNSEEN if before.get(name) in (None, {})]
    return {**before, **{name: after[name] for name in unseen if name in after}}, after


def _entries(inputs: Properties) -> list[Properties]:
    """The entries of roles whose names are known."""
    return [entry for entry in known_items(inputs.get("roles")) if isinstance(entry.get("name"), str)]


def _stripped(inputs: Properties, ignored: set[str], names: list[str]) -> Properties:
    entries = {entry["name"]: entry for entry in _entries(inputs)}
    roles = [_without(entries.get(name, {"name": name}), ignored) for name in names]
    return {**_without(inputs, ignored), "roles": roles}


def _without(holder: Properties, ignored: set[str]) -> Properties:
    values = holder.get("userInputsValues")
    if not isinstance(values, dict):
        return holder
    return {**holder, "userInputsValues": {key: value for key, value in values.items() if key not in ignored}}


def seen_roles(known: Properties, seen: View) -> list[Properties]:
    """The declared roles as they are; on import all roles of the service with everything."""
    if not known:
        return [_whole(role, body) for role, body in zip(seen.roles, seen.body.get("roles", []), strict=True)]
    actual = {role.name: role for role in seen.roles}
    return [_seen_role(entry, actual.get(entry["name"])) for entry in known.get("roles", [])]


def _whole(role: Role, body: Properties) -> Properties:
    values = body.get("user_inputs_values")
    given = {"userInputsValues": values} if values else {}
    return {"name": role.name, "cardinality": role.cardinality, **role.scaling.settings, **given}


def _seen_role(entry: Properties, role: Role | None) -> Properties:
    """A declared role; where policies own its number, any within the bounds is the declared one."""
    if role is None:
        return entry
    settings = declared({"roles": [entry]}, entry["name"]).spelled(role.scaling)
    free = role.scaling.elastic and role.scaling.holds(role.cardinality)
    number = {"cardinality": role.cardinality} if "cardinality" in entry and not free else {}
    return folded(entry, {**settings, **number})


def seen_cooldown(known: Properties, seen: View) -> int | None:
    """The service's cooldown: another one as soon as a role has it that has no cooldown of its own."""
    if "cooldown" not in known:
        return None
    common = Scaling({"cooldown": known["cooldown"]})
    roles = [role.scaling for role in seen.roles if "cooldown" not in entry_of(known, role.name)]
    off = [one.settings["cooldown"] for one in roles if "cooldown" in one.settings and common.missing(one)]
    return min(off) if off else int(known["cooldown"])
