"""Plain numbers of a file, by the thousand: the fact, its bytes and the level it leaves, in one step.

A plain number is an 上書き of the available units of a SKU that has a number, with nothing on top and nothing owed. What is
made here is what ``counting.overwrite``, ``codec.encode`` and ``levels.book`` make of it, at a fifth of their cost; a test
holds the two against each other.
"""

from ledger import counting
from ledger.codec import Envelope, template
from ledger.counting import Covers
from ledger.levels import EVERY_SHOP, NO_SHOP, Level
from ledger.stock import Stock

VARYING = ("before", "after", "on_hand", "units", "row")


class PlainNumbers:
    """Numbers that one file states, all true at the envelope's time and knowing the same sales."""

    def __init__(self, envelope: Envelope, covers: Covers, import_id: str) -> None:
        fact = counting.overwrite(Stock(1, 0), 0, covers=covers, applied_on_top=0, import_id=import_id, row=0)
        self.name = type(fact).__name__
        self._template = template(envelope, fact, VARYING)
        self._at = envelope.at
        (shop,) = covers.shops
        self._by = NO_SHOP if shop == EVERY_SHOP else shop

    def state(self, before: Stock, units: int, row: int) -> bytes:
        """The bytes of the fact that the number of this stock is ``units``, as the file says in ``row``."""
        assert before.on_hand_units is not None, before
        allocated = before.allocated_units
        return self._template % (before.on_hand_units - allocated, units, units + allocated, units, row)

    def after(self, before: Level, units: int, position: int) -> Level:
        """The level that the fact of ``position`` leaves behind."""
        version, _, allocated, *others = before.stock
        stock = Stock(version + 1, units + allocated, allocated, *others)
        return Level(stock, position, position, self._at, self._by, *before[5:8], True)
