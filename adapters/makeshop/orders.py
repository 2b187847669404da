"""Asks MakeShop for orders (searchOrder) and reads one; the state of an order is the deliveryStatus it was asked by.

searchOrder looks by when an order was placed, not by when it changed. So each asking reads the time asked for, and one
asking in ten minutes the fourteen days before as well: that is how a cancel or a shipment of an older order is found.
A document with names the mall does not know is refused as a whole; the one with only seen names is asked then.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from adapters.kit.answers import read_failed
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
from adapters.kit.order_mail import JST, moment_jst
from adapters.kit.profile import Profile
from adapters.makeshop.codes import own_name
from adapters.makeshop.graphql import DOCUMENT_AT_FAULT, Said, outcome_of, post, said_in, worst
from ledger.terms import CODE_CHARACTERS_MAX, UNITS_MAX, Door, OrderState, Outcome, Result, Telling, TellingLine

PARSER_VERSION = 1
LINES_MAX = 1_000
PAGES_MAX = 10_000  # of one status in one asking
NUMBER_CHARACTERS_MAX = 100

STATUS, ORDER = "deliveryStatus", "order"  # the two entries of a kept order: how it was asked, what the mall said


def fetch(access: ShopAccess, asked: OrdersAsked) -> OrdersPage | ReadFailed:
    """One page of the orders asked for. The cursor is ``<n|w>:<status>:<page>``: the time asked for, or the days before."""
    found = search(access, asked, plain=False)
    if isinstance(found, ReadFailed) and found.code == DOCUMENT_AT_FAULT:
        return search(access, asked, plain=True)
    return found


def search(access: ShopAccess, asked: OrdersAsked, *, plain: bool) -> OrdersPage | ReadFailed:
    """The page that the cursor names, asked by the full or by the plain document."""
    profile = access.profile
    statuses = profile.texts("orders.statuses")
    window, status, page = _place(asked.cursor, statuses)
    limit = profile.number("orders.page_orders")
    variables = {"input": _input(asked, profile, window=window, status=statuses[status], page=page, limit=limit)}
    document = profile.text("orders.plain_document" if plain else "orders.document")
    reply = post(access, document, variables)
    if not isinstance(reply, Answer):
        return read_failed(reply)
    said = said_in(reply, profile)
    if isinstance(said, Outcome):
        return _failed(said)
    error = worst(said.errors)
    if error is not None:  # A page with a hole is no page: what is missing would be passed over for good.
        return _failed(outcome_of(error, reply, profile))
    return _page(said, asked, profile, window=window, status=status, page=page, limit=limit)


def read(body: bytes, profile: Profile) -> OrderReading:
    """What one kept order says. Pure; nothing but number, codes, units and times is looked at."""
    try:
        kept: object = json.loads(body)
    except (ValueError, RecursionError):
        return NotUnderstood("order")
    order = kept.get(ORDER) if isinstance(kept, Mapping) else None
    status = kept.get(STATUS) if isinstance(kept, Mapping) else None
    if not isinstance(order, Mapping) or not isinstance(status, str):
        return NotUnderstood("order")
    number = _number(order)
    if not number:
        return NotUnderstood("displayOrderNumber")
    ordered_at = moment_jst(str(order.get("orderDate", "")))
    if ordered_at is None:
        return NotUnderstood("orderDate")
    lines = _lines(order, profile)
    if isinstance(lines, NotUnderstood):
        return lines
    stated = (moment_jst(str(order.get(name) or "")) for name in profile.texts("orders.updated_fields"))
    return Telling(
        order=number,
        door=Door.API,
        told_at=max((moment for moment in stated if moment is not None), default=ordered_at),
        state=_state(order, status, profile),
        complete=True,
        verified=True,
        lines=lines,
        parser_version=PARSER_VERSION,
        ordered_at=ordered_at,
    )


# ------------------------------------------------------------------ asking


def _place(cursor: str, statuses: Sequence[str]) -> tuple[str, int, int]:
    """Window, place of the status and page that a cursor names."""
    if not cursor:
        return "n", 0, 1
    window, status, page = cursor.split(":")
    assert window in ("n", "w") and status in statuses and 1 <= int(page) <= PAGES_MAX, cursor
    return window, statuses.index(status), int(page)


def _input(
    asked: OrdersAsked, profile: Profile, *, window: str, status: str, page: int, limit: int
) -> dict[str, object]:
    found: dict[str, object] = {"sortOrder": "ASC", "page": page, "limit": limit, "deliveryStatus": status}
    since = asked.since
    if asked.orders:
        found[profile.text("orders.numbers_field")] = list(asked.orders)
        return found
    if window == "w":
        since = asked.since - timedelta(days=profile.number("orders.again_days"))
    until = asked.since if window == "w" else asked.until
    found["startOrderDate"] = _said(since)
    # The end is a whole second and belongs to the day asked for; one second more is asked twice rather than never.
    found["endOrderDate"] = _said(until + timedelta(seconds=1))
    return found


def _said(moment: datetime) -> str:
    return moment.astimezone(JST).strftime("%Y%m%d%H%M%S")


def _page(
    said: Said, asked: OrdersAsked, profile: Profile, *, window: str, status: int, page: int, limit: int
) -> OrdersPage | ReadFailed:
    found = next(iter(said.fields.values()), None)
    rows = found.get("orders") if isinstance(found, Mapping) else None
    if rows is None and isinstance(found, Mapping) and found.get("searchedCount") == 0:
        rows = []
    if (
        not isinstance(rows, list)
        or not isinstance(found, Mapping)
        or not all(isinstance(row, Mapping) for row in rows)
    ):
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    statuses = profile.texts("orders.statuses")
    orders = tuple(RawOrder(_number(row), _kept(row, statuses[status])) for row in rows)
    total = found.get("searchedCount")
    more = len(rows) == limit and (not isinstance(total, int) or total > page * limit)
    if more and page < PAGES_MAX:
        return OrdersPage(orders, f"{window}:{statuses[status]}:{page + 1}")
    if status + 1 < len(statuses):
        return OrdersPage(orders, f"{window}:{statuses[status + 1]}:1")
    if window == "n" and not asked.orders and _again(asked, profile.number("orders.again_minutes")):
        return OrdersPage(orders, f"w:{statuses[0]}:1")
    return OrdersPage(orders)


def _again(asked: OrdersAsked, minutes: int) -> bool:
    """Whether the time asked for holds a full ten minutes of the clock: of askings without a gap, one does."""
    seconds = minutes * 60
    return int(asked.since.timestamp()) // seconds != int(asked.until.timestamp()) // seconds


def _kept(row: Mapping[str, object], status: str) -> bytes:
    return json.dumps({STATUS: status, ORDER: row}, ensure_ascii=False, sort_keys=True).encode("utf-8")


def _failed(outcome: Outcome) -> ReadFailed:
    keeps = outcome.result in (Result.THROTTLED, Result.REJECTED_AUTH)
    return ReadFailed(outcome.result if keeps else Result.TRANSIENT, outcome.code, outcome.wait_seconds)


# ------------------------------------------------------------------ reading


def _number(order: Mapping[str, object]) -> str:
    found = order.get("displayOrderNumber")
    return found if isinstance(found, str) and 0 < len(found) <= NUMBER_CHARACTERS_MAX and found.isprintable() else ""


def _state(order: Mapping[str, object], status: str, profile: Profile) -> OrderState:
    if status in profile.texts("orders.cancelled_statuses"):
        return OrderState.CANCELLED
    if status in profile.texts("orders.shipped_statuses"):
        return OrderState.SHIPPED
    said = {_plain(order.get(name)) for name in profile.texts("orders.provisional_fields")}
    return OrderState.PROVISIONAL if said & set(profile.texts("orders.provisional_values")) else OrderState.CONFIRMED


def _lines(order: Mapping[str, object], profile: Profile) -> tuple[TellingLine, ...] | NotUnderstood:
    """The lines of every destination; ``line_id`` is destination and place in it, both from 1."""
    destinations = order.get("deliveryInfos")
    if not isinstance(destinations, list) or not destinations:
        return NotUnderstood("deliveryInfos")
    lines: list[TellingLine] = []
    for at, destination in enumerate(destinations, start=1):
        baskets = destination.get("basketInfos") if isinstance(destination, Mapping) else None
        if not isinstance(baskets, list):
            return NotUnderstood("basketInfos", at)
        for place, basket in enumerate(baskets, start=1):
            line = _line(basket, f"{at}-{place}", profile)
            if line is None or len(lines) == LINES_MAX:
                return NotUnderstood("basketInfos", len(lines) + 1)
            lines.append(line)
    return tuple(lines) if lines else NotUnderstood("basketInfos")


def _line(basket: object, line_id: str, profile: Profile) -> TellingLine | None:
    if not isinstance(basket, Mapping):
        return None
    item = _plain(basket.get("productCode"))
    amount = _plain(basket.get("amount"))
    if not 0 < len(item) <= CODE_CHARACTERS_MAX or not (amount.isascii() and amount.isdecimal() and len(amount) <= 7):
        return None
    if not 0 < int(amount) <= UNITS_MAX:
        return None
    variant = _first(basket, profile.texts("orders.variant_fields"))
    own = _first(basket, profile.texts("orders.own_item_fields"))
    own_variant = _first(basket, profile.texts("orders.own_variant_fields"))
    # The system code and the id are the listing's own key; own codes name it where a file brought no id of a variation.
    codes = (own_name(own, own_variant),) if own and own_variant else ()
    return TellingLine(item, variant, int(amount), line_id=line_id, codes=codes)


def _first(basket: Mapping[str, object], names: Sequence[str]) -> str:
    found = next((text for name in names if (text := _plain(basket.get(name)))), "")
    return found if len(found) <= CODE_CHARACTERS_MAX else ""


def _plain(value: object) -> str:
    match value:
        case bool():
            return "true" if value else ""
        case str():
            return value.strip()
        case int():
            return str(value)
        case _:
            return ""
