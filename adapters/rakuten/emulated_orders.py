"""The order API of the emulated mall: searchOrder and getOrder over what it sold, with buyers that nobody should keep."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fastapi.responses import JSONResponse, Response

from adapters.kit.emulator import EmulatedOrder, EmulatedShop
from adapters.kit.order_mail import JST
from adapters.rakuten.emulated_catalogue import CatalogueItem
from ledger.terms import ListingKey

PAGE_DEFAULT, PAGE_MAX, RECORDS_MAX = 30, 1_000, 15_000
SPAN_DAYS_MAX, AGE_DAYS_MAX, NUMBERS_MAX = 63, 730, 100
WAITING_MINUTES = 30  # an order is 注文確認待ち while its buyer may still cancel it
WAITING, OPEN, SHIPPED, CANCELLED = 100, 300, 500, 900
BUYER = "見本の注文者"  # stands wherever the mall names a person

_SEARCH, _GET = "ORDER_EXT_API_SEARCH_ORDER", "ORDER_EXT_API_GET_ORDER"


@dataclass
class OrderBook:
    """What the mall knows of orders beside their lines. Mutable: it plays the world outside.

    ``progress``: orders whose state was set; ``shipped_at``: when their shipment was reported; ``reasons``: the detail of a
    cancel's reason; ``units``: what a line was changed to, by order and place from 1 (0: it was deleted); ``checked``: orders
    that 楽天 still looks at; ``before_skus``: orders without SKUs; ``withheld``: numbers that are searched and never given.
    """

    progress: dict[str, int] = field(default_factory=dict)
    shipped_at: dict[str, datetime] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    units: dict[tuple[str, int], int] = field(default_factory=dict)
    checked: set[str] = field(default_factory=set)
    before_skus: set[str] = field(default_factory=set)
    withheld: set[str] = field(default_factory=set)


def ship(shop: EmulatedShop, book: OrderBook, number: str) -> None:
    """The shop has reported the order's shipment."""
    book.progress[number] = SHIPPED
    book.shipped_at[number] = shop.clock.now()


def progress_of(shop: EmulatedShop, book: OrderBook, order: EmulatedOrder) -> int:
    """The order's orderProgress now."""
    if order.cancelled_at is not None:
        return CANCELLED
    waits = shop.clock.now() < order.ordered_at + timedelta(minutes=WAITING_MINUTES)
    return book.progress.get(order.number, WAITING if waits else OPEN)


