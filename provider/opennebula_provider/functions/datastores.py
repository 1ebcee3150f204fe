"""`getDatastore`."""

from __future__ import annotations

from enum import IntEnum

from ..attributes import seen_declared
from ..cloud import Cloud
from ..function import Function
from ..objects import state_name
from ..rpc import section
from ..shape import Definition, Field, ListOf, MapOf
from ..values import Properties
from .lookup import OWNERSHIP, Kind, find_object, identity, numbers, ownership


class DatastoreState(IntEnum):
    """`DATASTORE/STATE`."""

    READY = 0
    DISABLED = 1


class DatastoreType(IntEnum):
    """`DATASTORE/TYPE`."""

    IMAGE = 0
    SYSTEM = 1
    FILE = 2
    BACKUP = 3


DATASTORE = Kind("datastore", "datastoreId", "datastore", "DATASTORE", filtered=False)
FOUND = {
    **identity(DATASTORE),
    "type": Field("string", "What it holds: `IMAGE`, `SYSTEM`, `FILE` or `BACKUP`.", required=True),
    "state": Field("string", "`READY` or `DISABLED`.", required=True),
    "clusterIds": Field(ListOf("integer"), "Ids of the clusters that it belongs to.", required=True),
    "dsMad": Field("string", "Driver of the datastore, for example `fs`.", required=True),
    "tmMad": Field("string", "Driver of its transfers, for example `ssh`.", required=True),
    "totalMb": Field("integer", "Capacity in MiB.", required=True),
    "freeMb": Field("integer", "Free capacity in MiB.", required=True),
    "usedMb": Field("integer", "Used capacity in MiB.", required=True),
    **OWNERSHIP,
    "attributes": Field(MapOf("string"), "Its further attributes.", required=True),
}
_SERVER_KEYS = ("DS_MAD", "TM_MAD", "TYPE")


async def get_datastore(cloud: Cloud, inputs: Properties) -> Properties:
    """One datastore."""
    tree = await find_object(cloud, DATASTORE, inputs)
    kinds = {one.value: one.name for one in DatastoreType}
    number = int(tree.get("TYPE") or 0)
    return {
        "datastoreId": int(tree["ID"]),
        "name": tree["NAME"],
        "type": kinds.get(number, str(number)),
        "state": state_name(DatastoreState, tree),
        "clusterIds": numbers(tree, "CLUSTERS"),
        "dsMad": tree.get("DS_MAD", ""),
        "tmMad": tree.get("TM_MAD", ""),
        **{name: int(tree.get(key) or 0) for name, key in _SIZES.items()},
        **ownership(tree),
        "attributes": seen_declared(None, section(tree, "TEMPLATE"), _SERVER_KEYS) or {},
    }


_SIZES = {"totalMb": "TOTAL_MB", "freeMb": "FREE_MB", "usedMb": "USED_MB"}

GET_DATASTORE = Function(
    Definition("getDatastore", "Finds a datastore, by its id or by its name.", DATASTORE.inputs, FOUND),
    get_datastore,
    either=("datastoreId", "name"),
)
