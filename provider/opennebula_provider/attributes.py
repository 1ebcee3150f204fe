"""Properties to template attributes and back, by the `attr` of each field.

What the platform holds is compared by meaning: a declared value keeps its spelling while the platform's own text says
the same (`YES` for true, `0.50` for 0.5, another order where the order means nothing).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fedstack.opennebula.template import Attributes, Value, as_list

from .cloud import TAG
from .diffs import matched
from .rpc import Tree, each
from .shape import LABELS, Field, Fields, ListOf, MapOf, Shape, Type
from .values import Properties

LABELS_KEY = "labels"
"""Where Sunstone keeps the labels of a document: in its body."""
FREE = "attributes"
"""The property that carries attributes without a property of their own."""


def flat(value: Any) -> str:
    """A scalar as template text carries it."""
    if isinstance(value, bool):
        return "YES" if value else "NO"
    return str(value)


def upper(attributes: Mapping[str, Any] | None) -> dict[str, str]:
    """User attributes as the platform stores them: keys in capitals, values as texts."""
    return {key.upper(): flat(value) for key, value in (attributes or {}).items()}


def names(fields: Fields) -> dict[str, str]:
    """Attribute to property, of all fields that are one attribute."""
    return {one.attr: name for name, one in fields.items() if one.attr is not None}


def encode(fields: Fields, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of the inputs that are declared; free ones last."""
    typed = {attr: _encode(fields[name].type, inputs[name]) for attr, name in names(fields).items() if name in inputs}
    free = {key.upper(): _free(value) for key, value in inputs.get(FREE, {}).items()} if FREE in fields else {}
    return {**typed, **free}


def _encode(kind: Type, value: Any) -> Value | list[Value]:
    match kind:
        case ListOf(Shape(fields=fields)):
            return [_vector(fields, item) for item in value]
        case ListOf():
            return ",".join(flat(item) for item in value) if value else []
        case Shape(fields=fields):
            return _vector(fields, value)
        case MapOf():
            return upper(value)
        case _:
            return flat(value)


def _vector(fields: Fields, value: Mapping[str, Any]) -> dict[str, str]:
    return {key: text for key, text in encode(fields, value).items() if isinstance(text, str)}


def _free(value: Any) -> Value | list[Value]:
    """A free attribute: a scalar, an object as a vector, a list as repetition."""
    if isinstance(value, Mapping):
        return upper(value)
    if isinstance(value, list):
        return [upper(item) if isinstance(item, Mapping) else flat(item) for item in value]
    return flat(value)


def labels_text(inputs: Mapping[str, Any]) -> str | None:
    """The labels as documents carry them; None where none are declared."""
    return ",".join(inputs["labels"]) if "labels" in inputs else None


def seen_labels(known: Mapping[str, Any], body: Mapping[str, Any]) -> Properties:
    """The labels of a document's body."""
    return seen({"labels": LABELS}, known, {"LABELS": str(body.get(LABELS_KEY, ""))})


def present(attributes: Mapping[str, Any]) -> Attributes:
    """The attributes that say something: empty lists and vectors are the same as none."""
    return {key: value for key, value in attributes.items() if value not in (None, [], {})}


def seen(fields: Fields, known: Mapping[str, Any], template: Tree) -> Properties:
    """The properties as the platform has them, None for what it has not; `known` are those so far, empty on import."""
    found: Properties = {}
    for attr, name in names(fields).items():
        one = fields[name]
        if one.kept and known and name not in known:
            continue
        found[name] = _spelled(one, known.get(name), template.get(attr))
    return found


def _spelled(one: Field, declared: Any, actual: Any) -> Any:
    now = _decode(one, actual)
    if declared is None:
        return now
    same = _same(one, _decode(one, _encode(one.type, declared)), now)
    return declared if same else now


def _same(one: Field, declared: Any, actual: Any) -> bool:
    if one.key is None or not isinstance(declared, list) or not isinstance(actual, list):
        return bool(declared == actual)
    return len(declared) == len(actual) and None not in matched((), declared, actual)


def _decode(one: Field, actual: Any) -> Any:
    """A property from the platform's form; None where there is none."""
    match one.type:
        case ListOf(Shape(fields=fields)):
            return [_members(fields, item) for item in as_list(actual) if isinstance(item, Mapping)] or None
        case ListOf(item):
            return [_scalar(Field(item, ""), part.strip()) for part in str(actual or "").split(",") if part] or None
        case Shape(fields=fields):
            return _members(fields, actual) if isinstance(actual, Mapping) else None
        case MapOf():
            return dict(actual) if isinstance(actual, Mapping) else None
        case _:
            return _scalar(one, actual) if isinstance(actual, str) and actual else None


def _members(fields: Fields, vector: Mapping[str, str]) -> Properties:
    own = names(fields)
    typed = {own[key]: _decode(fields[own[key]], value) for key, value in vector.items() if key in own}
    rest = {key: value for key, value in vector.items() if key not in own} if FREE in fields else {}
    return {name: value for name, value in {**typed, FREE: rest or None}.items() if value is not None}


def _scalar(one: Field, text: str) -> Any:
    """A typed value; a text that is none of its type stays as it is, so that it shows."""
    try:
        match one.type:
            case "integer":
                return int(text)
            case "number":
                return number(text)
            case "boolean":
                return {"YES": True, "TRUE": True, "1": True, "NO": False, "FALSE": False, "0": False}[text.upper()]
    except (ValueError, KeyError):
        return text
    return next((choice for choice in one.choices if choice.upper() == text.upper()), text)


def number(text: Any) -> float:
    """A number as the platform writes it: whole ones as int."""
    value = float(text or 0)
    return int(value) if value.is_integer() else value


def seen_declared(declared: Mapping[str, Any] | None, template: Tree, own: Iterable[str]) -> Properties | None:
    """Free attributes of which only the declared ones count; on import (`declared` is None) all but `own`."""
    if declared is None:
        known = {*own, TAG}
        return {key: value for key, value in template.items() if key not in known and isinstance(value, str)} or None
    return {
        key: value if template[key.upper()] == flat(value) else template[key.upper()]
        for key, value in declared.items()
        if key.upper() in template
    }


def seen_all(declared: Mapping[str, Any], template: Tree, own: Iterable[str]) -> Properties | None:
    """Free attributes that all count, but for `own`; a declared one keeps its spelling while it means the same."""
    known, spelled = {*own, TAG}, {key.upper(): key for key in declared}
    found: Properties = {}
    for key, value in template.items():
        if key in known:
            continue
        name = spelled.get(key, key)
        same = name in declared and as_list(_free(declared[name])) == each(template, key)
        found[name] = declared[name] if same else value
    return found or None
