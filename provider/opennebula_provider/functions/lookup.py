"""Finding objects that exist already, by id or by name: exactly one, or one message that says what was asked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fedstack.opennebula.errors import ErrorCode

from ..attributes import seen
from ..cloud import Cloud
from ..errors import FlowError, ProviderError, RpcError
from ..ownership import rights
from ..reads import VISIBLE
from ..rpc import Tree, each, section
from ..shape import Field, Fields
from ..values import Properties


@dataclass(frozen=True)
class Kind:
    """A kind of object on the XML-RPC side: how messages name it, its id's property, its calls and its element."""

    word: str
    key: str
    call: str
    element: str
    filtered: bool = True

    @property
    def inputs(self) -> Fields:
        """What a look-up is given."""
        return id_or_name(self.word, self.key)


@dataclass(frozen=True)
class DocumentKind:
    """The same for documents of OneFlow, which live under `path`."""

    word: str
    key: str
    path: str

    @property
    def inputs(self) -> Fields:
        """What a look-up is given."""
        return id_or_name(self.word, self.key)


OWNERSHIP: Fields = {
    "owner": Field("string", "Name of the user who owns it.", required=True),
    "group": Field("string", "Name of the group that it belongs to.", required=True),
    "permissions": Field(
        "string", "Rights of owner, group and others in three octal digits, such as `640`.", required=True
    ),
}
NAME_PATTERN = Field("string", "Regular expression that the whole name has to match, such as `ubuntu-.*`.")


def id_or_name(word: str, key: str) -> Fields:
    """The inputs of a look-up."""
    return {
        key: Field("integer", f"Id of the {word}. Either this or `name`.", minimum=0),
        "name": Field("string", f"Name of the {word}, of which there must be exactly one. Either this or `{key}`."),
    }


def identity(kind: Kind | DocumentKind) -> Fields:
    """Id and name as outputs."""
    return {
        kind.key: Field("integer", f"Id of the {kind.word}.", required=True),
        "name": Field("string", f"Name of the {kind.word}.", required=True),
    }


async def pool(cloud: Cloud, kind: Kind) -> list[Tree]:
    """All objects of a kind that the user may see."""
    limits = VISIBLE if kind.filtered else ()
    return each(await cloud.rpc.info(f"{kind.call}pool.info", *limits), kind.element)


async def find_object(cloud: Cloud, kind: Kind, inputs: Properties) -> Tree:
    """The object with the id or the name in the inputs; raises ProviderError unless there is exactly one."""
    if "name" in inputs:
        return only(kind, inputs["name"], await pool(cloud, kind), cloud.endpoint)
    try:
        return await cloud.rpc.info(f"{kind.call}.info", inputs[kind.key])
    except RpcError as error:
        if error.code == ErrorCode.NO_EXISTS:
            raise ProviderError(_no_such_id(kind, inputs[kind.key], cloud.endpoint)) from error
        raise


async def find_document(cloud: Cloud, kind: DocumentKind, inputs: Properties) -> Properties:
    """The same for a OneFlow document."""
    if "name" in inputs:
        found = (await cloud.flow.get(kind.path)).get("DOCUMENT_POOL", {}).get("DOCUMENT", [])
        return only(kind, inputs["name"], found, cloud.flow.endpoint)
    try:
        document: Properties = (await cloud.flow.get(f"{kind.path}/{inputs[kind.key]}"))["DOCUMENT"]
    except FlowError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise ProviderError(_no_such_id(kind, inputs[kind.key], cloud.flow.endpoint)) from error
        raise
    return document


def _no_such_id(kind: Kind | DocumentKind, number: int, endpoint: str) -> str:
    return f"{kind.key} {number}: there is no {kind.word} with this id at {endpoint}"


def only(kind: Kind | DocumentKind, name: str, candidates: Sequence[Tree], endpoint: str) -> Tree:
    """The only candidate of that name; raises ProviderError with how many there are, and which."""
    found = [one for one in candidates if one.get("NAME") == name]
    if len(found) == 1:
        return found[0]
    asked = f"name {name!r}: expected exactly one {kind.word} of this name at {endpoint}, found {len(found)}"
    raise ProviderError(f"{asked}{_which(kind, found) if found else _near(name, candidates)}")


def _which(kind: Kind | DocumentKind, found: Sequence[Tree]) -> str:
    listed = ", ".join(f"{one['ID']} of {one.get('UNAME', 'unknown')}" for one in found)
    return f" ({listed}): say which with {kind.key}"


def _near(name: str, candidates: Sequence[Tree]) -> str:
    near = difflib.get_close_matches(name, [str(one.get("NAME", "")) for one in candidates], n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def named_like(inputs: Properties, found: Iterable[Tree]) -> list[Tree]:
    """Those whose whole name matches `namePattern`, all without one; raises ProviderError for a bad pattern."""
    text = inputs.get("namePattern", ".*")
    try:
        pattern = re.compile(text, re.DOTALL)
    except re.error as error:
        raise ProviderError(f"namePattern: must be a regular expression ({error}), got {text!r}") from error
    return [one for one in found if pattern.fullmatch(str(one.get("NAME", "")))]


def ownership(tree: Mapping[str, Any]) -> Properties:
    """The outputs of OWNERSHIP."""
    return {"owner": tree.get("UNAME", ""), "group": tree.get("GNAME", ""), "permissions": rights(dict(tree))}


def typed(fields: Fields) -> Fields:
    """The inputs of a resource that are attributes of its template, as outputs of a look-up."""
    return {name: Field(one.type, one.description, choices=one.choices) for name, one in fields.items() if one.attr}


def found_typed(fields: Fields, template: Tree) -> Properties:
    """Those outputs for a template; what it does not say is absent."""
    return {name: value for name, value in seen(fields, {}, template).items() if value is not None}


def numbers(tree: Tree, name: str) -> list[int]:
    """A list of ids, such as CLUSTERS."""
    return [int(one) for one in each(section(tree, name), "ID")]
