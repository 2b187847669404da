"""Short words for tests of the ledger: two shops, times of one day, tellings, and verbs with the usual arguments."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ledger.book import Verb
from ledger.book import orders as order_verbs
from ledger.book import shops as shop_verbs
from ledger.book import stock as stock_verbs
from ledger.book.orders import Named
from ledger.facts.order import ShipmentTold
from ledger.terms import CancelReason, Door, ListingKey, OrderState, Telling, TellingLine

R = "rakuten-1"
Y = "yahoo_shopping-1"
A = "amazon-1"
NUMBER = "402853-20261120-0000000001"
DAY = datetime(2026, 11, 20, tzinfo=UTC)


def at(clock: str, *, days: int = 0) -> datetime:
    """``10:20`` or ``10:20:05`` of the day of the test, in UTC."""
    hours, minutes, *seconds = clock.split(":")
    moment = timedelta(days=days, hours=int(hours), minutes=int(minutes), seconds=float(seconds[0]) if seconds else 0)
    return DAY + moment


def line(item: str, quantity: int = 1, variant: str = "", **more: Any) -> TellingLine:
    """One line of a telling."""
    return TellingLine(item, variant, quantity, **more)


def telling(*lines: TellingLine, told: str = "10:00", number: str = NUMBER, **more: Any) -> Telling:
    """A whole, verified, confirmed order by mail, ordered when it was told where nothing else is said."""
    usual: dict[str, Any] = {
        "door": Door.MAIL,
        "state": OrderState.CONFIRMED,
        "complete": True,
        "verified": True,
        "parser_version": 1,
    }
    if isinstance(more.get("ordered"), str):
        more["ordered_at"] = at(more.pop("ordered"))
    if "ordered_at" not in more and "ordered_on" not in more:
        more["ordered_at"] = at(told)
    return Telling(order=number, told_at=at(told), lines=tuple(lines), **{**usual, **more})


def by_date(*lines: TellingLine, told: str, number: str = NUMBER, **more: Any) -> Telling:
    """An order of which only the date in Japan is known."""
    return telling(*lines, told=told, number=number, ordered_at=None, ordered_on=date(2026, 11, 20), **more)


def cancel(told: str = "11:00", number: str = NUMBER, *lines: TellingLine, **more: Any) -> Telling:
    """A cancel mail: of the whole order, or of the lines it names. The buyer cancelled where nothing else is said."""
    usual: dict[str, Any] = {"state": OrderState.CANCELLED, "complete": False, "reason": CancelReason.BUYER}
    return telling(*lines, told=told, number=number, ordered_at=None, **{**usual, **more})


def take(shop: str, said: Telling, *, unnamed: bool = False, named: Sequence[str] = (), **more: Any) -> Verb:
    """The telling is taken. Lines name the listing of their own codes, or of the item in ``named``; none when ``unnamed``."""
    found = [ListingKey(one.item, one.variant) for one in said.lines]
    if named:
        found = [ListingKey(item) for item in named]
    return order_verbs.take_order(shop, said, [Named(None if unnamed else key) for key in found], **more)


def order(shop: str, number: str, *lines: TellingLine, told: str = "10:00", **more: Any) -> Verb:
    """A whole order is told by mail."""
    return take(shop, telling(*lines, told=told, number=number, **more))


def shipped(number: str = NUMBER, shop: str = R, **more: Any) -> Verb:
    """The whole order has left, where nothing else is said."""
    usual: dict[str, Any] = {
        "scope": "whole",
        "skus": [],
        "listings": [],
        "units": [],
        "cumulative": True,
        "slip": "",
        "shipped_on": "2026-11-20",
        "source": "csv",
    }
    return order_verbs.tell_shipment(shop, number, ShipmentTold(**{**usual, **more}))


def link(shop: str, item: str, sku: str, units_per_listing: int = 1, *, variant: str = "", **more: Any) -> Verb:
    """The listing sells so many of the SKU."""
    key = ListingKey(item, variant)
    return shop_verbs.link_listing(shop, key, sku, units_per_listing=units_per_listing, **more)


def links(shop: str, skus: Iterable[str]) -> list[Verb]:
    """One listing for each SKU, its item code the SKU in small letters."""
    return [link(shop, sku.lower(), sku) for sku in skus]


def counted(sku: str, units: int, clock: str = "09:00", **more: Any) -> Verb:
    """上書き by our own number: everything up to its time is inside it."""
    moment = at(clock)
    return stock_verbs.overwrite(sku, units, covers=stock_verbs.everything_up_to(moment), counted_at=moment, **more)


def mall_file(shop: str, sku: str, units: int, clock: str, told_position: int = 0, **more: Any) -> Verb:
    """上書き by a mall's own file: that shop's sales are inside it, and others as far as the mall had been told."""
    moment = at(clock)
    return stock_verbs.overwrite(
        sku, units, covers=stock_verbs.sales_of(shop, moment, told_position), counted_at=moment, **more
    )
