"""What a store says is left to do: the effects of all transitions whose effects may have been lost."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import or_, select

from fedstack.localcloud import effects
from fedstack.localcloud.effects import Effect
from fedstack.localcloud.faults import table
from fedstack.localcloud.flow.model import LEAVING
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import image, node, role, sched_action, service, vm
from fedstack.localcloud.vm import places
from fedstack.oneflow.states import RoleState, ServiceState
from fedstack.opennebula.states import ImageState


def unfinished(tx: Transaction) -> list[Effect]:
    """Everything that has to be done (again) after a start; nothing here is wrong to do twice."""
    return [*_machines(tx), *_images(tx), *_services(tx), *_timers(tx)]


def _machines(tx: Transaction) -> Iterator[Effect]:
    passing = or_(*((vm.c.state == state) & (vm.c.lcm_state == lcm_state) for state, lcm_state in places.STEPS))
    for row in tx.all(select(vm.c.id).where(passing)):
        yield effects.DriveVm(row.id)


def _images(tx: Transaction) -> Iterator[Effect]:
    for row in tx.all(select(image.c.id).where(image.c.state == ImageState.LOCKED)):
        yield effects.BuildImage(row.id)


def _services(tx: Transaction) -> Iterator[Effect]:
    for row in tx.all(select(service.c.id).where(service.c.state == ServiceState.DEPLOYING_NETS)):
        yield effects.DeployService(row.id)
    for row in tx.all(select(role.c.service_id, role.c.name).where(role.c.missing > 0)):
        yield effects.FillRole(row.service_id, row.name)
    leaving = select(node.c.service_id, node.c.role).where(node.c.phase == LEAVING).distinct()
    for row in tx.all(leaving):
        yield effects.DrainRole(row.service_id, row.role)


def _timers(tx: Transaction) -> Iterator[Effect]:
    for row in tx.all(select(role).where(role.c.state == RoleState.COOLDOWN, role.c.deadline.is_not(None))):
        yield effects.EndCooldown(row.service_id, row.name, row.deadline)
    for row in tx.all(select(sched_action.c.id, sched_action.c.due).where(sched_action.c.done < 0)):
        yield effects.ScheduledAction(row.id, row.due)
    for row in table.timed(tx):
        yield effects.StrikeDue(row.vm_id, row.kind, row.due)
