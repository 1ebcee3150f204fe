"""Times of scheduled policies."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedstack.oneflow.schedule import ScheduleError, parse_recurrence, parse_time

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1704067200", MONDAY),
        ("2024-01-01 00:00:00", MONDAY),
        ("2024-01-01T01:00:00+01:00", MONDAY),
        ("Mon, 01 Jan 2024 00:00:00 GMT", MONDAY),
    ],
)
def test_times(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment


@pytest.mark.parametrize("text", ["soon", "", "2024-13-01", "9" * 30])
def test_bad_times(text: str) -> None:
    with pytest.raises(ScheduleError, match="must be"):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("0 9 * * mon,tue,wed,thu,fri", MONDAY, datetime(2024, 1, 1, 9, tzinfo=UTC)),
        ("0 9 * * 1-5", datetime(2024, 1, 5, 9, tzinfo=UTC), datetime(2024, 1, 8, 9, tzinfo=UTC)),
        ("*/15 * * * *", MONDAY, datetime(2024, 1, 1, 0, 15, tzinfo=UTC)),
        ("5/20 3 * * *", MONDAY, datetime(2024, 1, 1, 3, 5, tzinfo=UTC)),
        ("0 0 29 2 *", MONDAY, datetime(2024, 2, 29, tzinfo=UTC)),
        ("0 0 29 feb *", datetime(2024, 3, 1, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC)),
        ("0 0 13 * 7", MONDAY, datetime(2024, 1, 7, tzinfo=UTC)),
        ("0 0 13 * fri", MONDAY, datetime(2024, 1, 5, tzinfo=UTC)),
        ("0 0 31 2 *", MONDAY, None),
    ],
)
def test_next(text: str, after: datetime, expected: datetime | None) -> None:
    assert parse_recurrence(text).next_after(after) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "a * * * *",
        "*/0 * * * *",
        "5-1 * * * *",
        "* * * * funday",
    ],
)
def test_bad_recurrences(text: str) -> None:
    with pytest.raises(ScheduleError, match=r"expected|must have"):
        parse_recurrence(text)


@given(
    st.integers(0, 59),
    st.integers(0, 23),
    st.sampled_from(["*", "1", "28"]),
    st.sampled_from(["*", "mon", "0,6"]),
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC)),
)
def test_next_is_later_and_matches(minute: int, hour: int, day: str, weekday: str, after: datetime) -> None:
    recurrence = parse_recurrence(f"{minute} {hour} {day} * {weekday}")
    found = recurrence.next_after(after)
    assert found is not None
    assert after < found <= after + timedelta(days=400)
    assert recurrence.matches(found)
