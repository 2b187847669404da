"""The emulated auction house: it sells once, tells by mail, relists under new ids, and gives out its two lists."""

import adapters
from adapters.kit.auctions import AuctionEnded, AuctionRelisted, BidReceived, followed
from adapters.kit.file_form import FileRow, NotThisFormat
from adapters.kit.mall import Answer, NotUnderstood
from adapters.kit.table import open_table
from adapters.yahoo_auctions.codes import listing
from adapters.yahoo_auctions.emulated_auctions import bid, end_unsold, house_of, list_auction, relist
from adapters.yahoo_auctions.files import LISTING_CSV, SOLD_CSV, auctions_in
from adapters.yahoo_auctions.mail import auction_news
from ledger.terms import OrderState, Telling
from tests.adapters.yahoo_auctions.store import Store, store

PROFILE = adapters.profile("yahoo_auctions")
CLOCK, SHOES = "x1234567890", "y1234567890"


def read_list(mall: Store, name: str) -> list[FileRow]:
    reply = mall.access.http.get(f"http://127.0.0.1/_emulator/{name}", headers={})
    assert isinstance(reply, Answer)
    form = LISTING_CSV if name == "listings.csv" else SOLD_CSV
    table = open_table([reply.body], encodings=form.encodings)
    reader = form.open(table.header, PROFILE)
    assert not isinstance(reader, NotThisFormat), reader
    return [row for row in reader(table.rows) if isinstance(row, FileRow)]


def test_an_auction_is_sold_once_and_told_by_a_mail_our_reader_understands() -> None:
    with store() as mall:
        list_auction(mall.shop, CLOCK, "0012", "㈱サンプル①時計")
        order = mall.shop.sell(listing(CLOCK))
        assert order is not None
        assert mall.shop.sell(listing(CLOCK)) is None
        (told,) = mall.readings()
        assert isinstance(told, Telling)
        assert (told.order, told.lines[0].quantity) == (CLOCK, 1)
        assert told.ordered_at == order.ordered_at.replace(second=0)


def test_a_winner_who_is_deleted_is_told_as_a_cancel() -> None:
    with store() as mall:
        list_auction(mall.shop, CLOCK, "0012", "時計")
        order = mall.shop.sell(listing(CLOCK))
        assert order is not None
        mall.shop.cancel(order.number)
        told = mall.readings()[-1]
        assert isinstance(told, Telling)
        assert (told.order, told.state) == (CLOCK, OrderState.CANCELLED)


def test_several_lots_say_how_many_were_won() -> None:
    with store() as mall:
        list_auction(mall.shop, SHOES, "A-2", "靴", lots=5)
        mall.shop.sell(listing(SHOES), 3)
        (told,) = mall.readings()
        assert isinstance(told, Telling)
        assert (told.lines[0].quantity, told.lines[0].quantity_known) == (3, True)


def test_a_relisted_auction_carries_its_link_to_the_new_id() -> None:
    with store() as mall:
        list_auction(mall.shop, CLOCK, "0012", "時計")
        bid(mall.shop, CLOCK)
        end_unsold(mall.shop, CLOCK)
        new = relist(mall.shop, CLOCK)
        found = [auction_news(mail, PROFILE) for mail in mall.mails()]
        assert found == [BidReceived(CLOCK), AuctionEnded(CLOCK, sold=False), AuctionRelisted(CLOCK, new)]
        told = [one for one in found if one is not None and not isinstance(one, NotUnderstood)]
        assert followed({CLOCK: "SKU-1"}, told) == {CLOCK: "SKU-1", new: "SKU-1"}


def test_its_lists_link_every_auction_to_the_own_code() -> None:
    with store() as mall:
        list_auction(mall.shop, CLOCK, "0012", "時計")
        list_auction(mall.shop, SHOES, "A-2", "靴", lots=2)
        bid(mall.shop, SHOES)
        mall.shop.sell(listing(CLOCK))
        found = {row.key.item: row for row in read_list(mall, "listings.csv")}
        assert {item: row.matches["own_code"] for item, row in found.items()} == {CLOCK: "0012", SHOES: "A-2"}
        assert found[CLOCK].flags == {"ended"}
        assert found[SHOES].flags == {"has_bids"}
        (sold,) = read_list(mall, "sold.csv")
        assert (sold.key.item, sold.matches["own_code"]) == (CLOCK, "0012")


def test_an_auction_only_in_the_stock_is_invented_when_it_is_asked_for() -> None:
    with store() as mall:
        mall.shop.set_stock(listing(SHOES), 1)
        assert mall.shop.sell(listing(SHOES)) is not None
        assert house_of(mall.shop).of(SHOES).own_code == f"own-{SHOES}"


def test_the_lists_say_how_many_lots_and_bids_an_auction_has() -> None:
    with store() as mall:
        list_auction(mall.shop, SHOES, "A-2", "靴", lots=2)
        bid(mall.shop, SHOES)
        reply = mall.access.http.get("http://127.0.0.1/_emulator/listings.csv", headers={})
        assert isinstance(reply, Answer)
        table = open_table([reply.body])
        found = auctions_in(table.header, table.rows, PROFILE)
        assert not isinstance(found, NotThisFormat)
        (auction,) = found
        assert getattr(auction, "units", None) == 2
        assert getattr(auction, "bids", None) == 1
