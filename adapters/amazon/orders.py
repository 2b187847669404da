"""Ask Amazon for orders, one page a call: searchOrders of 2026-01-01, or getOrders with getOrderItems of v0.

Only what the merchant ships is asked for, and no data set that holds a person. What one answer says of one order is cut
out and kept; ``read`` (order_reading.py) understands it.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from adapters.amazon.access import call, error_code, is_late, read_failed_of
from adapters.amazon.codes import in_path
from adapters.amazon.listings import market
from adapters.amazon.order_reading import ITEMS_V0, ORDER_V0, number_of
from adapters.kit.answers import json_of
from adapters.kit.mall import Answer, OrdersAsked, OrdersPage, RawOrder, ReadFailed, ShopAccess
from ledger.terms import Outcome, Result

PATH = "/orders/2026-01-01/orders"
PATH_V0 = "/orders/v0/orders"
OLD = "v0"
_ENDED, _OPEN = "ended", "open"  # whether a page was asked for with an end; kept in front of the token
PAGES_OF_ITEMS_MAX = 10
NAMED_MAX = 20  # orders asked for by number in one call; 30 such calls may leave at once
_INCLUDED = "CANCELLATION,FULFILLMENT"  # never BUYER or RECIPIENT
# Left out before an order is kept: persons, and what only they write. Nothing of it is read.
_PERSONAL = frozenset(
    {
        *("buyer", "recipient", "payment", "tax", "packages", "packing", "picking", "customization", "cancelReason"),
        *(
            "BuyerInfo",
            "ShippingAddress",
            "BuyerTaxInformation",
            "DefaultShipFromLocationAddress",
            "BuyerEmail",
            "BuyerName",
        ),
        *("BuyerCancelReason", "GiftMessageText", "BuyerCustomizedInfo", "DeliveryPreferences"),
    }
)
_DEPTH_MAX = 12


def fetch(access: ShopAccess, asked: OrdersAsked) -> OrdersPage | ReadFailed:
    """One page of the orders changed in the time asked for, or of the orders named.

    The mall refuses an end younger than two minutes, so none is said then: orders changed up to now come too.
    """
    old = access.settings.get("order_api_version", "") == OLD
    if asked.orders:
        return _named(access, asked, old)
    return _page_v0(access, asked) if old else _page(access, asked)


# ------------------------------------------------------------------ 2026-01-01


def _page(access: ShopAccess, asked: OrdersAsked) -> OrdersPage | ReadFailed:
    # A further page has to be asked for with what the first was asked with, also when the end has become old enough.
    manner, _, token = asked.cursor.partition(":")
    manner = manner or (_ENDED if _may_end(access, asked.until) else _OPEN)
    params = {"marketplaceIds": market(access), "lastUpdatedAfter": _said(asked.since)}
    if manner == _ENDED:
        params["lastUpdatedBefore"] = _said(asked.until)
    params |= {
        "fulfilledBy": "MERCHANT",
        "maxResultsPerPage": str(access.profile.number("orders.page_orders")),
        "includedData": _INCLUDED,
    }
    if token:
        params["paginationToken"] = token
    body = _asked(access, PATH, params)
    if isinstance(body, ReadFailed):
        return body
    pagination = body.get("pagination")
    following = pagination.get("nextToken") if isinstance(pagination, dict) else None
    orders = [_raw(order) for order in _rows(body.get("orders"))]
    if "orders" not in body or not all(orders):
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    cursor = f"{manner}:{following}" if isinstance(following, str) and following else ""
    return OrdersPage(tuple(one for one in orders if one), cursor)


def _named(access: ShopAccess, asked: OrdersAsked, old: bool) -> OrdersPage | ReadFailed:
    """The next of the orders named, from the cursor's place on; one that Amazon does not have is left out."""
    place = int(asked.cursor) if asked.cursor.isdecimal() else 0
    found: list[RawOrder] = []
    began = access.now()
    for number in asked.orders[place : place + NAMED_MAX]:
        if is_late(access, began):
            return ReadFailed(Result.TRANSIENT, "too_slow")
        one = _one(access, number, old)
        if isinstance(one, ReadFailed):
            return one
        found += [] if one is None else [one]
    following = place + NAMED_MAX
    return OrdersPage(tuple(found), str(following) if following < len(asked.orders) else "")


