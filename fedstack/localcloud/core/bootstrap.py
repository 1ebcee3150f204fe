"""What a new cloud contains (reference 2.7): users, groups, datastores, cluster, security group and one host."""

from __future__ import annotations

from sqlalchemy import case, insert, text, update

from fedstack.localcloud.core import secrets, users
from fedstack.localcloud.store import schema
from fedstack.localcloud.store.database import Transaction
from fedstack.opennebula.states import HostState

VERSION = 2
"""Of the store's tables."""

_FIRST_FREE = {"user": 2, "group": 100, "datastore": 100, "cluster": 100, "security_group": 100, "host": 1}

_RULES = [{"PROTOCOL": "ALL", "RULE_TYPE": "OUTBOUND"}, {"PROTOCOL": "ALL", "RULE_TYPE": "INBOUND"}]


def create_world(tx: Transaction, password: str) -> None:
    """Fills an empty store; `password` is that of oneadmin."""
    for name, following in _FIRST_FREE.items():
        tx.run(insert(schema.sequence), {"name": name, "next": following})
    users.create_group(tx, "oneadmin", 0)
    users.create_group(tx, "users", 1)
    users.create_user(tx, "oneadmin", password, "core", 0, 0)
    users.create_user(tx, "serveradmin", secrets.random_secret(), "server_cipher", 0, 1)
    _create_infrastructure(tx)


def upgrade(tx: Transaction) -> None:
    """Brings a store of version 1 to version 2: datastores have permissions and may be in several clusters."""
    tx.run(text("INSERT INTO cluster_datastore (cluster_id, datastore_id) SELECT cluster_id, id FROM datastore"))
    tx.run(text("ALTER TABLE datastore DROP COLUMN cluster_id"))
    bits = case((schema.datastore.c.id == 0, 0o665), else_=0o664)
    tx.run(update(schema.datastore).values(mode=bits))


def _create_infrastructure(tx: Transaction) -> None:
    tx.run(insert(schema.cluster), {"id": 0, "name": "default", "template": {"RESERVED_CPU": "", "RESERVED_MEM": ""}})
    for number, (name, datastore_type) in enumerate((("system", 1), ("default", 0), ("files", 2))):
        values = {"id": number, "name": name, "template": _datastore(number), "type": datastore_type}
        tx.run(insert(schema.datastore), {**values, "mode": 0o664 if number else 0o665})
        tx.run(insert(schema.cluster_datastore), {"cluster_id": 0, "datastore_id": number})
    group = {
        "id": 0,
        "name": "default",
        "mode": 0o664,
        "template": {"DESCRIPTION": "The default security group", "RULE": _RULES},
    }
    tx.run(insert(schema.security_group), group)
    host = {
        "id": 0,
        "name": tx.site.hostname,
        "template": {},
        "state": HostState.MONITORED,
        "prev_state": HostState.MONITORED,
        "im_mad": "dummy",
        "vm_mad": "dummy",
    }
    tx.run(insert(schema.host), host)


def _datastore(number: int) -> dict[str, str]:
    common = {"ALLOW_ORPHANS": "YES", "RESTRICTED_DIRS": "/", "SAFE_DIRS": "/var/tmp"}  # noqa: S108
    kind = ("SYSTEM_DS", "IMAGE_DS", "FILE_DS")[number]
    shared = {"SHARED": "YES", "TM_MAD": "dummy", "TYPE": kind, "DISK_TYPE": "FILE", "PERSISTENT_SNAPSHOTS": "YES"}
    moves = {"DS_MIGRATE": "YES", "DS_MIGRATE_SNAP": "YES", "DS_LIVE_MIGRATE": "YES"}
    return {**common, **shared, **moves, **({} if number == 0 else {"DS_MAD": "dummy"})}
