"""Forms of values: the USER_INPUT type, what is accepted, and how the expected form is told to users."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath


class InputType(Enum):
    """The types of USER_INPUT strings that occur here."""

    TEXT = "text"
    TEXT64 = "text64"
    NUMBER = "number"
    FLOAT = "number-float"
    LIST = "list"
    BOOLEAN = "boolean"
    FIXED = "fixed"


@dataclass(frozen=True)
class Form:
    """`expected` completes the sentence "expected ..."."""

    type: InputType
    expected: str
    accepts: Callable[[str], bool]
    options: tuple[str, ...] = ()
    material: bool = False
    """The form looks inside base64: at boot that is the business of the TLS step, with its own error code."""
    any_case: bool = False
    """`yes` is as good as `YES`."""


def text(pattern: str = r"(?s:.+)", expected: str = "any text") -> Form:
    """Text that matches a regular expression as a whole."""
    compiled = re.compile(pattern)
    return Form(InputType.TEXT, expected, lambda value: compiled.fullmatch(value) is not None)


def number(low: int, high: int | None = None, *, without: Sequence[int] = ()) -> Form:
    """An integer without sign, within bounds, and none of `without`."""
    upper = f" and at most {high}" if high is not None else ""
    other = f", other than {', '.join(map(str, without))}" if without else ""

    def accepts(value: str) -> bool:
        if not re.fullmatch(r"[0-9]{1,18}", value):
            return False
        integer = int(value)
        return low <= integer and (high is None or integer <= high) and integer not in without

    return Form(InputType.NUMBER, f"an integer of at least {low}{upper}{other}", accepts)


def decimal(expected: str, within: Callable[[float], bool]) -> Form:
    """A number without sign and exponent that satisfies a condition."""

    def accepts(value: str) -> bool:
        return re.fullmatch(r"[0-9]*\.?[0-9]+", value) is not None and within(float(value))

    return Form(InputType.FLOAT, expected, accepts)


def choice(options: tuple[str, ...]) -> Form:
    """Exactly one of the options."""
    return Form(InputType.LIST, f"one of {', '.join(options)}", lambda value: value in options, options)


def boolean(*, any_case: bool = False) -> Form:
    """YES or NO."""

    def accepts(value: str) -> bool:
        return (value.upper() if any_case else value) in ("YES", "NO")

    return Form(InputType.BOOLEAN, "YES or NO", accepts, any_case=any_case)


def fixed(value: str) -> Form:
    """One value only: the other side of the contract depends on it."""
    return Form(InputType.FIXED, value, lambda given: given == value)


def given() -> Form:
    """Whatever the user or the platform puts there; never a user input."""
    return Form(InputType.FIXED, "any text", lambda value: bool(value))


def pem(kind: str) -> Form:
    """Base64 of PEM text with a block of a kind (CERTIFICATE, PRIVATE KEY)."""
    block = re.compile(rb"-----BEGIN [A-Z ]*" + kind.encode() + rb"-----")

    def accepts(value: str) -> bool:
        try:
            return block.search(base64.b64decode(value, validate=True)) is not None
        except (binascii.Error, ValueError):
            return False

    return Form(InputType.TEXT64, f"base64 of a PEM {kind.lower()}", accepts, material=True)


def _is_host_and_port(value: str) -> bool:
    match = re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?:([0-9]{1,5})", value)
    return match is not None and 1 <= int(match.group(1)) <= 65535


HOST_AND_PORT = Form(InputType.TEXT, "host:port with a port from 1 to 65535", _is_host_and_port)


def _is_path(value: str) -> bool:
    return re.fullmatch(r"\S+", value) is not None and ".." not in PurePosixPath(value).parts


PATH = Form(InputType.TEXT, "a path without blanks and without ..", _is_path)

RELATIVE_PATH = Form(
    InputType.TEXT,
    "a path relative to /app, without blanks and without ..",
    lambda value: _is_path(value) and not value.startswith("/"),
)

VERSION = text(r"[0-9]+\.[0-9]+\.[0-9]+", "a version X.Y.Z such as 1.36.0")

NODE_CONFIG = text(
    r"\s*[a-zA-Z0-9_-]+=[^\s]+(\s+[a-zA-Z0-9_-]+=[^\s]+)*\s*",
    "key=value pairs separated by spaces, such as partition-id=0 num-partitions=2",
)

SUBJECT_NAMES = text(
    r"(IP:[0-9.]+|DNS:[a-zA-Z0-9.-]+)(,(IP:[0-9.]+|DNS:[a-zA-Z0-9.-]+))*",
    "a comma list of IP:<address> and DNS:<name>",
)

DEVICES = text(r"all|[0-9]+(,[0-9]+)*", "all or device numbers such as 0,1")
