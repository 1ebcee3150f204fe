"""Every row of the registry: both defaults, a good and a bad value, the level, and what the good value becomes."""

import base64
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from fedstack.context import VARIABLES, Level
from fedstack.context.options import HEALTH_SCRIPT
from tests.integration.appliance.machines import context_of
from tests.integration.appliance.pki import Authority, triple
from tests.integration.appliance.variable_boots import Evidence

Check = Callable[[Evidence, str], None]

HOST = f"127.77.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
"""An address of this process: two test runs on one machine do not meet."""
CA = Authority.create()
SERVER = CA.server("127.0.0.1")
OPERATOR = triple(CA, SERVER)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBb7 operator@example.org"


@dataclass(frozen=True)
class Row:
    """`bad` None: any text is good. `vms` are the boots that have the good value."""

    reference: str
    ours: str
    good: str
    bad: str | None
    level: Level
    vms: tuple[str, ...]
    becomes: Check


def is_flag(vm: str, name: str) -> Check:
    def check(seen: Evidence, good: str) -> None:
        assert seen.vms[vm].flower.flag(name) == good

    return check


def is_in_environment(vm: str, name: str) -> Check:
    def check(seen: Evidence, good: str) -> None:
        assert seen.vms[vm].flower.environment[name] == good

    return check


def is_in_run(key: str, strategy: str = "FedAdam") -> Check:
    """A key of the run config, as a ServerApp got it."""

    def check(seen: Evidence, good: str) -> None:
        value = seen.runs[strategy][key]
        assert (value is True) if good == "YES" else (str(value) == good)

    return check


def is_option(name: str) -> Check:
    """What gRPC really got, on both sides, as the launcher heard it from the calls that made servers and channels."""

    def check(seen: Evidence, good: str) -> None:
        for vm, side in (("link", "server"), ("node", "client")):
            (line,) = (one for one in seen.vms[vm].machine.boot_log.splitlines() if f"gRPC {side} options" in one)
            assert f"{name}={int(good) * 1000}" in line.split()

    return check


def is_only_said(vm: str) -> Check:
    def check(seen: Evidence, good: str) -> None:
        machine = seen.vms[vm].machine
        assert f"FLOWER_VERSION={good} is not in the image: Flower 1.36.0 is used" in machine.boot_log
        assert machine.attributes["FL_VERSION"] == "1.36.0"

    return check


def is_fleet_address(seen: Evidence, good: str) -> None:
    link, node = seen.vms["link"], seen.vms["node"]
    assert link.flower.flag("--fleet-api-address") == good
    assert link.machine.attributes["FL_ENDPOINT"] == node.flower.flag("--superlink") == good


def is_database(seen: Evidence, good: str) -> None:
    link = seen.vms["link"]
    assert link.flower.flag("--database") == str(link.machine.paths.flower / good)
    assert (link.machine.paths.flower / good).stat().st_size > 0


def is_log_level(vm: str) -> Check:
    def check(seen: Evidence, good: str) -> None:
        assert seen.vms[vm].flower.environment["FLWR_LOG_LEVEL"] == good
        assert ('"level": "DEBUG"' in seen.vms[vm].output) is (good == "DEBUG")

    return check


def is_checkpoint_directory(seen: Evidence, good: str) -> None:
    is_in_run("checkpoint-path")(seen, good)
    assert (seen.vms["link"].machine.paths.flower / "models").is_dir()


def is_name_of_certificate(seen: Evidence, good: str) -> None:
    """In the certificate that the SuperLink serves."""
    host, _, port = seen.vms["link"].flower.flag("--fleet-api-address").rpartition(":")
    served = x509.load_pem_x509_certificate(ssl.get_server_certificate((host, int(port))).encode())
    names = served.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    address, name = names.get_values_for_type(x509.IPAddress), names.get_values_for_type(x509.DNSName)
    assert good == f"IP:{address[-1]},DNS:{name[-1]}"


def finds_gpu(seen: Evidence, good: str) -> None:
    gpu, plain = seen.vms["gpu"].machine, seen.vms["plain"].machine
    assert good == "yes"
    assert (gpu.attributes["FL_GPU_AVAILABLE"], plain.attributes["FL_GPU_AVAILABLE"]) == ("YES", "NO")
    assert "step 9 gpu done in" in gpu.boot_log
    assert "NVIDIA H200, 143771 MB, driver 570.86.15" in gpu.boot_log