def search_orders(shop: EmulatedShop, book: OrderBook, body: bytes) -> Response:
    """A page of the numbers of orders placed (dateType 1) or reported as shipped (5) from start to end, both included."""
    asked = _object(body)
    begun, ended = _moment(asked.get("startDatetime")), _moment(asked.get("endDatetime"))
    if asked.get("dateType") not in (1, 5):
        return _refused(_SEARCH, "009", "dateTypeの項目を指定して下さい。")
    if begun is None or ended is None:
        return _refused(_SEARCH, "011", "startDatetimeの書式が不正です。")
    oldest = shop.clock.now() - timedelta(days=AGE_DAYS_MAX)
    if not oldest <= begun <= ended <= begun + timedelta(days=SPAN_DAYS_MAX):
        return _refused(_SEARCH, "012", "期間の指定が不正です。")
    paging = asked.get("PaginationRequestModel")
    amount, page = _paging(paging if isinstance(paging, Mapping) else {})
    if not 1 <= amount <= PAGE_MAX or page < 1:
        return _refused(_SEARCH, "013", "requestRecordsAmountの値が不正です。")
    wanted = asked.get("orderProgressList")
    found = [
        order.number
        for order in shop.orders.values()
        if (at := _day(book, order, asked["dateType"])) is not None
        and begun <= at.replace(microsecond=0) <= ended
        and (not isinstance(wanted, list) or progress_of(shop, book, order) in wanted)
    ]
    shown = found[:RECORDS_MAX][(page - 1) * amount : page * amount]
    counts: tuple[int | None, ...] = (len(found), -(-len(found) // amount), page) if found else (None, None, None)
    names = ("totalRecordsAmount", "totalPages", "requestPage")
    code = "INFO_101" if found else "INFO_102"
    said = {"MessageModelList": [_message("INFO", f"{_SEARCH}_{code}", "注文検索に成功しました。")]}
    return JSONResponse(
        {**said, "orderNumberList": shown, "PaginationResponseModel": dict(zip(names, counts, strict=True))}
    )


def get_orders(shop: EmulatedShop, book: OrderBook, pages: Mapping[ListingKey, CatalogueItem], body: bytes) -> Response:
    """The orders asked for, in full; a number it does not know is named in a message."""
    asked = _object(body)
    numbers = asked.get("orderNumberList")
    if not isinstance(numbers, list) or not 1 <= len(numbers) <= NUMBERS_MAX:
        return _refused(_GET, "009", "orderNumberListの項目を指定して下さい。")
    if asked.get("version") != 7:
        return _refused(_GET, "010", "versionの値が不正です。")
    known = [shop.orders[one] for one in numbers if one in shop.orders and one not in book.withheld]
    messages = [_message("INFO", f"{_GET}_INFO_101", f"受注情報取得に成功しました。(取得件数{len(known)}件)")]
    messages += [
        {**_message("ERROR", f"{_GET}_ERROR_011", "受注情報がありません。"), "orderNumber": one}
        for one in numbers
        if one not in shop.orders
    ]
    models = [order_model(shop, book, pages, order) for order in reversed(known)]  # the order is the mall's own
    return JSONResponse({"MessageModelList": messages, "OrderModelList": models, "version": 7})


def order_model(
    shop: EmulatedShop, book: OrderBook, pages: Mapping[ListingKey, CatalogueItem], order: EmulatedOrder
) -> dict[str, object]:
    """One order as getOrder gives it, buyer and all."""
    shipped_at = book.shipped_at.get(order.number)
    items = [_item(book, pages, order, at) for at in range(1, len(order.lines) + 1)]
    person = {"familyName": BUYER, "firstName": BUYER, "prefecture": "東京都", "emailAddress": "sample@example.jp"}
    return {
        "orderNumber": order.number,
        "orderProgress": progress_of(shop, book, order),
        "orderDatetime": _said(order.ordered_at),
        "shippingCmplRptDatetime": None if shipped_at is None else _said(shipped_at),
        "rakutenConfirmFlag": int(order.number in book.checked),
        "remarks": f"{BUYER}より",
        "totalPrice": -9999,
        "OrdererModel": person,
        "PackageModelList": [{"basketId": 1, "packageDeleteFlag": 0, "SenderModel": person, "ItemModelList": items}],
        "ChangeReasonModelList": list(_changes(book, order)),
    }


# ------------------------------------------------------------------ private


def _item(
    book: OrderBook, pages: Mapping[ListingKey, CatalogueItem], order: EmulatedOrder, at: int
) -> dict[str, object]:
    key, sold = order.lines[at - 1]
    units = book.units.get((order.number, at), sold)
    page = pages.get(key)
    own = next((code for variant, code in page.skus if variant == key.variant), None) if page else None
    sku = {"variantId": key.variant, "merchantDefinedSkuId": own, "skuInfo": f"名入れ:{BUYER}"}
    return {
        "itemDetailId": at,
        "itemName": page.name if page else "①サンプル㈱髙品(限定)",
        "itemId": 10_000_000 + at,
        "itemNumber": page.item_number if page else key.item,
        "manageNumber": key.item,
        "price": 2_980,
        "units": units or sold,
        "selectedChoice": f"名入れ:{BUYER}",
        "restoreInventoryFlag": 0,
        "deleteItemFlag": int(units == 0),
        "SkuModelList": [] if order.number in book.before_skus else [sku],
    }


def _changes(book: OrderBook, order: EmulatedOrder) -> Iterator[dict[str, object]]:
    if order.cancelled_at is not None:
        at = _said(order.cancelled_at)
        yield {
            "changeId": 1,
            "changeType": 1,
            "changeReason": 1,
            "changeReasonDetail": book.reasons.get(order.number, 1),
            "changeApplyDatetime": at,
            "changeFixDatetime": at,
            "changeCmplDatetime": None,
        }


def _day(book: OrderBook, order: EmulatedOrder, date_type: object) -> datetime | None:
    return order.ordered_at if date_type == 1 else book.shipped_at.get(order.number)


def _paging(paging: Mapping[str, object]) -> tuple[int, int]:
    amount, page = paging.get("requestRecordsAmount", PAGE_DEFAULT), paging.get("requestPage", 1)
    return (amount, page) if isinstance(amount, int) and isinstance(page, int) else (0, 0)


def _object(body: bytes) -> dict[str, object]:
    try:
        asked: object = json.loads(body)
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return None
    return None if ":" in str(value)[19:] else found  # an offset with a colon is refused


def _said(moment: datetime) -> str:
    return moment.astimezone(JST).strftime("%Y-%m-%dT%H:%M:%S%z")


def _message(kind: str, code: str, text: str) -> dict[str, object]:
    return {"messageType": kind, "messageCode": code, "message": text}


def _refused(prefix: str, code: str, text: str) -> Response:
    messages: Sequence[dict[str, object]] = [_message("ERROR", f"{prefix}_ERROR_{code}", text)]
    return JSONResponse({"MessageModelList": messages}, status_code=400)
