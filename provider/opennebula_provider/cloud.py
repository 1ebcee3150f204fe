"""One configured OpenNebula: its two APIs and what all resources share."""

from __future__ import annotations

from typing import Any

from .config import Config, require_version
from .flow import Flow
from .polling import Poller
from .reads import Reads
from .rpc import Rpc, Tree, section

TAG = "PULUMI_MARK"
"""The attribute (in documents: the key, in small letters) that carries mark and URN."""


class Cloud:
    """The APIs at one endpoint, with the reads and waits that all resources share."""

    def __init__(self, config: Config) -> None:
        self.endpoint = config.endpoint
        session = f"{config.username}:{config.password}"
        self.rpc = Rpc(config.endpoint, session, config.verify)
        self.flow = Flow(config.flow_endpoint, config.username, config.password, config.verify)
        self.reads = Reads(self.rpc, self.flow)
        self.poller = Poller()
        self.groups: dict[str, int] = {}

    async def connect(self) -> None:
        """Finds out whether this is an OpenNebula 7 that lets us in; raises ProviderError."""
        version = await self.rpc.call("system.version")
        require_version(str(version), self.endpoint)

    async def find(self, kind: str, name: str, tag: str | None) -> int | None:
        """The id of the object with that name and tag, such as one whose creation was cut off; None without a tag."""
        if tag is None:
            return None
        objects = await self.reads.every(kind)
        return next((int(one["ID"]) for one in objects if one.get("NAME") == name and found_tag(one) == tag), None)


def tag_of(mark: Any, urn: str) -> str | None:
    """What is written on an object, None without a mark."""
    return f"{mark} {urn}" if mark else None


def found_tag(one: Tree) -> Any:
    """The tag of an object: machines have it among the user's attributes, documents in their body."""
    template = section(one, "TEMPLATE")
    return section(one, "USER_TEMPLATE").get(TAG) or template.get(TAG) or section(template, "BODY").get(TAG.lower())
