"""Attributes that only administrators may set, as the platform's configuration lists them (reference 2.3)."""

from __future__ import annotations

from collections.abc import Mapping

from fedstack.localcloud.core import text
from fedstack.localcloud.core.objects import Caller
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.template import Attributes, as_list

Table = Mapping[str, frozenset[str]]
"""Attribute to its restricted members; to none when it is restricted as a whole."""


def _members(names: str) -> frozenset[str]:
    return frozenset(names.split())


_BANDWIDTH = "INBOUND_AVG_BW INBOUND_PEAK_BW INBOUND_PEAK_KB OUTBOUND_AVG_BW OUTBOUND_PEAK_BW OUTBOUND_PEAK_KB"
_RATES = " ".join(
    f"{way}_{unit}_SEC{suffix}"
    for way in ("TOTAL", "READ", "WRITE")
    for unit in ("BYTES", "IOPS")
    for suffix in ("", "_MAX", "_MAX_LENGTH")
)
_FILTERS = "FILTER FILTER_IP_SPOOFING FILTER_MAC_SPOOFING"

MACHINE: Table = {
    "CONTEXT": _members("FILES"),
    "NIC": _members(f"MAC VLAN_ID BRIDGE {_FILTERS} {_BANDWIDTH} OPENNEBULA_MANAGED EXTERNAL VLAN_TAGGED_ID"),
    "NIC_ALIAS": _members(f"MAC VLAN_ID BRIDGE {_BANDWIDTH} OPENNEBULA_MANAGED"),
    "NIC_DEFAULT": _members("MAC VLAN_ID BRIDGE FILTER EXTERNAL"),
    "DISK": _members(f"{_RATES} SIZE_IOPS_SEC OPENNEBULA_MANAGED ORIGINAL_SIZE SIZE_PREV"),
    "RAW": _members("DATA"),
    "USER_INPUTS": _members("CPU MEMORY VCPU"),
    "TOPOLOGY": _members("PIN_POLICY HUGEPAGE_SIZE"),
    **dict.fromkeys(
        ("DEPLOY_ID", "CPU_COST", "MEMORY_COST", "DISK_COST", "PCI", "EMULATOR", "USER_PRIORITY"), frozenset()
    ),
}
IMAGE: Table = {"SOURCE": frozenset()}
NETWORK: Table = dict.fromkeys(
    _members(
        f"VN_MAD PHYDEV QINQ_TYPE BRIDGE CONF BRIDGE_CONF OVS_BRIDGE_CONF IP_LINK_CONF {_FILTERS} CLUSTER_IDS EXTERNAL"
    ),
    frozenset(),
)
RANGE = _members(f"VN_MAD PHYDEV BRIDGE {_FILTERS}")
ACCOUNT: Table = dict.fromkeys(_members("VM_USE_OPERATIONS VM_MANAGE_OPERATIONS VM_ADMIN_OPERATIONS"), frozenset())


def check_new(caller: Caller, table: Table, attributes: Attributes, what: str) -> None:
    """Raises OneError AUTHORIZATION for a restricted attribute in something new of an ordinary user."""
    _check(caller, table, attributes, {}, f"{what} includes a restricted attribute", ErrorCode.AUTHORIZATION)


def check_extra(caller: Caller, table: Table, attributes: Attributes, base: Attributes, what: str) -> None:
    """The same for attributes that are put over a base: a restricted one may only say what the base says."""
    _check(caller, table, attributes, base, f"{what} includes a restricted attribute", ErrorCode.AUTHORIZATION)


def check_change(caller: Caller, table: Table, attributes: Attributes, before: Attributes) -> None:
    """Raises OneError INTERNAL for an update by an ordinary user that changes a restricted attribute."""
    text_ = "Cannot update template. Tried to change restricted attribute"
    _check(caller, table, attributes, before, text_, ErrorCode.INTERNAL)


def check_range(caller: Caller, vector: Mapping[str, str]) -> None:
    """Raises OneError AUTHORIZATION for an address range of an ordinary user with a restricted member."""
    found = sorted(RANGE & vector.keys())
    if found and not caller.admin:
        raise OneError(ErrorCode.AUTHORIZATION, f"AR includes a restricted attribute {found[0]}")


def _check(
    caller: Caller, table: Table, attributes: Attributes, base: Attributes, message: str, code: ErrorCode
) -> None:
    if caller.admin:
        return
    for key, members in table.items():
        found = _values(attributes, key, members)
        if found and found != _values(base, key, members):
            raise OneError(code, f"{message} {key}")


def _values(attributes: Attributes, key: str, members: frozenset[str]) -> list[object]:
    """What an attribute says in its restricted members, or as a whole."""
    if not members:
        return list(as_list(attributes.get(key)))
    vectors = [sorted((name, one[name]) for name in members & one.keys()) for one in text.vectors(attributes, key)]
    return [one for one in vectors if one]
