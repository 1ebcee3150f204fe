"""What happens to a service that runs when its VMs fail, come back or go away (reference 6.19)."""

from __future__ import annotations

from sqlalchemy import select

from fedstack.localcloud.flow import model, teardown
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import node, vm
from fedstack.localcloud.vm import places
from fedstack.localcloud.vm.places import Place
from fedstack.oneflow.states import RoleState, ServiceState

_BAD = frozenset({places.POWEROFF, places.UNKNOWN}) | places.FAILURES


def look(tx: Transaction, service_id: int) -> None:
    """On entering RUNNING every node counts once: bad ones make WARNING, those that are DONE leave."""
    columns = (node.c.role, vm.c.id, vm.c.state, vm.c.lcm_state)
    query = select(*columns).join(vm, vm.c.id == node.c.vm_id).where(node.c.service_id == service_id)
    well = places.RUNNING
    odd = tx.all(query.where((vm.c.state != well[0]) | (vm.c.lcm_state != well[1])))
    for row in odd:
        observe(tx, service_id, row.role, row.id, (row.state, row.lcm_state))


def observe(tx: Transaction, service_id: int, name: str, vm_id: int, place: Place) -> None:
    """One VM of a RUNNING or WARNING service is somewhere else."""
    if place in _BAD:
        model.set_role(tx, service_id, name, RoleState.WARNING)
        model.set_service(tx, service_id, ServiceState.WARNING)
    elif place == places.RUNNING:
        _recovered(tx, service_id, name)
    elif place == places.DONE:
        _gone(tx, service_id, name, vm_id)


def _recovered(tx: Transaction, service_id: int, name: str) -> None:
    """The role counts as well again, even if another of its nodes is bad."""
    model.set_role(tx, service_id, name, RoleState.RUNNING)
    if all(role.state == RoleState.RUNNING for role in model.roles(tx, service_id)):
        model.set_service(tx, service_id, ServiceState.RUNNING)


def _gone(tx: Transaction, service_id: int, name: str, vm_id: int) -> None:
    """A node less; bounds do not matter."""
    model.remove_node(tx, vm_id)
    role = model.find_role(tx, service_id, name)
    if role is None:
        return
    model.set_role(tx, service_id, name, cardinality=max(role.cardinality - 1, 0))
    service = model.load(tx, service_id)
    if service.body.get("automatic_deletion") is True and not model.node_ids(tx, service_id, limit=1):
        teardown.undeploy(tx, service_id)
