"""The auctions of the emulated auction house: bids, ends, relisting under new ids, and its two lists as CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from adapters.kit.emulator import EmulatedOrder, EmulatedShop, Waiting
from adapters.kit.order_mail import JST
from adapters.yahoo_auctions import emulated_mails
from adapters.yahoo_auctions.codes import listing

LISTING_HEADER = (
    "管理番号",
    "オークションID",
    "タイトル",
    "開始価格",
    "即決価格",
    "個数",
    "入札件数",
    "終了日時",
    "状態",
)
# 21 columns, A to U; the names of most were never seen.
SOLD_HEADER = (
    "注文ID",
    "管理番号",
    "注文日時",
    "オークションID",
    *(f"落札データ{n}" for n in range(5, 16)),
    "落札価格",
    *(f"落札データ{n}" for n in range(17, 22)),
)


@dataclass
class EmulatedAuction:
    """One auction. Mutable: it plays the world outside."""

    own_code: str
    title: str
    offered: int = 1
    bids: int = 0
    buy_now_only: bool = False
    ended: bool = False


@dataclass
class AuctionHouse:
    """What the mall knows of the seller's auctions, by id. Mutable: it plays the world outside."""

    auctions: dict[str, EmulatedAuction] = field(default_factory=dict)
    relisted: int = 0

    def of(self, auction: str) -> EmulatedAuction:
        """The auction; one that is only in the shop's stock is invented when it is first asked for."""
        return self.auctions.setdefault(auction, EmulatedAuction(f"own-{auction}", f"サンプル①商品 {auction}"))


def house_of(shop: EmulatedShop) -> AuctionHouse:
    """The auctions of a shop whose emulator was made."""
    house = shop.extra["yahoo_auctions"]
    assert isinstance(house, AuctionHouse), house
    return house


def seller_of(shop: EmulatedShop) -> str:
    return shop.settings.get("yahoo_id", "") or "sample_seller"


def list_auction(shop: EmulatedShop, auction: str, own_code: str, title: str, *, lots: int = 1) -> EmulatedAuction:
    """The seller lists an auction; it shows ``lots``."""
    with shop.lock:
        found = EmulatedAuction(own_code, title, lots)
        house_of(shop).auctions[auction] = found
        shop.set_stock(listing(auction), lots)
        return found


def bid(shop: EmulatedShop, auction: str) -> None:
    """Somebody bids; the seller gets a mail."""
    with shop.lock:
        found = house_of(shop).of(auction)
        found.bids += 1
        _post(shop, emulated_mails.bid(seller_of(shop), auction, found.title, shop.clock.now()))


def end_unsold(shop: EmulatedShop, auction: str) -> None:
    """The auction ends without a winner; the seller gets a mail."""
    with shop.lock:
        found = house_of(shop).of(auction)
        found.ended = True
        shop.set_stock(listing(auction), 0)
        _post(shop, emulated_mails.unsold(seller_of(shop), auction, found.title, shop.clock.now()))


def relist(shop: EmulatedShop, auction: str) -> str:
    """The mall lists an unsold auction again under a new id, which the seller's mail names; the new id."""
    with shop.lock:
        house = house_of(shop)
        old = house.of(auction)
        house.relisted += 1
        new = f"r{1_000_000_000 + house.relisted}"
        list_auction(shop, new, old.own_code, old.title, lots=old.offered)
        _post(shop, emulated_mails.relisted(seller_of(shop), auction, new, old.title, shop.clock.now()))
        return new


def won_mail(shop: EmulatedShop, order: EmulatedOrder) -> bytes:
    """The mail of a won auction. An order here is of one auction."""
    ((key, lots),) = order.lines
    found = house_of(shop).of(key.item)
    return emulated_mails.won(
        seller_of(shop), key.item, found.title, order.ordered_at, lots=lots, offered=found.offered
    )


def cancel_mail(shop: EmulatedShop, order: EmulatedOrder) -> bytes:
    """The mail that a winner was deleted."""
    ((key, _),) = order.lines
    found = house_of(shop).of(key.item)
    return emulated_mails.cancelled(seller_of(shop), key.item, found.title, order.cancelled_at or order.ordered_at)


def listings_csv(shop: EmulatedShop) -> bytes:
    """The seller's list of auctions."""
    return _csv(_listing_rows(shop))


def sold_csv(shop: EmulatedShop) -> bytes:
    """落札データ一覧: one row an order."""
    return _csv(_sold_rows(shop))


def _listing_rows(shop: EmulatedShop) -> Iterator[Sequence[object]]:
    yield LISTING_HEADER
    price = emulated_mails.PRICE_YEN
    for key, lots in shop.stock.items():
        found = house_of(shop).of(key.item)
        buy_now = price if found.buy_now_only else ""
        state = "終了" if found.ended or lots == 0 else "出品中"
        yield found.own_code, key.item, found.title, price, buy_now, found.offered, found.bids, "", state


def _sold_rows(shop: EmulatedShop) -> Iterator[Sequence[object]]:
    yield SOLD_HEADER
    for order in shop.orders.values():
        for key, _ in order.lines:
            ordered = order.ordered_at.astimezone(JST).strftime("%Y/%m/%d %H:%M:%S")
            row: list[object] = [order.number, house_of(shop).of(key.item).own_code, ordered, key.item]
            yield row + [""] * 11 + [emulated_mails.PRICE_YEN] + [""] * 5


def _csv(rows: Iterator[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("cp932")


def _post(shop: EmulatedShop, raw: bytes) -> None:
    shop.outbox.append(Waiting(shop.clock.now(), raw))
