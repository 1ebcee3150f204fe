"""Judges the templates of files, or what an endpoint has."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fedstack.rules.catalogue import check
from fedstack.rules.config import Config
from fedstack.rules.lint import live
from fedstack.rules.lint.files import Found, UnreadableError, collect
from fedstack.rules.rule import Rule, RuleLevel, Violation


@dataclass(frozen=True)
class Remark:
    """A violation with the level that holds for it; `source` is a file, or an object of an endpoint (line 0)."""

    source: str
    line: int
    path: str
    rule: Rule
    level: RuleLevel
    message: str


@dataclass(frozen=True)
class Report:
    """All that was found: templates looked at, remarks by file and line, and files that could not be read."""

    templates: int
    remarks: tuple[Remark, ...]
    unreadable: tuple[UnreadableError, ...]

    @property
    def exit_code(self) -> int:
        """2 for an unreadable file, 1 for a violation of a mandatory rule, else 0."""
        if self.unreadable:
            return 2
        return 1 if any(remark.level is RuleLevel.MANDATORY for remark in self.remarks) else 0


def examine(paths: Iterable[Path], config: Config | None = None) -> Report:
    """Judges every template of files and directories."""
    chosen = config or Config()
    entries = list(collect(paths))
    found = [entry for entry in entries if isinstance(entry, Found)]
    remarks = [remark for each in found for remark in sorted(_in_file(each, chosen), key=lambda remark: remark.line)]
    unreadable = tuple(entry for entry in entries if isinstance(entry, UnreadableError))
    return Report(len(found), tuple(remarks), unreadable)


def examine_endpoint(config: Config | None = None) -> Report:
    """Judges every template and service of the environment's endpoint; raises OperationError."""
    chosen = config or Config()
    found = list(live.templates_and_services())
    remarks = [remark for each in found for remark in _on_endpoint(each, chosen)]
    return Report(len(found), tuple(remarks), ())


def _in_file(found: Found, config: Config) -> Iterator[Remark]:
    for violation in check(found.body, config.rules(), config.options, found.place):
        yield _remark(str(found.file), found.line(violation.path), violation, config)


def _on_endpoint(found: live.Live, config: Config) -> Iterator[Remark]:
    for violation in check(found.body, config.rules(), config.options, found.place):
        yield _remark(found.name, 0, violation, config)


def _remark(source: str, line: int, violation: Violation, config: Config) -> Remark:
    rule = violation.rule
    return Remark(source, line, violation.path, rule, config.level(rule), str(violation))
