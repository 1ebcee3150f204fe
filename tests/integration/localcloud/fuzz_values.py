"""Values that break servers: numbers, texts, names, templates, JSON, and XML that is not what it claims to be."""

from __future__ import annotations

import json
import random
from typing import Any

NUMBERS = [-1, 0, 1, 2, 3, 5, 7, 99, 100, 101, -2, -3, -4, -5, 65536, 2**31 - 1, -(2**31)]

TEXTS = [
    *("", " ", "0", "-1", "1", "²", "٣", "9" * 30, "1e999", "NaN", "None", "null", "true", "YES", "%s%n", "\\"),
    *('"', "../../etc/passwd", "/etc/passwd", "..", "a/b", "a\\b", "C:\\x", "file:///etc/passwd", "$(id)"),
    *("`id`", ";id", "' OR 1=1 --", "x'; DROP TABLE vm; --", "<a>", "]]>", "&amp;", "&lol;", "${x.y}", "$NAME"),
    *("ŉ", "ß", "💥", "\u202e", "\r\nX-Injected: 1", "a\tb", "\x0b", "A" * 129),
    *("B" * 5000, "ünïcödé", "READY=YES", "terminate", "terminate-hard", "poweroff", "resume", "reboot"),
    *("suspend", "hold", "release", "recover"),
]

TEMPLATES = [
    *("", "A", "=", 'A="', "A=[", 'A=[B="1"', "A=[[B=1]]", '"A"=1', "A B=1", "A=1 " * 2000, "[" * 3000),
    *("A=[" * 3000, "NAME=x", 'NAME="../../x"', 'NAME="a/b"', 'NAME="$(id)"', "NAME=[A=1]"),
    *('NAME="' + "n" * 200 + '"', "NAME=t CPU=1", "NAME=t CPU=x MEMORY=1", "NAME=t CPU=1 MEMORY=nan"),
    *("NAME=t CPU=1 MEMORY=1e400", "NAME=t CPU=inf MEMORY=64"),
    *("CPU=0.1 MEMORY=16 NIC=[NETWORK_ID=99999999999999999999]", "CPU=0.1 MEMORY=16 NIC=[NETWORK_ID=²]"),
    *("CPU=0.1 MEMORY=16 NIC=[NETWORK=../x]", "CPU=0.1 MEMORY=16 DISK=[IMAGE_ID=-1]"),
    *("CPU=0.1 MEMORY=16 NIC=x", "CPU=0.1 MEMORY=16 NIC=[NETWORK_ID=0,IP=1.2.3]"),
    *("CPU=0.1 MEMORY=16 NIC=[NETWORK_ID=0,MAC=zz]", "CPU=1 MEMORY=1.5"),
    *('CPU=0.1 MEMORY=16 CONTEXT=[A="$NIC[X]",B="$NETWORK["]', "CPU=0.1 MEMORY=16 OS=x CONTEXT=x"),
    *("CPU=1e5 MEMORY=1e9", "CPU=0.1 MEMORY=16 VCPU=x"),
    *("CPU=0.1 MEMORY=16 SCHED_ACTION=[ACTION=terminate,TIME=²]", "AR=[AR_ID=²,SIZE=1]"),
    *("NAME=n VN_MAD=dummy AR=[TYPE=IP4,IP=999.1.1.1,SIZE=1]",),
    *("NAME=n VN_MAD=dummy AR=[TYPE=IP4,SIZE=99999999999]",),
    *("NAME=n VN_MAD=dummy AR=[TYPE=IP4,IP=255.255.255.255,SIZE=65536]", "AR=[TYPE=ETHER,SIZE=²]"),
    *("AR=[AR_ID=0,SIZE=1]", "NAME=n VN_MAD=dummy AR=[TYPE=ETHER,MAC=ff:ff:ff:ff:ff:ff,SIZE=9]"),
    *("LEASES=[IP=x]", "LEASES=[MAC=0]", "SIZE=²", "NAME=i PATH=../../etc SIZE=99999999999999999999"),
    *("NAME=i PATH=/x SIZE=-1", "NAME=i PATH=/x TYPE=ŉ", "SIZE=1 AR_ID=x", "SCHED_ACTION=[ACTION=x,TIME=1]"),
    *("SCHED_ACTION=[ACTION=terminate,TIME=99999999999999999999]", 'NAME=d BODY="{"'),
    *('NAME=d BODY="' + "[" * 2000 + '"', 'NAME=d BODY="{\\"name\\":1,\\"roles\\":[1]}"'),
    *("TOKEN_PASSWORD=short", "SCHED_ACTION=[ACTION=terminate,TIME=999999999999999]"),
    *('SECURITY_GROUPS=",,," BRIDGE=[A=1]', "CREATED_BY=x VMID=9", "<T>", "<T/>", "<T><A></T>"),
    *("<T><A>1</A><A><B>1</B></A></T>", "<T xmlns='urn:x'><A>1</A></T>", "<T><ŉ>1</ŉ></T>"),
    *("<!DOCTYPE a [<!ENTITY x 'y'>]><T><A>&x;</A></T>", "<T><A><B><C>1</C></B></A></T>", "<T>" + "<a>" * 500),
    *("<?xml?>", "<T>" + "<A/>" * 2000 + "</T>", "<?xml version='1.0' encoding='utf-16'?><T/>"),
    *("<T><A>&#0;</A></T>", "<T><1/></T>"),
]

