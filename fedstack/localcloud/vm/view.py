"""VM documents, full (vm.info) and short (vmpool.info) (reference 2.9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from fedstack.localcloud.core.objects import lock_tree, owner_tree, permission_tree
from fedstack.localcloud.core.tree import Tree, ids
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import sched_action

_SHORT_DISK = ("CLUSTER_ID", "DISK_ID", "IMAGE", "IMAGE_ID", "SIZE", "TARGET", "TYPE")
_SHORT_NIC = ("BRIDGE", "IP", "MAC", "NAME", "NETWORK", "NETWORK_ID", "NIC_ID", "SECURITY_GROUPS")

Action = tuple[int, Mapping[str, str]]
"""A scheduled action: id and template."""


@dataclass(frozen=True)
class Shown:
    """What a document says of a VM; `row` has its columns, `owner` is the beginning of the document."""

    row: Any
    owner: Tree
    hostname: str
    actions: Sequence[Action] = ()


def actions_of(tx: Transaction, *vm_ids: int) -> dict[int, list[Action]]:
    """Scheduled actions by VM; of all VMs without ids."""
    query = select(sched_action).order_by(sched_action.c.id)
    found: dict[int, list[Action]] = {}
    for row in tx.all(query.where(sched_action.c.vm_id.in_(vm_ids)) if vm_ids else query):
        found.setdefault(row.vm_id, []).append((row.id, row.template))
    return found


def tree(tx: Transaction, row: Row[Any]) -> Tree:
    """A VM with everything."""
    return full(Shown(row, owner_tree(tx, row), tx.site.hostname, actions_of(tx, row.id).get(row.id, ())))


def _state_tree(row: Any) -> Tree:
    return {
        "LAST_POLL": str(row.last_poll),
        "STATE": str(row.state),
        "LCM_STATE": str(row.lcm_state),
    }


def _life_tree(row: Any) -> Tree:
    return {"RESCHED": "0", "STIME": str(row.stime), "ETIME": str(row.etime), "DEPLOY_ID": row.deploy_id}


def full(shown: Shown) -> Tree:
    """What vm.info says."""
    row, template = shown.row, dict(shown.row.template)
    if shown.actions:
        template["SCHED_ACTION"] = [
            {"ID": str(number), "PARENT_ID": str(row.id), **action} for number, action in shown.actions
        ]
    return {
        **shown.owner,
        **permission_tree(row),
        **_state_tree(row),
        "PREV_STATE": str(row.prev_state),
        "PREV_LCM_STATE": str(row.prev_lcm_state),
        **_life_tree(row),
        **lock_tree(row),
        "MONITORING": row.monitoring,
        "SCHED_ACTIONS": ids([number for number, _ in shown.actions]),
        "TEMPLATE": template,
        "USER_TEMPLATE": row.user_template,
        "HISTORY_RECORDS": _history(shown),
        "BACKUPS": {"BACKUP_CONFIG": {}, "BACKUP_IDS": {}},
    }


def short(shown: Shown) -> Tree:
    """What vmpool.info says of one VM."""
    row, template = shown.row, shown.row.template
    some = {key: template[key] for key in ("CPU", "MEMORY", "VCPU", "GRAPHICS") if key in template}
    for key, members in (("DISK", _SHORT_DISK), ("NIC", _SHORT_NIC)):
        if key in template:
            some[key] = [_only(one, members) for one in template[key]]
    return {
        **shown.owner,
        **_state_tree(row),
        **_life_tree(row),
        **lock_tree(row),
        "MONITORING": row.monitoring,
        "TEMPLATE": some,
        "USER_TEMPLATE": row.user_template,
        "HISTORY_RECORDS": _history(shown, last_only=True),
    }


def _only(vector: Mapping[str, str], members: tuple[str, ...]) -> dict[str, str]:
    return {key: vector[key] for key in members if key in vector}


def _history(shown: Shown, *, last_only: bool = False) -> Tree:
    """HISTORY_RECORDS: one record a placement on the host."""
    records = [_record(shown, sequence, one) for sequence, one in enumerate(shown.row.history)]
    if not records:
        return {}
    return {"HISTORY": records[-1:] if last_only else records}


def _record(shown: Shown, sequence: int, one: Mapping[str, Any]) -> Tree:
    times = ("STIME", "ETIME", "PSTIME", "PETIME", "RSTIME", "RETIME", "ESTIME", "EETIME")
    return {
        "OID": str(shown.row.id),
        "SEQ": str(sequence),
        "HOSTNAME": shown.hostname,
        "HID": "0",
        "CID": "0",
        "VM_MAD": "dummy",
        "TM_MAD": "dummy",
        "DS_ID": "0",
        "PLAN_ID": "-1",
        "ACTION_ID": "-1",
        **{key: str(one[key]) for key in times},
        "ACTION": str(one["ACTION"]),
        "UID": str(one["UID"]),
        "GID": str(one["GID"]),
        "REQUEST_ID": "-1",
    }
