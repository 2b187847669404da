"""Every form of every mall: recognised as exactly itself, and never more in a damaged file than its cells say."""

import csv
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adapters
from adapters.kit import archive
from adapters.kit.archive import ArchiveRefused
from adapters.kit.file_form import FileRow, RowProblem
from adapters.kit.recognise import NotRecognised, Recognised, recognise
from adapters.kit.table import TableRefused, open_table
from adapters.kit.workbook import csv_of_workbook
from ledger.terms import CODE_CHARACTERS_MAX, UNITS_MAX
from tests.adapters.forms import SAMPLES, TIMES, Form, NotOpened, content_of, form_of, forms, numbers_in
from tests.adapters.kit.workbooks import packed, workbook

CONNECTABLE = [code for code in adapters.codes() if adapters.declared(code).connectable]
GOOD = [(code, path, form) for code, path in SAMPLES if (form := form_of(path)) is not None]

CELLS = st.sampled_from(
    [
        *(
            "",
            " ",
            "0",
            "00012",
            "1,000",
            "12,34",
            "１２",
            "-1",
            "+5",
            "1.0",
            "1e3",
            "NaN",
            "inf",
            "2147483648",
            "9999999",
        ),
        *(
            "10000000",
            "９９９９９９９９",
            "=1+1",
            "@SUM(A1)",
            "\t5",
            "'5",
            "５個",
            "٣",
            "²",
            "①",
            "Ⅷ",
            "五",
            "- 1",
            "−1",
            "0x10",
            "1_000",
        ),
        *(
            "〜～",
            "①髙㈱",
            "ﾃｽﾄ",
            "a\nb",
            "a\r\nb",
            '"',
            'a"b',
            "無制限",
            "\u3000",
            "\u00a0",
            "\u200b5",
            "x" * 201,
            "TRUE",
            "None",
        ),
        *(
            "a||*b||*0||*5||*c",
            "a||*b||*0||*-5||*c$$",
            "||*||*||*||*",
            "a=b&c",
            "a#b:c=d",
            "2026/11/20 25:00",
            "i",
            "d",
            "u",
            "2",
        ),
    ]
)
ENCODINGS = st.sampled_from(["cp932", "utf-8", "utf-8-sig", "utf-16"])
LINE_ENDS = st.sampled_from(["\r\n", "\n", "\r"])


@pytest.mark.parametrize(("code", "sample", "form"), GOOD, ids=[f"{code}-{path.name}" for code, path, _ in GOOD])
def test_a_sample_is_its_own_form_and_no_other_mall_s(code: str, sample: Path, form: str) -> None:
    content = content_of(sample)
    anybody_s = recognise(sample.name, content, adapters.candidates())
    assert isinstance(anybody_s, Recognised), anybody_s
    assert (anybody_s.mall, anybody_s.format.name) == (code, form)
    assert anybody_s.because or not CONNECTABLE, "the reason names columns"
    for other in adapters.codes():
        found = recognise(sample.name, content, adapters.candidates(), mall=other)
        if other == code:
            assert isinstance(found, Recognised), found
            assert found.format.name == form
        else:
            assert isinstance(found, NotRecognised), (other, found)
            assert {label.split(":")[0] for label in found.looks_like} == {code}


@pytest.mark.parametrize("label", forms())
def test_a_damaged_cell_never_becomes_a_number_that_it_does_not_say(label: str) -> None:
    form = forms()[label]

    @settings(max_examples=25 * TIMES, deadline=None)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        rows = [list(row) for row in form.rows[:6]]
        for _ in range(data.draw(st.integers(1, 4))):
            row = data.draw(st.sampled_from(rows))
            if row:
                row[data.draw(st.integers(0, len(row) - 1))] = data.draw(CELLS)
        _damage_rows(data, rows)
        encoding, line_end = data.draw(ENCODINGS), data.draw(LINE_ENDS)
        content = _written(form, rows, encoding, line_end)
        if content is not None:
            _holds(form, content)

    holds()


@pytest.mark.parametrize("label", forms())
def test_damaged_bytes_are_refused_or_read_as_what_they_say(label: str) -> None:
    form = forms()[label]
    whole = _written(form, [list(row) for row in form.rows[:6]], "cp932", "\r\n")
    whole = whole or _written(form, [list(row) for row in form.rows[:6]], "utf-8", "\r\n")
    assert whole is not None

    @settings(max_examples=25 * TIMES, deadline=None)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        content = bytearray(whole)
        for _ in range(data.draw(st.integers(1, 5))):
            at = data.draw(st.integers(0, len(content)))
            piece = data.draw(
                st.one_of(
                    st.binary(max_size=6), st.sampled_from([b"\0", b'"', b",", b"\t", b"\r", b"\n", b"\xef\xbb\xbf"])
                )
            )
            cut = data.draw(st.integers(0, 12))
            content[at : at + cut] = piece
        _holds(form, bytes(content))

    holds()


