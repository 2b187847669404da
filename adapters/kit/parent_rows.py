"""Rows of files in which a product with variants has a row of its own that is not stock, wherever it stands.

Whether a row without variant is such a parent is only known when the file has ended: rows of variants are given at once,
the others wait in a temporary file. Memory is a 64-bit hash for each listing, whatever the size of the file.
"""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator

from adapters.kit.file_form import FileRow, RowProblem
from ledger.terms import ListingKey

WAITING_BYTES_IN_MEMORY_MAX = 4_000_000


def without_parents(
    rows: Iterable[FileRow | RowProblem], *, twice: Callable[[FileRow], RowProblem]
) -> Iterator[FileRow | RowProblem]:
    """Every row that is stock, and every problem; rows without variant come last. ``twice``: a listing in a second row."""
    seen: set[int] = set()
    with_variants: set[int] = set()
    with tempfile.SpooledTemporaryFile(
        WAITING_BYTES_IN_MEMORY_MAX, mode="w+", encoding="utf-8", newline="\n"
    ) as waiting:
        for row in rows:
            if isinstance(row, RowProblem):
                yield row
                continue
            digest = hash((row.key.item, row.key.variant))
            if digest in seen:
                yield twice(row)
                continue
            seen.add(digest)
            if row.key.variant:
                with_variants.add(hash(row.key.item))
                yield row
            else:
                waiting.write(_text(row) + "\n")
        waiting.seek(0)
        for text in waiting:
            row = _row(text)
            if hash(row.key.item) not in with_variants:
                yield row


def _text(row: FileRow) -> str:
    assert row.own is None, "a mall's file has none"
    return json.dumps(
        [
            row.row,
            row.key.item,
            row.units,
            row.unlimited,
            dict(row.matches),
            row.codes,
            row.name,
            row.jan,
            row.product,
            sorted(row.flags),
        ]
    )


def _row(text: str) -> FileRow:
    number, item, units, unlimited, matches, codes, name, jan, product, flags = json.loads(text)
    return FileRow(
        row=number,
        key=ListingKey(item),
        units=units,
        unlimited=unlimited,
        matches=matches,
        codes=tuple(codes),
        name=name,
        jan=jan,
        product=product,
        flags=frozenset(flags),
    )
