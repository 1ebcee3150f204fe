"""The stack configuration `fedstack:federation`: what may be said, and its defaults.

Fields that set a context variable have no default here: the registry's holds.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, ValidationError

from components.errors import SettingsError, explain, shown
from components.fields import Count, Group, Name, Number, Positive, Sets, WithVariables
from components.variables import check_variables
from fedstack.oneflow import model
from fedstack.oneflow.names import camel, camel_path
from fedstack.oneflow.template import Problem, problems

Value = str | None


class ElasticityPolicy(model.ElasticityPolicy):
    """Scales by an expression over attributes of the SuperNodes."""

    model_config = ConfigDict(extra="forbid", alias_generator=camel)


class ScheduledPolicy(model.ScheduledPolicy):
    """Scales at a time."""

    model_config = ConfigDict(extra="forbid", alias_generator=camel)


class Image(Group):
    """The image of the VMs: a path that the server can read (a recipe directory, a file, a URL), or an existing one."""

    path: str = "images/flower-sklearn"
    id: Count | None = None
    datastore_id: Count = 1


class AddressRange(Group):
    """Addresses of a network; without `ip` the platform (or the IPAM driver) chooses them."""

    type: Literal["IP4"] = "IP4"
    size: Positive
    ip: str | None = None
    mac: str | None = None
    ipam: str | None = None


class Network(Group):
    """The network of the VMs: an existing one by id or by name, or one of the stack's own."""

    id: Count | None = None
    name: str | None = None
    vn_mad: str = "dummy"
    bridge: str | None = None
    address_ranges: tuple[AddressRange, ...] = (AddressRange(size=64, ipam="local"),)


class Size(Group):
    """What a VM gets."""

    cpu: Number = 1.0
    vcpu: Positive | None = None
    memory_mb: Positive = 1024


class SuperNodes(Size):
    """The elastic role: how many, how large, and when the platform scales it by itself."""

    count: Count = 2
    min: Count = 2
    max: Count = 10
    cooldown: Count = 10
    elasticity_policies: tuple[ElasticityPolicy, ...] = ()
    scheduled_policies: tuple[ScheduledPolicy, ...] = ()
    node_config: Annotated[Value, Sets("FL_NODE_CONFIG")] = None
    max_retries: Annotated[Value, Sets("FL_MAX_RETRIES")] = None
    max_wait_time: Annotated[Value, Sets("FL_MAX_WAIT_TIME")] = None
    use_case: Annotated[Value, Sets("FL_USE_CASE")] = None
    framework: Annotated[Value, Sets("ML_FRAMEWORK")] = None


class Training(Group):
    """Read when a run is submitted: changes touch no VM."""

    rounds: Annotated[Value, Sets("FL_NUM_ROUNDS")] = None
    strategy: Annotated[Value, Sets("FL_STRATEGY")] = None
    min_fit_clients: Annotated[Value, Sets("FL_MIN_FIT_CLIENTS")] = None
    min_evaluate_clients: Annotated[Value, Sets("FL_MIN_EVALUATE_CLIENTS")] = None
    min_available_clients: Annotated[Value, Sets("FL_MIN_AVAILABLE_CLIENTS")] = None
    proximal_mu: Annotated[Value, Sets("FL_PROXIMAL_MU")] = None
    server_lr: Annotated[Value, Sets("FL_SERVER_LR")] = None
    client_lr: Annotated[Value, Sets("FL_CLIENT_LR")] = None
    num_malicious: Annotated[Value, Sets("FL_NUM_MALICIOUS")] = None
    trim_beta: Annotated[Value, Sets("FL_TRIM_BETA")] = None


class Checkpoint(Group):
    """Saving the global model on the SuperLink."""

    enabled: Annotated[Value, Sets("FL_CHECKPOINT_ENABLED")] = None
    interval: Annotated[Value, Sets("FL_CHECKPOINT_INTERVAL")] = None
    path: Annotated[Value, Sets("FL_CHECKPOINT_PATH")] = None


class Tls(Group):
    """Encryption of all Flower traffic; certificates are generated unless all three are given (base64 of PEM)."""

    enabled: Annotated[Value, Sets("FL_TLS_ENABLED")] = None
    extra_san: Annotated[Value, Sets("FL_CERT_EXTRA_SAN")] = None
    ca_certificate: Annotated[Value, Sets("FL_SSL_CA_CERTFILE")] = None
    certificate: Annotated[Value, Sets("FL_SSL_CERTFILE")] = None
    private_key: Annotated[Value, Sets("FL_SSL_KEYFILE")] = None


