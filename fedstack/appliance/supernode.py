"""The boot of a SuperNode: the fifteen steps of reference 4.2, in order, and the enrolment of its key."""

from __future__ import annotations

from fedstack.appliance import backoff, discovery, enrolment, files, gpu, keys, service, status, tls
from fedstack.appliance.backoff import Backoff
from fedstack.appliance.boot import Boot
from fedstack.appliance.discovery import Found
from fedstack.appliance.failure import ErrorCode, StepError
from fedstack.appliance.generations import generation
from fedstack.appliance.generations.plan import SuperNodePlan
from fedstack.appliance.keys import NodeKey
from fedstack.appliance.onegate import GateError
from fedstack.appliance.steps import Step
from fedstack.appliance.tls import NodeTls
from fedstack.appliance.waiting import until

RUNTIME_PORT = 9094
CONNECT_SECONDS = 300.0
_STATIC_SECONDS = 60.0
_LOOK_EVERY = 0.05


class SuperNodeBoot(Boot):
    """A SuperNode on its way up."""

    appliance = "supernode"
    found: Found
    tls: NodeTls
    node_config: str
    gpu: str | None = None
    key: NodeKey | None = None
    node_id: str = ""

    def check_framework(self) -> str:
        """Step 5: the image, and that it is of the wanted framework (there is no other to fall back to)."""
        note = self.environment()
        wanted = self.context.given.get("ML_FRAMEWORK", self.runtime.framework)
        if wanted != self.runtime.framework:
            raise StepError(f"ML_FRAMEWORK={wanted!r}: expected {self.runtime.framework}, which the image has")
        return note

    def choose_log_format(self) -> str:
        """Step 3a: the launcher in the image formats Flower's log."""
        return self.context.get("FL_LOG_FORMAT")

    def make_directories(self) -> None:
        """Step 4."""
        files.make_directory(self.paths.data, 0o755)
        files.make_directory(self.paths.home, 0o700)
        files.make_directory(self.paths.logs, 0o755)

    @property
    def backoff(self) -> Backoff:
        """How the search for the SuperLink goes on."""
        longest = float(self.context.get("FL_EDGE_MAX_BACKOFF"))
        return backoff.choose(self.runtime.edge, self.context.get("FL_EDGE_BACKOFF"), longest)

    def discover(self) -> str:
        """Step 7: the SuperLink's address, the TLS decision, this node's part of the data."""
        static = self.context.get("FL_SUPERLINK_ADDRESS")
        self.found = discovery.discover(static, self.gate, self.log.info, self.backoff)
        announced = self.found.announced
        given = self.context.given
        self.tls = tls.node_decision(given.get("FL_TLS_ENABLED", ""), given.get(tls.CA, ""), announced)
        self.node_config = self._partition()
        if self.tls.warning:
            self.log.warning(self.tls.warning)
        if announced and announced.version != self.runtime.version:
            self.log.warning(f"the SuperLink runs Flower {announced.version}, this node {self.runtime.version}")
        return f"SuperLink at {self.found.address}, TLS {'on' if self.tls.ca else 'off'}, {self.node_config}"

    def _partition(self) -> str:
        own = self.context.get("FL_NODE_CONFIG")
        if own or self.found.document is None:
            return own
        computed = service.partition(self.found.document, self.context.vm_id)
        if computed is None:
            self.log.warning(f"VM {self.context.vm_id} is not among the SuperNodes: the node config stays empty")
        return computed or ""

    def check_ca(self) -> str:
        """Step 7b."""
        return tls.install_node_ca(self.material, self.tls.ca) if self.tls.ca else "TLS is off"

    def detect_gpu(self) -> str:
        """Step 9: a missing GPU is a warning, training then runs on the CPU."""
        if not self.context.is_yes("FL_GPU_ENABLED"):
            return "no GPU wanted"
        self.gpu = gpu.detect()
        if not self.gpu:
            raise StepError("FL_GPU_ENABLED=YES but no GPU was found: training runs on the CPU")
        return self.gpu

    def enrol(self) -> str:
        """Step 10a: publishes the node's key. The supervisor waits for its registration while Flower is imported."""
        announced = self.found.announced
        authenticated = announced.supernode_auth if announced else self.context.get("FL_SUPERNODE_AUTH").upper() != "NO"
        if not (authenticated and self.tls.ca):
            return "SuperNode authentication is off"
        self.key = keys.ensure(self.paths.keys)
        self._publish_key(self.key)
        if not announced:
            return f"key {self.key.fingerprint} has to be registered with the SuperLink: {self.key.public}"
        return f"key {self.key.fingerprint} published"

    def _publish_key(self, key: NodeKey) -> None:
        if not self.gate:
            return
        try:
            enrolment.publish(self.gate, key)
        except GateError as error:
            if not self.found.announced:
                return
            raise StepError(f"the public key could not be published: {error}") from None

    def start(self) -> str | None:
        """Step 11."""
        self.launch = generation(self.runtime.generation).supernode(self._plan())
        return self.start_service(self._facts())

    def _plan(self) -> SuperNodePlan:
        return SuperNodePlan(
            superlink_address=self.found.address,
            runtime_address=f"{self.context.internal_address}:{RUNTIME_PORT}",
            isolation=self.context.get("FL_ISOLATION"),
            ca=self.material.ca if self.tls.ca else None,
            key=self.key.path if self.key else None,
            node_config=self.node_config,
            max_retries=int(self.context.get("FL_MAX_RETRIES")),
            max_wait_time=int(self.context.get("FL_MAX_WAIT_TIME")),
            keepalive=self.keepalive,
            log_level=self.context.get("FL_LOG_LEVEL"),
            log_format=self.context.get("FL_LOG_FORMAT"),
            home=self.paths.home,
            gpu=self._gpu_environment(),
            static=self.found.announced is None,
            ca_announced=not self.context.given.get(tls.CA) and self.found.announced is not None,
        )

    def _gpu_environment(self) -> dict[str, str]:
        if not self.gpu:
            return {}
        devices, fraction = (self.context.get(f"FL_{name}") for name in ("CUDA_VISIBLE_DEVICES", "GPU_MEMORY_FRACTION"))
        return gpu.environment(self.runtime.framework, devices, fraction)

    def wait_for_connection(self) -> str:
        """Step 12: the SuperLink has activated this node. With a static address a running supervisor is enough."""
        if self.launch.static:
            if not until(self._supervised, limit=_STATIC_SECONDS, every=_LOOK_EVERY):
                raise StepError(f"the supervisor did not start within {_STATIC_SECONDS:.0f} s")
            return "supervised; the SuperLink may come later"
        connected = until(self._connected, limit=CONNECT_SECONDS, every=_LOOK_EVERY)
        if not connected:
            raise self._not_connected()
        self.node_id = connected.node_id
        return f"node id {connected.node_id}"

    def _not_connected(self) -> StepError:
        seen = status.load(self.paths.status_file)
        if seen and seen.state is status.State.ENROLLING:
            problem = f"the SuperLink has not registered this node's key after {CONNECT_SECONDS:.0f} s"
            return StepError(problem, ErrorCode.ENROLMENT_TIMEOUT)
        reason = seen.reason if seen else "the supervisor does not run"
        return StepError(f"not connected after {CONNECT_SECONDS:.0f} s: {reason}")

    def _supervised(self) -> bool | None:
        seen = status.load(self.paths.status_file)
        return True if seen and seen.is_current else None

    def _connected(self) -> status.Status | None:
        seen = status.load(self.paths.status_file)
        if seen and seen.state is status.State.FAILED:
            raise StepError(f"Flower does not stay up: {seen.reason}", ErrorCode.CRASH_LOOP)
        return seen if seen and seen.state is status.State.CONNECTED else None

    def announce(self) -> str:
        """Step 13: FL_NODE_READY=YES opens the gate too (reference 19): only now."""
        return self.publish(self._facts())

    def _facts(self) -> dict[str, str]:
        return {
            "FL_NODE_READY": "YES",
            "FL_NODE_ID": self.context.vm_id,
            "FL_VERSION": self.runtime.version,
            "FL_GPU_AVAILABLE": "YES" if self.gpu else "NO",
            "FL_NODE_CONFIG": self.node_config,
        }

    def start_gpu_metrics(self) -> str:
        """Step 14a: the DCGM exporter is a container; a runtime without containers has none."""
        if not self.context.is_yes("FL_DCGM_ENABLED"):
            return "no GPU metrics wanted"
        raise StepError("FL_DCGM_ENABLED=YES but this runtime has no containers: no GPU metrics")


