"""Resource properties as the policy engine hands them out, as plain data in which UNKNOWN marks what is not known yet.

The engine raises when an unknown value is read. Catching that field by field keeps a rule on known fields in force in
the first preview of a stack, where ids of other resources are unknown; caught once for the whole resource, a
mandatory violation would turn into a remark.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pulumi_policy.proxy import UnknownValueError

from fedstack.oneflow.unknown import UNKNOWN


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