GOOD = [
    'NAME="t%d"\nCPU="0.1"\nMEMORY="16"\nNIC=[NETWORK_ID="0"]\nCONTEXT=[TOKEN="YES",NETWORK="YES"]\n',
    'NAME="t%d"\nCPU="0.1"\nMEMORY="16"\nDISK=[IMAGE_ID="0"]\n',
    'NAME="n%d"\nVN_MAD="dummy"\nAR=[TYPE="IP4",IP="10.0.0.1",SIZE="9"]\n',
    'NAME="i%d"\nPATH="/x"\nSIZE="1"\n',
    'NAME="r%d"\nSIZE="2"\nAR_ID="0"\n',
    'NAME="d%d"\nBODY="{\\"name\\":\\"x\\",\\"roles\\":[]}"\n',
    'SCHED_ACTION=[ACTION="poweroff",TIME="1"]\n',
    'AR=[AR_ID="0",SIZE="300"]\n',
    'LEASES=[IP="10.0.0.3"]\n',
]
"""Templates that are accepted, each for the call that it fits; `%d` makes names unique."""

ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    2**63,
    10**40,
    1.5,
    float("1e300"),
    "",
    "x",
    "²",
    "9" * 30,
    [],
    [1],
    {},
    {"a": 1},
    [[]],
]
ODD_TEXTS = [
    "[" * 200,
    '{"a":' * 500,
    "[1e999]",
    "[NaN]",
    '"\\ud800"',
    "9" * 5000,
    "{",
    "\x00",
    "[" * 100000,
    "{}]",
    "",
]

ROLE_KEYS = [
    *("name", "type", "template_id", "cardinality", "min_vms", "max_vms", "cooldown", "parents", "on_hold"),
    *("x y", "shutdown_action", "elasticity_policies", "scheduled_policies", "template_contents"),
    *("user_inputs", "nodes", "state", "user_inputs_values", "vm_template", "vm_template_contents"),
    *("custom_attrs", "custom_attrs_values", "last_vmname"),
]
SERVICE_KEYS = [
    *("name", "deployment", "roles", "networks", "networks_values", "user_inputs", "user_inputs_values"),
    *("on_hold", "ready_status_gate", "automatic_deletion", "shutdown_action", "registration_time"),
    *("description", "x y", "log", "state"),
]
POLICIES = [
    {"type": "CHANGE", "adjust": 10**30, "expression": "A > 1"},
    {"type": "CHANGE", "adjust": 1, "expression": "!" * 5000 + "A > 1"},
    {"type": "CHANGE", "adjust": 1, "expression": "(" * 5000 + "A > 1"},
    {"type": "CHANGE", "adjust": 1, "expression": "A > 1", "last_eval": "x", "true_evals": [], "period": 2**31 - 1},
    {"type": "CHANGE", "adjust": 1, "recurrence": "0 0 31 2 *", "last_eval": {}},
    {"type": "CHANGE", "adjust": 1, "start_time": "9" * 30},
    {"type": "CHANGE", "adjust": 1, "recurrence": "*/0 * * * *"},
]


def odd(chance: random.Random, depth: int = 2) -> Any:
    """Any JSON value that nobody expects."""
    pick = chance.random()
    if depth and pick < 0.15:
        return [odd(chance, depth - 1) for _ in range(chance.randint(0, 3))]
    if depth and pick < 0.3:
        return {chance.choice(TEXTS): odd(chance, depth - 1) for _ in range(chance.randint(0, 3))}
    return chance.choice(TEXTS) if pick < 0.5 else chance.choice(ODD)


def role(chance: random.Random, template_id: int) -> Any:
    """A role with one to three members that are wrong."""
    found: dict[str, Any] = {"name": "r", "type": "vm", "template_id": template_id, "cardinality": chance.randint(0, 2)}
    for _ in range(chance.randint(0, 2)):
        found[chance.choice(ROLE_KEYS)] = odd(chance)
    if chance.random() < 0.2:
        key = chance.choice(["elasticity_policies", "scheduled_policies"])
        found |= {"min_vms": 0, "max_vms": 3, key: [chance.choice(POLICIES)]}
    if chance.random() < 0.15:
        found["template_contents"] = {chance.choice(TEXTS): odd(chance), "NIC": odd(chance)}
    return odd(chance) if chance.random() < 0.05 else found


def service(chance: random.Random, template_id: int) -> Any:
    """A service template, right or wrong."""
    roles = [role(chance, template_id) for _ in range(chance.randint(0, 2))]
    for place, one in enumerate(roles):
        if isinstance(one, dict) and one.get("name") == "r":
            one["name"] = f"r{place}"
    body: dict[str, Any] = {"name": chance.choice(["svc", "svc", *TEXTS]), "roles": roles}
    for _ in range(chance.choice([0, 0, 1, 2])):
        body[chance.choice(SERVICE_KEYS)] = odd(chance)
    return odd(chance) if chance.random() < 0.03 else body


def as_json(chance: random.Random, value: Any) -> bytes:
    """The value as a body; now and then bytes that are no JSON."""
    pick = chance.random()
    if pick < 0.06:
        return chance.choice(ODD_TEXTS).encode()
    if pick < 0.1:
        return chance.randbytes(chance.randint(1, 300))
    text = json.dumps(value)
    return text[: chance.randint(0, len(text))].encode() if pick < 0.13 else text.encode()
