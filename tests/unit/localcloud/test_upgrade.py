"""A store of the first version is taken over."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import insert, inspect, select, text

from fedstack.localcloud.core.bootstrap import create_world, upgrade
from fedstack.localcloud.site import Site
from fedstack.localcloud.store import schema
from fedstack.localcloud.store.database import Store


def test_datastores_keep_their_cluster(tmp_path: Path) -> None:
    site = Site(tmp_path, "http://gate", "http://flow", "http://rpc:1/RPC2", 16)
    store = Store(tmp_path / "cloud.db", site)
    with store.begin() as tx:
        create_world(tx, "secret")
        tx.run(text("DELETE FROM cluster_datastore"))
        tx.run(text("ALTER TABLE datastore ADD COLUMN cluster_id INTEGER NOT NULL DEFAULT 0"))
        tx.run(text("UPDATE datastore SET mode = 384"))
    with store.begin() as tx:
        upgrade(tx)
        links = tx.all(select(schema.cluster_datastore.c.datastore_id))
        modes = [row.mode for row in tx.all(select(schema.datastore.c.mode).order_by(schema.datastore.c.id))]
        columns = {one["name"] for one in inspect(tx.connection).get_columns("datastore")}
        tx.run(insert(schema.datastore), {"id": 100, "name": "more", "template": {}, "type": 0})
    store.close()
    assert [row.datastore_id for row in links] == [0, 1, 2]
    assert modes == [0o665, 0o664, 0o664]
    assert "cluster_id" not in columns
