"""one.host.*, one.hostpool.*: host 0 is this machine and runs every VM; further hosts are records without capacity."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import Row, delete, func, insert, select

from fedstack.localcloud.core import text
from fedstack.localcloud.core.kinds import CLUSTER, HOST
from fedstack.localcloud.core.objects import ADMIN, MANAGE, admins_only, change, check_new, find, rename, undeletable
from fedstack.localcloud.core.tree import Tree, ids, pool_xml, xml
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.store import schema
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.vm.placement import MACHINE, wake_pending
from fedstack.localcloud.vm.update import merged
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.states import HostState

_STATUS = (HostState.MONITORED, HostState.DISABLED, HostState.OFFLINE)
"""By the number that `one.host.status` takes."""


def _cpus() -> int:
    return os.cpu_count() or 1


def _memory_kb(which: str = "SC_PHYS_PAGES") -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf(which) // 1024


def _capacity(tx: Transaction) -> tuple[list[int], int, int]:
    """VM ids on the machine, and the CPU (percent) and memory (KB) that they ask for."""
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


def _share(tx: Transaction, host_id: int) -> tuple[Tree, list[int]]:
    vm_ids, cpu, memory = _capacity(tx) if host_id == MACHINE else ([], 0, 0)
    cpus, memory_kb = (_cpus(), _memory_kb()) if host_id == MACHINE else (0, 0)
    share = {
        "MEM_USAGE": str(memory),
        "CPU_USAGE": str(cpu),
        "TOTAL_MEM": str(memory_kb),
        "TOTAL_CPU": str(cpus * 100),
        "MAX_MEM": str(memory_kb),
        "MAX_CPU": str(cpus * 100),
        "RUNNING_VMS": str(len(vm_ids)),
        "VMS_THREAD": "1",
        "DATASTORES": {"DISK_USAGE": "0", "FREE_DISK": "0", "MAX_DISK": "0", "USED_DISK": "0"},
        "PCI_DEVICES": {},
        "NUMA_NODES": {"NODE": _numa_node(cpus, memory_kb)} if cpus else {},
    }
    return share, vm_ids


def _numa_node(cpus: int, memory_kb: int) -> Tree:
    """The machine as one node without huge pages."""
    cores = [{"CPUS": f"{number}:-1", "DEDICATED": "NO", "FREE": "1", "ID": str(number)} for number in range(cpus)]
    memory = {"DISTANCE": "0", "TOTAL": str(memory_kb), "USAGE": "0"}
    return {"CORE": cores, "HUGEPAGE": {"PAGES": "0", "SIZE": "2048", "USAGE": "0"}, "MEMORY": memory, "NODE_ID": "0"}


def _template(row: Row[Any], share: Tree) -> Tree:
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
    return {**facts, **drivers, **row.template}


def _tree(tx: Transaction, row: Row[Any]) -> Tree:
    share, vm_ids = _share(tx, row.id)
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
        "TEMPLATE": _template(row, share),
        "MONITORING": {},
    }


def info(call: Call, host_id: int, _decrypt: bool = False) -> str:
    """A host."""
    return xml("HOST", _tree(call.tx, find(call.tx, HOST, host_id)))


def pool(call: Call) -> str:
    """All hosts."""
    found = call.tx.all(select(schema.host).order_by(schema.host.c.id))
    return pool_xml("HOST_POOL", "HOST", (_tree(call.tx, row) for row in found))


def allocate(call: Call, name: str, im_mad: str, vm_mad: str, cluster_id: int = -1) -> int:
    """Registers a host; it is MONITORED at once and has no capacity."""
    admins_only(call.caller, "CREATE", HOST)
    check_new(call.tx, HOST, name, 0)
    cluster = find(call.tx, CLUSTER, max(cluster_id, 0)).id
    host_id = call.tx.take_ids("host")
    states = {"state": HostState.MONITORED, "prev_state": HostState.INIT}
    values = {"id": host_id, "name": name, "template": {}, "im_mad": im_mad, "vm_mad": vm_mad, "cluster_id": cluster}
    call.tx.run(insert(schema.host), {**values, **states})
    return host_id


def update(call: Call, host_id: int, sent: str, update_type: int = 0) -> int:
    """Writes the template; what the machine reports stays."""
    admins_only(call.caller, MANAGE, HOST)
    row = find(call.tx, HOST, host_id)
    change(call.tx, HOST, host_id, template=merged(row.template, text.read(sent), update_type))
    return host_id


def set_name(call: Call, host_id: int, name: str) -> int:
    """Another name."""
    admins_only(call.caller, MANAGE, HOST)
    rename(call.tx, HOST, find(call.tx, HOST, host_id), name)
    return host_id


def set_status(call: Call, host_id: int, status: int) -> int:
    """0 enables, 1 disables, 2 takes offline; while host 0 is not enabled new VMs stay PENDING."""
    admins_only(call.caller, ADMIN, HOST)
    row = find(call.tx, HOST, host_id)
    if not 0 <= status < len(_STATUS):
        raise OneError(ErrorCode.INTERNAL, f"Wrong status code [{status}]: expected 0, 1 or 2", host_id)
    change(call.tx, HOST, host_id, state=_STATUS[status], prev_state=row.state)
    if _STATUS[status] == HostState.MONITORED:
        wake_pending(call.tx)
    return host_id


def remove(call: Call, host_id: int) -> int:
    """Deletes a host without VMs; the machine itself stays."""
    admins_only(call.caller, ADMIN, HOST)
    find(call.tx, HOST, host_id)
    if host_id == MACHINE:
        raise undeletable(HOST, host_id, "Host 0 is the machine of the local cloud.")
    call.tx.run(delete(schema.host).where(schema.host.c.id == host_id))
    return host_id


def _record(tx: Transaction) -> Tree:
    """What the machine does now: load of the last minute and memory."""
    used_cpu = min(round(os.getloadavg()[0] * 100), _cpus() * 100)
    free_kb = _memory_kb("SC_AVPHYS_PAGES")
    capacity = {
        "FREE_CPU": str(_cpus() * 100 - used_cpu),
        "FREE_MEMORY": str(free_kb),
        "USED_CPU": str(used_cpu),
        "USED_MEMORY": str(_memory_kb() - free_kb),
    }
    return {"TIMESTAMP": str(tx.now), "ID": str(MACHINE), "CAPACITY": capacity, "SYSTEM": {"NETRX": "0", "NETTX": "0"}}


def monitoring(call: Call, host_id: int) -> str:
    """The last record of a host; further hosts have none."""
    found = find(call.tx, HOST, host_id)
    return pool_xml("MONITORING_DATA", "MONITORING", [_record(call.tx)] if found.id == MACHINE else [])


def pool_monitoring(call: Call, _seconds: int = -1) -> str:
    """The last record of each host."""
    return pool_xml("MONITORING_DATA", "MONITORING", [_record(call.tx)])


METHODS = {
    "one.host.info": Method(info, "i", "b"),
    "one.host.allocate": Method(allocate, "sss", "i"),
    "one.host.update": Method(update, "is", "i"),
    "one.host.rename": Method(set_name, "is"),
    "one.host.status": Method(set_status, "ii"),
    "one.host.delete": Method(remove, "i"),
    "one.host.monitoring": Method(monitoring, "i"),
    "one.hostpool.info": Method(pool),
    "one.hostpool.monitoring": Method(pool_monitoring, "", "i"),
}
