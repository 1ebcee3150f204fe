"""Address ranges of networks, and addresses that are held in them (reference 2.5, 2.9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy import insert as sql_insert

from fedstack.localcloud.core import leases
from fedstack.localcloud.core.addresses import free_run, ip_number, mac_number, mac_of_ip
from fedstack.localcloud.core.numbers import natural
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import address_range, lease, network
from fedstack.opennebula.errors import ErrorCode, OneError

_COLUMNS = frozenset({"AR_ID", "TYPE", "IP", "MAC", "SIZE", "IP_END", "MAC_END", "USED_LEASES", "LEASES"})
_FIXED = ("IPAM_MAD", "PARENT_NETWORK_AR_ID")
_TYPES = frozenset({"IP4", "ETHER", "IP4_6", "IP6"})
MAX_SIZE = 1 << 16
"""Addresses of one range."""


def add(tx: Transaction, network_id: int, vector: Mapping[str, str], parent_ar: int | None = None) -> int:
    """Adds a range; without IP and with IPAM_MAD=local it gets addresses of the cloud's own block."""
    kind = vector.get("TYPE", "ETHER").upper()
    if kind not in _TYPES:
        raise OneError(ErrorCode.INTERNAL, f'Unknown TYPE "{kind}" in address range: expected IP4 or ETHER.')
    size = _size(vector)
    ip = _first_ip(tx, kind, vector, size)
    mac = mac_number(vector["MAC"]) if vector.get("MAC") else mac_of_ip(ip or network_id << 16)
    _check_end(ip, mac, size)
    last = tx.value(select(func.max(address_range.c.ar_id)).where(address_range.c.network_id == network_id))
    ar_id = 0 if last is None else last + 1
    parent = {} if parent_ar is None else {"PARENT_NETWORK_AR_ID": str(parent_ar)}
    values = {"network_id": network_id, "ar_id": ar_id, "type": kind, "ip": ip, "mac": mac, "size": size}
    tx.run(sql_insert(address_range), {**values, "template": {**_extra(vector), **parent}})
    return int(ar_id)


def _extra(vector: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in vector.items() if key not in _COLUMNS}


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


def _find(tx: Transaction, network_id: int, ar_id: int) -> Row[Any] | None:
    where = (address_range.c.network_id == network_id, address_range.c.ar_id == ar_id)
    return tx.first(select(address_range).where(*where))


def change(tx: Transaction, network_id: int, vector: Mapping[str, str]) -> None:
    """Another SIZE, and all further attributes anew; addresses in use must stay inside. Raises OneError INTERNAL."""
    ar_id = natural(vector.get("AR_ID"))
    if ar_id is None:
        raise OneError(ErrorCode.INTERNAL, "AR/AR_ID attribute is missing.", network_id)
    row = _find(tx, network_id, ar_id)
    if row is None:
        raise OneError(ErrorCode.INTERNAL, f"Address Range with ID {ar_id} was not found.", network_id)
    size = _size(vector) if vector.get("SIZE") else row.size
    _check_size(tx, row, size)
    fixed = {key: row.template[key] for key in _FIXED if key in row.template}
    template = {**{key: value for key, value in _extra(vector).items() if key not in _FIXED}, **fixed}
    where = (address_range.c.network_id == network_id, address_range.c.ar_id == ar_id)
    values = {"size": size, "next_index": row.next_index % size, "template": template}
    tx.run(update(address_range).where(*where).values(values))


def _check_size(tx: Transaction, row: Row[Any], size: int) -> None:
    if size != row.size and "PARENT_NETWORK_AR_ID" in row.template:
        raise OneError(ErrorCode.INTERNAL, "The SIZE of a reservation cannot be changed.", row.network_id)
    _check_end(row.ip, row.mac, size)
    where = (lease.c.network_id == row.network_id, lease.c.ar_id == row.ar_id, lease.c.place >= size)
    if tx.first(select(lease.c.place).where(*where).limit(1)):
        text = "New SIZE cannot be applied. There are used leases that would fall outside the range."
        raise OneError(ErrorCode.INTERNAL, text, row.network_id)
    if size > row.size and row.template.get("IPAM_MAD") == "local":
        _check_behind(tx, row, size)


