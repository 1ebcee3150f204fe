"""one.template.*, one.templatepool.*"""

from __future__ import annotations

from fedstack.localcloud.core import imagepool, templates, text
from fedstack.localcloud.core.kinds import TEMPLATE
from fedstack.localcloud.core.objects import get
from fedstack.localcloud.core.tree import xml
from fedstack.localcloud.rpc import shared
from fedstack.localcloud.rpc.method import Call, Method
from fedstack.localcloud.vm import create
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.template import append


def allocate(call: Call, sent: str) -> int:
    """Stores a template."""
    return templates.create(call.tx, call.caller, text.read(sent))


def info(call: Call, template_id: int, _extended: bool = False, _decrypt: bool = False) -> str:
    """A template."""
    return xml("VMTEMPLATE", templates.tree(call.tx, get(call.tx, call.caller, TEMPLATE, template_id)))


def remove(call: Call, template_id: int, recursive: bool = False) -> int:
    """Deletes a template, on request with its images."""
    row = get(call.tx, call.caller, TEMPLATE, template_id)
    templates.remove(call.tx, call.caller, template_id)
    for image_id in templates.image_ids(row.template) if recursive else []:
        imagepool.remove(call.tx, call.caller, image_id)
    return template_id


def clone(call: Call, template_id: int, name: str, _recursive: bool = False) -> int:
    """A copy."""
    return templates.clone(call.tx, call.caller, template_id, name)


def instantiate(
    call: Call, template_id: int, name: str, hold: bool = False, extra: str = "", persistent: bool = False
) -> int:
    """A VM of a template; attributes of `extra` replace those of the same name."""
    if persistent:
        raise OneError(ErrorCode.ACTION, "Persistent instantiation is left out of the local cloud.", template_id)
    row = get(call.tx, call.caller, TEMPLATE, template_id)
    attributes = append(row.template, text.read(extra)) if extra else row.template
    blueprint = create.prepare(call.tx, call.caller, attributes, row.name, template_id)
    return create.allocate(call.tx, blueprint, [name], hold=hold)[0]


METHODS = {
    "one.template.allocate": Method(allocate, "s"),
    "one.template.info": Method(info, "i", "bb"),
    "one.template.delete": Method(remove, "i", "b"),
    "one.template.clone": Method(clone, "is", "b"),
    "one.template.instantiate": Method(instantiate, "is", "bsb"),
    "one.template.update": Method(shared.update_template(TEMPLATE), "is", "i"),
    "one.templatepool.info": Method(shared.pool(TEMPLATE, templates.tree), "i", "ii"),
    **shared.owned(TEMPLATE, "template"),
}
