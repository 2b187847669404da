"""Orders of a store's auctions over orderList and orderInfo: the same orders as the mails', counted by winner."""

from datetime import timedelta

import pytest

import adapters
from adapters.kit.emulator import EmulatedOrder, Fault
from adapters.kit.mall import Ignored, NotUnderstood, OrdersAsked, OrdersPage, RawOrder, ReadFailed
from adapters.yahoo_auctions.codes import listing
from adapters.yahoo_auctions.emulated_auctions import list_auction
from adapters.yahoo_auctions.orders import fetch, read
from adapters.yahoo_auctions.store_api import connection_test
from ledger.terms import CancelReason, Door, OrderState, Result, Telling
from tests.adapters.yahoo_auctions.store import NOW, Store, store

PROFILE = adapters.profile("yahoo_auctions")
CLOCK, SHOES = "x1234567890", "y1234567890"

KEPT = (
    '<AuctionOrder auction="x1234567890" winner="{winner}"><OrderId>samplestore-1</OrderId><Version>1</Version>'
    "<OrderTime>{time}</OrderTime><OrderStatus>{status}</OrderStatus><LastUpdateTime>{changed}</LastUpdateTime>"
    "<Item><LineId>1</LineId><ItemId>0012</ItemId><YahooAuctionMerchantId>0012</YahooAuctionMerchantId>"
    "<Quantity>{quantity}</Quantity></Item></AuctionOrder>"
)


def kept(**said: str) -> bytes:
    defaults = {
        "winner": "1",
        "time": "2026-11-20T09:04:05+09:00",
        "status": "2",
        "changed": "20261120090500",
        "quantity": "1",
    }
    return KEPT.format(**(defaults | said)).encode()


def sold(shop: Store, auction: str, lots: int = 1) -> EmulatedOrder:
    shop.clock.passes(minutes=1)
    order = shop.shop.sell(listing(auction), lots)
    assert order is not None
    return order


def tellings(orders: list[RawOrder]) -> list[Telling]:
    found = [read(one.body, PROFILE) for one in orders]
    assert all(isinstance(one, Telling) for one in found), found
    assert [one.order for one in orders] == [one.order for one in found if isinstance(one, Telling)]
    return [one for one in found if isinstance(one, Telling)]


# ------------------------------------------------------------------ reading one order


def test_an_order_says_its_auction_lots_codes_and_times() -> None:
    told = read(kept(quantity="3"), PROFILE)
    assert isinstance(told, Telling)
    assert (told.order, told.door, told.state, told.complete, told.verified) == (
        CLOCK,
        Door.API,
        OrderState.CONFIRMED,
        True,
        True,
    )
    assert told.ordered_at == NOW + timedelta(minutes=4, seconds=5)
    assert told.told_at == NOW + timedelta(minutes=5)
    (line,) = told.lines
    assert (line.item, line.variant, line.quantity, line.quantity_known, line.codes) == (CLOCK, "", 3, True, ("0012",))


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        ("1", OrderState.CONFIRMED, None),
        ("3", OrderState.MALL_CHECKING, None),
        ("4", OrderState.CANCELLED, CancelReason.UNKNOWN),
        ("5", OrderState.SHIPPED, None),
    ],
)
def test_the_malls_states_are_ours(status: str, state: OrderState, reason: CancelReason | None) -> None:
    told = read(kept(status=status), PROFILE)
    assert isinstance(told, Telling)
    assert (told.state, told.reason) == (state, reason)


def test_an_order_bundled_into_another_is_passed_for_the_other_has_its_lots() -> None:
    assert read(kept(status="8"), PROFILE) == Ignored("bundled_into_another_order")


def test_the_second_winner_of_an_auction_is_an_order_of_its_own() -> None:
    told = read(kept(winner="2"), PROFILE)
    assert isinstance(told, Telling)
    assert told.order == f"{CLOCK}-2"


def test_a_quantity_that_is_not_said_is_at_least_one() -> None:
    told = read(kept(quantity=""), PROFILE)
    assert isinstance(told, Telling)
    assert (told.lines[0].quantity, told.lines[0].quantity_known) == (1, False)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "order"),
        (b"<html>", "order"),
        (b"<ResultSet/>", "order"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><AuctionOrder/>', "order"),
        (kept(winner="0"), "YahooAuctionId"),
        (kept().replace(b"x1234567890", b""), "YahooAuctionId"),
        (kept(status="9"), "OrderStatus"),
        (kept(time="soon"), "OrderTime"),
        (kept(quantity="-1"), "Quantity"),
        (kept(quantity="many"), "Quantity"),
        (kept().replace(b"Item>", b"Thing>"), "Item"),
    ],
)
def test_what_is_not_an_order_is_not_understood(body: bytes, rule: str) -> None:
    assert read(body, PROFILE) == NotUnderstood(rule)


# ------------------------------------------------------------------ asking


def test_what_mail_and_service_tell_is_one_order() -> None:
    with store() as mall:
        list_auction(mall.shop, CLOCK, "0012", "時計")
        sold(mall, CLOCK)
        (by_mail,) = mall.readings()
        (by_service,) = tellings(mall.asked())
        assert isinstance(by_mail, Telling)
        assert by_service.order == by_mail.order == CLOCK
        assert [line.quantity for line in by_service.lines] == [line.quantity for line in by_mail.lines] == [1]
        assert by_service.lines[0].codes == ("0012",), "the service names the merchant's own code"


