"""one.image.*, one.imagepool.*"""

from __future__ import annotations

from fedstack.localcloud.core import imagepool, restricted, text
from fedstack.localcloud.core.kinds import IMAGE
from fedstack.localcloud.core.objects import MANAGE, change, get
from fedstack.localcloud.core.tree import xml
from fedstack.localcloud.rpc import shared
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.states import ImageState, ImageType


def allocate(call: Call, sent: str, datastore_id: int, _skip_capacity: bool = False) -> int:
    """Registers an image; it is LOCKED until it is built."""
    attributes = text.read(sent)
    restricted.check_new(call.caller, restricted.IMAGE, attributes, "Template")
    return imagepool.create(call.tx, call.caller, attributes, datastore_id)


def info(call: Call, image_id: int, _decrypt: bool = False) -> str:
    """An image."""
    return xml("IMAGE", imagepool.tree(call.tx, get(call.tx, call.caller, IMAGE, image_id)))


def remove(call: Call, image_id: int, force: bool = False) -> int:
    """Deletes an image."""
    imagepool.remove(call.tx, call.caller, image_id, force=force)
    return image_id


def clone(call: Call, image_id: int, name: str, datastore_id: int = -1) -> int:
    """A copy."""
    return imagepool.clone(call.tx, call.caller, image_id, name, datastore_id)


def enable(call: Call, image_id: int, enabled: bool) -> int:
    """READY or DISABLED."""
    row = get(call.tx, call.caller, IMAGE, image_id, MANAGE)
    wanted = ImageState.READY if enabled else ImageState.DISABLED
    if row.state not in (ImageState.READY, ImageState.DISABLED, ImageState.ERROR):
        what = f"Could not {'enable' if enabled else 'disable'} image"
        raise OneError(ErrorCode.INTERNAL, f"{what}: Image cannot be in state {ImageState(row.state).name}.", image_id)
    imagepool.set_state(call.tx, row, wanted)
    return image_id


def persistent(call: Call, image_id: int, wanted: bool) -> int:
    """Persistent or not; refused while in use."""
    row = get(call.tx, call.caller, IMAGE, image_id, MANAGE)
    if row.persistent == wanted:
        return image_id
    if row.type in imagepool.FILES:
        raise OneError(ErrorCode.ACTION, "KERNEL, RAMDISK and CONTEXT must be non-persistent", image_id)
    if row.state not in (ImageState.READY, ImageState.DISABLED):
        what = f"Could not make image {'' if wanted else 'non-'}persistent"
        raise OneError(ErrorCode.INTERNAL, f"{what}: it is in state {ImageState(row.state).name}.", image_id)
    change(call.tx, IMAGE, row.id, persistent=wanted)
    return image_id


def change_type(call: Call, image_id: int, name: str) -> int:
    """Another type of those that its datastore takes."""
    row = get(call.tx, call.caller, IMAGE, image_id, MANAGE)
    wanted = imagepool.image_type(name)
    like = next((types for types in (imagepool.DISKS, imagepool.FILES) if row.type in types), frozenset())
    if row.type == ImageType.FILESYSTEM or wanted not in like - {ImageType.FILESYSTEM}:
        text_ = "Cannot change image type to an incompatible type for the current datastore."
        raise OneError(ErrorCode.ACTION, text_, image_id)
    change(call.tx, IMAGE, row.id, type=wanted)
    return image_id


METHODS = {
    "one.image.allocate": Method(allocate, "si", "b"),
    "one.image.info": Method(info, "i", "b"),
    "one.image.delete": Method(remove, "i", "b"),
    "one.image.clone": Method(clone, "is", "i"),
    "one.image.enable": Method(enable, "ib"),
    "one.image.persistent": Method(persistent, "ib"),
    "one.image.chtype": Method(change_type, "is"),
    "one.image.update": Method(shared.update_template(IMAGE, restricted.IMAGE), "is", "i"),
    "one.imagepool.info": Method(shared.pool(IMAGE, imagepool.tree), "i", "ii"),
    **shared.owned(IMAGE, "image"),
}
