"""What is really so, and what the malls did: who sold beyond the stock there was, and whether one of our pushes made it possible.

Counted as ours (product.md): a unit sold only because a raising push left out an order that was told to us, or that the
required look would have shown, when it was sent. Judged more strictly here: such a push alone is a fault, sold or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ledger import listing
from ledger.listing import Listing
from ledger.terms import ListingKey

LOW_WATER_UNITS = 10
EVER = datetime.min.replace(tzinfo=UTC)
LOOK_AGE_MAX = timedelta(seconds=6)  # five, and the way to the mall


@dataclass(frozen=True, slots=True)
class Sold:
    """One sale at a mall, in units of the SKU."""

    order: str
    shop: str
    key: ListingKey
    sku: str
    units: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Base:
    """What set a page's number: a push with what was known when it was sent, and when its mall took it."""

    sent: "Sent"
    at: datetime
    raising: bool


@dataclass
class Truth:
    """Everything that happened, as nobody in the house can know it. Mutable: the world goes on.

    ``told``: orders we were told. ``shown``: orders whose units a look found missing, for it came after the sale and no push
    had written over the number between. ``met_more``: lowerings that met more unseen
    orders than they lowered. ``oversold``: sales beyond the supply, each with the orders that its page's number had left out, and
    why; "" for those that a look had shown or hidden. ``faults``: sentences about raising pushes that left out what they should not have.
    """

    rules: dict[tuple[str, ListingKey], Listing] = field(default_factory=dict)
    supply: dict[str, int] = field(default_factory=dict)
    sales: list[Sold] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    looked_at: dict[tuple[str, ListingKey], datetime] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    pushed_at: dict[tuple[str, ListingKey], datetime] = field(default_factory=dict)
    sent_at: dict[tuple[str, ListingKey], datetime] = field(default_factory=dict)
    number_of_push: dict[tuple[str, ListingKey], int] = field(default_factory=dict)
    raised_wrongly: set[tuple[str, ListingKey]] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    bases: dict[tuple[str, ListingKey], Base] = field(default_factory=dict)
    oversold: dict[str, Mapping[str, str]] = field(default_factory=dict)
    oversold_units: int = 0
    oversold_as_ours: int = 0
    raises: int = 0
    met_more: int = 0
    overtaken: int = 0

    def sold(self, sale: Sold) -> None:
        """A mall sold; beyond the supply it is an oversell, ours when a wrong raise stands there."""
        self.sales.append(sale)
        left = self.supply[sale.sku] - sum(
            one.units for one in self.sales if one.sku == sale.sku and one.order not in self.cancelled
        )
        if left < 0:
            self.oversold_units += min(sale.units, -left)
            self.oversold[sale.order] = self._left_out(sale)
            if (sale.shop, sale.key) in self.raised_wrongly:
                self.oversold_as_ours += min(sale.units, -left)

    def _left_out(self, sale: Sold) -> Mapping[str, str]:
        """The orders that the page's number had left out when it sold beyond the supply, each with why."""
        base = self.bases.get((sale.shop, sale.key))
        told = base.sent.known.told if base is not None else frozenset()
        shown = base.sent.known.shown if base is not None else frozenset()
        found: dict[str, str] = {}
        for one in self.sales[:-1]:
            if one.sku != sale.sku or one.order in self.cancelled or one.order in told:
                continue
            if one.order in shown:  # told late, and taken off for what a look had shown
                found[one.order] = ""
            elif (one.shop, one.key) != (sale.shop, sale.key):
                found[one.order] = "push_in_flight" if one.order in self.told else "late_telling"
            elif base is not None and one.at <= base.at:
                found[one.order] = self._written_over(one, base)
        return found

    @staticmethod
    def _written_over(sale: Sold, base: Base) -> str:
        """Why a page's number wrote over the mall's own, which this sale had lowered; "" when a look hid the sale."""
        looked_at = base.sent.known.looked_at.get((sale.shop, sale.key))
        if looked_at is not None and base.sent.at - looked_at <= LOOK_AGE_MAX:
            return "sold_after_look" if sale.at > looked_at else ""
        return "later_than_quiet_time" if base.raising and not base.sent.can_look else "lowering_met_unseen_orders"

    def looked(self, shop: str, found: Mapping[ListingKey, int], at: datetime) -> None:
        """These numbers were read; of the sales since the last push they show as many as the number fell by.

        What a mall put back by itself hides as many sales; which of them, nobody can say: the newest here.
        """
        for key, units in found.items():
            self.looked_at[shop, key] = at
            each = self.rules[shop, key].units_per_listing
            since = [one for one in self._since_the_push(shop, key) if one.at <= at]
            fell = (self.number_of_push[shop, key] - units) * each - sum(
                one.units for one in since if one.order in self.told
            )
            for one in since:
                if one.order not in self.told and fell >= one.units:
                    self.shown.add(one.order)
                    fell -= one.units

    def _since_the_push(self, shop: str, key: ListingKey) -> list[Sold]:
        """Sales of the listing that the mall's number has fallen by."""
        pushed_at = self.pushed_at.get((shop, key), EVER)
        return [one for one in self.sales if (one.shop, one.key) == (shop, key) and one.at > pushed_at]

    def known(self) -> "Known":
        """What we had been told, and shown by looks, by now."""
        return Known(frozenset(self.told), frozenset(self.shown), dict(self.looked_at))

    def pushed(self, shop: str, key: ListingKey, units: int, before: int | None, sent: "Sent", now: datetime) -> None:
        """A push reached the mall, which showed ``before``.

        A number below what the mall had been told less the sales we knew of is a lowering: where it met more unseen
        orders than it lowered, that is counted apart; but it too holds no order we were told.
        """
        known = sent.known
        unseen = [one for one in self._since_the_push(shop, key) if one.order not in known.told | known.shown]
        overtaken = self.sent_at.get((shop, key), EVER) > sent.at
        self.number_of_push[shop, key] = units
        self.bases[shop, key] = Base(sent, now, raising=before is None or units > before)
        self.pushed_at[shop, key], self.sent_at[shop, key] = now, max(sent.at, self.sent_at.get((shop, key), EVER))
        if overtaken:  # a request we had given up arrives behind a newer one: read and told again once it is dead
            self.overtaken += 1
            return
        if before is not None and units <= before:
            self.raised_wrongly.discard((shop, key))
            return
        rules = self.rules[shop, key]
        each, free, missing = rules.units_per_listing, sent.free[rules.sku], 0
        raising = before is None or units >= before + sum(one.units // each for one in unseen)
        self.raises, self.met_more = self.raises + raising, self.met_more + (not raising)
        if raising and free <= LOW_WATER_UNITS and sent.can_look:
            looked_at = known.looked_at.get((shop, key))
            if looked_at is None or sent.at - looked_at > LOOK_AGE_MAX:
                self.faults.append(
                    f"{sent.at:%H:%M:%S} {shop} {key} was raised to {units} with {free} free units and no look"
                )
                return
            missing = sum(one.units for one in self.sales if self._hidden(one, shop, key, known))
        allowed = listing.wanted(rules, free, units_max=sent.units_max, withheld_units=missing) or 0
        if units > allowed:
            self.raised_wrongly.add((shop, key))
            self.faults.append(
                f"{sent.at:%H:%M:%S.%f} {shop} {key} was raised from {before} to {units}; with {free} free units"
                f" and {missing} that the look had shown as sold, expected at most {allowed}"
            )
        else:
            self.raised_wrongly.discard((shop, key))

    def _hidden(self, sale: Sold, shop: str, key: ListingKey, known: "Known") -> bool:
        """Sold there, shown by a look, and not told to us when the push was sent."""
        untold = sale.order not in known.told and sale.order not in self.cancelled
        return (sale.shop, sale.key) == (shop, key) and untold and sale.order in known.shown


@dataclass(frozen=True, slots=True)
class Known:
    """The orders we were told by then, those that looks had shown, and when we had last read each listing."""

    told: frozenset[str]
    shown: frozenset[str]
    looked_at: Mapping[tuple[str, ListingKey], datetime]


@dataclass(frozen=True, slots=True)
class Sent:
    """A push as it left: ``free`` units of each SKU by what we were told, and what its mall is like."""

    at: datetime
    free: Mapping[str, int]
    known: Known
    units_max: int
    can_look: bool


def shown_in_the_end(
    truth: Truth, free: Mapping[str, int], units_max: Mapping[str, int]
) -> Mapping[tuple[str, ListingKey], int]:
    """What every listing should show once everything was told."""
    return {
        (shop, key): listing.wanted(rules, free[rules.sku], units_max=units_max[shop]) or 0
        for (shop, key), rules in truth.rules.items()
    }
