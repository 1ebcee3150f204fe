"""one.image.*, one.imagepool.*"""

from __future__ import annotations

from fedstack.localcloud.core import imagepool, text
from fedstack.localcloud.core.kinds import IMAGE
from fedstack.localcloud.core.objects import MANAGE, change, get
from fedstack.localcloud.core.tree import xml
from fedstack.localcloud.rpc import shared
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.states import ImageState


def allocate(call: Call, sent: str, datastore_id: int, _skip_capacity: bool = False) -> int:
    """Registers an image; it is LOCKED until it is built."""
    return imagepool.create(call.tx, call.caller, text.read(sent), datastore_id)


def info(call: Call, image_id: int, _decrypt: bool = False) -> str:
    """An image."""
    return xml("IMAGE", imagepool.tree(call.tx, get(call.tx, call.caller, IMAGE, image_id)))


def remove(call: Call, image_id: int, _force: bool = False) -> int:
    """Deletes an image."""
    imagepool.remove(call.tx, call.caller, image_id)
    return image_id


def clone(call: Call, image_id: int, name: str, datastore_id: int = -1) -> int:
    """A copy."""
    return imagepool.clone(call.tx, call.caller, image_id, name, datastore_id)


def enable(call: Call, image_id: int, enabled: bool) -> int:
    """READY or DISABLED."""
    row = get(call.tx, call.caller, IMAGE, image_id, MANAGE)
    wanted = ImageState.READY if enabled else ImageState.DISABLED
    if row.state not in (ImageState.READY, ImageState.DISABLED, ImageState.ERROR):
        state = ImageState(row.state).name
        raise OneError(ErrorCode.INTERNAL, f"Image cannot be enabled or disabled in state {state}.", image_id)
    imagepool.set_state(call.tx, row, wanted)
    return image_id


def persistent(call: Call, image_id: int, wanted: bool) -> int:
    """Persistent or not; refused while in use."""
    row = get(call.tx, call.caller, IMAGE, image_id, MANAGE)
    if imagepool.users_of(call.tx, image_id):
        raise OneError(ErrorCode.INTERNAL, "Image cannot be changed while it is used by VMs.", image_id)
    change(call.tx, IMAGE, row.id, persistent=wanted)
    return image_id


def change_type(call: Call, image_id: int, name: str) -> int:
    """Another type."""
    row = get(call.tx, call.caller, IMAGE, image_id, MANAGE)
    change(call.tx, IMAGE, row.id, type=imagepool.image_type(name))
    return image_id


METHODS = {
    "one.image.allocate": Method(allocate, "si", "b"),
    "one.image.info": Method(info, "i", "b"),
    "one.image.delete": Method(remove, "i", "b"),
    "one.image.clone": Method(clone, "is", "i"),
    "one.image.enable": Method(enable, "ib"),
    "one.image.persistent": Method(persistent, "ib"),
    "one.image.chtype": Method(change_type, "is"),
    "one.image.update": Method(shared.update_template(IMAGE), "is", "i"),
    "one.imagepool.info": Method(shared.pool(IMAGE, imagepool.tree), "i", "ii"),
    **shared.owned(IMAGE, "image"),
}
