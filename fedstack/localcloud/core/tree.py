"""Documents as nested dictionaries, and the two forms in which they leave: XML and the JSON that OneFlow makes of it.

A tree maps names to text, a tree, or a list of those (a repeated element). Members of TEMPLATE, USER_TEMPLATE and
MONITORING are written as CDATA, as the platform does; an empty text stays a text in JSON there, else it becomes {}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lxml import etree

from fedstack.localcloud.core.text import clean

Tree = dict[str, Any]

_WRAPPED = frozenset({"TEMPLATE", "USER_TEMPLATE", "MONITORING"})


def xml(root: str, tree: Mapping[str, Any]) -> str:
    """One document."""
    element = etree.Element(root)
    _fill(element, tree, wrapped=False)
    return etree.tostring(element, encoding="unicode")


def pool_xml(root: str, tag: str, trees: Iterable[Mapping[str, Any]], more: Mapping[str, Any] | None = None) -> str:
    """A pool: many documents of one tag, then elements that belong to the pool."""
    element = etree.Element(root)
    for tree in trees:
        _fill(etree.SubElement(element, tag), tree, wrapped=False)
    _fill(element, more or {}, wrapped=False)
    return etree.tostring(element, encoding="unicode")


def _fill(parent: Any, tree: Mapping[str, Any], *, wrapped: bool) -> None:
    for key, value in tree.items():
        for one in value if isinstance(value, list) else (value,):
            child = etree.SubElement(parent, key)
            if isinstance(one, Mapping):
                _fill(child, one, wrapped=wrapped or key in _WRAPPED)
            else:
                _write(child, str(one), wrapped)


def _write(element: Any, text: str, wrapped: bool) -> None:
    text = clean(text)
    if wrapped and "]]>" not in text:
        element.text = etree.CDATA(text)
    elif text:
        element.text = text


def as_json(tree: Mapping[str, Any], *, wrapped: bool = False) -> dict[str, Any]:
    """The same document as OneFlow and OneGate show it: texts, objects, and lists for repeated elements."""
    return {key: _json_value(key, value, wrapped) for key, value in tree.items() if value != []}


def _json_value(key: str, value: Any, wrapped: bool) -> Any:
    if isinstance(value, Mapping):
        return as_json(value, wrapped=wrapped or key in _WRAPPED)
    if isinstance(value, list):
        values = [_json_value(key, one, wrapped) for one in value]
        return values[0] if len(values) == 1 else values
    text = str(value)
    return text if text or wrapped else {}


def ids(numbers: Sequence[int]) -> Tree:
    """An element that contains ID elements."""
    return {"ID": [str(number) for number in numbers]} if numbers else {}
