"""Orders of Yahoo! over orderList and orderInfo: pages, changes found again, splits, held orders, the login, refusals."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

import adapters
from adapters.kit.emulator import EmulatedOrder
from adapters.kit.mall import Answer, OrdersAsked, OrdersPage, ReadFailed, Setting
from adapters.yahoo_shopping.emulator_orders import BUYER, edit, hold, split
from adapters.yahoo_shopping.orders import ORDERS, fetch
from adapters.yahoo_shopping.read_back import connection_test
from ledger.terms import CancelReason, ListingKey, OrderState, Outcome, Result, Telling
from tests.adapters.yahoo_shopping.store import BLUE, NOW, PLAIN, LaidDown, Store, access_to, answer, error, store

PROFILE = adapters.profile("yahoo_shopping")
MINUTE = timedelta(minutes=1)


def _example(name: str) -> str:
    settings: tuple[Setting, ...] = adapters.mall("yahoo_shopping").settings
    return next(one.example for one in settings if one.name == name)


KEY = {"public_key": _example("public_key")}
ASKED = OrdersAsked(NOW - MINUTE, NOW)


@pytest.fixture
def shop() -> Iterator[Store]:
    with store(secrets=KEY) as found:
        yield found


def sell(shop: Store, *lines: tuple[ListingKey, int]) -> EmulatedOrder:
    order = shop.shop.sell_lines(lines or ((BLUE, 1),))
    assert order is not None
    return order


def told(shop: Store, number: str) -> Telling:
    found = ORDERS.read(shop.orders(NOW, NOW, number)[0].body, PROFILE)
    assert isinstance(found, Telling), found
    return found


def minutes(shop: Store, count: int) -> list[tuple[int, str]]:
    """Askings a minute apart with the overlap of the polling: (minute, number) of every order they gave."""
    begun: datetime = shop.clock.now()
    given: list[tuple[int, str]] = []
    for minute in range(count):
        since = begun + (minute - 1) * MINUTE - timedelta(seconds=ORDERS.overlap_seconds)
        until = begun + minute * MINUTE
        shop.clock.moment = max(shop.clock.moment, until)
        given += [(minute, raw.order) for raw in shop.orders(since, until)]
    return given


# ------------------------------------------------------------------ asking


def test_more_orders_than_a_page_holds_are_given_once_each() -> None:
    with store(secrets=KEY, orders__list_orders_max=3) as shop:
        shop.shop.set_stock(BLUE, 100)
        numbers = []
        for _ in range(8):
            numbers.append(sell(shop).number)
            shop.clock.passes(seconds=1)
        assert [raw.order for raw in shop.orders(NOW, shop.clock.now())] == numbers


def test_a_cancel_of_an_older_order_is_found_within_ten_minutes_and_others_are_not_read_again(shop: Store) -> None:
    order, other = sell(shop, (BLUE, 2), (PLAIN, 1)), sell(shop)
    shop.clock.passes(days=20)
    shop.state.orders.reasons[order.number] = 210
    shop.shop.cancel(order.number)
    given = minutes(shop, 40)
    assert [number for _, number in given].count(order.number) <= 2
    assert given[0][0] <= 10
    assert other.number not in {number for _, number in given}
    found = told(shop, order.number)
    assert (found.state, found.reason, found.revision) == (OrderState.CANCELLED, CancelReason.OUT_OF_STOCK, 2)
    assert sum(line.quantity for line in found.lines) == 3


def test_an_edit_raises_the_version_and_a_line_taken_out_is_none(shop: Store) -> None:
    order = sell(shop, (BLUE, 2), (PLAIN, 1))
    shop.clock.passes(days=1)
    edit(shop.shop, shop.state.orders, order.number, line=2, units=0)
    assert order.number in {number for _, number in minutes(shop, 11)}
    found = told(shop, order.number)
    assert (found.revision, [(line.item, line.variant, line.quantity) for line in found.lines]) == (
        2,
        [("item-01", "blue", 2)],
    )
    edit(shop.shop, shop.state.orders, order.number, ship_status=3)
    found = told(shop, order.number)
    assert (found.revision, found.state) == (3, OrderState.SHIPPED)


def test_the_parts_of_a_split_order_are_given_before_it_is_cancelled(shop: Store) -> None:
    order = sell(shop, (BLUE, 2), (PLAIN, 1))
    shop.clock.passes(minutes=1)
    parts = split(shop.shop, shop.state.orders, order.number, lines_first=1)
    found = shop.orders(NOW - MINUTE, shop.clock.now())
    assert [raw.order for raw in found] == [*parts, order.number]
    tellings = [one for raw in found if isinstance(one := ORDERS.read(raw.body, PROFILE), Telling)]
    assert [(one.state, one.reason, sum(line.quantity for line in one.lines)) for one in tellings] == [
        (OrderState.CONFIRMED, None, 2),
        (OrderState.CONFIRMED, None, 1),
        (OrderState.CANCELLED, CancelReason.BUYER, 3),
    ]


def test_an_order_held_for_a_check_is_found_when_it_is_published(shop: Store) -> None:
    order = sell(shop)
    hold(shop.shop, shop.state.orders, order.number, seconds=3_600)
    assert minutes(shop, 12) == []
    shop.clock.moment = NOW + timedelta(seconds=3_600)
    given = minutes(shop, 3)
    assert given[0] == (0, order.number)


def test_a_mall_that_is_not_asked_by_the_time_of_publishing_shows_held_orders_within_ten_minutes(shop: Store) -> None:
    shop.state.orders.knows_publication = False
    order = sell(shop)
    hold(shop.shop, shop.state.orders, order.number, seconds=3_600)
    assert minutes(shop, 12) == []
    shop.clock.moment = NOW + timedelta(seconds=3_600)
    assert minutes(shop, 12)[0][1] == order.number


def test_orders_of_auctions_are_left_to_the_auctions_shop_where_it_is_said() -> None:
    for said, count in (("yes", 2), ("no", 1), (" NO ", 1)):
        with store(secrets=KEY, settings={"auction_orders": said}) as shop:
            sell(shop)
            shop.state.orders.of_auctions.add(sell(shop).number)
            assert len(shop.orders(NOW - MINUTE, NOW + MINUTE)) == count


def test_orders_are_asked_for_by_number_and_one_nobody_knows_is_none(shop: Store) -> None:
    one, two = sell(shop), sell(shop)
    found = shop.orders(NOW, NOW, two.number, "samplestore-1", "no number", one.number)
    assert [raw.order for raw in found] == [two.number, one.number]
    assert shop.orders(NOW, NOW, "no number") == []


def test_what_is_kept_is_the_same_when_asked_again_and_holds_no_person(shop: Store) -> None:
    order = sell(shop, (BLUE, 2))
    once = shop.orders(NOW - MINUTE, NOW + MINUTE)
    assert [raw.order for raw in once] == [order.number]
    assert shop.orders(NOW - MINUTE, NOW + MINUTE) == once
    assert BUYER not in once[0].body.decode()
    assert "サンプル商品" not in once[0].body.decode()
    assert "ShipStatus" in once[0].body.decode()


def test_the_list_is_asked_for_numbers_and_times_only(shop: Store) -> None:
    http = LaidDown(
        [
            answer(
                200,
                "<ResultSet><Result><Status>OK</Status><Search><TotalCount>0</TotalCount></Search></Result></ResultSet>",
            )
        ]
    )
    found = fetch(access_to(http, secrets=KEY), ASKED)
    assert found == OrdersPage((), "published:1:")
    url, headers, _ = http.asked[0]
    assert url == "https://circus.shopping.yahooapis.jp/ShoppingWebService/V1/orderList"
    assert headers["Content-Type"] == "application/xml"
    assert headers["X-sws-signature"]
    (body,) = http.bodies
    assert body.decode() == (
        "<Req><Search><Result>1000</Result><Start>1</Start><Sort>+order_time</Sort><Condition>"
        "<OrderTimeFrom>20261120085900</OrderTimeFrom><OrderTimeTo>20261120090000</OrderTimeTo></Condition>"
        "<Field>OrderId,Version,OrderTime,LastUpdateTime,OrderStatus,PublicationTime,IsYahooAuctionOrder</Field>"
        "</Search><SellerId>samplestore</SellerId></Req>"
    )


# ------------------------------------------------------------------ the login


def test_without_the_public_key_nothing_is_asked_so_that_the_login_lives_its_weeks() -> None:
    assert fetch(access_to(LaidDown([])), ASKED) == ReadFailed(Result.REJECTED_AUTH, "public_key_missing")
    with store() as shop:
        assert [one.code for one in connection_test(shop.access).warnings] == ["relogin_30", "public_key_missing"]
        shop.clock.passes(days=1)
        assert shop.push((PLAIN, 3)) == [Outcome(Result.APPLIED)]


def test_a_token_that_ended_is_renewed_once_and_kept_before_it_is_used(shop: Store) -> None:
    order = sell(shop)
    shop.state.login.expire_access()
    assert [raw.order for raw in shop.orders(NOW - MINUTE, NOW + MINUTE)] == [order.number]
    assert shop.remembered == [("access_token", "samplestore-access-000001")]


def test_a_login_that_is_over_is_said(shop: Store) -> None:
    shop.state.login.expire_refresh()
    assert fetch(shop.access, ASKED) == ReadFailed(Result.REJECTED_AUTH, "relogin_needed")


# ------------------------------------------------------------------ refusals


def test_a_store_that_did_not_apply_for_the_order_api_is_told_so(shop: Store) -> None:
    shop.state.orders_allowed = False
    assert fetch(shop.access, ASKED) == ReadFailed(Result.REJECTED_AUTH, "http_403")
    shop.clock.passes(seconds=1)
    tested = connection_test(shop.access)
    assert tested.ok
    assert [one.code for one in tested.warnings] == ["relogin_30", "public_key_date_unknown", "order_api_not_allowed"]


def test_haste_and_maintenance_are_not_now(shop: Store) -> None:
    assert isinstance(fetch(shop.access, ASKED), OrdersPage)
    found = fetch(shop.access, ASKED)
    assert isinstance(found, ReadFailed)
    assert found.result is Result.THROTTLED
    shop.clock.passes(seconds=1)
    shop.state.maintenance = True
    assert fetch(shop.access, ASKED) == ReadFailed(Result.TRANSIENT, "ed-00002", 300)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (answer(200, "<html>"), "answer_not_understood"),
        (answer(200, "<!DOCTYPE x><ResultSet/>"), "answer_not_understood"),
        (answer(200, "<Other/>"), "answer_not_understood"),
        (answer(200, b"\xff"), "answer_not_understood"),
        (answer(200, "<ResultSet><Result><Status>NG</Status></Result></ResultSet>"), "status_not_ok"),
        (answer(200, "<ResultSet><Result><Status>OK</Status></Result></ResultSet>"), "answer_incomplete"),
        (
            answer(200, "<ResultSet><Status>OK</Status><TotalCount>3</TotalCount></ResultSet>"),
            "answer_incomplete",
        ),
        (
            answer(
                200, "<ResultSet><TotalCount>1</TotalCount><OrderInfo><OrderId>a:b</OrderId></OrderInfo></ResultSet>"
            ),
            "answer_incomplete",
        ),
        (answer(400, error("od90104")), "od90104"),
        (answer(400, error("山田様")), "code_not_understood"),
        (answer(500, error("od90107")), "http_500"),
        (answer(503, ""), "http_503"),
    ],
)
def test_a_page_of_no_known_form_is_no_page(reply: Answer, code: str) -> None:
    found = fetch(access_to(LaidDown([reply]), secrets=KEY), ASKED)
    assert found == ReadFailed(Result.TRANSIENT, code)


def test_another_order_than_asked_for_is_none() -> None:
    reply = answer(200, "<ResultSet><OrderInfo><OrderId>samplestore-2</OrderId></OrderInfo></ResultSet>")
    asked = OrdersAsked(NOW, NOW, orders=("samplestore-1",))
    assert fetch(access_to(LaidDown([reply]), secrets=KEY), asked) == ReadFailed(Result.TRANSIENT, "answer_incomplete")
