"""Documents as nested dictionaries, and the two forms in which they leave: XML and the JSON that OneFlow makes of it.

A tree maps names to text, a tree, or a list of those (a repeated element). Members of TEMPLATE, USER_TEMPLATE and
MONITORING are written as CDATA, as the platform does; an empty text stays a text in JSON there, else it becomes {}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

from fedstack.localcloud.core.text import clean

Tree = dict[str, Any]

_WRAPPED = frozenset({"TEMPLATE", "USER_TEMPLATE", "MONITORING"})
_LINE_END = {"\r": "&#13;"}
_SHORT = 64
"""Shorter texts are kept once they are escaped."""


def xml(root: str, tree: Mapping[str, Any]) -> str:
    """One document."""
    parts: list[str] = []
    _element(parts, root, tree, wrapped=False)
    return "".join(parts)


def pool_xml(root: str, tag: str, trees: Iterable[Mapping[str, Any]], more: Mapping[str, Any] | None = None) -> str:
    """A pool: many documents of one tag, then elements that belong to the pool."""
    return pool_of(root, (xml(tag, tree) for tree in trees), more)


def pool_of(root: str, documents: Iterable[str], more: Mapping[str, Any] | None = None) -> str:
    """A pool of documents that are XML already."""
    parts = list(documents)
    _fill(parts, more or {}, wrapped=False)
    return f"<{root}>{''.join(parts)}</{root}>" if parts else f"<{root}/>"


def _element(parts: list[str], key: str, value: Any, *, wrapped: bool) -> None:
    """One element. Written as text: pools of a thousand machines have a hundred thousand elements."""
    if not isinstance(value, dict):
        parts.append(_leaf(key, str(value), wrapped))
    elif value:
        parts.append(f"<{key}>")
        _fill(parts, value, wrapped=wrapped or key in _WRAPPED)
        parts.append(f"</{key}>")
    else:
        parts.append(f"<{key}/>")


def _fill(parts: list[str], tree: Mapping[str, Any], *, wrapped: bool) -> None:
    for key, value in tree.items():
        if isinstance(value, str) and len(value) < _SHORT:
            parts.append(_short_leaf(key, value, wrapped))
        elif isinstance(value, list):
            for one in value:
                _element(parts, key, one, wrapped=wrapped)
        else:
            _element(parts, key, value, wrapped=wrapped)


@lru_cache(maxsize=8192)
def _short_leaf(key: str, text: str, wrapped: bool) -> str:
    """Most leaves are the same in all machines."""
    return _leaf(key, text, wrapped)


def _leaf(key: str, text: str, wrapped: bool) -> str:
    text = clean(text)
    if wrapped and "]]>" not in text and "\r" not in text:
        return f"<{key}><![CDATA[{text}]]></{key}>"
    if not text:
        return f"<{key}/>"
    return f"<{key}>{escape(text, _LINE_END)}</{key}>"


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
