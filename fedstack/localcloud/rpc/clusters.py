"""one.cluster.*, one.clusterpool.*: groups of hosts, datastores and networks. Placement ignores them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Row, Table, delete, insert, select

from fedstack.localcloud.core.kinds import CLUSTER, DATASTORE, HOST, NETWORK, Kind
from fedstack.localcloud.core.objects import ADMIN, MANAGE, admins_only, change, check_new, find, rename, undeletable
from fedstack.localcloud.core.text import read
from fedstack.localcloud.core.tree import Tree, ids, pool_xml, xml
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.store import schema
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.vm.update import merged

DEFAULT = 0
"""The cluster that always exists; what belongs to no other is there."""


def _hosts(tx: Transaction, cluster_id: int) -> list[int]:
    query = select(schema.host.c.id).where(schema.host.c.cluster_id == cluster_id).order_by(schema.host.c.id)
    return [row.id for row in tx.all(query)]


def _linked(tx: Transaction, link: Table, column: str, cluster_id: int) -> list[int]:
    member = link.c[column]
    return [row[0] for row in tx.all(select(member).where(link.c.cluster_id == cluster_id).order_by(member))]


def _members(tx: Transaction, cluster_id: int) -> dict[str, list[int]]:
    return {
        "HOSTS": _hosts(tx, cluster_id),
        "DATASTORES": _linked(tx, schema.cluster_datastore, "datastore_id", cluster_id),
        "VNETS": _linked(tx, schema.cluster_network, "network_id", cluster_id),
    }


def _tree(tx: Transaction, row: Row[Any]) -> Tree:
    members = {key: ids(numbers) for key, numbers in _members(tx, row.id).items()}
    return {"ID": str(row.id), "NAME": row.name, **members, "TEMPLATE": row.template}


def info(call: Call, cluster_id: int, _decrypt: bool = False) -> str:
    """A cluster."""
    return xml("CLUSTER", _tree(call.tx, find(call.tx, CLUSTER, cluster_id)))


def pool(call: Call) -> str:
    """All clusters."""
    found = call.tx.all(select(schema.cluster).order_by(schema.cluster.c.id))
    return pool_xml("CLUSTER_POOL", "CLUSTER", (_tree(call.tx, row) for row in found))


def allocate(call: Call, name: str) -> int:
    """An empty cluster."""
    admins_only(call.caller, "CREATE", CLUSTER)
    check_new(call.tx, CLUSTER, name, 0)
    cluster_id = call.tx.take_ids("cluster")
    template = {"RESERVED_CPU": "", "RESERVED_MEM": ""}
    call.tx.run(insert(schema.cluster), {"id": cluster_id, "name": name, "template": template})
    return cluster_id


def update(call: Call, cluster_id: int, sent: str, update_type: int = 0) -> int:
    """Writes the template."""
    admins_only(call.caller, MANAGE, CLUSTER)
    row = find(call.tx, CLUSTER, cluster_id)
    change(call.tx, CLUSTER, cluster_id, template=merged(row.template, read(sent), update_type))
    return cluster_id


def set_name(call: Call, cluster_id: int, name: str) -> int:
    """Another name."""
    admins_only(call.caller, MANAGE, CLUSTER)
    rename(call.tx, CLUSTER, find(call.tx, CLUSTER, cluster_id), name)
    return cluster_id


def remove(call: Call, cluster_id: int) -> int:
    """Deletes an empty cluster; the default one stays."""
    admins_only(call.caller, ADMIN, CLUSTER)
    find(call.tx, CLUSTER, cluster_id)
    if cluster_id == DEFAULT:
        raise undeletable(CLUSTER, cluster_id, "The default cluster cannot be deleted.")
    for key, members in _members(call.tx, cluster_id).items():
        if members:
            why = f"Cluster {cluster_id} is not empty, it contains {len(members)} {key.lower()}."
            raise undeletable(CLUSTER, cluster_id, why)
    call.tx.run(delete(schema.cluster).where(schema.cluster.c.id == cluster_id))
    return cluster_id


def add_host(call: Call, cluster_id: int, host_id: int) -> int:
    """Moves a host into a cluster; a host is in exactly one."""
    admins_only(call.caller, ADMIN, CLUSTER)
    find(call.tx, CLUSTER, cluster_id)
    change(call.tx, HOST, find(call.tx, HOST, host_id).id, cluster_id=cluster_id)
    return cluster_id


def remove_host(call: Call, cluster_id: int, host_id: int) -> int:
    """Moves a host back into the default cluster; the platform does not look at where it was."""
    add_host(call, DEFAULT, host_id)
    return cluster_id


def _adder(kind: Kind, link: Table, column: str) -> Callable[..., int]:
    def add(call: Call, cluster_id: int, object_id: int) -> int:
        """Puts an object into a cluster; it may be in several."""
        admins_only(call.caller, ADMIN, CLUSTER)
        find(call.tx, CLUSTER, cluster_id)
        find(call.tx, kind, object_id)
        call.tx.run(insert(link).prefix_with("OR IGNORE"), {"cluster_id": cluster_id, column: object_id})
        return cluster_id

    return add


def _remover(kind: Kind, link: Table, column: str) -> Callable[..., int]:
    def remove_(call: Call, cluster_id: int, object_id: int) -> int:
        """Takes an object out of a cluster."""
        admins_only(call.caller, ADMIN, CLUSTER)
        find(call.tx, CLUSTER, cluster_id)
        find(call.tx, kind, object_id)
        call.tx.run(delete(link).where(link.c.cluster_id == cluster_id, link.c[column] == object_id))
        return cluster_id

    return remove_


METHODS = {
    "one.cluster.info": Method(info, "i", "b"),
    "one.cluster.allocate": Method(allocate, "s"),
    "one.cluster.update": Method(update, "is", "i"),
    "one.cluster.rename": Method(set_name, "is"),
    "one.cluster.delete": Method(remove, "i"),
    "one.cluster.addhost": Method(add_host, "ii"),
    "one.cluster.delhost": Method(remove_host, "ii"),
    "one.cluster.adddatastore": Method(_adder(DATASTORE, schema.cluster_datastore, "datastore_id"), "ii"),
    "one.cluster.deldatastore": Method(_remover(DATASTORE, schema.cluster_datastore, "datastore_id"), "ii"),
    "one.cluster.addvnet": Method(_adder(NETWORK, schema.cluster_network, "network_id"), "ii"),
    "one.cluster.delvnet": Method(_remover(NETWORK, schema.cluster_network, "network_id"), "ii"),
    "one.clusterpool.info": Method(pool),
}
