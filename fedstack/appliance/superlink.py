"""The boot of a SuperLink: the twelve steps and 7a of reference 3.2, in order."""

from __future__ import annotations

from fedstack.appliance import files, status, tls
from fedstack.appliance.boot import Boot
from fedstack.appliance.failure import ErrorCode, StepError
from fedstack.appliance.generations import generation
from fedstack.appliance.generations.plan import Certificates, SuperLinkPlan
from fedstack.appliance.health import accepts
from fedstack.appliance.steps import Step
from fedstack.appliance.waiting import pause, until

FLEET_PORT, CONTROL_PORT, RUNTIME_PORT = 9092, 9093, 9091
_ALL_INTERFACES = {"0.0.0.0", "[::]"}  # noqa: S104
_LOOK_EVERY = 0.05
_PUBLISH_TRIES = 5
_PUBLISH_PAUSE = 2.0


class SuperLinkBoot(Boot):
    """A SuperLink on its way up."""

    appliance = "superlink"
    source: tls.Source

    @property
    def fleet_address(self) -> str:
        """Where SuperNodes connect: the variable, else the VM's own address."""
        return self.context.get("FL_FLEET_API_ADDRESS") or f"{self.context.address}:{FLEET_PORT}"

    @property
    def control_address(self) -> str:
        """Where runs are submitted: the variable, else an address that only this machine reaches."""
        return self.context.get("FL_CONTROL_API_ADDRESS") or f"{self.context.internal_address}:{CONTROL_PORT}"

    @property
    def supernode_auth(self) -> bool:
        """SuperNodes have to be registered. Flower needs TLS for that."""
        return self.source is not tls.Source.OFF and self.context.get("FL_SUPERNODE_AUTH").upper() != "NO"

    def note_defaults(self) -> str:
        """Step 5: what is unset has our default by now."""
        gaps = sum(1 for name in self.context.values if not self.context.given.get(name))
        return f"{gaps} of {len(self.context.values)} variables have their default"

    def make_directories(self) -> None:
        """Step 7."""
        files.make_directory(self.paths.state, 0o755)
        files.make_directory(self.paths.home, 0o700)
        files.make_directory(self.paths.logs, 0o755)
        if self.context.is_yes("FL_CHECKPOINT_ENABLED"):
            files.make_directory(self.paths.in_flower(self.context.get("FL_CHECKPOINT_PATH")), 0o755)

    def set_up_tls(self) -> str:
        """Step 7a."""
        self.source = tls.superlink_source(self.context.values, self.context.is_yes("FL_TLS_ENABLED"))
        if self.source is tls.Source.OFF:
            self.log.warning("TLS is off: connections are not encrypted and SuperNodes are not authenticated")
        return tls.setup_superlink(self.material, self.source, self.context.values, self.context.address)

    def describe_service(self) -> str:
        """Step 8: what the supervisor runs, and who runs the supervisor."""
        self.launch = generation(self.runtime.generation).superlink(self._plan())
        return self.install_service()

    def _plan(self) -> SuperLinkPlan:
        material = self.material
        with_tls = self.source is not tls.Source.OFF
        database = self.paths.in_flower(self.context.get("FL_DATABASE"))
        files.make_directory(database.parent, 0o755)
        return SuperLinkPlan(
            fleet_address=self.fleet_address,
            control_address=self.control_address,
            runtime_address=f"{self.context.internal_address}:{RUNTIME_PORT}",
            isolation=self.context.get("FL_ISOLATION"),
            database=database,
            certificates=Certificates(material.ca, material.server, material.server_key) if with_tls else None,
            supernode_auth=self.supernode_auth,
            keepalive=self.keepalive,
            log_level=self.context.get("FL_LOG_LEVEL"),
            log_format=self.context.get("FL_LOG_FORMAT"),
            home=self.paths.home,
            app_root=self.paths.flower,
            app_address=self.context.address,
        )

    def start(self) -> str | None:
        """Step 10."""
        return self.start_service(self._announcement())

    def wait_for_health(self) -> str:
        """Step 11: both APIs accept connections. Raises StepError when time is up, at once when Flower keeps dying."""
        limit = self.runtime.limits.health
        if not until(self._listening, limit=limit, every=_LOOK_EVERY):
            raise StepError(f"nothing listens on {self.fleet_address} after {limit:g} s")
        return f"Fleet API on {self.fleet_address}, Control API on {self.control_address}"

    def _listening(self) -> bool | None:
        seen = status.load(self.paths.status_file)
        if seen and seen.state is status.State.FAILED:
            raise StepError(f"Flower does not stay up: {seen.reason}", ErrorCode.CRASH_LOOP)
        return (accepts(self.fleet_address) and accepts(self.control_address)) or None

    def announce(self) -> str:
        """Step 12: all that SuperNodes need, in the one PUT whose FL_READY=YES opens the gate (reference 19)."""
        announcement = self._announcement()
        for _ in range(_PUBLISH_TRIES - 1):
            try:
                return self.publish(announcement)
            except StepError as error:
                self.log.warning(f"publication failed, next try in {_PUBLISH_PAUSE:.0f} s: {error}")
                pause(_PUBLISH_PAUSE)
        return self.publish(announcement)

    def _announcement(self) -> dict[str, str]:
        with_tls = self.source is not tls.Source.OFF
        return {
            "FL_READY": "YES",
            "FL_ENDPOINT": self._reachable(self.fleet_address),
            "FL_CONTROL_ENDPOINT": self._reachable(self.control_address),
            "FL_VERSION": self.runtime.version,
            "FL_ROLE": "superlink",
            "FL_TLS": "YES" if with_tls else "NO",
            "FL_ENROLMENT": "YES" if self.supernode_auth else "NO",
            **(tls.published(self.material) if with_tls else {}),
        }

    def _reachable(self, address: str) -> str:
        """An address that others can dial: the VM's own where Flower listens on all interfaces."""
        host, _, port = address.rpartition(":")
        return f"{self.context.address}:{port}" if host in _ALL_INTERFACES else address


