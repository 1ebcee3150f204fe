"""Times of scheduled policies: `start_time` and five-field cron `recurrence` (reference 6.3, 6.20)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SEARCH_LIMIT = timedelta(days=366 * 8 + 2)
"""Far enough for 29 February across a century year that is none."""


class ScheduleError(ValueError):
    """A time or a recurrence that cannot be read; the message says the expected form."""


def parse_time(text: str) -> datetime:
    """The moment of a `start_time`: epoch seconds, ISO 8601 or RFC 2822 (UTC where no zone is given)."""
    for read in (_from_epoch, datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text.strip())
        except (ValueError, TypeError, OverflowError, OSError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    raise ScheduleError("must be a time such as 2030-01-31 08:00:00 or epoch seconds")


def _from_epoch(text: str) -> datetime:
    return datetime.fromtimestamp(int(text), UTC)


@dataclass(frozen=True)
class Recurrence:
    """A cron line as five sets of numbers; days are 0 (Sunday) to 6."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def matches(self, moment: datetime) -> bool:
        """Whether the minute of `moment` is one of the recurrence."""
        return (
            moment.minute in self.minutes
            and moment.hour in self.hours
            and moment.month in self.months
            and self._matches_day(moment)
        )

    def _matches_day(self, moment: datetime) -> bool:
        """Cron's rule: when both day fields are restricted, either may match."""
        day = moment.day in self.days
        weekday = (moment.weekday() + 1) % 7 in self.weekdays
        return (day and weekday) if self.any_day or self.any_weekday else (day or weekday)

    def next_after(self, moment: datetime) -> datetime | None:
        """The first matching minute after `moment`; None for a date that never comes (31 February)."""
        candidate = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = candidate + _SEARCH_LIMIT
        while candidate < end:
            if candidate.month not in self.months or not self._matches_day(candidate):
                candidate = candidate.replace(hour=0, minute=0) + timedelta(days=1)
            elif candidate.hour not in self.hours:
                candidate = candidate.replace(minute=0) + timedelta(hours=1)
            elif candidate.minute not in self.minutes:
                candidate += timedelta(minutes=1)
            else:
                return candidate
        return None


def parse_recurrence(text: str) -> Recurrence:
    """Reads `minute hour day month weekday`; raises ScheduleError naming the bad field."""
    fields = text.split()
    if len(fields) != 5:
        raise ScheduleError("must have five fields: minute hour day month weekday, such as `0 9 * * mon-fri`")
    minute, hour, day, month, weekday = fields
    return Recurrence(
        minutes=_field("minute", minute, 0, 59),
        hours=_field("hour", hour, 0, 23),
        days=_field("day", day, 1, 31),
        months=_field("month", month, 1, 12, _MONTHS, first=1),
        weekdays=frozenset(number % 7 for number in _field("weekday", weekday, 0, 7, _DAYS)),
        any_day=day.startswith("*"),
        any_weekday=weekday.startswith("*"),
    )


def _field(name: str, text: str, low: int, high: int, words: Sequence[str] = (), first: int = 0) -> frozenset[int]:
    numbers: set[int] = set()
    for part in text.lower().split(","):
        numbers.update(_range(name, part, low, high, {word: place + first for place, word in enumerate(words)}))
    return frozenset(numbers)


def _range(name: str, part: str, low: int, high: int, words: dict[str, int]) -> range:
    """One member of a field: `*`, `5`, `mon`, `1-5`, each with an optional `/step`."""
    match = re.fullmatch(r"(?:\*|(\w+)(?:-(\w+))?)(?:/([0-9]+))?", part)
    problem = ScheduleError(f"has an unreadable {name} field {part!r}: expected {low}-{high}")
    if not match:
        raise problem
    first, last, step = match.groups()
    start = low if first is None else _number(first, words)
    end = high if first is None or (last is None and step) else _number(last or first, words)
    if start is None or end is None or not low <= start <= end <= high or step == "0":
        raise problem
    return range(start, end + 1, int(step or 1))


def _number(text: str, words: dict[str, int]) -> int | None:
    return int(text) if text.isdigit() else words.get(text)
