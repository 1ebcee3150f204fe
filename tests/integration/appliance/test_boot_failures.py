"""Every boot that has to end: what fails, FL_ERROR, exit status, no READY, and a VM that runs on for its operator.

Each case is a real VM process. Case and step numbers are those of the reference, sections 3.2, 3.5, 4.2, 4.5, 5.2, 5.3.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fedstack.context import Appliance
from tests.integration.appliance.federation import cloud
from tests.integration.appliance.machines import SILENT, Site, Vm, image, more_context
from tests.integration.appliance.pki import DAY, Authority, triple
from tests.support.waiting import wait_for

pytestmark = pytest.mark.xdist_group("federation")

CA, OTHER_CA = Authority.create(), Authority.create("Other CA")
SERVER = CA.server("127.0.0.1")
OPERATOR = triple(CA, SERVER)
NO_PEM = base64.b64encode(b"not a PEM").decode()
STATIC = {"FL_SUPERLINK_ADDRESS": "127.0.0.1:1", "FL_TLS_ENABLED": "NO"}
ANNOUNCED = {"FL_READY": "YES", "FL_ENDPOINT": "127.0.0.1:1", "FL_VERSION": "1.36.0", "FL_ROLE": "superlink"}
LIMITS = "[limits]\nruntime = 0.5\nhealth = 3\nsupervisor = 3\nconnection = 10\ndiscovery = 0.02"

NO_CONTEXT = 'rm "$ONE_ENV"'
NO_ONEGATE = more_context(ONEGATE_ENDPOINT="http://127.0.0.1:1")
NO_ENDPOINT = 'grep -v ONEGATE_ENDPOINT "$ONE_ENV" > "$ONE_ENV.new"; mv "$ONE_ENV.new" "$ONE_ENV"'
WRONG_TOKEN = more_context(TOKENTXT="wrong")


def in_the_way(place: str) -> str:
    """A file where the boot needs a directory."""
    return f'mkdir -p "$(dirname "$FEDSTACK_ROOT/{place}")"; touch "$FEDSTACK_ROOT/{place}"'


LOG_IN_THE_WAY = 'mkdir -p "$FEDSTACK_ROOT/var/log/one-appliance/supervisor.log"'


@dataclass(frozen=True)
class Case:
    """One boot. `code` None: nobody can be told. `announced`: what its service's SuperLink says; None: no service."""

    step: str
    code: str | None
    says: str
    context: Mapping[str, str] = field(default_factory=dict)
    image: str = "quick"
    before: str = ""
    announced: Mapping[str, str] | None = None


