"""VM documents, full (vm.info) and short (vmpool.info) (reference 2.9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select

from fedstack.localcloud.core.objects import lock_tree, owner_tree, permission_tree
from fedstack.localcloud.core.tree import Tree, ids
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import sched_action

_SHORT_DISK = ("CLUSTER_ID", "DISK_ID", "IMAGE", "IMAGE_ID", "SIZE", "TARGET", "TYPE")
_SHORT_NIC = ("BRIDGE", "IP", "MAC", "NAME", "NETWORK", "NETWORK_ID", "NIC_ID", "SECURITY_GROUPS")


def _state_tree(row: Row[Any]) -> Tree:
    return {
        "LAST_POLL": str(row.last_poll),
        "STATE": str(row.state),
        "LCM_STATE": str(row.lcm_state),
    }


def _life_tree(row: Row[Any]) -> Tree:
    return {"RESCHED": "0", "STIME": str(row.stime), "ETIME": str(row.etime), "DEPLOY_ID": row.deploy_id}


Actions = Mapping[int, Sequence[Row[Any]]]


def actions_of(tx: Transaction, vm_ids: Sequence[int]) -> Actions:
    """Scheduled actions by VM, for many VMs at once."""
    found: dict[int, list[Row[Any]]] = {}
    for row in tx.all(select(sched_action).where(sched_action.c.vm_id.in_(vm_ids)).order_by(sched_action.c.id)):
        found.setdefault(row.vm_id, []).append(row)
    return found


def trees(tx: Transaction, rows: Sequence[Row[Any]]) -> Iterator[Tree]:
    """Many VMs with everything."""
    actions = actions_of(tx, [row.id for row in rows])
    return (tree(tx, row, actions) for row in rows)


def tree(tx: Transaction, row: Row[Any], known: Actions | None = None) -> Tree:
    """A VM with everything."""
    actions = (actions_of(tx, [row.id]) if known is None else known).get(row.id, ())
    template = dict(row.template)
    if actions:
        template["SCHED_ACTION"] = [{"ID": str(one.id), "PARENT_ID": str(row.id), **one.template} for one in actions]
    return {
        **owner_tree(tx, row),
        **permission_tree(row),
        **_state_tree(row),
        "PREV_STATE": str(row.prev_state),
        "PREV_LCM_STATE": str(row.prev_lcm_state),
        **_life_tree(row),
        **lock_tree(row),
        "MONITORING": row.monitoring,
        "SCHED_ACTIONS": ids([one.id for one in actions]),
        "TEMPLATE": template,
        "USER_TEMPLATE": row.user_template,
        "HISTORY_RECORDS": history_tree(tx, row),
        "BACKUPS": {"BACKUP_CONFIG": {}, "BACKUP_IDS": {}},
    }


def short_tree(tx: Transaction, row: Row[Any]) -> Tree:
    """A VM as pools list it."""
    template = row.template
    short = {key: template[key] for key in ("CPU", "MEMORY", "VCPU", "GRAPHICS") if key in template}
    for key, members in (("DISK", _SHORT_DISK), ("NIC", _SHORT_NIC)):
        if key in template:
            short[key] = [_only(one, members) for one in template[key]]
    return {
        **owner_tree(tx, row),
        **_state_tree(row),
        **_life_tree(row),
        **lock_tree(row),
        "MONITORING": row.monitoring,
        "TEMPLATE": short,
        "USER_TEMPLATE": row.user_template,
        "HISTORY_RECORDS": history_tree(tx, row, last_only=True),
    }


def _only(vector: Mapping[str, str], members: tuple[str, ...]) -> dict[str, str]:
    return {key: vector[key] for key in members if key in vector}


def history_tree(tx: Transaction, row: Row[Any], *, last_only: bool = False) -> Tree:
    """HISTORY_RECORDS: one record a placement on the host."""
    records = [_record(tx, row, sequence, one) for sequence, one in enumerate(row.history)]
    if not records:
        return {}
    return {"HISTORY": records[-1:] if last_only else records}


def _record(tx: Transaction, row: Row[Any], sequence: int, one: Mapping[str, Any]) -> Tree:
    times = ("STIME", "ETIME", "PSTIME", "PETIME", "RSTIME", "RETIME", "ESTIME", "EETIME")
    return {
        "OID": str(row.id),
        "SEQ": str(sequence),
        "HOSTNAME": tx.site.hostname,
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
