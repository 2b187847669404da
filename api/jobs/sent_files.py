"""Files as they were sent: a table, a workbook, or a zip of several; each with its form, and in the order they are read.

What the files of one import may be together: parts of one form, or a file of products with the files of their variants
(``FileFormat.joined``). What is missing beside a file is said; what does not belong together is refused.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import IO

import adapters
from adapters.kit import archive
from adapters.kit.archive import ArchiveRefused
from adapters.kit.file_form import NotThisFormat
from adapters.kit.mall import Mall
from adapters.kit.profile import Profile
from adapters.kit.recognise import Candidate, NotRecognised, Recognised, recognise, taken_as
from adapters.kit.table import ENCODINGS_ASKED, HEAD_BYTES, TableRefused
from adapters.kit.workbook import csv_of_workbook
from api.jobs.file_bytes import Hashed, head_of
from api.jobs.imports import FileRefused, Wish
from api.tables.import_parts import PARTS_MAX

MEMORY_BYTES_MAX = 8_000_000  # a zip above this waits on disk while it is read
_SPELLINGS = {
    "shift_jis": "cp932",
    "sjis": "cp932",
    "windows-31j": "cp932",
    "ms932": "cp932",
    "utf8": "utf-8",
    "utf16": "utf-16",
}


@dataclass(frozen=True)
class Sent:
    """One file that a person sent. ``changed_at``: when it was changed on the sender's disk."""

    name: str
    chunks: Iterable[bytes]
    changed_at: datetime | None = None


@dataclass(frozen=True)
class OpenedFile:
    """One table among what was sent, and what it is. ``hashed`` is that of what was sent, which may be a zip of several."""

    name: str
    found: Recognised
    body: Iterator[bytes]
    hashed: Hashed
    sent: Sent


@contextmanager
def opened_files(sent: Sequence[Sent], wish: Wish, mall: Mall, profile: Profile) -> Iterator[list[OpenedFile]]:
    """Every table that was sent, recognised, in the order in which they are to be read. Raises FileRefused."""
    wanted = _Wanted(mall, profile, _form(wish, mall), _encoding(wish.encoding))
    with ExitStack() as stack:
        found: list[OpenedFile] = []
        for one in sent:
            found += _opened(one, wanted, stack)
            if len(found) > PARTS_MAX:
                raise FileRefused(f"more than {PARTS_MAX} files; expected at most {PARTS_MAX} in one import")
        yield in_order(found)


def in_order(files: Sequence[OpenedFile]) -> list[OpenedFile]:
    """Products before their variants, parts of one form by their names. Raises FileRefused for what is not one import."""
    forms = {file.found.format.name: file.found.format for file in files}
    first = {form.joined.form for form in forms.values() if form.joined} & forms.keys()
    together = {form.name for form in forms.values() if form.joined and form.joined.form in first} | first
    if len(forms) > 1 and (len(first) != 1 or together != forms.keys()):
        shown = ", ".join(f"{file.name} ({file.found.format.label})" for file in files[:5])
        raise FileRefused(
            f"{shown}; expected parts of one form, or a file of products with that of its variants: import the others by themselves"
        )
    return sorted(
        files, key=lambda file: (file.found.format.name not in first, file.found.format.name, _natural(file.name))
    )


def digest_of(files: Sequence[OpenedFile]) -> tuple[str, int]:
    """SHA-256 of what was sent, and its bytes; of several files that of their digests."""
    passed = list({id(file.hashed): file.hashed for file in files}.values())
    digests = [hashed.digest() for hashed in passed]
    both = digests[0] if len(digests) == 1 else sha256("".join(digests).encode()).hexdigest()
    return both, sum(hashed.size for hashed in passed)


# ------------------------------------------------------------------ opening


@dataclass(frozen=True)
class _Wanted:
    """Whose file it has to be. ``form``: a person named it; ``encoding`` None: as the bytes look."""

    mall: Mall
    profile: Profile
    form: Candidate | None
    encoding: str | None


def _opened(one: Sent, wanted: _Wanted, stack: ExitStack) -> Iterator[OpenedFile]:
    hashed = Hashed(one.chunks)
    head, body = head_of(hashed)
    if not head.startswith(archive.MARK):
        yield _recognised(one.name, head, body, hashed, one, wanted)
        return
    try:
        packed = stack.enter_context(_kept(body))
        if archive.is_workbook(packed):
            yield _table(one.name, packed, hashed, one, wanted)
            return
        for member in archive.members(packed):
            head, chunks = head_of(member.chunks())
            if head.startswith(archive.MARK):
                inner = stack.enter_context(_kept(chunks))
                if not archive.is_workbook(inner):
                    raise ArchiveRefused(f"{member.name} is a zip in the zip; expected the files themselves")
                yield _table(member.name, inner, hashed, one, wanted)
            else:
                yield _recognised(member.name, head, _named(member.name, chunks), hashed, one, wanted)
    except (ArchiveRefused, TableRefused) as refused:
        raise FileRefused(f"{one.name}: {refused}") from None


