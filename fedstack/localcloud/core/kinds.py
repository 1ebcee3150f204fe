"""What the pools are called in documents, messages and errors."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Table

from fedstack.localcloud.store import schema


@dataclass(frozen=True)
class Kind:
    """`root` and `pool` name the documents, `word` and `code` the object in error texts; `unique`: names per owner."""

    table: Table
    root: str
    pool: str
    word: str
    code: str
    unique: bool = True


VM = Kind(schema.vm, "VM", "VM_POOL", "virtual machine", "VM", unique=False)
HOST = Kind(schema.host, "HOST", "HOST_POOL", "host", "HOST")
NETWORK = Kind(schema.network, "VNET", "VNET_POOL", "virtual network", "NET")
IMAGE = Kind(schema.image, "IMAGE", "IMAGE_POOL", "image", "IMAGE")
USER = Kind(schema.user, "USER", "USER_POOL", "user", "USER")
TEMPLATE = Kind(schema.vm_template, "VMTEMPLATE", "VMTEMPLATE_POOL", "virtual machine template", "TEMPLATE")
GROUP = Kind(schema.group, "GROUP", "GROUP_POOL", "group", "GROUP")
DATASTORE = Kind(schema.datastore, "DATASTORE", "DATASTORE_POOL", "datastore", "DATASTORE")
CLUSTER = Kind(schema.cluster, "CLUSTER", "CLUSTER_POOL", "cluster", "CLUSTER")
DOCUMENT = Kind(schema.document, "DOCUMENT", "DOCUMENT_POOL", "document", "DOCUMENT", unique=False)
SECURITY_GROUP = Kind(schema.security_group, "SECURITY_GROUP", "SECURITY_GROUP_POOL", "security group", "SECGROUP")