SUPERLINK: dict[str, Case] = {
    "no-context": Case("step 1 contextualization", None, "was not contextualized", before=NO_CONTEXT),
    "values": Case(
        "step 4 validate",
        "config_validation_failed",
        "FL_NUM_ROUNDS='0': expected an integer of at least 1; FL_STRATEGY='Best': expected one of FedAvg",
        {"FL_NUM_ROUNDS": "0", "FL_STRATEGY": "Best"},
    ),
    "values-together": Case(
        "step 4 validate",
        "config_validation_failed",
        "FL_GRPC_KEEPALIVE_TIMEOUT='60': expected less than FL_GRPC_KEEPALIVE_TIME (60)",
        {"FL_GRPC_KEEPALIVE_TIMEOUT": "60"},
    ),
    "tls-without-certificate": Case(
        "step 4 validate",
        "config_validation_failed",
        "FL_SSL_CERTFILE='': expected a value, because FL_SSL_CA_CERTFILE is set",
        {**OPERATOR, "FL_SSL_CERTFILE": ""},
    ),
    "tls-without-key": Case(
        "step 4 validate",
        "config_validation_failed",
        "FL_SSL_KEYFILE='': expected a value",
        {**OPERATOR, "FL_SSL_KEYFILE": ""},
    ),
    "no-image": Case("step 6 environment", "runtime_start_failed", "No such file", image="no-words"),
    "no-config-directory": Case(
        "step 6 environment", "runtime_start_failed", "File exists", before=in_the_way("opt/flower/config")
    ),
    "no-state-directory": Case(
        "step 7 directories", "runtime_start_failed", "File exists", before=in_the_way("opt/flower/state")
    ),
    "tls-no-certificates-directory": Case(
        "step 7a tls", "tls_setup_failed", "File exists", before=in_the_way("opt/flower/certs")
    ),
    "tls-ca-does-not-decode": Case(
        "step 7a tls", "tls_setup_failed", "FL_SSL_CA_CERTFILE", {**OPERATOR, "FL_SSL_CA_CERTFILE": "?"}
    ),
    "tls-ca-does-not-parse": Case(
        "step 7a tls",
        "tls_setup_failed",
        "ca.crt is no X.509 certificate in PEM form",
        {**OPERATOR, "FL_SSL_CA_CERTFILE": NO_PEM},
    ),
    "tls-certificate-does-not-parse": Case(
        "step 7a tls",
        "tls_setup_failed",
        "server.pem is no X.509 certificate in PEM form",
        {**OPERATOR, "FL_SSL_CERTFILE": NO_PEM},
    ),
    "tls-key-does-not-parse": Case(
        "step 7a tls",
        "tls_setup_failed",
        "server.key is no unencrypted private key in PEM form",
        {**OPERATOR, "FL_SSL_KEYFILE": NO_PEM},
    ),
    "tls-of-another-ca": Case(
        "step 7a tls", "tls_setup_failed", "server.pem is not signed by ca.crt", triple(OTHER_CA, SERVER)
    ),
    "tls-of-another-key": Case(
        "step 7a tls",
        "tls_setup_failed",
        "server.key does not belong to server.pem",
        {**OPERATOR, "FL_SSL_KEYFILE": CA.server("127.0.0.1").key},
    ),
    "tls-expired": Case("step 7a tls", "tls_setup_failed", "not now", triple(CA, CA.server("127.0.0.1", valid=-DAY))),
    "tls-extra-name-is-none": Case(
        "step 7a tls", "tls_setup_failed", "IP:999.1", {"FL_TLS_ENABLED": "YES", "FL_CERT_EXTRA_SAN": "IP:999.1"}
    ),
    "unknown-generation": Case("step 8 service", "runtime_start_failed", "'0.1'", image="other-generation"),
    "no-runtime": Case("step 9 runtime", "docker_start_failed", "the image is damaged", image="no-python"),
    "does-not-start": Case("step 10 start", "runtime_start_failed", "Is a directory", before=LOG_IN_THE_WAY),
    "does-not-listen": Case(
        "step 11 health", "health_check_timeout", ":9092 after 3 s", {"FL_TLS_ENABLED": "NO"}, image="hanging"
    ),
    "does-not-stay-up": Case(
        "step 11 health", "crash_loop", "Flower does not stay up", {"FL_TLS_ENABLED": "NO"}, image="no-flower"
    ),
    "cannot-publish": Case(
        "step 12 publish", None, "cannot be reached", {"FL_TLS_ENABLED": "NO"}, image="", before=NO_ONEGATE
    ),
}

