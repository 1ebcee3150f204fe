"""The text of a PUT: quoting, protected names (reference 7.4)."""

from __future__ import annotations

import re

PROTECTED = frozenset({"SCHED_REQUIREMENTS", "SERVICE_ID", "ROLE_NAME"})
_ATTRIBUTE = re.compile(r"^([^=\n]+)=(.*)$")


def quoted(text: str) -> str:
    """Quotes values that have none. An unquoted value ends at its first comma, and the rest is refused later on."""
    return "\n".join(_quoted_line(line) for line in text.splitlines())


def _quoted_line(line: str) -> str:
    match = _ATTRIBUTE.match(line)
    if match is None:
        return line
    key, value = match[1], match[2].strip()
    if value.startswith(('"', "[")):
        return f"{key}={value}"
    head, comma, tail = value.partition(",")
    escaped = head.replace('"', '\\"')
    return f'{key}="{escaped}"{comma}{tail}'


def protected_name(text: str) -> str | None:
    """The first protected name that a text would set; in XML, any element of such a name."""
    keys = [line.split("=", 1)[0].strip().upper() for line in re.split(r"[\n\r]", text) if "=" in line]
    elements = [name.upper() for name in re.findall(r"<\s*([A-Za-z_]+)", text)]
    return next((key for key in [*keys, *elements] if key in PROTECTED), None)
