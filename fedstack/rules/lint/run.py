"""Judges the templates of files."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fedstack.rules.catalogue import check
from fedstack.rules.config import Config
from fedstack.rules.lint.files import Found, UnreadableError, collect
from fedstack.rules.rule import Rule, RuleLevel


@dataclass(frozen=True)
class Remark:
    """A violation with its place in a file and the level that holds for it."""

    file: Path
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
    remarks = [remark for each in found for remark in sorted(_judge(each, chosen), key=lambda remark: remark.line)]
    unreadable = tuple(entry for entry in entries if isinstance(entry, UnreadableError))
    return Report(len(found), tuple(remarks), unreadable)


def _judge(found: Found, config: Config) -> Iterator[Remark]:
    for violation in check(found.body, config.rules(), config.options, found.place):
        yield Remark(
            file=found.file,
            line=found.line(violation.path),
            path=violation.path,
            rule=violation.rule,
            level=config.level(violation.rule),
            message=str(violation),
        )