def runs_exporter(seen: Evidence, good: str) -> None:
    gpu = seen.vms["gpu"]
    assert good == "YES"
    assert f"GPU metrics on {gpu.machine.address}:9400" in gpu.machine.boot_log
    assert any(process.command[-2:] == ("-a", f"{gpu.machine.address}:9400") for process in gpu.others)


def is_framework(seen: Evidence, good: str) -> None:
    assert "step 5 environment done" in seen.vms["gpu"].machine.boot_log
    assert f"Flower 1.36.0 with {good}" in seen.vms["gpu"].machine.boot_log


def waits(vm: str, sentence: str) -> Check:
    """How an edge node looks for its SuperLink."""

    def check(seen: Evidence, good: str) -> None:
        assert sentence.format(good) in seen.vms[vm].machine.boot_log

    return check


def is_token(seen: Evidence, good: str) -> None:
    machine = seen.vms["link"].machine
    assert context_of(machine)["TOKEN"] == good
    assert (machine.paths.token_file).read_text()
    assert "OneGate available" in machine.boot_log


def is_network(seen: Evidence, good: str) -> None:
    """The platform then tells the guest its addresses, from which Flower's own come."""
    operator = seen.vms["operator"]
    context = context_of(operator.machine)
    assert context["NETWORK"] == good
    assert operator.flower.flag("--fleet-api-address") == f"{context['ETH0_IP']}:9092"


def is_reported(seen: Evidence, good: str) -> None:
    for vm in ("link", "node"):
        machine = seen.vms[vm].machine
        assert context_of(machine)["REPORT_READY"] == machine.attributes["READY"] == good
        assert seen.vms[vm].ready


def is_health_script(seen: Evidence, good: str) -> None:
    machine = seen.vms["node"].machine
    assert (machine.paths.root / good.lstrip("/")).stat().st_mode & 0o111
    assert "[flower-report] step 15 report done in" in machine.boot_log


def may_log_in(seen: Evidence, good: str) -> None:
    place = seen.vms["link"].machine.paths.root / "root" / ".ssh" / "authorized_keys"
    assert place.read_text() == f"{good}\n"
    assert place.stat().st_mode & 0o777 == 0o600


def is_json(seen: Evidence, good: str) -> None:
    assert good == "json"
    for vm, role in (("link", "superlink"), ("node", "supernode")):
        assert f'"logger": "flwr", "role": "{role}", "message": ' in seen.vms[vm].output


def is_tls(seen: Evidence, good: str) -> None:
    """On in the service, off in the node that was told so."""
    assert (good, seen.vms["plain"].flower.has("--insecure")) == ("yes", True)
    for vm in ("link", "node"):
        assert not seen.vms[vm].flower.has("--insecure")
    assert seen.vms["link"].machine.attributes["FL_TLS"] == "YES"


def is_file(flag: str, *vms: str, mode: int = 0o644) -> Check:
    """The decoded value, in the file that the flag names."""

    def check(seen: Evidence, good: str) -> None:
        for vm in vms:
            placed = Path(seen.vms[vm].flower.flag(flag if vm == "operator" else "--root-certificates"))
            assert placed.read_bytes() == base64.b64decode(good)
            assert placed.stat().st_mode & 0o777 == mode

    return check


def is_bundle(seen: Evidence, good: str) -> None:
    assert f"use case {good}" in seen.vms["node"].machine.boot_log


def is_run(seen: Evidence, good: str) -> None:
    """The guest agent decodes and runs it, and it starts the boot."""
    machine = seen.vms["link"].machine
    script = base64.b64decode(context_of(machine)["START_SCRIPT_BASE64"])
    assert (machine.paths.one_env.parent / "start_script").read_bytes() == script
    assert script.startswith(base64.b64decode(good))
    assert "step 2 start-script done in" in machine.boot_log


