"""one.host.*, one.cluster.*, one.datastore.*, one.secgroup.* and their pools: what a new cloud has."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import Row, delete, func, insert, select

from fedstack.localcloud.core.kinds import CLUSTER, DATASTORE, HOST, NETWORK, SECURITY_GROUP
from fedstack.localcloud.core.objects import MANAGE, admins_only, find, get, header_tree, lock_tree, owner_tree
from fedstack.localcloud.core.tree import Tree, ids, pool_xml, xml
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.rpc.shared import pool as filtered_pool
from fedstack.localcloud.store import schema
from fedstack.localcloud.store.database import Transaction
from fedstack.opennebula.permissions import Permissions


def _cpus() -> int:
    return os.cpu_count() or 1


def _memory_kb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024


def _capacity(tx: Transaction) -> tuple[list[int], int, int]:
    """VM ids on the host, and the CPU (percent) and memory (KB) that they ask for."""
    living = schema.vm.c.state == 3
    cpu = func.json_extract(schema.vm.c.template, "$.CPU")
    memory = func.json_extract(schema.vm.c.template, "$.MEMORY")
    found = tx.all(
        select(schema.vm.c.id, cpu.label("cpu"), memory.label("memory")).where(living).order_by(schema.vm.c.id)
    )
    return (
        [row.id for row in found],
        round(sum(float(row.cpu) * 100 for row in found)),
        sum(int(row.memory) * 1024 for row in found),
    )


def _share(tx: Transaction) -> tuple[Tree, list[int]]:
    vm_ids, cpu, memory = _capacity(tx)
    total_cpu, total_memory = str(_cpus() * 100), str(_memory_kb())
    share = {
        "MEM_USAGE": str(memory),
        "CPU_USAGE": str(cpu),
        "TOTAL_MEM": total_memory,
        "TOTAL_CPU": total_cpu,
        "MAX_MEM": total_memory,
        "MAX_CPU": total_cpu,
        "RUNNING_VMS": str(len(vm_ids)),
        "VMS_THREAD": "1",
        "DATASTORES": {"DISK_USAGE": "0", "FREE_DISK": "0", "MAX_DISK": "0", "USED_DISK": "0"},
        "PCI_DEVICES": {},
        "NUMA_NODES": {"NODE": _numa_node()},
    }
    return share, vm_ids


def _numa_node() -> Tree:
    """The machine as one node without huge pages."""
    cores = [{"CPUS": f"{number}:-1", "DEDICATED": "NO", "FREE": "1", "ID": str(number)} for number in range(_cpus())]
    memory = {"DISTANCE": "0", "TOTAL": str(_memory_kb()), "USAGE": "0"}
    return {"CORE": cores, "HUGEPAGE": {"PAGES": "0", "SIZE": "2048", "USAGE": "0"}, "MEMORY": memory, "NODE_ID": "0"}


def _host_tree(tx: Transaction, row: Row[Any]) -> Tree:
    share, vm_ids = _share(tx)
    facts = {
        "ARCH": os.uname().machine,
        "CPUSPEED": "0",
        "HOSTNAME": row.name,
        "HYPERVISOR": row.vm_mad,
        "KVM_CPU_FEATURES": "",
        "KVM_CPU_MODELS": "",
        "MEMORY_ENCRYPTION": "",
        "MODELNAME": "local",
        "TOTALCPU": share["TOTAL_CPU"],
        "TOTALMEMORY": share["TOTAL_MEM"],
    }
    drivers = {"IM_MAD": row.im_mad, "VM_MAD": row.vm_mad, "RESERVED_CPU": "", "RESERVED_MEM": ""}
    return {
        "ID": str(row.id),
        "NAME": row.name,
        "STATE": str(row.state),
        "PREV_STATE": str(row.prev_state),
        "IM_MAD": row.im_mad,
        "VM_MAD": row.vm_mad,
        "CLUSTER_ID": str(row.cluster_id),
        "CLUSTER": find(tx, CLUSTER, row.cluster_id).name,
        "HOST_SHARE": share,
        "VMS": ids(vm_ids),
        "TEMPLATE": {**facts, **drivers, **row.template},
        "MONITORING": {},
    }


def host_info(call: Call, host_id: int, _decrypt: bool = False) -> str:
    """A host."""
    return xml("HOST", _host_tree(call.tx, find(call.tx, HOST, host_id)))


def host_pool(call: Call) -> str:
    """All hosts."""
    found = call.tx.all(select(schema.host).order_by(schema.host.c.id))
    return pool_xml("HOST_POOL", "HOST", (_host_tree(call.tx, row) for row in found))


def _cluster_tree(tx: Transaction, row: Row[Any]) -> Tree:
    def members(table: Any) -> Tree:
        return ids(
            [one.id for one in tx.all(select(table.c.id).where(table.c.cluster_id == row.id).order_by(table.c.id))]
        )

    link = schema.cluster_network
    networks = tx.all(select(link.c.network_id).where(link.c.cluster_id == row.id).order_by(link.c.network_id))
    return {
        "ID": str(row.id),
        "NAME": row.name,
        "HOSTS": members(schema.host),
        "DATASTORES": members(schema.datastore),
        "VNETS": ids([one.network_id for one in networks]),
        "TEMPLATE": row.template,
    }


def cluster_info(call: Call, cluster_id: int, _decrypt: bool = False) -> str:
    """A cluster."""
    return xml("CLUSTER", _cluster_tree(call.tx, find(call.tx, CLUSTER, cluster_id)))


def cluster_pool(call: Call) -> str:
    """All clusters."""
    found = call.tx.all(select(schema.cluster).order_by(schema.cluster.c.id))
    return pool_xml("CLUSTER_POOL", "CLUSTER", (_cluster_tree(call.tx, row) for row in found))


def add_network(call: Call, cluster_id: int, network_id: int) -> int:
    """Puts a network into a cluster."""
    admins_only(call.caller, MANAGE, CLUSTER)
    find(call.tx, CLUSTER, cluster_id)
    find(call.tx, NETWORK, network_id)
    link = {"cluster_id": cluster_id, "network_id": network_id}
    call.tx.run(insert(schema.cluster_network).prefix_with("OR IGNORE"), link)
    return cluster_id


def remove_network(call: Call, cluster_id: int, network_id: int) -> int:
    """Takes a network out of a cluster."""
    admins_only(call.caller, MANAGE, CLUSTER)
    find(call.tx, CLUSTER, cluster_id)
    columns = schema.cluster_network.c
    where = (columns.cluster_id == cluster_id, columns.network_id == network_id)
    call.tx.run(delete(schema.cluster_network).where(*where))
    return cluster_id


def _datastore_tree(tx: Transaction, row: Row[Any]) -> Tree:
    images = tx.all(select(schema.image.c.id).where(schema.image.c.datastore_id == row.id).order_by(schema.image.c.id))
    disk = os.statvfs(tx.site.state_dir)
    total, free = (blocks * disk.f_frsize >> 20 for blocks in (disk.f_blocks, disk.f_bavail))
    mode = Permissions(0o664 if row.id else 0o665).as_dict()
    return {
        **owner_tree(tx, row),
        "PERMISSIONS": mode,
        **lock_tree(row),
        "DS_MAD": row.template.get("DS_MAD", "-"),
        "TM_MAD": row.template["TM_MAD"],
        "BASE_PATH": str(tx.site.state_dir / "images"),
        "TYPE": str(row.type),
        "DISK_TYPE": "0",
        "STATE": str(row.state),
        "CLUSTERS": ids([row.cluster_id]),
        "TOTAL_MB": str(total),
        "FREE_MB": str(free),
        "USED_MB": str(total - free),
        "IMAGES": ids([one.id for one in images]),
        "TEMPLATE": row.template,
    }


def datastore_info(call: Call, datastore_id: int, _decrypt: bool = False) -> str:
    """A datastore."""
    return xml("DATASTORE", _datastore_tree(call.tx, find(call.tx, DATASTORE, datastore_id)))


def datastore_pool(call: Call) -> str:
    """All datastores."""
    found = call.tx.all(select(schema.datastore).order_by(schema.datastore.c.id))
    return pool_xml("DATASTORE_POOL", "DATASTORE", (_datastore_tree(call.tx, row) for row in found))


def _group_tree(tx: Transaction, row: Row[Any]) -> Tree:
    members = ("UPDATED_VMS", "OUTDATED_VMS", "UPDATING_VMS", "ERROR_VMS")
    return {**header_tree(tx, row), **{key: {} for key in members}, "TEMPLATE": row.template}


def group_info(call: Call, group_id: int, _decrypt: bool = False) -> str:
    """A security group."""
    return xml("SECURITY_GROUP", _group_tree(call.tx, get(call.tx, call.caller, SECURITY_GROUP, group_id)))


METHODS = {
    "one.host.info": Method(host_info, "i", "b"),
    "one.hostpool.info": Method(host_pool),
    "one.cluster.info": Method(cluster_info, "i", "b"),
    "one.cluster.addvnet": Method(add_network, "ii"),
    "one.cluster.delvnet": Method(remove_network, "ii"),
    "one.clusterpool.info": Method(cluster_pool),
    "one.datastore.info": Method(datastore_info, "i", "b"),
    "one.datastorepool.info": Method(datastore_pool),
    "one.secgroup.info": Method(group_info, "i", "b"),
    "one.secgrouppool.info": Method(filtered_pool(SECURITY_GROUP, _group_tree), "i", "ii"),
}
