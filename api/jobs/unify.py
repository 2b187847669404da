"""SKUs that are the same goods, made one and parted again: looked at without the lock, decided under it, tried again when they move.

What is open of a SKU follows from its own facts; its listings are those the lists know, and whoever links one later is told
the SKU it means. A preview decides by the very verb and records nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import adapters
from api.jobs.imports import shop_of
from api.jobs.switching import would_want
from api.projecting import catch_up
from api.wiring import House
from ledger import keys, sku
from ledger.book import By, Verb
from ledger.book.unify import undo_unify, unify
from ledger.codec import Envelope, decode
from ledger.listing import RETIRED
from ledger.reading import Selects, look, stock_levels
from ledger.stock import Stock
from ledger.terms import MAIN_PLACE, ListingKey
from ledger.unify import CHOICES, Open, UnifyRefused, UnitsMoved, kept_back_after, on_hand_after, open_of
from ledger.view import NotReadYet
from ledger.writer import ROUNDS_MAX, Done
from projections import listing_list
from projections.listing_list import ListingNow

MOVED_TRIES_MAX = 5
FETCH_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Choice:
    """What one choice would leave. ``refused``: why it cannot be chosen."""

    choice: str
    on_hand_units: int | None = None
    available_units: int | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page (ショップ商品) of either SKU: what it shows, and what it would show by the choice that was made."""

    shop: str
    item: str
    variant: str
    sku: str
    state: str
    expected_units: int | None
    wanted_units: int | None
    would_want_units: int | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What making two SKUs one would do. ``answer`` is that of the verb, None: no choice was made, or it is ``refused``."""

    from_sku: str
    into_sku: str
    from_stock: Stock
    into_stock: Stock
    open_orders: int
    choices: tuple[Choice, ...]
    pages: tuple[Page, ...]
    answer: dict[str, Any] | None = None
    refused: str = ""


def preview(house: House, from_sku: str, into_sku: str, choice: str | None, by: By) -> Preview:
    """The two numbers beside each other, what each choice would leave, and what the one that was made would do."""
    catch_up(house)
    stocks = _stocks(house, from_sku, into_sku)
    rows = _listings(house, from_sku), _listings(house, into_sku)
    promised = promised_of(house, from_sku)
    seen = Preview(from_sku, into_sku, *stocks, len(promised.orders), _choices(*stocks), ())
    answer: dict[str, Any] | None = None
    refused = ""
    if choice is not None:
        try:
            answer = tried(house, _verb(house, from_sku, into_sku, choice, None), by)
        except ValueError as error:
            refused = str(error)
    free = None if answer is None else _free_after(choice or "", answer, *stocks)
    pages = tuple(_page(house, row, free, known=answer is not None) for row in (*rows[0], *rows[1]))
    return replace(seen, answer=answer, refused=refused, pages=pages)


def make_one(
    house: House,
    from_sku: str,
    into_sku: str,
    choice: str,
    by: By,
    *,
    seen: tuple[int | None, int | None] | None = None,
) -> Done:
    """``from_sku`` is one with ``into_sku``. ``seen``: the units on hand a person chose by. Raises UnifyRefused, UnitsMoved."""
    catch_up(house)
    return _until_still(house, lambda: _verb(house, from_sku, into_sku, choice, seen), by)


def part(house: House, from_sku: str, by: By) -> Done:
    """``from_sku`` is one of its own again, as far as that can be undone. Raises UnifyRefused, UnitsMoved."""
    catch_up(house)
    return _until_still(house, lambda: _undo(house, from_sku), by)


def preview_part(house: House, from_sku: str, by: By) -> dict[str, Any]:
    """What ``part`` would do now. Raises UnifyRefused."""
    catch_up(house)
    return tried(house, _undo(house, from_sku), by)


def row_verb(house: House, from_sku: str, into_sku: str, choice: str) -> Verb:
    """The verb for one row of a list; the lists have caught up before. Raises UnifyRefused, SkuNotAccepted."""
    return _verb(house, from_sku, into_sku, choice, None)


def promised_of(house: House, code: str) -> Open:
    """What of the SKU's stock is open now, folded from its facts."""
    with house.pool.connection() as connection, connection.transaction(), connection.cursor("stock_facts") as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(
            "SELECT notification_id, originator_id, originator_version, topic, state FROM ledger_events"
            " WHERE originator_id = %s ORDER BY originator_version",
            (keys.stock(code),),
        )
        return open_of(decode(row[0], row[1], row[2], row[3], bytes(row[4])) for row in cursor)