class Gpu(Group):
    """GPUs of the SuperNodes."""

    enabled: Annotated[Value, Sets("FL_GPU_ENABLED")] = None
    devices: Annotated[Value, Sets("FL_CUDA_VISIBLE_DEVICES")] = None
    memory_fraction: Annotated[Value, Sets("FL_GPU_MEMORY_FRACTION")] = None
    metrics: Annotated[Value, Sets("FL_DCGM_ENABLED")] = None


class Keepalive(Group):
    """Pings on idle connections, in seconds."""

    time: Annotated[Value, Sets("FL_GRPC_KEEPALIVE_TIME")] = None
    timeout: Annotated[Value, Sets("FL_GRPC_KEEPALIVE_TIMEOUT")] = None


class Metrics(Group):
    """Training metrics of the SuperLink."""

    enabled: Annotated[Value, Sets("FL_METRICS_ENABLED")] = None
    port: Annotated[Value, Sets("FL_METRICS_PORT")] = None


class Logging(Group):
    """Logs of Flower on both sides."""

    level: Annotated[Value, Sets("FL_LOG_LEVEL")] = None
    format: Annotated[Value, Sets("FL_LOG_FORMAT")] = None


class Edge(Group):
    """The discovery loop on an edge image."""

    backoff: Annotated[Value, Sets("FL_EDGE_BACKOFF")] = None
    max_backoff: Annotated[Value, Sets("FL_EDGE_MAX_BACKOFF")] = None


class Settings(WithVariables):
    """A federation: one SuperLink, elastic SuperNodes."""

    name: Name = "federation"
    flower_version: Annotated[Value, Sets("FLOWER_VERSION")] = None
    image: Image = Image()
    network: Network = Network()
    superlink: Size = Size()
    supernodes: SuperNodes = SuperNodes()
    training: Training = Training()
    checkpoint: Checkpoint = Checkpoint()
    tls: Tls = Tls()
    gpu: Gpu = Gpu()
    keepalive: Keepalive = Keepalive()
    metrics: Metrics = Metrics()
    logging: Logging = Logging()
    edge: Edge = Edge()
    isolation: Annotated[Value, Sets("FL_ISOLATION")] = None
    ssh_public_key: str | None = None
    ready_deadline: Positive = 300


def read_settings(raw: Any) -> Settings:
    """The settings of the configuration object (None: all defaults); raises SettingsError with every problem."""
    if not isinstance(raw, Mapping | None):
        raise SettingsError([f"expected an object, got {raw!r}"])
    try:
        settings = Settings.model_validate(raw or {})
    except ValidationError as error:
        raise SettingsError(explain(error, Settings)) from None
    found = [*_network_problems(settings.network), *_size_problems(settings.supernodes), *check_variables(settings)]
    if found:
        raise SettingsError(found)
    return settings


def _network_problems(network: Network) -> list[str]:
    """An existing network is named in one way."""
    if network.name == "":
        return ['network.name: expected the name of an existing network, got ""']
    if network.name is not None and network.id is not None:
        return [f"network.name: expected no name beside network.id ({network.id}), got {shown(network.name)}"]
    return []


def _size_problems(nodes: SuperNodes) -> list[str]:
    """The bounds of the elastic role, and its policies, as the platform would judge them."""
    role = {
        "name": "supernode",
        "type": "vm",
        "template_id": 0,
        "cardinality": nodes.count,
        "min_vms": nodes.min,
        "max_vms": nodes.max,
        "elasticity_policies": policy_bodies(nodes.elasticity_policies),
        "scheduled_policies": policy_bodies(nodes.scheduled_policies),
    }
    return [_as_setting(problem) for problem in problems({"name": "federation", "roles": [role]})]


def policy_bodies(policies: tuple[ElasticityPolicy, ...] | tuple[ScheduledPolicy, ...]) -> list[dict[str, Any]]:
    """Policies in the names of a template's body, without absent fields."""
    return [policy.model_dump(exclude_none=True) for policy in policies]


def _as_setting(problem: Problem) -> str:
    """The problem in the names of the settings."""
    key = camel_path(problem.path).replace("roles[0].cardinality", "supernodes.count").replace("roles[0]", "supernodes")
    message = problem.message.replace("min_vms", "min").replace("max_vms", "max")
    return f"{key}: {message}" + ("" if problem.value is None else f", got {shown(problem.value)}")
