"""Virtual networks: create, extend, hold, reserve, delete (reference 2.10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from fedstack.localcloud.core import firewall, leases, text
from fedstack.localcloud.core.addresses import free_run, ip_number, mac_number, mac_of_ip
from fedstack.localcloud.core.kinds import NETWORK
from fedstack.localcloud.core.numbers import natural
from fedstack.localcloud.core.objects import MANAGE, Caller, check_name, check_unique, get, header_values
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import address_range, cluster_network, lease, network
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.states import VnetState
from fedstack.opennebula.template import Attributes

_AR_COLUMNS = frozenset({"AR_ID", "TYPE", "IP", "MAC", "SIZE", "IP_END", "MAC_END", "USED_LEASES", "LEASES"})
_AR_TYPES = frozenset({"IP4", "ETHER", "IP4_6", "IP6"})
MAX_SIZE = 1 << 16


def create(tx: Transaction, caller: Caller, attributes: Attributes, cluster_id: int, parent_id: int = -1) -> int:
    """A network with its address ranges; it is READY at once. Raises OneError INTERNAL."""
    name, vn_mad = text.scalar(attributes, "NAME"), text.scalar(attributes, "VN_MAD")
    if not name:
        raise OneError(ErrorCode.INTERNAL, "No NAME in template for Virtual Network.")
    check_name(name)
    check_unique(tx, NETWORK, name, caller.uid)
    if not vn_mad:
        raise OneError(ErrorCode.INTERNAL, "No VN_MAD in template for Virtual Network.")
    network_id = tx.take_ids("network")
    bridge = text.scalar(attributes, "BRIDGE") or f"onebr{network_id}"
    values = {
        **header_values(caller, network_id, name),
        "template": _template(attributes, bridge),
        "state": VnetState.READY,
        "prev_state": VnetState.LOCK_CREATE,
        "bridge": bridge,
        "vn_mad": vn_mad,
        "parent_id": parent_id,
    }
    tx.run(insert(network), values)
    tx.run(insert(cluster_network), {"cluster_id": max(cluster_id, 0), "network_id": network_id})
    for vector in text.vectors(attributes, "AR"):
        add_range(tx, network_id, vector)
    return network_id


def _template(attributes: Attributes, bridge: str) -> Attributes:
    """TEMPLATE as the platform completes it: unset optionals are there and empty, security group 0 always."""
    groups = {firewall.DEFAULT, *firewall.numbers(text.scalar(attributes, "SECURITY_GROUPS"))}
    own = {key: value for key, value in attributes.items() if key not in {"NAME", "AR"}}
    complete: Attributes = {
        "BRIDGE_TYPE": "linux",
        "OUTER_VLAN_ID": "",
        "PHYDEV": "",
        "VLAN_ID": "",
        **own,
        "BRIDGE": bridge,
        "SECURITY_GROUPS": ",".join(str(one) for one in sorted(groups)),
    }
    return dict(sorted(complete.items()))


def updated_template(row: Row[Any], attributes: Attributes) -> Attributes:
    """TEMPLATE after an update: what identifies the network stays."""
    fixed = {key: row.template[key] for key in ("BRIDGE", "VN_MAD") if key in row.template}
    return _template({**attributes, **fixed}, row.bridge)


def add_range(tx: Transaction, network_id: int, vector: Mapping[str, str], parent_ar: int | None = None) -> int:
    """Adds an address range; without IP and with IPAM_MAD=local it gets addresses of the cloud's own block."""
    kind = vector.get("TYPE", "ETHER").upper()
    if kind not in _AR_TYPES:
        raise OneError(ErrorCode.INTERNAL, f'Unknown TYPE "{kind}" in address range: expected IP4 or ETHER.')
    size = _size(vector)
    ip = _first_ip(tx, kind, vector, size)
    mac = mac_number(vector["MAC"]) if vector.get("MAC") else mac_of_ip(ip or network_id << 16)
    _check_end(ip, mac, size)
    ar_id = 1 + (tx.value(select(func.max(address_range.c.ar_id)).where(address_range.c.network_id == network_id)) or 0)
    if not leases.ranges(tx, network_id):
        ar_id = 0
    values = {
        "network_id": network_id,
        "ar_id": ar_id,
        "type": kind,
        "ip": ip,
        "mac": mac,
        "size": size,
        "template": {key: value for key, value in vector.items() if key not in _AR_COLUMNS}
        | ({} if parent_ar is None else {"PARENT_NETWORK_AR_ID": str(parent_ar)}),
    }
    tx.run(insert(address_range), values)
    return ar_id


