"""Name, group and rights: what every object with an owner has, on both APIs."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fedstack.opennebula.permissions import FLAGS, Permissions

from .cloud import Cloud
from .diffs import Difference
from .errors import ProviderError
from .resource import Call
from .rpc import each, section
from .values import Properties

Perform = Callable[[str, Any], Awaitable[Any]]
"""Does `rename`, `chgrp` (with an id) or `chmod` (with octal text) to an object."""


async def own(call: Call, difference: Difference, perform: Perform) -> None:
    """Name, group and rights where they differ; what is not declared stays."""
    wanted = call.inputs
    if difference.touches("name"):
        await perform("rename", wanted["name"])
    if difference.touches("group"):
        await perform("chgrp", await group_id(call.cloud, wanted["group"]))
    if difference.touches("permissions"):
        await perform("chmod", wanted["permissions"])


def in_pool(call: Call, kind: str) -> Perform:
    """How that is done to an object on the XML-RPC side."""

    async def perform(action: str, value: Any) -> None:
        if action == "rename":
            await call.cloud.rpc.call(f"{kind}.rename", call.number, value)
        elif action == "chgrp":
            await call.cloud.rpc.call(f"{kind}.chown", call.number, -1, value)
        else:
            bits = Permissions.from_octal(value).as_dict()
            await call.cloud.rpc.call(f"{kind}.chmod", call.number, *(int(bits[flag]) for flag in FLAGS))

    return perform


def in_flow(call: Call, path: str) -> Perform:
    """How that is done to a document of OneFlow."""
    params = {"rename": "name", "chgrp": "group_id", "chmod": "octet"}

    async def perform(action: str, value: Any) -> None:
        await call.cloud.flow.action(path, action, **{params[action]: value})

    return perform


async def group_id(cloud: Cloud, group: str) -> int:
    """The id of a group that is given by id or by name; raises ProviderError for an unknown name."""
    if group.isdigit():
        return int(group)
    if group not in cloud.groups:
        found = each(await cloud.rpc.info("grouppool.info"), "GROUP")
        cloud.groups = {one["NAME"]: int(one["ID"]) for one in found}
    if group not in cloud.groups:
        near = difflib.get_close_matches(group, cloud.groups, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(cloud.groups))}"
        raise ProviderError(f"group: there is no group {group!r} at {cloud.endpoint}; {hint}")
    return cloud.groups[group]


async def known_group(call: Call) -> None:
    """Raises ProviderError for a group that does not exist, before anything is made."""
    if "group" in call.inputs:
        await group_id(call.cloud, call.inputs["group"])


def seen_ownership(known: Properties, header: Mapping[str, Any]) -> Properties:
    """Group and rights as they are; without a declaration only on import."""
    found: Properties = {}
    if "group" in known or not known:
        found["group"] = known.get("group") if known.get("group") == header.get("GID") else header.get("GNAME")
    if "permissions" in known or not known:
        found["permissions"] = rights(header)
    return found


def rights(header: Mapping[str, Any]) -> str:
    """The object's permissions as octal text."""
    flags = section(dict(header), "PERMISSIONS")
    bits = "".join("1" if flags.get(flag) == "1" else "0" for flag in FLAGS)
    return Permissions(int(bits or "0", 2)).octal
