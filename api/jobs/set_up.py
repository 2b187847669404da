"""Set-up: files of several malls side by side (D5). Until a shop is pushed, no file is booked over another mall's number.

A first mall's file is booked as it is. What another mall's file says otherwise waits beside it, row by row, until a person
chooses: the smallest, one shop's, or a start number less what every mall sold since. A choice is booked once, with all that
was seen.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from psycopg import Connection

from adapters.kit.table_writing import UTF_8, TableWriter
from api.cli.output import Cell
from api.jobs import runs
from api.jobs.imports import ready, staged
from api.tables.imports import ImportFile
from api.wiring import House
from ledger import keys, load
from ledger import shop as shops
from ledger.book import By, loads
from ledger.book import set_up as verbs
from ledger.book.set_up import Choice
from ledger.book.stock import sales_of
from ledger.codec import decode
from ledger.counting import Covers, Seen
from ledger.facts.load import SetUpChosen
from ledger.facts.stock import StockOverwritten
from ledger.levels import EVERY_SHOP
from ledger.shop import Shop
from ledger.terms import MAIN_PLACE, utc_text

PAGE_SKUS = 2_000
CHUNK_ROWS = 200  # of one commit
SMALLEST, START = "smallest", "start_minus_sales"


class ChoiceNotAccepted(ValueError):
    """The choice cannot be booked so; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Number:
    """What a shop's file stated of a SKU, and when that was true."""

    shop: str
    units: int
    counted_at: datetime


@dataclass(frozen=True, slots=True)
class Beside:
    """A SKU whose malls disagree: every number, the booked one first, which left ``available``; see ``Choice``."""

    sku: str
    numbers: tuple[Number, ...]
    available: int
    counted_position: int

    @property
    def smallest(self) -> Number:
        """The number that promises least; of equal ones the one that was true first."""
        return min(self.numbers, key=lambda each: (each.units, each.counted_at))

    def cells(self) -> dict[str, Cell]:
        """As it is shown: every shop's number under its code."""
        numbers: dict[str, Cell] = {number.shop: number.units for number in self.numbers}
        return {"sku": self.sku, "available": self.available, "smallest": self.smallest.units, **numbers}


def connected(house: House) -> dict[str, Shop]:
    """Every connected shop as it is now, by its code."""
    with house.pool.connection() as connection:
        rows = connection.execute(
            "SELECT DISTINCT originator_id FROM ledger_events WHERE originator_id >= 'shop:' AND originator_id < 'shop;'"
        ).fetchall()
    codes = sorted(keys.parts_of(str(row[0]))[0] for row in rows)
    found = {code: house.look(keys.shop(code), shops.FOLD) for code in codes}
    return {code: shop for code, shop in found.items() if shop.connected}


def pushing(house: House) -> list[str]:
    """The shops whose 在庫反映 runs."""
    return [code for code, shop in connected(house).items() if shop.push]


def lies_beside(house: House, file: ImportFile) -> bool:
    """Whether the file's numbers may have to wait beside those of other malls: an 上書き of a mall's file in set-up."""
    return file.shop is not None and file.mode == "overwrite" and not pushing(house)


# ------------------------------------------------------------------ what waits for a choice


def waiting(house: House, after: str = "") -> Iterator[Beside]:
    """SKUs whose malls disagree, in the order of their codes, behind ``after``; a page of them is read at a time."""
    ready(house)
    while True:
        with house.pool.connection() as connection:
            stated = _stated(connection, after)
            found = list(_open(connection, stated)) if stated else []
        yield from found
        if len(stated) < PAGE_SKUS:
            return
        after = max(stated)


def as_csv(house: House) -> Iterator[bytes]:
    """All of them as CSV: a row a number, so that any number of malls fits."""
    writer = TableWriter(("商品SKU", "想定在庫数", "ショップ", "モールの在庫数", "時点", "最小"), encoding=UTF_8)
    for one in waiting(house):
        for number in one.numbers:
            said = (one.sku, one.available, number.shop, number.units, number.counted_at.isoformat())
            yield from writer.add([*said, one.smallest.units])
    yield writer.rest()


