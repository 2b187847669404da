"""Orders and claims of Qoo10: one state of one kind a call (GetShippingInfo_v3, GetClaimInfo_V3), each row an order of its own.

A row is one 注文番号 with one product. Rows hold persons; they are kept only inside ``RawOrder``, and a telling takes from
them numbers, codes, dates and states, nothing else.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from adapters.kit.mall import (
    Ignored,
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
from adapters.qoo10.codes import AXIS, is_text, told_codes, variant_of
from adapters.qoo10.qapi import SUCCESS, Said, call, number_of
from ledger.terms import UNITS_MAX, CancelReason, Door, OrderState, Outcome, Result, Telling, TellingLine

SHIPPING = "ShippingBasic.GetShippingInfo_v3"
CLAIMS = "ShippingBasic.GetClaimInfo_V3"
ONE_ORDER = "ShippingBasic.GetShippingAndClaimInfoByOrderNo_V2"
ORDERS_MAX = 20_000  # rows of one answer
REACH_DAYS_MAX = 90  # GetClaimInfo_V3: -10003 "Searching period exceeds to 90 days."
PARSER_VERSION = 1

_ORDER_NUMBER = re.compile(r"[0-9]{1,20}")
_STATE = re.compile(r"(?:[^()]{0,40}\()?([0-9]{1,2})\)?")  # 2, or 配送要請(2)
_DAY = r"(\d{4})(?:[-/](\d{1,2})[-/](\d{1,2})|(\d{2})(\d{2}))"
_TIME = r"(?:[ T]?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,7})?)?|(\d{2})(\d{2})(\d{2}))"
_WHEN = re.compile(rf"{_DAY}(?:{_TIME})?", re.ASCII)
_DATES = ("orderdate", "paymentdate", "shippingdate", "delivereddate", "requestdate", "cancelrefunddate")

Row = Mapping[str, object]


# ------------------------------------------------------------------ asking


def fetch(access: ShopAccess, asked: OrdersAsked) -> OrdersPage | ReadFailed:
    """One state of one kind of the time asked for; ``cursor`` is the number of the next step of the profile's list."""
    step = int(asked.cursor or "0")
    steps = asked.orders or access.profile.texts("orders.steps")
    assert 0 <= step < len(steps), step
    said = _ask(access, asked, steps[step])
    if isinstance(said, Outcome):
        keeps = said.result in (Result.THROTTLED, Result.REJECTED_AUTH)
        return ReadFailed(said.result if keeps else Result.TRANSIENT, said.code, said.wait_seconds)
    if said.code != SUCCESS and str(said.code) not in _none_codes(access.profile, one=bool(asked.orders)):
        return ReadFailed(Result.TRANSIENT, str(said.code))
    rows = _rows(said)
    if rows is None or len(rows) > ORDERS_MAX:
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    return OrdersPage(tuple(map(_raw, rows)), str(step + 1) if step + 1 < len(steps) else "")


def _ask(access: ShopAccess, asked: OrdersAsked, step: str) -> Said | Outcome:
    if asked.orders:
        return call(access, ONE_ORDER, {"OrderNo": step})
    kind, status, condition = step.split(":")
    since, until = _stamp(asked.since), _stamp(asked.until)
    if kind == "claim":
        fields = {"ClaimStat": status, "search_Sdate": since, "search_Edate": until, "search_condition": condition}
        return call(access, CLAIMS, fields)
    fields = {
        "ShippingStatus": status,
        "SearchStartDate": since,
        "SearchEndDate": until,
        "SearchCondition": condition,
    }
    return call(access, SHIPPING, fields)


def _none_codes(profile: Profile, *, one: bool) -> Sequence[str]:
    """Codes that say there is no such order; for a time, only 0 with nothing says so."""
    return profile.texts("orders.no_such_order_codes") if one else ()


def _rows(said: Said) -> Sequence[Row] | None:
    if said.code != SUCCESS or said.result in (None, ""):
        return ()
    found = said.result if isinstance(said.result, list) else [said.result]
    rows = [row for row in found if isinstance(row, dict)]
    return rows if len(rows) == len(found) else None


def _raw(row: Row) -> RawOrder:
    number = next((value for key, value in row.items() if key.casefold() == "orderno"), "")
    return RawOrder(str(number), json.dumps(row, ensure_ascii=False).encode())


def _stamp(moment: datetime) -> str:
    return moment.astimezone(JST).strftime("%Y%m%d%H%M%S")


# ------------------------------------------------------------------ reading


def read(body: bytes, profile: Profile) -> OrderReading:
    """What one row says of its order: a sale by its shipping state, a cancel or return by its claim. Pure."""
    row = _row_of(body)
    if row is None:
        return NotUnderstood("not_a_row")
    number = _text(row, "orderno")
    if not _ORDER_NUMBER.fullmatch(number):
        return NotUnderstood("order_number")
    moments = [found for name in _DATES if (found := _moment(_text(row, name))) is not None]
    if not moments:
        return NotUnderstood("date")
    claim = _status(row, "claimstatus")
    if claim in ("", "0") or claim in profile.texts("claims.open"):
        if "shippingstatus" in row:
            return _sale(row, number, max(moments), profile)
        return Ignored("claim_asked_for") if claim else NotUnderstood("claim_status")
    if claim in profile.texts("claims.not_received"):
        return Ignored("not_received_refund")
    if claim in profile.texts("claims.cancelled") or claim in profile.texts("claims.returned"):
        return _cancel(row, number, max(moments), profile)
    return NotUnderstood("claim_status")


