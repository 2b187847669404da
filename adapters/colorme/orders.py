"""Orders of カラーミーショップ over GET /v1/sales: changed since a moment, fifty a page, read without any person.

The mall gives only the last seven days unless a date is asked for, so one always is. ``fields`` leaves buyers, addresses
and remarks at the mall. A cancelled sale has lost its quantities: it tells the cancel and no line.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from adapters.colorme.access import TOKEN_MISSING, get, has_token, refusal
from adapters.colorme.codes import variant_text
from adapters.kit.answers import json_of, read_failed
from adapters.kit.mall import (
    Answer,
    NotUnderstood,
    OrderApi,
    OrderReading,
    OrdersAsked,
    OrdersPage,
    RawOrder,
    ReadFailed,
    Reply,
    ShopAccess,
)
from adapters.kit.order_mail import JST
from adapters.kit.profile import Profile
from ledger.terms import UNITS_MAX, CancelReason, Door, OrderState, Result, Telling, TellingLine

PARSER_VERSION = 1
PAGE_MAX = 50  # ``limit`` of the older documents; a newer one says 100
PAGE_OVERLAP = 5  # a sale that changes while pages are read moves in the list; so many may, and none is missed
OFFSET_MAX = 1_000_000
FIELDS = ("id", "make_date", "update_date", "paid", "delivered", "canceled", "details")
DETAILS_MAX = 1_000


def fetch(access: ShopAccess, asked: OrdersAsked) -> OrdersPage | ReadFailed:
    """One page of the sales changed at or after ``since`` and placed before ``until``; or of the sales asked for by number."""
    if not has_token(access):
        return ReadFailed(Result.REJECTED_AUTH, TOKEN_MISSING)
    at = int(asked.cursor) if asked.cursor else 0
    return _named(access, asked, at) if asked.orders else _changed(access, asked, at)


def read(body: bytes, _profile: Profile) -> OrderReading:
    """What one sale says. A quantity that is not there is at least 1; a line of zero is none."""
    try:
        sale = json.loads(body)
    except (ValueError, RecursionError):
        return NotUnderstood("sale_not_json")
    number = _number(sale)
    if not number:
        return NotUnderstood("sale_number")
    told_at, ordered_at = _at(sale.get("update_date")), _at(sale.get("make_date"))
    if told_at is None or ordered_at is None:
        return NotUnderstood("sale_date")
    cancelled = sale.get("canceled")
    if not isinstance(cancelled, bool):
        return NotUnderstood("sale_canceled")
    lines = () if cancelled else _lines(sale.get("details"))
    if isinstance(lines, NotUnderstood):
        return lines
    shipped = sale.get("delivered") is True
    state = OrderState.CANCELLED if cancelled else OrderState.SHIPPED if shipped else OrderState.CONFIRMED
    return Telling(
        order=number,
        door=Door.API,
        told_at=told_at,
        state=state,
        complete=not cancelled,
        verified=True,
        lines=lines,
        parser_version=PARSER_VERSION,
        ordered_at=ordered_at,
        reason=CancelReason.UNKNOWN if cancelled else None,
    )


ORDER_API = OrderApi(
    fetch=fetch,
    read=read,
    overlap_seconds=600,
    reach_days_max=365,
    pages_per_second=0.5,
)

# ------------------------------------------------------------------ pages


def _changed(access: ShopAccess, asked: OrdersAsked, at: int) -> OrdersPage | ReadFailed:
    since = {"update_date_min": _moment(asked.since, access.profile), "offset": str(at)}
    page = _list(access, since)
    if isinstance(page, ReadFailed):
        return page
    listed, total = page
    orders = tuple(_raw(one) for one in listed if _placed_before(one, asked.until))
    follows = at + len(listed) < total if total is not None else len(listed) == PAGE_MAX
    step = len(listed) - PAGE_OVERLAP
    goes_on = follows and step > 0 and at + step < OFFSET_MAX
    return OrdersPage(orders, str(at + step) if goes_on else "")


def _named(access: ShopAccess, asked: OrdersAsked, at: int) -> OrdersPage | ReadFailed:
    """The next PAGE_MAX sales asked for, as far as they were placed since then; what is no number of a sale is passed."""
    numbers = [order for order in asked.orders if order.isdecimal() and order.isascii()]
    asking = numbers[at : at + PAGE_MAX]
    if not asking:
        return OrdersPage(())
    page = _list(access, {"ids": ",".join(asking), "make_date_min": _moment(asked.since, access.profile)})
    if isinstance(page, ReadFailed):
        return page
    following = at + PAGE_MAX
    return OrdersPage(tuple(_raw(one) for one in page[0]), str(following) if following < len(numbers) else "")


def _list(access: ShopAccess, wanted: Mapping[str, str]) -> tuple[list[object], int | None] | ReadFailed:
    """The sales of one answer, and how many there are of them when the mall says it."""
    reply = get(access, "/sales", {**wanted, "fields": ",".join(FIELDS), "limit": str(PAGE_MAX)})
    if not isinstance(reply, Answer) or reply.status != 200:
        return _failed(reply)
    said = json_of(reply)
    listed = said.get("sales") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(listed, list) or not all(_number(one) for one in listed):
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    meta = said.get("meta")
    total = meta.get("total") if isinstance(meta, dict) else None
    return listed, total if isinstance(total, int) and not isinstance(total, bool) else None


def _failed(reply: Reply) -> ReadFailed:
    if isinstance(reply, Answer) and refusal(reply).result is Result.REJECTED_AUTH:
        return ReadFailed(Result.REJECTED_AUTH, refusal(reply).code)
    return read_failed(reply)


def _raw(sale: object) -> RawOrder:
    """The sale without what was not asked for, should the mall send it all the same: buyers, addresses, remarks."""
    kept = {name: sale[name] for name in FIELDS if name in sale} if isinstance(sale, dict) else {}
    return RawOrder(_number(sale), json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode("utf-8"))


def _placed_before(sale: object, until: datetime) -> bool:
    made = _at(sale.get("make_date")) if isinstance(sale, dict) else None
    return made is None or made < until


def _moment(moment: datetime, profile: Profile) -> str:
    return moment.astimezone(JST).strftime(profile.text("api.moment_format"))


# ------------------------------------------------------------------ one sale


def _number(sale: object) -> str:
    found = sale.get("id") if isinstance(sale, dict) else None
    return str(found) if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 10**18 else ""


def _at(seconds: object) -> datetime | None:
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds < 4_102_444_800:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _lines(details: object) -> tuple[TellingLine, ...] | NotUnderstood:
    if not isinstance(details, list) or len(details) > DETAILS_MAX:
        return NotUnderstood("sale_details")
    read: list[TellingLine] = []
    for ordinal, detail in enumerate(details, start=1):
        line = _line(detail, ordinal)
        if isinstance(line, NotUnderstood):
            return line
        if line is not None:
            read.append(line)
    return tuple(read) if read else NotUnderstood("sale_without_lines")


def _line(detail: object, ordinal: int) -> TellingLine | NotUnderstood | None:
    """One detail as a line; None for a quantity of zero, which the mall writes for what is no longer bought."""
    if not isinstance(detail, dict):
        return NotUnderstood("detail", ordinal)
    count = detail.get("product_num")
    if isinstance(count, bool) or not (count is None or (isinstance(count, int) and 0 <= count <= UNITS_MAX)):
        return NotUnderstood("detail_quantity", ordinal)
    if count == 0:
        return None
    product, model = detail.get("product_id"), detail.get("product_model_number")
    options = [detail.get(f"option{place}_value") or "" for place in (1, 2)]
    if not all(isinstance(option, str) for option in options):
        return NotUnderstood("detail_option", ordinal)
    known = isinstance(product, int) and not isinstance(product, bool) and product > 0
    code = model if isinstance(model, str) and model and len(model) <= 200 else ""
    if not known and not code:
        return NotUnderstood("detail_product", ordinal)
    own = detail.get("id")
    return TellingLine(
        item=str(product) if known else code,
        variant=variant_text(*options) if known else "",
        quantity=count or 1,
        quantity_known=count is not None,
        line_id=str(own) if isinstance(own, int) and not isinstance(own, bool) else "",
        # The key is exact; a 型番 may be shared by all variants and would then name none of them.
        codes=() if known else (code,),
    )
