"""What the linter prints: text for people, JSON for programs, SARIF 2.1.0 for code hosts."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from fedstack.rules.lint.files import UnreadableError
from fedstack.rules.lint.run import Remark, Report
from fedstack.rules.rule import Rule, RuleLevel


def as_text(report: Report) -> str:
    """A line for each remark, `file:line: level [rule] message`, and a last line with the numbers."""
    lines = [f"{_place(each)}: {each.level.value} [{each.rule.id}] {each.message}" for each in report.remarks]
    mandatory = sum(each.level is RuleLevel.MANDATORY for each in report.remarks)
    numbers = f"{report.templates} templates: {mandatory} mandatory, {len(report.remarks) - mandatory} advisory"
    return "\n".join([*lines, f"{numbers}, {len(report.unreadable)} unreadable files"])


def _place(each: Remark) -> str:
    return f"{each.source}:{each.line}" if each.line else each.source


def as_json(report: Report) -> str:
    """One object: templates, remarks, unreadable files."""
    content = {
        "templates": report.templates,
        "remarks": [_remark(each) for each in report.remarks],
        "unreadable": [_unreadable(each) for each in report.unreadable],
    }
    return json.dumps(content, indent=2)


def _remark(each: Remark) -> Mapping[str, Any]:
    return {
        "file": each.source,
        "line": each.line,
        "path": each.path,
        "rule": each.rule.id,
        "level": each.level.value,
        "message": each.message,
        "why": each.rule.why,
        "fix": each.rule.fix,
    }


def _unreadable(error: UnreadableError) -> Mapping[str, Any]:
    return {"file": str(error.file), "line": error.line, "message": error.message}


def as_sarif(report: Report) -> str:
    """A run of the tool with its rules; mandatory is an error, advisory a warning."""
    rules = list({each.rule.id: each.rule for each in report.remarks}.values())
    invocation = {
        "executionSuccessful": not report.unreadable,
        "toolExecutionNotifications": [_notification(each) for each in report.unreadable],
    }
    run = {
        "tool": {"driver": {"name": "fedstack", "rules": [_sarif_rule(rule) for rule in rules]}},
        "invocations": [invocation],
        "results": [_result(each, rules.index(each.rule)) for each in report.remarks],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2)


def _sarif_rule(rule: Rule) -> Mapping[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.fix},
        "defaultConfiguration": {"level": _sarif_level(rule.level)},
    }


def _result(each: Remark, index: int) -> Mapping[str, Any]:
    return {
        "ruleId": each.rule.id,
        "ruleIndex": index,
        "level": _sarif_level(each.level),
        "message": {"text": each.message},
        "locations": [_remark_location(each)],
    }


def _remark_location(each: Remark) -> Mapping[str, Any]:
    """A line of a file; an object of an endpoint is a logical location."""
    if each.line:
        return _location(each.source, each.line)
    return {"logicalLocations": [{"name": each.source, "fullyQualifiedName": f"{each.source}: {each.path}"}]}


def _notification(error: UnreadableError) -> Mapping[str, Any]:
    location = _location(error.file.as_posix(), max(error.line, 1))
    return {"level": "error", "message": {"text": error.message}, "locations": [location]}


def _location(uri: str, line: int) -> Mapping[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}


def _sarif_level(level: RuleLevel) -> str:
    return {RuleLevel.MANDATORY: "error", RuleLevel.ADVISORY: "warning", RuleLevel.DISABLED: "none"}[level]


FORMATS: Mapping[str, Callable[[Report], str]] = {"text": as_text, "json": as_json, "sarif": as_sarif}
"""Format name to what prints it."""
