"""The catalogue as Markdown, for docs/policies.md: a section a rule, then the anti-patterns without a static rule."""

import json
from collections.abc import Iterator

from fedstack.rules.by_design import BY_DESIGN
from fedstack.rules.catalogue import RULES
from fedstack.rules.rule import Option, Rule


def sections() -> str:
    """Everything between the markers of the document."""
    parts = [_overview(), *(_section(rule) for rule in RULES), _without_rule()]
    return "\n\n".join(parts)


def _overview() -> str:
    rows = [f"| [{rule.id}](#{rule.id}) | {rule.level.value} | {_places(rule)} | {rule.title} |" for rule in RULES]
    return "\n".join(["| rule | level | judges | what is asked |", "| --- | --- | --- | --- |", *rows])


def _section(rule: Rule) -> str:
    return "\n".join(_lines(rule)).replace("<", "&lt;")


def _lines(rule: Rule) -> Iterator[str]:
    yield from (f"### {rule.id}", "", f"{rule.title}.", "")
    yield f"- Level: {rule.level.value}"
    yield f"- Judges: {_places(rule)}"
    if rule.antipatterns:
        yield f"- Anti-patterns: {', '.join(rule.antipatterns)}"
    if rule.source:
        yield f"- Comes from: {rule.source}"
    yield f"- Why: {rule.why}"
    yield f"- Fix: {rule.fix}"
    yield from (_option(option) for option in rule.options)


def _option(option: Option) -> str:
    default = "empty" if option.default == "" else f"`{json.dumps(option.default)}`"
    return f"- Option `{option.name}` ({option.kind}, default {default}): {option.description}"


def _places(rule: Rule) -> str:
    return ", ".join(place.value for place in rule.places)


def _without_rule() -> str:
    intro = "No template shows these; this is what keeps a federation clear of them."
    lines = ["### Without a static rule", "", intro, ""]
    rows = [f"| {each.antipattern} | {each.title}. {each.why} | {each.covered} |" for each in BY_DESIGN]
    return "\n".join([*lines, "| anti-pattern | what goes wrong | covered by |", "| --- | --- | --- |", *rows])
