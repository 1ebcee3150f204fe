"""How many VMs, CPUs and how much memory the services of a stack take, before and after a change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fedstack.review.events import UNKNOWN, Change, Operation

SERVICE = "opennebula:index:Service"
SERVICE_TEMPLATE = "opennebula:index:ServiceTemplate"
VM_TEMPLATE = "opennebula:index:VirtualMachineTemplate"
MACHINE = "opennebula:index:VirtualMachine"
IDS = ("templateId", "serviceTemplateId")


@dataclass(frozen=True)
class Size:
    """VMs, CPU (physical share) and memory in MB; `complete` is False when a template is not of this stack."""

    vms: int = 0
    cpu: float = 0.0
    memory_mb: int = 0
    complete: bool = True

    def __add__(self, other: "Size") -> "Size":
        return Size(
            self.vms + other.vms,
            self.cpu + other.cpu,
            self.memory_mb + other.memory_mb,
            self.complete and other.complete,
        )


@dataclass(frozen=True)
class Row:
    """A role of a service, or a VM of its own."""

    name: str
    before: Size
    after: Size


def rows(changes: Iterable[Change]) -> list[Row]:
    """One row a role, in the order of the services."""
    every = list(changes)
    before = _sides(every, "before")
    after = _sides(every, "after")
    return [Row(name, before.get(name, Size()), after.get(name, Size())) for name in {**before, **after}]


def total(each: Iterable[Size]) -> Size:
    """The sum."""
    return sum(each, Size())


def _sides(changes: list[Change], side: str) -> dict[str, Size]:
    """The size of each role on one side of the change."""
    objects = [(change, state) for change in changes if (state := _state(change, side)) is not None]
    templates = [(change.name, state) for change, state in objects if change.type == VM_TEMPLATE]
    declared = [state for change, state in objects if change.type == SERVICE_TEMPLATE]
    sizes = {change.name: _machine(state, 1) for change, state in objects if change.type == MACHINE}
    for change, state in objects:
        if change.type == SERVICE:
            template = _template_of(state, declared)
            for role in _roles(state, template):
                name = f"{state.get('name') or change.name} / {role['name']}"
                sizes[name] = _machine(_vm_template(role, templates), role["cardinality"])
    return sizes


def _state(change: Change, side: str) -> Mapping[str, Any] | None:
    """One side of the change; an object that stays keeps the ids that a preview leaves out."""
    if side == "before" or change.after is None:
        return change.before if side == "before" else None
    if change.operation in (Operation.SAME, Operation.UPDATE):
        known = {key: (change.before or {}).get(key) for key in IDS}
        return {**{key: value for key, value in known.items() if value is not None}, **change.after}
    return change.after


def _template_of(service: Mapping[str, Any], declared: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The service's template: by id, else the one whose id is not known yet, else none."""
    wanted = service.get("serviceTemplateId", UNKNOWN)
    matching = [template for template in declared if template.get("serviceTemplateId", UNKNOWN) == wanted]
    names = {role.get("name") for role in service.get("roles") or () if isinstance(role, Mapping)}
    fitting = [template for template in declared if names <= {role.get("name") for role in template.get("roles") or ()}]
    return next(iter([*matching, *fitting]), {})


def _roles(service: Mapping[str, Any], template: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Name, cardinality (the service's over its template's) and VM template of each role."""
    own = {role["name"]: role for role in service.get("roles") or () if isinstance(role, Mapping)}
    declared = {role["name"]: role for role in template.get("roles") or () if isinstance(role, Mapping)}
    found = []
    for name in {**declared, **own}:
        count = own.get(name, {}).get("cardinality", declared.get(name, {}).get("cardinality", 0))
        found.append({"name": name, "cardinality": count, "templateId": declared.get(name, {}).get("templateId")})
    return found


def _vm_template(role: Mapping[str, Any], templates: list[tuple[str, Mapping[str, Any]]]) -> Mapping[str, Any] | None:
    """By id; while that is unknown, the template whose name ends with the role's."""
    wanted = role["templateId"]
    if wanted not in (None, UNKNOWN):
        return next((state for _, state in templates if state.get("templateId") == wanted), None)
    return next((state for name, state in templates if name.endswith(f"-{role['name']}")), None)


def _machine(template: Mapping[str, Any] | None, count: Any) -> Size:
    """So many VMs of a template; an unknown number counts as none."""
    number = int(count) if isinstance(count, int | float) else 0
    known = isinstance(count, int | float)
    cpu = (template or {}).get("cpu")
    memory = (template or {}).get("memoryMb")
    if not isinstance(cpu, int | float) or not isinstance(memory, int | float):
        return Size(number, complete=False)
    return Size(number, number * float(cpu), number * int(memory), known)
