"""`SecurityGroup`: rules for the packets of every interface that has the group."""

from __future__ import annotations

from enum import IntEnum

from fedstack.oneflow.unknown import UNKNOWN

from ..checks import Problem
from ..objects import PoolObject
from ..resource import Call
from ..rpc import Tree
from ..shape import ENDPOINT, Definition, Field, ListOf, MapOf, Shape, owned
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
            attr="PROTOCOL",
        ),
        "direction": Field(
            "string", "Way of the packets.", required=True, choices=("INBOUND", "OUTBOUND"), attr="RULE_TYPE"
        ),
        "ports": Field(
            "string",
            "Ports and ranges of ports, such as `22,80:90`; for TCP and UDP. All when absent.",
            pattern=PORTS,
            expected="ports and ranges of ports such as 22,80:90",
            attr="RANGE",
        ),
        "icmpType": Field(
            "integer",
            "Type of the messages; for ICMP. All when absent.",
            minimum=0,
            maximum=255,
            attr="ICMP_TYPE",
        ),
        "icmpv6Type": Field(
            "integer",
            "Type of the messages; for ICMPV6. All when absent.",
            minimum=0,
            maximum=255,
            attr="ICMPV6_TYPE",
        ),
        "ip": Field("string", "First address of a block; together with `size`.", attr="IP"),
        "size": Field("integer", "Number of addresses of the block.", minimum=1, attr="SIZE"),
        "networkId": Field(
            "integer", "Id of a network: the rule is about its addresses.", minimum=0, attr="NETWORK_ID"
        ),
    },
)
DEFINITION = Definition(
    name="SecurityGroup",
    description="A security group. A change of its rules is in place and reaches the virtual machines that have it. It "
    "is deleted as soon as no virtual machine has it any more.",
    inputs=owned(
        "security group; unique per owner",
        {
            "description": Field("string", "Free text.", attr="DESCRIPTION"),
            "rules": Field(ListOf(RULE), "What is let through; the order of rules means nothing.", attr="RULE", key=()),
            "attributes": Field(MapOf("string"), "Further attributes of the group, written as they are."),
        },
    ),
    outputs={
        "securityGroupId": Field("integer", "Id of the security group.", required=True),
        "endpoint": ENDPOINT,
    },
    example={
        "name": "web",
        "rules": [
            {"protocol": "TCP", "direction": "INBOUND", "ports": "22,80,443"},
            {"protocol": "ALL", "direction": "OUTBOUND"},
        ],
    },
)

_PROTOCOLS = {"ports": ("TCP", "UDP"), "icmpType": ("ICMP",), "icmpv6Type": ("ICMPV6",)}


class State(IntEnum):
    """A group has no state of its own: it is there or not."""

    PRESENT = 0


class SecurityGroup(PoolObject):
    """Security groups of one owner."""

    definition = DEFINITION
    kind, word, states = "secgroup", "security group", State

    def check(self, inputs: Properties) -> list[Problem]:
        """Members of a rule that do not go together."""
        rules = inputs.get("rules")
        places = enumerate(rules) if isinstance(rules, list) else ()
        return [problem for index, rule in places for problem in _rule_problems(rule, f"rules[{index}]")]

    async def allocate(self, call: Call) -> int:
        """Allocates the group."""
        return int(await call.cloud.rpc.call("secgroup.allocate", self.text(call, {"NAME": call.inputs["name"]})))

    def outputs(self, call: Call, tree: Tree) -> Properties:
        """The id."""
        del tree
        return {"securityGroupId": call.number}


def _rule_problems(rule: object, path: str) -> list[Problem]:
    if not isinstance(rule, dict):
        return []
    found = [
        Problem(f"{path}.{name}", f"goes with protocol {' or '.join(protocols)} only, got {rule['protocol']}")
        for name, protocols in _PROTOCOLS.items()
        if name in rule and rule["protocol"] not in (*protocols, UNKNOWN)
    ]
    if ("ip" in rule) != ("size" in rule):
        absent = "size" if "ip" in rule else "ip"
        found.append(Problem(f"{path}.{absent}", "is missing: ip and size name a block together"))
    if "ip" in rule and "networkId" in rule:
        found.append(Problem(f"{path}.networkId", "does not go with ip: a rule is about a block or a network"))
    return found
