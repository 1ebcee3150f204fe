"""What a VM says about itself through OneGate: its facts once it is ready, an error while it is not.

A boot that failed is not the end: the supervisor goes on, and a node whose SuperLink came late connects after all.
Whoever of the two, boot and supervisor, sees both the failure and the connection takes the failure back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from fedstack.appliance import files, health, status
from fedstack.appliance.failure import ErrorCode
from fedstack.appliance.onegate import OneGate
from fedstack.appliance.paths import Paths
from fedstack.context import Appliance

READY: Mapping[Appliance, str] = {"superlink": "FL_READY", "supernode": "FL_NODE_READY"}
"""The attribute that is YES with the facts and NO with an error."""
ERROR, DETAIL = "FL_ERROR", "FL_ERROR_DETAIL"
_DETAIL_LENGTH = 200


def failure(appliance: Appliance, code: ErrorCode, message: str) -> dict[str, str]:
    """Why this VM is not ready. The message must not open the gate, which looks for READY=YES in any text."""
    detail = " ".join(message.replace("READY=YES", "READY").split())[:_DETAIL_LENGTH]
    return {READY[appliance]: "NO", ERROR: code.value, DETAIL: detail}


def clear_failure(gate: OneGate) -> None:
    """Takes the error of an earlier, failed boot back. Raises GateError."""
    gate.erase((ERROR, DETAIL))


def save(paths: Paths, facts: Mapping[str, str]) -> None:
    """Keeps the facts for `recover`; before Flower is started, because it may be quick."""
    files.write(paths.facts_file, json.dumps(dict(facts)), 0o600)


def amend(paths: Paths, gate: OneGate, changes: Mapping[str, str]) -> None:
    """Publishes facts that have changed since the boot, and keeps them with the others. Raises GateError, OSError."""
    gate.publish(changes)
    save(paths, json.loads(paths.facts_file.read_text()) | dict(changes))


def recover(paths: Paths, gate: OneGate | None) -> bool:
    """Publishes the facts if the boot failed and Flower is connected all the same; says whether it did.

    The boot counts as well then. Raises GateError; OSError when the boot had not come to any facts.
    """
    seen = status.load(paths.status_file)
    if not (health.boot_error(paths) and seen and seen.state is status.State.CONNECTED):
        return False
    if gate:
        gate.publish(json.loads(paths.facts_file.read_text()))
        clear_failure(gate)
    health.write_outcome(paths, None)
    return True
