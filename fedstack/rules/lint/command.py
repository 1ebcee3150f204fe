"""`fedstack lint`: its arguments, and what it prints. Light in imports: it is to be run on every save and commit."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from fedstack.rules import config as configuration
from fedstack.rules.lint.report import FORMATS
from fedstack.rules.lint.run import examine, examine_endpoint


def main(arguments: Sequence[str]) -> int:
    """Prints the report, and what could not be read to standard error.

    Returns 0, 1 on a mandatory violation, 2 on an unreadable file; raises SystemExit(2) on bad arguments, and
    OperationError when an endpoint cannot be read.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.live == bool(given.paths):
        parser.error("expected files or folders, or --live alone")
    try:
        chosen = configuration.read(given.config) if given.config else configuration.Config()
    except configuration.ConfigError as error:
        return _refuse(str(error))
    return _judge(given, chosen)


def _judge(given: Namespace, chosen: configuration.Config) -> int:
    report = examine_endpoint(chosen) if given.live else examine(given.paths, chosen)
    print(FORMATS[given.format](report))
    for error in report.unreadable:
        _refuse(str(error))
    return report.exit_code


def _refuse(message: str) -> int:
    print(f"fedstack: {message}", file=sys.stderr)
    return 2


def _parser() -> ArgumentParser:
    parser = ArgumentParser("fedstack lint", description="Judge OneFlow templates (JSON) by the policy rules.")
    parser.add_argument("paths", nargs="*", type=Path, metavar="FILE|DIR", help="templates, or folders of *.json")
    parser.add_argument(
        "--live", action="store_true", help="judge the templates and services of ONE_XMLRPC, ONEFLOW_URL, ONE_AUTH"
    )
    parser.add_argument("--format", choices=tuple(FORMATS), default="text", help="what is printed [text]")
    parser.add_argument("--config", type=Path, metavar="FILE", help="levels and options, e.g. policies/prod.json")
    return parser
