"""Templates that follow every rule, and how tests break them."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

ABSENT = object()

CONTEXT = {
    "CONTEXT": {
        "TOKEN": "YES",
        "NETWORK": "YES",
        "REPORT_READY": "YES",
        "READY_SCRIPT_PATH": "/opt/flower/scripts/health-check.sh",
    }
}

GOOD: dict[str, Any] = {
    "name": "federation",
    "deployment": "straight",
    "ready_status_gate": True,
    "user_inputs": {"FLOWER_VERSION": "O|text|Flower version||1.36.0", "FL_TLS_ENABLED": "O|boolean|TLS||YES"},
    "roles": [
        {
            "name": "superlink",
            "type": "vm",
            "template_id": 1,
            "cardinality": 1,
            "min_vms": 1,
            "max_vms": 1,
            "user_inputs": {"FL_MIN_FIT_CLIENTS": "O|number|Nodes||2"},
            "template_contents": deepcopy(CONTEXT),
        },
        {
            "name": "supernode",
            "type": "vm",
            "template_id": 2,
            "cardinality": 2,
            "min_vms": 2,
            "max_vms": 10,
            "cooldown": 60,
            "parents": ["superlink"],
            "user_inputs": {"FL_NODE_CONFIG": "O|text|Node config"},
            "elasticity_policies": [
                {"type": "CHANGE", "adjust": 1, "expression": "FL_CLIENT_STATUS > 1.5", "period": 90, "cooldown": 300},
                {"type": "CHANGE", "adjust": -1, "expression": "FL_CLIENT_STATUS < 1.2", "period": 90, "cooldown": 600},
            ],
            "scheduled_policies": [{"type": "CARDINALITY", "adjust": 4, "recurrence": "0 9 * * mon-fri"}],
            "template_contents": deepcopy(CONTEXT),
        },
    ],
}

GOOD_VM: dict[str, Any] = {
    "CPU": 1,
    "MEMORY": 1024,
    "DISK": [{"IMAGE_ID": 1}],
    "NIC": [{"NETWORK_ID": 0}],
    "PCI": [{"SHORT_ADDRESS": "e1:00.0"}],
    "OS": {"FIRMWARE": "UEFI", "MACHINE": "q35"},
    "TOPOLOGY": {"PIN_POLICY": "CORE"},
    "CONTEXT": {"START_SCRIPT": "#!/bin/sh\nexec fedstack-appliance boot superlink\n"},
}


def changed(changes: Mapping[str, Any], good: Mapping[str, Any] = GOOD) -> dict[str, Any]:
    """A good template with values replaced (ABSENT removes one). Paths: "deployment", "0/max_vms", "1/user_inputs/X".

    A number at the front is a role. Objects on the way are made where there are none.
    """
    body = deepcopy(dict(good))
    for path, value in changes.items():
        parts = path.split("/")
        holder: Any = body["roles"][int(parts.pop(0))] if parts[0].isdigit() else body
        for part in parts[:-1]:
            holder = holder[int(part)] if isinstance(holder, list) else holder.setdefault(part, {})
        key: Any = int(parts[-1]) if isinstance(holder, list) else parts[-1]
        if value is ABSENT:
            del holder[key]
        else:
            holder[key] = value
    return body


def site(inputs: Mapping[str, str]) -> dict[str, Any]:
    """A training site: SuperNodes whose SuperLink is elsewhere."""
    body = changed({"roles": [deepcopy(GOOD["roles"][1])], "user_inputs": ABSENT})
    del body["roles"][0]["parents"]
    body["roles"][0]["user_inputs"] = dict(inputs)
    return body


def coordinator(inputs: Mapping[str, str]) -> dict[str, Any]:
    """A SuperLink whose SuperNodes are elsewhere."""
    body = changed({"roles": [deepcopy(GOOD["roles"][0])], "user_inputs": ABSENT})
    body["roles"][0]["user_inputs"] = dict(inputs)
    return body


SITE_INPUTS = {
    "FL_SUPERLINK_ADDRESS": "M|text|Address of the SuperLink",
    "FL_SSL_CA_CERTFILE": "M|text64|CA certificate",
}
