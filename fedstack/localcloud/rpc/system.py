"""one.system.*, one.zone.*"""

from __future__ import annotations

from fedstack.localcloud.core.tree import Tree, pool_xml, xml
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.site import VERSION
from fedstack.opennebula.errors import ErrorCode, OneError


def version(_call: Call) -> str:
    """The release that is followed."""
    return VERSION


def config(call: Call) -> str:
    """The settings that clients look at."""
    values = {
        "DATASTORE_LOCATION": str(call.tx.site.state_dir),
        "DEFAULT_UMASK": "177",
        "ENABLE_OTHER_PERMISSIONS": "YES",
        "LISTEN_ADDRESS": call.tx.site.listen_address,
        "MAC_PREFIX": "02:00",
        "ONEGATE_ENDPOINT": call.tx.site.gate_url,
        "PORT": call.tx.site.rpc_url.rsplit(":", 1)[1].split("/")[0],
    }
    return xml("OPENNEBULA_CONFIGURATION", values)


def _zone(call: Call) -> Tree:
    endpoint = {"ENDPOINT": call.tx.site.rpc_url}
    return {"ID": "0", "NAME": "OpenNebula", "STATE": "0", "TEMPLATE": endpoint, "SERVER_POOL": {}}


def zone_info(call: Call, zone_id: int, _decrypt: bool = False) -> str:
    """The only zone."""
    if zone_id != 0:
        raise OneError(ErrorCode.NO_EXISTS, f"Error getting zone [{zone_id}].", zone_id)
    return xml("ZONE", _zone(call))


def zone_pool(call: Call) -> str:
    """All zones."""
    return pool_xml("ZONE_POOL", "ZONE", [_zone(call)])


def raft_status(_call: Call) -> str:
    """A server that is alone."""
    keys = ("STATE", "TERM", "VOTEDFOR", "COMMIT", "LOG_INDEX", "LOG_TERM", "FEDLOG_INDEX")
    return xml("RAFT", {"SERVER_ID": "-1", **dict.fromkeys(keys, "0")})


METHODS = {
    "one.system.version": Method(version),
    "one.system.config": Method(config),
    "one.zone.info": Method(zone_info, "i", "b"),
    "one.zonepool.info": Method(zone_pool),
    "one.zone.raftstatus": Method(raft_status),
}
