"""A gated, straight OneFlow service of roles that wait for each other: the base of every cluster here."""

from collections.abc import Mapping, Sequence
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
    """A role: its VMs' template, how many there are and may be, what their guests are told, which roles come first."""

    name: str
    template_id: pulumi.Input[int]
    context: Mapping[str, str]
    user_inputs: Inputs
    values: Values
    parents: Sequence[str] = ()
    count: int = 1
    minimum: int = 1
    maximum: int = 1
    cooldown: int | None = None
    elasticity_policies: Sequence[Mapping[str, Any]] = ()
    scheduled_policies: Sequence[Mapping[str, Any]] = ()

    def template(self) -> one.RoleArgs:
        """The role in a service template; it starts at its minimum, the service says how many there are."""
        return one.RoleArgs(
            name=self.name,
            type="vm",
            template_id=self.template_id,
            cardinality=self.minimum,
            min_vms=self.minimum,
            max_vms=self.maximum,
            cooldown=self.cooldown,
            parents=list(self.parents) or None,
            shutdown_action="shutdown",
            template_contents={"CONTEXT": dict(self.context)},
            user_inputs=dict(self.user_inputs),
            elasticity_policies=self._elasticity() or None,
            scheduled_policies=self._schedule() or None,
        )

    def service(self) -> one.ServiceRoleArgs:
        """The role in a service, which is scaled in place; a role of fixed size has no number of its own.

        An empty list says that there shall be no policies; nothing would leave those of a running service.
        """
        return one.ServiceRoleArgs(
            name=self.name,
            cardinality=None if self.minimum == self.maximum else self.count,
            min_vms=self.minimum,
            max_vms=self.maximum,
            cooldown=self.cooldown,
            elasticity_policies=self._elasticity(),
            scheduled_policies=self._schedule(),
            user_inputs_values=dict(self.values),
        )

    def _elasticity(self) -> list[one.ElasticityPolicyArgs]:
        return [one.ElasticityPolicyArgs(**each) for each in self.elasticity_policies]

    def _schedule(self) -> list[one.ScheduledPolicyArgs]:
        return [one.ScheduledPolicyArgs(**each) for each in self.scheduled_policies]


@dataclass(frozen=True)
class ClusterArgs:
    """A cluster: a role deploys once its parents report ready, and goes before them.

    `triggers` change when a running service cannot take a change on; `ignored_inputs` are inputs whose values a
    running service need not take on. `ready_deadline` is in seconds, per role. `sensitive` says that values are secret:
    the platform repeats them in each VM, so what is seen of the VMs is kept as a secret too.
    """

    name: str
    roles: Sequence[RoleSpec]
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
            roles=[role.template() for role in args.roles],
            mark=args.mark,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _service(self, name: str) -> one.Service:
        args = self._args
        return one.Service(
            name,
            name=args.name,
            service_template_id=self.template.service_template_id,
            roles=[role.service() for role in args.roles],
            user_inputs_values=dict(args.values),
            ready_deadline=args.ready_deadline,
            triggers=dict(args.triggers),
            ignored_inputs=list(args.ignored_inputs),
            mark=args.mark,
            opts=pulumi.ResourceOptions(
                parent=self, additional_secret_outputs=["roleStatus"] if args.sensitive else None
            ),
        )

    def nodes(self, role: str) -> pulumi.Output[list[Any]]:
        """The VMs of a role with what they published, which is no secret; none where there is no such role."""

        def find(status: Sequence[Any]) -> list[Any]:
            return [node for each in status if each["name"] == role for node in each["nodes"]]

        return pulumi.Output.unsecret(self.service.role_status.apply(find))
