"""What images, networks, groups, templates and machines share on the XML-RPC side: an owner, a template, one life."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from enum import IntEnum
from typing import Any, ClassVar

from fedstack.opennebula.errors import ErrorCode
from fedstack.opennebula.template import to_text

from .attributes import FREE, encode, names, present, seen, seen_declared, upper
from .awaits import GONE, Outcome, Sight, StateWatch
from .cloud import TAG
from .diffs import Difference
from .errors import ProviderError, RpcError
from .ownership import in_pool, known_group, own, seen_ownership
from .resource import Call, Made, Resource, adopted, folded, row, settled, wait_for
from .rpc import Tree, section
from .values import Properties

IN_USE = ("in use", "has leases", "is being used", "has vms using it")
"""What the platform says when an object cannot be deleted yet (reference 2.10)."""
REPLACE, APPEND = 0, 1
"""Types of `*.update` (reference 2.4)."""


class PoolObject(Resource):
    """An object of a pool. Its typed inputs with an `attr` and its free attributes live in its template."""

    kind: ClassVar[str]
    """The word in its calls, such as `image` in `one.image.info`."""
    word: ClassVar[str]
    """How messages name it."""
    states: ClassVar[type[IntEnum]]
    place: ClassVar[str] = "TEMPLATE"
    """The section of its document with the attributes that `*.update` writes."""
    server_keys: ClassVar[frozenset[str]] = frozenset()
    """Further attributes there that are not the user's own."""
    later: ClassVar[frozenset[str]] = frozenset({"group", "permissions"})
    """Inputs that the call which makes the object does not take."""

    @abstractmethod
    async def allocate(self, call: Call) -> int:
        """Makes the object; returns its id."""

    @abstractmethod
    def outputs(self, call: Call, tree: Tree) -> Properties:
        """The outputs for a document of the object, without the endpoint."""

    def seen(self, known: Properties, tree: Tree) -> Properties:
        """Inputs as they are that are no attributes of the template; `known` are those so far, empty on import."""
        del known, tree
        return {}

    async def change(self, call: Call, difference: Difference) -> None:
        """What an update does beyond name, group, rights and attributes."""

    async def create(self, call: Call) -> Made:
        """Makes the object, or adopts the one that a creation which was cut off left."""
        await known_group(call)
        found = await call.cloud.find(self.kind, call.inputs["name"], call.tag)
        if found is not None and (made := await adopted(self, call, found)):
            return made
        call.id = str(await self.allocate(call))
        fresh = replace(call, old=await self.begun(call))
        difference = self.diff(fresh)
        await own(fresh, difference, in_pool(call, self.kind))
        await self.change(fresh, difference)
        return await self.finish(call)

    async def begun(self, call: Call) -> Properties:
        """The inputs that a new object has at once; the others are set like those of an update."""
        return {name: value for name, value in call.inputs.items() if name not in self.later}

    async def read(self, call: Call) -> Made | None:
        """The object as it is."""
        tree = await self.tree(call)
        return None if tree is None else self.made(call, tree)

    async def update(self, call: Call) -> Made:
        """Name, group, rights and attributes, then what is special to the object."""
        difference = self.diff(call)
        await own(call, difference, in_pool(call, self.kind))
        if difference.touches(FREE, *names(self.definition.inputs).values()):
            await self.rewrite(call)
        await self.change(call, difference)
        return await self.finish(call)

    async def delete(self, call: Call) -> None:
        """Deletes the object and waits until it is gone; one that is in use is tried again until the deadline."""
        outcome = await self.removed(call)
        if outcome.message:
            raise ProviderError(outcome.message)

    async def tree(self, call: Call) -> Tree | None:
        """The object's document, None when it is gone."""
        return await call.cloud.reads.one(self.kind, call.number)

    def what(self, call: Call) -> str:
        """How messages name this one."""
        return f"{self.word} {call.inputs.get('name', '')!r} ({call.id})"

    def made(self, call: Call, tree: Tree) -> Made:
        """The object as a document of it says."""
        known, fields = call.inputs, self.definition.inputs
        template = section(tree, self.place)
        found = {
            "name": tree["NAME"],
            **seen(fields, known, template),
            FREE: self.seen_free(known, template),
            **seen_ownership(known, tree),
            **self.seen(known, tree),
        }
        inputs = folded(known, found)
        outputs = {**self.outputs(call, tree), "endpoint": call.cloud.endpoint}
        return Made(call.id, {**inputs, **outputs}, inputs)

    def seen_free(self, known: Properties, template: Tree) -> Properties | None:
        """The free attributes: those that are declared, on import all that are the user's."""
        declared = known.get(FREE, {}) if known else None
        return seen_declared(declared, template, {*self.server_keys, *names(self.definition.inputs)}) or None

    async def finish(self, call: Call) -> Made:
        """The object after it was written."""
        made = await self.read(call)
        if made is None:
            raise ProviderError(f"{self.what(call)} was deleted while it was being written")
        return await settled(self, call, made)

    async def rewrite(self, call: Call) -> None:
        """Writes the attributes. The whole text is only replaced where one has to go: others may write beside us."""
        stored = section(await self.tree(call) or {}, self.place)
        wanted = self.wanted(call)
        removed = self.owned(call, stored) & stored.keys() - wanted.keys()
        kept = {key: value for key, value in stored.items() if key not in removed} if removed else {}
        text = to_text({**kept, **wanted})
        await call.cloud.rpc.call(f"{self.kind}.update", call.number, text, REPLACE if removed else APPEND)

    def wanted(self, call: Call) -> dict[str, Any]:
        """The declared attributes, with the tag."""
        tag = {TAG: call.tag} if call.tag else {}
        return {**present(encode(self.definition.inputs, call.inputs)), **tag}

    def owned(self, call: Call, stored: Mapping[str, Any]) -> set[str]:
        """Attributes that the inputs decide about, so that they go when they are not declared any more."""
        del stored
        fields = self.definition.inputs
        typed = {
            attr
            for attr, name in names(fields).items()
            if not fields[name].kept or name in call.inputs or name in call.old
        }
        return typed | upper(call.old.get(FREE)).keys()

    def text(self, call: Call, attributes: Mapping[str, Any]) -> str:
        """Template text of a new object."""
        return to_text({**present(attributes), **self.wanted(call)})

    async def removed(self, call: Call, *flags: Any) -> Outcome:
        """Asks for the deletion until it is accepted, and waits; its users (ending machines) need a moment."""
        asked = False

        async def look() -> Sight:
            nonlocal asked
            refusal = ""
            if not asked:
                refusal = await ask(call, f"{self.kind}.delete", call.number, *flags)
                asked = not refusal
            tree = await call.cloud.reads.one(self.kind, call.number)
            if tree is None:
                return Sight(GONE)
            name = state_name(self.states, tree)
            return Sight("READY" if refusal and name == "ERROR" else name, refusal, refusal)

        rule = row(self, "delete")
        return await wait_for(call, look, StateWatch(rule, f"{self.word} {call.id}", call.timeout or rule.deadline))


async def info(call: Call, kind: str) -> Tree | None:
    """The whole document of an object by itself, None when it is gone."""
    try:
        return await call.cloud.rpc.info(f"{kind}.info", call.number)
    except RpcError as error:
        if error.code == ErrorCode.NO_EXISTS:
            return None
        raise


async def ask(call: Call, method: str, *params: Any) -> str:
    """Asks for a deletion; returns the platform's words when it is refused because the object is in use."""
    try:
        await call.cloud.rpc.call(method, *params)
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
    found = {state.value: state.name for state in states}
    return found.get(number, str(number))