def needs_no_key(seen: Evidence, good: str) -> None:
    assert good == "no"
    for vm, expected in (("link", True), ("operator", False)):
        assert seen.vms[vm].flower.has("--enable-supernode-auth") is expected
        assert seen.vms[vm].machine.attributes["FL_ENROLMENT"] == ("YES" if expected else "NO")


def is_trusted(seen: Evidence, good: str) -> None:
    """A OneGate whose certificate is of that CA was asked over TLS."""
    assert context_of(seen.vms["edge"].machine)["FL_ONEGATE_CA"] == good
    assert (str(seen.vms["edge"].machine.vm_id), "/service?extended=true") in seen.asked


SERVICE, ROLE, CONTEXT = Level.SERVICE, Level.ROLE, Level.CONTEXT
BOTH = ("link", "node")

TABLE: dict[str, Row] = {
    "V1": Row("1.25.0", "1.36.0", "1.25.0", "1.25", SERVICE, ("operator",), is_only_said("operator")),
    "V2": Row("3", "3", "7", "0", ROLE, ("link",), is_in_run("num-server-rounds")),
    "V3": Row("FedAvg", "FedAvg", "FedAdam", "fedadam", ROLE, ("link",), is_in_run("strategy")),
    "V4": Row("2", "2", "3", "0", ROLE, ("link",), is_in_run("min-fit-clients")),
    "V5": Row("2", "2", "4", "-1", ROLE, ("link",), is_in_run("min-evaluate-clients")),
    "V6": Row("2", "2", "5", "many", ROLE, ("link",), is_in_run("min-available-clients")),
    "V7": Row("0.0.0.0:9092", "", f"{HOST}:19092", "19092", ROLE, ("link",), is_fleet_address),
    "V8": Row(
        "0.0.0.0:9093", "", f"{HOST}:19093", f"{HOST}:70000", ROLE, ("link",), is_flag("link", "--control-api-address")
    ),
    "V9": Row(
        "subprocess", "subprocess", "process", "thread", SERVICE, ("operator",), is_flag("operator", "--isolation")
    ),
    "V10": Row("state/state.db", "state/state.db", "state/other.db", "../other.db", ROLE, ("link",), is_database),
    "V11": Row("INFO", "INFO", "DEBUG", "debug", SERVICE, BOTH, is_log_level("link")),
    "V12": Row("1.0", "1.0", "0.5", "-0.5", ROLE, ("link",), is_in_run("proximal-mu", "FedProx")),
    "V13": Row("0.1", "0.1", "0.25", "0", ROLE, ("link",), is_in_run("server-lr")),
    "V14": Row("0.1", "0.1", "0.75", "1e-2", ROLE, ("link",), is_in_run("client-lr")),
    "V15": Row("0", "0", "1", "-1", ROLE, ("link",), is_in_run("num-malicious", "Krum")),
    "V16": Row("0.2", "0.2", "0.3", "0.5", ROLE, ("link",), is_in_run("trim-beta", "FedTrimmedAvg")),
    "V17": Row("NO", "NO", "YES", "yes", ROLE, ("link",), is_in_run("checkpoint-enabled")),
    "V18": Row("5", "5", "2", "0", ROLE, ("link",), is_in_run("checkpoint-interval")),
    "V19": Row(
        "/app/checkpoints",
        "/app/checkpoints",
        "/app/models",
        "/app/../models",
        ROLE,
        ("link",),
        is_checkpoint_directory,
    ),
    "V20": Row("60", "60", "45", "0", SERVICE, BOTH, is_option("grpc.keepalive_time_ms")),
    "V21": Row("20", "20", "7", "1.5", SERVICE, BOTH, is_option("grpc.keepalive_timeout_ms")),
    "V22": Row("", "", f"IP:{HOST},DNS:fl.example.org", HOST, ROLE, ("link",), is_name_of_certificate),
    "V23": Row("NO", "NO", "YES", "true", ROLE, ("link",), is_in_run("metrics-enabled")),
    "V24": Row("9101", "9101", "9200", "9092", ROLE, ("link",), is_in_run("metrics-port")),
    "V25": Row("1.25.0", "1.36.0", "1.31.0", "latest", SERVICE, ("plain",), is_only_said("plain")),
    "V26": Row("", "", f"{HOST}:1", HOST, ROLE, ("plain", "gpu"), is_flag("plain", "--superlink")),
    "V27": Row(
        "", "", "partition-id=3 num-partitions=9", "partition-id", ROLE, ("node",), is_flag("node", "--node-config")
    ),
    "V28": Row("0", "0", "400", "-1", ROLE, ("plain",), is_flag("plain", "--max-retries")),
    "V29": Row("0", "0", "9000", "1m", ROLE, ("plain",), is_flag("plain", "--max-wait-time")),
    "V30": Row("subprocess", "subprocess", "process", "none", SERVICE, ("plain",), is_flag("plain", "--isolation")),
    "V31": Row("INFO", "INFO", "ERROR", "FATAL", SERVICE, ("plain",), is_log_level("plain")),
    "V32": Row("NO", "NO", "yes", "1", ROLE, ("gpu",), finds_gpu),
    "V33": Row("all", "all", "0,1", "0 1", ROLE, ("gpu",), is_in_environment("gpu", "CUDA_VISIBLE_DEVICES")),
    "V34": Row("0.8", "", "0.5", "1.5", ROLE, ("gpu",), is_in_environment("gpu", "FL_GPU_MEMORY_FRACTION")),
    "V35": Row("NO", "NO", "YES", "yes", ROLE, ("gpu",), runs_exporter),
    "V36": Row(
        "exponential",
        "exponential",
        "fixed",
        "linear",
        ROLE,
        ("fixed",),
        waits("fixed", "(attempt 1 of 30), next look in 10 s"),
    ),
    "V37": Row("300", "300", "3", "0", ROLE, ("edge",), waits("edge", "(attempt 1), next look in {} s")),
    "V38": Row("YES", "YES", "YES", "NO", CONTEXT, BOTH, is_token),
    "V39": Row("YES", "YES", "YES", "NO", CONTEXT, BOTH, is_network),
    "V40": Row("YES", "YES", "YES", "NO", CONTEXT, BOTH, is_reported),
    "V41": Row(HEALTH_SCRIPT, HEALTH_SCRIPT, HEALTH_SCRIPT, "/bin/true", CONTEXT, BOTH, is_health_script),
    "V42": Row("$USER[SSH_PUBLIC_KEY]", "$USER[SSH_PUBLIC_KEY]", KEY, None, CONTEXT, ("link",), may_log_in),
    "V43": Row("text", "text", "json", "xml", SERVICE, BOTH, is_json),
    "V44": Row("NO", "YES", "yes", "on", SERVICE, ("link", "node", "operator", "gpu"), is_tls),
    "V45": Row(
        "",
        "",
        OPERATOR["FL_SSL_CA_CERTFILE"],
        "x",
        SERVICE,
        ("operator", "gpu"),
        is_file("--ssl-ca-certfile", "operator", "gpu"),
    ),
    "V46": Row("", "", OPERATOR["FL_SSL_CERTFILE"], "x", ROLE, ("operator",), is_file("--ssl-certfile", "operator")),
    "V47": Row(
        "", "", OPERATOR["FL_SSL_KEYFILE"], "x", ROLE, ("operator",), is_file("--ssl-keyfile", "operator", mode=0o600)
    ),
    "V48": Row("pytorch", "sklearn", "pytorch", "jax", ROLE, ("gpu",), is_framework),
    "X1": Row("none", "none", "anomaly-detection", "chess", ROLE, ("node",), is_bundle),
    "X2": Row("launcher", "", "IyEvYmluL3No", None, CONTEXT, (), is_run),
    "X3": Row("NO", "YES", "no", "maybe", SERVICE, ("operator",), needs_no_key),
    "X4": Row("", "", OPERATOR["FL_SSL_CA_CERTFILE"], "x", SERVICE, ("edge",), is_trusted),
}

CONTEXTS: dict[str, dict[str, str]] = {
    vm: {row.name: TABLE[row.number].good for row in VARIABLES if vm in TABLE[row.number].vms}
    for vm in ("link", "node", "operator", "plain", "gpu", "edge", "fixed")
}
"""The good values by VM; the plain node has no TLS."""
CONTEXTS["plain"]["FL_TLS_ENABLED"] = "no"
