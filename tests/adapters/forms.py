"""Every form of every mall's files with a good sample of it, found by scan: what the tests of forms have in common."""

import io
import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import adapters
from adapters.kit.file_form import FileRow, NotThisFormat, RowProblem
from adapters.kit.recognise import Candidate
from adapters.kit.table import open_table
from adapters.kit.workbook import csv_of_workbook
from tests.adapters import want

TIMES = int(os.environ.get("DAICHO_TEST_TIMES", "1"))
SUFFIXES = want.FILE_SUFFIXES | {".xlsx"}
SAMPLES = [(code, path) for code in adapters.codes() for path in want.samples_of(code, SUFFIXES)]


@dataclass(frozen=True)
class Form:
    """A form, and the cells of the sample of it with the most understood rows."""

    candidate: Candidate
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def label(self) -> str:
        return self.candidate.label

    def read(self, content: bytes) -> list[FileRow | RowProblem]:
        """What the form makes of the bytes. Raises TableRefused, NotOpened."""
        form = self.candidate.format
        table = open_table([content], delimiter=form.delimiter, encodings=form.encodings)
        reader = form.open(table.header, self.candidate.profile)
        if isinstance(reader, NotThisFormat):
            raise NotOpened(reader.reason)
        return list(reader(table.rows))


class NotOpened(ValueError):
    """The header is not of the form any more."""


def content_of(sample: Path) -> bytes:
    """The sample's table; a workbook's as its CSV."""
    content = sample.read_bytes()
    return b"".join(csv_of_workbook(io.BytesIO(content))) if sample.suffix == ".xlsx" else content


def form_of(sample: Path) -> str | None:
    """The form a good sample is said to be of."""
    path = sample.with_name(f"{sample.name}.want.json") if sample.suffix == ".xlsx" else sample
    said = want.want_of(path.with_suffix("")) if sample.suffix == ".xlsx" else want.want_of(sample)
    found = said.get("format")
    return str(found) if found else None


@cache
def forms() -> dict[str, Form]:
    """Every declared form by its label. Fails for one without a good sample."""
    found: dict[str, Form] = {}
    for candidate in adapters.candidates():
        good = [
            content_of(path)
            for code, path in SAMPLES
            if code == candidate.mall and path.suffix != ".xlsx" and form_of(path) == candidate.format.name
        ]
        assert good, f"{candidate.label} has no sample"
        tables = [
            open_table([content], delimiter=candidate.format.delimiter, encodings=candidate.format.encodings)
            for content in good
        ]
        made = [Form(candidate, table.header, tuple(tuple(cells) for _, cells in table.rows)) for table in tables]
        found[candidate.label] = max(made, key=lambda form: len(form.rows))
    return found


def numbers_in(cells: Sequence[str]) -> set[int]:
    """Every count that one of the cells says, or a part of a cell that holds several (Qoo10's option_info)."""
    said: set[int] = set()
    for part in _parts(cells):
        text = unicodedata.normalize("NFKC", part).strip()
        groups = text.split(",")
        whole = len(groups) == 1 or (1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:]))
        digits = "".join(groups)
        if whole and digits.isascii() and digits.isdigit():
            said.add(int(digits))
    return said


def _parts(cells: Sequence[str]) -> Iterator[str]:
    for cell in cells:
        yield cell
        yield from (part for option in cell.split("$$") for part in option.split("||*"))
