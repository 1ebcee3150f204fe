"""Flower 1.36: launch flags and environment, as its programs take them."""

from __future__ import annotations

from pathlib import Path

from fedstack.appliance.generations.plan import Certificates, SuperLinkPlan, SuperNodePlan
from fedstack.appliance.launch import Launch

GENERATION = "1.36"
_REFUSAL = "Failed to activate SuperNode"
_WORK_REQUESTS = ["/pull-pending-tasks"]


def superlink(plan: SuperLinkPlan) -> Launch:
    """``flower-superlink``."""
    host, port = _split(plan.runtime_address)
    arguments = [
        *_server_tls(plan.certificates),
        *(["--enable-supernode-auth"] if plan.supernode_auth else []),
        *("--fleet-api-address", plan.fleet_address),
        *("--control-api-address", plan.control_address),
        *("--host", host, "--port", port),
        *("--database", str(plan.database)),
        *("--isolation", plan.isolation),
        "--disable-runtime-dependency-installation",
    ]
    return Launch(
        appliance="superlink",
        program="flower-superlink",
        arguments=arguments,
        environment=_environment(plan.log_level, plan.log_format, plan.home),
        generation=GENERATION,
        fleet_address=plan.fleet_address,
        control_address=plan.control_address,
        ca=str(plan.certificates.ca) if plan.certificates else "",
        supernode_auth=plan.supernode_auth,
        server_options=plan.keepalive.server(),
        hidden_requests=_WORK_REQUESTS,
    )


def supernode(plan: SuperNodePlan) -> Launch:
    """``flower-supernode``. Its flags for tries and waiting take no 0 for "without limit": they are left out then."""
    host, port = _split(plan.runtime_address)
    arguments = [
        *(["--root-certificates", str(plan.ca)] if plan.ca else ["--insecure"]),
        *(["--auth-supernode-private-key", str(plan.key)] if plan.key else []),
        *("--superlink", plan.superlink_address),
        *("--host", host, "--port", port),
        *("--isolation", plan.isolation),
        *(["--node-config", plan.node_config] if plan.node_config else []),
        *(["--max-retries", str(plan.max_retries)] if plan.max_retries else []),
        *(["--max-wait-time", str(plan.max_wait_time)] if plan.max_wait_time else []),
    ]
    return Launch(
        appliance="supernode",
        program="flower-supernode",
        arguments=arguments,
        environment=_environment(plan.log_level, plan.log_format, plan.home) | dict(plan.gpu),
        generation=GENERATION,
        fleet_address=plan.superlink_address,
        ca=str(plan.ca) if plan.ca else "",
        supernode_auth=plan.key is not None,
        static=plan.static,
        ca_announced=plan.ca_announced,
        refusal=_REFUSAL,
        client_options=plan.keepalive.client(),
        hidden_requests=_WORK_REQUESTS,
    )


def _server_tls(certificates: Certificates | None) -> list[str]:
    if certificates is None:
        return ["--insecure"]
    return [
        *("--ssl-ca-certfile", str(certificates.ca)),
        *("--ssl-certfile", str(certificates.certificate)),
        *("--ssl-keyfile", str(certificates.key)),
    ]


def _environment(log_level: str, log_format: str, home: Path) -> dict[str, str]:
    """Nothing calls home, nothing is installed at run time, everything that Flower keeps stays in the VM."""
    return {
        "FLWR_LOG_LEVEL": log_level,
        "FLWR_HOME": str(home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "FEDSTACK_LOG_FORMAT": log_format,
    }


def _split(address: str) -> tuple[str, str]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), port
