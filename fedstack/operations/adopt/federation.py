"""The settings with which the federation component would declare a service.

They are a proposal: whether they really do is seen by a trial, not judged here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fedstack.context import NAMES, Scope, defaults, named
from fedstack.oneflow.names import to_camel
from fedstack.operations.adopt.found import Found, Machine

ROLES = ("superlink", "supernode")


def obstacles(found: Found, stack: str) -> list[str]:
    """Why it cannot be a federation of this stack at all; empty when a trial is worth while."""
    names = list(found.machines)
    reasons = []
    if names != list(ROLES):
        reasons.append(f"roles: expected {' and '.join(ROLES)}, got {', '.join(names) or 'none'}")
    if not found.name.removesuffix(f"-{stack}") or not found.name.endswith(f"-{stack}"):
        reasons.append(f"name: expected <name>-{stack}, got {found.name!r}; --stack chooses another ending")
    return reasons


def settings(found: Found, stack: str) -> dict[str, Any]:
    """The value of `fedstack:federation`. Image and network are referred to by number: others may use them too."""
    superlink, supernode = (found.machines[role] for role in ROLES)
    role = next(each for each in found.service["roles"] if each["name"] == "supernode")
    bounds = {"count": "cardinality", "min": "min_vms", "max": "max_vms", "cooldown": "cooldown"}
    chosen = {
        "name": found.name.removesuffix(f"-{stack}"),
        "image": {"id": _image(superlink)},
        "network": {"id": _number(superlink.first("NIC").get("NETWORK_ID"))},
        "superlink": _size(superlink),
        "supernodes": {
            **({"image": {"id": _image(supernode)}} if _image(supernode) != _image(superlink) else {}),
            **{key: role[name] for key, name in bounds.items() if role.get(name) is not None},
            **_size(supernode),
            **_policies(found),
        },
        "sshPublicKey": _context(found).get("SSH_PUBLIC_KEY"),
        "variables": variables(found),
    }
    return {key: value for key, value in chosen.items() if value}


def variables(found: Found) -> dict[str, str]:
    """Context variables whose values are not the defaults, by name.

    What a VM reads at boot is as the service has it; what a run reads (and may change later) as the template says.
    """
    usual = {**defaults("superlink"), **defaults("supernode")}
    return {name: value for name, value in _in_force(found) if value != usual.get(name, "")}


def _in_force(found: Found) -> Iterator[tuple[str, str]]:
    given = {name: value for part in _parts(found.service) for name, value in _map(part, "user_inputs_values").items()}
    for part in _parts(found.template):
        for name, kind in _map(part, "user_inputs").items():
            if name in NAMES:
                run = all(row.scope is Scope.RUN for row in named(name))
                yield name, _default(str(kind)) if run else str(given.get(name, ""))


def _parts(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The body itself and its roles: each may declare inputs."""
    return [body, *body.get("roles", [])]


def _map(part: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return part.get(key) or {}


def _default(kind: str) -> str:
    """The last field of a type string such as `O|number|Training rounds||3`."""
    fields = kind.split("|")
    return fields[4] if len(fields) > 4 else ""


def _policies(found: Found) -> dict[str, Any]:
    """The policies of the elastic role as the template has them: the service's carry what the platform counts."""
    roles = to_camel({"roles": found.template["roles"]})["roles"]
    role = next(each for each in roles if each["name"] == "supernode")
    return {key: role[key] for key in ("elasticityPolicies", "scheduledPolicies") if role.get(key)}


def _context(found: Found) -> Mapping[str, Any]:
    contents = found.template["roles"][0].get("template_contents") or {}
    return contents.get("CONTEXT") or {}


def _size(machine: Machine) -> dict[str, float]:
    keys = {"cpu": machine.attributes.get("CPU"), "vcpu": machine.attributes.get("VCPU")}
    keys |= {"memoryMb": machine.attributes.get("MEMORY"), "diskMb": machine.first("DISK").get("SIZE")}
    return {key: _number(value) for key, value in keys.items() if value}


def _image(machine: Machine) -> float:
    return _number(machine.first("DISK").get("IMAGE_ID"))


def _number(text: Any) -> float:
    """A number as people write it: whole ones as int."""
    value = float(text or 0)
    return int(value) if value.is_integer() else value
