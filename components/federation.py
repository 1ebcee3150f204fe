"""A Flower federation, from typed settings: one SuperLink and elastic SuperNodes, or one of the two."""

import base64
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_opennebula as one

from components import checks, gpu, machine, variables
from components.appliance import FlowerImage, client_recipe, server_path
from components.cluster import Cluster, ClusterArgs, RoleSpec
from components.monitoring import scrape_targets
from components.network import identity as network_identity
from components.network import network_id
from components.settings import Settings
from fedstack.context import Appliance, Level, defaults, named
from fedstack.context.options import HEALTH_SCRIPT

MASKED = "(secret)"


class Federation(pulumi.ComponentResource):
    """Everything that a federation consists of. Outputs are those of the stack, see `outputs`."""

    def __init__(self, name: str, settings: Settings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fedstack:index:Federation", name, None, opts)
        self._name = name
        self._settings = settings
        self._in_force = variables.in_force(settings)
        for remark in checks.remarks(settings):
            pulumi.log.warn(remark, self)
        own = pulumi.ResourceOptions(parent=self)
        self.mark = one.Mark(f"{name}-mark", opts=own)
        self.network_id = network_id(f"{name}-network", settings.network, self.mark.value, own)
        self.images = self._images(own)
        self.cluster = Cluster(name, self._cluster(own), own)
        self.register_outputs(self.outputs())

    def _images(self, own: pulumi.ResourceOptions) -> dict[Appliance, FlowerImage]:
        """The image of each role: one for all that have none of their own."""
        made: dict[str, FlowerImage] = {}
        names: dict[Appliance, str] = {}
        for role in self._settings.roles:
            chosen = self._settings.image_of(role)
            names[role] = f"{self._name}-image" if chosen is self._settings.image else f"{self._name}-{role}-image"
            if names[role] not in made:
                made[names[role]] = FlowerImage(names[role], chosen, self.mark.value, own)
        return {role: made[name] for role, name in names.items()}

    def _cluster(self, own: pulumi.ResourceOptions) -> ClusterArgs:
        settings = self._settings
        roles = {"superlink": self._superlink, "supernode": self._supernodes}
        return ClusterArgs(
            name=self._name,
            description="Flower federated learning",
            mark=self.mark.value,
            roles=[roles[role](own) for role in settings.roles],
            user_inputs=variables.user_inputs(settings, settings.roles[0], Level.SERVICE),
            values=self._values(settings.roles[0], Level.SERVICE),
            triggers=self._triggers(),
            ignored_inputs=variables.not_at_boot(settings),
            ready_deadline=settings.ready_deadline,
            sensitive=MASKED in self._visible().values(),
        )

    def _superlink(self, own: pulumi.ResourceOptions) -> RoleSpec:
        return RoleSpec(
            name="superlink",
            template_id=self._template_id("superlink", self._settings.superlink, {}, own),
            context=self._context("superlink") | self._keys(),
            user_inputs=variables.user_inputs(self._settings, "superlink", Level.ROLE),
            values=self._values("superlink", Level.ROLE),
        )

    def _supernodes(self, own: pulumi.ResourceOptions) -> RoleSpec:
        nodes = self._settings.supernodes
        devices = gpu.passthrough(self._settings.gpu, nodes)
        return RoleSpec(
            name="supernode",
            template_id=self._template_id("supernode", nodes, devices, own),
            context=self._context("supernode") | self._keys(),
            user_inputs=variables.user_inputs(self._settings, "supernode", Level.ROLE),
            values=self._values("supernode", Level.ROLE),
            parents=[role for role in self._settings.roles if role != "supernode"],
            count=nodes.count,
            minimum=nodes.min,
            maximum=nodes.max,
            cooldown=nodes.cooldown,
            **nodes.policies,
        )

    def _template_id(
        self, role: Appliance, size: machine.Size, more: Mapping[str, Any], own: pulumi.ResourceOptions
    ) -> pulumi.Output[int]:
        image, name = self.images[role].image_id, f"{self._name}-{role}"
        return machine.vm_template(name, size, image, self.network_id, self.mark.value, more, own).template_id

    def _values(self, role: Appliance, level: Level) -> dict[str, pulumi.Input[str]]:
        """The values in force at a level; those that must not be seen are secrets of the stack."""
        chosen = self._in_force[role]
        return {
            variables.template_name(self._settings, row.name): pulumi.Output.secret(chosen[row.name])
            if row.secret and chosen[row.name]
            else chosen[row.name]
            for row in variables.declared(self._settings, role, level)
        }

    def _context(self, role: Appliance) -> dict[str, str]:
        """What the guest agent needs: the fixed variables of the platform, and the script that boots the appliance.

        The marketplace's appliances boot by themselves and report ready when they have (reference 16).
        """
        fixed = {name: defaults(role)[name] for name in ("TOKEN", "NETWORK", "REPORT_READY")}
        if self._settings.is_marketplace:
            return fixed
        script = f"#!/bin/sh\nexec fedstack-appliance boot {role}\n"
        encoded = base64.b64encode(script.encode()).decode()
        return {**fixed, "READY_SCRIPT_PATH": HEALTH_SCRIPT, "START_SCRIPT_BASE64": encoded}

    def _keys(self) -> dict[str, str]:
        """The operators' part of every VM's context."""
        return {"SSH_PUBLIC_KEY": self._settings.ssh_public_key} if self._settings.ssh_public_key else {}

    def _triggers(self) -> dict[str, pulumi.Input[str]]:
        """What VMs take on only at boot, by key path: the preview names the one that forces a replacement."""
        settings = self._settings
        triggers = {**variables.boot_values(settings), **gpu.identity(settings.gpu)}
        for role in settings.roles:
            size = settings.superlink if role == "superlink" else settings.supernodes
            triggers |= {f"{checks.GROUPS[role]}.{key}": text for key, text in machine.identity(size).items()}
            triggers[checks.image_key(settings, role)] = self.images[role].identity
            triggers[f"{role}.context"] = variables.digest(self._context(role))
        if settings.ssh_public_key:
            triggers["sshPublicKey"] = variables.digest(self._keys())
        return {**triggers, "network": network_identity(settings.network, self.network_id)}

    def outputs(self) -> dict[str, pulumi.Input[Any]]:
        """What the command line, the training client and people need to know."""
        return {
            "serviceId": self.cluster.service.service_id,
            "fleetEndpoint": self._published("FL_ENDPOINT", variables.ADDRESS),
            "controlEndpoint": self._published("FL_CONTROL_ENDPOINT"),
            "caCertificate": self._published("FL_CA_CERT", variables.AUTHORITY).apply(_pem),
            "nodeCount": self.cluster.nodes("supernode").apply(len),
            "certificates": pulumi.Output.secret({name: self._merged().get(name, "") for name in variables.ROTATED}),
            "joining": self.cluster.nodes("superlink").apply(_joining),
            "nodeKeys": self.cluster.nodes("supernode").apply(_public_keys),
            "scrapeTargets": self._scrape_targets(),
            "variables": self._visible(),
            "runConfig": variables.run_config(self._settings),
            "imagePath": self._client_recipe(),
        }

    def _published(self, attribute: str, variable: str = "") -> pulumi.Output[str]:
        """What the SuperLink published; without one here, the variable that says it. Empty while neither does."""
        given = self._merged().get(variable, "")
        nodes = self.cluster.nodes("superlink")
        return nodes.apply(lambda found: str(found[0]["attributes"].get(attribute, "")) if found else given)

    def _scrape_targets(self) -> pulumi.Output[list[dict[str, Any]]]:
        both = pulumi.Output.all(self.cluster.nodes("superlink"), self.cluster.nodes("supernode"))
        return both.apply(lambda found: scrape_targets(self._merged(), *found))

    def _client_recipe(self) -> str:
        """The recipe of the environment in which `fedstack train` talks to this SuperLink; empty when there is none."""
        image = self._settings.image_of(self._settings.roles[0])
        recipe = client_recipe(image, self._merged()["FLOWER_VERSION"])
        return server_path(str(recipe.directory)) if recipe else ""

    def _merged(self) -> dict[str, str]:
        """The variables in force by name; those of both roles have one value."""
        return {name: value for chosen in self._in_force.values() for name, value in chosen.items()}

    def _visible(self) -> dict[str, str]:
        """The same for everybody's eyes: set ones that must not be seen are masked."""
        return {
            name: MASKED if value and any(row.secret for row in named(name)) else value
            for name, value in sorted(self._merged().items())
        }


def _joining(nodes: list[Any]) -> dict[str, str]:
    """What a SuperNode has to be told that OneGate does not reach: context variables, and how its key gets enrolled."""
    said = nodes[0]["attributes"] if nodes else {}
    told = {
        variables.ADDRESS: said.get("FL_ENDPOINT", ""),
        "FL_TLS_ENABLED": said.get("FL_TLS", ""),
        variables.AUTHORITY: said.get("FL_CA_CERT", ""),
    }
    if said.get("FL_ENROLMENT") == "YES":
        told["enrol"] = f"fedstack enrol --stack {pulumi.get_stack()} PUBLIC_KEY_FILE"
    return {name: value for name, value in told.items() if value}


def _public_keys(nodes: list[Any]) -> dict[str, str]:
    """The public keys of SuperNodes by VM, for a SuperLink that OneGate cannot tell."""
    published = {node["name"]: node["attributes"].get("FL_NODE_PUBLIC_KEY", "") for node in nodes}
    return {name: key for name, key in published.items() if key}


def _pem(encoded: str) -> str:
    return base64.b64decode(encoded).decode() if encoded else ""
