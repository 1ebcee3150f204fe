"""Bringing machines of a running service back: which remedy for which state, and what counts as cured.

The platform keeps READY=YES over a stop, so READY is taken away before a remedy: only what the guest reports afresh is
evidence.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum

from .awaits import Outcome, Sight, Verdict
from .errors import RpcError
from .resource import Call, wait_for
from .service_view import Node, View, machine, machines

RESUME_STATES = frozenset({"POWEROFF", "SUSPENDED", "STOPPED", "UNDEPLOYED"})
REACTION = 30.0
"""Seconds after which a machine that did not even leave its bad state counts as not helped."""


class Remedy(Enum):
    """What can be done to a machine; the values say it to users."""

    RESUME = "resume"
    RETRY = "retry"
    RECREATE = "recreate"


RECOVER_OPERATIONS = {Remedy.RETRY: 2, Remedy.RECREATE: 4}
"""Numbers of `one.vm.recover` (reference 2.5)."""


def remedies(node: Node) -> tuple[Remedy, ...]:
    """What to try, in order; nothing for a machine that is on its way by itself."""
    if node.state in RESUME_STATES:
        return (Remedy.RESUME, Remedy.RECREATE)
    if node.failed:
        return (Remedy.RETRY, Remedy.RECREATE)
    return (Remedy.RECREATE,) if node.state == "UNKNOWN" else ()


@dataclass
class NodeWatch:
    """Judges a machine under a remedy: cured when ready, failed when bad again, stuck, or late."""

    bad_state: str
    gate: bool
    deadline: float
    began: float | None = None
    left: bool = False

    def see(self, sight: NodeSight, now: float) -> Outcome:
        """What this look at the machine means."""
        self.began = now if self.began is None else self.began
        node = sight.node
        if node.ready(self.gate):
            return Outcome(Verdict.DONE)
        bad = bool(remedies(node))
        self.left = self.left or not bad or node.state != self.bad_state
        waited = now - self.began
        if (bad and (self.left or waited >= REACTION)) or waited >= self.deadline:
            return Outcome(Verdict.FAILED, node.complaint(self.gate))
        return Outcome(Verdict.PENDING)


NOBODY = Node(-1, "", "", "DONE", {})


@dataclass(frozen=True)
class NodeSight(Sight):
    """One look at a machine."""

    node: Node = NOBODY


async def heal(call: Call, seen: View, deadline: float) -> list[str]:
    """Treats every bad machine, all at once; returns what is still wrong."""
    patients = [node for node in seen.bad() if node.state != "DONE"]
    results = await asyncio.gather(*(treat(call, node, seen, deadline) for node in patients))
    return [complaint for complaint in results if complaint]


async def treat(call: Call, node: Node, seen: View, deadline: float) -> str:
    """Tries the remedies one after the other; returns the complaint when none helped.

    A guest that never reported READY is not asked to (the gate has other keys, reference 6.13).
    """
    gate = seen.gate and node.report != ""
    tries: tuple[Remedy | None, ...] = remedies(node) or (None,)
    outcome = Outcome(Verdict.PENDING)
    for remedy in tries:
        outcome = await _try(call, node, remedy, gate, deadline)
        if outcome.verdict is Verdict.DONE:
            return ""
    tried = " and ".join(remedy.value for remedy in tries if remedy)
    return f"{outcome.message} after {tried}" if tried else outcome.message


async def _try(call: Call, node: Node, remedy: Remedy | None, gate: bool, deadline: float) -> Outcome:
    """One remedy (None: just waiting); one that the platform refuses in this state has not helped."""
    try:
        if remedy is not None:
            await apply(call, node, remedy, gate)
    except RpcError as error:
        return Outcome(Verdict.FAILED, f"{node.complaint(gate)}; {error}")
    return await _cured(call, node, gate, deadline)


async def apply(call: Call, node: Node, remedy: Remedy, gate: bool) -> None:
    """Takes READY away and applies the remedy."""
    await call.report(f"{node.name} is {node.state}: {remedy.value}")
    if gate:
        await call.cloud.rpc.call("vm.update", node.vm_id, 'READY="NO"', 1)
    if remedy is Remedy.RESUME:
        await call.cloud.rpc.call("vm.action", "resume", node.vm_id)
    else:
        await call.cloud.rpc.call("vm.recover", node.vm_id, RECOVER_OPERATIONS[remedy])


async def _cured(call: Call, node: Node, gate: bool, deadline: float) -> Outcome:
    watch = NodeWatch(node.state, gate, call.timeout or deadline)
    return await wait_for(call, lambda: _sight(call, node), watch)


async def look_at(call: Call, node: Node) -> Node:
    """The machine as it is now."""
    found = await machines(call.cloud, [node.vm_id])
    return machine(node.vm_id, node.name, found.get(node.vm_id))


async def cycle(call: Call, node: Node, seen: View, deadline: float) -> str:
    """Powers a healthy machine off and on: the only thing that ends a WARNING whose machines all run."""
    await call.report(f"{node.name}: poweroff and resume, because the service is in WARNING without a reason")
    await call.cloud.rpc.call("vm.action", "poweroff", node.vm_id)
    off = await wait_for(call, lambda: _sight(call, node), OffWatch(deadline))
    if off.verdict is Verdict.FAILED:
        return off.message
    return await treat(call, await look_at(call, node), seen, deadline)


async def _sight(call: Call, node: Node) -> NodeSight:
    now = await look_at(call, node)
    return NodeSight(now.state, f"{now.name} {now.state}", "", now)


@dataclass
class OffWatch:
    """Waits for a machine to be off."""

    deadline: float
    began: float | None = None

    def see(self, sight: NodeSight, now: float) -> Outcome:
        """Done when it is off."""
        self.began = now if self.began is None else self.began
        if sight.state in RESUME_STATES:
            return Outcome(Verdict.DONE)
        late = now - self.began >= self.deadline
        return Outcome(Verdict.FAILED if late else Verdict.PENDING, f"{sight.node.name} does not power off")