SUPERNODE: dict[str, Case] = {
    "no-context": Case("step 1 contextualization", None, "was not contextualized", before=NO_CONTEXT),
    "values": Case(
        "step 3 validate",
        "config_validation_failed",
        "such as partition-id=0 num-partitions=2; FL_MAX_RETRIES='-1': expected an integer of at least 0",
        {"FL_MAX_RETRIES": "-1", "FL_NODE_CONFIG": "partition"},
    ),
    "use-case-of-another-framework": Case(
        "step 3 validate",
        "config_validation_failed",
        "FL_USE_CASE='llm-fine-tuning': expected a use case of sklearn: none, anomaly-detection",
        {"FL_USE_CASE": "llm-fine-tuning"},
    ),
    "no-data-directory": Case(
        "step 4 directories", "runtime_start_failed", "File exists", before=in_the_way("opt/flower/data")
    ),
    "no-image": Case("step 5 environment", "runtime_start_failed", "No such file", image="no-words"),
    "framework-not-in-image": Case(
        "step 5 environment",
        "runtime_start_failed",
        "ML_FRAMEWORK='pytorch': expected sklearn, which the image has",
        {"ML_FRAMEWORK": "pytorch"},
    ),
    "use-case-not-in-image": Case(
        "step 5 environment",
        "runtime_start_failed",
        "FL_USE_CASE='anomaly-detection': expected one of none, which the image has",
        {"FL_USE_CASE": "anomaly-detection"},
    ),
    "no-token": Case("step 7 discover", None, "OneGate is not available", {"TOKEN": ""}),
    "no-endpoint": Case("step 7 discover", None, "OneGate is not available", before=NO_ENDPOINT),
    "onegate-refuses": Case("step 7 discover", None, "OneGate cannot be used", before=WRONG_TOKEN),
    "onegate-is-away": Case("step 7 discover", None, "OneGate cannot be used", before=NO_ONEGATE),
    "no-service": Case("step 7 discover", "discovery_failed", "in 30 attempts"),
    "superlink-never-ready": Case(
        "step 7 discover", "discovery_failed", "in 30 attempts", announced={**ANNOUNCED, "FL_READY": "NO"}
    ),
    "superlink-without-address": Case(
        "step 7 discover", "discovery_failed", "in 30 attempts", announced={**ANNOUNCED, "FL_ENDPOINT": "nowhere"}
    ),
    "superlink-of-another-version": Case(
        "step 7 discover",
        "version_mismatch",
        "this node has Flower 1.36.0: expected 1.25.0",
        announced={**ANNOUNCED, "FL_VERSION": "1.25.0"},
    ),
    "tls-announced-without-ca": Case(
        "step 7 discover", "tls_setup_failed", "there is no CA", announced={**ANNOUNCED, "FL_TLS": "YES"}
    ),
    "tls-static-without-ca": Case(
        "step 7 discover", "tls_setup_failed", "there is no CA", {**STATIC, "FL_TLS_ENABLED": "YES"}
    ),
    "tls-ca-does-not-decode": Case(
        "step 7b ca",
        "tls_setup_failed",
        "the CA certificate does not decode",
        {**STATIC, "FL_TLS_ENABLED": "YES", "FL_SSL_CA_CERTFILE": "?"},
    ),
    "tls-ca-does-not-parse": Case(
        "step 7b ca",
        "tls_setup_failed",
        "the CA certificate is no X.509 certificate in PEM form",
        {**STATIC, "FL_TLS_ENABLED": "YES", "FL_SSL_CA_CERTFILE": NO_PEM},
    ),
    "tls-announced-ca-does-not-parse": Case(
        "step 7b ca",
        "tls_setup_failed",
        "the CA certificate is no X.509 certificate in PEM form",
        announced={**ANNOUNCED, "FL_TLS": "YES", "FL_CA_CERT": NO_PEM},
    ),
    "no-runtime": Case("step 8 runtime", "docker_start_failed", "the image is damaged", STATIC, image="no-python"),
    "does-not-start": Case("step 11 start", "runtime_start_failed", "Is a directory", STATIC, before=LOG_IN_THE_WAY),
    "is-not-supervised": Case(
        "step 12 connection", "connection_failed", "supervisor did not start", STATIC, image="no-program"
    ),
    "does-not-stay-up": Case(
        "step 12 connection", "crash_loop", "Flower does not stay up", image="no-flower", announced=ANNOUNCED
    ),
    "is-not-registered": Case(
        "step 12 connection",
        "enrolment_timeout",
        "has not registered this node's key after 10 s",
        announced={**ANNOUNCED, "FL_TLS": "YES", "FL_CA_CERT": CA.pem, "FL_ENROLMENT": "YES"},
    ),
    "does-not-connect": Case(
        "step 12 connection", "connection_failed", "not connected after 10 s", announced=ANNOUNCED
    ),
}

