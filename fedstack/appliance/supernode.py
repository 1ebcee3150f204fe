"""The boot of a SuperNode: the steps of reference 4.2, in order, and the enrolment of its key."""

from __future__ import annotations

from fedstack.appliance import backoff, discovery, enrolment, files, gpu, keys, service, status, tls
from fedstack.appliance.backoff import Backoff
from fedstack.appliance.boot import Boot
from fedstack.appliance.discovery import Found
from fedstack.appliance.failure import ErrorCode, StepError
from fedstack.appliance.generations import generation
from fedstack.appliance.generations.plan import SuperNodePlan
from fedstack.appliance.gpu import Gpu
from fedstack.appliance.keys import NodeKey
from fedstack.appliance.onegate import GateError
from fedstack.appliance.steps import Step
from fedstack.appliance.tls import NodeTls
from fedstack.appliance.waiting import until

RUNTIME_PORT = 9094
_LOOK_EVERY = 0.05


class SuperNodeBoot(Boot):
    """A SuperNode on its way up."""

    appliance = "supernode"
    found: Found
    tls: NodeTls
    node_config: str
    gpu: Gpu | None = None
    key: NodeKey | None = None
    node_id: str = ""

    def resolve_image(self) -> str:
        """Step 5: the image, of the wanted framework and use case: there is no other to fall back to."""
        note = self.environment()
        wanted = self.context.given.get("ML_FRAMEWORK", self.runtime.framework)
        if wanted != self.runtime.framework:
            raise StepError(f"ML_FRAMEWORK={wanted!r}: expected {self.runtime.framework}, which the image has")
        case, there = self.context.get("FL_USE_CASE"), ("none", *self.runtime.use_cases)
        if case not in there:
            raise StepError(f"FL_USE_CASE={case!r}: expected one of {', '.join(there)}, which the image has")
        return f"{note}, use case {case}"

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
        algorithm, longest = (self.context.get(f"FL_EDGE_{name}") for name in ("BACKOFF", "MAX_BACKOFF"))
        return backoff.choose(self.runtime.edge, algorithm, float(longest), self.runtime.limits.discovery)

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
        self._check_version()
        config = self.node_config or "no node config"
        return f"SuperLink at {self.found.address}, TLS {'on' if self.tls.ca else 'off'}, {config}"

    def _check_version(self) -> None:
        """Both sides run the same Flower (reference 2.8, rule 10a): others would only misunderstand each other."""
        announced, own = self.found.announced, self.runtime.version
        if announced and announced.version != own:
            problem = f"this node has Flower {own}: expected {announced.version}, which the SuperLink runs"
            raise StepError(problem, ErrorCode.VERSION_MISMATCH)

    def _partition(self) -> str:
        """Reference 4.4: a given node config is used untouched, else this node's place in the service counts."""
        if own := self.context.get("FL_NODE_CONFIG"):
            return own
        if self.found.document is None:
            self.log.info("no automatic partition: with a static address no service is looked at")
            return ""
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
        return str(self.gpu)

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
        )

    def _gpu_environment(self) -> dict[str, str]:
        if not self.gpu:
            return {}
        devices, fraction = (self.context.get(f"FL_{name}") for name in ("CUDA_VISIBLE_DEVICES", "GPU_MEMORY_FRACTION"))
        return gpu.environment(self.runtime.framework, devices, fraction)

    def wait_for_connection(self) -> str:
        """Step 12: the SuperLink has activated this node. With a static address a running supervisor is enough."""
        limits = self.runtime.limits
        if self.launch.static:
            if not until(self._supervised, limit=limits.supervisor, every=_LOOK_EVERY):
                raise StepError(f"the supervisor did not start within {limits.supervisor:g} s")
            return "supervised; the SuperLink may come later"
        connected = until(self._connected, limit=limits.connection, every=_LOOK_EVERY)
        if not connected:
            raise self._not_connected()
        self.node_id = connected.node_id
        return f"node id {connected.node_id}"

    def _not_connected(self) -> StepError:
        seen, waited = status.load(self.paths.status_file), f"after {self.runtime.limits.connection:g} s"
        if seen and seen.state is status.State.ENROLLING:
            problem = f"the SuperLink has not registered this node's key {waited}"
            return StepError(problem, ErrorCode.ENROLMENT_TIMEOUT)
        reason = (seen.reason or seen.state.value) if seen else "the supervisor does not run"
        return StepError(f"not connected {waited}: {reason}")

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
        """Step 14a: NVIDIA's exporter beside Flower; what it lacks is a warning (reference 2.8, rule 10m)."""
        if not self.context.is_yes("FL_DCGM_ENABLED"):
            return "no GPU metrics wanted"
        if not self.gpu:
            raise StepError("FL_DCGM_ENABLED=YES but no GPU is used: no GPU metrics")
        command = gpu.exporter(self.context.address)
        if not command:
            raise StepError("FL_DCGM_ENABLED=YES but dcgm-exporter is not installed: no GPU metrics")
        self.services.start_exporter(command, self.paths)
        return f"GPU metrics on {command[-1]}"


STEPS: tuple[Step[SuperNodeBoot], ...] = (
    Step("1", "contextualization", SuperNodeBoot.contextualization, ErrorCode.CONFIG_VALIDATION_FAILED, "configure"),
    Step("2", "source-context", SuperNodeBoot.source_context, ErrorCode.CONFIG_VALIDATION_FAILED, "configure"),
    Step("3", "validate", SuperNodeBoot.validate, ErrorCode.CONFIG_VALIDATION_FAILED, "configure"),
    Step("3a", "log-format", SuperNodeBoot.choose_log_format, None, "configure"),
    Step("4", "directories", SuperNodeBoot.make_directories, ErrorCode.RUNTIME_START_FAILED, "configure"),
    Step("5", "environment", SuperNodeBoot.resolve_image, ErrorCode.RUNTIME_START_FAILED, "configure"),
    Step("6", "service", SuperNodeBoot.install_service, ErrorCode.RUNTIME_START_FAILED, "configure"),
    Step("7", "discover", SuperNodeBoot.discover, ErrorCode.DISCOVERY_FAILED, "discover"),
    Step("7b", "ca", SuperNodeBoot.check_ca, ErrorCode.TLS_SETUP_FAILED, "configure"),
    Step("8", "runtime", SuperNodeBoot.check_runtime, ErrorCode.DOCKER_START_FAILED),
    Step("9", "gpu", SuperNodeBoot.detect_gpu, None),
    Step("10", "version", SuperNodeBoot.check_version, None),
    Step("10a", "enrol", SuperNodeBoot.enrol, ErrorCode.PUBLICATION_FAILED),
    Step("11", "start", SuperNodeBoot.start, ErrorCode.RUNTIME_START_FAILED),
    Step("12", "connection", SuperNodeBoot.wait_for_connection, ErrorCode.CONNECTION_FAILED),
    Step("13", "publish", SuperNodeBoot.announce, None),
    Step("14a", "gpu-metrics", SuperNodeBoot.start_gpu_metrics, None),
)
"""Step 15, the READY report, is `fedstack.appliance.report`."""
