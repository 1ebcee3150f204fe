"""A Flower federation: one SuperLink and elastic SuperNodes, from typed settings."""

import base64
from collections.abc import Mapping

import pulumi
import pulumi_opennebula as one

from components import variables
from components.appliance import FlowerImage, size_identity, vm_template
from components.cluster import Cluster, ClusterArgs, RoleSpec
from components.network import identity as network_identity
from components.network import network_id
from components.settings import Settings, Size, SuperNodes, policy_bodies
from fedstack.context import Appliance, Level, defaults, named, run_config
from fedstack.context.options import HEALTH_SCRIPT

MASKED = "(secret)"


class Federation(pulumi.ComponentResource):
    """Everything that a federation consists of. Outputs are those of the stack, see `outputs`."""

    def __init__(self, name: str, settings: Settings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fedstack:index:Federation", name, None, opts)
        self._name = name
        self._settings = settings
        self._in_force = variables.in_force(settings)
        for remark in variables.remarks(settings):
            pulumi.log.warn(remark, self)
        own = pulumi.ResourceOptions(parent=self)
        self.mark = one.Mark(f"{name}-mark", opts=own)
        self.network_id = network_id(f"{name}-network", settings.network, self.mark.value, own)
        self.image = FlowerImage(f"{name}-image", settings.image, self.mark.value, own)
        self.cluster = Cluster(name, self._cluster(own), own)
        self.register_outputs(self.outputs())

    def _cluster(self, own: pulumi.ResourceOptions) -> ClusterArgs:
        settings = self._settings
        shared = variables.declared("superlink", Level.SERVICE)
        return ClusterArgs(
            name=self._name,
            description="Flower federated learning",
            mark=self.mark.value,
            coordinator=self._superlink(own),
            workers=self._supernodes(own),
            user_inputs=variables.user_inputs(shared, self._in_force["superlink"]),
            values=self._values("superlink", Level.SERVICE),
            triggers=self._triggers(),
            ignored_inputs=variables.run_scoped(),
            ready_deadline=settings.ready_deadline,
            sensitive=MASKED in self._visible().values(),
        )

    def _superlink(self, own: pulumi.ResourceOptions) -> RoleSpec:
        return RoleSpec(
            name="superlink",
            template_id=self._template_id("superlink", self._settings.superlink, own),
            context=self._context("superlink"),
            user_inputs=self._user_inputs("superlink"),
            values=self._values("superlink", Level.ROLE),
        )

    def _supernodes(self, own: pulumi.ResourceOptions) -> RoleSpec:
        nodes = self._settings.supernodes
        return RoleSpec(
            name="supernode",
            template_id=self._template_id("supernode", nodes, own),
            context=self._context("supernode"),
            user_inputs=self._user_inputs("supernode"),
            values=self._values("supernode", Level.ROLE),
            count=nodes.count,
            minimum=nodes.min,
            maximum=nodes.max,
            cooldown=nodes.cooldown,
            elasticity_policies=policy_bodies(nodes.elasticity_policies),
            scheduled_policies=policy_bodies(nodes.scheduled_policies),
        )

    def _template_id(self, role: Appliance, size: Size, own: pulumi.ResourceOptions) -> pulumi.Output[int]:
        template = vm_template(f"{self._name}-{role}", size, self.image.image_id, self.network_id, self.mark.value, own)
        return template.template_id

    def _user_inputs(self, role: Appliance) -> dict[str, str]:
        return variables.user_inputs(variables.declared(role, Level.ROLE), self._in_force[role])

    def _values(self, role: Appliance, level: Level) -> dict[str, pulumi.Input[str]]:
        """The values in force at a level; those that must not be seen are secrets of the stack."""
        chosen = self._in_force[role]
        return {
            row.name: pulumi.Output.secret(chosen[row.name]) if row.secret and chosen[row.name] else chosen[row.name]
            for row in variables.declared(role, level)
        }

    def _context(self, role: Appliance) -> dict[str, str]:
        """What the guest agent needs: the fixed variables of the platform, and the script that boots the appliance."""
        script = f"#!/bin/sh\nexec fedstack-appliance boot {role}\n"
        fixed = {name: defaults(role)[name] for name in ("TOKEN", "NETWORK", "REPORT_READY")}
        keys = {"SSH_PUBLIC_KEY": self._settings.ssh_public_key} if self._settings.ssh_public_key else {}
        encoded = base64.b64encode(script.encode()).decode()
        return {**fixed, "READY_SCRIPT_PATH": HEALTH_SCRIPT, "START_SCRIPT_BASE64": encoded, **keys}

    def _triggers(self) -> dict[str, pulumi.Input[str]]:
        """What VMs take on only at boot; the preview names the one that forces a replacement."""
        settings = self._settings
        return {
            "variables": variables.boot_digest(settings),
            "context": variables.digest(
                {f"{role}.{key}": text for role in variables.APPLIANCES for key, text in self._context(role).items()}
            ),
            "image": self.image.identity,
            "network": network_identity(settings.network, self.network_id),
            "scaling": scaling_identity(settings.supernodes),
            "superlink": size_identity(settings.superlink),
            "supernode": size_identity(settings.supernodes),
        }

    def outputs(self) -> dict[str, pulumi.Input[object]]:
        """What the command line, the training client and people need to know."""
        cluster = self.cluster
        return {
            "serviceId": cluster.service.service_id,
            "fleetEndpoint": cluster.coordinator_attribute("FL_ENDPOINT"),
            "controlEndpoint": cluster.coordinator_attribute("FL_CONTROL_ENDPOINT"),
            "caCertificate": cluster.coordinator_attribute("FL_CA_CERT").apply(_pem),
            "nodeCount": cluster.worker_count(),
            "variables": self._visible(),
            "runConfig": run_config(self._in_force["superlink"]),
            "imagePath": self.image.path,
        }

    def _visible(self) -> Mapping[str, str]:
        """The variables in force by name; set ones that must not be seen are masked."""
        merged = {name: value for chosen in self._in_force.values() for name, value in chosen.items()}
        return {
            name: MASKED if value and any(row.secret for row in named(name)) else value
            for name, value in sorted(merged.items())
        }


def scaling_identity(nodes: SuperNodes) -> str:
    """The bounds and policies that a running service was instantiated with; the number of VMs is none of them."""
    policies = [*policy_bodies(nodes.elasticity_policies), *policy_bodies(nodes.scheduled_policies)]
    suffix = f", policies {variables.digest({str(place): str(each) for place, each in enumerate(policies)})}"
    return f"{nodes.min} to {nodes.max}{suffix if policies else ''}"


def _pem(encoded: str) -> str:
    return base64.b64decode(encoded).decode() if encoded else ""
