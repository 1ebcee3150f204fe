"""Reservations: networks over addresses of another network (reference 2.5)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from fedstack.localcloud.core import leases, networks, ranges, text
from fedstack.localcloud.core.addresses import ip_number, mac_number
from fedstack.localcloud.core.kinds import NETWORK
from fedstack.localcloud.core.numbers import natural
from fedstack.localcloud.core.objects import MANAGE, Caller, find, get
from fedstack.localcloud.store.database import Transaction
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.template import Attributes


def _refused(message: str, network_id: int) -> OneError:
    return OneError(ErrorCode.ACTION, message, network_id)


def reserve(tx: Transaction, caller: Caller, parent_id: int, attributes: Attributes) -> int:
    """A new network (NAME), or a further range of a reservation (NETWORK_ID), over SIZE addresses in a row; its id.

    They begin anywhere, or in the range AR_ID, there at IP or MAC on request. Raises OneError ACTION, NO_EXISTS,
    AUTHORIZATION.
    """
    size = natural(text.scalar(attributes, "SIZE"))
    if not size:
        raise _refused("Reservation SIZE must be a greater than 0", parent_id)
    existing = text.scalar(attributes, "NETWORK_ID")
    network_id = _extended(tx, caller, parent_id, existing) if existing else None
    name = text.scalar(attributes, "NAME")
    if network_id is None and not name:
        raise _refused("NAME for reservation has to be set", parent_id)
    wanted = _start(attributes, parent_id)
    parent = get(tx, caller, NETWORK, parent_id)
    if parent.parent_id >= 0:
        raise _refused("Cannot reserve addresses from a reserved VNET", parent_id)
    row, places = _free(tx, parent_id, size, *wanted)
    if network_id is None:
        inherited = {key: value for key, value in parent.template.items() if key != "DESCRIPTION"}
        clusters = networks.clusters_of(tx, parent_id)
        network_id = networks.create(tx, caller, {**inherited, "NAME": name}, clusters, parent_id)
    _take(tx, row, places, network_id)
    return network_id


def _extended(tx: Transaction, caller: Caller, parent_id: int, existing: str) -> int:
    """The reservation that gets more addresses."""
    number = natural(existing)
    if number is None:
        raise _refused("NETWORK_ID must be equal or greater than 0", parent_id)
    if number == parent_id:
        raise _refused("Cannot add a reservation from the same network", parent_id)
    row = find(tx, NETWORK, number)
    if row.parent_id < 0:
        raise _refused("Cannot add reservations to a non-reservation VNET", parent_id)
    if row.parent_id != parent_id:
        raise _refused(f"New reservations for virtual network {number} have to be from network {row.parent_id}", number)
    get(tx, caller, NETWORK, number, MANAGE)
    return number


def _start(attributes: Attributes, parent_id: int) -> tuple[int | None, int | None, int | None]:
    """AR_ID, IP and MAC of the first address; None where it may be any."""
    given, ip, mac = (text.scalar(attributes, key) for key in ("AR_ID", "IP", "MAC"))
    ar_id = natural(given) if given else None
    if given and ar_id is None:
        raise _refused("AR_ID must be equal or greater than 0", parent_id)
    if ar_id is None and (ip or mac):
        raise _refused("AR_ID must be specified for IP/MAC based reservations", parent_id)
    return ar_id, ip_number(ip) if ip else None, mac_number(mac) if mac and not ip else None


def _free(
    tx: Transaction, network_id: int, size: int, ar_id: int | None, ip: int | None, mac: int | None
) -> tuple[Row[Any], range]:
    for row in leases.ranges(tx, network_id):
        if ar_id in (None, row.ar_id):
            first = None if ip is None and mac is None else leases.place_in(row, ip, mac)
            anywhere = ip is None and mac is None
            places = leases.free_run(tx, row, size, first) if anywhere or first is not None else None
            if places:
                return row, places
    raise _refused("Not enough free addresses in an address range for the reservation.", network_id)


def _take(tx: Transaction, row: Row[Any], places: range, network_id: int) -> None:
    leases.reserve(tx, row, places, network_id)
    first = leases.at(row, places[0])
    vector = {"TYPE": row.type, "SIZE": str(len(places)), "MAC": first.mac, **({"IP": first.ip} if first.ip else {})}
    ranges.add(tx, network_id, vector, row.ar_id)
