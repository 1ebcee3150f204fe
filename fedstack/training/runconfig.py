"""Run-config values from a stack and from ``--set key=value``, typed by what the app declares."""

import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from fedstack.training.app import App
from fedstack.training.errors import bad_input
from fedstack.training.toml import Value, literal

EXPECTED = {bool: "true or false", int: "an integer", float: "a number", str: "a text"}
STACK = "the stack's run config"
SETTING = "--set"


def parse_settings(settings: Iterable[str]) -> dict[str, str]:
    """Split ``key=value`` pairs; the last one of a key wins.

    Raises:
        TrainingError: (exit code 2) no ``=``, no key, or not UTF-8.
    """
    values: dict[str, str] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip() or any("\ud800" <= sign <= "\udfff" for sign in setting):
            raise bad_input(f"{SETTING} {setting!r}: expected key=value, such as num-server-rounds=5")
        values[key.strip()] = text.strip()
    return values


def for_app(app: App, stack: Mapping[str, str], settings: Mapping[str, str]) -> tuple[dict[str, Value], list[str]]:
    """Return the overrides to submit, and the stack's keys that this app does not declare (left out).

    A stack's run config serves any app, so its unknown keys are dropped; a user's setting must be known. Settings win.

    Raises:
        TrainingError: (exit code 2) an unknown setting, or a value of another type than the app's default.
    """
    for key in settings:
        if key not in app.defaults:
            raise bad_input(_unknown(key, settings[key], app))
    overrides = {key: typed(key, stack[key], app.defaults[key], STACK) for key in stack if key in app.defaults}
    overrides |= {key: typed(key, text, app.defaults[key], SETTING) for key, text in settings.items()}
    return overrides, [key for key in stack if key not in app.defaults]


def typed(key: str, text: str, default: Value, place: str) -> Value:
    """Read ``text`` as TOML in the type of ``default``: an integer is a number too, a text needs no quotes.

    Raises:
        TrainingError: (exit code 2) it has another type.
    """
    value, kind = _toml_value(text), type(default)
    if type(value) is kind:
        return value
    if kind is float and type(value) is int:
        return float(value)
    if kind is str:
        return text
    raise bad_input(f"{place}: {key}={text}: expected {EXPECTED[kind]}, such as {literal(default)}")


def _toml_value(text: str) -> Value | None:
    """Return the one simple TOML value that the text is, or None."""
    try:
        document = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return None
    value = document["value"]
    return value if len(document) == 1 and isinstance(value, bool | int | float | str) else None


def _unknown(key: str, text: str, app: App) -> str:
    near = get_close_matches(key, app.defaults, n=1)
    hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(sorted(app.defaults)) or '(none)'}"
    return f"{SETTING} {key}={text}: the app {app.name} declares no such run-config key; {hint}"