_STATED = """
SELECT code, shop, units, counted_at FROM (
    SELECT DISTINCT ON (code, shop) code, shop, units, counted_at, dense_rank() OVER (ORDER BY code) AS place FROM (
        SELECT coalesce(nullif(l.sku, ''), r.sku) AS code, f.shop, r.units * coalesce(l.units_per_listing, 1) AS units, f.counted_at
        FROM import_files AS f
            JOIN import_skips AS k ON k.import_id = f.import_id AND k.reason = %(beside)s
            JOIN import_rows AS r ON r.import_id = k.import_id AND r.row = k.row
            LEFT JOIN listings AS l ON l.shop = f.shop AND l.item = r.item AND l.variant = r.variant
    ) AS q WHERE code > %(after)s ORDER BY code, shop, counted_at DESC
) AS ranked WHERE place <= %(most)s
"""
_STANDING = """
SELECT s.sku, s.counted_position, s.counted_by, s.on_hand - s.allocated, e.topic, e.state, e.originator_id, e.originator_version
FROM unnest(%s::text[]) AS w (sku), LATERAL (SELECT * FROM stock_levels WHERE place = %s AND sku = w.sku OFFSET 0) AS s,
    LATERAL (SELECT * FROM ledger_events WHERE notification_id = s.counted_position OFFSET 0) AS e
"""


def _stated(connection: Connection[Any], after: str) -> dict[str, list[Number]]:
    values = {"beside": load.BESIDE, "after": after, "most": PAGE_SKUS}
    found: dict[str, list[Number]] = {}
    for code, shop, units, counted_at in connection.execute(_STATED.encode(), values).fetchall():
        found.setdefault(code, []).append(Number(shop, units, counted_at))
    return found


def _open(connection: Connection[Any], stated: Mapping[str, Sequence[Number]]) -> Iterator[Beside]:
    rows = connection.execute(_STANDING.encode(), (sorted(stated), MAIN_PLACE)).fetchall()
    for sku, position, by, available, topic, state, stream, version in sorted(rows, key=lambda row: str(row[0])):
        record = decode(position, stream, version, topic, bytes(state))
        fact = record.fact
        if not by or not isinstance(fact, StockOverwritten):
            continue  # a person, or our own form, has said since what is true
        seen = dict(zip(fact.seen_shops, fact.seen_counted_at, strict=True))
        others = [
            number
            for number in stated[sku]
            if number.shop != by
            and number.units != fact.units
            and seen.get(number.shop, "") < utc_text(number.counted_at)
        ]
        if others:
            standing = Number(by, fact.units, record.envelope.at)
            yield Beside(sku, (standing, *others), available, position)


# ------------------------------------------------------------------ the choice


@dataclass(frozen=True)
class Chosen:
    """What a choice did. ``skipped`` counts SKUs by reason code."""

    choice_id: str
    changed: int
    skipped: Mapping[str, int]
    position: int

    def cells(self) -> dict[str, Cell]:
        """As the command line and the doors show it."""
        return {
            "import": self.choice_id,
            "changed": self.changed,
            "skipped": dict(self.skipped),
            "position": self.position,
        }


