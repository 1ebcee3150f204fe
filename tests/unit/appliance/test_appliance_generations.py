"""Launch flags and environment of every Flower generation, and the file that carries them to the supervisor."""

from dataclasses import replace
from pathlib import Path

import pytest

from fedstack.appliance.failure import StepError
from fedstack.appliance.generations import GENERATIONS, generation
from fedstack.appliance.generations.keepalive import Keepalive
from fedstack.appliance.generations.plan import Certificates, SuperLinkPlan, SuperNodePlan
from fedstack.appliance.launch import Launch

LINK = SuperLinkPlan(
    fleet_address="127.1.0.2:9092",
    control_address="127.1.0.2:9093",
    runtime_address="127.1.0.2:9091",
    isolation="subprocess",
    database=Path("/vm/state.db"),
    certificates=Certificates(Path("/c/ca.crt"), Path("/c/server.pem"), Path("/c/server.key")),
    supernode_auth=True,
    keepalive=Keepalive(60, 20),
    log_level="INFO",
    log_format="text",
    home=Path("/vm/home"),
    app_root=Path("/vm/flower"),
    app_address="127.1.0.2",
)
NODE = SuperNodePlan(
    superlink_address="127.1.0.2:9092",
    runtime_address="127.1.0.3:9094",
    isolation="subprocess",
    ca=Path("/c/ca.crt"),
    key=Path("/k/supernode.key"),
    node_config="partition-id=0 num-partitions=2",
    max_retries=0,
    max_wait_time=0,
    keepalive=Keepalive(30, 5),
    log_level="DEBUG",
    log_format="json",
    home=Path("/vm/home"),
    gpu={},
    static=False,
)
FLOWER = generation("1.36")
ADDRESSES = {
    "1.25": (
        ["--serverappio-api-address", "127.1.0.2:9091"],
        ["--clientappio-api-address", "127.1.0.3:9094"],
        "--appio-api-address",
    ),
    "1.31": (
        ["--serverappio-api-address", "127.1.0.2:9091"],
        ["--clientappio-api-address", "127.1.0.3:9094"],
        "--appio-api-address",
    ),
    "1.36": (
        ["--host", "127.1.0.2", "--port", "9091"],
        ["--host", "127.1.0.3", "--port", "9094"],
        "--runtime-api-address",
    ),
}
"""Flags for the API that apps speak to: of the SuperLink, of a SuperNode, and of SuperExec."""


ALL = GENERATIONS.items()


def flag(launch: Launch, name: str) -> str:
    return launch.arguments[launch.arguments.index(name) + 1]


def test_a_superlink_with_tls_and_authentication() -> None:
    launch = FLOWER.superlink(LINK)
    assert launch.program == "flower-superlink"
    assert "--enable-supernode-auth" in launch.arguments
    assert "--insecure" not in launch.arguments
    assert flag(launch, "--fleet-api-address") == "127.1.0.2:9092"
    assert flag(launch, "--ssl-keyfile") == "/c/server.key"


@pytest.mark.parametrize("name", GENERATIONS)
def test_every_generation_has_its_own_flags_for_apps(name: str) -> None:
    link, node = (
        GENERATIONS[name].superlink(replace(LINK, isolation="process")),
        GENERATIONS[name].supernode(replace(NODE, isolation="process")),
    )
    serves, feeds, flag = ADDRESSES[name]
    assert contains(link.arguments, serves) and contains(node.arguments, feeds)
    assert link.superexec == ["--insecure", flag, "127.1.0.2:9091", "--plugin-type", "serverapp"]
    assert node.superexec == ["--insecure", flag, "127.1.0.3:9094", "--plugin-type", "clientapp"]


def contains(arguments: list[str], wanted: list[str]) -> bool:
    return any(arguments[start : start + len(wanted)] == wanted for start in range(len(arguments)))


@pytest.mark.parametrize("name", GENERATIONS)
def test_with_subprocess_isolation_flower_starts_its_own_superexec(name: str) -> None:
    assert GENERATIONS[name].superlink(LINK).superexec == GENERATIONS[name].supernode(NODE).superexec == []


