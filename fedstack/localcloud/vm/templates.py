"""VM templates: stored attributes, and machines made of them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import Row, delete, insert

from fedstack.localcloud.core import imagepool, text
from fedstack.localcloud.core.kinds import TEMPLATE
from fedstack.localcloud.core.objects import MANAGE, Caller, check_name, check_unique, get, header_tree, header_values
from fedstack.localcloud.core.tree import Tree
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import vm_template
from fedstack.localcloud.vm import devices
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.template import Attributes

_BY_NAME = frozenset({"IMAGE", "IMAGE_UNAME", "IMAGE_UID"})


def create(tx: Transaction, caller: Caller, attributes: Attributes) -> int:
    """Stores a template; raises OneError INTERNAL without a name or when it is taken."""
    name = text.scalar(attributes, "NAME")
    if not name:
        raise OneError(ErrorCode.INTERNAL, "No NAME in template for VM Template.")
    return store(tx, caller, name, {key: value for key, value in attributes.items() if key != "NAME"})


def store(tx: Transaction, caller: Caller, name: str, attributes: Attributes) -> int:
    """Stores attributes under a name; raises OneError INTERNAL."""
    check_name(name)
    check_unique(tx, TEMPLATE, name, caller.uid)
    template_id = tx.take_ids("vm_template")
    values = {**header_values(caller, template_id, name), "template": attributes, "regtime": tx.now}
    tx.run(insert(vm_template), values)
    return template_id


def clone(tx: Transaction, caller: Caller, template_id: int, name: str, *, with_images: bool = False) -> int:
    """A copy under another name, on request over copies of its images; raises OneError."""
    template = get(tx, caller, TEMPLATE, template_id).template
    copy = _with_copies(tx, caller, template, name) if with_images else template
    return store(tx, caller, name, copy)


def _with_copies(tx: Transaction, caller: Caller, template: Attributes, name: str) -> Attributes:
    """The attributes with each image replaced by a copy `<name>-disk-<n>`; raises OneError ACTION."""
    disks: list[str | dict[str, str]] = []
    for number, disk in enumerate(text.vectors(template, "DISK")):
        image_id = devices.image_of(tx, caller, disk, number)
        if image_id is None:
            disks.append(disk)
            continue
        try:
            copy = imagepool.clone(tx, caller, image_id, f"{name}-disk-{number}", -1)
        except OneError as error:
            raise OneError(ErrorCode.ACTION, f"Failed to clone images: {error.message}") from error
        disks.append({**{key: value for key, value in disk.items() if key not in _BY_NAME}, "IMAGE_ID": str(copy)})
    return {**template, "DISK": disks} if disks else template


def remove(tx: Transaction, caller: Caller, template_id: int, *, with_images: bool = False) -> None:
    """Deletes a template, on request with its images; an image that cannot be deleted stays. Raises OneError."""
    template = get(tx, caller, TEMPLATE, template_id, MANAGE).template
    images = image_ids(tx, caller, template) if with_images else []
    tx.run(delete(vm_template).where(vm_template.c.id == template_id))
    for image_id in images:
        with suppress(OneError):
            imagepool.remove(tx, caller, image_id)


def image_ids(tx: Transaction, caller: Caller, template: Attributes) -> list[int]:
    """Ids of the images that its disks name, by id or by name; disks whose image is not there have none."""
    found = []
    for number, disk in enumerate(text.vectors(template, "DISK")):
        with suppress(OneError):
            found.append(devices.image_of(tx, caller, disk, number))
    return sorted({one for one in found if one is not None})


def full_disks(tx: Transaction, caller: Caller, template: Attributes) -> list[dict[str, str]]:
    """Its disks with what their images add; a disk whose image cannot be used stays as it is."""
    found = []
    for number, disk in enumerate(text.vectors(template, "DISK")):
        try:
            found.append(devices.disk(tx, caller, disk, number)[0])
        except OneError:
            found.append(disk)
    return found


def tree(tx: Transaction, row: Row[Any]) -> Tree:
    """A VMTEMPLATE document."""
    return {**header_tree(tx, row), "REGTIME": str(row.regtime), "TEMPLATE": row.template}
