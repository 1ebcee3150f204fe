"""What a change does to what runs: which VMs restart, and what becomes of training.

One function for each kind of object, held to what the provider and the platform do: a service takes its number of VMs,
bounds and policies in place (its oldest VMs go first when a role shrinks); everything else about it is an
instantiation anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fedstack.context import VARIABLES, Scope
from fedstack.review.events import Change, Operation, Outcome, PropertyChange
from fedstack.review.sizes import MACHINE, SERVICE, SERVICE_TEMPLATE, VM_TEMPLATE

TRIGGERS = "triggers."
LOST = (
    "Training state on their disks is lost: the SuperLink's run history and checkpoints, the SuperNodes' keys and "
    "local data."
)
RUN_SCOPED = frozenset(row.name for row in VARIABLES if row.scope is Scope.RUN)
ROTATED = frozenset(row.name for row in VARIABLES if row.scope is Scope.ROTATION)


@dataclass(frozen=True)
class Meaning:
    """`text` for people; `restarts` counts running VMs that end or boot anew."""

    text: str
    restarts: int = 0


def explain(change: Change) -> Meaning:
    """What the change means."""
    teller = TELLERS.get(change.type)
    if teller and change.operation in (Operation.UPDATE, Operation.REPLACE, Operation.DELETE):
        return teller(change)
    return Meaning(GENERAL[change.operation])


def restarts(outcome: Outcome) -> int:
    """How many running VMs end or boot anew."""
    return sum(explain(change).restarts for change in outcome.differing)


GENERAL: Mapping[Operation, str] = {
    Operation.CREATE: "New; nothing that runs is touched.",
    Operation.UPDATE: "Changed in place; no VM restarts.",
    Operation.REPLACE: "Removed and made anew.",
    Operation.DELETE: "Removed.",
    Operation.IMPORT: "Taken into the state; nothing that runs is touched.",
    Operation.READ: "Read.",
    Operation.SAME: "Unchanged.",
}


def _service(change: Change) -> Meaning:
    machines = vms(change.before or {})
    if change.operation is Operation.DELETE:
        return Meaning(f"{_listed(machines)} {_form(len(machines), 'ends', 'end')}. {LOST}", len(machines))
    if change.operation is Operation.REPLACE:
        causes = ", ".join(f"`{cause}`" for cause in _causes(change)) or "its template"
        anew = _form(len(machines), "ends and boots anew", "end and boot anew")
        return Meaning(f"{_listed(machines)} {anew}, because of {causes}. {LOST}", len(machines))
    said = [_count(each, change) for each in change.properties if _is_count(each)]
    others = [each for each in change.properties if not _is_count(each)]
    if others or not said:
        said.append(Meaning("Changed in place; no VM restarts."))
    return Meaning(" ".join(each.text for each in said), sum(each.restarts for each in said))


def _count(change: PropertyChange, service: Change) -> Meaning:
    role = change.path.partition("[")[2].partition("]")[0]
    before, after = change.before, change.after
    if not isinstance(before, int | float) or not isinstance(after, int | float):
        return Meaning(f"The number of VMs of {role} changes.")
    difference = int(after) - int(before)
    if difference > 0:
        booting = _form(difference, f"VM of {role} boots", f"VMs of {role} boot")
        return Meaning(f"{difference} {booting}; running VMs stay.")
    names = [name for name, owner in _named(service.before or {}) if owner == role][:-difference]
    listed = f" ({', '.join(names)})" if names else ""
    oldest = "oldest VM" if difference == -1 else f"{-difference} oldest VMs"
    ending = _form(-difference, "ends", "end")
    return Meaning(f"The {oldest} of {role}{listed} {ending}; nothing else restarts.", -difference)


def _service_template(change: Change) -> Meaning:
    if change.operation is Operation.DELETE:
        return Meaning("Removed; running services stay as they are.")
    names = {each.path.rpartition(".")[2] for each in change.properties}
    if names and names <= RUN_SCOPED:
        return Meaning("No VM restarts; the next `fedstack train` uses the new values.")
    if names and names <= ROTATED:
        return Meaning("No VM restarts; `fedstack rotate-certs` makes the federation take the new certificates.")
    return Meaning("No VM restarts by this; what is instantiated from now on has it.")


def _vm_template(change: Change) -> Meaning:
    if change.operation is Operation.DELETE:
        return Meaning("Removed; VMs that were made of it stay.")
    return Meaning("No VM restarts by this; VMs that are created from now on have it.")


def _machine(change: Change) -> Meaning:
    if change.operation is Operation.UPDATE:
        return Meaning("Changed in place; a change of its size powers the VM off and on.", 1 if _resized(change) else 0)
    end = "ends" if change.operation is Operation.DELETE else "ends and a new one boots"
    return Meaning(f"The VM {end}; what is on its disks is lost.", 1)


def _image(change: Change) -> Meaning:
    if change.operation is Operation.REPLACE:
        return Meaning("Built or imported anew; VMs on the old one must be gone before.")
    return Meaning(GENERAL[change.operation])


def _network(change: Change) -> Meaning:
    if change.operation is Operation.REPLACE:
        return Meaning("Every VM on it must leave and gets another address.")
    return Meaning(GENERAL[change.operation])


Teller = Callable[[Change], Meaning]
TELLERS: Mapping[str, Teller] = {
    SERVICE: _service,
    SERVICE_TEMPLATE: _service_template,
    VM_TEMPLATE: _vm_template,
    MACHINE: _machine,
    "opennebula:index:Image": _image,
    "opennebula:index:VirtualNetwork": _network,
}


def _causes(change: Change) -> list[str]:
    """What forces a replacement: the keys of `triggers`, which are the program's own, else the properties."""
    paths = [each.path for each in change.properties if each.replaces]
    keys = [path.removeprefix(TRIGGERS) for path in paths if path.startswith(TRIGGERS)]
    return keys or paths


def vms(service: Mapping[str, Any]) -> list[str]:
    """The names of a service's VMs, as the state knows them."""
    return [name for name, _ in _named(service)]


def _named(service: Mapping[str, Any]) -> list[tuple[str, str]]:
    status = service.get("roleStatus")
    roles = status if isinstance(status, list) else []
    return [(str(node["name"]), str(role["name"])) for role in roles for node in role.get("nodes") or ()]


def _is_count(change: PropertyChange) -> bool:
    return change.path.startswith("roles[") and change.path.endswith("].cardinality")


def _resized(change: Change) -> bool:
    return any(each.path in ("cpu", "vcpu", "memoryMb") for each in change.properties)


def _listed(names: list[str]) -> str:
    if not names:
        return "No VM"
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return f"{len(names)} {_form(len(names), 'VM', 'VMs')} ({shown})"


def _form(number: int, one: str, many: str) -> str:
    return many if number > 1 else one
