"""The stack configuration `fedstack:federation`: what may be said, and its defaults.

Fields that set a context variable have no default here: the registry's holds.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from components import scaling
from components.appliance import Appliance, Image
from components.checks import problems
from components.choices import (
    Backoff,
    Framework,
    Isolation,
    LogFormat,
    LogLevel,
    Source,
    Strategy,
    Topology,
    UseCase,
)
from components.errors import SettingsError, explain
from components.fields import Count, Group, Name, Positive, Sets, WithVariables
from components.gpu import Gpu
from components.machine import Size
from components.network import Network
from components.scaling import ElasticityPolicy, Preset, ScheduledPolicy
from fedstack import context

Pairs = dict[str, Any]


class SuperLink(Size):
    """The coordinator: exactly one VM."""

    image: Image | None = Field(default=None, description="The SuperLink's image, where it is another than `image`")
    fleet_address: Annotated[str | None, Sets("FL_FLEET_API_ADDRESS")] = None
    control_address: Annotated[str | None, Sets("FL_CONTROL_API_ADDRESS")] = None
    database: Annotated[str | None, Sets("FL_DATABASE")] = None


class SuperNodes(Size):
    """The elastic role: how many, how large, and when the platform scales it by itself."""

    image: Image | None = Field(default=None, description="The SuperNodes' image, where it is another than `image`")
    count: Count = Field(default=2, description="SuperNodes that `pulumi up` sees to")
    min: Count = Field(default=2, description="Least number that OneFlow allows")
    max: Count = Field(default=10, description="Largest number that OneFlow allows")
    cooldown: Count = Field(default=10, description="Seconds after a scaling in which OneFlow refuses another")
    autoscaling: tuple[Preset, ...] = Field(
        default=(),
        description="Ready policies: `cpu` adds a node under load and removes one when idle; `workdays` has `count` "
        "nodes from 9 to 18 o'clock on weekdays, else `min`",
    )
    elasticity_policies: tuple[ElasticityPolicy, ...] = ()
    scheduled_policies: tuple[ScheduledPolicy, ...] = ()
    superlink_address: Annotated[str | None, Sets("FL_SUPERLINK_ADDRESS")] = None
    node_config: Annotated[str | Pairs | None, Sets("FL_NODE_CONFIG")] = None
    max_retries: Annotated[int | None, Sets("FL_MAX_RETRIES")] = None
    max_wait_time: Annotated[int | None, Sets("FL_MAX_WAIT_TIME")] = None
    use_case: Annotated[UseCase | None, Sets("FL_USE_CASE")] = None
    framework: Annotated[Framework | None, Sets("ML_FRAMEWORK")] = None

    @property
    def policies(self) -> Mapping[str, scaling.Bodies]:
        """All policies in the names of a role's body: the listed ones, then the ready ones."""
        load = scaling.LOAD if Preset.CPU in self.autoscaling else ()
        days = scaling.workdays(self.count, self.min) if Preset.WORKDAYS in self.autoscaling else ()
        return {
            "elasticity_policies": scaling.bodies((*self.elasticity_policies, *load)),
            "scheduled_policies": scaling.bodies((*self.scheduled_policies, *days)),
        }


class Training(Group):
    """Read when a run is submitted: changes touch no VM."""

    rounds: Annotated[int | None, Sets("FL_NUM_ROUNDS")] = None
    strategy: Annotated[Strategy | None, Sets("FL_STRATEGY")] = None
    min_fit_clients: Annotated[int | None, Sets("FL_MIN_FIT_CLIENTS")] = None
    min_evaluate_clients: Annotated[int | None, Sets("FL_MIN_EVALUATE_CLIENTS")] = None
    min_available_clients: Annotated[int | None, Sets("FL_MIN_AVAILABLE_CLIENTS")] = None
    proximal_mu: Annotated[float | None, Sets("FL_PROXIMAL_MU")] = None
    server_lr: Annotated[float | None, Sets("FL_SERVER_LR")] = None
    client_lr: Annotated[float | None, Sets("FL_CLIENT_LR")] = None
    num_malicious: Annotated[int | None, Sets("FL_NUM_MALICIOUS")] = None
    trim_beta: Annotated[float | None, Sets("FL_TRIM_BETA")] = None


class Checkpoint(Group):
    """Saving the global model on the SuperLink."""

    enabled: Annotated[bool | None, Sets("FL_CHECKPOINT_ENABLED")] = None
    interval: Annotated[int | None, Sets("FL_CHECKPOINT_INTERVAL")] = None
    path: Annotated[str | None, Sets("FL_CHECKPOINT_PATH")] = None