def test_several_winners_are_counted_in_the_order_of_their_time() -> None:
    with store(corrections={"api.list_orders_max": 2}) as mall:
        list_auction(mall.shop, SHOES, "A-2", "靴", lots=5)
        list_auction(mall.shop, CLOCK, "0012", "時計")
        for auction, lots in ((SHOES, 2), (CLOCK, 1), (SHOES, 1), (SHOES, 2)):
            sold(mall, auction, lots)
        told = tellings(mall.asked())
        assert [(one.order, one.lines[0].quantity) for one in told] == [
            (SHOES, 2),
            (CLOCK, 1),
            (f"{SHOES}-2", 1),
            (f"{SHOES}-3", 2),
        ]


def test_only_what_was_placed_or_changed_since_is_read_in_full_and_keeps_its_number() -> None:
    with store() as mall:
        list_auction(mall.shop, SHOES, "A-2", "靴", lots=5)
        first = sold(mall, SHOES)
        sold(mall, SHOES)
        mall.clock.passes(days=3)
        since = mall.clock.now()
        sold(mall, SHOES)
        assert [one.order for one in mall.asked(since=since)] == [f"{SHOES}-3"]
        mall.clock.passes(minutes=10)
        since = mall.clock.now()
        mall.shop.cancel(first.number)
        (cancelled,) = tellings(mall.asked(since=since))
        assert (cancelled.order, cancelled.state) == (SHOES, OrderState.CANCELLED)


def test_only_the_orders_asked_for_are_given_whenever_they_changed() -> None:
    with store() as mall:
        list_auction(mall.shop, SHOES, "A-2", "靴", lots=5)
        list_auction(mall.shop, CLOCK, "0012", "時計")
        for auction in (SHOES, CLOCK, SHOES):
            sold(mall, auction)
        mall.clock.passes(days=2)
        later = mall.clock.now()
        assert [one.order for one in mall.asked(since=later, orders=(f"{SHOES}-2",))] == [f"{SHOES}-2"]
        assert mall.asked(since=later, orders=("z9999999999",)) == []


def test_a_seller_without_a_store_has_no_service_and_is_not_asked() -> None:
    with store(settings={"seller_id": ""}) as mall:
        seen = mall.shop.requests_seen
        assert fetch(mall.access, OrdersAsked(NOW, NOW)) == OrdersPage(())
        told = connection_test(mall.access)
        assert told.ok
        assert "メール" in told.message
        assert mall.shop.requests_seen == seen


def test_an_expired_token_is_renewed_and_the_page_asked_for_again() -> None:
    with store(secrets={"access_token": "old"}) as mall:
        mall.clock.passes(hours=2)
        assert mall.asked() == []
        assert mall.secrets["access_token"] != "old"


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        (Fault("status", status=429, times=9, retry_after=7), Result.THROTTLED),
        (Fault("status", status=500, times=9), Result.TRANSIENT),
        (Fault("status", status=403, times=9), Result.REJECTED_AUTH),
        (Fault("garbage", times=9), Result.TRANSIENT),
        (Fault("drop", times=9), Result.TRANSIENT),
    ],
)
def test_a_page_that_does_not_come_says_why_and_gives_no_order(fault: Fault, result: Result) -> None:
    with store() as mall:
        list_auction(mall.shop, CLOCK, "0012", "時計")
        sold(mall, CLOCK)
        asked = OrdersAsked(NOW, NOW + timedelta(hours=1))
        listed = fetch(mall.access, asked)
        assert isinstance(listed, OrdersPage)
        assert listed.orders == ()
        mall.shop.faults[:] = [fault]
        for cursor in ("", listed.cursor):
            mall.clock.passes(seconds=1)
            found = fetch(mall.access, OrdersAsked(NOW, asked.until, cursor))
            assert isinstance(found, ReadFailed)
            assert found.result == result


def test_a_login_that_is_over_stops_and_says_so() -> None:
    with store(secrets={"access_token": "", "refresh_token": "gone"}) as mall:
        mall.shop.secrets = {}
        found = fetch(mall.access, OrdersAsked(NOW, NOW))
        assert found == ReadFailed(Result.REJECTED_AUTH, "relogin_needed")
        told = connection_test(mall.access)
        assert not told.ok
        assert "ログイン" in told.message


def test_the_connection_test_only_reads_and_warns_before_a_login_ends() -> None:
    with store() as mall:
        told = connection_test(mall.access)
        assert told.ok
        assert [warning.code for warning in told.warnings] == ["relogin_30"]
        mall.clock.passes(days=22)
        later = connection_test(mall.access)
        assert [warning.code for warning in later.warnings] == ["relogin_7"]
        mall.shop.faults[:] = [Fault("status", status=503)]
        mall.clock.passes(seconds=1)
        assert not connection_test(mall.access).ok


def test_another_store_is_refused_by_its_name() -> None:
    with store() as mall:
        mall.shop.settings = {"seller_id": "another"}
        found = fetch(mall.access, OrdersAsked(NOW, NOW))
        assert isinstance(found, ReadFailed)
        assert found.code == "od-02101"


def test_no_secret_and_no_text_of_the_mall_is_in_a_failure() -> None:
    with store() as mall:
        mall.shop.fault_body = lambda _: (
            b"<Error><Message>x</Message><Code>access-1 is wrong</Code></Error>",
            "text/xml",
        )
        mall.shop.faults[:] = [Fault("status", status=400)]
        found = fetch(mall.access, OrdersAsked(NOW, NOW))
        assert isinstance(found, ReadFailed)
        assert found.code == "code_not_understood"
