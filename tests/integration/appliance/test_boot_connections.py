"""Boots against real SuperLinks: without the TLS that was decided there is no connection, and without TLS there is one.

The situations at the end of reference 5.3: another CA, TLS off on one side only, a certificate without the address.
"""

from collections.abc import Iterator

import pytest

from fedstack.appliance.status import State
from tests.integration.appliance.federation import cloud
from tests.integration.appliance.machines import Site, Vm, flower_process, image
from tests.integration.appliance.pki import Authority, triple
from tests.support.waiting import wait_for

pytestmark = pytest.mark.xdist_group("federation")

CA, OTHER_CA = Authority.create(), Authority.create("Other CA")
LINK = {**triple(CA, CA.server("elsewhere.example.org")), "FL_SUPERNODE_AUTH": "NO"}
"""A SuperLink whose certificate is for another name; any role may connect: what counts here is TLS alone."""
OFF = {"FL_TLS_ENABLED": "NO", "FL_LOG_LEVEL": "WARNING"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with cloud(tmp_path_factory.mktemp("connections") / "cloud") as running:
        yield Site(running)


@pytest.fixture(scope="module")
def machines(site: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """A SuperNode for each situation."""
    brief = image(tmp_path_factory.mktemp("images") / "brief", end="[limits]\nconnection = 8")
    nodes = {
        "other_name": Vm("supernode", image=brief),
        "other_ca": Vm("supernode", {"FL_TLS_ENABLED": "YES", "FL_SSL_CA_CERTFILE": OTHER_CA.pem}, brief),
        "no_tls": Vm("supernode", {"FL_TLS_ENABLED": "NO"}, brief),
    }
    secure = site.serve({"superlink": Vm("superlink", LINK), **nodes}, gated=True)
    plain = site.serve({"superlink": Vm("superlink", OFF), "open": Vm("supernode", OFF)}, gated=True)
    return {role: site.node(service, role) for role, service in {**dict.fromkeys(nodes, secure), "open": plain}.items()}


@pytest.mark.parametrize(
    ("role", "says"),
    [
        ("other_name", "step 7b ca done"),
        ("other_ca", "Tls handshake failed"),
        ("no_tls", "FL_TLS_ENABLED is NO but the SuperLink has TLS: the connection will fail"),
    ],
)
def test_a_node_that_cannot_connect_says_so_and_tries_on(
    role: str, says: str, site: Site, machines: dict[str, int]
) -> None:
    vm_id = machines[role]
    end = site.end(vm_id)
    assert (end.status, end.ready) == (1, False)
    machine = site.machine(vm_id)
    wait_for(lambda: says in machine.boot_log, 30, says)
    assert (machine.attributes["FL_NODE_READY"], machine.attributes["FL_ERROR"]) == ("NO", "connection_failed")
    assert machine.status().is_current and machine.status().state is not State.CONNECTED
    assert wait_for(lambda: flower_process(machine), 30, "another try")


def test_without_tls_nobody_is_authenticated_and_it_still_works(site: Site, machines: dict[str, int]) -> None:
    vm_id = machines["open"]
    end = site.end(vm_id)
    assert (end.status, end.ready) == (0, True)
    machine = site.machine(vm_id)
    assert machine.status().state is State.CONNECTED  # seen although INFO is not logged
    assert "Starting Flower SuperNode" not in (machine.paths.logs / "flower-supernode.log").read_text()
    assert not machine.paths.keys.exists()
