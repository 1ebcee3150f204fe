"""The tables. Every object has the same header columns; ids are never used twice (table `sequence`)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Boolean, Column, Float, Index, Integer, MetaData, String, Table, text

metadata = MetaData()


def _header() -> list[Column[Any]]:
    """Id, owner, name, permission bits and lock: what all objects of the pools share."""
    return [
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("uid", Integer, nullable=False, default=0),
        Column("gid", Integer, nullable=False, default=0),
        Column("name", String, nullable=False),
        Column("mode", Integer, nullable=False, default=0o600),
        Column("lock_level", Integer, nullable=False, default=0),
        Column("lock_owner", Integer, nullable=False, default=-1),
        Column("lock_time", Integer, nullable=False, default=0),
        Column("template", JSON, nullable=False),
    ]


meta = Table("meta", metadata, Column("key", String, primary_key=True), Column("value", JSON, nullable=False))

sequence = Table(
    "sequence", metadata, Column("name", String, primary_key=True), Column("next", Integer, nullable=False)
)

user = Table(
    "user",
    metadata,
    *_header(),
    Column("password", String, nullable=False),
    Column("driver", String, nullable=False, default="core"),
    Column("enabled", Boolean, nullable=False, default=True),
)

group = Table("group", metadata, *_header())

membership = Table(
    "membership",
    metadata,
    Column("user_id", Integer, primary_key=True),
    Column("group_id", Integer, primary_key=True),
    Column("admin", Boolean, nullable=False, default=False),
)

login_token = Table(
    "login_token",
    metadata,
    Column("user_id", Integer, primary_key=True),
    Column("digest", String, primary_key=True),
    Column("expires", Integer, nullable=False),
    Column("egid", Integer, nullable=False),
)

host = Table(
    "host",
    metadata,
    *_header(),
    Column("state", Integer, nullable=False),
    Column("prev_state", Integer, nullable=False),
    Column("im_mad", String, nullable=False),
    Column("vm_mad", String, nullable=False),
    Column("cluster_id", Integer, nullable=False, default=0),
)

datastore = Table(
    "datastore",
    metadata,
    *_header(),
    Column("type", Integer, nullable=False),
    Column("state", Integer, nullable=False, default=0),
)

cluster = Table("cluster", metadata, *_header())

cluster_network = Table(
    "cluster_network",
    metadata,
    Column("cluster_id", Integer, primary_key=True),
    Column("network_id", Integer, primary_key=True),
)

cluster_datastore = Table(
    "cluster_datastore",
    metadata,
    Column("cluster_id", Integer, primary_key=True),
    Column("datastore_id", Integer, primary_key=True),
)

security_group = Table("security_group", metadata, *_header())

vm_template = Table("vm_template", metadata, *_header(), Column("regtime", Integer, nullable=False))

image = Table(
    "image",
    metadata,
    *_header(),
    Column("type", Integer, nullable=False),
    Column("persistent", Boolean, nullable=False, default=False),
    Column("regtime", Integer, nullable=False),
    Column("modtime", Integer, nullable=False),
    Column("path", String, nullable=False, default=""),
    Column("source", String, nullable=False, default=""),
    Column("format", String, nullable=False, default=""),
    Column("fs", String, nullable=False, default=""),
    Column("size", Integer, nullable=False, default=0),
    Column("state", Integer, nullable=False),
    Column("prev_state", Integer, nullable=False),
    Column("datastore_id", Integer, nullable=False),
)

image_use = Table(
    "image_use",
    metadata,
    Column("vm_id", Integer, primary_key=True),
    Column("image_id", Integer, primary_key=True),
    Index("image_use_by_image", "image_id"),
)

network = Table(
    "network",
    metadata,
    *_header(),
    Column("state", Integer, nullable=False),
    Column("prev_state", Integer, nullable=False),
    Column("bridge", String, nullable=False),
    Column("vn_mad", String, nullable=False),
    Column("parent_id", Integer, nullable=False, default=-1),
)

address_range = Table(
    "address_range",
    metadata,
    Column("network_id", Integer, primary_key=True),
    Column("ar_id", Integer, primary_key=True),
    Column("type", String, nullable=False),
    Column("ip", Integer),
    Column("mac", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("used", Integer, nullable=False, default=0),
    Column("next_index", Integer, nullable=False, default=0),
    Column("template", JSON, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("network_id", Integer, primary_key=True),
    Column("ar_id", Integer, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("vm_id", Integer, nullable=False, default=-1),
    Column("child_id", Integer, nullable=False, default=-1),
    Index("lease_by_vm", "vm_id"),
)

vm = Table(
    "vm",
    metadata,
    *_header(),
    Column("user_template", JSON, nullable=False),
    Column("monitoring", JSON, nullable=False),
    Column("history", JSON, nullable=False),
    Column("state", Integer, nullable=False),
    Column("lcm_state", Integer, nullable=False, default=0),
    Column("prev_state", Integer, nullable=False, default=0),
    Column("prev_lcm_state", Integer, nullable=False, default=0),
    Column("hard", Boolean, nullable=False, default=False),
    Column("stime", Integer, nullable=False),
    Column("etime", Integer, nullable=False, default=0),
    Column("last_poll", Integer, nullable=False, default=0),
    Column("deploy_id", String, nullable=False, default=""),
    Index("vm_by_state", "state", "lcm_state"),
)

sched_action = Table(
    "sched_action",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("vm_id", Integer, nullable=False, index=True),
    Column("due", Float),
    Column("done", Integer, nullable=False, default=-1),
    Column("template", JSON, nullable=False),
)

document = Table("document", metadata, *_header(), Column("type", Integer, nullable=False, index=True))

service = Table(
    "service",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("state", Integer, nullable=False),
    Column("deployment", String, nullable=False),
    Column("gate", Boolean, nullable=False),
    Column("body", JSON, nullable=False),
)

role = Table(
    "role",
    metadata,
    Column("service_id", Integer, primary_key=True),
    Column("name", String, primary_key=True),
    Column("place", Integer, nullable=False),
    Column("state", Integer, nullable=False),
    Column("cardinality", Integer, nullable=False),
    Column("missing", Integer, nullable=False, default=0),
    Column("last_vmname", Integer, nullable=False, default=0),
    Column("scale_way", Integer),
    Column("deadline", Float),
    Column("removing", Boolean, nullable=False, default=False),
    Column("body", JSON, nullable=False),
)

node = Table(
    "node",
    metadata,
    Column("vm_id", Integer, primary_key=True, autoincrement=False),
    Column("service_id", Integer, nullable=False),
    Column("role", String, nullable=False),
    Column("phase", String, nullable=False),
    Index("node_by_role", "service_id", "role", "phase"),
)

service_log = Table(
    "service_log",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("service_id", Integer, nullable=False, index=True),
    Column("timestamp", Integer, nullable=False),
    Column("severity", String, nullable=False),
    Column("message", String, nullable=False),
)

transition = Table(
    "transition",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("time", Float, nullable=False),
    Column("object", String, nullable=False),
    Column("object_id", Integer, nullable=False),
    Column("name", String, nullable=False),
    Column("before", String, nullable=False),
    Column("after", String, nullable=False),
    Column("cause", String, nullable=False),
)

fault = Table(
    "fault",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("vm_id", Integer),
    Column("name", String),
    Column("role", String),
    Column("nth", Integer),
    Column("seen", Integer, nullable=False, default=0),
    Column("seconds", Float, nullable=False),
    Column("left", Integer, nullable=False),
    Column("struck", Integer, nullable=False, default=0),
)

strike = Table(
    "strike",
    metadata,
    Column("vm_id", Integer, primary_key=True, autoincrement=False),
    Column("kind", String, primary_key=True),
    Column("fault_id", Integer, nullable=False),
    Column("stage", String, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("due", Float),
)

Index("vm_alive", vm.c.id, sqlite_where=text("state != 6"))
