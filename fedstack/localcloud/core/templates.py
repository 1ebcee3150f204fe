"""VM templates: stored attributes, and machines made of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert

from fedstack.localcloud.core import text
from fedstack.localcloud.core.kinds import TEMPLATE
from fedstack.localcloud.core.numbers import natural
from fedstack.localcloud.core.objects import MANAGE, Caller, check_name, check_unique, get, header_tree, header_values
from fedstack.localcloud.core.tree import Tree
from fedstack.localcloud.store.database import Transaction
from fedstack.localcloud.store.schema import vm_template
from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.template import Attributes


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


def clone(tx: Transaction, caller: Caller, template_id: int, name: str) -> int:
    """A copy under another name."""
    return store(tx, caller, name, get(tx, caller, TEMPLATE, template_id).template)


def remove(tx: Transaction, caller: Caller, template_id: int) -> None:
    """Deletes a template."""
    get(tx, caller, TEMPLATE, template_id, MANAGE)
    tx.run(delete(vm_template).where(vm_template.c.id == template_id))


def image_ids(template: Attributes) -> list[int]:
    """Ids of the images that its disks name by id."""
    found = (one.get("IMAGE_ID", "") for one in text.vectors(template, "DISK"))
    return [number for one in found if (number := natural(one)) is not None]


def tree(tx: Transaction, row: Row[Any]) -> Tree:
    """A VMTEMPLATE document."""
    return {**header_tree(tx, row), "REGTIME": str(row.regtime), "TEMPLATE": row.template}
