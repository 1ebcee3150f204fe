"""Resource properties as the policy engine hands them out, as plain data in which UNKNOWN marks what is not known yet.

The engine raises when an unknown value is read. Catching that field by field keeps a rule on known fields in force in
the first preview of a stack, where ids of other resources are unknown; caught once for the whole resource, a
mandatory violation would turn into a remark.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from pulumi_policy import PolicyResource
from pulumi_policy.proxy import UnknownValueError

from fedstack.oneflow.unknown import UNKNOWN
from fedstack.rules.lint import live
from fedstack.rules.properties import resource
from fedstack.rules.stack import KINDS, Stack

PREFIX = "opennebula:index:"


def plain(value: Any) -> Any:
    """Dicts, lists and scalars, whole numbers as int."""
    if isinstance(value, Mapping):
        return {key: _read(partial(value.__getitem__, key)) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_read(partial(value.__getitem__, index)) for index in range(len(value))]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _read(read: Callable[[], Any]) -> Any:
    try:
        return plain(read())
    except UnknownValueError:
        return UNKNOWN


def stack_body(resources: Iterable[PolicyResource]) -> dict[str, Any]:
    """All resources together, as rules on stacks read them.

    What exists where the stack goes is asked for only when something is referred to by number.
    """
    body: dict[str, Any] = {"resources": [_entry(each) for each in resources if _kind(each) in KINDS]}
    kinds = {kind for kind, _, _ in Stack.of(body).references()}
    return {**body, "target": live.existing(frozenset(kinds))} if kinds else body


def _kind(each: PolicyResource) -> str:
    return each.resource_type.removeprefix(PREFIX)


def _entry(each: PolicyResource) -> dict[str, Any]:
    needs = {key: [source.name for source in sources] for key, sources in each.property_dependencies.items()}
    return resource(_kind(each), each.name, plain(each.props), needs, bool(each.opts.protect))
