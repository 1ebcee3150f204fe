"""What service templates may ask for on the platform and the local cloud leaves out on purpose (docs/localcloud.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedstack.localcloud.flow.errors import FlowError


def refuse_routers(body: Mapping[str, Any], status: int) -> None:
    """Raises FlowError with that status for a normalised body with a role of type `vr`."""
    for role in body["roles"]:
        if role.get("type") == "vr":
            what = f"Role {role['name']}: virtual router roles (type vr) are left out of the local cloud"
            raise FlowError(status, f"{what}, expected type vm (docs/localcloud.md, What is left out).")
