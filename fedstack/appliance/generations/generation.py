"""A Flower generation: a plan becomes a launch. Flags that all share are here, the others are its fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fedstack.appliance.generations.plan import Certificates, Plan, SuperLinkPlan, SuperNodePlan
from fedstack.appliance.launch import Launch

SERVER, CLIENT = "serverapp", "clientapp"
"""What a SuperExec runs: the kinds of app, as Flower calls them."""


@dataclass(frozen=True)
class Generation:
    """What a generation has of its own.

    `apps_api` makes the flags for the API that app processes speak to, from the kind of app and ``host:port``.
    `superexec_address` is SuperExec's flag for that address. `without_installation` keeps the SuperLink from
    installing what an app depends on. `refusal` is a part of what a SuperLink says to a node whose registered key
    it does not accept. `work_requests` are parts of log lines that only say that somebody asks for work.
    """

    name: str
    apps_api: Callable[[str, str], list[str]]
    superexec_address: str
    refusal: str
    without_installation: tuple[str, ...] = ()
    work_requests: tuple[str, ...] = ()

    def superlink(self, plan: SuperLinkPlan) -> Launch:
        """``flower-superlink``."""
        arguments = [
            *_server_tls(plan.certificates),
            *(["--enable-supernode-auth"] if plan.supernode_auth else []),
            *("--fleet-api-address", plan.fleet_address),
            *("--control-api-address", plan.control_address),
            *self.apps_api(SERVER, plan.runtime_address),
            *("--database", str(plan.database)),
            *("--isolation", plan.isolation),
            *self.without_installation,
        ]
        return Launch(
            appliance="superlink",
            program="flower-superlink",
            arguments=arguments,
            environment=_environment(plan) | _places(plan),
            superexec=self._superexec(SERVER, plan),
            generation=self.name,
            fleet_address=plan.fleet_address,
            control_address=plan.control_address,
            ca=str(plan.certificates.ca) if plan.certificates else "",
            supernode_auth=plan.supernode_auth,
            server_options=plan.keepalive.server(),
            hidden_requests=list(self.work_requests),
        )

    def supernode(self, plan: SuperNodePlan) -> Launch:
        """``flower-supernode``. Its flags for tries and waiting take no 0 for "no limit": they are left out then."""
        arguments = [
            *(["--root-certificates", str(plan.ca)] if plan.ca else ["--insecure"]),
            *(["--auth-supernode-private-key", str(plan.key)] if plan.key else []),
            *("--superlink", plan.superlink_address),
            *self.apps_api(CLIENT, plan.runtime_address),
            *("--isolation", plan.isolation),
            *(["--node-config", plan.node_config] if plan.node_config else []),
            *(["--max-retries", str(plan.max_retries)] if plan.max_retries else []),
            *(["--max-wait-time", str(plan.max_wait_time)] if plan.max_wait_time else []),
        ]
        return Launch(
            appliance="supernode",
            program="flower-supernode",
            arguments=arguments,
            environment=_environment(plan) | dict(plan.gpu),
            superexec=self._superexec(CLIENT, plan),
            generation=self.name,
            fleet_address=plan.superlink_address,
            ca=str(plan.ca) if plan.ca else "",
            supernode_auth=plan.key is not None,
            static=plan.static,
            refusal=self.refusal,
            client_options=plan.keepalive.client(),
            hidden_requests=list(self.work_requests),
        )

    def _superexec(self, kind: str, plan: Plan) -> list[str]:
        """With isolation ``process`` Flower starts no SuperExec: these are the arguments of the one beside it."""
        if plan.isolation != "process":
            return []
        return ["--insecure", self.superexec_address, plan.runtime_address, "--plugin-type", kind]


def _server_tls(certificates: Certificates | None) -> list[str]:
    if certificates is None:
        return ["--insecure"]
    return [
        *("--ssl-ca-certfile", str(certificates.ca)),
        *("--ssl-certfile", str(certificates.certificate)),
        *("--ssl-keyfile", str(certificates.key)),
    ]


def _environment(plan: Plan) -> dict[str, str]:
    """Nothing calls home, nothing is installed at run time, everything that Flower keeps stays in the VM."""
    return {
        "FLWR_LOG_LEVEL": plan.log_level,
        "FLWR_HOME": str(plan.home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "FEDSTACK_LOG_FORMAT": plan.log_format,
    }


def _places(plan: SuperLinkPlan) -> dict[str, str]:
    """For ServerApps: what container paths below ``/app`` are on this machine, and where they may listen."""
    return {"FEDSTACK_APP_ROOT": str(plan.app_root), "FEDSTACK_APP_ADDRESS": plan.app_address}
