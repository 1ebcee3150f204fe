"""Virtual networks: create, update, delete (reference 2.10)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, delete, insert, select

from fedstack.localcloud.core import firewall, leases, ranges, text
from fedstack.localcloud.core.kinds import NETWORK
from fedstack.localcloud.core.objects import MANAGE, Caller, check_name, check_unique, get, header_values, undeletable
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import address_range, cluster_network, lease, network
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.states import VnetState
from fedstack.opennebula.template import Attributes


def create(
    tx: Transaction, caller: Caller, attributes: Attributes, clusters: Iterable[int], parent_id: int = -1
) -> int:
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
    for cluster_id in clusters:
        tx.run(insert(cluster_network), {"cluster_id": cluster_id, "network_id": network_id})
    for vector in text.vectors(attributes, "AR"):
        ranges.add(tx, network_id, vector)
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


def clusters_of(tx: Transaction, network_id: int) -> list[int]:
    """The clusters that a network is in."""
    columns = cluster_network.c
    query = select(columns.cluster_id).where(columns.network_id == network_id).order_by(columns.cluster_id)
    return [row.cluster_id for row in tx.all(query)]


def remove(tx: Transaction, caller: Caller, network_id: int) -> None:
    """Deletes a network; refused while addresses are in use. A reservation returns its addresses."""
    row = get(tx, caller, NETWORK, network_id, MANAGE)
    if tx.first(select(lease.c.place).where(lease.c.network_id == network_id).limit(1)):
        raise undeletable(NETWORK, network_id, "Can not remove a virtual network with leases in use")
    for held in tx.all(select(lease).where(lease.c.child_id == network_id)):
        leases.free(tx, held)
    tx.run(delete(address_range).where(address_range.c.network_id == network_id))
    tx.run(delete(cluster_network).where(cluster_network.c.network_id == network_id))
    tx.run(delete(network).where(network.c.id == row.id))
