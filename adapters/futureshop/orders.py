"""Asks futureshop for orders (受注検索API by 発送) and reads one.

A list page is asked by the day of the order and then by the day of the change; a mall that does not know the second is
asked for the fourteen days before once in ten minutes. The list does not say 商品番号 and 予約: a shop that sells 予約 goods
has each order asked for by its number (one a call). The cursor is ``<window>|<query>|<numbers still to ask for>``.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

from adapters.futureshop.access import get, refusals_in
from adapters.futureshop.codes import ORDER_NUMBER, PREORDER, key_of
from adapters.kit.answers import json_of, read_failed
from adapters.kit.mall import (
    Answer,
    NotUnderstood,
    OrderReading,
    OrdersAsked,
    OrdersPage,
    RawOrder,
    ReadFailed,
    ShopAccess,
)
from adapters.kit.order_mail import JST
from adapters.kit.profile import Profile
from ledger.terms import CODE_CHARACTERS_MAX, UNITS_MAX, Door, OrderState, Outcome, Result, Telling, TellingLine

PARSER_VERSION = 1
LIST_PATH, ONE_PATH = "shipping", "orders/"
LINES_MAX = 1_000
NUMBERS_MAX = 100  # orders of one page, and numbers of one asking
QUERY_CHARACTERS_MAX = 4_000
CHANGE_DAYS_MAX = 31  # 受注検索API: range of the day of a change

PLACED, CHANGED, AGAIN, NAMED = "placed", "changed", "again", "named"  # windows, in the order of asking


def fetch(access: ShopAccess, asked: OrdersAsked) -> OrdersPage | ReadFailed:
    """One call: a page of the list, or one order by its number."""
    window, query, numbers = _place(asked)
    if numbers:
        return _one(access, window, query, numbers)
    params = dict(parse_qsl(query)) if query else _params(asked, window, access.profile)
    answer = get(access, LIST_PATH, params)
    if isinstance(answer, Outcome):
        return _failed(answer)
    if answer.status == 400 and window == CHANGED:  # The mall does not know how to be asked by the day of a change.
        return OrdersPage((), f"{AGAIN}||" if _again(asked, access.profile) else "")
    body = json_of(answer)
    rows = body.get("orderList") if isinstance(body, Mapping) else None
    if answer.status != 200 or not isinstance(body, Mapping) or not isinstance(rows, list):
        return _not_read(answer, body)
    orders = [_raw(row) for row in rows]
    if any(order is None for order in orders):
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    found = [order for order in orders if order is not None]
    next_query = _query_of(body.get("nextUrl"))
    if next_query and rows:
        after = f"{window}|{next_query}|"
    elif window == NAMED:
        after = _after_numbers(params["orderNo"], asked)
    else:
        after = _after(window, asked, access.profile)
    if access.settings.get("order_details", "").strip().lower() != "yes" or not found:
        return OrdersPage(tuple(found), after)
    kept_window, kept_query = after.split("|")[:2] if after else ("", "")
    return OrdersPage((), f"{kept_window}|{kept_query}|{','.join(order.order for order in found)}")


def read(body: bytes, profile: Profile) -> OrderReading:
    """What one order says. Pure; nothing but numbers, codes, units and times is looked at."""
    try:
        order: object = json.loads(body)
    except (ValueError, RecursionError):
        return NotUnderstood("order")
    if not isinstance(order, Mapping):
        return NotUnderstood("order")
    number = order.get("orderNo")
    if not isinstance(number, str) or ORDER_NUMBER.fullmatch(number) is None:
        return NotUnderstood("orderNo")
    ordered_at = _moment(order.get("date"))
    if ordered_at is None:
        return NotUnderstood("date")
    status = order.get("status")
    if not isinstance(status, str):
        return NotUnderstood("status")
    lines = _lines(order)
    if isinstance(lines, NotUnderstood):
        return lines
    changed = (_moment(order.get(name)) for name in profile.texts("orders.updated_fields"))
    return Telling(
        order=number,
        door=Door.API,
        told_at=max((moment for moment in changed if moment is not None), default=ordered_at),
        state=_state(order, status, profile),
        complete=True,
        verified=True,
        lines=lines,
        parser_version=PARSER_VERSION,
        ordered_at=ordered_at,
    )


# ------------------------------------------------------------------ asking


def _place(asked: OrdersAsked) -> tuple[str, str, tuple[str, ...]]:
    """Window, query of the page and numbers still to be asked for, that the cursor names."""
    if not asked.cursor:
        return (NAMED if asked.orders else PLACED), "", ()
    window, query, numbers = asked.cursor.split("|")
    assert window in ("", PLACED, CHANGED, AGAIN, NAMED), window
    return window, query, tuple(number for number in numbers.split(",") if number)


def _params(asked: OrdersAsked, window: str, profile: Profile) -> dict[str, str]:
    match window:
        case "named":
            return {"orderNo": ",".join(asked.orders[:NUMBERS_MAX])}
        case "changed":
            since = max(asked.since, asked.until - timedelta(days=CHANGE_DAYS_MAX))
            names = profile.text("orders.changed_since_param"), profile.text("orders.changed_until_param")
            return {names[0]: _said(since), names[1]: _said(asked.until)}
        case "again":
            since, until = asked.since - timedelta(days=profile.number("orders.again_days")), asked.since
        case _:
            since, until = asked.since, asked.until
    return {profile.text("orders.since_param"): _said(since), profile.text("orders.until_param"): _said(until)}


def _after(window: str, asked: OrdersAsked, profile: Profile) -> str:
    """The cursor behind the last page of a window; "" when this was the last of all."""
    if window != PLACED:
        return ""
    if profile.text("orders.changed_since_param"):
        return f"{CHANGED}||"
    return f"{AGAIN}||" if _again(asked, profile) else ""


def _after_numbers(said: str, asked: OrdersAsked) -> str:
    """The cursor that asks for the orders behind those asked for by now."""
    asked_for = asked.orders.index(said.rsplit(",", 1)[-1]) + 1
    rest = asked.orders[asked_for : asked_for + NUMBERS_MAX]
    return f"{NAMED}|{urlencode({'orderNo': ','.join(rest)})}|" if rest else ""


def _again(asked: OrdersAsked, profile: Profile) -> bool:
    """Whether a full ten minutes of the clock lies in the time asked for: of askings without a gap, one holds it."""
    seconds = profile.number("orders.again_minutes") * 60
    return int(asked.since.timestamp()) // seconds != int(asked.until.timestamp()) // seconds


def _said(moment: datetime) -> str:
    return moment.astimezone(JST).strftime("%Y-%m-%dT%H:%M:%S")


def _query_of(next_url: object) -> str:
    """The query of ``nextUrl``, which goes to our own address and no other; "" when there is no next page."""
    if not isinstance(next_url, str) or not next_url:
        return ""
    try:
        query = urlencode(parse_qsl(urlsplit(next_url).query))
    except ValueError:
        return ""
    return query if len(query) <= QUERY_CHARACTERS_MAX else ""


def _one(access: ShopAccess, window: str, query: str, numbers: Sequence[str]) -> OrdersPage | ReadFailed:
    """The first of the orders still to be asked for, by its number."""
    answer = get(access, ONE_PATH + numbers[0], {})
    if isinstance(answer, Outcome):
        return _failed(answer)
    body = json_of(answer)
    listed = body.get("orderList") if isinstance(body, Mapping) else None
    order = _raw(listed[0] if isinstance(listed, list) and listed else body)
    if answer.status != 200 or order is None or order.order != numbers[0]:
        return _not_read(answer, body)
    rest = ",".join(numbers[1:])
    return OrdersPage((order,), f"{window}|{query}|{rest}" if window or rest else "")


def _raw(row: object) -> RawOrder | None:
    number = row.get("orderNo") if isinstance(row, Mapping) else None
    if not isinstance(number, str) or not number or "," in number or "|" in number:
        return None
    return RawOrder(number, json.dumps(row, ensure_ascii=False, sort_keys=True).encode("utf-8"))


def _failed(outcome: Outcome) -> ReadFailed:
    keeps = outcome.result in (Result.THROTTLED, Result.REJECTED_AUTH)
    return ReadFailed(outcome.result if keeps else Result.TRANSIENT, outcome.code, outcome.wait_seconds)


def _not_read(answer: Answer, body: object) -> ReadFailed:
    if answer.status == 200:
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    refusals = refusals_in(body)
    return ReadFailed(Result.TRANSIENT, refusals[0].code) if refusals else read_failed(answer)


# ------------------------------------------------------------------ reading


def _moment(text: object) -> datetime | None:
    """A time as UTC; without a zone it is Japan's."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.strip().replace("/", "-"))
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=JST)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _state(order: Mapping[str, object], status: str, profile: Profile) -> OrderState:
    if status in profile.texts("orders.cancelled_status"):
        return OrderState.CANCELLED
    fields = profile.texts("orders.shipped_fields")
    shipments = order.get("shipmentList")
    infos = [one.get("shippingInfo") for one in shipments] if isinstance(shipments, list) else []
    if infos and all(isinstance(one, Mapping) and any(one.get(name) for name in fields) for one in infos):
        return OrderState.SHIPPED
    return OrderState.PROVISIONAL if status in profile.texts("orders.provisional_status") else OrderState.CONFIRMED


