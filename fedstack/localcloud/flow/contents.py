"""What the VMs of a role are made of: template contents, networks, user inputs, values of parents (reference 6.9)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, select

from fedstack.localcloud.core import restricted, text
from fedstack.localcloud.core.kinds import TEMPLATE
from fedstack.localcloud.core.objects import Caller, get
from fedstack.localcloud.flow import model
from fedstack.localcloud.flow.model import Service
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import vm
from fedstack.localcloud.vm import view
from fedstack.opennebula.template import Attributes, Value, items

_PARENT = re.compile(r"\$\{([^}]*)\}")


def filled(service: Service, role: Row[Any]) -> dict[str, Any]:
    """`template_contents` once networks are known: `$network` replaced, inputs at the top and in CONTEXT."""
    contents: dict[str, Any] = dict(role.body.get("template_contents") or {})
    if isinstance(nics := contents.get("NIC"), list):
        contents["NIC"] = [_with_network(nic, network_ids(service)) for nic in nics]
    inputs = {**(service.body.get("user_inputs_values") or {}), **(role.body.get("user_inputs_values") or {})}
    if inputs:
        context = contents.get("CONTEXT")
        references = {key: f"${key}" for key in inputs}
        contents = {**contents, **inputs, "CONTEXT": {**(context if isinstance(context, dict) else {}), **references}}
    return contents


def network_ids(service: Service) -> dict[str, str]:
    """Network name to id, of the networks that exist already."""
    entries = (pair for entry in service.body.get("networks_values") or [] for pair in entry.items())
    return {name: str(value["id"]) for name, value in entries if isinstance(value, Mapping) and "id" in value}


def _with_network(nic: Any, networks: Mapping[str, str]) -> Any:
    wanted = nic.get("NETWORK_ID") if isinstance(nic, dict) else None
    if not isinstance(wanted, str) or not wanted.startswith("$"):
        return nic
    return {**nic, "NETWORK_ID": networks.get(wanted[1:], wanted)}


def attributes(tx: Transaction, caller: Caller, service: Service, role: Row[Any]) -> tuple[str, Attributes]:
    """Name of the VM template, and its attributes under those of the role. Raises OneError."""
    row = get(tx, caller, TEMPLATE, role.body["template_id"])
    contents = role.body.get("template_contents") or {}
    merged: Attributes = {**row.template, **_merged(row.template, contents)}
    restricted.check_extra(caller, restricted.MACHINE, merged, row.template, "User Template")
    _check_names(merged)
    return row.name, _resolved(tx, service, role, merged)


def _check_names(attributes: Attributes) -> None:
    """Keys came as JSON; raises OneError INTERNAL for one that template text could not hold."""
    for key, value in items(attributes):
        text.name(key)
        for member in value if isinstance(value, dict) else ():
            text.name(member)


def _merged(base: Mapping[str, Any], extra: Mapping[str, Any]) -> Attributes:
    """Vectors merge, lists and scalars replace."""
    return {key.upper(): _merged_value(base.get(key.upper()), value) for key, value in extra.items()}


def _merged_value(base: Any, extra: Any) -> Value | list[Value]:
    if isinstance(extra, list):
        return [_plain(one) for one in extra]
    own = _plain(extra)
    return {**base, **own} if isinstance(base, dict) and isinstance(own, dict) else own


def _plain(value: Any) -> Value:
    """JSON as template values: texts, and vectors of texts."""
    if isinstance(value, Mapping):
        return {str(key).upper(): _text(one) for key, one in value.items()}
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _resolved(tx: Transaction, service: Service, role: Row[Any], given: Attributes) -> Attributes:
    """`${PARENT.path}` replaced by what the parent's VM has there."""
    parents = [one for one in role.body.get("parents") or [] if isinstance(one, str)]
    trees = {name: _first_vm(tx, service.id, name) for name in parents}

    def replace(given: str) -> str:
        return _PARENT.sub(lambda found: _lookup(trees, found[1]), given) if "${" in given else given

    def resolve(value: Value) -> Value:
        return replace(value) if isinstance(value, str) else {key: replace(one) for key, one in value.items()}

    return {
        key: [resolve(one) for one in value] if isinstance(value, list) else resolve(value)
        for key, value in given.items()
    }


def _first_vm(tx: Transaction, service_id: int, name: str) -> Mapping[str, Any]:
    found = model.node_ids(tx, service_id, name, limit=1)
    row = tx.first(select(vm).where(vm.c.id == found[0])) if found else None
    return view.tree(tx, row) if row is not None else {}


def _lookup(trees: Mapping[str, Mapping[str, Any]], path: str) -> str:
    """The text at a dotted path, upper-cased after the role's name; empty when it does not exist."""
    name, *steps = path.split(".")
    value: Any = trees.get(name, {})
    for step in steps:
        value = value[0] if isinstance(value, list) and value else value
        value = value.get(step.upper(), "") if isinstance(value, Mapping) else ""
    return value if isinstance(value, str) else ""
