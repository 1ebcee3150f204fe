"""A SuperLink that comes when its SuperNode's boot has failed and the guest agent has given up asking for READY."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fedstack.appliance.status import State
from fedstack.context.options import FLOWER_VERSION
from tests.integration.appliance.federation import cloud
from tests.integration.appliance.machines import Site, Vm, image
from tests.support.waiting import wait_for

pytestmark = pytest.mark.xdist_group("federation")

HELD = 'read -r _ < "$FEDSTACK_ROOT/gate"'
"""Holds a boot until somebody writes into the pipe."""
SOON = "[limits]\nconnection = 2\ndiscovery = 0.2"
AGENT = {"FL_TLS_ENABLED": "NO", "RETRY_COUNT": "2", "RETRY_WAIT_PERIOD": "1"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with cloud(tmp_path_factory.mktemp("late") / "cloud") as running:
        yield Site(running)


def promise(site: Site, vm_id: int) -> None:
    """Publishes what the SuperLink will say, before it is there."""
    address = f"{site.machine(vm_id).address}:9092"
    said = {"FL_READY": "YES", "FL_ENDPOINT": address, "FL_TLS": "NO", "FL_VERSION": FLOWER_VERSION}
    site.one.vm.update(vm_id, "\n".join(f'{name}="{value}"' for name, value in said.items()), 1)


def test_a_supernode_that_connects_late_reports_ready(site: Site, tmp_path: Path) -> None:
    held = Vm("superlink", {"FL_TLS_ENABLED": "NO"}, before=f'mkfifo "$FEDSTACK_ROOT/gate"\n{HELD}')
    service = site.serve({"superlink": held, "supernode": Vm("supernode", AGENT, image(tmp_path / "soon", end=SOON))})
    link_id, node_id = site.node(service, "superlink"), site.node(service, "supernode")
    promise(site, link_id)
    end = site.end(node_id)
    assert (end.status, end.ready) == (1, False)
    said = site.machine(node_id).attributes
    assert (said["FL_NODE_READY"], said["FL_ERROR"], said.get("READY")) == ("NO", "connection_failed", None)
    (site.machine(link_id).paths.root / "gate").write_text("go\n")
    wait_for(lambda: site.machine(node_id).attributes.get("READY") == "YES", 90, "READY", 0.05)
    node = site.machine(node_id)
    assert node.status().state is State.CONNECTED
    assert node.attributes["FL_NODE_READY"] == "YES"
    assert not node.attributes.keys() & {"FL_ERROR", "FL_ERROR_DETAIL"}
    assert "READY=YES reported: this machine became ready after the guest agent had given up" in node.boot_log
