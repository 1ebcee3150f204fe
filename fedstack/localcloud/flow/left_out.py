"""What service templates may ask for on the platform and the local cloud does not do (docs/localcloud.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedstack.localcloud.flow.errors import FlowError

MAX_ROLES = 500
"""Roles of one service; one step of its life cycle looks at all of them."""


def check_supported(body: Mapping[str, Any], status: int) -> None:
    """Raises FlowError with that status for a normalised body with a role of type `vr`, or with too many roles."""
    if len(body["roles"]) > MAX_ROLES:
        raise FlowError(status, f"roles has {len(body['roles'])} members: the local cloud takes {MAX_ROLES} at most")
    for role in body["roles"]:
        if role.get("type") == "vr":
            what = f"Role {role['name']}: virtual router roles (type vr) are left out of the local cloud"
            raise FlowError(status, f"{what}, expected type vm (docs/localcloud.md, What is left out).")
