"""`SecurityGroup`: rules for the packets of every interface that has the group."""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum

from fedstack.oneflow.unknown import UNKNOWN, without_unknowns

from ..awaits import Verdict
from ..checks import Problem, known_items
from ..diffs import Difference
from ..errors import ProviderError
from ..objects import (
    give_rights,
    info,
    merged,
    remove,
    rename,
    rights,
    seen_attributes,
    template_text,
    upper,
)
from ..resource import Call, Made, Resource, folded, row
from ..rpc import Tree, each, section
from ..shape import ENDPOINT, MARK, PERMISSIONS, Definition, Field, ListOf, MapOf, Shape, name_field
from ..values import Properties

PORTS = r"\d{1,5}(:\d{1,5})?(,\d{1,5}(:\d{1,5})?)*"
RULE = Shape(
    "SecurityRule",
    "What a security group lets through: everything that no rule names is dropped. Without `ip` and `networkId` it "
    "is about all addresses.",
    {
        "protocol": Field(
            "string",
            "Protocol of the packets.",
            required=True,
            choices=("ALL", "TCP", "UDP", "ICMP", "ICMPV6", "IPSEC"),
        ),
        "direction": Field("string", "Way of the packets.", required=True, choices=("INBOUND", "OUTBOUND")),
        "ports": Field(
            "string",
            "Ports and ranges of ports, such as `22,80:90`; for TCP and UDP. All when absent.",
            pattern=PORTS,
            expected="ports and ranges of ports such as 22,80:90",
        ),
        "icmpType": Field("integer", "Type of the messages; for ICMP. All when absent.", minimum=0, maximum=255),
        "icmpv6Type": Field("integer", "Type of the messages; for ICMPV6. All when absent.", minimum=0, maximum=255),
        "ip": Field("string", "First address of a block; together with `size`."),
        "size": Field("integer", "Number of addresses of the block.", minimum=1),
        "networkId": Field("integer", "Id of a network: the rule is about its addresses.", minimum=0),
    },
)
DEFINITION = Definition(
    name="SecurityGroup",
    description="A security group. A change of its rules is in place and reaches the virtual machines that have it.",
    inputs={
        "mark": MARK,
        "name": name_field("security group; unique per owner"),
        "description": Field("string", "Free text."),
        "rules": Field(ListOf(RULE), "What is let through; the order of rules means nothing."),
        "permissions": PERMISSIONS,
        "attributes": Field(MapOf("string"), "Further attributes of the group, written as they are."),
    },
    outputs={
        "securityGroupId": Field("integer", "Id of the security group.", required=True),
        "endpoint": ENDPOINT,
    },
)

SERVER_KEYS = ("DESCRIPTION", "RULE")
"""Members of a group's template that are not the user's free attributes."""

_PROTOCOLS = {"ports": ("TCP", "UDP"), "icmpType": ("ICMP",), "icmpv6Type": ("ICMPV6",)}
_TEXTS = {"protocol": "PROTOCOL", "direction": "RULE_TYPE", "ports": "RANGE", "ip": "IP"}
_NUMBERS = {"icmpType": "ICMP_TYPE", "icmpv6Type": "ICMPV6_TYPE", "size": "SIZE", "networkId": "NETWORK_ID"}
_KEYS = {**_TEXTS, **_NUMBERS}


class State(IntEnum):
    """A group has no state of its own: it is there or not."""

    PRESENT = 0


