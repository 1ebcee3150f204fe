"""One coordinator and elastic workers as a gated, straight OneFlow service: the base of every cluster here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_opennebula as one

Inputs = Mapping[str, str]
"""Names to USER_INPUT strings, as a template declares them."""
Values = Mapping[str, pulumi.Input[str]]
"""Names to values, as a service is instantiated with them."""


@dataclass(frozen=True)
class RoleSpec:
    """A role: its VMs' template, how many there are and may be, and what their guests are told."""

    name: str
    template_id: pulumi.Input[int]
    context: Mapping[str, str]
    user_inputs: Inputs
    values: Values
    count: int = 1
    minimum: int = 1
    maximum: int = 1
    cooldown: int | None = None
    elasticity_policies: Sequence[Mapping[str, Any]] = ()
    scheduled_policies: Sequence[Mapping[str, Any]] = ()

    def template(self, parents: Sequence[str]) -> one.RoleArgs:
        """The role in a service template; it starts at its minimum, the service says how many there are."""
        return one.RoleArgs(
            name=self.name,
            type="vm",
            template_id=self.template_id,
            cardinality=self.minimum,
            min_vms=self.minimum,
            max_vms=self.maximum,
            cooldown=self.cooldown,
            parents=list(parents) or None,
            shutdown_action="shutdown",
            template_contents={"CONTEXT": dict(self.context)},
            user_inputs=dict(self.user_inputs),
            elasticity_policies=[one.ElasticityPolicyArgs(**each) for each in self.elasticity_policies] or None,
            scheduled_policies=[one.ScheduledPolicyArgs(**each) for each in self.scheduled_policies] or None,
        )

    def service(self) -> one.ServiceRoleArgs:
        """The role in a service; a role of fixed size has no number of its own."""
        count = None if self.minimum == self.maximum else self.count
        return one.ServiceRoleArgs(name=self.name, cardinality=count, user_inputs_values=dict(self.values))


@dataclass(frozen=True)
class ClusterArgs:
    """A cluster: workers deploy once the coordinator reports ready, and go before it.

    `triggers` change when a running service cannot take a change on; `ignored_inputs` are inputs whose values a
    running service need not take on. `ready_deadline` is in seconds, per role. `sensitive` says that values are secret:
    the platform repeats them in each VM, so what is seen of the VMs is kept as a secret too.
    """

    name: str
    coordinator: RoleSpec
    workers: RoleSpec
    mark: pulumi.Input[str]
    user_inputs: Inputs = field(default_factory=dict)
    values: Values = field(default_factory=dict)
    triggers: Values = field(default_factory=dict)
    ignored_inputs: Sequence[str] = ()
    ready_deadline: int = 600
    sensitive: bool = False
    description: str = ""


class Cluster(pulumi.ComponentResource):
    """A service template and the service that runs from it."""

    template: one.ServiceTemplate
    service: one.Service

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fedstack:index:Cluster", name, None, opts)
        self._args = args
        self.template = self._template(f"{name}-template")
        self.service = self._service(f"{name}-service")
        self.register_outputs({"serviceId": self.service.service_id})

    def _template(self, name: str) -> one.ServiceTemplate:
        args = self._args
        return one.ServiceTemplate(
            name,
            name=args.name,
            description=args.description,
            deployment="straight",
            ready_status_gate=True,
            shutdown_action="shutdown",
            user_inputs=dict(args.user_inputs),
            roles=[args.coordinator.template([]), args.workers.template([args.coordinator.name])],
            mark=args.mark,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _service(self, name: str) -> one.Service:
        args = self._args
        return one.Service(
            name,
            name=args.name,
            service_template_id=self.template.service_template_id,
            roles=[args.coordinator.service(), args.workers.service()],
            user_inputs_values=dict(args.values),
            ready_deadline=args.ready_deadline,
            cooldown=args.workers.cooldown,
            triggers=dict(args.triggers),
            ignored_inputs=list(args.ignored_inputs),
            mark=args.mark,
            opts=pulumi.ResourceOptions(
                parent=self, additional_secret_outputs=["roleStatus"] if args.sensitive else None
            ),
        )

    def coordinator_attribute(self, key: str) -> pulumi.Output[str]:
        """What the coordinator published under a key; empty while it has not."""
        return self._from_nodes(
            self._args.coordinator.name, lambda nodes: str(nodes[0]["attributes"].get(key, "")) if nodes else ""
        )

    def worker_count(self) -> pulumi.Output[int]:
        """How many workers there are."""
        return self._from_nodes(self._args.workers.name, len)

    def _from_nodes(self, role: str, read: Callable[[list[Any]], Any]) -> pulumi.Output[Any]:
        """Reads the nodes of a role out of the service's status; what is published there is no secret."""

        def find(status: Sequence[Any]) -> Any:
            return read([node for each in status if each["name"] == role for node in each["nodes"]])

        return pulumi.Output.unsecret(self.service.role_status.apply(find))
