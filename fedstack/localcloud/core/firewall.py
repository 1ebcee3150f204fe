"""Security groups: checked rules, and the VMs that have them. Rules are kept and shown; nothing filters packets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select
from sqlalchemy import text as sql

from fedstack.localcloud.core import text
from fedstack.localcloud.core.kinds import SECURITY_GROUP, VM
from fedstack.localcloud.core.objects import (
    MANAGE,
    Caller,
    change,
    check_name,
    check_unique,
    get,
    header_tree,
    header_values,
    undeletable,
)
from fedstack.localcloud.core.tree import Tree, ids
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import security_group, vm
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.template import Attributes, as_list

DEFAULT = 0
"""The group that every network has."""

_PROTOCOLS = ("TCP", "UDP", "ICMP", "ICMPV6", "IPSEC", "ALL")
_WAYS = ("INBOUND", "OUTBOUND")
_RANGE = re.compile(r"[0-9]{1,5}(:[0-9]{1,5})?(,[0-9]{1,5}(:[0-9]{1,5})?)*")
_NUMBER = re.compile(r"[0-9]{1,9}")
_VMS_OF = sql(
    "SELECT DISTINCT vm.id FROM vm, json_each(vm.template, '$.NIC') AS nic WHERE vm.state != 6 AND"
    " ',' || json_extract(nic.value, '$.SECURITY_GROUPS') || ',' LIKE '%,' || :group || ',%' ORDER BY vm.id"
)


def _wrong(what: str, value: str, expected: str) -> OneError:
    return OneError(ErrorCode.INTERNAL, f'Wrong {what} "{value}" in RULE: expected {expected}.')


def checked(attributes: Attributes) -> Attributes:
    """The attributes with rules in their stored form; raises OneError INTERNAL with the member that is wrong."""
    rules = as_list(attributes.get("RULE"))
    if not rules:
        return attributes
    return {**attributes, "RULE": [_rule(one) for one in rules]}


def _rule(rule: str | dict[str, str]) -> str | dict[str, str]:
    if isinstance(rule, str):
        raise OneError(ErrorCode.INTERNAL, f'Wrong RULE "{rule}": expected RULE = [ PROTOCOL = ..., RULE_TYPE = ... ].')
    protocol, way = rule.get("PROTOCOL", "").upper(), rule.get("RULE_TYPE", "").upper()
    if protocol not in _PROTOCOLS:
        raise _wrong("PROTOCOL", protocol, f"one of {', '.join(_PROTOCOLS)}")
    if way not in _WAYS:
        raise _wrong("RULE_TYPE", way, "INBOUND or OUTBOUND")
    _check_range(rule, protocol)
    _check_target(rule)
    return {**rule, "PROTOCOL": protocol, "RULE_TYPE": way}


def _check_range(rule: Mapping[str, str], protocol: str) -> None:
    """Ports belong to TCP and UDP, message types to ICMP."""
    ports, kind = rule.get("RANGE", ""), rule.get("ICMP_TYPE", "")
    if ports and (protocol not in ("TCP", "UDP") or not _RANGE.fullmatch(ports)):
        raise _wrong("RANGE", ports, "ports such as 22,80:90 with PROTOCOL TCP or UDP")
    if kind and (protocol != "ICMP" or not _NUMBER.fullmatch(kind)):
        raise _wrong("ICMP_TYPE", kind, "a number with PROTOCOL ICMP")


def _check_target(rule: Mapping[str, str]) -> None:
    """Whom a rule is about: a run of addresses or a network; neither: everybody."""
    if "IP" in rule and not _NUMBER.fullmatch(rule.get("SIZE", "")):
        raise _wrong("SIZE", rule.get("SIZE", ""), "how many addresses from IP on")
    if "NETWORK_ID" in rule and not _NUMBER.fullmatch(rule["NETWORK_ID"]):
        raise _wrong("NETWORK_ID", rule["NETWORK_ID"], "the number of a network")


def create(tx: Transaction, caller: Caller, attributes: Attributes) -> int:
    """A group; raises OneError INTERNAL."""
    name = text.scalar(attributes, "NAME")
    if not name:
        raise OneError(ErrorCode.INTERNAL, "No NAME in template for Security Group.")
    return store(tx, caller, name, checked({key: value for key, value in attributes.items() if key != "NAME"}))


def store(tx: Transaction, caller: Caller, name: str, attributes: Attributes) -> int:
    """Stores checked attributes under a name; raises OneError INTERNAL."""
    check_name(name)
    check_unique(tx, SECURITY_GROUP, name, caller.uid)
    group_id = tx.take_ids("security_group")
    tx.run(insert(security_group), {**header_values(caller, group_id, name), "template": attributes})
    return group_id


def remove(tx: Transaction, caller: Caller, group_id: int) -> None:
    """Deletes a group that no VM has; the default one stays. Raises OneError ACTION."""
    get(tx, caller, SECURITY_GROUP, group_id, MANAGE)
    if group_id == DEFAULT:
        raise undeletable(SECURITY_GROUP, group_id, "The default security group cannot be deleted.")
    if users := vms_of(tx, group_id):
        raise undeletable(SECURITY_GROUP, group_id, f"The security group is in use by VM {users[0]}.")
    tx.run(delete(security_group).where(security_group.c.id == group_id))


def vms_of(tx: Transaction, group_id: int) -> list[int]:
    """Ids of the living VMs with a NIC in the group."""
    return [row.id for row in tx.all(_VMS_OF, {"group": str(group_id)})]


def numbers(listed: str) -> list[int]:
    """The ids in a SECURITY_GROUPS text; raises OneError INTERNAL."""
    found = [one.strip() for one in listed.split(",") if one.strip()]
    if not all(_NUMBER.fullmatch(one) for one in found):
        raise OneError(ErrorCode.INTERNAL, f'Wrong SECURITY_GROUPS "{listed}": expected ids such as 0,100.')
    return sorted({int(one) for one in found})


def of_nic(tx: Transaction, caller: Caller, network: str, asked: str) -> str:
    """SECURITY_GROUPS of a NIC: those of its network and those it asks for, which the caller has to be able to use."""
    own = numbers(asked)
    for group_id in own:
        get(tx, caller, SECURITY_GROUP, group_id)
    return ",".join(str(one) for one in sorted({*own, *numbers(network)}))


def rules_of(tx: Transaction, nics: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """SECURITY_GROUP_RULE of a VM: the rules of all groups of its NICs; a group that is gone has none."""
    wanted = sorted({one for nic in nics for one in numbers(nic.get("SECURITY_GROUPS", ""))})
    if not wanted:
        return []
    query = select(security_group).where(security_group.c.id.in_(wanted)).order_by(security_group.c.id)
    return [rule for row in tx.all(query) for rule in _shown(row)]


def _shown(row: Row[Any]) -> list[dict[str, str]]:
    group = {"SECURITY_GROUP_ID": str(row.id), "SECURITY_GROUP_NAME": row.name}
    return [{**rule, **group} for rule in text.vectors(row.template, "RULE")]


def apply(tx: Transaction, group_id: int) -> None:
    """Writes the rules of a group anew into the VMs that have it."""
    for vm_id in vms_of(tx, group_id):
        template = tx.value(select(vm.c.template).where(vm.c.id == vm_id))
        change(tx, VM, vm_id, template=with_rules(tx, template, template.get("NIC", [])))


def with_rules(tx: Transaction, template: Mapping[str, Any], nics: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """A VM's TEMPLATE with these NICs and the rules that follow from them."""
    rest = {key: value for key, value in template.items() if key not in ("NIC", "SECURITY_GROUP_RULE")}
    own = {"NIC": list(nics), "SECURITY_GROUP_RULE": rules_of(tx, nics)}
    return dict(sorted({**rest, **{key: value for key, value in own.items() if value}}.items()))


def tree(tx: Transaction, row: Row[Any]) -> Tree:
    """A SECURITY_GROUP document; every VM is up to date."""
    waiting: Tree = {key: {} for key in ("OUTDATED_VMS", "UPDATING_VMS", "ERROR_VMS")}
    return {**header_tree(tx, row), "UPDATED_VMS": ids(vms_of(tx, row.id)), **waiting, "TEMPLATE": row.template}
