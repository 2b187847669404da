"""What must be true at the end of the demonstration, each as a sentence that holds or does not."""

from dataclasses import dataclass
from typing import Any

from api.demo.doors import Doors
from api.demo.malls import EmulatedMall, Malls
from api.demo.one_order import SKU, Way
from api.demo.setting_up import nothing_differs
from api.demo.waiting import NotInTime, until
from ledger.terms import ListingKey

STOCK = "query ($skus: [String!]!) { stock(skus: $skus) { sku availableUnits freeUnits } }"
CHANGES = """query ($shop: String!, $number: String!) { changes(shop: $shop, orderNumber: $number, first: 100) { edges {
    node { kind sku delta } } } }"""
PAGE_SKUS = 100
SETTLE_SECONDS_MAX = 30.0


@dataclass(frozen=True)
class Point:
    """One thing that must be true; ``seen`` says what was found."""

    japanese: str
    english: str
    holds: bool
    seen: str


def points(doors: Doors, malls: Malls, way: Way) -> list[Point]:
    """Everything that must be true now, once nothing is left to tell: a mall that was just read may be told again."""
    settled = _settles(doors)
    free = _free_units(doors, list(malls.rakuten_listings))
    yahoo = {sku: malls.yahoo_listing(sku) for sku in malls.rakuten_listings}
    wrong = _wrong(malls.rakuten, malls.rakuten_listings, free) + _wrong(malls.yahoo, yahoo, free)
    raised = [
        level
        for push in malls.rakuten.shop.pushes
        for level, before in zip(push.levels, push.before, strict=True)
        if before is not None and level[1] > before
    ]
    taken = doors.graphql(CHANGES, shop=malls.rakuten.code, number=way.order.number)["changes"]["edges"]
    moved = [(edge["node"]["sku"], edge["node"]["delta"]) for edge in taken]
    verified: Any = doors.daicho("verify")
    waiting: Any = doors.daicho("inbox", "--state", "quarantined")
    shown = (free[SKU], malls.rakuten.shown(malls.rakuten_listings[SKU]), malls.yahoo.shown(yahoo[SKU]))
    return [
        Point("注文は一度だけ引き当てられた", "the order was allocated once", moved == [(SKU, -1)], str(moved)),
        Point(
            "両モールと台帳の数が同じ", "both malls show the ledger's number", shown == (way.units - 1,) * 3, str(shown)
        ),
        Point(
            "すべての商品で両モールの数が正しい",
            "every listing at both malls is right",
            not wrong,
            f"{len(wrong)} wrong",
        ),
        Point("楽天の数は一度も上げていない", "Rakuten was never raised", not raised, f"{len(raised)} raised"),
        Point("送るものは残っていない", "nothing is left to tell", settled, "the push queue"),
        Point("確認待ちのメールはない", "no mail waits for a person", waiting == [], f"{len(waiting)} wait"),
        Point(
            "daicho verify: 台帳は健全",
            "the ledger is proven sound",
            verified.get("sound") is True,
            f"{verified.get('facts', 0):,} facts, head {str(verified.get('head'))[:24]}…",
        ),
    ]


def _settles(doors: Doors) -> bool:
    try:
        return until(doors.clock, SETTLE_SECONDS_MAX, "nothing is left to tell", lambda: nothing_differs(doors))
    except NotInTime:
        return False


def _free_units(doors: Doors, skus: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for at in range(0, len(skus), PAGE_SKUS):
        rows = doors.graphql(STOCK, skus=skus[at : at + PAGE_SKUS])["stock"]
        found.update({row["sku"]: row["freeUnits"] for row in rows})
    return found


def _wrong(mall: EmulatedMall, listings: dict[str, ListingKey], free: dict[str, int]) -> list[str]:
    """The SKUs whose page shows another number than the ledger has."""
    return [
        sku for sku, key in listings.items() if key in mall.shop.stock and mall.shown(key) != max(0, free.get(sku) or 0)
    ]