def _size(vector: Mapping[str, str]) -> int:
    size = natural(vector.get("SIZE"))
    if size is None or not 0 < size <= MAX_SIZE:
        wrong = vector.get("SIZE", "")
        raise OneError(ErrorCode.INTERNAL, f'Wrong SIZE "{wrong}" in address range: expected 1 to {MAX_SIZE}.')
    return size


def _check_end(ip: int | None, mac: int, size: int) -> None:
    """Raises OneError INTERNAL for a range beyond the last address that there is."""
    if (ip or 0) + size > 1 << 32 or mac + size > 1 << 48:
        raise OneError(ErrorCode.INTERNAL, f"Wrong SIZE in address range: it ends beyond the last address ({size}).")


def _first_ip(tx: Transaction, kind: str, vector: Mapping[str, str], size: int) -> int | None:
    if kind in {"ETHER", "IP6"}:
        return None
    if vector.get("IP"):
        return ip_number(vector["IP"])
    if vector.get("IPAM_MAD") != "local":
        raise OneError(
            ErrorCode.INTERNAL, "Missing IP in address range: expected IP, or IPAM_MAD=local for any free ones."
        )
    taken = tx.all(select(address_range.c.ip, address_range.c.size).where(address_range.c.ip.is_not(None)))
    return free_run(tx.site.block, size, ((row.ip, row.size) for row in taken))


def find_range(tx: Transaction, network_id: int, ar_id: int) -> Row[Any]:
    """One address range; raises OneError NO_EXISTS."""
    where = (address_range.c.network_id == network_id, address_range.c.ar_id == ar_id)
    row = tx.first(select(address_range).where(*where))
    if row is None:
        raise OneError(ErrorCode.NO_EXISTS, f"Address Range {ar_id} does not exist.", network_id)
    return row


def update_range(tx: Transaction, network_id: int, vector: Mapping[str, str]) -> None:
    """Changes SIZE and further attributes of a range; addresses in use must stay inside."""
    ar_id = natural(vector.get("AR_ID"))
    if ar_id is None:
        raise OneError(ErrorCode.INTERNAL, "Missing AR_ID in address range: expected the number of an existing one.")
    row = find_range(tx, network_id, ar_id)
    size = _size(vector) if "SIZE" in vector else row.size
    _check_end(row.ip, row.mac, size)
    where = (lease.c.network_id == network_id, lease.c.ar_id == row.ar_id)
    if tx.first(select(lease.c.place).where(*where, lease.c.place >= size).limit(1)):
        raise OneError(ErrorCode.INTERNAL, f"Cannot shrink address range {row.ar_id} to {size}: leases in use.")
    extra = {key: value for key, value in vector.items() if key not in _AR_COLUMNS}
    _change_range(tx, row, size=size, next_index=row.next_index % size, template={**row.template, **extra})


def _change_range(tx: Transaction, row: Row[Any], **values: Any) -> None:
    where = (address_range.c.network_id == row.network_id, address_range.c.ar_id == row.ar_id)
    tx.run(update(address_range).where(*where).values(**values))