def _sale(row: Row, number: str, told_at: datetime, profile: Profile) -> Telling | NotUnderstood:
    state = _state(row, profile)
    line = _line(row, number, profile)
    if state is None:
        return NotUnderstood("shipping_status")
    if isinstance(line, NotUnderstood):
        return line
    return Telling(
        order=number,
        door=Door.API,
        told_at=told_at,
        state=state,
        complete=True,
        verified=True,
        lines=(line,),
        parser_version=PARSER_VERSION,
        ordered_at=_second(_text(row, "orderdate")),
        ordered_on=_day(_text(row, "orderdate")),
    )


def _cancel(row: Row, number: str, told_at: datetime, profile: Profile) -> Telling:
    """The whole of one 注文番号: a claim names no option, so it names no line."""
    return Telling(
        order=number,
        door=Door.API,
        told_at=told_at,
        state=OrderState.CANCELLED,
        complete=False,
        verified=True,
        lines=(),
        parser_version=PARSER_VERSION,
        ordered_at=_second(_text(row, "orderdate")),
        ordered_on=_day(_text(row, "orderdate")),
        reason=_reason(row, profile),
    )


def _state(row: Row, profile: Profile) -> OrderState | None:
    status = _status(row, "shippingstatus")
    if status in profile.texts("shipping.shipped"):
        return OrderState.SHIPPED
    if status in profile.texts("shipping.waiting") and _moment(_text(row, "paymentdate")) is None:
        return OrderState.PROVISIONAL
    known = (*profile.texts("shipping.waiting"), *profile.texts("shipping.ordered"))
    return OrderState.CONFIRMED if status in known else None


def _line(row: Row, number: str, profile: Profile) -> TellingLine | NotUnderstood:
    seller_code = _text(row, "selleritemcode")
    item = _text(row, "itemno") or _text(row, "itemcode") or seller_code
    if not is_text(item) or (seller_code and not is_text(seller_code)):
        return NotUnderstood("item")
    code, option = _text(row, "optioncode"), _text(row, "option")
    variant = code or _variant_of_text(option, profile)
    if variant and not is_text(variant):
        return NotUnderstood("option")
    quantity = number_of(row.get("orderqty"))
    if quantity is None or not 1 <= quantity <= UNITS_MAX:
        return NotUnderstood("quantity")
    return TellingLine(item, variant, quantity, line_id=number, codes=told_codes(item, seller_code, variant))


def _variant_of_text(option: str, profile: Profile) -> str:
    """The option's texts as a listing has them; a text that is not ``name:value / name:value`` stays as it is."""
    if not option:
        return ""
    between_axes, inside = profile.text("orders.between_axes"), profile.text("orders.between_name_and_value")
    pairs = [axis.split(inside, 1) for axis in option.split(between_axes)]
    if not all(len(pair) == 2 and all(text.strip() for text in pair) for pair in pairs):
        return option
    names, values = ([pair[at].strip() for pair in pairs] for at in (0, 1))
    return variant_of(AXIS.join(names), AXIS.join(values), "")


def _reason(row: Row, profile: Profile) -> CancelReason:
    """The kind of reason; its text is not kept."""
    if _status(row, "claimstatus") in profile.texts("claims.unpaid"):
        return CancelReason.UNPAID
    text = _text(row, "reason")
    for kind in (CancelReason.OUT_OF_STOCK, CancelReason.DEFECTIVE, CancelReason.UNPAID, CancelReason.BUYER):
        if any(words in text for words in profile.texts(f"claims.reasons.{kind.value}")):
            return kind
    return CancelReason.UNKNOWN


# ------------------------------------------------------------------ cells of a row


def _row_of(body: bytes) -> Row | None:
    """The row with its names in lower case: shipping rows write OrderNo, claims orderNo."""
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return {str(key).casefold(): value for key, value in found.items()}


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    if value is None or isinstance(value, bool | dict | list):
        return ""
    return str(value).strip()


def _status(row: Row, name: str) -> str:
    """The number of a state; another text as it stands."""
    text = _text(row, name)
    found = _STATE.fullmatch(text)
    return found[1] if found else text


def _moment(text: str) -> datetime | None:
    """The moment in UTC; a date alone is its beginning in Japan."""
    found = _when(text)
    return found.astimezone(UTC) if isinstance(found, datetime) else None if found is None else _begin(found)


def _second(text: str) -> datetime | None:
    """The moment in UTC, where a time is said."""
    found = _when(text)
    return found.astimezone(UTC) if isinstance(found, datetime) else None


def _day(text: str) -> date | None:
    """The date in Japan, where only a date is said."""
    found = _when(text)
    return None if isinstance(found, datetime) else found


def _begin(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=JST).astimezone(UTC)


def _when(text: str) -> datetime | date | None:
    """A date or a moment in Japan, in the several forms the mall writes; None for anything else."""
    found = _WHEN.fullmatch(text)
    if found is None:
        return None
    year, month, day = int(found[1]), int(found[2] or found[4]), int(found[3] or found[5])
    clock = found.group(6, 7, 8) if found[6] else found.group(9, 10, 11)
    try:
        if clock[0] is None:
            return date(year, month, day)
        return datetime(year, month, day, int(clock[0]), int(clock[1]), int(clock[2] or 0), tzinfo=JST)
    except ValueError:
        return None