@settings(max_examples=50 * TIMES, deadline=None)
@given(
    st.binary(max_size=400), st.sampled_from(["", "code,sub-code,quantity\r\n", "商品SKU,想定在庫数\r\n", "PK\x03\x04"])
)
def test_any_bytes_are_a_form_or_none(noise: bytes, begin: str) -> None:
    try:
        said = str(recognise("x.csv", begin.encode("cp932") + noise, adapters.candidates()))
    except TableRefused as refused:
        said = refused.problem.expected
    assert said


@settings(max_examples=60 * TIMES, deadline=None)
@given(st.data())
def test_a_damaged_zip_or_workbook_is_refused_or_read(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([_ZIP, _BOOK])))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    file = io.BytesIO(bytes(content))
    try:
        is_workbook = archive.is_workbook(file)
        parts = [csv_of_workbook(file)] if is_workbook else [one.chunks() for one in archive.members(file)]
        said = str([sum(map(len, part)) for part in parts])
    except (ArchiveRefused, TableRefused) as refused:
        said = str(refused)
    assert said


_ZIP = packed({"dl-item.csv": b"a,b\r\n1,2\r\n" * 40, "select.csv": b"c,d\r\n" * 9})
_BOOK = workbook([["item_number", "quantity"], ["1", 2], ["3", 4.5]])


def test_a_zip_that_says_it_has_very_many_members_is_not_read() -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        for number in range(1_001):
            made.writestr(f"{number}.csv", b"")
    with pytest.raises(ArchiveRefused, match="at most 1,000"):
        archive.members(held)


# ------------------------------------------------------------------ what holds


def _holds(form: Form, content: bytes) -> None:
    """Refused with its place, or each row's number stands in a cell of its line, and each problem says what was expected."""
    lines: dict[int, list[str]] = {}
    read: list[FileRow | RowProblem] = []
    said = "read"
    try:
        read = _read_noting(form, content, lines)
    except TableRefused as refused:
        said = refused.problem.expected if refused.problem.row >= 1 else ""
    except NotOpened as other:
        said = str(other)
    assert said
    listings = [one.key for one in read if isinstance(one, FileRow) and one.own is None]
    assert len(listings) == len(set(listings)), "a listing stands once in a file"
    for one in read:
        assert one.row in lines, one
        if isinstance(one, RowProblem):
            assert one.expected
            assert str(one)
            continue
        assert isinstance(one, FileRow)
        _is_said(one, lines[one.row])


def _is_said(row: FileRow, cells: list[str]) -> None:
    if row.units is not None:
        assert 0 <= row.units <= UNITS_MAX
        assert row.units in numbers_in(cells), (row, cells)
        assert not row.unlimited, row
    assert row.key.item
    for code in (row.key.item, row.key.variant):
        assert len(code) <= CODE_CHARACTERS_MAX
        assert not any(character < " " for character in code), row
    if row.own is None:
        assert row.key.item.casefold() in " ".join(cells).casefold(), (row.key, cells)


def _read_noting(form: Form, content: bytes, lines: dict[int, list[str]]) -> list[FileRow | RowProblem]:
    """The rows, while the cells of each line are kept."""
    found = form.read(content)
    table = open_table([content], delimiter=form.candidate.format.delimiter, encodings=form.candidate.format.encodings)
    lines.update((line, list(cells)) for line, cells in table.rows)
    return found


def _damage_rows(data: st.DataObject, rows: list[list[str]]) -> None:
    """A row twice, a row too short or too long, an empty one."""
    match data.draw(st.sampled_from(["none", "none", "twice", "short", "long", "empty"])):
        case "twice":
            rows.append(list(data.draw(st.sampled_from(rows))))
        case "short":
            data.draw(st.sampled_from(rows))[-1:] = []
        case "long":
            data.draw(st.sampled_from(rows)).append("5")
        case "empty":
            rows.insert(data.draw(st.integers(0, len(rows))), [])
        case _:
            pass


def _written(form: Form, rows: list[list[str]], encoding: str, line_end: str) -> bytes | None:
    """The table as a file; None when the encoding lacks a character."""
    tabs = form.candidate.format.delimiter == "\t"
    if tabs:
        text = "".join(
            "\t".join(cell.replace("\t", " ").replace("\n", " ").replace("\r", " ") for cell in row) + line_end
            for row in [form.header, *rows]
        )
    else:
        held = io.StringIO()
        csv.writer(held, lineterminator=line_end).writerows([form.header, *rows])
        text = held.getvalue()
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return None
