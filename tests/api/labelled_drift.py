"""A labelled set for 在庫照合: many listings at an emulated mall with ordinary traffic, each with one fault of a known class.

The mall sells from its own number; orders are told under the mall's own numbers, so that asking the mall shows them.
"""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from adapters.kit.emulator import EmulatedOrder
from api.jobs.drift_classes import Drift
from api.jobs.reconcile import reconcile
from ledger.book import Verb, orders, shops, stock
from ledger.facts.listing import ListingSettingsChanged
from ledger.terms import Door, ListingKey, OrderState, Telling, TellingLine
from tests.api.jobs.pushing import BY, Stage

FAULTS = (
    Drift.SAME,
    Drift.RULE,
    Drift.EDIT,
    Drift.LOST_PUSH,
    Drift.LOST_ORDER,
    Drift.LATE_CANCEL,
    Drift.DUPLICATE,
    Drift.UNKNOWN_ITEM,
    Drift.OTHER_TOOL,
)

RULES = (
    ListingSettingsChanged(cap=3),
    ListingSettingsChanged(reserve=2),
    ListingSettingsChanged(share_percent=50),
    ListingSettingsChanged(stop_threshold=90),
)


class Labelled:
    """Listings of one shop with their labels. Mutable: it is played step by step."""

    def __init__(self, scene: Stage, code: str, count: int, seed: int) -> None:
        self.scene, self.code, self.random = scene, code, Random(seed)
        self.mall = scene.malls[code]
        self.keys = [ListingKey(f"item-{n:04d}", "v") for n in range(count)]
        restores = scene.shop(code).settings["mall.restores_on_cancel"] != "no"
        faults = [fault for fault in FAULTS if restores or fault is not Drift.LATE_CANCEL]
        self.labels: Mapping[ListingKey, Drift] = {key: faults[n % len(faults)] for n, key in enumerate(self.keys)}
        self.sales: dict[ListingKey, list[EmulatedOrder]] = {key: [] for key in self.keys}

    def play(self) -> Mapping[ListingKey, Drift]:
        """Everything has happened, and nothing was pushed behind the faults; the labels."""
        self._begin()
        self.scene.push_until(lambda: not self.scene.push(), seconds=30)
        self.scene.clock.sleep(120)
        self._traffic()
        self._lose_pushes()
        self.scene.clock.sleep(1_200)
        self._faults()
        self.scene.clock.sleep(1_200)
        self._other_tool()
        return self.labels

    # -------------------------------------------------------------- steps

    def _begin(self) -> None:
        verbs: list[Verb] = []
        for key in self.keys:
            units = self.random.randint(8, 60)
            self.mall.set_stock(key, units + self.random.choice((-2, 3)))
            verbs += [stock.add(self._sku(key), units), shops.link_listing(self.code, key, self._sku(key))]
            verbs.append(shops.confirm_listings(self.code, {key: (units, units)}))
            if self.labels[key] is Drift.RULE:
                verbs.append(shops.change_listing_settings(self.code, [key], self.random.choice(RULES)))
        self._do(verbs)

    def _traffic(self) -> None:
        for _ in range(2):
            self._do([self._told(key, self._sell(key)) for key in self.keys if self._sells(key)])
            self.scene.clock.sleep(300)

    def _lose_pushes(self) -> None:
        """The stock changed and the push was applied, as its answer said; the mall shows its former number all the same."""
        lost = self._with(Drift.LOST_PUSH)
        before = {key: self.mall.stock[key] for key in lost}
        self._do([stock.add(self._sku(key), self.random.choice((-4, -3, 5, 9))) for key in lost])
        self.scene.push_until(lambda: not self.scene.push(), seconds=30)
        for key in lost:
            self.mall.set_stock(key, before[key])
        self.scene.clock.sleep(120)
        self._do([self._told(key, self._sell(key)) for key in lost if self._sells(key)])

    def _faults(self) -> None:
        for key in self._with(Drift.EDIT):
            shown = self.mall.stock[key] or 0
            self.mall.set_stock(key, self.random.choice([n for n in range(80) if n != shown]))
        for key in self._with(Drift.UNKNOWN_ITEM):
            del self.mall.stock[key]
        for key in self._with(Drift.LOST_ORDER):
            for _ in range(self.random.randint(1, 2)):
                self._sell(key)
        cancelled, doubled = self._with(Drift.LATE_CANCEL), self._with(Drift.DUPLICATE)
        sold = {key: self._sell(key) for key in (*cancelled, *doubled)}
        self._do([self._told(key, order) for key, order in sold.items()])
        self.scene.clock.sleep(60)
        self.mall.restores_on_cancel = True
        for key in cancelled:
            self.mall.cancel(sold[key].number)
        self.mall.restores_on_cancel = False
        self._do([self._told(key, replace(sold[key], number=f"{sold[key].number}-2")) for key in doubled])

    def _other_tool(self) -> None:
        """Another tool sets its own number every few minutes; each time we look."""
        written = self._with(Drift.OTHER_TOOL)
        for _ in range(3):
            for key in written:
                self.mall.set_stock(key, (self.mall.stock[key] or 0) + self.random.randint(1, 9))
            reconcile(self.scene.house, self.code, BY, only=written)
            self.scene.clock.sleep(300)

    # -------------------------------------------------------------- how

    def _with(self, label: Drift) -> list[ListingKey]:
        return [key for key in self.keys if self.labels[key] is label]

    def _sku(self, key: ListingKey) -> str:
        return f"SKU-{key.item}"

    def _sells(self, key: ListingKey) -> bool:
        return (self.mall.stock[key] or 0) > 2 and self.random.random() < 0.5

    def _sell(self, key: ListingKey) -> EmulatedOrder:
        self.scene.clock.sleep(2)
        order = self.mall.sell(key, 1 if (self.mall.stock[key] or 0) < 3 else self.random.randint(1, 2))
        assert order is not None, (key, self.labels[key])
        return order

    def _told(self, key: ListingKey, order: EmulatedOrder) -> Verb:
        telling = Telling(
            order=order.number,
            door=Door.MAIL,
            told_at=self.scene.clock.now(),
            state=OrderState.CONFIRMED,
            complete=True,
            verified=True,
            lines=(TellingLine(key.item, key.variant, order.lines[0][1]),),
            parser_version=1,
            ordered_at=order.ordered_at,
        )
        return orders.take_order(self.code, telling, [orders.Named(key, self._sku(key))])

    def _do(self, verbs: list[Verb]) -> None:
        for answer in self.scene.house.book.do_page([(verb, BY) for verb in verbs]):
            assert not isinstance(answer, Exception), answer
        self.scene.fold()