def _check_behind(tx: Transaction, row: Row[Any], size: int) -> None:
    """Addresses of the cloud's own block belong to one range each."""
    first, last = row.ip + row.size, row.ip + size - 1
    behind = (address_range.c.ip <= last, address_range.c.ip + address_range.c.size > first)
    taken = tx.first(select(address_range.c.ip).where(*behind).limit(1))
    if taken is not None or last >> 16 != row.ip >> 16 or last & 0xFFFF == 0xFFFF:
        text = f"New SIZE cannot be applied. The {size - row.size} addresses behind the range are not free."
        raise OneError(ErrorCode.INTERNAL, text, row.network_id)


def remove(tx: Transaction, network_id: int, ar_id: int, *, force: bool) -> None:
    """Removes a range; refused while addresses are in use, unless forced. A reserved one goes back to its parent."""
    row = _find(tx, network_id, ar_id)
    if row is None:
        raise OneError(ErrorCode.INTERNAL, "Address Range does not exist", network_id)
    if row.used and not force:
        raise OneError(ErrorCode.INTERNAL, "Address Range has leases in use", network_id)
    tx.run(delete(lease).where(lease.c.network_id == network_id, lease.c.ar_id == ar_id))
    tx.run(delete(address_range).where(address_range.c.network_id == network_id, address_range.c.ar_id == ar_id))
    if "PARENT_NETWORK_AR_ID" in row.template:
        _return(tx, row)


def _return(tx: Transaction, row: Row[Any]) -> None:
    """Frees the addresses of a reserved range in the network that they come from."""
    parent_id = tx.value(select(network.c.parent_id).where(network.c.id == row.network_id))
    parent = _find(tx, parent_id, int(row.template["PARENT_NETWORK_AR_ID"]))
    if parent is None:
        return
    first = row.mac - parent.mac
    reserved = (lease.c.network_id == parent_id, lease.c.ar_id == parent.ar_id, lease.c.child_id == row.network_id)
    inside = (lease.c.place >= first, lease.c.place < first + row.size)
    for one in tx.all(select(lease).where(*reserved, *inside)):
        leases.free(tx, one)


def hold(tx: Transaction, network_id: int, vector: Mapping[str, str]) -> None:
    """Takes an address out of use, in every range that has it (or that of AR_ID). Raises OneError INTERNAL."""
    taken = False
    for row, place in _places(tx, network_id, vector):
        taken = leases.take_place(tx, row, place) or taken
    if not taken:
        raise OneError(ErrorCode.INTERNAL, "Address is not part of the address range or in use.", network_id)


def release(tx: Transaction, network_id: int, vector: Mapping[str, str]) -> None:
    """Puts an address that was on hold into use again; one that was not changes nothing. Raises OneError INTERNAL."""
    for row, place in _places(tx, network_id, vector):
        where = (lease.c.network_id == network_id, lease.c.ar_id == row.ar_id, lease.c.place == place)
        held = tx.first(select(lease).where(*where, lease.c.vm_id == leases.NOBODY, lease.c.child_id == -1))
        if held is not None:
            leases.free(tx, held)


def _places(tx: Transaction, network_id: int, vector: Mapping[str, str]) -> Iterator[tuple[Row[Any], int]]:
    """Ranges that contain the address of a LEASES vector, and its place in each."""
    given = [key for key in ("IP", "IP6", "MAC") if vector.get(key)]
    if not given:
        raise OneError(ErrorCode.INTERNAL, "Missing MAC, IP or IP6.", network_id)
    if len(given) > 1:
        raise OneError(ErrorCode.INTERNAL, "Only one attribute MAC, IP or IP6 can be set.", network_id)
    ip = ip_number(vector["IP"]) if given == ["IP"] else None
    mac = mac_number(vector["MAC"]) if given == ["MAC"] else None
    for row in leases.ranges(tx, network_id):
        place = leases.place_in(row, ip, mac)
        if place is not None and vector.get("AR_ID", str(row.ar_id)) == str(row.ar_id):
            yield row, place
