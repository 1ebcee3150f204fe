"""The SuperLink's VM as the place where operators leave requests and find the answers.

There is no other way into a VM: its agent looks every few seconds through OneGate at what OpenNebula has of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import TypeVar

from fedstack.operations.cloud_client import Access
from fedstack.operations.errors import OperationError

ROLE, WORKERS = "superlink", "supernode"
LOOK_SECONDS = 0.5

Found = TypeVar("Found")


@dataclass(frozen=True)
class SuperLink:
    """The one VM of the role `superlink` of a service; `members` are those of the role `supernode`."""

    access: Access
    service_id: int
    vm_id: int
    members: tuple[int, ...] = ()

    def attributes(self) -> dict[str, str]:
        """What the VM published and what operators left there; raises OperationError."""
        vms = self.access.vms([self.vm_id])
        if self.vm_id not in vms:
            raise OperationError(f"the SuperLink's VM {self.vm_id} is gone; `pulumi up --refresh` mends the service")
        return {str(key): str(value) for key, value in (vms[self.vm_id].USER_TEMPLATE or {}).items()}

    def ask(self, request: Mapping[str, str]) -> None:
        """Leaves a request; raises OperationError."""
        self.access.update_vm(self.vm_id, request)

    def wait(self, answer: Callable[[Mapping[str, str]], Found | None], seconds: float) -> Found | None:
        """What `answer` finds in the attributes; None when it has not found anything in that time."""
        never, end = Event(), monotonic() + seconds
        while (found := answer(self.attributes())) is None and monotonic() < end:
            never.wait(LOOK_SECONDS)
        return found


def find(access: Access, service_id: int) -> SuperLink:
    """The SuperLink of a service; raises OperationError when there is none."""
    body = access.service(service_id)["TEMPLATE"]["BODY"]
    roles = {role["name"]: [int(node["deploy_id"]) for node in role.get("nodes") or []] for role in body["roles"]}
    if not roles.get(ROLE):
        raise OperationError(f"service {service_id} has no VM in a role {ROLE!r}: run this on the SuperLink's stack")
    return SuperLink(access, service_id, roles[ROLE][0], tuple(roles.get(WORKERS, [])))
