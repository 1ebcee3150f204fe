"""Levels and options of an environment: the files of `policies/`, as Pulumi's `--policy-pack-config` reads them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fedstack.rules.catalogue import RULES
from fedstack.rules.rule import Rule, RuleLevel
from fedstack.rules.template import Options


class ConfigError(ValueError):
    """A file that is no configuration; the message names file, place, value and the expected form."""


@dataclass(frozen=True)
class Config:
    """What an environment says about rules, by id; the rest is as the catalogue has it."""

    levels: Mapping[str, RuleLevel] = field(default_factory=dict)
    options: Mapping[str, Options] = field(default_factory=dict)

    def level(self, rule: Rule) -> RuleLevel:
        """How a violation of a rule is taken here."""
        return self.levels.get(rule.id, rule.level)

    def rules(self) -> tuple[Rule, ...]:
        """The rules that are not disabled."""
        return tuple(rule for rule in RULES if self.level(rule) is not RuleLevel.DISABLED)


def read(file: Path) -> Config:
    """The configuration in a file: rule id to level, or to an object of `enforcementLevel` and options.

    Raises ConfigError.
    """
    try:
        raw = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{file}: expected JSON: {error}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{file}: expected an object of rules, got {type(raw).__name__}")
    rules = {rule.id: rule for rule in RULES}
    levels, options = {}, {}
    for name, value in raw.items():
        if name not in rules:
            raise ConfigError(f"{file}: {name}: expected the id of a rule, see docs/policies.md")
        values = dict(value) if isinstance(value, dict) else {"enforcementLevel": value}
        level = values.pop("enforcementLevel", rules[name].level.value)
        levels[name] = _level(f"{file}: {name}", level)
        options[name] = _options(f"{file}: {name}", rules[name], values)
    return Config(levels, options)


def _level(place: str, value: Any) -> RuleLevel:
    try:
        return RuleLevel(value)
    except ValueError:
        known = ", ".join(level.value for level in RuleLevel)
        raise ConfigError(f"{place}: enforcementLevel is {value!r}, expected one of {known}") from None


def _options(place: str, rule: Rule, values: Mapping[str, Any]) -> Options:
    known = {option.name: option for option in rule.options}
    for name, value in values.items():
        if name not in known:
            raise ConfigError(f"{place}: {name}: expected one of {', '.join(known) or 'no options'}")
        if known[name].read(value) != value:
            raise ConfigError(f"{place}: {name} is {value!r}, expected a value of type {known[name].kind}")
    return values
