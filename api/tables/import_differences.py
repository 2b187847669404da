"""What a preview of a file showed: its counts, and each SKU's number before and after, read by the page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection

from ledger.arrays import integers, texts

PAGE_MAX = 1_000
ALL, TO_ZERO, FIRST = "all", "to_zero", "first"
KINDS = (ALL, TO_ZERO, FIRST)


class DifferencesNotAccepted(ValueError):
    """There are no such differences to be shown; the message says what was expected."""


def key_of(text: str) -> tuple[int, int]:
    """Where a page begins, as ``key`` shows it. Raises DifferencesNotAccepted."""
    page, _, place = text.partition(",")
    if not all(part.isascii() and part.isdecimal() and len(part) < 10 for part in (page, place)):
        raise DifferencesNotAccepted(f"key {text!r}; expected the key of a difference, as in 3,120")
    return int(page), int(place)


@dataclass(slots=True)
class Differences:
    """Numbers that would change, one page of SKUs. Mutable: filled row by row; ``before`` None: the SKU has no number yet."""

    skus: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    before: list[int | None] = field(default_factory=list)
    after: list[int | None] = field(default_factory=list)

    def add(self, sku: str, row: int, before: int | None, after: int | None) -> None:
        """One more change of the SKU; a second of the same SKU goes on from the first."""
        if self.skus and self.skus[-1] == sku:
            self.rows[-1], self.after[-1] = row, after
            return
        self.skus.append(sku)
        self.rows.append(row)
        self.before.append(before)
        self.after.append(after)


@dataclass(frozen=True, slots=True)
class Difference:
    """One SKU: its available units before and after. ``key`` says where a next page begins."""

    sku: str
    row: int
    before: int | None
    after: int | None
    key: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Review:
    """The last preview: as the ledger stood at ``position``."""

    import_id: str
    position: int
    made_at: datetime
    counts: Mapping[str, Any]


def begin(connection: Connection[Any], import_id: str) -> None:
    """What an earlier preview showed is forgotten."""
    connection.execute("DELETE FROM import_differences WHERE import_id = %s", (import_id,))
    connection.execute("DELETE FROM import_reviews WHERE import_id = %s", (import_id,))


def put(connection: Connection[Any], import_id: str, page: int, found: Differences) -> None:
    """One page of differences is kept."""
    connection.execute(
        "INSERT INTO import_differences (import_id, page, skus, rows, before, after)"
        " VALUES (%s, %s, %s::text[], %s::bigint[], %s::bigint[], %s::bigint[])",
        (import_id, page, texts(found.skus), integers(found.rows), integers(found.before), integers(found.after)),
        prepare=True,
    )


def end(connection: Connection[Any], review: Review) -> None:
    """The preview is whole."""
    connection.execute(
        "INSERT INTO import_reviews (import_id, position, made_at, counts) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (import_id) DO UPDATE SET position = EXCLUDED.position, made_at = EXCLUDED.made_at, counts = EXCLUDED.counts",
        (review.import_id, review.position, review.made_at, json.dumps(review.counts)),
    )


def review_of(connection: Connection[Any], import_id: str) -> Review | None:
    """The last preview of the import; None: it was not previewed."""
    row = connection.execute(
        "SELECT import_id, position, made_at, counts FROM import_reviews WHERE import_id = %s", (import_id,)
    ).fetchone()
    return None if row is None else Review(row[0], row[1], row[2], json.loads(row[3]))


_WHERE = {ALL: "true", TO_ZERO: "d.after <= 0 AND d.before > 0", FIRST: "d.before IS NULL"}
_SHOWN = """
SELECT d.sku, d.row, d.before, d.after, p.page, d.place
FROM import_differences AS p,
    LATERAL unnest(p.skus, p.rows, p.before, p.after) WITH ORDINALITY AS d (sku, row, before, after, place)
WHERE p.import_id = %(id)s AND p.page >= %(page)s AND (p.page, d.place) > (%(page)s, %(place)s) AND {where}
ORDER BY p.page, d.place LIMIT %(limit)s
"""


def page(
    connection: Connection[Any], import_id: str, *, first: int, after: tuple[int, int] = (0, 0), kind: str = ALL
) -> tuple[list[Difference], bool]:
    """Up to ``first`` differences behind ``after``, in the order of their SKUs, and whether there are more.

    ``kind``: all, to_zero or first (numbers of SKUs that have none yet). Raises DifferencesNotAccepted.
    """
    if not 0 < first <= PAGE_MAX:
        raise DifferencesNotAccepted(f"{first} differences at once; expected 1 to {PAGE_MAX:,}")
    if kind not in KINDS:
        raise DifferencesNotAccepted(f"differences {kind!r}; expected one of {', '.join(KINDS)}")
    values = {"id": import_id, "page": after[0], "place": after[1], "limit": first + 1}
    rows = connection.execute(_SHOWN.format(where=_WHERE[kind]).encode(), values).fetchall()
    return [Difference(row[0], row[1], row[2], row[3], (row[4], row[5])) for row in rows[:first]], len(rows) > first


# Stock that moved behind the preview, of SKUs whose numbers it showed: what was shown, and what stands now.
_MOVED = """
WITH moved AS MATERIALIZED (
    SELECT DISTINCT originator_id FROM ledger_events
    WHERE notification_id > %(position)s AND originator_id >= 'stock:' AND originator_id < 'stock;'
)
SELECT d.sku, d.before, d.after, s.on_hand - s.allocated
FROM import_differences AS p, LATERAL unnest(p.skus, p.before, p.after) AS d (sku, before, after)
    JOIN stock_levels AS s ON s.place = %(place)s AND s.sku = d.sku
WHERE p.import_id = %(id)s AND EXISTS (SELECT FROM moved) AND s.position > %(position)s ORDER BY d.sku
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """A SKU whose stock moved behind the preview: the number and the change it showed, and the number that stands now."""

    sku: str
    before: int | None
    after: int | None
    now: int | None


def moved(connection: Connection[Any], review: Review, place: str) -> list[Moved]:
    """The previewed SKUs whose stock moved since."""
    values = {"id": review.import_id, "position": review.position, "place": place}
    return [Moved(*row) for row in connection.execute(_MOVED.encode(), values).fetchall()]
