"""Taking a service down until nothing of it is left."""

from __future__ import annotations

from http import HTTPStatus

from fedstack.oneflow.states import UNDEPLOYABLE

from .awaits import GONE, TABLE, Outcome, Sight, Verdict
from .errors import FlowError, ProviderError, RpcError
from .resource import Call, wait_state
from .service_view import View, machine, machines, observe
from .service_watch import ServiceSight, sight

_ACCEPTED = frozenset(state.name for state in UNDEPLOYABLE)
_ENDING = frozenset({"UNDEPLOYING", "UNDEPLOYING_NETS"})
_LEAVING = frozenset({"SHUTDOWN", "EPILOG", "CLEANUP_DELETE"})


class Undeploy:
    """One removal; `machines` are all that the service was ever seen with."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.path = f"service/{call.number}"
        self.machines: dict[int, str] = {}
        self.told: set[int] = set()

    async def run(self) -> None:
        """Asks for the end, waits for it, and ends machines that the platform forgot; raises ProviderError."""
        seen = await self._look()
        if seen.view is not None:
            await self._end(seen.view)
        if self.machines:
            self._ensure(await wait_state(self.call, TABLE["Machine", "delete"], f"service {self.call.id}", self._left))

    async def _end(self, seen: View) -> None:
        await self._ask(seen, force=False)
        outcome = await self._wait()
        seen_after = await self._look()
        if outcome.verdict is Verdict.DONE and seen_after.view is not None and seen_after.state != "DONE":
            await self._ask(seen_after.view, force=True)
            outcome = await self._wait()
            seen_after = await self._look()
        self._ensure(outcome)
        if seen_after.view is not None and seen_after.state != "DONE":
            raise ProviderError(
                f"service {self.call.id} cannot be removed: it is {seen_after.state}: {seen_after.cause}"
            )

    async def _wait(self) -> Outcome:
        rule = TABLE["Service", "delete"]
        deadline = float(self.call.inputs.get("readyDeadline", rule.deadline))
        return await wait_state(self.call, rule, f"service {self.call.id}", self._look, max(deadline, rule.deadline))

    async def _look(self) -> ServiceSight:
        seen = await observe(self.call.cloud, self.call.number)
        if seen is not None:
            self.machines.update({node.vm_id: node.name for node in seen.nodes})
        return sight(seen)

    async def _ask(self, seen: View, *, force: bool) -> None:
        """DELETE where the state allows it, else recover with delete. One that is ending is left alone: asking again
        would drop the document while machines still run (reference 6.11)."""
        if seen.state in _ENDING and not force:
            return
        try:
            if seen.state in _ACCEPTED and not force:
                await self.call.cloud.flow.request("DELETE", self.path)
                return
        except FlowError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return
        await self._recover_delete()

    async def _recover_delete(self) -> None:
        try:
            await self.call.cloud.flow.action(self.path, "recover", delete=True)
        except FlowError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    async def _left(self) -> Sight:
        """Machines that outlive the service are ended one by one."""
        found = await machines(self.call.cloud, self.machines)
        nodes = [machine(number, name, found.get(number)) for number, name in self.machines.items()]
        alive = [node for node in nodes if node.state != "DONE"]
        for node in alive:
            if node.state not in _LEAVING and node.vm_id not in self.told:
                self.told.add(node.vm_id)
                await self._terminate(node.vm_id)
        words = ", ".join(f"{node.name} is {node.state}" for node in alive)
        return Sight("LEFT", words, words) if alive else Sight(GONE)

    async def _terminate(self, number: int) -> None:
        try:
            await self.call.cloud.rpc.call("vm.action", "terminate-hard", number)
        except RpcError as error:
            await self.call.warn(f"machine {number} of service {self.call.id}: {error}")

    def _ensure(self, outcome: Outcome) -> None:
        if outcome.verdict is Verdict.FAILED:
            raise ProviderError(outcome.message)
