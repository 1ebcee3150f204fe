"""One configured OpenNebula: its two APIs and what all resources share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from .config import Config, require_version
from .flow import Flow
from .rpc import Rpc, Tree, each, section

MINE = -3
EVERYTHING = (-1, -1)
NOT_DONE = -1
"""The state filter of a machine pool: all but those that ended (reference 2.5)."""
TAG = "PULUMI_MARK"
"""The attribute (in documents: the key, in small letters) that carries mark and URN."""


class Cloud:
    """The APIs at one endpoint; `interrupted` is set when the user stops the update."""

    def __init__(self, config: Config) -> None:
        self.endpoint = config.endpoint
        session = f"{config.username}:{config.password}"
        self.rpc = Rpc(config.endpoint, session, config.verify)
        self.flow = Flow(config.flow_endpoint, config.username, config.password, config.verify)
        self.interrupted = asyncio.Event()

    async def connect(self) -> None:
        """Finds out whether this is an OpenNebula 7 that lets us in; raises ProviderError."""
        version = await self.rpc.call("system.version")
        require_version(str(version), self.endpoint)

    async def find_object(self, pool: str, element: str, name: str, tag: str) -> int | None:
        """The id of my object with that name and tag, such as one whose creation was cut off."""
        objects = each(await self.rpc.info(f"{pool}.info", MINE, *EVERYTHING), element)
        return _first(one["ID"] for one in objects if _is(one, name, section(one, "TEMPLATE").get(TAG), tag))

    async def find_machine(self, name: str, tag: str) -> int | None:
        """The same for virtual machines, whose tag is one of the user's attributes."""
        objects = each(await self.rpc.info("vmpool.infoextended", MINE, *EVERYTHING, NOT_DONE), "VM")
        return _first(one["ID"] for one in objects if _is(one, name, section(one, "USER_TEMPLATE").get(TAG), tag))

    async def find_document(self, path: str, name: str, tag: str) -> int | None:
        """The same for OneFlow documents: `service` or `service_template`."""
        pool = (await self.flow.get(path)).get("DOCUMENT_POOL", {})
        found = pool.get("DOCUMENT", [])
        return _first(one["ID"] for one in found if _is(one, name, one["TEMPLATE"]["BODY"].get(TAG.lower()), tag))


def tag_of(mark: Any, urn: str) -> str | None:
    """What is written on an object, None without a mark."""
    return f"{mark} {urn}" if mark else None


def _is(one: Tree, name: str, found: Any, tag: str) -> bool:
    return bool(one.get("NAME") == name and found == tag)


def _first(ids: Iterable[Any]) -> int | None:
    return next((int(number) for number in ids), None)
