"""One success of each call on the system, users, groups, hosts, clusters, datastores and zones."""

from __future__ import annotations

from typing import Any

import pyone

from tests.conformance.method_cases import STORE, STORES, case, later


def user(lab: Any) -> int:
    """A user with the password `secret`."""
    made: int = lab.one.user.allocate(lab.name("user"), "secret", "core", [1])
    later(lab, lambda: lab.one.user.delete(made))
    return made


def group(lab: Any) -> int:
    """An empty group."""
    made: int = lab.one.group.allocate(lab.name("group"))
    later(lab, lambda: lab.one.group.delete(made))
    return made


def host(lab: Any) -> int:
    """A further host."""
    made: int = lab.one.host.allocate(lab.name("host"), "dummy", "dummy", -1)
    later(lab, lambda: lab.one.host.delete(made))
    return made


def cluster(lab: Any) -> int:
    """An empty cluster."""
    made: int = lab.one.cluster.allocate(lab.name("cluster"))
    later(lab, lambda: lab.one.cluster.delete(made))
    return made


def enters(lab: Any, user_id: int, secret: str) -> bool:
    """Whether a user is let in."""
    session = f"{lab.one.user.info(user_id).NAME}:{secret}"
    try:
        return bool(pyone.OneServer(lab.target.rpc, session=session).system.version())
    except pyone.OneAuthenticationException:
        return False


@case
def system_version(lab: Any) -> None:
    assert len(lab.one.system.version().split(".")) == 3


@case
def system_config(lab: Any) -> None:
    assert lab.one.system.config() is not None


@case
def user_allocate(lab: Any) -> None:
    assert enters(lab, user(lab), "secret")


@case
def user_info(lab: Any) -> None:
    assert lab.auth.split(":")[0] == lab.one.user.info(-1).NAME


@case
def user_delete(lab: Any) -> None:
    made = user(lab)
    assert lab.one.user.delete(made) == made
    assert lab.call("one.user.info", made)[2] == 0x0400


@case
def user_update(lab: Any) -> None:
    made = user(lab)
    assert lab.one.user.update(made, 'NOTE="n"', 1) == made
    assert lab.one.user.info(made).TEMPLATE["NOTE"] == "n"


@case
def user_passwd(lab: Any) -> None:
    made = user(lab)
    assert lab.one.user.passwd(made, "other") == made
    assert (enters(lab, made, "other"), enters(lab, made, "secret")) == (True, False)


@case
def user_chauth(lab: Any) -> None:
    made = user(lab)
    assert lab.one.user.chauth(made, "core", "other") == made
    assert enters(lab, made, "other")


@case
def user_login(lab: Any) -> None:
    made = user(lab)
    token = lab.one.user.login(lab.one.user.info(made).NAME, "", 60, -1)
    assert enters(lab, made, token)


@case
def user_enable(lab: Any) -> None:
    made = user(lab)
    assert lab.one.user.enable(made, False) == made
    assert (lab.one.user.info(made).ENABLED, enters(lab, made, "secret")) == (0, False)


@case
def user_chgrp(lab: Any) -> None:
    made, gid = user(lab), group(lab)
    assert lab.one.user.chgrp(made, gid) == made
    info = lab.one.user.info(made)
    assert (gid, [gid]) == (info.GID, info.GROUPS.ID)
    lab.one.user.chgrp(made, 1)


@case
def user_addgroup(lab: Any) -> None:
    made, gid = user(lab), group(lab)
    assert lab.one.user.addgroup(made, gid) == made
    assert sorted(lab.one.user.info(made).GROUPS.ID) == [1, gid]
    lab.one.user.delgroup(made, gid)


@case
def user_delgroup(lab: Any) -> None:
    made, gid = user(lab), group(lab)
    lab.one.user.addgroup(made, gid)
    assert lab.one.user.delgroup(made, gid) == made
    assert lab.one.user.info(made).GROUPS.ID == [1]


@case
def userpool_info(lab: Any) -> None:
    made = user(lab)
    assert made in [one.ID for one in lab.one.userpool.info().USER]


@case
def group_allocate(lab: Any) -> None:
    made = group(lab)
    assert made >= 100


@case
def group_info(lab: Any) -> None:
    assert lab.one.group.info(1).NAME == "users"


@case
def group_update(lab: Any) -> None:
    made = group(lab)
    assert lab.one.group.update(made, 'NOTE="n"', 1) == made
    assert lab.one.group.info(made).TEMPLATE["NOTE"] == "n"


@case
def group_delete(lab: Any) -> None:
    made = group(lab)
    assert lab.one.group.delete(made) == made
    assert lab.call("one.group.info", made)[2] == 0x0400


@case
def group_addadmin(lab: Any) -> None:
    made, gid = user(lab), group(lab)
    lab.one.user.addgroup(made, gid)
    assert lab.one.group.addadmin(gid, made) == gid
    assert [made] == lab.one.group.info(gid).ADMINS.ID
    lab.one.user.delgroup(made, gid)


@case
def group_deladmin(lab: Any) -> None:
    made, gid = user(lab), group(lab)
    lab.one.user.addgroup(made, gid)
    lab.one.group.addadmin(gid, made)
    assert lab.one.group.deladmin(gid, made) == gid
    assert lab.one.group.info(gid).ADMINS.ID == []
    lab.one.user.delgroup(made, gid)


