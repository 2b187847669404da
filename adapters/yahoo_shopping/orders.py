"""Ask Yahoo!ショッピング for orders: orderList gives numbers, orderInfo one order; one request a page.

orderList looks by when an order was placed or published, not by when it changed. So each asking looks for both, and one in
ten minutes lists the weeks before and reads what changed since: that is how a cancel or a split is found (D10). An order
held for a fraud check is hidden until the mall publishes it. Cancelled orders are read after the others of their list, so
that the two parts of a split order have their units before it gives them back.
"""

import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from adapters.kit.answers import read_failed
from adapters.kit.mall import Answer, DueWarning, OrderApi, OrdersAsked, OrdersPage, ReadFailed, ShopAccess
from adapters.kit.order_mail import count_in
from adapters.yahoo_shopping.access import call_xml
from adapters.yahoo_shopping.order_reading import ITEM_FIELDS, ORDER, ORDER_FIELDS, cut, is_order_number, read
from adapters.yahoo_shopping.order_xml import all_of, error_code, jst_text, moment, name_of, parsed, text_of
from adapters.yahoo_shopping.refusals import outcome_of
from adapters.yahoo_shopping.replies import Refusal
from ledger.terms import Outcome, Result

OVERLAP_SECONDS = 300
REACH_DAYS_MAX = 90
STARTS_MAX = 1_000_000
PUBLIC_KEY_MISSING = "public_key_missing"
NO = "no"

PLACED, PUBLISHED, AGAIN, NAMED = "placed", "published", "again", "named"
_KINDS = (PLACED, PUBLISHED, AGAIN)  # in the order of asking
_LIST_FIELDS = (
    "OrderId",
    "Version",
    "OrderTime",
    "LastUpdateTime",
    "OrderStatus",
    "PublicationTime",
    "IsYahooAuctionOrder",
)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an asking stands: the list, the order of it to begin with next (0: it was read to its end), the orders that are
    still to be read in full.
    """

    kind: str
    start: int
    numbers: tuple[str, ...] = ()

    def cursor(self) -> str:
        return f"{self.kind}:{self.start}:{','.join(self.numbers)}"


def fetch(access: ShopAccess, asked: OrdersAsked) -> OrdersPage | ReadFailed:
    """One request: a page of a list (which gives no order yet), or the next order in full.

    Without the public key nothing is asked: a call of the order API would end the login, which pushes need too, in 12 hours.
    """
    if not access.secrets.get("public_key", "").strip():
        return ReadFailed(Result.REJECTED_AUTH, PUBLIC_KEY_MISSING)
    place = _place(asked)
    if place.numbers:
        return _read_order(access, asked, place)
    return OrdersPage(()) if place.kind == NAMED else _list(access, asked, place)


def warnings(access: ShopAccess) -> list[DueWarning]:
    """What a person has to do so that orders can be asked for: enter the public key, or apply for the order API."""
    if not access.secrets.get("public_key", "").strip():
        text = "公開鍵がないため、注文APIでは受注を取り込みません（受注はメールで届きます）。取り込むには公開鍵を登録してください。"
        return [DueWarning(PUBLIC_KEY_MISSING, text)]
    since, until = access.now() - timedelta(minutes=1), access.now()
    condition = f"<OrderTimeFrom>{jst_text(since)}</OrderTimeFrom><OrderTimeTo>{jst_text(until)}</OrderTimeTo>"
    search = f"<Result>1</Result><Start>1</Start><Sort>+order_time</Sort><Condition>{condition}</Condition><Field>OrderId</Field>"
    found = _ask(access, "orderList", f"<Search>{search}</Search>")
    if not isinstance(found, ReadFailed) or found.result is not Result.REJECTED_AUTH:
        return []
    text = f"注文APIを使えません（{found.code}）。Yahoo!ショッピングに注文APIの利用を申請してください。"
    return [DueWarning("order_api_not_allowed", text)]


ORDERS = OrderApi(
    fetch=fetch,
    read=read,
    overlap_seconds=OVERLAP_SECONDS,
    reach_days_max=REACH_DAYS_MAX,
    pages_per_second=1.0,
    hides="不正注文の確認で保留されている注文は、Yahoo!が公開するまで一覧にありません。公開されしだい取り込みます。",
)


# ------------------------------------------------------------------ where it stands


def _place(asked: OrdersAsked) -> _Place:
    if asked.cursor:
        kind, start, numbers = asked.cursor.split(":")
        assert kind in (*_KINDS, NAMED), kind
        assert 0 <= int(start) <= STARTS_MAX, start
        return _Place(kind, int(start), tuple(one for one in numbers.split(",") if one))
    if asked.orders:
        return _Place(NAMED, 0, tuple(one for one in asked.orders if is_order_number(one)))
    return _Place(PLACED, 1)


def _onward(place: _Place, asked: OrdersAsked, access: ShopAccess) -> str:
    """The cursor behind a place: its next order, the list's next page, the next list, or ""."""
    if place.numbers or place.start:
        return place.cursor()
    kinds = [] if place.kind == NAMED else list(_KINDS[_KINDS.index(place.kind) + 1 :])
    published = access.profile.text("orders.published_since_condition")
    for kind in kinds:
        if (kind == PUBLISHED and published) or (kind == AGAIN and _is_again(asked, access)):
            return _Place(kind, 1).cursor()
    return ""


def _is_again(asked: OrdersAsked, access: ShopAccess) -> bool:
    """Whether a full ten minutes of the clock lies in the time asked for, its overlap left out: one asking of them holds it."""
    seconds = access.profile.number("orders.again_minutes") * 60
    return _begun(asked) // seconds != int(asked.until.timestamp()) // seconds


