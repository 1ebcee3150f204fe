"""Whether new VMs may be placed: the one host and the system datastore have to be enabled (reference 2.5, 2.8)."""

from __future__ import annotations

from sqlalchemy import select

from fedstack.localcloud.effects import DriveVm
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import datastore, host, vm
from fedstack.localcloud.vm import places
from fedstack.opennebula.states import HostState

MACHINE = 0
"""Id of the host that stands for this machine; every VM runs there."""
SYSTEM_DATASTORE = 0
ENABLED = 0
"""State of a datastore that is not disabled."""

_STATES = (
    select(host.c.state, datastore.c.state)
    .join_from(host, datastore, datastore.c.id == SYSTEM_DATASTORE)
    .where(host.c.id == MACHINE)
)


def is_open(tx: Transaction) -> bool:
    """Whether a PENDING VM may go on; else it stays PENDING."""
    row = tx.first(_STATES)
    return row is not None and tuple(row) == (HostState.MONITORED, ENABLED)


def wake_pending(tx: Transaction) -> None:
    """Lets every PENDING VM try again, after the host or the datastore was enabled."""
    state, lcm_state = places.PENDING
    waiting = select(vm.c.id).where(vm.c.state == state, vm.c.lcm_state == lcm_state).order_by(vm.c.id)
    tx.after_each([DriveVm(row.id) for row in tx.all(waiting)])
