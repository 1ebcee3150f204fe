"""Address ranges and their leases: taken when a VM is created, given back when it is DONE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

from fedstack.localcloud.core.addresses import ip_text, mac_text
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import address_range, lease
from fedstack.opennebula.errors import ErrorCode, OneError

NOBODY = -1
"""Holder of a lease that was put on hold."""


@dataclass(frozen=True)
class Lease:
    """One address of a range; `ip` is None in ranges of type ETHER."""

    ar_id: int
    place: int
    ip: str | None
    mac: str


_RANGES = (
    select(address_range).where(address_range.c.network_id == bindparam("network")).order_by(address_range.c.ar_id)
)
_PLACES = (
    select(lease.c.place)
    .where(lease.c.network_id == bindparam("network"), lease.c.ar_id == bindparam("ar"))
    .where(lease.c.place >= bindparam("first"), lease.c.place < bindparam("last"))
)


def ranges(tx: Transaction, network_id: int) -> Sequence[Row[Any]]:
    """The address ranges of a network, by AR_ID."""
    return tx.all(_RANGES, {"network": network_id})


def take(tx: Transaction, network_id: int, vm_ids: Sequence[int]) -> list[Lease]:
    """One free address for each VM; raises OneError INTERNAL when the network has too few."""
    found: list[Lease] = []
    for row in ranges(tx, network_id):
        wanted = len(vm_ids) - len(found)
        places = _free_places(tx, row, min(wanted, row.size - row.used)) if wanted else []
        if places:
            found += _occupy(tx, row, places, vm_ids[len(found) : len(found) + len(places)])
    if len(found) < len(vm_ids):
        raise OneError(ErrorCode.INTERNAL, f"Cannot get IP/MAC lease from virtual network {network_id}.")
    return found


def take_address(tx: Transaction, network_id: int, ip: int | None, mac: int | None, vm_id: int) -> Lease:
    """A certain address; raises OneError INTERNAL when it is in no range or taken."""
    wanted = ip_text(ip) if ip is not None else mac_text(mac or 0)
    for row in ranges(tx, network_id):
        place = place_in(row, ip, mac)
        if place is None:
            continue
        if _is_taken(tx, row, place):
            raise OneError(ErrorCode.INTERNAL, f"Cannot get IP/MAC lease {wanted}: it is in use.")
        return _occupy(tx, row, [place], [vm_id])[0]
    raise OneError(ErrorCode.INTERNAL, f"Address {wanted} is not part of any address range of network {network_id}.")


def take_place(tx: Transaction, row: Row[Any], place: int) -> bool:
    """Takes a place of a range out of use; says whether it was free."""
    free_ = not _is_taken(tx, row, place)
    if free_:
        _occupy(tx, row, [place], [NOBODY])
    return free_


def place_in(row: Row[Any], ip: int | None, mac: int | None) -> int | None:
    """The place of an address in a range; None when it is not in it."""
    start, number = (row.ip, ip) if ip is not None else (row.mac, mac)
    inside = start is not None and number is not None and 0 <= number - start < row.size
    return number - start if inside else None


def _is_taken(tx: Transaction, row: Row[Any], place: int) -> bool:
    names = {"network": row.network_id, "ar": row.ar_id, "first": place, "last": place + 1}
    return tx.first(_PLACES, names) is not None


def _free_places(tx: Transaction, row: Row[Any], count: int) -> list[int]:
    """Free places from the range's next index on, then from its start: constant cost while the range is not full."""
    found: list[int] = []
    place, seen = row.next_index, 0
    while len(found) < count and seen < row.size:
        window = min(max(count, 64), row.size - place)
        names = {"network": row.network_id, "ar": row.ar_id, "first": place, "last": place + window}
        taken = {used.place for used in tx.all(_PLACES, names)}
        found += [free for free in range(place, place + window) if free not in taken]
        seen += window
        place = (place + window) % row.size
    return found[:count]


def _occupy(tx: Transaction, row: Row[Any], places: Sequence[int], vm_ids: Sequence[int]) -> list[Lease]:
    key = {"network_id": row.network_id, "ar_id": row.ar_id}
    tx.run(insert(lease), [{**key, "place": place, "vm_id": vm} for place, vm in zip(places, vm_ids, strict=True)])
    _count(tx, row, len(places), next_index=(places[-1] + 1) % row.size)
    return [at(row, place) for place in places]


def _count(tx: Transaction, row: Row[Any], change: int, **values: int) -> None:
    where = (address_range.c.network_id == row.network_id, address_range.c.ar_id == row.ar_id)
    tx.run(update(address_range).where(*where).values(used=address_range.c.used + change, **values))


def at(row: Row[Any], place: int) -> Lease:
    """The address at a place of a range."""
    ip = None if row.ip is None else ip_text(row.ip + place)
    return Lease(row.ar_id, place, ip, mac_text(row.mac + place))


def give_back(tx: Transaction, vm_id: int) -> None:
    """Frees all addresses of a VM."""
    for row in tx.all(select(lease).where(lease.c.vm_id == vm_id)):
        free(tx, row)


def free(tx: Transaction, row: Row[Any]) -> None:
    """Frees one lease."""
    key = (lease.c.network_id == row.network_id, lease.c.ar_id == row.ar_id, lease.c.place == row.place)
    tx.run(delete(lease).where(*key))
    _count(tx, row, -1)


def reserve(tx: Transaction, row: Row[Any], places: Sequence[int], child_id: int) -> None:
    """Marks places of a range as given to another network."""
    key = {"network_id": row.network_id, "ar_id": row.ar_id, "vm_id": NOBODY, "child_id": child_id}
    tx.run(insert(lease), [{**key, "place": place} for place in places])
    _count(tx, row, len(places))


def free_run(tx: Transaction, row: Row[Any], size: int, first: int | None = None) -> range | None:
    """`size` free places in a row, from `first` or anywhere; None when there are none."""
    names = {"network": row.network_id, "ar": row.ar_id, "first": first or 0, "last": row.size}
    start = first or 0
    for place in sorted(used.place for used in tx.all(_PLACES, names)):
        if place - start >= size:
            break
        if first is not None:
            return None
        start = place + 1
    return range(start, start + size) if start + size <= row.size else None
