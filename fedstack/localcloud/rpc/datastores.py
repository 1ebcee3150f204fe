"""one.datastore.*, one.datastorepool.*: names for places of images, which are all kept in the state directory."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import Row, delete, insert, select

from fedstack.localcloud.core import text
from fedstack.localcloud.core.kinds import CLUSTER, DATASTORE
from fedstack.localcloud.core.objects import (
    ADMIN,
    MANAGE,
    admins_only,
    change,
    check_name,
    check_unique,
    find,
    get,
    header_tree,
    header_values,
    undeletable,
)
from fedstack.localcloud.core.tree import Tree, ids, pool_xml, xml
from fedstack.localcloud.rpc import shared
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.store import schema
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.vm.placement import ENABLED, SYSTEM_DATASTORE, wake_pending
from fedstack.localcloud.vm.update import merged
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.template import Attributes

DISABLED = 1
_SYSTEM = 1
_TYPES = {"IMAGE_DS": 0, "SYSTEM_DS": _SYSTEM, "FILE_DS": 2, "BACKUP_DS": 3}


def _images(tx: Transaction, datastore_id: int) -> list[int]:
    columns = schema.image.c
    return [
        row.id for row in tx.all(select(columns.id).where(columns.datastore_id == datastore_id).order_by(columns.id))
    ]


def _tree(tx: Transaction, row: Row[Any]) -> Tree:
    link = schema.cluster_datastore.c
    clusters = tx.all(select(link.cluster_id).where(link.datastore_id == row.id).order_by(link.cluster_id))
    disk = os.statvfs(tx.site.state_dir)
    total, free = (blocks * disk.f_frsize >> 20 for blocks in (disk.f_blocks, disk.f_bavail))
    return {
        **header_tree(tx, row),
        "DS_MAD": row.template.get("DS_MAD", "-"),
        "TM_MAD": row.template["TM_MAD"],
        "BASE_PATH": str(tx.site.state_dir / "images"),
        "TYPE": str(row.type),
        "DISK_TYPE": "0",
        "STATE": str(row.state),
        "CLUSTERS": ids([one.cluster_id for one in clusters]),
        "TOTAL_MB": str(total),
        "FREE_MB": str(free),
        "USED_MB": str(total - free),
        "IMAGES": ids(_images(tx, row.id)),
        "TEMPLATE": row.template,
    }


def info(call: Call, datastore_id: int, _decrypt: bool = False) -> str:
    """A datastore."""
    return xml("DATASTORE", _tree(call.tx, get(call.tx, call.caller, DATASTORE, datastore_id)))


def pool(call: Call) -> str:
    """All datastores that the caller may use."""
    return pool_xml(
        "DATASTORE_POOL", "DATASTORE", (_tree(call.tx, row) for row in shared.rows(call, DATASTORE, -2, -1, -1))
    )


def allocate(call: Call, sent: str, cluster_id: int = -1) -> int:
    """A further datastore; NAME, TM_MAD and (for images) DS_MAD are mandatory."""
    admins_only(call.caller, "CREATE", DATASTORE)
    attributes = text.read(sent)
    name, kind = text.scalar(attributes, "NAME"), text.scalar(attributes, "TYPE", "IMAGE_DS").upper()
    _check(attributes, name, kind)
    check_name(name)
    check_unique(call.tx, DATASTORE, name, call.caller.uid)
    cluster = find(call.tx, CLUSTER, max(cluster_id, 0)).id
    datastore_id = call.tx.take_ids("datastore")
    template = {key: value for key, value in attributes.items() if key != "NAME"} | {"TYPE": kind}
    values = {**header_values(call.caller, datastore_id, name), "template": template, "type": _TYPES[kind]}
    call.tx.run(insert(schema.datastore), values)
    call.tx.run(insert(schema.cluster_datastore), {"cluster_id": cluster, "datastore_id": datastore_id})
    return datastore_id


def _check(attributes: Attributes, name: str, kind: str) -> None:
    if kind not in _TYPES:
        raise OneError(ErrorCode.INTERNAL, f'Unknown TYPE "{kind}" of datastore: expected one of {", ".join(_TYPES)}.')
    mandatory = ("TM_MAD",) if _TYPES[kind] == _SYSTEM else ("DS_MAD", "TM_MAD")
    absent = [key for key in mandatory if not text.scalar(attributes, key)]
    if not name or absent:
        raise OneError(ErrorCode.INTERNAL, f"No {'NAME' if not name else absent[0]} in template for Datastore.")


def update(call: Call, datastore_id: int, sent: str, update_type: int = 0) -> int:
    """Writes the template; the type stays, and the drivers unless they are given."""
    row = get(call.tx, call.caller, DATASTORE, datastore_id, MANAGE)
    drivers = {key: row.template[key] for key in ("DS_MAD", "TM_MAD") if key in row.template}
    fixed = {"TYPE": row.template["TYPE"]}
    template = {**drivers, **merged(row.template, text.read(sent), update_type), **fixed}
    change(call.tx, DATASTORE, datastore_id, template=template)
    return datastore_id


def enable(call: Call, datastore_id: int, enabled: bool) -> int:
    """READY or DISABLED; without the system datastore no VM is placed."""
    row = get(call.tx, call.caller, DATASTORE, datastore_id, MANAGE)
    if not enabled and row.type != _SYSTEM:
        raise OneError(ErrorCode.INTERNAL, "Only system datastores can be disabled.", datastore_id)
    change(call.tx, DATASTORE, datastore_id, state=ENABLED if enabled else DISABLED)
    if enabled:
        wake_pending(call.tx)
    return datastore_id


def remove(call: Call, datastore_id: int) -> int:
    """Deletes a datastore without images; the system datastore of the VMs stays."""
    get(call.tx, call.caller, DATASTORE, datastore_id, ADMIN)
    if datastore_id == SYSTEM_DATASTORE:
        raise undeletable(DATASTORE, datastore_id, "The VMs are in this system datastore.")
    if _images(call.tx, datastore_id):
        raise undeletable(DATASTORE, datastore_id, f"Datastore {datastore_id} is not empty.")
    call.tx.run(delete(schema.datastore).where(schema.datastore.c.id == datastore_id))
    call.tx.run(delete(schema.cluster_datastore).where(schema.cluster_datastore.c.datastore_id == datastore_id))
    return datastore_id


METHODS = {
    "one.datastore.info": Method(info, "i", "b"),
    "one.datastore.allocate": Method(allocate, "s", "i"),
    "one.datastore.update": Method(update, "is", "i"),
    "one.datastore.enable": Method(enable, "ib"),
    "one.datastore.delete": Method(remove, "i"),
    "one.datastorepool.info": Method(pool),
    **shared.owned(DATASTORE, "datastore", lockable=False),
}
