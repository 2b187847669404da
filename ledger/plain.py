"""Plain rows of a file, by the thousand: their facts, the bytes of them and what they write beside, in one step.

A plain row is an 上書き of the available units of a SKU that has a number, with nothing on top and nothing owed; a new one
makes a SKU and a listing that nobody knew, with their first number. What is made here is what ``book.load_rows.decide``,
``codec.encode`` and ``levels.book`` make of it, at a fifth of their cost; a test holds the two against each other.
"""

from ledger import counting, keys, listing
from ledger.codec import Envelope, template, text
from ledger.counting import Covers
from ledger.facts.listing import ListingLinked
from ledger.facts.sku import SkuRegistered
from ledger.levels import EVERY_SHOP, NO_SHOP, Level, Number
from ledger.load import NewRow, PlainRow
from ledger.stock import Stock
from ledger.terms import MAIN_PLACE
from ledger.view import View

STOCK = keys.stock("")  # of which the SKU's part follows


class PlainRows:
    """Rows of one file, all true at ``counted.at`` and knowing the same sales; ``envelope`` stands around what is no number."""

    def __init__(self, envelope: Envelope, counted: Envelope, covers: Covers, import_id: str) -> None:
        number = counting.overwrite(Stock(1, 0), 0, covers=covers, applied_on_top=0, import_id=import_id, row=0)
        first = counting.overwrite(Stock(), 0, covers=covers, applied_on_top=0, import_id=import_id, row=0)
        registered = SkuRegistered("", "", "", "")
        linked = ListingLinked(sku="", units_per_listing=1, state=listing.TO_CONFIRM, codes=[])
        self._names = (type(registered).__name__, type(linked).__name__, type(number).__name__)
        self._number = template(counted, number, ("before", "after", "on_hand", "units", "row"))
        self._first = template(counted, first, ("after", "on_hand", "units", "row"))
        self._registered = template(envelope, registered, ("sku", "name", "jan", "product"))
        self._linked = template(envelope, linked, ("sku", "codes"))
        self._at = counted.at
        (shop,) = covers.shops
        self._by = NO_SHOP if shop == EVERY_SHOP else shop

    def number(self, view: View, row: PlainRow) -> None:
        """The row's one fact is in the view."""
        at, _, code, units, version, on_hand, allocated = row
        after = units + allocated
        state = self._number % (on_hand - allocated, units, after, units, at)
        number = Number(code, version + 1, after, view.position + 1, self._at, self._by)
        view.record_number(STOCK + keys.part(code), self._names[2], state, number)

    def first(self, view: View, row: NewRow) -> None:
        """The row's three facts are in the view: its SKU, its listing and its number."""
        registered, linked, number = self._names
        part, code, units = keys.part(row.sku), text(row.sku), row.units
        codes = text(row.codes.split("\t")) if row.codes else b"[]"
        position = view.position + len(self._names)
        level = Level(Stock(1, units), position, position, self._at, self._by, 1, 0, row.called, True)
        facts = (
            (f"sku:{part}", registered, self._registered % (code, text(row.name), text(row.jan), text(row.product))),
            (row.stream, linked, self._linked % (code, codes)),
            (STOCK + part, number, self._first % (units, units, units, row.row)),
        )
        view.record_first((MAIN_PLACE, row.sku), level, facts)
