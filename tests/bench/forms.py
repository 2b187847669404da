"""P4 by the form: how quickly each mall's file becomes rows, beside Python's csv reader on the same bytes in the same run."""

import csv
import io
import re
import time
from collections.abc import Callable, Sequence

from adapters.kit.file_form import FileRow
from adapters.kit.table import open_table
from tests.adapters.forms import Form, forms
from tests.bench.ground import Ground
from tests.bench.rows import Row

GOALS = ("P4",)
ROWS, QUICK_ROWS = 50_000, 5_000
ROUNDS = 3


def measure(under: Ground) -> list[Row]:
    """Seconds for 100,000 rows of each form, and how many times those of csv.reader."""
    size = QUICK_ROWS if under.quick else ROWS
    return [_row(form, size) for form in forms().values()]


def _row(form: Form, size: int) -> Row:
    text, delimiter = _text(form, size), form.candidate.format.delimiter
    content = text.encode("utf-8")
    read, plain = _seconds(lambda: _understood(form, content)), _seconds(lambda: _plain(content, delimiter))
    scale = 100_000 / size
    what = f"{form.label}: 100,000 rows read and understood"
    return Row("P4", what, read * scale, "s", yardstick=plain * scale, beside="csv.reader", lower=True)


def _understood(form: Form, content: bytes) -> int:
    found = form.candidate.format
    table = open_table([content], delimiter=found.delimiter, encodings=found.encodings)
    reader = found.open(table.header, form.candidate.profile)
    assert callable(reader), reader
    return sum(isinstance(row, FileRow) for row in reader(table.rows))


def _plain(content: bytes, delimiter: str) -> int:
    return sum(1 for _ in csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))


def _seconds(work: Callable[[], int]) -> float:
    """The shortest of a few rounds."""
    spent: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        assert work() > 0
        spent.append(time.perf_counter() - began)
    return min(spent)


def _text(form: Form, size: int) -> str:
    """A file of so many rows like the first good one of the sample, each of a product of its own."""
    held = io.StringIO()
    writer = csv.writer(held, delimiter=form.candidate.format.delimiter, lineterminator="\r\n")
    writer.writerow(form.header)
    code, cells = _good_row(form)
    for number in range(size):
        new = _another(code, number)
        writer.writerow([cell.replace(code, new) if cell.casefold() == code.casefold() else cell for cell in cells])
    return held.getvalue()


def _good_row(form: Form) -> tuple[str, Sequence[str]]:
    """The first row of the sample that is understood by itself, and the code of its product as it stands there."""
    for cells in form.rows:
        held = io.StringIO()
        csv.writer(held, delimiter=form.candidate.format.delimiter).writerows([form.header, cells])
        read = [row for row in form.read(held.getvalue().encode()) if isinstance(row, FileRow)]
        code = next((cell for row in read for cell in cells if cell.casefold() == row.key.item.casefold()), "")
        if len(read) == 1 and code:
            return code, cells
    raise AssertionError(f"{form.label}: no row of its sample is understood by itself")


def _another(code: str, number: int) -> str:
    """A code of the same kind: digits stay digits, and as many."""
    if code.isdecimal():
        return f"1{number:0{max(len(code) - 1, 7)}d}"
    if re.fullmatch(r"[a-z]\d+", code):
        return f"{code[0]}{10**9 + number}"
    return f"{code}{number}"