CASES: dict[tuple[Appliance, str], Case] = {
    **{("superlink", name): case for name, case in SUPERLINK.items()},
    **{("supernode", name): case for name, case in SUPERNODE.items()},
}


def stock(directory: Path) -> dict[str, Path | None]:
    """The images of the cases by name."""
    patient = LIMITS.replace("health = 3", "health = 30").replace("connection = 10", "connection = 30")
    made = {
        "quick": image(directory / "quick", end=LIMITS),
        "no-words": image(directory / "no-words", without={"image.toml"}),
        "other-generation": image(directory / "other-generation", words={'"1.36"': '"0.1"'}),
        "no-python": image(directory / "no-python", end=LIMITS, without={"bin/python"}),
        "no-flower": image(directory / "no-flower", end=patient, without={"pyvenv.cfg"}),
        "hanging": image(directory / "hanging", end=LIMITS, without={"bin/python"}),
        "no-program": image(directory / "no-program", end=LIMITS, without={"bin/python"}),
    }
    for name, text in (("hanging", "#!/bin/sh\nexec sleep 60\n"), ("no-program", "?")):
        python = made[name] / "bin" / "python"
        python.write_text(text)
        python.chmod(0o755)
    return {**made, "": None}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with cloud(tmp_path_factory.mktemp("failures") / "cloud") as running:
        yield Site(running)


@pytest.fixture(scope="module")
def machines(site: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[Appliance, str], int]:
    """Boots all cases at once."""
    known = stock(tmp_path_factory.mktemp("images"))
    found: dict[tuple[Appliance, str], int] = {}
    services: dict[tuple[Appliance, str], int] = {}
    for key, case in CASES.items():
        vm = Vm(key[0], case.context, known[case.image], case.before)
        if case.announced is None:
            found[key] = site.start(vm)
        else:
            link = Vm("superlink", before=SILENT, attributes=case.announced)
            services[key] = site.serve({"superlink": link, "supernode": vm})
    return found | {key: site.node(service, key[0]) for key, service in services.items()}


@pytest.mark.parametrize("key", CASES, ids=lambda key: "-".join(key))
def test_a_boot_that_has_to_end(
    key: tuple[Appliance, str], site: Site, machines: dict[tuple[Appliance, str], int]
) -> None:
    appliance, case, vm_id = key[0], CASES[key], machines[key]
    end = site.end(vm_id)
    assert (end.status, end.ready) == (1, False)
    assert site.is_active(vm_id)
    machine = site.machine(vm_id)
    (line,) = [line for line in machine.boot_log.splitlines() if "[ERROR]" in line and "supervisor:" not in line]
    assert f"{case.step} failed in " in line
    assert case.says in line
    said = machine.attributes
    assert "READY" not in said
    ready = said.get({"superlink": "FL_READY", "supernode": "FL_NODE_READY"}[appliance])
    assert (ready, said.get("FL_ERROR")) == (("NO", case.code) if case.code else (None, None))
    assert bool(said.get("FL_ERROR_DETAIL")) is bool(case.code)
    assert SERVER.key not in machine.boot_log + str(said.get("FL_ERROR_DETAIL"))


def test_the_agent_asks_three_times_whether_ready_may_be_reported(site: Site) -> None:
    """Reference 3.4; ten seconds apart unless the context says otherwise."""
    vm_id = site.start(Vm("superlink", {"FL_NUM_ROUNDS": "0", "RETRY_COUNT": "3", "RETRY_WAIT_PERIOD": "0"}))
    asked = "[WARNING] [flower-report] step 12 report failed in "
    site.end(vm_id)
    machine = site.machine(vm_id)
    wait_for(lambda: machine.boot_log.count(asked) == 3, 30, "three questions")
    assert "READY" not in site.machine(vm_id).attributes
