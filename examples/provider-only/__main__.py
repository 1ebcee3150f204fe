"""A front end and its workers as a OneFlow service, made of plain OpenNebula resources."""

import pulumi
import pulumi_opennebula as one

config = pulumi.Config()
name = f"web-{pulumi.get_stack()}"

# Everything is tagged with the mark, so that a creation that was cut off is found again instead of made twice.
mark = one.Mark("mark").value

firewall = one.SecurityGroup(
    "firewall",
    name=name,
    rules=[
        one.SecurityRuleArgs(protocol="TCP", direction="INBOUND", ports="22,80,443"),
        one.SecurityRuleArgs(protocol="ALL", direction="OUTBOUND"),
    ],
    mark=mark,
)
network = one.VirtualNetwork(
    "network",
    name=name,
    vn_mad="bridge",
    address_ranges=[one.AddressRangeArgs(ip="10.20.0.10", size=32)],
    security_groups=[firewall.security_group_id],
    mark=mark,
)
image = one.Image("image", name=name, path=config.require("image"), mark=mark)
machine = one.VirtualMachineTemplate(
    "machine",
    name=name,
    cpu=0.5,
    memory_mb=512,
    disks=[one.DiskArgs(image_id=image.image_id)],
    nics=[one.NicArgs(network_id=network.network_id)],
    # The guest reports READY through OneGate, with a token of its own.
    context={"NETWORK": "YES", "TOKEN": "YES", "REPORT_READY": "YES"},
    mark=mark,
)
template = one.ServiceTemplate(
    "template",
    name=name,
    deployment="straight",
    ready_status_gate=True,
    roles=[
        one.RoleArgs(name="front", template_id=machine.template_id, cardinality=1, max_vms=1),
        one.RoleArgs(
            name="worker",
            template_id=machine.template_id,
            cardinality=1,
            min_vms=1,
            max_vms=8,
            cooldown=5,
            parents=["front"],
        ),
    ],
    mark=mark,
)
service = one.Service(
    "service",
    name=name,
    service_template_id=template.service_template_id,
    roles=[
        one.ServiceRoleArgs(name="front"),
        one.ServiceRoleArgs(name="worker", cardinality=config.get_int("workers")),
    ],
    ready_deadline=300,
    mark=mark,
)

pulumi.export("serviceId", service.service_id)
pulumi.export(
    "addresses",
    service.role_status.apply(lambda roles: {role.name: [node.ip for node in role.nodes] for role in roles}),
)
