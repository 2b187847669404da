"""Orders that a person takes, changes and cancels: by telephone, at the counter, under our own order number."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from api.jobs.imports import shop_of
from api.wiring import House
from ledger import keys, sku
from ledger.book import Verb, orders
from ledger.book.orders import Named, OrderNotAccepted, OrderNotKnown
from ledger.order import FOLD
from ledger.terms import CancelReason, Door, ListingKey, OrderState, Telling, TellingLine
from ledger.view import View
from ledger.writer import Decision

PARSER_VERSION = 1


class ReasonNotAccepted(ValueError):
    """The cancel reason is not one that is known."""


@dataclass(frozen=True, slots=True)
class AskedLine:
    """One line: a listing of the shop by the mall's codes, or one of our own SKUs; and how many."""

    quantity: int
    item: str = ""
    variant: str = ""
    sku: str = ""


def take(
    house: House,
    shop: str,
    number: str,
    lines: Sequence[AskedLine],
    *,
    ordered_at: datetime | None = None,
    strict: bool = False,
    hold: str | None = None,
    known: bool | None = None,
) -> Verb:
    """The order is these lines, all of them. ``strict``: refused when more is asked than is free. ``hold``: its units are taken.

    ``known`` True: only an order that was told before (a change); False: only a new one. A line's SKU has to be registered.
    Raises ShopNotReady, OrderNotAccepted; the verb OrderNotKnown, NotEnough, HoldNotAccepted.
    """
    shop_of(house, shop)
    now = house.clock.now()
    for n, line in enumerate(lines, start=1):
        if bool(line.item) == bool(line.sku):
            raise OrderNotAccepted(f"line {n}: expected an item of the shop or a SKU, one of the two")
    told = tuple(TellingLine(one.sku or one.item, one.variant, one.quantity, sku=one.sku) for one in lines)
    named = [Named(None, one.sku, own=True) if one.sku else Named(ListingKey(one.item, one.variant)) for one in lines]
    telling = _telling(number, now, told, ordered_at=ordered_at or (None if known else now))
    verb = orders.take_order(shop, telling, named, strict=strict, hold=hold)
    stream = keys.order(shop, number)

    def decide(view: View) -> Decision:
        found = bool(view.state(stream, FOLD).kept)
        if known is True and not found:
            raise OrderNotKnown(f"order {number} of shop {shop} is not known; expected one to change: take it first")
        if known is False and found:
            raise OrderNotAccepted(
                f"order {number} of shop {shop} is known already; expected a new number, or a change of this one"
            )
        for code in sorted({one.sku for one in lines if one.sku}):
            if not view.state(keys.sku(code), sku.FOLD).registered:
                raise OrderNotAccepted(f"SKU {code!r} is not registered; expected one of `daicho stock`")
        return verb.decide(view)

    verb.wanted.streams |= {keys.sku(one.sku) for one in lines if one.sku}
    says = (shop, number, [(one.item, one.variant, one.sku, one.quantity) for one in lines], ordered_at, strict, hold)
    return replace(verb, decide=decide, says=(*says, known))


def cancel(house: House, shop: str, number: str, reason: str = "unknown") -> Verb:
    """The order was cancelled; ``reason`` says where its units go. Raises ShopNotReady, ReasonNotAccepted."""
    shop_of(house, shop)
    telling = _telling(number, house.clock.now(), (), state=OrderState.CANCELLED, reason=_reason(reason))
    return replace(orders.take_order(shop, telling, []), says=(shop, number, reason))


def _telling(
    number: str,
    now: datetime,
    lines: tuple[TellingLine, ...],
    *,
    ordered_at: datetime | None = None,
    state: OrderState = OrderState.CONFIRMED,
    reason: CancelReason | None = None,
) -> Telling:
    return Telling(
        order=number,
        door=Door.PERSON,
        told_at=now,
        state=state,
        complete=state != OrderState.CANCELLED,
        verified=True,
        lines=lines,
        parser_version=PARSER_VERSION,
        ordered_at=ordered_at,
        reason=reason,
    )


def _reason(text: str) -> CancelReason:
    try:
        return CancelReason(text)
    except ValueError:
        known = ", ".join(CancelReason)
        raise ReasonNotAccepted(f"reason {text!r}; expected one of {known}") from None
