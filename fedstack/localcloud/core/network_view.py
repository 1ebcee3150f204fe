"""VNET documents."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from fedstack.localcloud.core import leases
from fedstack.localcloud.core.addresses import ip_text, mac_text
from fedstack.localcloud.core.objects import header_tree
from fedstack.localcloud.core.tree import Tree, ids
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import cluster_network, lease


def tree(tx: Transaction, row: Row[Any], *, full: bool = True) -> Tree:
    """A network; `full` (vn.info) adds the ends of the ranges, their counts and leases."""
    found = leases.ranges(tx, row.id)
    clusters = tx.all(select(cluster_network.c.cluster_id).where(cluster_network.c.network_id == row.id))
    empty: Tree = {key: {} for key in ("UPDATED_VMS", "OUTDATED_VMS", "UPDATING_VMS", "ERROR_VMS")}
    return {
        **header_tree(tx, row),
        "CLUSTERS": ids([one.cluster_id for one in clusters]),
        "BRIDGE": row.bridge,
        "BRIDGE_TYPE": row.template.get("BRIDGE_TYPE", ""),
        "STATE": str(row.state),
        "PREV_STATE": str(row.prev_state),
        "PARENT_NETWORK_ID": "" if row.parent_id < 0 else str(row.parent_id),
        "TEMPLATE_ID": "",
        "VN_MAD": row.vn_mad,
        "PHYDEV": row.template.get("PHYDEV", ""),
        "VLAN_ID": row.template.get("VLAN_ID", ""),
        "OUTER_VLAN_ID": row.template.get("OUTER_VLAN_ID", ""),
        "VLAN_ID_AUTOMATIC": "0",
        "OUTER_VLAN_ID_AUTOMATIC": "0",
        "USED_LEASES": str(sum(one.used for one in found)),
        "VROUTERS": {},
        **empty,
        "TEMPLATE": row.template,
        "AR_POOL": {"AR": [_range_tree(tx, one, full) for one in found]},
    }


def _range_tree(tx: Transaction, row: Row[Any], full: bool) -> Tree:
    address = {} if row.ip is None else {"IP": ip_text(row.ip)}
    short = {
        "AR_ID": str(row.ar_id),
        **address,
        "MAC": mac_text(row.mac),
        "NEXT_INDEX": str(row.next_index),
        "SHARED": "0",
        "SIZE": str(row.size),
        "TYPE": row.type,
        **row.template,
    }
    if not full:
        return short
    end = {} if row.ip is None else {"IP_END": ip_text(row.ip + row.size - 1)}
    ends = {"MAC_END": mac_text(row.mac + row.size - 1), **end, "USED_LEASES": str(row.used)}
    return {**short, **ends, "LEASES": _leases(tx, row)}


def _leases(tx: Transaction, row: Row[Any]) -> Tree:
    where = (lease.c.network_id == row.network_id, lease.c.ar_id == row.ar_id)
    found = tx.all(select(lease).where(*where).order_by(lease.c.place))
    return {"LEASE": [_lease(row, one) for one in found]} if found else {}


def _lease(row: Row[Any], one: Row[Any]) -> Tree:
    address = leases.at(row, one.place)
    holder = {"VNET": str(one.child_id)} if one.child_id >= 0 else {"VM": str(one.vm_id)}
    return {**({"IP": address.ip} if address.ip else {}), "MAC": address.mac, **holder}
