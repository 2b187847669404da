"""Damaged files of every mall on their whole way: staged, previewed and applied, no number that no cell says, and a sound ledger."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

import adapters
from adapters.kit.recognise import NotRecognised, recognise
from api.database import Database
from api.jobs.imports import FileRefused
from api.projecting import catch_up
from api.shops import connect
from tests.adapters.forms import Form, forms, numbers_in
from tests.api.import_rig import Imports, importing

ODD = (
    *(
        "",
        "0",
        "-1",
        "1,000",
        "１２",
        "1.5",
        "NaN",
        "2147483648",
        "10000000",
        "=1+1",
        "'5",
        "a\tb",
        "a\nb",
        "\u3000",
        "無制限",
    ),
    *("x" * 201, "y" * 5_000, "〜①髙ﾃ", "a||*b||*0||*5||*c", "🎌", "\u2028", "\ufeff7"),
)
MALLS = sorted({form.candidate.mall for form in forms().values()})


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found


def damaged(form: Form) -> tuple[bytes, set[int]]:
    """Each odd cell stands in each column of a row once, among good rows; and every number that a cell says."""
    rows: list[list[str]] = []
    for at in range(len(form.header)):
        for number, odd in enumerate(ODD):
            row = list(form.rows[(at + number) % len(form.rows)])
            if at < len(row):
                row[at] = odd
            rows.append(row)
    rows.append(list(form.rows[0])[:-1])
    said = {number for row in rows for number in numbers_in(row)}
    held = io.StringIO()
    if form.candidate.format.delimiter == "\t":
        for one in [form.header, *rows]:
            held.write("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in one) + "\r\n")
    else:
        csv.writer(held, lineterminator="\r\n").writerows([form.header, *rows])
    return held.getvalue().encode(), said


@pytest.mark.parametrize("mall", MALLS)
def test_what_is_applied_of_a_damaged_file_stands_in_its_cells(given: Imports, mall: str) -> None:
    shop = None
    if adapters.declared(mall).connectable:
        verb = connect(mall, "damaged", match_key="", settings={})
        shop = str(given.house.book.do(verb, given.house.by()).answer["shop"])
    allowed: set[int] = set()
    for hours, form in enumerate(one for one in forms().values() if one.candidate.mall == mall):
        content, said = damaged(form)
        known = recognise("x.csv", content, adapters.candidates(), mall=mall)
        assert not isinstance(known, NotRecognised), (form.label, known)
        catch_up(given.house)
        try:
            file = given.stage(content, shop, name="x.csv", hours=hours / 10)
        except FileRefused as refused:
            raise AssertionError(f"{form.label}: {refused}") from None
        assert 0 < file.problems < file.rows, (form.label, file)
        seen, done = given.preview(file), given.apply(file)
        assert (seen.changed, dict(seen.skipped)) == (done.changed, dict(done.skipped)), form.label
        allowed |= said
        numbers = {units for units in given.available().values() if units is not None}
        assert numbers <= allowed, (form.label, numbers - allowed)
    assert given.is_sound()
