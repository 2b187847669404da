"""Says which mall's which file this is, by its header first and its name second; another mall's file is told by name."""

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from adapters.kit.file_form import FileFormat, NotThisFormat
from adapters.kit.japanese import label_key
from adapters.kit.order_mail import JST
from adapters.kit.profile import Profile
from adapters.kit.table import Table, TableRefused, open_table

REASON_COLUMNS_MAX = 150  # of a header are tried for the reason


@dataclass(frozen=True)
class Candidate:
    """A format a mall offers, with the profile it is opened with."""

    mall: str
    format: FileFormat
    profile: Profile

    @property
    def label(self) -> str:
        return f"{self.mall}:{self.format.name}"


@dataclass(frozen=True)
class Recognised:
    """The file is ``mall``'s ``format``. ``reason``: "header", "header and name", or "asked for" by a person.

    ``because``: the columns without which it would not be that; ``header``: all of them.
    ``asked_encoding``: a person named it.
    """

    mall: str
    format: FileFormat
    encoding: str
    reason: str
    header: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    asked_encoding: str | None = None

    @property
    def why(self) -> str:
        """The reason as a person reads it."""
        return f"{self.reason}: {', '.join(self.because)}" if self.because else self.reason


@dataclass(frozen=True, slots=True)
class NotRecognised:
    """No format of the mall asked for. ``looks_like``: the formats of other malls it is; ``reasons``: why each asked one is not it.

    ``because``: the columns that make it the first of those.
    """

    looks_like: tuple[str, ...]
    reasons: tuple[str, ...]
    because: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.looks_like:
            return f"the file looks like {', '.join(self.looks_like)}; expected a file of this shop's mall"
        return "; ".join(self.reasons) or "the file is of no known format"


def recognise(
    file_name: str,
    head: bytes,
    candidates: Sequence[Candidate],
    *,
    mall: str | None = None,
    encoding: str | None = None,
) -> Recognised | NotRecognised:
    """What the file with this name that begins with ``head`` (up to kit.table.HEAD_BYTES of it) is.

    ``mall`` None: any mall's. When several formats fit, a fitting name decides, then the one with more columns of its
    own, which stands first among ``candidates``. ``encoding``: a person said it. Raises TableRefused when the head is no
    table at all.
    """
    fits: list[tuple[Candidate, Table]] = []
    reasons: list[str] = []
    for candidate in candidates:
        found = _opened(head, candidate, encoding)
        if isinstance(found, Table):
            fits.append((candidate, found))
        elif mall in (None, candidate.mall):
            reasons.append(f"{candidate.label}: {found.reason}")
    asked = [(candidate, table) for candidate, table in fits if mall in (None, candidate.mall)]
    if not asked:
        because = _because(fits[0][1].header, fits[0][0]) if fits else ()
        return NotRecognised(tuple(candidate.label for candidate, _ in fits), tuple(reasons), because)
    named = [(candidate, table) for candidate, table in asked if name_fits(file_name, candidate.format)]
    chosen, table = (named or asked)[0]
    reason = "header and name" if named else "header"
    return Recognised(
        chosen.mall, chosen.format, table.encoding, reason, table.header, _because(table.header, chosen), encoding
    )


def taken_as(head: bytes, candidate: Candidate, *, encoding: str | None = None) -> Recognised | NotThisFormat:
    """The file as the format a person named, whatever else it looks like; why it cannot be read so. Raises TableRefused."""
    found = _opened(head, candidate, encoding, overruled=True)
    if isinstance(found, NotThisFormat):
        return found
    return Recognised(
        candidate.mall, candidate.format, found.encoding, "asked for", found.header, asked_encoding=encoding
    )


def name_fits(file_name: str, file_format: FileFormat) -> bool:
    """Whether the name, whatever its folder and case, is one the mall gives such files."""
    name = file_name.replace("\\", "/").rsplit("/", 1)[-1].lower()
    return any(fnmatch.fnmatchcase(name, pattern.lower()) for pattern in file_format.file_name_patterns)


def made_at(file_name: str, file_format: FileFormat) -> datetime | None:
    """The last second that was surely over when the mall made the file, in UTC, as its name says; None: it does not.

    A name says the minute, or the second, in which the file was made; so what is surely inside is what was before (D2).
    """
    found = re.search(file_format.name_time, file_name, re.ASCII) if file_format.name_time else None
    if found is None:
        return None
    digits = "".join(one for one in found[1] if one.isdigit())
    try:
        moment = datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=JST)
        return moment.astimezone(UTC) - timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None


def _opened(
    head: bytes, candidate: Candidate, encoding: str | None, *, overruled: bool = False
) -> Table | NotThisFormat:
    """The opened head, when the header is of this format."""
    form = candidate.format
    try:
        table = open_table([_whole_lines(head)], delimiter=form.delimiter, encodings=form.encodings, encoding=encoding)
    except TableRefused as refused:
        if form.delimiter == "," or overruled:
            raise
        return NotThisFormat(str(refused))
    if form.tell_apart and not overruled:
        there = {label_key(cell) for cell in table.header}
        needed = candidate.profile.texts(form.tell_apart)
        if not any(label_key(one) in there for one in needed):
            return NotThisFormat(f"none of the columns {', '.join(needed)}")
    found = form.open(table.header, candidate.profile)
    return found if isinstance(found, NotThisFormat) else table


def _because(header: tuple[str, ...], candidate: Candidate) -> tuple[str, ...]:
    """The columns without which the header would not be of the format."""
    found: list[str] = []
    for at, cell in enumerate(header[:REASON_COLUMNS_MAX]):
        without = (*header[:at], "", *header[at + 1 :])
        if cell and isinstance(candidate.format.open(without, candidate.profile), NotThisFormat):
            found.append(cell)
    return tuple(found)


def _whole_lines(head: bytes) -> bytes:
    """The head without its last, probably cut line; one with no line break stays as it is."""
    cut = head.rfind(b"\n")
    return head[: cut + 1] if cut > 0 and len(head) >= 65_536 else head
