"""Reads an order mail's text by labels, sections and numbers; what is not there becomes NotUnderstood, never a guess.

Lines are compared by their normalised form (NFKC, one wave dash, one hyphen) and counted in ``MailText.text`` from 1,
so that a rule and a line number can be shown to a person without quoting the mail.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TypeAlias

from adapters.kit.japanese import half_width_digits, label_key, normalised
from adapters.kit.mall import NotUnderstood

LINES_MAX = 20_000
TIME_CHARACTERS_MAX = 500  # where a time is looked for in a value
JST = timezone(timedelta(hours=9), "JST")  # Japan keeps no daylight saving time

_COUNT = re.compile(r"(?:\d{1,7}|\d{1,3}(?:,\d{3}){1,2})", re.ASCII)
_DATE = r"(\d{4})\s*(?:[-/.]|年)\s*(\d{1,2})\s*(?:[-/.]|月)\s*(\d{1,2})\s*日?"
_WEEKDAY = r"(?:\s*\([月火水木金土日](?:曜日?)?\))?"
_TIME = r"(\d{1,2})\s*(?::|時)\s*(\d{1,2})(?:\s*(?::|分)\s*(\d{1,2}))?\s*[秒分]?"
_MOMENT = re.compile(rf"{_DATE}{_WEEKDAY}[\sT]*{_TIME}", re.ASCII)
_DAY = re.compile(rf"{_DATE}{_WEEKDAY}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a mail: its number from 1, as it stands, and normalised without white space around it."""

    number: int
    raw: str
    text: str


@dataclass(frozen=True, slots=True)
class LabelFound:
    """A label's line and what stands after it, normalised; "" when nothing does."""

    line: Line
    value: str


Section: TypeAlias = tuple[Line, ...]


def lines_of(text: str) -> Section:
    """The lines of a mail's text, at most LINES_MAX of them."""
    raws = text.split("\n", LINES_MAX)[:LINES_MAX]
    return tuple(Line(number, raw, normalised(raw).strip()) for number, raw in enumerate(raws, start=1))


def find_label(lines: Sequence[Line], *labels: str, rule: str | None = None) -> LabelFound | NotUnderstood:
    """The first line that begins with one of the labels, followed by its end, a colon or white space.

    A label in brackets (``[日時]``) needs nothing after it. ``rule`` names the failure; without one it is the first label.
    """
    assert labels, "a label to look for"
    for line in lines:
        for label in labels:
            value = _after_label(line.text, label)
            if value is not None:
                return LabelFound(line, value)
    return NotUnderstood(rule or labels[0])


def section(lines: Sequence[Line], start: str, end: str, *, rule: str) -> Section | NotUnderstood:
    """The lines between the first that ``start`` matches and the next that ``end`` matches, both left out.

    The patterns are searched in the normalised text. A missing end is not understood: a mail cut short would
    otherwise look complete.
    """
    first = next((i for i, line in enumerate(lines) if re.search(start, line.text)), None)
    if first is None:
        return NotUnderstood(rule)
    last = next((i for i in range(first + 1, len(lines)) if re.search(end, lines[i].text)), None)
    if last is None:
        return NotUnderstood(rule, lines[first].number)
    return tuple(lines[first + 1 : last])


def split_sections(lines: Sequence[Line], separator: str) -> tuple[Section, ...]:
    """The lines cut at each line that ``separator`` matches; parts without any text are left out."""
    parts: list[list[Line]] = [[]]
    for line in lines:
        if re.search(separator, line.text):
            parts.append([])
        else:
            parts[-1].append(line)
    return tuple(tuple(part) for part in parts if any(line.text for line in part))


def count_in(text: str) -> int | None:
    """The whole number the text is, full-width digits and "1,000" included; None for anything else."""
    plain = half_width_digits(text).strip()
    if not _COUNT.fullmatch(plain):
        return None
    return int(plain.replace(",", ""))


def moment_jst(text: str) -> datetime | None:
    """The first date and time of day in the text, said in Japan, as UTC; None when there is none that exists."""
    found = _MOMENT.search(_one_spaced(text))
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(group or 0) for group in found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=JST).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def date_jst(text: str) -> date | None:
    """The first date in the text; None when there is none that exists."""
    found = _DAY.search(_one_spaced(text))
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def same_subject(subject: str, *wanted: str) -> bool:
    """Whether the subject is one of ``wanted`` apart from width, white space and case."""
    key = label_key(subject)
    return any(key == label_key(one) for one in wanted)


def subject_begins(subject: str, *wanted: str) -> bool:
    """Whether the subject begins with one of ``wanted`` apart from width, white space and case."""
    key = label_key(subject)
    return any(key.startswith(label_key(one)) for one in wanted)


def _one_spaced(text: str) -> str:
    """The beginning of the text, each run of white space as one space: a pattern of several runs takes long on long ones."""
    return " ".join(normalised(text[:TIME_CHARACTERS_MAX]).split())


def _after_label(text: str, label: str) -> str | None:
    key = normalised(label).strip()
    pattern = r"\s*".join(re.escape(character) for character in "".join(key.split()))
    found = re.match(pattern, text, re.IGNORECASE)
    if found is None:
        return None
    rest = text[found.end() :]
    if rest and not key.endswith((":", "]", "】")) and rest[0] not in ": \t":
        return None
    return rest.lstrip(": \t").strip()
