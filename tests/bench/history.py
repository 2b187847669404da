"""A ledger full of facts for benchmarks, made from a seed: coherent, sealed, with its levels, in commits of 5,000 facts.

60 % of the facts are of stock, 25 % of orders, 10 % of pushes, 5 % and the set-up at the beginning are others. Every SKU has
one listing in each of two shops.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ledger import counting, keys, stock
from ledger.codec import Envelope
from ledger.commit import Connection, Statements, finish, lock_head, write
from ledger.counting import Covers
from ledger.facts.listing import ListingLinked
from ledger.facts.order import OrderTold, ShipmentTold
from ledger.facts.push import PushAnswered, PushSent
from ledger.facts.shop import IntakeStarted, ShopConnected, ShopSettingsChanged
from ledger.facts.sku import KeptBackSet, SkuRegistered
from ledger.facts.stock import StockFact
from ledger.levels import Level
from ledger.reading import Selects, stock_levels
from ledger.stock import Stock, evolve
from ledger.terms import MAIN_PLACE, ListingKey, utc_text
from ledger.view import Draft, StreamRead, View

SHOPS = ("rakuten-1", "yahoo_shopping-1")
COMMIT_FACTS = 5_000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
LISTINGS_A_PUSH = 4

Drafts = Sequence[Draft]


class History:
    """Makes drafts; ``levels`` are as the drafts made so far leave them. One seed gives one history."""

    def __init__(self, seed: int, skus: int) -> None:
        self._random = random.Random(seed)
        self._skus = [f"SKU-{n:07d}" for n in range(skus)]
        self._orders = 0
        self._requests = 0
        self._slips = 0
        self._open: list[tuple[str, str, str, int]] = []  # shop, number, SKU, units
        self.stocks: dict[str, Stock] = {}
        self.position = 0
        self.now = BEGAN

    def beginning(self) -> Iterator[Drafts]:
        """Shops, SKUs, their first numbers and their listings."""
        for shop in SHOPS:
            mall, _, shop_id = shop.partition("-")
            yield [
                Draft(keys.shop(shop), ShopConnected(mall=mall, mall_shop_id=shop_id, match_key="sku")),
                Draft(
                    keys.shop(shop),
                    ShopSettingsChanged(
                        names=["mall.lowers_at", "mall.restores_on_cancel", "mall.units_max"],
                        values=["order", "no", "99999"],
                    ),
                ),
                Draft(keys.shop(shop), IntakeStarted()),
            ]
        for sku in self._skus:
            yield [
                Draft(keys.sku(sku), SkuRegistered(sku=sku, name=f"品 {sku}")),
                *self._overwrite(sku, self._random.randint(20, 500)),
                *(
                    Draft(keys.listing(shop, self._listing(sku)), ListingLinked(sku=sku, state="linked", codes=[sku]))
                    for shop in SHOPS
                ),
            ]

    def days(self, begin: int = 0) -> Iterator[Drafts]:
        """What happens day by day, without an end. Orders, requests and slips are numbered from ``begin`` on."""
        self._orders = self._requests = self._slips = begin
        while True:
            chance = self._random.random()
            if chance < 0.135:
                yield self._told()
            elif chance < 0.27:
                yield self._shipped()
            elif chance < 0.335:
                yield self._pushed()
            elif chance < 0.40:
                sku = self._random.choice(self._skus)
                yield [Draft(keys.sku(sku), KeptBackSet(MAIN_PLACE, self._random.randint(0, 5)))]
            elif chance < 0.5:
                yield self._overwrite(self._random.choice(self._skus), self._random.randint(0, 500))
            else:
                yield self._received()

    # -------------------------------------------------------------- one thing that happens

    def _listing(self, sku: str) -> ListingKey:
        return ListingKey(f"item-{sku.lower()}", "")

    def _stock(self, sku: str) -> Stock:
        return self.stocks.get(sku, Stock())

    def _move(self, sku: str, fact: StockFact) -> Draft:
        self.stocks[sku] = evolve(self._stock(sku), fact)
        return Draft(keys.stock(sku), fact)

    def _overwrite(self, sku: str, units: int) -> list[Draft]:
        covers = Covers(("*",), (utc_text(self.now),), (0,))
        now = self._stock(sku)
        owed = "after" if now.short_units else None
        return [self._move(sku, counting.overwrite(now, units, covers=covers, applied_on_top=0, owed=owed))]

    def _received(self) -> list[Draft]:
        self._slips += 1
        sku = self._random.choice(self._skus)
        slip, units = f"slip-{self._slips}", self._random.randint(1, 20)
        return [self._move(sku, stock.receive(self._stock(sku), slip, "1", units))]

    def _told(self) -> list[Draft]:
        self._orders += 1
        shop = self._random.choice(SHOPS)
        number, sku, units = f"402853-2026-{self._orders:010d}", self._random.choice(self._skus), 1
        name, text = keys.order_name(shop, number), keys.listing_text(self._listing(sku))
        self._open.append((shop, number, sku, units))
        moved = stock.allocate(self._stock(sku), order=name, listing=text, sku_told=sku, units=units)
        return [
            Draft(keys.order(shop, number), self._order_told(shop, number, sku, units, text)),
            self._move(sku, moved),
        ]

    def _order_told(self, shop: str, number: str, sku: str, units: int, text: str) -> OrderTold:
        return OrderTold(
            order=number,
            shop=shop,
            door="mail",
            revision=None,
            ordered_at=utc_text(self.now),
            ordered_precision="second",
            told_at=utc_text(self.now + timedelta(seconds=20)),
            complete=True,
            verified=True,
            state="confirmed",
            reason=None,
            parser_version=1,
            inbox_id=f"inbox-{self._orders}",
            items=[self._listing(sku).item],
            variants=[""],
            codes=[sku],
            quantities=[units],
            units_known=[True],
            listings=[text],
            skus=[sku],
            units=[units],
            marks=[""],
            line_ids=[""],
            **_booked("allocated", sku, units),
            sold_listings=[text],
            sold_quantities=[units],
        )

    def _shipped(self) -> list[Draft]:
        if not self._open:
            return self._told()
        shop, number, sku, units = self._open.pop(
            self._random.randrange(max(1, len(self._open) - 500), len(self._open) + 1) - 1
        )
        told = ShipmentTold(
            scope="whole",
            skus=[],
            listings=[],
            units=[],
            cumulative=True,
            slip="",
            shipped_on="2026-01-02",
            source="csv",
            **_booked("shipped", sku, units),
        )
        moved = stock.ship(
            self._stock(sku), order=keys.order_name(shop, number), sku_told=sku, units=units, assumed=False
        )
        return [Draft(keys.order(shop, number), told), self._move(sku, moved)]

    def _pushed(self) -> list[Draft]:
        self._requests += 1
        shop, request = self._random.choice(SHOPS), f"request-{self._requests}"
        skus = self._random.sample(self._skus, min(LISTINGS_A_PUSH, len(self._skus)))
        units = [max(0, self._stock(sku).available_units or 0) for sku in skus]
        sent = PushSent(
            request=request,
            channel="api",
            triggers=["changed"] * len(skus),
            listings=[keys.listing_text(self._listing(sku)) for sku in skus],
            units=units,
            computed_at=self.position,
            expected_before=[None] * len(skus),
            look_position=0,
            look_at=None,
            dead_after=utc_text(self.now + timedelta(minutes=5)),
            attempt=1,
            sync=None,
            parent_request=None,
        )
        moment = utc_text(self.now)
        answered = PushAnswered(
            request=request,
            outcomes=["applied"] * len(skus),
            codes=[""] * len(skus),
            sent_at=moment,
            applied_from=moment,
            applied_until=utc_text(self.now + timedelta(seconds=1)),
        )
        return [Draft(keys.push(shop), sent), Draft(keys.push(shop), answered)]


def _booked(how: str, sku: str, units: int) -> dict[str, Any]:
    return {
        "booked_how": [how],
        "booked_told": [sku],
        "booked_told_units": [units],
        "booked_skus": [sku],
        "booked_units": [units],
        "booked_recipes": [0],
        "booked_to": [""],
    }


def fill(
    connection: Connection,
    schema: str,
    facts: int,
    *,
    seed: int,
    skus: int,
    progress: Callable[[int], None] | None = None,
) -> int:
    """About ``facts`` facts are in the empty ledger; the answer is its last position. The connection is in autocommit."""
    history, statements = History(seed, skus), Statements(schema)
    levels: dict[tuple[str, str], Level] = {}
    versions: dict[str, int] = {}
    happenings = _both(history)
    done = False
    while not done:
        connection.execute("BEGIN")
        head = lock_head(connection, statements)
        view = View(head.position, history.now)
        view.levels = levels
        while len(view.facts) < COMMIT_FACTS:
            drafts = next(happenings)
            known(view, drafts, versions, levels)
            history.now += timedelta(seconds=1)
            view.apply(drafts, Envelope(history.now, "made:1", f"{view.position:032x}"))
            history.position = view.position
        versions.update({fact.stream: fact.version for fact in view.facts})
        done = view.position >= facts
        now = max(history.now, head.committed_at)
        history.position = write(connection, statements, head, view.facts, view.effects, (), now).position
        finish(connection)
        if progress is not None:
            progress(history.position)
    connection.execute("VACUUM (ANALYZE)")
    return history.position


def _both(history: History) -> Iterator[Drafts]:
    yield from history.beginning()
    yield from history.days()


def know(connection: Connection, schema: str, history: History, levels: dict[tuple[str, str], Level]) -> None:
    """The history goes on from the levels that are in the database."""
    selects = Selects(schema)
    rows = connection.execute("SELECT sku FROM stock_levels")
    levels.update(stock_levels(connection, selects, [(MAIN_PLACE, str(sku)) for (sku,) in rows.fetchall()]))
    history.stocks.update({sku: level.stock for (_, sku), level in levels.items()})


def known(view: View, drafts: Drafts, versions: dict[str, int], levels: dict[tuple[str, str], Level]) -> None:
    """The view knows everything that the drafts touch, as an empty ledger or the commits before left it."""
    for draft in drafts:
        kind = keys.kind_of(draft.stream)
        if kind == "stock":
            place, sku = keys.parts_of(draft.stream)
            levels.setdefault((place, sku), Level())
        else:
            view.streams.setdefault(draft.stream, StreamRead(versions.get(draft.stream, 0), []))
            if kind == "sku":
                levels.setdefault((MAIN_PLACE, keys.parts_of(draft.stream)[0]), Level())
