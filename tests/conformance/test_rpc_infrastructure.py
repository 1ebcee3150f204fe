"""Hosts, clusters, datastores and zones (reference 2.5, 2.8, 2.9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

RUNNING, PENDING = (3, 3), (1, 0)
DATASTORE = 'NAME="{}"\nTYPE="{}"\nTM_MAD="dummy"\nDS_MAD="dummy"'


def code(lab: Any, method: str, *parameters: Any) -> int:
    """The code of a call that is refused."""
    reply = lab.call(method, *parameters)
    assert reply[0] is False, reply
    found: int = reply[2]
    return found


@pytest.fixture
def host(lab: Any) -> Iterator[int]:
    """A further host."""
    host_id: int = lab.one.host.allocate(lab.name("host"), "dummy", "dummy", -1)
    yield host_id
    lab.call("one.host.delete", host_id)


@pytest.fixture
def cluster(lab: Any) -> Iterator[int]:
    """An empty cluster."""
    cluster_id: int = lab.one.cluster.allocate(lab.name("cluster"))
    yield cluster_id
    lab.call("one.cluster.delete", cluster_id)


@pytest.fixture
def datastore(lab: Any) -> Iterator[int]:
    """A datastore for images."""
    datastore_id: int = lab.one.datastore.allocate(DATASTORE.format(lab.name("ds"), "IMAGE_DS"), -1)
    yield datastore_id
    lab.call("one.datastore.delete", datastore_id)


def test_a_new_host_is_in_the_pool(lab: Any, host: int) -> None:
    info = lab.one.host.info(host)
    assert (info.IM_MAD, info.VM_MAD, info.CLUSTER_ID) == ("dummy", "dummy", 0)
    assert host in [one.ID for one in lab.one.hostpool.info().HOST]
    assert host in lab.one.cluster.info(0).HOSTS.ID


def test_hosts_are_renamed_and_updated(lab: Any, host: int) -> None:
    name = lab.name("host")
    assert lab.one.host.rename(host, name) == host
    assert lab.one.host.update(host, 'RACK="r1"\nFLOOR="2"', 0) == host
    assert lab.one.host.update(host, 'RACK="r2"', 1) == host
    info = lab.one.host.info(host)
    assert (info.NAME, info.TEMPLATE["RACK"], info.TEMPLATE["FLOOR"]) == (name, "r2", "2")


@pytest.mark.parametrize(("status", "state"), [(1, 4), (2, 8)])
def test_hosts_are_disabled_and_enabled(lab: Any, host: int, until: Any, status: int, state: int) -> None:
    lab.one.host.status(host, status)
    assert state == lab.one.host.info(host).STATE
    lab.one.host.status(host, 0)
    until(lambda: lab.one.host.info(host).STATE in (0, 1, 2), "host enabled")


def test_wrong_status_of_a_host(lab: Any, host: int) -> None:
    assert code(lab, "one.host.status", host, 7) == 0x2000
    assert code(lab, "one.host.status", 99999, 0) == 0x0400


def test_names_of_hosts_and_clusters_are_unique(lab: Any, host: int, cluster: int) -> None:
    reply = lab.call("one.host.allocate", lab.one.host.info(host).NAME, "dummy", "dummy", -1)
    assert reply[2] in (0x4000, 0x2000)
    assert "Error allocating a new host." in reply[1]
    reply = lab.call("one.cluster.allocate", lab.one.cluster.info(cluster).NAME)
    assert reply[2] in (0x4000, 0x2000)


def test_a_deleted_host_is_gone(lab: Any, host: int) -> None:
    lab.one.host.delete(host)
    assert code(lab, "one.host.info", host, False) == 0x0400


def test_hosts_with_machines_are_not_deleted(lab: Any) -> None:
    vm_id = lab.vm(lab.template())
    lab.vm_in(vm_id, RUNNING)
    used = int(lab.one.vm.info(vm_id).HISTORY_RECORDS.HISTORY[-1].HID)
    assert vm_id in lab.one.host.info(used).VMS.ID
    assert code(lab, "one.host.delete", used) == 0x0800


def test_machines_wait_while_no_host_is_enabled(lab: Any) -> None:
    hosts = [one.ID for one in lab.one.hostpool.info().HOST]
    for host_id in hosts:
        lab.one.host.status(host_id, 1)
    try:
        vm_id = lab.vm(lab.template())
        assert lab.place(vm_id) == PENDING
    finally:
        for host_id in hosts:
            lab.one.host.status(host_id, 0)
    lab.vm_in(vm_id, RUNNING)


def test_an_administrator_deploys_on_a_disabled_host(lab: Any) -> None:
    lab.one.host.status(0, 1)
    try:
        vm_id = lab.vm(lab.template(), hold=True)
        lab.one.vm.deploy(vm_id, 0, False, -1, "")
        lab.vm_in(vm_id, RUNNING)
    finally:
        lab.one.host.status(0, 0)


def test_monitoring_of_hosts(lab: Any) -> None:
    assert lab.call("one.host.monitoring", 0)[0] is True
    assert lab.call("one.hostpool.monitoring", 0)[1].startswith("<MONITORING_DATA")


def test_clusters_are_renamed_and_updated(lab: Any, cluster: int) -> None:
    name = lab.name("cluster")
    lab.one.cluster.rename(cluster, name)
    lab.one.cluster.update(cluster, 'NOTE="n"', 1)
    info = lab.one.cluster.info(cluster)
    assert (info.NAME, info.TEMPLATE["NOTE"]) == (name, "n")
    assert cluster in [one.ID for one in lab.one.clusterpool.info().CLUSTER]


def test_a_host_is_in_one_cluster(lab: Any, cluster: int, host: int) -> None:
    assert lab.one.cluster.addhost(cluster, host) == cluster
    assert [host] == lab.one.cluster.info(cluster).HOSTS.ID
    assert host not in lab.one.cluster.info(0).HOSTS.ID
    assert code(lab, "one.cluster.delete", cluster) == 0x0800
    lab.one.cluster.delhost(cluster, host)
    assert lab.one.host.info(host).CLUSTER_ID == 0


def test_networks_and_datastores_are_in_many_clusters(lab: Any, cluster: int, datastore: int) -> None:
    network = lab.network()
    lab.one.cluster.adddatastore(cluster, datastore)
    lab.one.cluster.addvnet(cluster, network)
    info = lab.one.cluster.info(cluster)
    assert ([datastore], [network]) == (info.DATASTORES.ID, info.VNETS.ID)
    assert set(lab.one.datastore.info(datastore).CLUSTERS.ID) == {0, cluster}
    assert set(lab.one.vn.info(network).CLUSTERS.ID) == {0, cluster}
    lab.one.cluster.deldatastore(cluster, datastore)
    lab.one.cluster.delvnet(cluster, network)
    assert lab.one.datastore.info(datastore).CLUSTERS.ID == [0]


def test_the_default_cluster_stays(lab: Any) -> None:
    assert code(lab, "one.cluster.delete", 0) == 0x0800


@pytest.mark.parametrize("call", ["addhost", "delhost", "adddatastore", "addvnet"])
def test_members_of_clusters_have_to_exist(lab: Any, cluster: int, call: str) -> None:
    assert code(lab, f"one.cluster.{call}", cluster, 99999) == 0x0400
    if call != "delhost":
        assert code(lab, f"one.cluster.{call}", 99999, 0) == 0x0400


@pytest.mark.parametrize(
    "text",
    ['TYPE="IMAGE_DS"\nTM_MAD="dummy"\nDS_MAD="dummy"', 'NAME="x-ds"\nDS_MAD="dummy"', 'NAME="x-ds"\nTM_MAD="dummy"'],
)
def test_registration_of_datastores_is_checked(lab: Any, text: str) -> None:
    assert code(lab, "one.datastore.allocate", text, -1) in (0x2000, 0x4000)


@pytest.mark.parametrize(("kind", "number"), [("IMAGE_DS", 0), ("SYSTEM_DS", 1), ("FILE_DS", 2)])
def test_types_of_datastores(lab: Any, kind: str, number: int) -> None:
    datastore_id = lab.one.datastore.allocate(DATASTORE.format(lab.name("ds"), kind), -1)
    assert number == lab.one.datastore.info(datastore_id).TYPE
    assert lab.one.datastore.delete(datastore_id) == datastore_id
    assert code(lab, "one.datastore.info", datastore_id, False) == 0x0400


def test_datastores_are_changed(lab: Any, other: Any, datastore: int) -> None:
    name, uid = lab.name("ds"), other.one.user.info(-1).ID
    lab.one.datastore.rename(datastore, name)
    lab.one.datastore.update(datastore, 'NOTE="n"', 1)
    lab.one.datastore.chmod(datastore, 1, 1, 0, 1, 0, 0, 0, 0, 0)
    lab.one.datastore.chown(datastore, uid, 1)
    info = lab.one.datastore.info(datastore)
    assert (info.NAME, info.TEMPLATE["NOTE"], info.UID, info.GID) == (name, "n", uid, 1)
    assert (info.TM_MAD, info.PERMISSIONS.GROUP_U, info.PERMISSIONS.OTHER_U) == ("dummy", 1, 0)
    assert name == other.one.datastore.info(datastore).NAME
    lab.one.datastore.chown(datastore, 0, 0)


def test_only_system_datastores_are_disabled(lab: Any, datastore: int) -> None:
    assert lab.call("one.datastore.enable", datastore, False)[0] is False
    system = lab.one.datastore.allocate(DATASTORE.format(lab.name("ds"), "SYSTEM_DS"), -1)
    lab.one.datastore.enable(system, False)
    assert lab.one.datastore.info(system).STATE == 1
    lab.one.datastore.enable(system, True)
    assert lab.one.datastore.info(system).STATE == 0
    lab.one.datastore.delete(system)


def test_a_datastore_with_images_stays(lab: Any, datastore: int, until: Any) -> None:
    image = lab.one.image.allocate(f'NAME="{lab.name("img")}"\nTYPE="DATABLOCK"\nSIZE="1"', datastore)
    until(lambda: lab.one.image.info(image).STATE == 1, "image ready")
    assert [image] == lab.one.datastore.info(datastore).IMAGES.ID
    assert code(lab, "one.datastore.delete", datastore) == 0x0800
    lab.one.image.delete(image)
    until(lambda: lab.call("one.image.info", image, False)[2] == 0x0400, "image gone")


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("one.host.allocate", ("h", "dummy", "dummy", -1)),
        ("one.host.update", (0, 'A="1"', 1)),
        ("one.host.rename", (0, "h")),
        ("one.host.status", (0, 1)),
        ("one.host.delete", (0,)),
        ("one.cluster.allocate", ("c",)),
        ("one.cluster.update", (0, 'A="1"', 1)),
        ("one.cluster.rename", (0, "c")),
        ("one.cluster.delete", (0,)),
        ("one.cluster.addhost", (0, 0)),
        ("one.cluster.adddatastore", (0, 0)),
        ("one.datastore.allocate", (DATASTORE.format("d", "IMAGE_DS"), -1)),
        ("one.datastore.update", (0, 'A="1"', 1)),
        ("one.datastore.chown", (0, -1, 1)),
        ("one.datastore.enable", (0, False)),
        ("one.datastore.delete", (1,)),
    ],
)
def test_infrastructure_belongs_to_administrators(other: Any, method: str, parameters: tuple[Any, ...]) -> None:
    assert code(other, method, *parameters) == 0x0200


def test_the_zone(lab: Any) -> None:
    zone = lab.one.zone.info(0)
    assert (zone.ID, zone.STATE) == (0, 0)
    assert [one.ID for one in lab.one.zonepool.info().ZONE] == [0]
    assert lab.call("one.zone.raftstatus")[1].startswith("<RAFT>")
