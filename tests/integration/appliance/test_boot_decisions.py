"""What a boot decides: TLS (reference 5.2, 5.3), the node's part of the data (4.4), and going on with less (3.5, 4.5).

Each case is a real VM process; what was decided is read off the Flower process that it started.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from fedstack.appliance.certificates import Material
from fedstack.context import Appliance
from tests.integration.appliance.federation import Machine, cloud
from tests.integration.appliance.machines import SILENT, Site, Vm, flower_process, image, more_context
from tests.integration.appliance.pki import Authority, triple
from tests.support.waiting import wait_for

pytestmark = pytest.mark.xdist_group("federation")

CA, OTHER_CA = Authority.create(), Authority.create("Other CA")
OPERATOR = triple(CA, CA.server("127.0.0.1"))
GIVEN_CA = {"FL_SSL_CA_CERTFILE": CA.pem}
ANNOUNCED = {"FL_READY": "YES", "FL_ENDPOINT": "127.0.0.1:1", "FL_VERSION": "1.36.0", "FL_ROLE": "superlink"}
WITH_TLS = {**ANNOUNCED, "FL_TLS": "YES", "FL_CA_CERT": OTHER_CA.pem}
WITHOUT_TLS = {**ANNOUNCED, "FL_TLS": "NO"}
STATIC = {"FL_SUPERLINK_ADDRESS": "127.0.0.1:1"}
NO_ONEGATE = more_context(ONEGATE_ENDPOINT="http://127.0.0.1:1")
PARTITION = "--node-config"


@dataclass(frozen=True)
class Case:
    """One boot. `flags`: flag to value, True: it is there, None: it is not. `ca`: what the process trusts."""

    context: Mapping[str, str]
    flags: Mapping[str, str | bool | None] = field(default_factory=dict)
    announced: Mapping[str, str] | None = None
    ca: str | None = None
    says: tuple[str, ...] = ()
    appliance: Appliance = "supernode"
    role: str = "supernode"
    before: str = ""
    ends: bool | None = None
    """Whether READY is reported at the end of a boot that succeeds; None: the end of the boot is not waited for."""


def superlink(context: Mapping[str, str], flags: Mapping[str, str | bool | None], ca: str | None = None) -> Case:
    return Case(context, flags, ca=ca, appliance="superlink")


OFF, ON = {"--insecure": True, "--root-certificates": None}, {"--insecure": None, "--root-certificates": True}
SERVES_OFF = {"--insecure": True, "--ssl-certfile": None, "--enable-supernode-auth": None}
SERVES_ON = {"--insecure": None, "--ssl-certfile": True, "--ssl-keyfile": True, "--enable-supernode-auth": True}

CASES: dict[str, Case] = {
    # reference 5.3, and the node config of 4.4
    "1-own-ca-and-node-config": Case(
        {"FL_TLS_ENABLED": "YES", **GIVEN_CA, "FL_NODE_CONFIG": "partition-id=4 num-partitions=5"},
        {**ON, PARTITION: "partition-id=4 num-partitions=5"},
        WITH_TLS,
        CA.pem,
    ),
    "1-announced-ca": Case({"FL_TLS_ENABLED": "yes"}, ON, WITH_TLS, OTHER_CA.pem),
    "1-static": Case({"FL_TLS_ENABLED": "YES", **GIVEN_CA, **STATIC}, ON, None, CA.pem),
    "2-announced-and-partition": Case({}, {**ON, PARTITION: "partition-id=0 num-partitions=1"}, WITH_TLS, OTHER_CA.pem),
    "3-announced-off-and-no-partition": Case(
        {}, {**OFF, PARTITION: None}, WITHOUT_TLS, says=("[WARNING]", "is not among the SuperNodes"), role="other"
    ),
    "4-static-and-no-partition": Case(
        STATIC, {**OFF, PARTITION: None}, says=("no automatic partition", "no node config")
    ),
    "override": Case({"FL_TLS_ENABLED": "NO"}, OFF, WITH_TLS, says=("FL_TLS_ENABLED is NO but the SuperLink has TLS",)),
    # reference 5.2
    "off": superlink({"FL_TLS_ENABLED": "NO", **GIVEN_CA}, SERVES_OFF),
    "generated-ignores-the-others": superlink(
        {"FL_TLS_ENABLED": "YES", **OPERATOR, "FL_SSL_CA_CERTFILE": ""}, SERVES_ON, "generated"
    ),
    "operator": superlink(OPERATOR, SERVES_ON, CA.pem),
    # reference 3.5, 4.5: degraded
    "node-degraded": Case(
        {**STATIC, "FL_GPU_ENABLED": "YES", "FL_DCGM_ENABLED": "YES", "FLOWER_VERSION": "1.25.0"},
        OFF,
        says=(
            "step 9 gpu failed in",
            "FL_GPU_ENABLED=YES but no GPU was found: training runs on the CPU",
            "step 10 version failed in",
            "FLOWER_VERSION=1.25.0 is not in the image: Flower 1.36.0 is used",
            "step 13 publish failed in",
            "http://127.0.0.1:1 cannot be reached",
            "step 14a gpu-metrics failed in",
            "FL_DCGM_ENABLED=YES but no GPU is used: no GPU metrics",
            "step 15 report done in",
        ),
        before=NO_ONEGATE,
        ends=True,
    ),
    "superlink-degraded": Case(
        {"TOKEN": "", "FL_TLS_ENABLED": "NO", "FLOWER_VERSION": "1.25.0"},
        SERVES_OFF,
        says=(
            "step 10 version failed in",
            "TLS is off",
            "no OneGate: nothing is published",
            "step 12 report done in",
        ),
        appliance="superlink",
        ends=False,
    ),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with cloud(tmp_path_factory.mktemp("decisions") / "cloud") as running:
        yield Site(running)


@pytest.fixture(scope="module")
def machines(site: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Boots all cases at once."""
    brief = image(tmp_path_factory.mktemp("images") / "brief", end="[limits]\nconnection = 20\ndiscovery = 0.1")
    found: dict[str, int] = {}
    services: dict[str, int] = {}
    for name, case in CASES.items():
        vm = Vm(case.appliance, case.context, brief, case.before)
        if case.announced is None:
            found[name] = site.start(vm)
        else:
            link = Vm("superlink", before=SILENT, attributes=case.announced)
            services[name] = site.serve({"superlink": link, case.role: vm})
    return found | {name: site.node(service, CASES[name].role) for name, service in services.items()}


def trusts(machine: Machine, ca: str) -> bool:
    """Whether a VM's CA is that one: the text of a variable, or one of its own making, of which it has the key."""
    material = Material(machine.paths.certificates)
    if ca == "generated":
        return material.ca_key.exists()
    return material.ca.read_bytes() == base64.b64decode(ca) and not material.ca_key.exists()


@pytest.mark.parametrize("name", CASES)
def test_what_a_boot_decides(name: str, site: Site, machines: dict[str, int]) -> None:
    case, vm_id = CASES[name], machines[name]
    machine = site.machine(vm_id)
    process = wait_for(lambda: flower_process(machine), 60, f"Flower in VM {vm_id}", 0.05)
    for flag, value in case.flags.items():
        assert process.has(flag) is bool(value), process.command
        assert not isinstance(value, str) or process.flag(flag) == value
    assert case.ca is None or trusts(machine, case.ca)
    if case.ends is not None:
        end = site.end(vm_id)
        assert (end.status, end.ready) == (0, case.ends)
    for text in case.says:
        assert text in machine.boot_log
