"""Rules of the platform that involve more than one field (reference 6.5)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fedstack.oneflow.elasticity import ExpressionError, parse
from fedstack.oneflow.problem import Problem, element, member
from fedstack.oneflow.schedule import ScheduleError, parse_recurrence, parse_time


def consistency_problems(body: Mapping[str, Any]) -> list[Problem]:
    """Problems between fields; fields that are wrong in themselves are passed over here."""
    roles = _objects(body.get("roles"))
    found = list(_duplicates(roles))
    for index, role in roles:
        found.extend(_role_problems(element("roles", index), role))
    return found


def _objects(value: Any) -> list[tuple[int, Mapping[str, Any]]]:
    """The objects of a list with their index; nothing when it is no list."""
    if not isinstance(value, Sequence):
        return []
    return [(index, item) for index, item in enumerate(value) if isinstance(item, Mapping)]


def _duplicates(roles: Sequence[tuple[int, Mapping[str, Any]]]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, role in roles:
        name = role.get("name")
        if not isinstance(name, str):
            continue
        if name in first:
            earlier = member(element("roles", first[name]), "name")
            yield Problem(member(element("roles", index), "name"), "must be unique", name, (earlier,))
        first.setdefault(name, index)


def _role_problems(path: str, role: Mapping[str, Any]) -> Iterator[Problem]:
    if role.get("type") == "vr":
        yield from _router(path, role)
        return
    yield from _bounds(path, role)
    yield from _missing_bounds(path, role)
    yield from _elasticity(path, role)
    yield from _scheduled(path, role)


def _absent(value: Any) -> bool:
    """Null and false count as absent; 0 is a number."""
    return value is None or value is False


def _count(role: Mapping[str, Any], key: str) -> int | None:
    """An integer field as the platform coerces it; None when absent or malformed."""
    value = role.get(key)
    if isinstance(value, bool) or value is None:
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _bounds(path: str, role: Mapping[str, Any]) -> Iterator[Problem]:
    cardinality = 0 if _absent(role.get("cardinality")) else _count(role, "cardinality")
    low, high = _count(role, "min_vms"), _count(role, "max_vms")
    place = member(path, "cardinality")
    if cardinality is not None and low is not None and cardinality < low:
        yield Problem(place, f"must be at least min_vms ({low})", cardinality, (member(path, "min_vms"),))
    if cardinality is not None and high is not None and cardinality > high:
        yield Problem(place, f"must be at most max_vms ({high})", cardinality, (member(path, "max_vms"),))


def _missing_bounds(path: str, role: Mapping[str, Any]) -> Iterator[Problem]:
    kinds = ("elasticity_policies", "scheduled_policies")
    if not any(role.get(kind) for kind in kinds):
        return
    for key in ("min_vms", "max_vms"):
        if _absent(role.get(key)):
            causes = tuple(member(path, kind) for kind in kinds)
            yield Problem(member(path, key), "is mandatory in a role with policies", None, causes)


def _elasticity(path: str, role: Mapping[str, Any]) -> Iterator[Problem]:
    for index, policy in _objects(role.get("elasticity_policies")):
        expression = policy.get("expression")
        if not isinstance(expression, str):
            continue
        place = member(element(member(path, "elasticity_policies"), index), "expression")
        if not expression.strip():
            yield Problem(place, "must not be empty", expression)
            continue
        try:
            parse(expression)
        except ExpressionError as error:
            yield Problem(place, f"is {error}", expression)


def _scheduled(path: str, role: Mapping[str, Any]) -> Iterator[Problem]:
    for index, policy in _objects(role.get("scheduled_policies")):
        place = element(member(path, "scheduled_policies"), index)
        start, recurrence = policy.get("start_time"), policy.get("recurrence")
        if bool(start) == bool(recurrence):
            causes = (member(place, "start_time"), member(place, "recurrence"))
            yield Problem(place, "must have exactly one of start_time and recurrence", None, causes)
        yield from _time(member(place, "start_time"), start, parse_time)
        yield from _time(member(place, "recurrence"), recurrence, parse_recurrence)


def _time(path: str, value: Any, read: Any) -> Iterator[Problem]:
    if not isinstance(value, str) or not value:
        return
    try:
        read(value)
    except ScheduleError as error:
        yield Problem(path, str(error), value)


def _router(path: str, role: Mapping[str, Any]) -> Iterator[Problem]:
    """A virtual-router role of several VMs needs a floating address on one of the NICs that it lists."""
    contents = role.get("template_contents")
    nics = contents.get("NIC") if isinstance(contents, Mapping) else None
    if not isinstance(nics, list) or (_count(role, "cardinality") or 0) <= 1:
        return
    if not any(str(key).startswith("FLOATING") for nic in nics if isinstance(nic, Mapping) for key in nic):
        causes = (member(path, "cardinality"),)
        place = member(path, "template_contents.NIC")
        yield Problem(place, "needs a FLOATING_IP in a vr role with more than one VM", None, causes)