def choose(
    house: House,
    choice: str,
    by: By,
    *,
    start: str | None = None,
    owed: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Chosen:
    """Every waiting SKU has one number, booked once with all that were seen: the smallest, or that of the shop ``choice``.

    ``start_minus_sales``: the number of ``start`` (a staged import of our own form, of the time from which on every mall sold by
    itself) less what each mall's number says it sold since. Raises ChoiceNotAccepted, ImportNotKnown.
    """
    running = pushing(house)
    if running:
        raise ChoiceNotAccepted(
            f"在庫反映 of {', '.join(running)} runs, so that its mall shows our numbers; expected a choice before: import a newer file instead"
        )
    if choice not in (SMALLEST, START) and choice not in connected(house):
        raise ChoiceNotAccepted(f"choice {choice!r}; expected {SMALLEST}, {START}, or a connected shop")
    if (choice == START) != (start is not None):
        raise ChoiceNotAccepted(f"{START} needs the import that has the start numbers, and no other choice takes one")
    first = _First(house, staged(house, start)) if start else None
    return _Choosing(house, choice, by, first, owed).run(progress)


class _First:
    """Start numbers, of a staged file of our own form."""

    def __init__(self, house: House, file: ImportFile) -> None:
        if file.shop is not None:
            raise ChoiceNotAccepted(
                f"import {file.import_id} is of shop {file.shop}; expected our own form with the start numbers"
            )
        self._house, self._file = house, file
        self.counted_at = file.counted_at

    def of(self, skus: Sequence[str]) -> dict[str, int]:
        """The start numbers of these SKUs, where the file has one."""
        with self._house.pool.connection() as connection:
            rows = connection.execute(
                "SELECT sku, units FROM import_rows WHERE import_id = %s AND sku = ANY (%s)"
                " AND problem_expected IS NULL AND units IS NOT NULL AND target = 'available'",
                (self._file.import_id, list(skus)),
            ).fetchall()
        return {str(sku): int(units) for sku, units in rows}


class _Choosing:
    """One choice being booked. Mutable: it counts."""

    def __init__(self, house: House, choice: str, by: By, first: _First | None, owed: str | None) -> None:
        self._house, self._choice, self._by, self._first, self._owed = house, choice, by, first, owed
        self._id = ""
        self._row = self._changed = self._chunk = self._position = 0
        self._skipped: Counter[str] = Counter()

    def run(self, progress: Callable[[int, int], None] | None) -> Chosen:
        house, ended = self._house, False
        with house.pool.connection() as connection:
            found = connection.execute(
                "SELECT DISTINCT import_id FROM import_skips WHERE reason = %s ORDER BY import_id", (load.BESIDE,)
            ).fetchall()
        self._id = runs.begin(house, self._by, kind=runs.SET_UP, what=self._choice, file_name="", shop=None)
        start_at = utc_text(self._first.counted_at) if self._first else None
        chosen = SetUpChosen(imports=[str(row[0]) for row in found], choice=self._choice, start_at=start_at)
        self._position = house.book.do(verbs.start_choice(self._id, chosen), self._by).position
        try:
            rows = waiting(house)
            while page := list(islice(rows, CHUNK_ROWS)):
                self._take(page)
                if progress is not None:
                    progress(self._row, 0)
            rest = self._row - self._changed - self._skipped.total()
            done = house.book.do(loads.finish_import(self._id, rows=self._row, unchanged=rest), self._by)
            ended = True
        finally:
            if not ended:
                house.book.do(loads.cancel_import(self._id), self._by)
            state = runs.FINISHED if ended else runs.STOPPED
            runs.end(house, self._id, state=state, rows=self._row, problems=0, counts={"skipped": dict(self._skipped)})
        return Chosen(self._id, self._changed, dict(self._skipped), max(self._position, done.position))

    def _take(self, page: Sequence[Beside]) -> None:
        starts = self._first.of([one.sku for one in page]) if self._first else {}
        choices: list[Choice] = []
        for one in page:
            self._row += 1
            found = self._number(one, starts.get(one.sku))
            if found is None:
                self._skipped[load.NO_NUMBER] += 1
                continue
            units, covers, counted_at = found
            seen = Seen(
                tuple(number.shop for number in one.numbers),
                tuple(number.units for number in one.numbers),
                tuple(utc_text(number.counted_at) for number in one.numbers),
            )
            choices.append(Choice(self._row, one.sku, units, covers, counted_at, seen, one.counted_position))
        if not choices:
            return
        self._chunk += 1
        done = self._house.book.do(verbs.book_choices(self._id, self._chunk, choices, owed=self._owed), self._by)
        self._position, changed, skipped = done.position, done.answer["changed"], done.answer["skipped"]
        assert isinstance(changed, int) and isinstance(skipped, list), done.answer
        self._changed += changed
        self._skipped.update(str(reason) for _, reason in skipped)

    def _number(self, one: Beside, start: int | None) -> tuple[int, Covers, datetime] | None:
        """The chosen number, which sales are inside it, and when it was true; None: there is none for this SKU."""
        if self._first is not None:
            if start is None or any(number.units > start for number in one.numbers):
                return None  # a mall that shows more than at the start was filled since: that is nobody's guess
            left = start - sum(start - number.units for number in one.numbers)
            ordered = sorted(one.numbers, key=lambda number: (number.units, number.shop))
            covers = Covers(
                (*(number.shop for number in ordered), EVERY_SHOP),
                (*(utc_text(number.counted_at) for number in ordered), utc_text(self._first.counted_at)),
                (0,) * (len(ordered) + 1),
            )
            return max(0, left), covers, min(number.counted_at for number in ordered)
        of_shop = next((number for number in one.numbers if number.shop == self._choice), None)
        number = one.smallest if self._choice == SMALLEST else of_shop
        if number is None:
            return None
        return number.units, sales_of(number.shop, number.counted_at), number.counted_at