def tried(house: House, verb: Verb, by: By) -> dict[str, Any]:
    """What the verb would answer now; nothing is recorded. Raises what it raises."""
    now = house.clock.now()
    envelope = Envelope(verb.at or now, by.actor, by.trace, None, by.cause)
    with house.pool.connection() as connection, look(connection, house.database.schema, now) as seen:
        wanted = verb.wanted
        for _ in range(ROUNDS_MAX):
            if wanted:
                seen.read(wanted)
            try:
                decided = verb.decide(seen.view)
                seen.view.apply(decided.drafts, envelope)
            except NotReadYet as more:
                wanted = more.wanted
                continue
            return dict(decided.answer)
    raise AssertionError(f"{verb.name} asked for more than {ROUNDS_MAX} times")


# ------------------------------------------------------------------ private


def _until_still(house: House, made: Callable[[], Verb], by: By) -> Done:
    for tries in range(1, MOVED_TRIES_MAX + 1):
        try:
            return house.book.do(made(), by)
        except UnitsMoved:
            if tries == MOVED_TRIES_MAX:
                raise
    raise AssertionError("not reached")


def _verb(house: House, from_sku: str, into_sku: str, choice: str, seen: tuple[int | None, int | None] | None) -> Verb:
    pages = [(row.shop, row.key) for row in _listings(house, from_sku)]
    return unify(from_sku, into_sku, choice, promised_of(house, from_sku), pages, seen=seen)


def _undo(house: House, from_sku: str) -> Verb:
    state = house.look(keys.sku(from_sku), sku.FOLD)
    return undo_unify(from_sku, promised_of(house, state.unified_into or from_sku))


def _listings(house: House, code: str) -> Sequence[ListingNow]:
    with house.pool.connection() as connection:
        found = listing_list.of_skus(connection, house.database.schema, [code])
    return [row for row in found if row.state != RETIRED]


def _stocks(house: House, *codes: str) -> tuple[Stock, Stock]:
    with house.pool.connection() as connection:
        levels = stock_levels(connection, Selects(house.database.schema), [(MAIN_PLACE, code) for code in codes])
    first, second = (levels[MAIN_PLACE, code].stock if (MAIN_PLACE, code) in levels else Stock() for code in codes)
    return first, second


def _choices(from_stock: Stock, into_stock: Stock) -> tuple[Choice, ...]:
    found = []
    allocated = from_stock.allocated_units + into_stock.allocated_units
    for choice in CHOICES:
        try:
            on_hand = on_hand_after(choice, from_stock, into_stock)
        except UnifyRefused as refused:
            found.append(Choice(choice, refused=str(refused)))
            continue
        found.append(Choice(choice, on_hand, None if on_hand is None else on_hand - allocated))
    return tuple(found)


def _free_after(choice: str, answer: dict[str, Any], from_stock: Stock, into_stock: Stock) -> int | None:
    """購入可能数 of the one SKU, as the verb would leave it."""
    available = answer.get("available", into_stock.available_units)
    if available is None:
        return None
    kept = kept_back_after(choice, from_stock.kept_back_units, into_stock.kept_back_units)
    held = from_stock.held_units + into_stock.held_units
    return int(available) - kept - held - from_stock.auction_kept_units - into_stock.auction_kept_units


def _page(house: House, row: ListingNow, free: int | None, *, known: bool) -> Page:
    would = None
    if known:
        after = replace(row, free_units=free)
        linked = replace(after, state="to_confirm") if row.state == "linked" else after
        would = would_want(linked, adapters.mall(shop_of(house, row.shop).mall).units_max)
    key: ListingKey = row.key
    return Page(
        row.shop, key.item, key.variant, row.sku, row.state, row.numbers.expected_units, row.wanted_units, would
    )
