"""`getVersion`."""

from __future__ import annotations

from ..cloud import Cloud
from ..function import Function
from ..shape import Definition, Field
from ..values import Properties


async def get_version(cloud: Cloud, inputs: Properties) -> Properties:
    """Who answers, and where."""
    del inputs
    version = await cloud.rpc.call("system.version")
    return {"version": str(version), "endpoint": cloud.endpoint, "flowEndpoint": cloud.flow.endpoint}


GET_VERSION = Function(
    Definition(
        "getVersion",
        "Tells which OpenNebula the provider talks to.",
        {},
        {
            "version": Field("string", "Version of OpenNebula, for example `7.0.1`.", required=True),
            "endpoint": Field("string", "Its XML-RPC endpoint.", required=True),
            "flowEndpoint": Field("string", "Its OneFlow endpoint.", required=True),
        },
    ),
    get_version,
)