def remove_range(tx: Transaction, network_id: int, ar_id: int, *, force: bool) -> None:
    """Removes a range; refused while addresses are in use, unless forced."""
    row = find_range(tx, network_id, ar_id)
    if row.used and not force:
        raise OneError(ErrorCode.INTERNAL, "Address Range has leases in use", network_id)
    tx.run(delete(lease).where(lease.c.network_id == network_id, lease.c.ar_id == ar_id))
    tx.run(delete(address_range).where(address_range.c.network_id == network_id, address_range.c.ar_id == ar_id))


def _address(vector: Mapping[str, str]) -> tuple[int | None, int | None]:
    if vector.get("IP"):
        return ip_number(vector["IP"]), None
    if vector.get("MAC"):
        return None, mac_number(vector["MAC"])
    raise OneError(ErrorCode.INTERNAL, "Missing IP or MAC in LEASES.")


def hold(tx: Transaction, network_id: int, vector: Mapping[str, str]) -> None:
    """Takes an address out of use."""
    leases.take_address(tx, network_id, *_address(vector), leases.NOBODY)


def release(tx: Transaction, network_id: int, vector: Mapping[str, str]) -> None:
    """Puts an address that was on hold into use again."""
    row, place = leases.locate(tx, network_id, *_address(vector))
    where = (lease.c.network_id == network_id, lease.c.ar_id == row.ar_id, lease.c.place == place)
    held = tx.first(select(lease).where(*where, lease.c.vm_id == leases.NOBODY, lease.c.child_id == -1))
    if held is None:
        raise OneError(ErrorCode.INTERNAL, "Lease is not on hold", network_id)
    leases.free(tx, held)


def reserve(tx: Transaction, caller: Caller, parent_id: int, attributes: Attributes) -> int:
    """A new network over addresses of another one; returns its id."""
    parent = get(tx, caller, NETWORK, parent_id)
    name, size = text.scalar(attributes, "NAME"), _size({"SIZE": text.scalar(attributes, "SIZE")})
    wanted = text.scalar(attributes, "IP")
    row, places = _reservation(
        tx, parent_id, size, ip_number(wanted) if wanted else None, text.scalar(attributes, "AR_ID")
    )
    inherited = {key: value for key, value in parent.template.items() if key not in {"DESCRIPTION"}}
    network_id = create(tx, caller, {**inherited, "NAME": name}, 0, parent_id)
    leases.reserve(tx, row, places, network_id)
    first = leases.at(row, places[0])
    vector = {"TYPE": row.type, "SIZE": str(size), "MAC": first.mac, **({"IP": first.ip} if first.ip else {})}
    add_range(tx, network_id, vector, row.ar_id)
    return network_id


def _reservation(tx: Transaction, network_id: int, size: int, ip: int | None, ar_id: str) -> tuple[Row[Any], list[int]]:
    for row in leases.ranges(tx, network_id):
        if ar_id and ar_id != str(row.ar_id):
            continue
        first = None if ip is None or row.ip is None else ip - row.ip
        places = leases.free_run(tx, row, size, first) if first is None or first >= 0 else None
        if places:
            return row, places
    raise OneError(ErrorCode.INTERNAL, "Not enough free addresses for the reservation.", network_id)


def remove(tx: Transaction, caller: Caller, network_id: int) -> None:
    """Deletes a network; refused while addresses are in use. A reservation returns its addresses."""
    row = get(tx, caller, NETWORK, network_id, MANAGE)
    if tx.first(select(lease.c.place).where(lease.c.network_id == network_id).limit(1)):
        text_ = "Can not remove a virtual network with leases in use"
        raise OneError(ErrorCode.ACTION, text_, network_id)
    for held in tx.all(select(lease).where(lease.c.child_id == network_id)):
        leases.free(tx, held)
    tx.run(delete(address_range).where(address_range.c.network_id == network_id))
    tx.run(delete(cluster_network).where(cluster_network.c.network_id == network_id))
    tx.run(delete(network).where(network.c.id == row.id))