@case
def grouppool_info(lab: Any) -> None:
    made = group(lab)
    assert made in [one.ID for one in lab.one.grouppool.info().GROUP]


@case
def host_allocate(lab: Any) -> None:
    made = host(lab)
    assert lab.one.host.info(made).VM_MAD == "dummy"


@case
def host_info(lab: Any) -> None:
    first = lab.one.hostpool.info().HOST[0].ID
    assert lab.one.host.info(first).HOST_SHARE.TOTAL_CPU > 0


@case
def host_update(lab: Any) -> None:
    made = host(lab)
    assert lab.one.host.update(made, 'RACK="r"', 1) == made
    assert lab.one.host.info(made).TEMPLATE["RACK"] == "r"


@case
def host_rename(lab: Any) -> None:
    made, name = host(lab), lab.name("renamed")
    assert lab.one.host.rename(made, name) == made
    assert name == lab.one.host.info(made).NAME


@case
def host_status(lab: Any) -> None:
    made = host(lab)
    assert lab.one.host.status(made, 1) == made
    assert lab.one.host.info(made).STATE == 4


@case
def host_delete(lab: Any) -> None:
    made = host(lab)
    assert lab.one.host.delete(made) == made
    assert lab.call("one.host.info", made)[2] == 0x0400


@case
def host_monitoring(lab: Any) -> None:
    assert lab.one.host.monitoring(lab.one.hostpool.info().HOST[0].ID) is not None


@case
def hostpool_info(lab: Any) -> None:
    made = host(lab)
    assert made in [one.ID for one in lab.one.hostpool.info().HOST]


@case
def hostpool_monitoring(lab: Any) -> None:
    assert lab.one.hostpool.monitoring(0) is not None


@case
def cluster_allocate(lab: Any) -> None:
    assert cluster(lab) >= 100


@case
def cluster_info(lab: Any) -> None:
    assert lab.one.cluster.info(0).NAME == "default"


@case
def cluster_update(lab: Any) -> None:
    made = cluster(lab)
    assert lab.one.cluster.update(made, 'NOTE="n"', 1) == made
    assert lab.one.cluster.info(made).TEMPLATE["NOTE"] == "n"


@case
def cluster_rename(lab: Any) -> None:
    made, name = cluster(lab), lab.name("renamed")
    assert lab.one.cluster.rename(made, name) == made
    assert name == lab.one.cluster.info(made).NAME


@case
def cluster_delete(lab: Any) -> None:
    made = cluster(lab)
    assert lab.one.cluster.delete(made) == made
    assert lab.call("one.cluster.info", made)[2] == 0x0400


@case
def cluster_addhost(lab: Any) -> None:
    made, member = cluster(lab), host(lab)
    assert lab.one.cluster.addhost(made, member) == made
    assert [member] == lab.one.cluster.info(made).HOSTS.ID


@case
def cluster_delhost(lab: Any) -> None:
    made, member = cluster(lab), host(lab)
    lab.one.cluster.addhost(made, member)
    assert lab.one.cluster.delhost(made, member) == made
    assert lab.one.cluster.info(made).HOSTS.ID == []


@case
def cluster_adddatastore(lab: Any) -> None:
    made, member = cluster(lab), STORES.new(lab)
    assert lab.one.cluster.adddatastore(made, member) == made
    assert [member] == lab.one.cluster.info(made).DATASTORES.ID


@case
def cluster_deldatastore(lab: Any) -> None:
    made, member = cluster(lab), STORES.new(lab)
    lab.one.cluster.adddatastore(made, member)
    assert lab.one.cluster.deldatastore(made, member) == made
    assert lab.one.cluster.info(made).DATASTORES.ID == []


@case
def cluster_addvnet(lab: Any) -> None:
    made, member = cluster(lab), lab.network()
    assert lab.one.cluster.addvnet(made, member) == made
    assert [member] == lab.one.cluster.info(made).VNETS.ID
    lab.one.cluster.delvnet(made, member)


@case
def cluster_delvnet(lab: Any) -> None:
    made, member = cluster(lab), lab.network()
    lab.one.cluster.addvnet(made, member)
    assert lab.one.cluster.delvnet(made, member) == made
    assert lab.one.cluster.info(made).VNETS.ID == []


@case
def clusterpool_info(lab: Any) -> None:
    made = cluster(lab)
    assert made in [one.ID for one in lab.one.clusterpool.info().CLUSTER]


@case
def datastore_enable(lab: Any) -> None:
    text = STORE.format(name=lab.name("ds")).replace("IMAGE_DS", "SYSTEM_DS")
    made = lab.one.datastore.allocate(text, -1)
    later(lab, lambda: lab.one.datastore.delete(made))
    assert lab.one.datastore.enable(made, False) == made
    assert lab.one.datastore.info(made).STATE == 1


@case
def zone_info(lab: Any) -> None:
    assert lab.one.zone.info(0).ID == 0


@case
def zonepool_info(lab: Any) -> None:
    assert [one.ID for one in lab.one.zonepool.info().ZONE] == [0]


@case
def zone_raftstatus(lab: Any) -> None:
    assert lab.one.zone.raftstatus().SERVER_ID is not None
