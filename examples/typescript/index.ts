// The federation of stack dev, declared with plain resources. federation.json says what the Python components declare.
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as one from "pulumi-opennebula";
import federation from "./federation.json";

const config = new pulumi.Config();
const name = `${config.require("name")}-${pulumi.getStack()}`;
const { superlink, supernode } = federation.roles;
type Role = typeof superlink | typeof supernode;
const digest = (value: unknown) => createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);

// Everything is tagged with the mark, so that a creation that was cut off is found again instead of made twice.
const mark = new one.Mark(`${name}-mark`).value;
export const imagePath = resolve(config.require("image"));
const image = new one.Image(`${name}-image`, { name: `${name}-image`, path: imagePath, mark });
const network = new one.VirtualNetwork(`${name}-network`, { ...federation.network, name: `${name}-network`, mark });

const machine = (role: Role) =>
    new one.VirtualMachineTemplate(`${name}-${role.template.name}`, {
        ...role.machine,
        name: `${name}-${role.template.name}`,
        disks: [{ imageId: image.imageId }],
        nics: [{ networkId: network.networkId }],
        mark,
    });

// OneFlow deploys the SuperNodes once the SuperLink has reported READY.
const template = new one.ServiceTemplate(`${name}-template`, {
    ...federation.template,
    name,
    roles: [superlink, supernode].map((role) => ({ ...role.template, templateId: machine(role).templateId })),
    mark,
});
const service = new one.Service(`${name}-service`, {
    ...federation.service,
    name,
    serviceTemplateId: template.serviceTemplateId,
    roles: [superlink.service, { ...supernode.service, cardinality: config.requireNumber("supernodes") }],
    // A running VM takes these on at its boot only: another one means another service.
    triggers: {
        image: pulumi.interpolate`${image.imageId}`,
        network: pulumi.interpolate`${network.networkId}`,
        context: digest([superlink, supernode].map((role) => role.template.templateContents)),
    },
    mark,
});

const nodes = (role: Role) =>
    service.roleStatus.apply((roles) => roles.find((each) => each.name === role.template.name)?.nodes ?? []);
const published = (key: string) => nodes(superlink).apply(([node]) => node?.attributes[key] ?? "");

// What `fedstack status` and `fedstack train` ask a stack for.
export const serviceId = service.serviceId;
export const fleetEndpoint = published("FL_ENDPOINT");
export const controlEndpoint = published("FL_CONTROL_ENDPOINT");
export const caCertificate = published("FL_CA_CERT").apply((text) => Buffer.from(text, "base64").toString());
export const nodeCount = nodes(supernode).apply((found) => found.length);
export const runConfig = federation.runConfig;