class SecurityGroup(Resource):
    """Security groups of one owner."""

    definition = DEFINITION
    names_collide = True

    def check(self, inputs: Properties) -> list[Problem]:
        """Members of a rule that do not go together."""
        rules = inputs.get("rules")
        places = enumerate(rules) if isinstance(rules, list) else ()
        return [problem for index, rule in places for problem in _rule_problems(rule, f"rules[{index}]")]

    def diff(self, call: Call) -> Difference:
        """The same rules in another order are no difference."""
        old, new = call.old.get("rules", []), call.inputs.get("rules", [])
        if not without_unknowns(new)[1] and _stored(old) == _stored(new):
            call = replace(call, old={**call.old, "rules": new})
        return super().diff(call)

    async def create(self, call: Call) -> Made:
        """Allocates the group, or adopts it by its tag and rewrites it."""
        number = None
        if call.tag:
            number = await call.cloud.find_object("secgrouppool", "SECURITY_GROUP", call.inputs["name"], call.tag)
        if number is None:
            text = template_text({"NAME": call.inputs["name"], **_attributes(call.inputs)}, call.tag)
            call.id = str(await call.cloud.rpc.call("secgroup.allocate", text))
        else:
            call.id = str(number)
            await self._rewrite(call)
        await give_rights(call, "secgroup", call.number)
        return await self._seen(call)

    async def read(self, call: Call) -> Made | None:
        """The group as it is."""
        tree = await info(call, "secgroup", call.number)
        return None if tree is None else _made(call, tree)

    async def update(self, call: Call) -> Made:
        """Everything in place."""
        difference = self.diff(call)
        await rename(call, "secgroup", difference)
        await give_rights(call, "secgroup", call.number)
        if difference.touches("description", "rules", "attributes", "mark"):
            await self._rewrite(call)
        return await self._seen(call)

    async def _rewrite(self, call: Call) -> None:
        tree = await info(call, "secgroup", call.number) or {}
        drop = {*SERVER_KEYS, *upper(call.old.get("attributes"))}
        text = template_text(merged(section(tree, "TEMPLATE"), _attributes(call.inputs), drop), call.tag)
        await call.cloud.rpc.call("secgroup.update", call.number, text, 0)

    async def _seen(self, call: Call) -> Made:
        made = await self.read(call)
        if made is None:
            raise ProviderError(f"security group {call.id} was deleted while it was being written")
        return made

    async def delete(self, call: Call) -> None:
        """Deletes the group as soon as no virtual machine has it."""
        outcome = await remove(call, "secgroup", row(self, "delete"), f"security group {call.id}", State)
        if outcome.verdict is Verdict.FAILED:
            raise ProviderError(outcome.message)


def _rule_problems(rule: object, path: str) -> list[Problem]:
    if not isinstance(rule, dict) or UNKNOWN in rule.values():
        return []
    found = [
        Problem(f"{path}.{name}", f"goes with protocol {' or '.join(protocols)} only, got {rule['protocol']}")
        for name, protocols in _PROTOCOLS.items()
        if name in rule and rule["protocol"] not in protocols
    ]
    if ("ip" in rule) != ("size" in rule):
        absent = "size" if "ip" in rule else "ip"
        found.append(Problem(f"{path}.{absent}", "is missing: ip and size name a block together"))
    if "ip" in rule and "networkId" in rule:
        found.append(Problem(f"{path}.networkId", "does not go with ip: a rule is about a block or a network"))
    return found


def _attributes(inputs: Properties) -> Properties:
    rules = [_rule(one) for one in inputs.get("rules", [])]
    return {"DESCRIPTION": inputs.get("description"), "RULE": rules, **upper(inputs.get("attributes"))}


def _rule(one: Properties) -> dict[str, str]:
    return {key: str(one[name]) for name, key in _KEYS.items() if name in one}


def _stored(rules: list[Properties]) -> list[list[tuple[str, str]]]:
    """The rules as the platform holds them, in an order of their own."""
    return sorted(sorted(_rule(one).items()) for one in known_items(rules))


def _made(call: Call, tree: Tree) -> Made:
    inputs = folded(call.inputs, _inputs(call.inputs, tree))
    outputs = {"securityGroupId": call.number, "endpoint": call.cloud.endpoint}
    return Made(call.id, {**inputs, **outputs}, inputs)


def _inputs(known: Properties, tree: Tree) -> Properties:
    """What would have to be written to get this group; spelled as it was, where it means the same."""
    template = section(tree, "TEMPLATE")
    seen = [_seen_rule(one) for one in each(template, "RULE") if isinstance(one, dict)]
    declared = known.get("rules", [])
    return {
        "name": tree["NAME"],
        "description": template.get("DESCRIPTION") or None,
        "rules": (declared if _stored(declared) == _stored(seen) else seen) or None,
        "permissions": rights(tree) if "permissions" in known else None,
        "attributes": seen_attributes(known.get("attributes", {}) if known else None, template, SERVER_KEYS) or None,
    }


def _seen_rule(one: dict[str, str]) -> Properties:
    stored = {key.upper(): value for key, value in one.items()}
    texts: Properties = {name: stored[key] for name, key in _TEXTS.items() if stored.get(key)}
    numbers = {name: int(stored[key]) for name, key in _NUMBERS.items() if stored.get(key, "").isdigit()}
    texts |= {name: texts[name].upper() for name in ("protocol", "direction") if name in texts}
    return {**texts, **numbers}
