"""DISK and NIC vectors of a new VM, as the platform completes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from fedstack.localcloud.core import firewall
from fedstack.localcloud.core.addresses import ip_number, mac_number
from fedstack.localcloud.core.kinds import DATASTORE, IMAGE, NETWORK, Kind
from fedstack.localcloud.core.leases import Lease, take, take_address
from fedstack.localcloud.core.numbers import natural
from fedstack.localcloud.core.objects import Caller, find, get
from fedstack.localcloud.store.database import Transaction
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.states import ImageState

_USABLE = (ImageState.READY, ImageState.USED)


@dataclass(frozen=True)
class Nic:
    """A NIC before it has an address. `extra`: context values that come from the network."""

    vector: dict[str, str]
    network_id: int | None
    ip: int | None
    mac: int | None
    extra: Mapping[str, str]


def _refused(message: str) -> OneError:
    return OneError(ErrorCode.ALLOCATE, f"Error allocating a new virtual machine. {message}")


def _lookup(tx: Transaction, caller: Caller, kind: Kind, vector: Mapping[str, str], word: str, place: str) -> Row[Any]:
    """The image or network that a vector names by id or by name (of the caller, or of *_UNAME or *_UID)."""
    wanted, name = vector.get(f"{word}_ID", ""), vector.get(word, "")
    if wanted:
        number = natural(wanted)
        if number is None:
            raise _refused(f'{place}: {word}_ID "{wanted}" is not a number.')
        return get(tx, caller, kind, number)
    owner = _owner(tx, caller, vector, word)
    columns = kind.table.c
    found = tx.value(select(columns.id).where(columns.name == name, columns.uid == owner))
    if found is None:
        hint = f"Set {word}_UNAME or {word}_UID of owner in {place}."
        raise _refused(f"User {owner} does not own a {kind.word} with name: {name} . {hint}")
    return get(tx, caller, kind, int(found))


def _owner(tx: Transaction, caller: Caller, vector: Mapping[str, str], word: str) -> int:
    if (uid := natural(vector.get(f"{word}_UID"))) is not None:
        return uid
    wanted = vector.get(f"{word}_UNAME")
    return next((uid for uid, name in tx.user_names.items() if name == wanted), caller.uid)


def image_of(tx: Transaction, caller: Caller, vector: Mapping[str, str], disk_id: int) -> int | None:
    """The id of the image that a DISK names; None for a volatile one. Raises OneError."""
    if "IMAGE_ID" not in vector and "IMAGE" not in vector:
        return None
    found: int = _lookup(tx, caller, IMAGE, vector, "IMAGE", f"DISK {disk_id}").id
    return found


def disk(tx: Transaction, caller: Caller, vector: Mapping[str, str], disk_id: int) -> tuple[dict[str, str], int | None]:
    """A complete DISK and the id of its image (None: volatile). Raises OneError."""
    target = f"vd{chr(ord('a') + disk_id % 26)}"
    if "IMAGE_ID" not in vector and "IMAGE" not in vector:
        return {"DISK_ID": str(disk_id), "TARGET": target, "TYPE": "fs", **vector}, None
    row = _lookup(tx, caller, IMAGE, vector, "IMAGE", f"DISK {disk_id}")
    if row.state not in _USABLE:
        raise _refused(f"Cannot acquire image {row.id}, it is in state {ImageState(row.state).name}.")
    complete = {
        "ALLOW_ORPHANS": "YES",
        "CLONE": "NO" if row.persistent else "YES",
        "CLONE_TARGET": "SYSTEM",
        "CLUSTER_ID": "0",
        "DATASTORE": find(tx, DATASTORE, row.datastore_id).name,
        "DATASTORE_ID": str(row.datastore_id),
        "DEV_PREFIX": "vd",
        "DISK_ID": str(disk_id),
        "DISK_TYPE": "FILE",
        "FORMAT": row.format,
        "IMAGE": row.name,
        "IMAGE_ID": str(row.id),
        "IMAGE_STATE": str(row.state),
        "LN_TARGET": "NONE",
        "ORIGINAL_SIZE": str(row.size),
        "READONLY": "NO",
        "SAVE": "YES" if row.persistent else "NO",
        "SIZE": str(row.size),
        "SOURCE": row.source or row.path,
        "TARGET": target,
        "TM_MAD": "dummy",
        "TYPE": "FILE",
    }
    return {**complete, **vector}, row.id


def nic(tx: Transaction, caller: Caller, vector: Mapping[str, str], nic_id: int) -> Nic:
    """A NIC that knows its network. Raises OneError."""
    name = {"NIC_ID": str(nic_id), "NAME": f"NIC{nic_id}"}
    if "NETWORK_ID" not in vector and "NETWORK" not in vector:
        return Nic({**name, **vector, "NIC_ID": str(nic_id)}, None, None, None, {})
    row = _lookup(tx, caller, NETWORK, vector, "NETWORK", f"NIC {nic_id}")
    complete = {
        "BRIDGE": row.bridge,
        "BRIDGE_TYPE": row.template.get("BRIDGE_TYPE", "linux"),
        "CLUSTER_ID": "0",
        **name,
        **vector,
        "NIC_ID": str(nic_id),
        "NETWORK": row.name,
        "NETWORK_ID": str(row.id),
        "SECURITY_GROUPS": _groups(tx, caller, row, vector),
        "TARGET": "",
        "VN_MAD": row.vn_mad,
    }
    ip = ip_number(vector["IP"]) if vector.get("IP") else None
    mac = mac_number(vector["MAC"]) if vector.get("MAC") and ip is None else None
    return Nic(complete, row.id, ip, mac, {key: value for key, value in row.template.items() if isinstance(value, str)})


def _groups(tx: Transaction, caller: Caller, row: Row[Any], vector: Mapping[str, str]) -> str:
    return firewall.of_nic(tx, caller, row.template.get("SECURITY_GROUPS", "0"), vector.get("SECURITY_GROUPS", ""))


def addresses(tx: Transaction, plan: Nic, vm_ids: list[int]) -> list[dict[str, str]]:
    """The complete NIC of each VM, with its lease."""
    if plan.network_id is None:
        return [plan.vector for _ in vm_ids]
    if plan.ip is not None or plan.mac is not None:
        taken = [take_address(tx, plan.network_id, plan.ip, plan.mac, vm_id) for vm_id in vm_ids]
    else:
        taken = take(tx, plan.network_id, vm_ids)
    return [_leased(plan.vector, one, vm_id) for one, vm_id in zip(taken, vm_ids, strict=True)]


def _leased(vector: Mapping[str, str], lease: Lease, vm_id: int) -> dict[str, str]:
    address = {"IP": lease.ip} if lease.ip else {}
    complete = {**vector, "AR_ID": str(lease.ar_id), **address, "MAC": lease.mac}
    return {**complete, "TARGET": f"one-{vm_id}-{vector['NIC_ID']}"}
