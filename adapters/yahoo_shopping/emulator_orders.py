"""The order API of the emulated store: orderList and orderInfo over what it sold, with buyers that nobody should keep."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from adapters.kit.emulator import EmulatedOrder, EmulatedShop
from adapters.kit.order_mail import JST
from adapters.yahoo_shopping.order_xml import all_of, moment, text_of

RESULT_DEFAULT = 10
BUYER = "見本の注文者"  # stands wherever the mall names a person
PROCESSING, CANCELLED, COMPLETED = 2, 4, 5
CONDITIONS = frozenset({"OrderTimeFrom", "OrderTimeTo", "OrderStatus", "PublicationTimeFrom", "PublicationTimeTo"})

Refusal = tuple[str, str]  # code and message


@dataclass
class OrderBook:
    """What the mall knows of orders beside their lines. Mutable: it plays the world outside.

    ``status``, ``ship_status``: orders whose state was set; ``reasons``: CancelReason; ``versions`` and ``changed_at``: of
    orders that were edited; ``units``: what a line was changed to, by order and place from 1; ``published_at``: of orders that
    are or were held for a fraud check; ``parents``: what the parts of a split order came from; ``of_auctions``: 併売;
    ``knows_publication``: it can be asked by time of publishing.
    """

    status: dict[str, int] = field(default_factory=dict)
    ship_status: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    changed_at: dict[str, datetime] = field(default_factory=dict)
    units: dict[tuple[str, int], int] = field(default_factory=dict)
    published_at: dict[str, datetime] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    of_auctions: set[str] = field(default_factory=set)
    knows_publication: bool = True


def hold(shop: EmulatedShop, book: OrderBook, number: str, *, seconds: float) -> None:
    """The mall checks the order: nobody sees it for so long."""
    book.published_at[number] = shop.clock.now() + timedelta(seconds=seconds)


def edit(shop: EmulatedShop, book: OrderBook, number: str, **changes: int) -> None:
    """The store changed the order: ``status``, ``ship_status``, or the units of a line (``line`` from 1, ``units``)."""
    if "status" in changes:
        book.status[number] = changes["status"]
    if "ship_status" in changes:
        book.ship_status[number] = changes["ship_status"]
    if "units" in changes:
        book.units[number, changes["line"]] = changes["units"]
    book.versions[number] = book.versions.get(number, 1) + 1
    book.changed_at[number] = shop.clock.now()


def split(shop: EmulatedShop, book: OrderBook, number: str, *, lines_first: int) -> tuple[str, str]:
    """The order becomes two of its lines, the first so many in one; it is cancelled itself. The numbers of the two."""
    with shop.lock:
        order, now = shop.orders[number], shop.clock.now()
        made: list[str] = []
        for lines in (order.lines[:lines_first], order.lines[lines_first:]):
            assert lines, number
            part = EmulatedOrder(shop.number_order(len(shop.orders) + 1, now), now, lines)
            shop.orders[part.number] = part
            book.parents[part.number] = number
            made.append(part.number)
        shop.orders[number] = replace(order, cancelled_at=now)
        return made[0], made[1]


def order_list(shop: EmulatedShop, book: OrderBook, root: ET.Element) -> bytes | Refusal:
    """A page of the orders that meet the condition, in the order of their time; held ones are not there."""
    condition = next(all_of(root, "Condition"), None)
    wanted = {} if condition is None else {one.tag: (one.text or "").strip() for one in condition}
    known = CONDITIONS if book.knows_publication else {one for one in CONDITIONS if "Publication" not in one}
    if not wanted or not wanted.keys() <= known:
        return "od90104", "Condition is invalid."
    fields = text_of(root, "Field").split(",")
    if fields == [""]:
        return "od90105", "Field is required."
    count, start = text_of(root, "Result") or str(RESULT_DEFAULT), text_of(root, "Start") or "1"
    if not (count.isdecimal() and start.isdecimal() and int(start)):
        return "od90106", "Result or Start is invalid."
    found = [one for one in sorted(_seen(shop, book), key=lambda one: one.ordered_at) if _meets(book, one, wanted)]
    shown = found[int(start) - 1 :][: int(count)]
    rows = "".join(
        f"<OrderInfo><Index>{at}</Index>{_fields(book, shop, one, fields)}</OrderInfo>"
        for at, one in enumerate(shown, start=int(start))
    )
    return _said(f"<Status>OK</Status><Search><TotalCount>{len(found)}</TotalCount>{rows}</Search>")


def order_info(shop: EmulatedShop, book: OrderBook, root: ET.Element) -> bytes | Refusal:
    """One order with the fields asked for, and with a buyer whoever asked."""
    number = text_of(root, "OrderId")
    order = next((one for one in _seen(shop, book) if one.number == number), None)
    if order is None:
        return "od90107", "OrderId is not found."
    target = next(all_of(root, "Field"), None)
    fields = ("" if target is None else target.text or "").split(",")
    items = "".join(
        f"<Item>{_pairs(_item(book, order, at), fields)}<Title><![CDATA[①サンプル商品]]></Title>"
        f"<ItemOption><Value>{BUYER}</Value></ItemOption></Item>"
        for at in range(1, len(order.lines) + 1)
    )
    ship = (
        f"<Ship><ShipStatus>{book.ship_status.get(number, 1)}</ShipStatus><ShipLastName>{BUYER}</ShipLastName></Ship>"
    )
    people = f"<BuyerComments><![CDATA[{BUYER}より]]></BuyerComments><Pay><BillLastName>{BUYER}</BillLastName></Pay>"
    return _said(f"<Status>OK</Status><OrderInfo>{_fields(book, shop, order, fields)}{people}{ship}{items}</OrderInfo>")


# ------------------------------------------------------------------ private


def _seen(shop: EmulatedShop, book: OrderBook) -> Iterable[EmulatedOrder]:
    now = shop.clock.now()
    return (one for one in shop.orders.values() if book.published_at.get(one.number, now) <= now)


def _meets(book: OrderBook, order: EmulatedOrder, wanted: Mapping[str, str]) -> bool:
    times = {"OrderTime": order.ordered_at, "PublicationTime": book.published_at.get(order.number, order.ordered_at)}
    for name, at in times.items():
        begun, ended = moment(wanted.get(f"{name}From", "")), moment(wanted.get(f"{name}To", ""))
        if begun is not None and at.replace(microsecond=0) < begun:
            return False
        if ended is not None and at.replace(microsecond=0) > ended:
            return False
    return wanted.get("OrderStatus", "") in ("", str(_status(book, order)))


def _status(book: OrderBook, order: EmulatedOrder) -> int:
    return CANCELLED if order.cancelled_at is not None else book.status.get(order.number, PROCESSING)


def _fields(book: OrderBook, shop: EmulatedShop, order: EmulatedOrder, fields: list[str]) -> str:
    children = [child for child, parent in book.parents.items() if parent == order.number]
    times = [order.ordered_at, book.changed_at.get(order.number), order.cancelled_at]
    values = {
        "OrderId": order.number,
        "Version": str(book.versions.get(order.number, 1) + (order.cancelled_at is not None)),
        "OrderTime": _time(order.ordered_at),
        "LastUpdateTime": _time(max(at for at in times if at is not None)),
        "OrderStatus": str(_status(book, order)),
        "CancelReason": "" if order.cancelled_at is None else str(book.reasons.get(order.number, 100)),
        "IsSplit": "true" if children else "false",
        "ParentOrderId": book.parents.get(order.number, ""),
        "ChildOrderId": children[0] if children else "",
        "FraudHoldStatus": "0",
        "PublicationTime": _time(book.published_at.get(order.number, order.ordered_at)),
        "IsYahooAuctionOrder": "true" if order.number in book.of_auctions else "false",
        "SellerId": shop.settings.get("seller_id", ""),
    }
    return _pairs(values, fields)


def _item(book: OrderBook, order: EmulatedOrder, at: int) -> dict[str, str]:
    key, sold = order.lines[at - 1]
    units = book.units.get((order.number, at), sold)
    return {"LineId": str(at), "ItemId": key.item, "SubCode": key.variant, "Quantity": str(units)}


def _pairs(values: Mapping[str, str], fields: list[str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items() if name in fields)


def _time(at: datetime) -> str:
    return at.astimezone(JST).isoformat(timespec="seconds")


def _said(result: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<ResultSet totalResultsReturned="1" firstResultPosition="1"><Result>{result}</Result></ResultSet>'.encode()
