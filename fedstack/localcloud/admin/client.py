"""What a program can ask of a running cloud, by its state directory: faults, events, an overview.

All functions raise CloudError: no cloud runs there, or it refuses and says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fedstack.localcloud.admin import channel


def add_fault(
    state_dir: Path,
    kind: str,
    *,
    vm: int | None = None,
    name: str | None = None,
    role: str | None = None,
    nth: int | None = None,
    seconds: float | None = None,
    times: int | None = None,
) -> dict[str, Any]:
    """Has something go wrong; returns the fault (`id`, `left`, `struck`, ...).

    `kind` is one of `fedstack.localcloud.faults.model.KINDS`. Selection: one VM by `vm`; or a pattern of its `name`,
    its `role`, and among those the `nth` that is created from now on; nothing: any VM. `times`: 1 without it, 0 =
    always.
    """
    selection = {"vm": vm, "name": name, "role": role, "nth": nth}
    added: dict[str, Any] = channel.ask(state_dir, "fault.add", kind=kind, seconds=seconds, times=times, **selection)
    return added


def faults(state_dir: Path) -> list[dict[str, Any]]:
    """All faults, also those that have struck for the last time (`left` is 0)."""
    found: list[dict[str, Any]] = channel.ask(state_dir, "fault.list")
    return found


def clear_faults(state_dir: Path, fault_id: int | None = None) -> int:
    """Forgets one fault or all, and what they still would do to VMs; returns how many."""
    count: int = channel.ask(state_dir, "fault.clear", id=fault_id)
    return count


def events(state_dir: Path, *, last: int = 0, follow: bool = False) -> Iterator[dict[str, Any]]:
    """The last transitions, oldest first; with `follow` also each one that happens until the cloud ends.

    Each has `time` (epoch seconds), `object` (vm, role, service), `id`, `name`, `from`, `to`, `cause`.
    """
    return channel.stream(state_dir, "events", last=last, follow=follow)


def overview(state_dir: Path) -> dict[str, Any]:
    """Services with their roles, VMs, networks (see `fedstack.localcloud.admin.overview`)."""
    found: dict[str, Any] = channel.ask(state_dir, "overview")
    return found
