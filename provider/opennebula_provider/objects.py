"""What networks, groups, images and templates share on the XML-RPC side: names, rights, template text, ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any

from fedstack.opennebula.errors import ErrorCode
from fedstack.opennebula.permissions import FLAGS, Permissions
from fedstack.opennebula.template import Attributes, Value, to_text

from .awaits import GONE, Await, Outcome, Sight, StateWatch
from .cloud import TAG
from .diffs import Difference
from .errors import RpcError
from .resource import Call, wait_for
from .rpc import Tree, section
from .values import Properties

IN_USE = ("in use", "has leases", "is being used", "has vms using it")
"""What the platform says when an object cannot be deleted yet (reference 2.10)."""


async def info(call: Call, kind: str, number: int) -> Tree | None:
    """The document of an object, None when it is gone."""
    try:
        return await call.cloud.rpc.info(f"{kind}.info", number)
    except RpcError as error:
        if error.code == ErrorCode.NO_EXISTS:
            return None
        raise


async def give_rights(call: Call, kind: str, number: int) -> None:
    """Sets the object's permissions where the inputs have some."""
    octal = call.inputs.get("permissions")
    if octal is None:
        return
    bits = Permissions.from_octal(octal).as_dict()
    await call.cloud.rpc.call(f"{kind}.chmod", number, *(int(bits[flag]) for flag in FLAGS))


async def rename(call: Call, kind: str, difference: Difference) -> None:
    """Renames the object where its name differs."""
    if difference.touches("name"):
        await call.cloud.rpc.call(f"{kind}.rename", call.number, call.inputs["name"])


def rights(tree: Tree) -> str:
    """The object's permissions as octal text."""
    flags = section(tree, "PERMISSIONS")
    bits = "".join("1" if flags.get(flag) == "1" else "0" for flag in FLAGS)
    return Permissions(int(bits or "0", 2)).octal


def flat(value: Any) -> str:
    """A scalar as template text carries it."""
    if isinstance(value, bool):
        return "YES" if value else "NO"
    return str(value)


def upper(attributes: Mapping[str, Any] | None) -> dict[str, str]:
    """User attributes as the platform stores them: keys in capitals, values as texts."""
    return {key.upper(): flat(value) for key, value in (attributes or {}).items()}


def template_text(attributes: Mapping[str, Value | list[Value] | None], tag: str | None) -> str:
    """Template text of everything that is set, with the stack's tag."""
    kept: Attributes = {key: value for key, value in attributes.items() if value not in (None, [], {})}
    if tag:
        kept[TAG] = tag
    return to_text(kept)


def seen_attributes(declared: Mapping[str, Any] | None, template: Tree, server: Iterable[str]) -> Properties | None:
    """User attributes as they are now: the declared ones; on import (`declared` is None) all but the server's own."""
    if declared is None:
        own = {*server, TAG}
        return {key: value for key, value in template.items() if key not in own and isinstance(value, str)} or None
    return {
        key: value if template[key.upper()] == flat(value) else template[key.upper()]
        for key, value in declared.items()
        if key.upper() in template
    }


def merged(template: Tree, wanted: Mapping[str, Any], drop: Iterable[str]) -> Attributes:
    """The stored attributes with the wanted ones over them and without `drop`: the text of a replacing update."""
    kept = {key: value for key, value in template.items() if key not in set(drop)}
    return {**kept, **{key: value for key, value in wanted.items() if value not in (None, [], {})}}


async def remove(call: Call, kind: str, rule: Await, what: str, state: type[IntEnum], *flags: Any) -> Outcome:
    """Deletes an object and waits until it is gone; one that is in use is tried again until the deadline.

    Its users (machines that are just ending) need a moment to let it go.
    """
    asked = False

    async def look() -> Sight:
        nonlocal asked
        refusal = ""
        if not asked:
            refusal = await _ask(call, f"{kind}.delete", *flags)
            asked = not refusal
        tree = await info(call, kind, call.number)
        if tree is None:
            return Sight(GONE)
        name = state_name(state, tree)
        return Sight("READY" if refusal and name == "ERROR" else name, refusal, refusal)

    return await wait_for(call, look, StateWatch(rule, what, call.timeout or rule.deadline))


async def _ask(call: Call, method: str, *flags: Any) -> str:
    """Asks for the deletion; returns the platform's words when it is refused because the object is in use."""
    try:
        await call.cloud.rpc.call(method, call.number, *flags)
    except RpcError as error:
        if error.code == ErrorCode.NO_EXISTS:
            return ""
        if any(words in error.text.lower() for words in IN_USE):
            return error.text
        raise
    return ""


def state_name(states: type[IntEnum], tree: Tree) -> str:
    """The name of the object's state; an unknown number as text."""
    number = int(tree.get("STATE") or 0)
    names = {state.value: state.name for state in states}
    return names.get(number, str(number))
