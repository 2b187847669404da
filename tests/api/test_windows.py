"""Times of day in Japan and maintenance windows, as a person writes them."""

from datetime import UTC, datetime, time

import pytest

from api.windows import TimesNotAccepted, checked_time, checked_window, default_time, due_at


def test_each_shop_has_a_time_of_its_own_at_night() -> None:
    times = [checked_time(default_time(f"sandbox-{n}")) for n in range(200)]
    assert all(time(1, 0) <= each < time(5, 0) for each in times)
    assert len(set(times)) > 100, "staggered"
    assert default_time("sandbox-1") == default_time("sandbox-1")


def test_a_time_of_day_is_japans() -> None:
    assert due_at(time(3, 0), datetime(2026, 11, 21).date()) == datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("daily 02:00-04:00", "2026-11-20T17:00", "2026-11-20T19:00"),
        ("daily 23:00-01:00", "2026-11-20T15:30", "2026-11-20T16:00"),
        ("2026-12-01T02:00/2026-12-01T06:00", "2026-11-30T17:00", "2026-11-30T21:00"),
        ("2026-12-01T02:00Z/2026-12-01T06:00Z", "2026-12-01T02:00", "2026-12-01T01:59"),
    ],
)
def test_a_window_holds_its_begin_and_not_its_end(text: str, inside: str, outside: str) -> None:
    window = checked_window(text)
    assert window.holds(datetime.fromisoformat(inside).replace(tzinfo=UTC))
    assert not window.holds(datetime.fromisoformat(outside).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "text",
    ["daily 02:00", "daily 02:00-02:00", "daily 25:00-01:00", "2026-12-01T02:00", "x/y", "2026-12-02/2026-12-01"],
)
def test_what_is_no_window_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(TimesNotAccepted, match="expected"):
        checked_window(text)
