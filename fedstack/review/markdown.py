"""The report as Markdown, for a comment on a pull request: one that is edited in place, found by its first line."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from fedstack.review import meaning, sizes
from fedstack.review.events import UNKNOWN, Change, Operation, Outcome, PolicyViolation, PropertyChange
from fedstack.review.paths import MISSING
from fedstack.rules import RULES

LIMIT = 60_000
"""Characters of a report: GitHub refuses comments of more than 65,536."""
SHOWN = 80
"""Characters of a value in a table."""
VERBS = {
    Operation.CREATE: "to create",
    Operation.UPDATE: "to update",
    Operation.REPLACE: "to replace",
    Operation.DELETE: "to delete",
    Operation.IMPORT: "to import",
    Operation.SAME: "unchanged",
}
WEIGHT = (
    Operation.REPLACE,
    Operation.DELETE,
    Operation.UPDATE,
    Operation.IMPORT,
    Operation.CREATE,
)
"""The order of changes in a report."""
FIXES = {rule.id: rule.fix for rule in RULES}


def marker(kind: str, stack: str) -> str:
    """The first line of every report of a stack, the same for ever: how its comment is found again."""
    return f"<!-- fedstack:{kind} stack={stack} -->"


def preview_report(stack: str, outcome: Outcome, diff: str) -> str:
    """The report on a preview; `diff` is Pulumi's own text."""
    changes = sorted(outcome.differing, key=_weight)
    parts = [
        marker("preview-report", stack),
        f"## Preview of stack `{stack}`: {verdict(outcome)}",
        _headline(outcome),
        _errors(outcome.errors),
        _policies(outcome.violations),
        _changes(changes),
        _sizes(outcome.changes),
    ]
    return _joined(parts, diff)


def drift_report(stack: str, outcome: Outcome, diff: str) -> str:
    """The report on a refresh: what the cloud has that the state does not know."""
    changes = [change for change in outcome.differing if change.custom]
    found = (
        "no drift" if not changes else f"{len(changes)} {'object differs' if len(changes) == 1 else 'objects differ'}"
    )
    parts = [
        marker("drift", stack),
        f"## Drift of stack `{stack}`: {found if outcome.complete else 'could not be read'}",
        "`pulumi up --refresh` brings back what the program declares." if changes else "",
        _errors(outcome.errors),
        _drift(changes),
    ]
    return _joined(parts, diff if changes else "")


def verdict(outcome: Outcome) -> str:
    """Two or three words."""
    if outcome.blocked:
        return "blocked by policy"
    if outcome.errors or not outcome.complete:
        return "failed"
    restarts = meaning.restarts(outcome)
    if restarts:
        return "1 running VM restarts or ends" if restarts == 1 else f"{restarts} running VMs restart or end"
    return "nothing that runs is touched" if outcome.differing else "no changes"


def _headline(outcome: Outcome) -> str:
    objects = [change for change in outcome.changes if change.custom]
    counts = [
        f"{number} {verb}"
        for operation, verb in VERBS.items()
        if (number := sum(change.operation is operation for change in objects))
    ]
    found = {level: sum(each.level == level for each in outcome.violations) for level in ("mandatory", "advisory")}
    violations = ", ".join(f"{number} {level}" for level, number in found.items() if number) or "none"
    return f"**Objects:** {', '.join(counts) or 'none'}. **Policy violations:** {violations}."


def _errors(errors: Sequence[str]) -> str:
    return "\n\n".join(["### Errors", *(_fenced(error) for error in errors)]) if errors else ""


def _policies(violations: Iterable[PolicyViolation]) -> str:
    ordered = sorted(violations, key=lambda each: (each.level != "mandatory", each.policy, each.urn))
    if not ordered:
        return ""
    lines = [
        "### Policies",
        "",
        "| level | rule | object | what is wrong | fix |",
        "|---|---|---|---|---|",
    ]
    for each in ordered:
        cells = (each.level, f"`{each.policy}`", each.urn.rpartition("::")[2], _said(each), FIXES.get(each.policy, ""))
        lines.append("| " + " | ".join(_cell(text) for text in cells) + " |")
    return "\n".join(lines)


