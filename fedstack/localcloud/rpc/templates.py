"""one.template.*, one.templatepool.*"""

from __future__ import annotations

from fedstack.localcloud.core import objects, restricted, text
from fedstack.localcloud.core.kinds import IMAGE, TEMPLATE
from fedstack.localcloud.core.objects import find, get
from fedstack.localcloud.core.tree import xml
from fedstack.localcloud.rpc import shared
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.vm import create, templates
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.template import append


def allocate(call: Call, sent: str) -> int:
    """Stores a template."""
    attributes = text.read(sent)
    restricted.check_new(call.caller, restricted.MACHINE, attributes, "VM Template")
    return templates.create(call.tx, call.caller, attributes)


def info(call: Call, template_id: int, extended: bool = False, _decrypt: bool = False) -> str:
    """A template; extended: its disks as its VMs would have them."""
    row = get(call.tx, call.caller, TEMPLATE, template_id)
    tree = templates.tree(call.tx, row)
    if extended and "DISK" in row.template:
        tree["TEMPLATE"] = {**row.template, "DISK": templates.full_disks(call.tx, call.caller, row.template)}
    return xml("VMTEMPLATE", tree)


def remove(call: Call, template_id: int, recursive: bool = False) -> int:
    """Deletes a template, on request with its images; an image that cannot be deleted stays, as on the platform."""
    templates.remove(call.tx, call.caller, template_id, with_images=recursive)
    return template_id


def clone(call: Call, template_id: int, name: str, recursive: bool = False) -> int:
    """A copy, on request with copies of its images."""
    return templates.clone(call.tx, call.caller, template_id, name, with_images=recursive)


def chmod(call: Call, template_id: int, *values: int | bool) -> int:
    """Permission bits, on request those of its images too."""
    bits, recursive = tuple(int(one) for one in values[:9]), values[9:] == (True,)
    objects.chmod(call.tx, call.caller, TEMPLATE, template_id, bits)
    if recursive:
        _chmod_images(call, template_id, bits)
    return template_id


def _chmod_images(call: Call, template_id: int, bits: tuple[int, ...]) -> None:
    refused = []
    for image_id in templates.image_ids(call.tx, call.caller, find(call.tx, TEMPLATE, template_id).template):
        try:
            objects.chmod(call.tx, call.caller, IMAGE, image_id, bits)
        except OneError:
            refused.append(str(image_id))
    if refused:
        raise OneError(ErrorCode.ACTION, f"Cannot chmod image: {','.join(refused)}", template_id)


def instantiate(
    call: Call, template_id: int, name: str, hold: bool = False, extra: str = "", persistent: bool = False
) -> int:
    """A VM of a template; attributes of `extra` replace those of the same name."""
    if persistent:
        raise OneError(ErrorCode.ACTION, "Persistent instantiation is left out of the local cloud.", template_id)
    row = get(call.tx, call.caller, TEMPLATE, template_id)
    more = text.read(extra) if extra else {}
    restricted.check_extra(call.caller, restricted.MACHINE, more, row.template, "User Template")
    blueprint = create.prepare(call.tx, call.caller, append(row.template, more), row.name, template_id)
    return create.allocate(call.tx, blueprint, [name], hold=hold)[0]


METHODS = {
    "one.template.allocate": Method(allocate, "s"),
    "one.template.info": Method(info, "i", "bb"),
    "one.template.delete": Method(remove, "i", "b"),
    "one.template.clone": Method(clone, "is", "b"),
    "one.template.instantiate": Method(instantiate, "is", "bsb"),
    "one.template.update": Method(shared.update_template(TEMPLATE, restricted.MACHINE), "is", "i"),
    "one.templatepool.info": Method(shared.pool(TEMPLATE, templates.tree), "i", "ii"),
    **shared.owned(TEMPLATE, "template"),
    "one.template.chmod": Method(chmod, "i" + "i" * 9, "b"),
}