STEPS: tuple[Step[SuperNodeBoot], ...] = (
    Step("1", "contextualization", SuperNodeBoot.contextualization, ErrorCode.CONFIG_VALIDATION_FAILED),
    Step("2", "source-context", SuperNodeBoot.source_context, ErrorCode.CONFIG_VALIDATION_FAILED),
    Step("3", "validate", SuperNodeBoot.validate, ErrorCode.CONFIG_VALIDATION_FAILED),
    Step("3a", "log-format", SuperNodeBoot.choose_log_format, None),
    Step("4", "directories", SuperNodeBoot.make_directories, ErrorCode.RUNTIME_START_FAILED),
    Step("5", "environment", SuperNodeBoot.check_framework, ErrorCode.RUNTIME_START_FAILED),
    Step("6", "service", SuperNodeBoot.install_service, ErrorCode.RUNTIME_START_FAILED),
    Step("7", "discover", SuperNodeBoot.discover, ErrorCode.DISCOVERY_FAILED),
    Step("7b", "ca", SuperNodeBoot.check_ca, ErrorCode.TLS_SETUP_FAILED),
    Step("8", "runtime", SuperNodeBoot.check_runtime, ErrorCode.RUNTIME_START_FAILED),
    Step("9", "gpu", SuperNodeBoot.detect_gpu, None),
    Step("10a", "enrol", SuperNodeBoot.enrol, ErrorCode.PUBLICATION_FAILED),
    Step("11", "start", SuperNodeBoot.start, ErrorCode.RUNTIME_START_FAILED),
    Step("12", "connection", SuperNodeBoot.wait_for_connection, ErrorCode.CONNECTION_FAILED),
    Step("13", "publish", SuperNodeBoot.announce, None),
    Step("14a", "gpu-metrics", SuperNodeBoot.start_gpu_metrics, None),
)
"""The version check (10) is part of `start`; 15, the READY report, is the contextualization's."""
