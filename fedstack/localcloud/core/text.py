"""Template text as clients send it: `KEY = "value"` or XML (reference 2.6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

from fedstack.opennebula.errors import ErrorCode, OneError
from fedstack.opennebula.template import Attributes, TemplateSyntaxError, Value, add, as_list, parse

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_NAME = re.compile(r"[A-Z_][A-Z0-9_-]*")

MAX_TEMPLATE = 1 << 19
"""Characters of a template, as it is sent and as it is stored."""


def clean(text: str) -> str:
    """The text without characters that no XML document can carry."""
    return _UNPRINTABLE.sub("", text)


def check_length(text: str) -> None:
    """Raises OneError INTERNAL for text that is longer than any template."""
    if len(text) > MAX_TEMPLATE:
        raise OneError(ErrorCode.INTERNAL, f"Parse error: a template is longer than {MAX_TEMPLATE} characters.")


def read(text: str) -> Attributes:
    """Template text of either syntax; raises OneError INTERNAL with the place of the mistake."""
    check_length(text)
    text = clean(text).strip()
    try:
        return _read_xml(text) if text.startswith("<") else parse(text)
    except (TemplateSyntaxError, etree.XMLSyntaxError) as error:
        raise OneError(ErrorCode.INTERNAL, f"Parse error: {error}.") from error


def _read_xml(text: str) -> Attributes:
    if "<!DOCTYPE" in text:
        raise OneError(ErrorCode.INTERNAL, "Parse error: document types are not accepted.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    attributes: Attributes = {}
    for child in etree.fromstring(text.encode(), parser):
        if isinstance(child.tag, str):
            add(attributes, _name(child), _xml_value(child))
    return attributes


def _name(element: Any) -> str:
    return name(element.tag.upper())


def name(key: str) -> str:
    """The key, if attributes may be called so; raises OneError INTERNAL."""
    if not _NAME.fullmatch(key):
        raise OneError(ErrorCode.INTERNAL, f"Parse error: {clean(key)[:64]!r} is no attribute name.")
    return key


def _xml_value(element: Any) -> Value:
    members = [child for child in element if isinstance(child.tag, str)]
    if not members:
        return element.text or ""
    return {_name(child): child.text or "" for child in members}


def scalar(attributes: Mapping[str, Value | list[Value]], key: str, default: str = "") -> str:
    """The text of a scalar attribute; the default when absent or a vector. Of several, the last."""
    values = [value for value in as_list(attributes.get(key)) if isinstance(value, str)]
    return values[-1] if values else default


def vectors(attributes: Mapping[str, Value | list[Value]], key: str) -> list[dict[str, str]]:
    """The vector occurrences of an attribute."""
    return [value for value in as_list(attributes.get(key)) if isinstance(value, dict)]


def vector(attributes: Mapping[str, Value | list[Value]], key: str) -> dict[str, str]:
    """The first vector of that name, empty when there is none."""
    return next(iter(vectors(attributes, key)), {})


def truth(text: str) -> bool:
    """YES, TRUE and 1 are true, as the platform reads booleans in templates."""
    return text.strip().upper() in {"YES", "TRUE", "1"}


def whole(attributes: Mapping[str, Value | list[Value]], key: str, default: int) -> int:
    """A whole number; raises OneError INTERNAL naming the attribute."""
    text = scalar(attributes, key)
    if not text:
        return default
    if not re.fullmatch(r"-?[0-9]{1,15}", text):
        raise OneError(ErrorCode.INTERNAL, f'Wrong value "{text}" for {key}: expected a whole number.')
    return int(text)