def test_nothing_is_installed_at_run_time() -> None:
    """1.25 never does, 1.31 does so only when told to, 1.36 unless told not to."""
    flags = {name: [word for word in each.superlink(LINK).arguments if "dependency" in word] for name, each in ALL}
    assert flags == {"1.25": [], "1.31": [], "1.36": ["--disable-runtime-dependency-installation"]}


def test_server_apps_learn_their_places() -> None:
    environment = FLOWER.superlink(LINK).environment
    assert environment["FEDSTACK_APP_ROOT"] == "/vm/flower"
    assert environment["FEDSTACK_APP_ADDRESS"] == "127.1.0.2"


def test_an_insecure_superlink() -> None:
    launch = FLOWER.superlink(replace(LINK, certificates=None, supernode_auth=False))
    assert launch.arguments[0] == "--insecure"
    assert "--enable-supernode-auth" not in launch.arguments
    assert launch.ca == ""


def test_a_supernode() -> None:
    launch = FLOWER.supernode(NODE)
    assert launch.program == "flower-supernode"
    assert flag(launch, "--root-certificates") == "/c/ca.crt"
    assert flag(launch, "--auth-supernode-private-key") == "/k/supernode.key"
    assert flag(launch, "--superlink") == "127.1.0.2:9092"
    assert flag(launch, "--node-config") == "partition-id=0 num-partitions=2"
    assert launch.environment["FLWR_LOG_LEVEL"] == "DEBUG"
    assert "CUDA_VISIBLE_DEVICES" not in launch.environment


def test_zero_means_without_limit_and_is_no_flag() -> None:
    assert "--max-retries" not in FLOWER.supernode(NODE).arguments
    limited = FLOWER.supernode(replace(NODE, max_retries=3, max_wait_time=60))
    assert (flag(limited, "--max-retries"), flag(limited, "--max-wait-time")) == ("3", "60")


def test_an_insecure_supernode_registers_itself() -> None:
    launch = FLOWER.supernode(replace(NODE, ca=None, key=None, gpu={"CUDA_VISIBLE_DEVICES": "0,1"}))
    assert launch.arguments[0] == "--insecure"
    assert "--auth-supernode-private-key" not in launch.arguments
    assert launch.environment["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_keepalive_is_the_table_of_the_reference_and_the_ping_timeout() -> None:
    link, node = FLOWER.superlink(LINK), FLOWER.supernode(NODE)
    assert link.server_options == {
        "grpc.keepalive_time_ms": 60000,
        "grpc.keepalive_timeout_ms": 20000,
        "grpc.http2.ping_timeout_ms": 20000,
        "grpc.keepalive_permit_without_calls": 1,
        "grpc.http2.min_recv_ping_interval_without_data_ms": 30000,
        "grpc.http2.max_ping_strikes": 0,
    }
    assert node.client_options == {
        "grpc.keepalive_time_ms": 30000,
        "grpc.keepalive_timeout_ms": 5000,
        "grpc.http2.ping_timeout_ms": 5000,
        "grpc.keepalive_permit_without_calls": 1,
        "grpc.http2.max_pings_without_data": 0,
    }
    assert (link.client_options, node.server_options) == ({}, {})


@pytest.mark.parametrize("launch", [make for _, each in ALL for make in (each.superlink(LINK), each.supernode(NODE))])
def test_nothing_calls_home(launch: Launch) -> None:
    assert launch.environment["FLWR_TELEMETRY_ENABLED"] == "0"
    assert launch.environment["FLWR_DISABLE_UPDATE_CHECK"] == "1"
    assert launch.environment["FLWR_HOME"] == "/vm/home"


def test_the_launch_file_is_private_and_read_back_unchanged(tmp_path: Path) -> None:
    launch, path = FLOWER.supernode(NODE), tmp_path / "config" / "launch.json"
    launch.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Launch.load(path) == launch


def test_an_unknown_generation_names_the_known_ones() -> None:
    with pytest.raises(StepError, match=r"'2\.0', expected one of 1\.25, 1\.31, 1\.36"):
        generation("2.0")
