"""When a shop's full sync and daily comparison begin, and in which windows its mall is left alone. Pure; times of day are Japan's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zlib import crc32

from adapters.kit.order_mail import JST

SYNC_AT, SHADOW_AT, MAINTENANCE = "sync.at", "shadow.at", "maintenance.windows"
OFF = "off"
NIGHT_BEGINS_MINUTES, NIGHT_MINUTES = 60, 240  # from 01:00 to 04:59 in Japan
WINDOWS_MAX = 50
HOURS_MAX = 72
_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_DAILY = re.compile(r"daily (\S+)-(\S+)")


class TimesNotAccepted(ValueError):
    """A time of day or a window is not one; the message says which, and what was expected."""


@dataclass(frozen=True, slots=True)
class Window:
    """From ``begins`` to ``ends``, UTC; or every day from ``daily[0]`` to ``daily[1]``, Japan's, over midnight when it ends earlier."""

    begins: datetime | None = None
    ends: datetime | None = None
    daily: tuple[time, time] | None = None

    def holds(self, moment: datetime) -> bool:
        """Whether the moment is inside."""
        if self.daily is not None:
            begins, ends = self.daily
            now = moment.astimezone(JST).time().replace(tzinfo=None)
            return begins <= now < ends if begins < ends else now >= begins or now < ends
        assert self.begins is not None
        assert self.ends is not None
        return self.begins <= moment < self.ends


def default_time(code: str) -> str:
    """A time at night in Japan, of the shop's own: shops do not begin together."""
    minutes = NIGHT_BEGINS_MINUTES + crc32(code.encode()) % NIGHT_MINUTES
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def time_of(settings: Mapping[str, str], name: str) -> time | None:
    """The time of day of this setting; None: off, or there is none."""
    text = settings.get(name, OFF)
    return None if text == OFF else checked_time(text)


def checked_time(text: str) -> time:
    """The time of day. Raises TimesNotAccepted."""
    found = _OF_DAY.fullmatch(text)
    if found is None:
        raise TimesNotAccepted(f"time {text!r}; expected HH:MM in Japan from 00:00 to 23:59, or {OFF}")
    return time(int(found[1]), int(found[2]))


def windows_of(settings: Mapping[str, str]) -> Sequence[Window]:
    """The shop's maintenance windows."""
    text = settings.get(MAINTENANCE, "")
    return [checked_window(each) for each in text.split(";") if each.strip()]


def checked_window(text: str) -> Window:
    """``daily 02:00-04:00`` or ``2026-12-01T02:00/2026-12-01T06:00`` (Japan's time where no zone is given). Raises TimesNotAccepted."""
    daily = _DAILY.fullmatch(text.strip())
    if daily is not None:
        begins, ends = checked_time(daily[1]), checked_time(daily[2])
        if begins == ends:
            raise TimesNotAccepted(f"window {text!r}; expected two different times")
        return Window(daily=(begins, ends))
    first, slash, last = text.strip().partition("/")
    began, ended = _moment(first), _moment(last)
    if not slash or began is None or ended is None:
        raise TimesNotAccepted(
            f"window {text!r}; expected daily 02:00-04:00, or 2026-12-01T02:00/2026-12-01T06:00 (Japan's time)"
        )
    if not began < ended <= began + timedelta(hours=HOURS_MAX):
        raise TimesNotAccepted(f"window {text!r}; expected an end behind its begin, within {HOURS_MAX} hours")
    return Window(began, ended)


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo is not None else found.replace(tzinfo=JST)).astimezone(UTC)


def due_at(at: time, day: date) -> datetime:
    """The moment of this time of day in Japan, UTC."""
    return datetime.combine(day, at, JST).astimezone(UTC)


def day_of(moment: datetime) -> date:
    """The day in Japan."""
    return moment.astimezone(JST).date()