def _begun(asked: OrdersAsked) -> int:
    return int(asked.since.timestamp() + OVERLAP_SECONDS)


# ------------------------------------------------------------------ the list


def _list(access: ShopAccess, asked: OrdersAsked, place: _Place) -> OrdersPage | ReadFailed:
    """The next page of the list: what of it is to be read in full stands in the cursor."""
    limit = access.profile.number("orders.list_orders_max")
    condition = _condition(access, asked, place.kind)
    root = _ask(
        access,
        "orderList",
        f"<Search><Result>{limit}</Result><Start>{place.start}</Start><Sort>+order_time</Sort>"
        f"<Condition>{condition}{access.profile.text('orders.list_condition')}</Condition>"
        f"<Field>{','.join(_LIST_FIELDS)}</Field></Search>",
    )
    if isinstance(root, ReadFailed):
        refused = place.kind == PUBLISHED and root.result is Result.TRANSIENT and root.code.startswith("od")
        # The mall does not know how to be asked by the time of publishing: the weeks before find the order later.
        return OrdersPage((), _onward(replace(place, start=0), asked, access)) if refused else root
    total = count_in(text_of(root, "TotalCount"))
    rows = list(all_of(root, ORDER))
    numbers = [text_of(row, "OrderId") for row in rows]
    if total is None or not all(is_order_number(one) for one in numbers) or (not rows and place.start <= total):
        return ReadFailed(Result.TRANSIENT, "answer_incomplete")
    seen = place.start - 1 + len(rows)
    wanted = [row for row in rows if _is_wanted(row, access, asked, place.kind)]
    cancels = set(access.profile.texts("orders.status_cancelled"))
    wanted.sort(key=lambda row: text_of(row, "OrderStatus") in cancels)
    after = _Place(
        place.kind,
        seen + 1 if rows and seen < total and seen < STARTS_MAX else 0,
        tuple(dict.fromkeys(text_of(row, "OrderId") for row in wanted)),
    )
    return OrdersPage((), _onward(after, asked, access))


def _condition(access: ShopAccess, asked: OrdersAsked, kind: str) -> str:
    since, until = asked.since, asked.until
    names = "OrderTimeFrom", "OrderTimeTo"
    if kind == PUBLISHED:
        profile = access.profile
        names = profile.text("orders.published_since_condition"), profile.text("orders.published_until_condition")
    elif kind == AGAIN:
        since, until = since - timedelta(days=access.profile.number("orders.again_days")), since
    return f"<{names[0]}>{jst_text(since)}</{names[0]}><{names[1]}>{jst_text(until)}</{names[1]}>"


def _is_wanted(row: ET.Element, access: ShopAccess, asked: OrdersAsked, kind: str) -> bool:
    """Whether the order of a row is to be read in full: not what another list had, nor what has not changed."""
    of_auction = text_of(row, "IsYahooAuctionOrder").lower() in ("true", "1")
    if of_auction and access.settings.get("auction_orders", "").strip().lower() == NO:
        return False
    if kind == PLACED:
        return True
    if kind == PUBLISHED:
        placed_at = moment(text_of(row, "OrderTime"))
        return placed_at is None or placed_at < asked.since
    seconds = access.profile.number("orders.again_minutes") * 60
    changed_since = datetime.fromtimestamp(_begun(asked) // seconds * seconds - OVERLAP_SECONDS, UTC)
    times = [moment(text_of(row, name)) for name in ("LastUpdateTime", "PublicationTime")]
    known = [at for at in times if at is not None]
    return times[0] is None or max(known) >= changed_since


# ------------------------------------------------------------------ one order


def _read_order(access: ShopAccess, asked: OrdersAsked, place: _Place) -> OrdersPage | ReadFailed:
    number = place.numbers[0]
    fields = ",".join((*ORDER_FIELDS, *ITEM_FIELDS))
    root = _ask(access, "orderInfo", f"<Target><OrderId>{number}</OrderId><Field>{fields}</Field></Target>")
    after = _onward(replace(place, numbers=place.numbers[1:]), asked, access)
    if isinstance(root, ReadFailed):
        not_there = place.kind == NAMED and root.result is Result.TRANSIENT and root.code.startswith("od")
        return OrdersPage((), after) if not_there else root
    found = next(all_of(root, ORDER), None)
    if found is None or text_of(found, "OrderId") != number:
        return ReadFailed(Result.TRANSIENT, "answer_incomplete")
    return OrdersPage((cut(found, number),), after)


# ------------------------------------------------------------------ what the mall said


def _ask(access: ShopAccess, operation: str, request: str) -> ET.Element | ReadFailed:
    """The ResultSet that answers a request whose status is OK, or why there is none; a code of a refusal is kept."""
    answer = call_xml(access, operation, request)
    if isinstance(answer, Outcome):
        return _failed(answer)
    root = parsed(answer.body)
    code = error_code(root)
    if code:
        return _failed(outcome_of(Refusal(code), access.profile) or _refused(answer, code))
    if answer.status != 200:
        return read_failed(answer)
    if root is None or name_of(root) != "ResultSet":
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    if text_of(root, "Status") not in ("OK", ""):
        return ReadFailed(Result.TRANSIENT, "status_not_ok")
    return root


def _refused(answer: Answer, code: str) -> Outcome:
    """A refusal of the request by its code; of the mall's own fault (5xx) the status is said: it is no word on the request."""
    failed = read_failed(answer)
    return Outcome(failed.result, failed.code if answer.status >= 500 else code, failed.wait_seconds)


def _failed(outcome: Outcome) -> ReadFailed:
    keeps = outcome.result in (Result.THROTTLED, Result.REJECTED_AUTH)
    return ReadFailed(outcome.result if keeps else Result.TRANSIENT, outcome.code, outcome.wait_seconds)