@contextmanager
def _kept(chunks: Iterable[bytes]) -> Iterator[IO[bytes]]:
    with tempfile.SpooledTemporaryFile(MEMORY_BYTES_MAX) as file:
        for chunk in chunks:
            file.write(chunk)
            if file.tell() > archive.PACKED_BYTES_MAX:
                raise ArchiveRefused(f"more than {archive.PACKED_BYTES_MAX:,} bytes; expected several smaller files")
        file.seek(0)
        yield file


def _named(name: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes of a member; what is wrong with it is said when it is read."""
    try:
        yield from chunks
    except ArchiveRefused as refused:
        raise FileRefused(f"{name}: {refused}") from None


def _table(name: str, packed: IO[bytes], hashed: Hashed, one: Sent, wanted: _Wanted) -> OpenedFile:
    packed.seek(0)
    head, body = head_of(csv_of_workbook(packed))
    return _recognised(name, head, body, hashed, one, replace(wanted, encoding=None))


def _recognised(
    name: str, head: bytes, body: Iterator[bytes], hashed: Hashed, one: Sent, wanted: _Wanted
) -> OpenedFile:
    try:
        if wanted.form is not None:
            taken = taken_as(head[:HEAD_BYTES], wanted.form, encoding=wanted.encoding)
            if isinstance(taken, NotThisFormat):
                raise FileRefused(f"{name} cannot be read as {wanted.form.format.label}: {taken.reason}")
            return OpenedFile(name, taken, body, hashed, one)
        own = [
            replace(candidate, profile=wanted.profile) if candidate.mall == wanted.mall.code else candidate
            for candidate in adapters.candidates()
        ]
        found = recognise(name, head[:HEAD_BYTES], own, mall=wanted.mall.code, encoding=wanted.encoding)
    except TableRefused as refused:
        raise FileRefused(f"{name}: {refused}") from None
    if isinstance(found, NotRecognised):
        raise FileRefused(_not_ours(name, found, wanted.mall))
    return OpenedFile(name, found, body, hashed, one)


def _not_ours(name: str, found: NotRecognised, mall: Mall) -> str:
    """What the file looks like, why, what was expected, and what to do."""
    forms = ", ".join(f"{one.format.label} ({one.format.name})" for one in _forms(mall))
    if not found.looks_like:
        return f"{name} is not a file of {mall.name}: {'; '.join(found.reasons)}; expected one of {forms}"
    looks = ", ".join(_label(label) for label in found.looks_like[:3])
    because = f" because of the columns {', '.join(found.because)}" if found.because else ""
    return (
        f"{name} is not a file of {mall.name}: the file looks like {looks}{because}; expected one of {forms}:"
        " choose the shop whose file it is, or name the form with --format"
    )


def _label(label: str) -> str:
    """rakuten:normal-item (楽天市場, RMS …) for rakuten:normal-item."""
    one = next(candidate for candidate in adapters.candidates() if candidate.label == label)
    return f"{label} ({adapters.declared(one.mall).name}, {one.format.label})"


# ------------------------------------------------------------------ what a person named


def _forms(mall: Mall) -> list[Candidate]:
    return [candidate for candidate in adapters.candidates() if candidate.mall == mall.code]


def _form(wish: Wish, mall: Mall) -> Candidate | None:
    if not wish.format:
        return None
    named = wish.format.removeprefix(f"{mall.code}:")
    found = next((candidate for candidate in _forms(mall) if candidate.format.name == named), None)
    if found is None:
        known = ", ".join(candidate.format.name for candidate in _forms(mall))
        raise FileRefused(f"form {wish.format!r}; expected one of {mall.name}: {known}")
    return found


def _encoding(name: str) -> str | None:
    if not name:
        return None
    plain = name.strip().lower()
    known = _SPELLINGS.get(plain.replace("-", "_"), _SPELLINGS.get(plain, plain))
    if known not in ENCODINGS_ASKED:
        raise FileRefused(
            f"encoding {name!r}; expected one of {', '.join(ENCODINGS_ASKED)}, or none: it is seen by the bytes"
        )
    return known


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """So that part 10 comes behind part 9."""
    parts: list[tuple[int, str]] = []
    number = ""
    for character in f"{name.lower()} ":
        if character.isascii() and character.isdigit():
            number += character
            continue
        if number:
            parts.append((int(number[:18]), ""))
            number = ""
        parts.append((0, character))
    return tuple(parts)