def _lines(order: Mapping[str, object]) -> tuple[TellingLine, ...] | NotUnderstood:
    """The lines of every shipment; ``line_id`` is shipment and place in it."""
    shipments = order.get("shipmentList")
    if not isinstance(shipments, list) or not shipments:
        return NotUnderstood("shipmentList")
    lines: list[TellingLine] = []
    for at, shipment in enumerate(shipments, start=1):
        products = shipment.get("productList") if isinstance(shipment, Mapping) else None
        if not isinstance(products, list):
            return NotUnderstood("productList", at)
        for place, product in enumerate(products, start=1):
            line = _line(product, f"{at}-{place}")
            if line is None or len(lines) == LINES_MAX:
                return NotUnderstood("productList", len(lines) + 1)
            lines.append(line)
    return tuple(lines) if lines else NotUnderstood("productList")


def _line(product: object, line_id: str) -> TellingLine | None:
    if not isinstance(product, Mapping):
        return None
    sku, stated, count = product.get("skuNo"), product.get("productNo"), product.get("count")
    if not isinstance(sku, str) or not 0 < len(sku) <= CODE_CHARACTERS_MAX:
        return None
    if not isinstance(count, int) or isinstance(count, bool) or not 0 < count <= UNITS_MAX:
        return None
    preorder = product.get("preorder") is True
    item = stated if isinstance(stated, str) and stated and sku.startswith(stated) else sku
    # What is left of a SKU behind its 商品番号 is the branch of a product with one axis; with two, only ``codes`` help.
    key = key_of(item, sku[len(item) :], "", preorder=preorder)
    return TellingLine(key.item, key.variant, count, line_id=line_id, codes=(sku + (PREORDER if preorder else ""),))
