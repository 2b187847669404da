"""One order on its way: sold at Rakuten, told by a forwarded mail, allocated, and told to Yahoo!; with the time of each step."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from adapters.kit.emulator import EmulatedOrder
from adapters.rakuten.emulated_catalogue import own_sku
from api.cli.output import Cell
from api.demo.doors import Doors
from api.demo.malls import Malls
from api.demo.teller import Teller
from api.demo.waiting import until

SKU = own_sku(3)
WAY_SECONDS_MAX = 30.0
JAPAN = timezone(timedelta(hours=9))
COLUMNS = ("時刻", "秒", "できごと", "what happened", "楽天市場", "台帳", "Yahoo!")
CHANGE_COLUMNS = ("position", "kind", "sku", "before", "after", "actor", "cause", "trace")
PUSH_COLUMNS = ("position", "trigger", "expectedBefore", "units", "outcome", "answerMilliseconds", "trace")
CHANGES = """query ($shop: String!, $number: String!) { changes(shop: $shop, orderNumber: $number) { edges { node {
    position kind sku delta before after actor cause trace happenedAt recordedAt } } } }"""
PUSHES = """query ($shop: String!, $sku: String!) { pushes(shop: $shop, sku: $sku, first: 5) { edges { node {
    position trigger expectedBefore units outcome sentAt appliedUntil answerMilliseconds trace recordedAt } } } }"""


@dataclass(frozen=True)
class Way:
    """The order and when each step of its way was (UTC). ``units``: what both malls showed before it."""

    order: EmulatedOrder
    units: int
    ordered_at: datetime
    accepted_at: datetime
    allocated_at: datetime
    visible_at: datetime
    sent_at: datetime
    shown_at: datetime
    answered_at: datetime
    change: Mapping[str, Any]
    push: Mapping[str, Any]

    @property
    def told_seconds(self) -> float:
        """From the mail accepted to Yahoo! told."""
        return (self.sent_at - self.accepted_at).total_seconds()


def sell_one(doors: Doors, malls: Malls, addresses: Mapping[str, str], teller: Teller) -> Way:
    """The order has gone its way. Raises NotInTime."""
    teller.heading("5. 楽天市場で1個売れる", "One is sold at Rakuten")
    listing, page = malls.rakuten_listings[SKU], malls.yahoo_listing(SKU)
    units = malls.rakuten.shown(listing)
    assert units is not None, SKU
    pushes_before = len(malls.yahoo.shop.pushes)
    order = malls.rakuten.sell(listing)
    (raw,) = malls.rakuten.mails()
    doors.send_mail(doors.forwarded(raw), addresses[malls.rakuten.code])
    accepted_at = doors.clock.now()
    change = until(doors.clock, WAY_SECONDS_MAX, "the order is allocated", lambda: _change(doors, malls, order.number))
    visible_at = doors.clock.now()
    shown_at = until(
        doors.clock,
        WAY_SECONDS_MAX,
        "Yahoo! shows the new number",
        lambda: next(
            (push.at for push in malls.yahoo.shop.pushes[pushes_before:] if (page, units - 1) in push.levels), None
        ),
    )
    push = until(doors.clock, WAY_SECONDS_MAX, "the push log has the answer", lambda: _push(doors, malls, units - 1))
    return Way(
        order=order,
        units=units,
        ordered_at=order.ordered_at,
        accepted_at=accepted_at,
        allocated_at=datetime.fromisoformat(change["recordedAt"]),
        visible_at=visible_at,
        sent_at=datetime.fromisoformat(push["sentAt"]),
        shown_at=shown_at,
        answered_at=datetime.fromisoformat(push["appliedUntil"]),
        change=change,
        push=push,
    )


def tell_way(way: Way, teller: Teller) -> None:
    """The table of what happened at each mall, with times."""
    units = way.units
    steps = [
        (
            way.ordered_at,
            "楽天市場で注文。楽天は自分の在庫を減らす",
            "ordered at Rakuten, which lowers itself",
            (-1, 0, 0),
        ),
        (way.accepted_at, "転送メールを受付（保存してから 250）", "mail stored, then accepted", (-1, 0, 0)),
        (way.allocated_at, "引当（事実として記録）", "allocated: a fact", (-1, -1, 0)),
        (way.visible_at, "在庫変動ログに表示", "visible in the change log", (-1, -1, 0)),
        (way.sent_at, "Yahoo! に新しい数を送信", "Yahoo! is told", (-1, -1, 0)),
        (way.shown_at, "Yahoo! のページが変わる", "Yahoo! shows it", (-1, -1, -1)),
        (way.answered_at, "Yahoo! の応答を記録", "the answer is recorded", (-1, -1, -1)),
    ]
    teller.table(COLUMNS, [_row(way, *step) for step in sorted(steps, key=lambda step: step[0])])
    total = units - 1
    teller.note(
        f"メール受付から Yahoo! への送信まで {way.told_seconds:.2f} 秒。両モールと台帳の数はすべて {total}",
        f"{way.told_seconds:.2f} s from the accepted mail to Yahoo! told; all three show {total}",
    )


def tell_logs(way: Way, teller: Teller) -> None:
    """The log rows that explain it: one trace goes through them."""
    teller.heading("6. ログが説明する", "The logs explain it")
    teller.note("在庫変動ログ", "change log")
    teller.table(CHANGE_COLUMNS, [{name: way.change[name] for name in CHANGE_COLUMNS}])
    teller.note("想定在庫反映ログ", "push log")
    teller.table(PUSH_COLUMNS, [{name: way.push[name] for name in PUSH_COLUMNS}])


def _row(way: Way, at: datetime, japanese: str, english: str, moved: tuple[int, int, int]) -> dict[str, Cell]:
    seconds = (at - way.accepted_at).total_seconds()
    cells: tuple[Cell, ...] = (f"{at.astimezone(JAPAN):%H:%M:%S.%f}"[:-3], f"{seconds:+.3f}", japanese, english)
    return dict(zip(COLUMNS, (*cells, *(way.units + by for by in moved)), strict=True))


def _change(doors: Doors, malls: Malls, number: str) -> Mapping[str, Any] | None:
    edges = doors.graphql(CHANGES, shop=malls.rakuten.code, number=number)["changes"]["edges"]
    return edges[0]["node"] if edges else None


def _push(doors: Doors, malls: Malls, units: int) -> Mapping[str, Any] | None:
    edges = doors.graphql(PUSHES, shop=malls.yahoo.code, sku=SKU)["pushes"]["edges"]
    found = [edge["node"] for edge in edges if edge["node"]["units"] == units and edge["node"]["outcome"] is not None]
    return found[0] if found else None