def _said(violation: PolicyViolation) -> str:
    """What the rule found and why that matters; the fix has a column of its own."""
    lines = [line.strip() for line in violation.message.splitlines() if line.strip()]
    return " ".join(lines[1:] or lines).partition(" Fix: ")[0]


def _changes(changes: Sequence[Change]) -> str:
    return "\n\n".join(["### Changes", *(_change(change) for change in changes)]) if changes else ""


def _weight(change: Change) -> tuple[int, str, str]:
    """What hurts comes first; otherwise the same order every time."""
    return WEIGHT.index(change.operation), change.type, change.name


def _change(change: Change) -> str:
    kind = change.type.rpartition(":")[2]
    protected = " (protected)" if change.protected else ""
    title = f"**{change.operation}** {kind} `{change.name}`{protected}: {meaning.explain(change).text}"
    return title + (f"\n\n{_properties(change)}" if change.properties else "")


def _properties(change: Change) -> str:
    lines = ["| property | before | after | forces replacement |", "|---|---|---|---|"]
    lines += [_property(each) for each in change.properties]
    return "\n".join(lines)


def _property(change: PropertyChange) -> str:
    forces = "yes" if change.replaces else "no"
    return f"| `{change.path}` | {shown(change.before)} | {shown(change.after)} | {forces} |"


def _drift(changes: Sequence[Change]) -> str:
    parts = []
    for change in changes:
        title = f"**{change.type.rpartition(':')[2]}** `{change.name}`"
        if change.operation is Operation.DELETE:
            parts.append(f"{title}: is gone from the cloud")
            continue
        rows = [f"| `{each.path}` | {shown(each.before)} | {shown(each.after)} |" for each in change.properties]
        parts.append("\n".join([f"{title}:", "", "| property | in the state | in the cloud |", "|---|---|---|", *rows]))
    return "\n\n".join(parts)


def _sizes(changes: Sequence[Change]) -> str:
    rows = sizes.rows(changes)
    if not rows:
        return ""
    before, after = sizes.total(row.before for row in rows), sizes.total(row.after for row in rows)
    lines = ["### Size", "", "| role | VMs | CPU | memory (MB) |", "|---|---|---|---|"]
    lines += [_size(row.name, row.before, row.after) for row in rows]
    if len(rows) > 1:
        lines.append(_size("**total**", before, after))
    return "\n".join(lines)


def _size(name: str, before: sizes.Size, after: sizes.Size) -> str:
    cells = (
        name,
        _pair(str(before.vms), str(after.vms)),
        _pair(_or_unknown(f"{before.cpu:g}", before), _or_unknown(f"{after.cpu:g}", after)),
        _pair(_or_unknown(str(before.memory_mb), before), _or_unknown(str(after.memory_mb), after)),
    )
    return f"| {' | '.join(cells)} |"


def _pair(before: str, after: str) -> str:
    return before if before == after else f"{before} → **{after}**"


def _or_unknown(text: str, size: sizes.Size) -> str:
    return text if size.complete else "unknown"


def shown(something: Any) -> str:
    """A value in a table: `-` where there is none; one line of at most SHOWN characters."""
    if something is MISSING:
        return "-"
    if something == UNKNOWN:
        return "*known after the update*"
    text = something if isinstance(something, str) else json.dumps(something, ensure_ascii=False).replace(UNKNOWN, "?")
    if not text:
        return '""'
    return _code(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")


def _code(text: str) -> str:
    quote = "``" if "`" in text else "`"
    return f"{quote}{_cell(text)}{quote}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _fenced(text: str, language: str = "") -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"


def _joined(parts: Sequence[str], diff: str) -> str:
    body = "\n\n".join(part for part in parts if part)
    text = diff.strip("\n")
    if not text:
        return f"{body}\n"
    room = max(LIMIT - len(body), 1_000)
    if len(text) > room:
        text = f"{text[:room]}\n... cut here: run `pulumi preview --diff` for the rest"
    return f"{body}\n\n<details><summary>Full diff</summary>\n\n{_fenced(text, 'diff')}\n\n</details>\n"
