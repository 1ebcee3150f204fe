"""The linter: the rules on files of templates. `fedstack lint` is its command line."""

from fedstack.rules.lint.files import UnreadableError
from fedstack.rules.lint.report import FORMATS
from fedstack.rules.lint.run import Remark, Report, examine

__all__ = ["FORMATS", "Remark", "Report", "UnreadableError", "examine"]
