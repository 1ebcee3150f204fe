"""Whether this machine may report READY: its boot succeeded, and Flower does what it is there for."""

from __future__ import annotations

import json
import socket

from fedstack.appliance import files, status
from fedstack.appliance.launch import Launch
from fedstack.appliance.paths import Paths
from fedstack.context import Appliance

_CONNECT_SECONDS = 2.0
SCRIPT = """#!/bin/sh
# Exit status 0 lets the contextualization report READY=YES (READY_SCRIPT_PATH).
exec fedstack-appliance report {appliance}
"""


def write_script(appliance: Appliance, paths: Paths) -> None:
    """health-check.sh, which READY_SCRIPT_PATH names."""
    files.write(paths.scripts / "health-check.sh", SCRIPT.format(appliance=appliance), 0o755)


def write_outcome(paths: Paths, error: str | None) -> None:
    """Keeps how the boot ended; `error` None: well."""
    files.write(paths.outcome_file, json.dumps({"error": error}), 0o644)


def boot_error(paths: Paths) -> str | None:
    """Why the boot failed; None when it did not, or has not ended."""
    try:
        error: str | None = json.loads(paths.outcome_file.read_text())["error"]
    except OSError:
        return None
    return error


def check(appliance: Appliance, paths: Paths) -> str | None:
    """None when healthy, else what is missing."""
    try:
        outcome = json.loads(paths.outcome_file.read_text())
        launch = Launch.load(paths.launch_file)
    except OSError:
        return "the boot has not ended"
    if outcome["error"]:
        return f"the boot failed: {outcome['error']}"
    if appliance == "superlink":
        return None if accepts(launch.fleet_address) else f"nothing listens on {launch.fleet_address}"
    return _supernode(launch, paths)


def _supernode(launch: Launch, paths: Paths) -> str | None:
    seen = status.load(paths.status_file)
    if not seen or not seen.is_current:
        return "the supervisor does not run"
    if seen.state is status.State.CONNECTED or launch.static:
        return None
    return f"not connected to {launch.fleet_address}: {seen.state.value} {seen.reason}".rstrip()


def accepts(address: str) -> bool:
    """Whether something listens on ``host:port`` (an address of all interfaces is tried on loopback)."""
    host, _, port = address.rpartition(":")
    target = {"0.0.0.0": "127.0.0.1", "[::]": "::1"}.get(host, host.strip("[]"))  # noqa: S104
    try:
        socket.create_connection((target, int(port)), _CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