def _one(access: ShopAccess, number: str, old: bool) -> RawOrder | ReadFailed | None:
    path = f"{PATH_V0 if old else PATH}/{in_path(number)}"
    body = _asked(access, path, {} if old else {"includedData": _INCLUDED}, missing_is_empty=True)
    if isinstance(body, ReadFailed):
        return body
    if not body:
        return None
    raw = _with_items(access, body.get("payload")) if old else _raw(body.get("order"))
    return raw or ReadFailed(Result.TRANSIENT, "answer_not_understood")


# ------------------------------------------------------------------ v0


def _page_v0(access: ShopAccess, asked: OrdersAsked) -> OrdersPage | ReadFailed:
    params = {"MarketplaceIds": market(access)}
    if asked.cursor:
        params["NextToken"] = asked.cursor
    else:
        params["LastUpdatedAfter"] = _said(asked.since)
        if _may_end(access, asked.until):
            params["LastUpdatedBefore"] = _said(asked.until)
        params["FulfillmentChannels"] = "MFN"
        params["MaxResultsPerPage"] = str(access.profile.number("orders.page_orders_v0"))
    body = _asked(access, PATH_V0, params)
    if isinstance(body, ReadFailed):
        return body
    payload = body.get("payload")
    if not isinstance(payload, dict) or not isinstance(payload.get("Orders"), list):
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    orders: list[RawOrder] = []
    began = access.now()
    for order in payload["Orders"]:
        if is_late(access, began):
            return ReadFailed(Result.TRANSIENT, "too_slow")
        raw = _with_items(access, order)
        if isinstance(raw, ReadFailed):  # a page with a hole is no page: what is missing would be passed over for good
            return raw
        orders.append(raw)
    token = payload.get("NextToken")
    return OrdersPage(tuple(orders), token if isinstance(token, str) else "")


def _with_items(access: ShopAccess, order: object) -> RawOrder | ReadFailed:
    """An order of v0 with its lines, which are asked for by calls of their own."""
    number = number_of(order, "AmazonOrderId")
    if not number:
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    items: list[object] = []
    token = ""
    for _ in range(PAGES_OF_ITEMS_MAX):
        body = _asked(access, f"{PATH_V0}/{in_path(number)}/orderItems", {"NextToken": token} if token else {})
        if isinstance(body, ReadFailed):
            return body
        payload = body.get("payload")
        if not isinstance(payload, dict) or not isinstance(payload.get("OrderItems"), list):
            return ReadFailed(Result.TRANSIENT, "answer_not_understood")
        items += payload["OrderItems"]
        following = payload.get("NextToken")
        if not isinstance(following, str) or not following:
            return RawOrder(number, _kept({ORDER_V0: order, ITEMS_V0: items}))
        token = following
    return ReadFailed(Result.TRANSIENT, "too_many_pages")


# ------------------------------------------------------------------ both


def _asked(
    access: ShopAccess, path: str, params: Mapping[str, str], *, missing_is_empty: bool = False
) -> dict[str, object] | ReadFailed:
    answer = call(access, "GET", path, params)
    if isinstance(answer, Outcome):
        return read_failed_of(answer)
    if missing_is_empty and answer.status == 404:
        return {}
    return _object_in(answer)


def _object_in(answer: Answer) -> dict[str, object] | ReadFailed:
    if answer.status != 200:
        return ReadFailed(Result.TRANSIENT, error_code(answer))
    body = json_of(answer)
    return body if isinstance(body, dict) and body else ReadFailed(Result.TRANSIENT, "answer_not_understood")


def _raw(order: object) -> RawOrder | None:
    number = number_of(order, "orderId")
    return RawOrder(number, _kept(order)) if number else None


def _rows(value: object) -> list[object]:
    return value if isinstance(value, list) else [None]


def _kept(order: object) -> bytes:
    return json.dumps(_without_persons(order, _DEPTH_MAX), ensure_ascii=False, sort_keys=True).encode("utf-8")


def _without_persons(value: object, depth: int) -> object:
    if isinstance(value, dict):
        kept = {name: one for name, one in value.items() if name not in _PERSONAL} if depth else {}
        return {name: _without_persons(one, depth - 1) for name, one in kept.items()}
    if isinstance(value, list):
        return [_without_persons(one, depth - 1) for one in value] if depth else []
    return value


def _may_end(access: ShopAccess, until: datetime) -> bool:
    return access.now() - until >= timedelta(seconds=access.profile.number("orders.until_seconds"))


def _said(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
