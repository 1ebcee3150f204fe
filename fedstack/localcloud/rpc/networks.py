"""one.vn.*, one.vnpool.*"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from fedstack.localcloud.core import network_view, networks, ranges, reservations, restricted, text
from fedstack.localcloud.core.kinds import CLUSTER, NETWORK
from fedstack.localcloud.core.objects import ADMIN, MANAGE, admins_only, change, find, get
from fedstack.localcloud.core.tree import Tree, xml
from fedstack.localcloud.rpc import shared
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.vm.update import merged
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.states import VnetState


def allocate(call: Call, sent: str, cluster_id: int = -1) -> int:
    """A new network; the platform's default rules let administrators create them only."""
    attributes = text.read(sent)
    cluster = find(call.tx, CLUSTER, max(cluster_id, 0)).id
    admins_only(call.caller, "CREATE", NETWORK)
    return networks.create(call.tx, call.caller, attributes, [cluster])


def info(call: Call, network_id: int, _decrypt: bool = False) -> str:
    """A network with its leases."""
    return xml("VNET", network_view.tree(call.tx, get(call.tx, call.caller, NETWORK, network_id)))


def _short(tx: Transaction, row: Row[Any]) -> Tree:
    return network_view.tree(tx, row, full=False)


def remove(call: Call, network_id: int, _force: bool = False) -> int:
    """Deletes a network without leases."""
    networks.remove(call.tx, call.caller, network_id)
    return network_id


def update(call: Call, network_id: int, sent: str, update_type: int = 0) -> int:
    """Writes TEMPLATE; what identifies the network stays."""
    row = get(call.tx, call.caller, NETWORK, network_id, MANAGE)
    restricted.check_change(call.caller, restricted.NETWORK, text.read(sent), row.template)
    template = networks.updated_template(row, merged(row.template, text.read(sent), update_type))
    change(call.tx, NETWORK, network_id, template=template)
    return network_id


def _vector(sent: str, key: str, missing: str) -> dict[str, str]:
    """The first vector of that name; further ones are ignored, as on the platform."""
    found = text.vectors(text.read(sent), key)
    if not found:
        raise OneError(ErrorCode.INTERNAL, missing)
    return found[0]


_NO_RANGE = "Wrong AR definition. AR vector attribute is missing."
_NO_LEASE = "Empty lease description."


def add_range(call: Call, network_id: int, sent: str) -> int:
    """Further addresses."""
    get(call.tx, call.caller, NETWORK, network_id, ADMIN)
    vector = _vector(sent, "AR", _NO_RANGE)
    restricted.check_range(call.caller, vector)
    ranges.add(call.tx, network_id, vector)
    return network_id


def update_range(call: Call, network_id: int, sent: str) -> int:
    """Changes a range."""
    get(call.tx, call.caller, NETWORK, network_id, MANAGE)
    vector = _vector(sent, "AR", _NO_RANGE)
    restricted.check_range(call.caller, vector)
    ranges.change(call.tx, network_id, vector)
    return network_id


def remove_range(call: Call, network_id: int, ar_id: int, force: bool = False) -> int:
    """Removes a range."""
    get(call.tx, call.caller, NETWORK, network_id, ADMIN)
    ranges.remove(call.tx, network_id, ar_id, force=force)
    return network_id


def free_range(call: Call, network_id: int, ar_id: int) -> int:
    """Removes a range, as who may manage a reservation does it."""
    get(call.tx, call.caller, NETWORK, network_id, MANAGE)
    ranges.remove(call.tx, network_id, ar_id, force=False)
    return network_id


def hold(call: Call, network_id: int, sent: str) -> int:
    """Takes an address out of use."""
    get(call.tx, call.caller, NETWORK, network_id, MANAGE)
    ranges.hold(call.tx, network_id, _vector(sent, "LEASES", _NO_LEASE))
    return network_id


def release(call: Call, network_id: int, sent: str) -> int:
    """Puts it into use again."""
    get(call.tx, call.caller, NETWORK, network_id, MANAGE)
    ranges.release(call.tx, network_id, _vector(sent, "LEASES", _NO_LEASE))
    return network_id


_RECOVERIES = ("failure", "success", "delete", "retry")


def recover(call: Call, network_id: int, operation: int) -> int:
    """Nothing to recover: networks are READY from the start until they are deleted."""
    if not 0 <= operation < len(_RECOVERIES):
        raise OneError(ErrorCode.ACTION, "Wrong recovery operation code", network_id)
    state = VnetState(get(call.tx, call.caller, NETWORK, network_id, MANAGE).state).name
    what = f"Could not perform 'recover {_RECOVERIES[operation]}' on VN {network_id}, wrong state {state}."
    raise OneError(ErrorCode.INTERNAL, what, network_id)


def reserve(call: Call, network_id: int, sent: str) -> int:
    """A new network over some of the addresses, or more of them for one that is there."""
    return reservations.reserve(call.tx, call.caller, network_id, text.read(sent))


METHODS = {
    "one.vn.allocate": Method(allocate, "s", "i"),
    "one.vn.info": Method(info, "i", "b"),
    "one.vn.delete": Method(remove, "i", "b"),
    "one.vn.update": Method(update, "is", "i"),
    "one.vn.add_ar": Method(add_range, "is"),
    "one.vn.update_ar": Method(update_range, "is"),
    "one.vn.rm_ar": Method(remove_range, "ii", "b"),
    "one.vn.free_ar": Method(free_range, "ii"),
    "one.vn.hold": Method(hold, "is"),
    "one.vn.release": Method(release, "is"),
    "one.vn.recover": Method(recover, "ii"),
    "one.vn.reserve": Method(reserve, "is"),
    "one.vnpool.info": Method(shared.pool(NETWORK, _short), "i", "ii"),
    **shared.owned(NETWORK, "vn"),
}
