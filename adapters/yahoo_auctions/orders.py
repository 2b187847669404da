"""Orders of a store's sold auctions, from orderList and orderInfo: one order a page, cut into one kept order an auction.

A mail knows only the auction's id, so that is the order's number here too; when an auction has several winners, the second
order of it in time is ``<id>-2``. To count them, every asking lists the orders of the last ``api.changed_days`` days; that
is also how a later cancel is found. Only the changed ones are read in full.
"""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from adapters.kit.mall import (
    Ignored,
    NotUnderstood,
    OrderApi,
    OrderReading,
    OrdersAsked,
    OrdersPage,
    RawOrder,
    ReadFailed,
    ShopAccess,
)
from adapters.kit.order_mail import count_in
from adapters.kit.profile import Profile
from adapters.yahoo_auctions.codes import is_auction, order_number, service_moment
from adapters.yahoo_auctions.store_api import all_of, ask, jst_text, name_of, parsed, text_of
from ledger.terms import CODE_CHARACTERS_MAX, UNITS_MAX, CancelReason, Door, OrderState, Result, Telling, TellingLine

PARSER_VERSION = 1
LIST_PAGES_MAX = 1_000  # of one asking; more orders than that in 30 days is no shop of this mall
ITEMS_MAX = 1_000  # of one order
REACH_DAYS_MAX = 30
KEPT, WINNER, AUCTION = "AuctionOrder", "winner", "auction"  # the element around a kept order, and its attributes


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an asking stands. ``start``: the next order of the list, 0 when it was read to its end.

    ``winners``: auction -> how many orders of it the list had so far. ``left``: (order id, winner) still to be read in full.
    """

    start: int
    winners: Mapping[str, int]
    left: tuple[tuple[str, int], ...]

    def cursor(self) -> str:
        """ "" when nothing is left to ask for."""
        if not self.start and not self.left:
            return ""
        return json.dumps([self.start, dict(self.winners) if self.start else {}, self.left], separators=(",", ":"))


def fetch(access: ShopAccess, asked: OrdersAsked) -> OrdersPage | ReadFailed:
    """A page of the list (which gives no order yet), or the next order of it; a shop without a store account has none."""
    if not access.settings.get("seller_id", "").strip():
        return OrdersPage(())
    place = _place(asked.cursor)
    if not place.left:
        return _listed(access, asked, place)
    order, winner = place.left[0]
    fields = access.profile.text("api.order_fields")
    found = ask(access, "orderInfo", f"<Target><OrderId>{order}</OrderId><Field>{fields}</Field></Target>")
    if isinstance(found, ReadFailed):
        return found
    read = next(all_of(found, "OrderInfo"), None)
    if read is None:
        return ReadFailed(Result.TRANSIENT, "answer_incomplete")
    rest = _Place(place.start, place.winners, place.left[1:])
    kept = tuple(one for one in _kept(read, winner) if not asked.orders or one.order in asked.orders)
    return OrdersPage(kept, rest.cursor())


def read(body: bytes, profile: Profile) -> OrderReading:
    """What one kept order says. Pure; nothing but numbers, codes, units, times and the state is looked at."""
    root = parsed(body)
    if root is None or name_of(root) != KEPT:
        return NotUnderstood("order")
    auction, winner = root.get(AUCTION, ""), root.get(WINNER, "")
    if not is_auction(auction) or not (winner.isascii() and winner.isdigit() and 0 < int(winner) < LIST_PAGES_MAX):
        return NotUnderstood("YahooAuctionId")
    state = _state(text_of(root, "OrderStatus"), profile)
    if not isinstance(state, OrderState):
        return state
    ordered_at = service_moment(text_of(root, "OrderTime"))
    if ordered_at is None:
        return NotUnderstood("OrderTime")
    lines = _lines(root, auction)
    if isinstance(lines, NotUnderstood):
        return lines
    return Telling(
        order=order_number(auction, int(winner)),
        door=Door.API,
        told_at=service_moment(text_of(root, "LastUpdateTime")) or ordered_at,
        state=state,
        complete=True,
        verified=True,
        lines=lines,
        parser_version=PARSER_VERSION,
        ordered_at=ordered_at,
        reason=CancelReason.UNKNOWN if state is OrderState.CANCELLED else None,
    )


ORDERS = OrderApi(
    fetch=fetch,
    read=read,
    overlap_seconds=300,
    reach_days_max=REACH_DAYS_MAX,
    pages_per_second=1.0,
    hides="不正注文保留の注文は公開されるまで一覧にありません。ストアでない出品者の落札はメールだけで届きます。",
)


# ------------------------------------------------------------------ the list


def _listed(access: ShopAccess, asked: OrdersAsked, place: _Place) -> OrdersPage | ReadFailed:
    """The next page of the list: what of it is to be read in full is left for the pages behind it."""
    assert place.start <= LIST_PAGES_MAX * access.profile.number("api.list_orders_max"), place.start
    found = ask(access, "orderList", _search(access.profile, asked, place.start))
    if isinstance(found, ReadFailed):
        return found
    orders = list(all_of(found, "OrderInfo"))
    total = count_in(text_of(found, "TotalCount"))
    if total is None:
        return ReadFailed(Result.TRANSIENT, "answer_incomplete")
    winners = dict(place.winners)
    left: list[tuple[str, int]] = []
    for order in orders:
        auction, number = text_of(order, "YahooAuctionId"), text_of(order, "OrderId")
        bundled = text_of(order, "OrderStatus") in access.profile.texts("api.status_bundled")
        if not _is_auction_order(order) or not _is_order(number) or bundled:
            continue
        winners[auction] = winners.get(auction, 0) + 1
        if _asked_for(order, auction, winners[auction], asked):
            left.append((number, winners[auction] if auction else 1))
    seen = place.start - 1 + len(orders)
    goes_on = bool(orders) and seen < total
    return OrdersPage((), _Place(seen + 1 if goes_on else 0, winners, tuple(left)).cursor())


def _search(profile: Profile, asked: OrdersAsked, start: int) -> str:
    since = asked.since - timedelta(days=profile.number("api.changed_days"))
    condition = (
        f"<OrderTimeFrom>{jst_text(since)}</OrderTimeFrom><OrderTimeTo>{jst_text(asked.until)}</OrderTimeTo>"
        f"{profile.text('api.list_condition')}"
    )
    return (
        f"<Search><Result>{profile.number('api.list_orders_max')}</Result><Start>{start}</Start><Sort>+order_time</Sort>"
        f"<Condition>{condition}</Condition><Field>{profile.text('api.list_fields')}</Field></Search>"
    )


def _asked_for(order: ET.Element, auction: str, winner: int, asked: OrdersAsked) -> bool:
    """Whether it was placed or changed in the time asked for; with numbers asked for, whether it is one of them."""
    if asked.orders:
        return not auction or order_number(auction, winner) in asked.orders
    times = (service_moment(text_of(order, name)) for name in ("LastUpdateTime", "OrderTime"))
    known = [moment for moment in times if moment is not None]
    return not known or max(known) >= asked.since


def _is_auction_order(order: ET.Element) -> bool:
    auction = text_of(order, "YahooAuctionId")
    return is_auction(auction) if auction else text_of(order, "IsYahooAuctionOrder").lower() in ("true", "1")


def _is_order(number: str) -> bool:
    """Whether the number may stand in a request as it is."""
    return 0 < len(number) <= CODE_CHARACTERS_MAX and all(
        one.isascii() and (one.isalnum() or one in "-_") for one in number
    )


def _place(cursor: str) -> _Place:
    if not cursor:
        return _Place(1, {}, ())
    start, winners, left = json.loads(cursor)
    return _Place(start, winners, tuple((str(order), int(winner)) for order, winner in left))


# ------------------------------------------------------------------ one order


def _kept(order: ET.Element, winner: int) -> Iterator[RawOrder]:
    """One kept order for each auction of a mall's order: its items, with what the order says of itself.

    ``winner`` counts the auction the list named; another one bundled with it is taken for its first.
    """
    listed = _own_text(order, "YahooAuctionId")
    items = list(all_of(order, "Item"))[:ITEMS_MAX]
    by_auction: dict[str, list[ET.Element]] = {}
    for item in items:
        by_auction.setdefault(text_of(item, "YahooAuctionId") or listed, []).append(item)
    for at, (auction, own) in enumerate(by_auction.items()):
        counted = winner if auction == listed or (not listed and at == 0) else 1
        wrapped = ET.Element(KEPT, {AUCTION: auction, WINNER: str(counted)})
        for name in ("OrderId", "Version", "OrderTime", "OrderStatus", "LastUpdateTime", "YahooAuctionMerchantId"):
            ET.SubElement(wrapped, name).text = _own_text(order, name)
        for item in own:
            part = ET.SubElement(wrapped, "Item")
            for name in ("LineId", "ItemId", "YahooAuctionMerchantId", "Quantity"):
                ET.SubElement(part, name).text = text_of(item, name)
        number = order_number(auction, counted) if is_auction(auction) else text_of(order, "OrderId")
        yield RawOrder(number, ET.tostring(wrapped, encoding="utf-8"))


def _own_text(order: ET.Element, name: str) -> str:
    """What the order says of itself, apart from its items."""
    inside = {id(one) for item in all_of(order, "Item") for one in item.iter()}
    found = next((one for one in all_of(order, name) if id(one) not in inside), None)
    return (found.text or "").strip() if found is not None else ""


def _state(status: str, profile: Profile) -> OrderState | Ignored | NotUnderstood:
    if status in profile.texts("api.status_bundled"):
        return Ignored("bundled_into_another_order")
    for state in (OrderState.CONFIRMED, OrderState.MALL_CHECKING, OrderState.CANCELLED, OrderState.SHIPPED):
        if status in profile.texts(f"api.status_{state.value}"):
            return state
    return NotUnderstood("OrderStatus")


def _lines(root: ET.Element, auction: str) -> tuple[TellingLine, ...] | NotUnderstood:
    """The lots of this auction in the order; one without a quantity is at least 1."""
    own_code = _own_text(root, "YahooAuctionMerchantId")
    found: list[TellingLine] = []
    for item in all_of(root, "Item"):
        said = text_of(item, "Quantity")
        lots = count_in(said) if said else 1
        if lots is None or not 1 <= lots <= UNITS_MAX:
            return NotUnderstood("Quantity")
        # 管理番号 is the merchant's own code; ItemId is whatever the store's item is called.
        codes = (text_of(item, "YahooAuctionMerchantId") or own_code, text_of(item, "ItemId"))
        kept = tuple(
            dict.fromkeys(one for one in codes if one and one.isprintable() and len(one) <= CODE_CHARACTERS_MAX)
        )
        found.append(TellingLine(auction, "", lots, bool(said), line_id=text_of(item, "LineId")[:50], codes=kept))
    return tuple(found) if found else NotUnderstood("Item")
