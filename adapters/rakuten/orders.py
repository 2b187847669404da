"""Ask Rakuten for orders (楽天ペイ受注API): searchOrder gives numbers, getOrder up to 100 orders; one request a page.

searchOrder knows no day of the last change. So each asking looks for orders by the day they were placed and by the day their
shipment was reported, and one asking in ten minutes for those of the weeks before that are open or cancelled, which are
read again: that is how a cancel or a change is found (D10). The cursor is ``kind:from:to:page:numbers still to be read``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from adapters.kit.answers import json_of, read_failed
from adapters.kit.mall import (
    Answer,
    DueWarning,
    OrderApi,
    OrdersAsked,
    OrdersPage,
    RawOrder,
    ReadFailed,
    Reply,
    ShopAccess,
)
from adapters.kit.order_mail import JST
from adapters.kit.profile import Profile
from adapters.rakuten.inventory_api import errors_of, post, refused_key
from adapters.rakuten.order_reading import changed_at, cut, read
from ledger.terms import Result

NUMBERS_MAX = 100  # getOrder, orders of one request
RECORDS_MAX = 15_000  # searchOrder, orders of one search
SPAN_DAYS_MAX = 63  # searchOrder, startDatetime to endDatetime
OVERLAP_SECONDS = 300
REACH_DAYS_MAX = 660  # the mall goes 730 days back, and the weeks before are asked for too

PLACED, SHIPPED, AGAIN, NAMED = "placed", "shipped", "again", "named"
_KINDS = (PLACED, SHIPPED, AGAIN)  # in the order of asking

_NUMBER = re.compile(r"[0-9]{6}-[0-9]{8}-[0-9]{1,20}")
_CODE = re.compile(r"[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an asking stands: the search from ``begun`` to ``ended`` (seconds), its ``page`` to come next (0: none), and the
    ``numbers`` that were found and are still to be read.
    """

    kind: str
    begun: int
    ended: int
    page: int
    numbers: tuple[str, ...] = ()

    def cursor(self) -> str:
        return f"{self.kind}:{self.begun}:{self.ended}:{self.page}:{','.join(self.numbers)}"


def fetch(access: ShopAccess, asked: OrdersAsked) -> OrdersPage | ReadFailed:
    """One request: a page of numbers (which gives no order yet), or up to 100 of the orders found by then."""
    place = _place(asked, access.profile)
    if place.numbers:
        return _read_orders(access, asked, place)
    return OrdersPage(()) if place.kind == NAMED else _search(access, asked, place)


def warnings(access: ShopAccess) -> tuple[DueWarning, ...]:
    """What a person has to do so that orders can be asked for: a search of the last minute is refused by key or function."""
    until = int(access.now().timestamp())
    query = _query(_Place(PLACED, until - 60, until, 1), access.profile, 1)
    said = _said(access, post(access, "search_order", query))
    if not isinstance(said, ReadFailed) or said.result is not Result.REJECTED_AUTH:
        return ()
    text = (
        f"受注を取り込めません（{said.code}）。RMSの「利用機能編集」で「楽天ペイ受注API」を有効にしてください。"
        " / Orders are refused. Enable 楽天ペイ受注API in RMS 利用機能編集."
    )
    return (DueWarning("order_api_not_enabled", text),)


ORDERS = OrderApi(
    fetch=fetch,
    read=read,
    overlap_seconds=OVERLAP_SECONDS,
    reach_days_max=REACH_DAYS_MAX,
    pages_per_second=1.0,
    hides="",
)


# ------------------------------------------------------------------ where it stands


def _place(asked: OrdersAsked, profile: Profile) -> _Place:
    if asked.cursor:
        kind, begun, ended, page, numbers = asked.cursor.split(":")
        assert kind in (*_KINDS, NAMED), kind
        return _Place(kind, int(begun), int(ended), int(page), tuple(one for one in numbers.split(",") if one))
    if asked.orders:
        return _Place(NAMED, 0, 0, 0, tuple(one for one in asked.orders if _NUMBER.fullmatch(one)))
    return _first(PLACED, asked, profile)


def _first(kind: str, asked: OrdersAsked, profile: Profile) -> _Place:
    begun, ended = _span(kind, asked, profile)
    return _Place(kind, begun, min(ended, begun + SPAN_DAYS_MAX * 86_400), 1)


def _span(kind: str, asked: OrdersAsked, profile: Profile) -> tuple[int, int]:
    """The whole time a kind of search is for; a search ends with a whole second, the rest is the next asking's."""
    since, until = int(asked.since.timestamp()), int(asked.until.timestamp())
    if kind == AGAIN:
        return since - profile.number("orders.again_days") * 86_400, since
    return since, max(until, since + 1)


def _onward(place: _Place, asked: OrdersAsked, profile: Profile) -> str:
    """The cursor behind a place whose numbers are read: its next page, the time behind it, the next kind, or ""."""
    if place.kind == NAMED:
        return ""
    if place.page:
        return replace(place, numbers=()).cursor()
    _, last = _span(place.kind, asked, profile)
    if place.ended < last:
        return _Place(place.kind, place.ended, min(last, place.ended + SPAN_DAYS_MAX * 86_400), 1).cursor()
    kinds = _KINDS[_KINDS.index(place.kind) + 1 :]
    kinds = tuple(kind for kind in kinds if kind != AGAIN or _is_again(asked, profile))
    return _first(kinds[0], asked, profile).cursor() if kinds else ""


def _is_again(asked: OrdersAsked, profile: Profile) -> bool:
    """Whether a full ten minutes of the clock lies in the time asked for, its overlap left out: one asking of them holds it."""
    seconds = profile.number("orders.again_minutes") * 60
    return int(asked.since.timestamp() + OVERLAP_SECONDS) // seconds != int(asked.until.timestamp()) // seconds


