"""Images: registration, building, use and removal (reference 2.10). An image is LOCKED until it is built."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select, update

from fedstack.localcloud.core import text
from fedstack.localcloud.core.kinds import DATASTORE, IMAGE
from fedstack.localcloud.core.objects import (
    ADMIN,
    MANAGE,
    Caller,
    change,
    check_new,
    find,
    get,
    header_tree,
    header_values,
    undeletable,
)
from fedstack.localcloud.core.tree import Tree, ids
from fedstack.localcloud.effects import BuildImage, RemoveTree
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import image, image_use
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.states import ImageState, ImageType
from fedstack.opennebula.template import Attributes

_HEADER = frozenset({"NAME", "TYPE", "PERSISTENT", "PATH", "SOURCE", "SIZE", "FORMAT", "FS"})
_SIZE_ONLY = frozenset({ImageType.OS, ImageType.DATABLOCK, ImageType.FILESYSTEM})
_CLONABLE = frozenset({ImageType.OS, ImageType.DATABLOCK, ImageType.CDROM})
DISKS = _CLONABLE | {ImageType.FILESYSTEM}
"""Types in image datastores."""
FILES = frozenset({ImageType.KERNEL, ImageType.RAMDISK, ImageType.CONTEXT})
"""Types in file datastores."""
_IMAGES, _FILES = 0, 2
"""Types of datastores."""


def _refused(message: str) -> OneError:
    return OneError(ErrorCode.ALLOCATE, f"Error allocating a new image. {message}")


def image_type(name: str) -> ImageType:
    """The type of that name; raises OneError ALLOCATE listing the types."""
    try:
        return ImageType[name.upper() or "OS"]
    except KeyError as error:
        raise _refused(f'Unknown TYPE "{name}": expected one of {", ".join(ImageType.__members__)}.') from error


def create(tx: Transaction, caller: Caller, attributes: Attributes, datastore_id: int) -> int:
    """Registers an image and starts its build; raises OneError ALLOCATE, INTERNAL or NO_EXISTS."""
    store = get(tx, caller, DATASTORE, datastore_id)
    if store.type not in (_IMAGES, _FILES):
        raise _refused("New images can only be allocated in a files or image datastore.")
    name = text.scalar(attributes, "NAME")
    check_new(tx, IMAGE, name, caller.uid)
    kind = image_type(text.scalar(attributes, "TYPE"))
    _check_store(kind, store.type)
    _check_source(attributes, kind)
    image_id = tx.take_ids("image")
    tx.run(insert(image), {**header_values(caller, image_id, name), **_columns(tx, attributes, kind, datastore_id)})
    tx.after(BuildImage(image_id))
    return image_id


def _check_store(kind: ImageType, store_type: int) -> None:
    if kind in FILES and store_type != _FILES:
        raise _refused("IMAGES of type KERNEL, RAMDISK and CONTEXT cannot be registered in an IMAGE_DS datastore")
    if kind in DISKS and store_type != _IMAGES:
        raise _refused("Only IMAGES of type KERNEL, RAMDISK and CONTEXT can be registered in a FILE_DS datastore")
    if kind == ImageType.BACKUP:
        raise _refused("IMAGES of type BACKUP can only be registered in an BACKUP_DS datastore")


def _check_source(attributes: Attributes, kind: ImageType) -> None:
    path, source = text.scalar(attributes, "PATH"), text.scalar(attributes, "SOURCE")
    if path and source:
        raise _refused("PATH and SOURCE cannot both be set.")
    if not path and not source and (kind not in _SIZE_ONLY or not text.whole(attributes, "SIZE", 0)):
        raise _refused("No PATH in template.")


def _columns(tx: Transaction, attributes: Attributes, kind: ImageType, datastore_id: int) -> dict[str, Any]:
    return {
        "template": {key: value for key, value in attributes.items() if key not in _HEADER} or {"DEV_PREFIX": "vd"},
        "type": kind,
        "persistent": text.scalar(attributes, "PERSISTENT").upper() == "YES",
        "regtime": tx.now,
        "modtime": tx.now,
        "path": text.scalar(attributes, "PATH"),
        "source": text.scalar(attributes, "SOURCE"),
        "format": text.scalar(attributes, "FORMAT") or "raw",
        "fs": text.scalar(attributes, "FS"),
        "size": text.whole(attributes, "SIZE", 0),
        "state": ImageState.LOCKED,
        "prev_state": ImageState.INIT,
        "datastore_id": datastore_id,
    }


def set_state(tx: Transaction, row: Row[Any], state: ImageState, **values: Any) -> None:
    """Moves an image."""
    change(tx, IMAGE, row.id, state=state, prev_state=row.state, modtime=tx.now, **values)


def built(tx: Transaction, image_id: int, source: str, size_mb: int) -> None:
    """The build is done; an image that was deleted meanwhile stays deleted."""
    row = tx.first(select(image).where(image.c.id == image_id))
    if row is not None and row.state == ImageState.LOCKED:
        set_state(tx, row, ImageState.READY, source=source, size=size_mb or row.size)


def failed(tx: Transaction, image_id: int, cause: str) -> None:
    """The build failed; the cause is in TEMPLATE/ERROR."""
    row = tx.first(select(image).where(image.c.id == image_id))
    if row is not None and row.state == ImageState.LOCKED:
        set_state(tx, row, ImageState.ERROR, template={**row.template, "ERROR": text.clean(cause)})


def clone(tx: Transaction, caller: Caller, image_id: int, name: str, datastore_id: int) -> int:
    """A copy that is not persistent: the same recipe, built again. Raises OneError ACTION, ALLOCATE."""
    row = get(tx, caller, IMAGE, image_id)
    if row.type not in _CLONABLE:
        raise OneError(ErrorCode.ACTION, f"{ImageType(row.type).name} images cannot be cloned.", image_id)
    store = get(tx, caller, DATASTORE, row.datastore_id if datastore_id == -1 else datastore_id)
    if store.type != _IMAGES:
        raise OneError(ErrorCode.ACTION, "Clone only supported for IMAGE_DS Datastores", image_id)
    check_new(tx, IMAGE, name, caller.uid)
    if row.state not in (ImageState.READY, ImageState.USED):
        raise _refused(f"Cannot clone image in state: {ImageState(row.state).name}")
    new_id = tx.take_ids("image")
    copied = {key: getattr(row, key) for key in ("template", "type", "path", "format", "fs", "size")}
    own = {"regtime": tx.now, "modtime": tx.now, "state": ImageState.LOCKED, "prev_state": ImageState.INIT}
    place = {"source": "" if row.path else row.source, "datastore_id": store.id}
    tx.run(insert(image), {**header_values(caller, new_id, name), **copied, **own, **place})
    tx.after(BuildImage(new_id))
    return new_id


def users_of(tx: Transaction, image_id: int) -> list[int]:
    """Ids of the VMs that use an image."""
    query = select(image_use.c.vm_id).where(image_use.c.image_id == image_id).order_by(image_use.c.vm_id)
    return [row.vm_id for row in tx.all(query)]


def remove(tx: Transaction, caller: Caller, image_id: int, *, force: bool = False) -> None:
    """Deletes an image that no VM uses, and its files; one that is LOCKED only by force. Raises OneError."""
    row = get(tx, caller, IMAGE, image_id, MANAGE)
    if row.state == ImageState.LOCKED:
        get(tx, caller, IMAGE, image_id, ADMIN)
        if not force:
            text_ = "Image locked, use --force flag to remove the image. Force delete may leave some files on Datastore"
            raise OneError(ErrorCode.INTERNAL, text_, image_id)
    if count := len(users_of(tx, image_id)):
        raise undeletable(IMAGE, image_id, f"There are {count} VMs using it.")
    tx.run(delete(image).where(image.c.id == row.id))
    tx.after(RemoveTree(f"images/{image_id}"))


def acquire(tx: Transaction, image_id: int, vm_ids: list[int]) -> None:
    """VMs begin to use an image."""
    tx.run(insert(image_use).prefix_with("OR IGNORE"), [{"vm_id": vm, "image_id": image_id} for vm in vm_ids])
    used = (image.c.id == image_id, image.c.state == ImageState.READY)
    persistent = {False: ImageState.USED, True: ImageState.USED_PERS}
    for flag, state in persistent.items():
        tx.run(
            update(image).where(*used, image.c.persistent.is_(flag)).values(state=state, prev_state=ImageState.READY)
        )


_USED = select(image_use.c.image_id).where(image_use.c.vm_id == bindparam("vm"))


def release(tx: Transaction, vm_id: int) -> None:
    """A VM is DONE and uses no image any longer."""
    for row in tx.all(_USED, {"vm": vm_id}):
        tx.run(delete(image_use).where(image_use.c.vm_id == vm_id, image_use.c.image_id == row.image_id))
        if tx.first(select(image_use.c.vm_id).where(image_use.c.image_id == row.image_id).limit(1)):
            continue
        where = (image.c.id == row.image_id, image.c.state.in_([ImageState.USED, ImageState.USED_PERS]))
        tx.run(update(image).where(*where).values(state=ImageState.READY, prev_state=image.c.state))


def tree(tx: Transaction, row: Row[Any]) -> Tree:
    """An IMAGE document."""
    running = tx.value(select(func.count()).select_from(image_use).where(image_use.c.image_id == row.id))
    return {
        **header_tree(tx, row),
        "TYPE": str(row.type),
        "DISK_TYPE": "0",
        "PERSISTENT": str(int(row.persistent)),
        "REGTIME": str(row.regtime),
        "MODTIME": str(row.modtime),
        "SOURCE": row.source,
        "PATH": row.path,
        "FORMAT": row.format,
        "FS": row.fs,
        "SIZE": str(row.size),
        "STATE": str(row.state),
        "PREV_STATE": str(row.prev_state),
        "RUNNING_VMS": str(running),
        "CLONING_OPS": "0",
        "CLONING_ID": "-1",
        "TARGET_SNAPSHOT": "-1",
        "DATASTORE_ID": str(row.datastore_id),
        "DATASTORE": find(tx, DATASTORE, row.datastore_id).name,
        "VMS": ids(users_of(tx, row.id)),
        "CLONES": {},
        "APP_CLONES": {},
        "TEMPLATE": row.template,
        "SNAPSHOTS": {},
        "BACKUP_INCREMENTS": {},
        "BACKUP_DISK_IDS": {},
    }
