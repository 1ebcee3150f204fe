"""one.vn.*, one.vnpool.*"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from fedstack.localcloud.core import network_view, networks, text
from fedstack.localcloud.core.kinds import CLUSTER, NETWORK
from fedstack.localcloud.core.objects import MANAGE, change, find, get
from fedstack.localcloud.core.tree import Tree, xml
from fedstack.localcloud.rpc import shared
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.vm.update import merged
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.states import VnetState


def allocate(call: Call, sent: str, cluster_id: int = -1) -> int:
    """A new network."""
    cluster = find(call.tx, CLUSTER, max(cluster_id, 0)).id
    return networks.create(call.tx, call.caller, text.read(sent), cluster)


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
    template = networks.updated_template(row, merged(row.template, text.read(sent), update_type))
    change(call.tx, NETWORK, network_id, template=template)
    return network_id


def _vectors(sent: str, key: str) -> list[dict[str, str]]:
    found = text.vectors(text.read(sent), key)
    if not found:
        raise OneError(ErrorCode.INTERNAL, f"Wrong {key} definition: expected {key}=[ ... ].")
    return found


def add_range(call: Call, network_id: int, sent: str) -> int:
    """Further addresses."""
    get(call.tx, call.caller, NETWORK, network_id, MANAGE)
    for vector in _vectors(sent, "AR"):
        networks.add_range(call.tx, network_id, vector)
    return network_id


def update_range(call: Call, network_id: int, sent: str) -> int:
    """Changes a range."""
    get(call.tx, call.caller, NETWORK, network_id, MANAGE)
    for vector in _vectors(sent, "AR"):
        networks.update_range(call.tx, network_id, vector)
    return network_id


def remove_range(call: Call, network_id: int, ar_id: int, force: bool = False) -> int:
    """Removes a range."""
    get(call.tx, call.caller, NETWORK, network_id, MANAGE)
    networks.remove_range(call.tx, network_id, ar_id, force=force)
    return network_id


def free_range(call: Call, network_id: int, ar_id: int) -> int:
    """Removes a range of a reservation."""
    return remove_range(call, network_id, ar_id)


def hold(call: Call, network_id: int, sent: str) -> int:
    """Takes an address out of use."""
    get(call.tx, call.caller, NETWORK, network_id, MANAGE)
    for vector in _vectors(sent, "LEASES"):
        networks.hold(call.tx, network_id, vector)
    return network_id


def release(call: Call, network_id: int, sent: str) -> int:
    """Puts it into use again."""
    get(call.tx, call.caller, NETWORK, network_id, MANAGE)
    for vector in _vectors(sent, "LEASES"):
        networks.release(call.tx, network_id, vector)
    return network_id


def recover(call: Call, network_id: int, _operation: int) -> int:
    """Nothing to recover: networks are READY from the start until they are deleted."""
    row = get(call.tx, call.caller, NETWORK, network_id, MANAGE)
    state = VnetState(row.state).name
    raise OneError(ErrorCode.ACTION, f"Cannot recover from state {state}: expected LOCK_CREATE or ERROR.", network_id)


def reserve(call: Call, network_id: int, sent: str) -> int:
    """A new network over some of the addresses."""
    return networks.reserve(call.tx, call.caller, network_id, text.read(sent))


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
