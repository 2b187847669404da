"""出荷実績CSV: what left, told by a warehouse or a delivery program: a row for a whole order, or for one SKU of it.

A SKU with a slip is one parcel; without a slip its units are all that have left so far. The same file again is harmless, and a
shipment that is told before its order waits for it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from adapters.kit.file_form import RowProblem
from adapters.kit.order_mail import date_jst
from adapters.kit.table import NotUnits, units_of
from api.jobs.imports import shop_of
from api.jobs.listing_bulk import Item, Line, Outcome, Task
from api.jobs.listing_bulk_rows import SHOWN_MAX, Columns, Said
from api.wiring import House
from ledger import keys
from ledger.book import Verb, orders
from ledger.facts.order import ShipmentTold
from ledger.order import FOLD
from ledger.terms import SkuNotAccepted, checked_sku
from ledger.view import View
from ledger.writer import Decision

COLUMNS: Columns = {
    "order": ("注文番号", "受注番号", "order"),
    "sku": ("商品SKU", "sku"),
    "units": ("出荷数", "units"),
    "slip": ("伝票番号", "お荷物伝票番号", "問い合わせ番号", "slip"),
    "shipped_on": ("出荷日", "発送日", "shipped_on"),
}
ROWS_MAX = 200_000  # held in memory: rows of one parcel need not stand together
SLIP = re.compile(r"[0-9A-Za-z-]{1,40}")
SOURCE = "csv"


@dataclass(frozen=True, slots=True)
class ShipmentAsked:
    """One row, or the rows of one SKU in one parcel: ``sku`` "" is the whole order."""

    order: str
    sku: str
    units: int
    slip: str
    shipped_on: str | None


def shipping(house: House, shop: str) -> Task[ShipmentAsked]:
    """Shipments of the shop's orders. Raises ShopNotReady."""
    shop_of(house, shop)

    def verbs(rows: Sequence[tuple[int, ShipmentAsked]]) -> list[Verb | RowProblem]:
        return [_verb(shop, row) for _, row in rows]

    return Task(COLUMNS, ("order",), _items, verbs)


def _verb(shop: str, row: ShipmentAsked) -> Verb:
    shipment = ShipmentTold(
        scope="sku" if row.sku else "whole",
        skus=[row.sku] if row.sku else [],
        listings=[],
        units=[row.units] if row.sku else [],
        cumulative=not (row.sku and row.slip),
        slip=row.slip,
        shipped_on=row.shipped_on,
        source=SOURCE,
    )
    verb = orders.tell_shipment(shop, row.order, shipment)
    stream = keys.order(shop, row.order)

    def decide(view: View) -> Decision:
        known = bool(view.state(stream, FOLD).kept)
        decision = verb.decide(view)
        became = "same" if not decision.drafts else "shipped" if known else "waits_for_its_order"
        return replace(decision, answer={"became": became})

    return replace(verb, decide=decide)


def _items(
    lines: Iterable[Line], said_of: Callable[[Sequence[str]], Said], outcome: Outcome
) -> Iterator[Item[ShipmentAsked]]:
    """Rows of one SKU with one slip are one parcel's: their units are summed."""
    del outcome  # every row says something
    gathered: dict[tuple[str, str, str], tuple[list[Line], ShipmentAsked]] = {}
    for line, cells in lines:
        asked = _read(line, said_of(cells))
        if isinstance(asked, RowProblem):
            yield Item([(line, cells)], asked)
            continue
        name = (asked.order, asked.sku, asked.slip)
        if name in gathered:
            there, before = gathered[name]
            there.append((line, cells))
            gathered[name] = (there, replace(before, units=before.units + asked.units))
        else:
            gathered[name] = ([(line, cells)], asked)
        if len(gathered) > ROWS_MAX:
            yield Item(
                [(line, cells)], RowProblem(line, "", "", f"at most {ROWS_MAX:,} shipments in one file: split it")
            )
            return
    for there, asked in gathered.values():
        yield Item(there, asked)


def _read(line: int, said: Said) -> ShipmentAsked | RowProblem:
    order, sku, slip = (said.get(column, "").strip() for column in ("order", "sku", "slip"))
    if not 0 < len(order) <= 200 or not order.isprintable():
        return RowProblem(line, COLUMNS["order"][0], order[:SHOWN_MAX], "an order number of 1 to 200 characters")
    if slip and not SLIP.fullmatch(slip):
        return RowProblem(line, COLUMNS["slip"][0], slip[:SHOWN_MAX], "up to 40 half-width letters, digits, hyphens")
    units = units_of(said.get("units", ""))
    if isinstance(units, NotUnits):
        return RowProblem(line, COLUMNS["units"][0], said["units"][:SHOWN_MAX], units.expected)
    if sku:
        try:
            checked_sku(sku)
        except SkuNotAccepted as problem:
            return RowProblem(line, COLUMNS["sku"][0], sku[:SHOWN_MAX], str(problem))
        if not units:
            return RowProblem(line, COLUMNS["units"][0], said.get("units", "")[:SHOWN_MAX], "1 or more of the SKU")
    elif units is not None:
        expected = "blank for a whole order, or a 商品SKU beside it"
        return RowProblem(line, COLUMNS["units"][0], said.get("units", "")[:SHOWN_MAX], expected)
    on = said.get("shipped_on", "").strip()
    day = date_jst(on) if on else None
    if on and day is None:
        return RowProblem(line, COLUMNS["shipped_on"][0], on[:SHOWN_MAX], "a date such as 2026-11-20, or blank")
    return ShipmentAsked(order, sku, units or 0, slip, None if day is None else day.isoformat())