class Tls(Group):
    """Encryption of all Flower traffic; certificates are generated unless all three are given (PEM, or its base64)."""

    enabled: Annotated[bool | None, Sets("FL_TLS_ENABLED")] = None
    extra_san: Annotated[str | list[str] | None, Sets("FL_CERT_EXTRA_SAN")] = None
    ca_certificate: Annotated[str | None, Sets("FL_SSL_CA_CERTFILE")] = None
    certificate: Annotated[str | None, Sets("FL_SSL_CERTFILE")] = None
    private_key: Annotated[str | None, Sets("FL_SSL_KEYFILE")] = None
    supernode_auth: Annotated[bool | None, Sets("FL_SUPERNODE_AUTH")] = None
    onegate_ca: Annotated[str | None, Sets("FL_ONEGATE_CA")] = None


class Keepalive(Group):
    """Pings on idle connections, in seconds."""

    time: Annotated[int | None, Sets("FL_GRPC_KEEPALIVE_TIME")] = None
    timeout: Annotated[int | None, Sets("FL_GRPC_KEEPALIVE_TIMEOUT")] = None


class Metrics(Group):
    """Training metrics of the SuperLink."""

    enabled: Annotated[bool | None, Sets("FL_METRICS_ENABLED")] = None
    port: Annotated[int | None, Sets("FL_METRICS_PORT")] = None


class Logging(Group):
    """Logs of Flower on both sides."""

    level: Annotated[LogLevel | None, Sets("FL_LOG_LEVEL")] = None
    format: Annotated[LogFormat | None, Sets("FL_LOG_FORMAT")] = None


class Edge(Group):
    """SuperNodes in places whose network comes and goes."""

    enabled: bool | None = Field(
        default=None,
        description="The SuperNodes boot the edge image: no framework, no GPU, a search without end (unset: what the "
        "recipe of their image says)",
    )
    backoff: Annotated[Backoff | None, Sets("FL_EDGE_BACKOFF")] = None
    max_backoff: Annotated[int | None, Sets("FL_EDGE_MAX_BACKOFF")] = None


class Settings(WithVariables):
    """A federation: one SuperLink, elastic SuperNodes; or one of the two, the other being elsewhere."""

    name: Name = Field(
        default="federation",
        description="Name of the federation (letters, digits, blanks, `_`, `.`, `-`); objects on the platform are "
        "called `<name>-<stack>...`",
    )
    topology: Topology = Field(
        default=Topology.SINGLE,
        description="`single`: a whole federation; `coordinator`: its SuperLink alone; `site`: SuperNodes of a "
        "SuperLink elsewhere",
    )
    appliance: Appliance = Appliance()
    flower_version: Annotated[str | None, Sets("FLOWER_VERSION")] = None
    image: Image = Image()
    network: Network = Network()
    superlink: SuperLink = SuperLink()
    supernodes: SuperNodes = SuperNodes()
    training: Training = Training()
    checkpoint: Checkpoint = Checkpoint()
    tls: Tls = Tls()
    gpu: Gpu = Gpu()
    keepalive: Keepalive = Keepalive()
    metrics: Metrics = Metrics()
    logging: Logging = Logging()
    edge: Edge = Edge()
    isolation: Annotated[Isolation | None, Sets("FL_ISOLATION")] = None
    ssh_public_key: str | None = Field(default=None, description="Keys of operators for the VMs")
    protect: bool = Field(
        default=False, description="Pulumi refuses to delete or replace anything of the federation until this is off"
    )
    ready_deadline: Positive = Field(
        default=300, description="Seconds that each role may take until all its nodes are ready"
    )

    @property
    def roles(self) -> tuple[context.Appliance, ...]:
        """The roles that this stack has."""
        alone: Mapping[Topology, context.Appliance] = {Topology.COORDINATOR: "superlink", Topology.SITE: "supernode"}
        return (alone[self.topology],) if self.topology in alone else ("superlink", "supernode")

    def image_of(self, role: context.Appliance) -> Image:
        """The image that VMs of a role boot."""
        return (self.superlink.image if role == "superlink" else self.supernodes.image) or self.image

    @property
    def is_marketplace(self) -> bool:
        """Whether the VMs boot the marketplace's appliances."""
        return self.appliance.source is Source.MARKETPLACE

    @property
    def is_edge(self) -> bool:
        """Whether the SuperNodes boot an edge image."""
        recipe = self.image_of("supernode").recipe
        return bool(recipe and recipe.edge) if self.edge.enabled is None else self.edge.enabled


def read_settings(raw: Any) -> Settings:
    """The settings of the configuration object (None: all defaults); raises SettingsError with every problem."""
    if not isinstance(raw, Mapping | None):
        raise SettingsError([f"expected an object, got {raw!r}"])
    try:
        settings = Settings.model_validate(raw or {}, by_alias=True, by_name=False)
    except ValidationError as error:
        raise SettingsError(explain(error, Settings)) from None
    if found := problems(settings):
        raise SettingsError(found)
    return settings
