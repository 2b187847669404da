"""Every fact ever recorded. Facts are for ever: never edited, renamed or removed; a new shape is a new class.

The class name is the name on disk. A fact holds only str, int, bool, lists of those, and None for "there is none";
times are UTC text with Z. A fact is self-sufficient and holds no person and no free text of one.
``docs/facts.md`` of a release and ``tests/ledger/history/`` prove that old facts stay readable.
"""

from types import UnionType
from typing import TypeAlias, get_args

from ledger.facts.house import EraStarted, LedgerFact, LedgerOpened
from ledger.facts.listing import ListingFact
from ledger.facts.load import HoldFact, ImportFact, ReceiptFact, StocktakeFact
from ledger.facts.order import OrderFact
from ledger.facts.push import PushFact, ReadFact
from ledger.facts.shop import ShopFact
from ledger.facts.sku import SkuFact
from ledger.facts.stock import StockFact

__all__ = ["FACTS", "FACTS_OF_STREAM", "EraStarted", "Fact", "LedgerOpened"]

Fact: TypeAlias = (
    SkuFact
    | StockFact
    | OrderFact
    | ListingFact
    | ShopFact
    | PushFact
    | ReadFact
    | ImportFact
    | ReceiptFact
    | HoldFact
    | StocktakeFact
    | LedgerFact
)


def _classes(union: UnionType) -> tuple[type[Fact], ...]:
    return get_args(union)


# Which facts may stand on a stream, by the first part of the stream's name.
FACTS_OF_STREAM: dict[str, tuple[type[Fact], ...]] = {
    "sku": _classes(SkuFact),
    "stock": _classes(StockFact),
    "order": _classes(OrderFact),
    "listing": _classes(ListingFact),
    "shop": _classes(ShopFact),
    "push": _classes(PushFact),
    "read": _classes(ReadFact),
    "import": _classes(ImportFact),
    "receipt": _classes(ReceiptFact),
    "hold": _classes(HoldFact),
    "stocktake": _classes(StocktakeFact),
    "ledger": _classes(LedgerFact),
}

FACTS: dict[str, type[Fact]] = {fact.__name__: fact for facts in FACTS_OF_STREAM.values() for fact in facts}