STEPS: tuple[Step[SuperLinkBoot], ...] = (
    Step("1", "contextualization", SuperLinkBoot.contextualization, ErrorCode.CONFIG_VALIDATION_FAILED, "configure"),
    Step("2", "start-script", SuperLinkBoot.note_start, None, "configure"),
    Step("3", "source-context", SuperLinkBoot.source_context, ErrorCode.CONFIG_VALIDATION_FAILED, "configure"),
    Step("4", "validate", SuperLinkBoot.validate, ErrorCode.CONFIG_VALIDATION_FAILED, "configure"),
    Step("5", "defaults", SuperLinkBoot.note_defaults, ErrorCode.CONFIG_VALIDATION_FAILED, "configure"),
    Step("6", "environment", SuperLinkBoot.environment, ErrorCode.RUNTIME_START_FAILED, "configure"),
    Step("7", "directories", SuperLinkBoot.make_directories, ErrorCode.RUNTIME_START_FAILED, "configure"),
    Step("7a", "tls", SuperLinkBoot.set_up_tls, ErrorCode.TLS_SETUP_FAILED, "configure"),
    Step("8", "service", SuperLinkBoot.describe_service, ErrorCode.RUNTIME_START_FAILED, "configure"),
    Step("9", "runtime", SuperLinkBoot.check_runtime, ErrorCode.DOCKER_START_FAILED),
    Step("10", "version", SuperLinkBoot.check_version, None),
    Step("10", "start", SuperLinkBoot.start, ErrorCode.RUNTIME_START_FAILED),
    Step("11", "health", SuperLinkBoot.wait_for_health, ErrorCode.HEALTH_CHECK_TIMEOUT),
    Step("12", "publish", SuperLinkBoot.announce, ErrorCode.PUBLICATION_FAILED),
)
"""A SuperLink that cannot publish withholds its READY (reference 18, 38): nobody would find it. Its READY, the rest of
step 12, is `fedstack.appliance.report`."""