# ------------------------------------------------------------------ the search


def _search(access: ShopAccess, asked: OrdersAsked, place: _Place) -> OrdersPage | ReadFailed:
    profile = access.profile
    limit = profile.number("orders.page_orders")
    said = _said(access, post(access, "search_order", _query(place, profile, limit)))
    if isinstance(said, ReadFailed):
        return said
    numbers = said.get("orderNumberList")
    if numbers is None:
        numbers = []  # no order found
    if not isinstance(numbers, list) or not all(isinstance(one, str) and _NUMBER.fullmatch(one) for one in numbers):
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    paging = said.get("PaginationResponseModel")
    stated = paging.get("totalRecordsAmount") if isinstance(paging, Mapping) else None
    total = stated if isinstance(stated, int) and not isinstance(stated, bool) else None
    if total is not None and total > RECORDS_MAX and place.ended - place.begun > 1:
        return OrdersPage((), replace(place, ended=(place.begun + place.ended) // 2, page=1).cursor())
    more = len(numbers) == limit and (total is None or place.page * limit < total)
    found = replace(place, page=place.page + 1 if more else 0, numbers=tuple(dict.fromkeys(numbers)))
    return OrdersPage((), found.cursor() if found.numbers else _onward(found, asked, profile))


def _query(place: _Place, profile: Profile, limit: int) -> dict[str, object]:
    by_day = "shipped_date_type" if place.kind == SHIPPED else "placed_date_type"
    return {
        "dateType": profile.number(f"orders.{by_day}"),
        "startDatetime": _jst(place.begun),
        "endDatetime": _jst(place.ended),
        "orderProgressList": [int(one) for one in profile.texts(f"orders.{place.kind}_progress")],
        "PaginationRequestModel": {
            "requestRecordsAmount": limit,
            "requestPage": place.page,
            "SortModelList": [{"sortColumn": 1, "sortDirection": 1}],
        },
    }


def _jst(seconds: int) -> str:
    """A time as searchOrder takes it: of Japan, without a colon in its offset."""
    return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)).astimezone(JST).strftime("%Y-%m-%dT%H:%M:%S%z")


# ------------------------------------------------------------------ the orders


def _read_orders(access: ShopAccess, asked: OrdersAsked, place: _Place) -> OrdersPage | ReadFailed:
    """Up to 100 of the numbers, in full. One that the mall neither gives nor names in a message is a hole: no page."""
    wanted, rest = place.numbers[:NUMBERS_MAX], place.numbers[NUMBERS_MAX:]
    body = {"orderNumberList": list(wanted), "version": access.profile.number("orders.version")}
    said = _said(access, post(access, "get_order", body), of=wanted)
    if isinstance(said, ReadFailed):
        return said
    models = said.get("OrderModelList") or []
    if not isinstance(models, list) or not all(isinstance(one, Mapping) for one in models):
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    found = {one.get("orderNumber"): one for one in models}
    missing = [one for one in wanted if one not in found and one not in _named(said)]
    if missing and place.kind != NAMED:
        return ReadFailed(Result.TRANSIENT, "answer_incomplete")
    orders = tuple(
        RawOrder(one, cut(found[one]))
        for one in wanted
        if one in found and not (place.kind == AGAIN and _is_old_cancel(found[one], asked, access.profile))
    )
    after = replace(place, numbers=rest)
    return OrdersPage(orders, after.cursor() if rest else _onward(after, asked, access.profile))


def _is_old_cancel(order: Mapping[str, object], asked: OrdersAsked, profile: Profile) -> bool:
    """Whether the order was cancelled before the asking that last read such orders again: it was given then.

    A shop's first asking thus takes no cancels of the weeks before, which its number knows.
    """
    at = changed_at(order)
    seconds = profile.number("orders.again_minutes") * 60
    since = int(asked.since.timestamp() + OVERLAP_SECONDS) // seconds * seconds - OVERLAP_SECONDS
    cancelled = str(order.get("orderProgress")) in profile.texts("orders.progress_cancelled")
    return cancelled and at is not None and at.timestamp() < since


def _named(said: Mapping[str, object]) -> set[object]:
    """The orders that the mall's messages name: it says itself that it does not give them."""
    return {one.get("orderNumber") for one in _messages(said)} - {None}


def _messages(said: Mapping[str, object]) -> list[Mapping[str, object]]:
    found = said.get("MessageModelList")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


# ------------------------------------------------------------------ what the mall said


def _said(access: ShopAccess, reply: Reply, of: Sequence[str] = ()) -> Mapping[str, object] | ReadFailed:
    """The answer's JSON; ReadFailed with the mall's code where it refuses. An error about one of the orders ``of`` is none."""
    if not isinstance(reply, Answer):
        return read_failed(reply)
    body = json_of(reply)
    refused = refused_key(reply, errors_of(reply), access.profile.texts("api.auth_codes"))
    if refused is not None:
        return ReadFailed(Result.REJECTED_AUTH, refused)
    errors = [one for one in _messages(body) if one.get("messageType") == "ERROR"] if isinstance(body, Mapping) else []
    general = [one for one in errors if one.get("orderNumber") not in of]
    if general and reply.status < 429:
        return ReadFailed(Result.TRANSIENT, _code(general[0].get("messageCode")))
    if errors and reply.status < 429 and isinstance(body, Mapping):
        return body
    if reply.status != 200:
        return read_failed(reply)
    if not isinstance(body, Mapping) or "MessageModelList" not in body:
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    return body


def _code(value: object) -> str:
    return value if isinstance(value, str) and _CODE.fullmatch(value) else "code_not_understood"
