"""Orders of Rakuten over searchOrder and getOrder: pages, windows, cancels found by reading again, refusals, and reading."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

import adapters
from adapters.kit.emulator import EmulatedOrder, EmulatedShop, EmulatorClock, InProcess
from adapters.kit.mall import OrdersAsked, OrdersPage, RawOrder, ReadFailed, ShopAccess
from adapters.kit.profile import corrected
from adapters.rakuten.emulated_orders import BUYER, OrderBook, ship
from adapters.rakuten.emulator import emulator, state_of
from adapters.rakuten.orders import ORDERS, fetch
from adapters.rakuten.read_back import connection_test
from ledger.terms import CancelReason, ListingKey, OrderState, Result, Telling
from tests.adapters.rakuten.fakes import NOW, access, answer

SHIRT, CUP = ListingKey("shirt", "M"), ListingKey("cup", "normal-inventory")
PROFILE = adapters.profile("rakuten")
MINUTE = timedelta(minutes=1)


@dataclass
class Mall:
    """The emulated shop on a clock that only moves when told; ``asked`` are the paths of the requests it got."""

    page_orders: int = 300
    moment: datetime = NOW
    shop: EmulatedShop = field(init=False)
    access: ShopAccess = field(init=False)
    http: InProcess = field(init=False)

    def __post_init__(self) -> None:
        secrets = {"service_secret": "SP1", "license_key": "SL1"}
        clock = EmulatorClock(lambda: self.moment, asyncio.sleep)
        self.shop = EmulatedShop("rakuten", {"shop_number": "402853"}, dict(secrets), clock)
        self.http = InProcess(emulator(self.shop), now=lambda: self.moment)
        profile = corrected(PROFILE, {"orders.page_orders": self.page_orders})
        base = {"*": "http://127.0.0.1"}
        self.access = ShopAccess(self.http, {}, secrets, secrets.__setitem__, lambda: self.moment, base, profile)
        for key in (SHIRT, CUP):
            self.shop.set_stock(key, 1_000)

    @property
    def book(self) -> OrderBook:
        return state_of(self.shop).orders

    def passes(self, **span: float) -> None:
        self.moment += timedelta(**span)

    def sell(self, *lines: tuple[ListingKey, int]) -> EmulatedOrder:
        order = self.shop.sell_lines(lines or ((SHIRT, 1),))
        assert order is not None
        return order

    def orders(self, since: datetime, until: datetime, *numbers: str) -> list[RawOrder]:
        """Every page of one asking, a second apart."""
        found: list[RawOrder] = []
        cursor = ""
        for _ in range(1_000):
            self.passes(seconds=1)
            page = fetch(self.access, OrdersAsked(since, until, cursor, numbers))
            assert isinstance(page, OrdersPage), page
            found += page.orders
            cursor = page.cursor
            if not cursor:
                return found
        raise AssertionError("pages without an end")

    def told(self, number: str) -> Telling:
        found = ORDERS.read(self.orders(self.moment, self.moment, number)[0].body, PROFILE)
        assert isinstance(found, Telling), found
        return found

    def minutes(self, count: int) -> list[tuple[int, str]]:
        """Askings a minute apart with the overlap of the polling: (minute, number) of every order they gave."""
        begun, given = self.moment, []
        for minute in range(count):
            since = begun + (minute - 1) * MINUTE - timedelta(seconds=ORDERS.overlap_seconds)
            self.moment = max(self.moment, begun + minute * MINUTE)
            given += [(minute, raw.order) for raw in self.orders(since, begun + minute * MINUTE)]
        return given


@pytest.fixture
def mall() -> Iterator[Mall]:
    found = Mall()
    yield found
    found.http.close()


# ------------------------------------------------------------------ asking


def test_more_orders_than_a_page_or_a_call_holds_are_given_once_each() -> None:
    mall = Mall(page_orders=150)
    numbers = []
    for _ in range(320):
        numbers.append(mall.sell().number)
        mall.passes(seconds=0.1)
    found = mall.orders(NOW, mall.moment + MINUTE)
    assert [raw.order for raw in found] == numbers
    mall.http.close()


def test_a_search_of_years_goes_in_spans_the_mall_takes(mall: Mall) -> None:
    orders = []
    for _ in range(5):
        orders.append(mall.sell().number)
        mall.passes(days=100)
    state_of(mall.shop).key_ends_at = mall.moment + timedelta(days=1)
    assert [raw.order for raw in mall.orders(NOW - MINUTE, mall.moment)] == orders


def test_more_orders_than_a_search_may_find_are_searched_in_halves() -> None:
    numbers = ["402853-20261120-0000000001", "402853-20261120-0000000002"]
    access_, http = access(
        answer(200, _found(numbers[:1], total=20_000)),
        answer(200, _found(numbers[:1], total=1)),
        answer(200, _orders(numbers[:1])),
        answer(200, _found(numbers[1:], total=1)),
        answer(200, _orders(numbers[1:])),
        answer(200, _found([], total=None)),
    )
    found, cursor = [], ""
    for _ in range(10):
        page = fetch(access_, OrdersAsked(NOW - timedelta(hours=2), NOW, cursor))
        assert isinstance(page, OrdersPage)
        found += [raw.order for raw in page.orders]
        cursor = page.cursor
        if cursor.startswith("again"):
            break
    spans = [(one["startDatetime"], one["endDatetime"]) for one in map(_asked, http.asked) if "dateType" in one]
    assert found == numbers
    assert spans[:3] == [
        ("2026-11-20T19:00:00+0900", "2026-11-20T21:00:00+0900"),
        ("2026-11-20T19:00:00+0900", "2026-11-20T20:00:00+0900"),
        ("2026-11-20T20:00:00+0900", "2026-11-20T21:00:00+0900"),
    ]


def test_a_search_asks_as_the_reference_says() -> None:
    access_, http = access(answer(200, _found([], total=None)))
    fetch(access_, OrdersAsked(NOW - MINUTE, NOW))
    url, headers, _ = http.asked[0]
    assert url == "https://api.rms.rakuten.co.jp/es/2.0/order/searchOrder/"
    assert headers["authorization"].startswith("ESA ")
    assert _asked(http.asked[0]) == {
        "dateType": 1,
        "startDatetime": "2026-11-20T20:59:00+0900",
        "endDatetime": "2026-11-20T21:00:00+0900",
        "orderProgressList": [100, 200, 300, 400, 500, 600, 700, 800, 900],
        "PaginationRequestModel": {
            "requestRecordsAmount": 300,
            "requestPage": 1,
            "SortModelList": [{"sortColumn": 1, "sortDirection": 1}],
        },
    }


def test_a_cancel_of_an_older_order_is_found_within_ten_minutes_and_given_twice_at_most(mall: Mall) -> None:
    order = mall.sell((SHIRT, 2), (CUP, 1))
    mall.passes(days=20)
    mall.shop.cancel(order.number)
    given = [minute for minute, number in mall.minutes(40) if number == order.number]
    assert given[0] <= 10
    assert len(given) <= 2, "an old cancel is not given again and again"
    told = mall.told(order.number)
    assert (told.state, told.reason, told.complete) == (OrderState.CANCELLED, CancelReason.BUYER, True)


def test_an_open_order_is_read_again_every_ten_minutes_and_its_change_is_seen(mall: Mall) -> None:
    order = mall.sell((SHIRT, 2), (CUP, 1))
    mall.passes(days=2)
    mall.book.units[order.number, 1] = 5
    mall.book.units[order.number, 2] = 0
    given = [minute for minute, number in mall.minutes(30) if number == order.number]
    assert len(given) == 3
    assert [(line.item, line.quantity) for line in mall.told(order.number).lines] == [("shirt", 5)]


def test_a_shipment_is_found_by_the_day_it_was_reported(mall: Mall) -> None:
    order = mall.sell()
    mall.passes(days=9)
    ship(mall.shop, mall.book, order.number)
    assert (1, order.number) in mall.minutes(2)
    assert mall.told(order.number).state is OrderState.SHIPPED


def test_a_shop_that_begins_takes_open_orders_of_the_weeks_before_and_no_cancels_of_them(mall: Mall) -> None:
    cancelled, open_order = mall.sell(), mall.sell()
    mall.passes(minutes=5)
    mall.shop.cancel(cancelled.number)
    mall.passes(days=10)
    found = mall.orders(mall.moment - timedelta(days=1), mall.moment)
    assert [raw.order for raw in found] == [open_order.number]


def test_orders_are_asked_for_by_number_and_one_nobody_knows_is_none(mall: Mall) -> None:
    one, two = mall.sell(), mall.sell()
    found = mall.orders(NOW, NOW, two.number, "402853-20261120-0000009999", "no number", one.number)
    assert [raw.order for raw in found] == [two.number, one.number]
    assert mall.orders(NOW, NOW, "no number") == []


def test_what_is_kept_is_the_same_when_asked_again_and_holds_no_person(mall: Mall) -> None:
    order = mall.sell((SHIRT, 2))
    since, until = NOW - MINUTE, NOW + MINUTE
    once = mall.orders(since, until)
    assert [raw.order for raw in once] == [order.number]
    assert mall.orders(since, until) == once
    assert BUYER.encode() not in once[0].body
    assert b"sample@example.jp" not in once[0].body
    kept = json.loads(once[0].body)
    assert kept.keys() == {
        "orderNumber",
        "orderProgress",
        "orderDatetime",
        "shippingCmplRptDatetime",
        "rakutenConfirmFlag",
        "PackageModelList",
        "ChangeReasonModelList",
    }
    assert kept["PackageModelList"][0]["ItemModelList"][0].keys() == {
        "itemDetailId",
        "itemNumber",
        "manageNumber",
        "units",
        "deleteItemFlag",
        "SkuModelList",
    }


# ------------------------------------------------------------------ refusals


def test_an_order_that_was_found_and_is_not_given_is_not_passed_over(mall: Mall) -> None:
    order = mall.sell()
    mall.book.withheld.add(order.number)
    asked = OrdersAsked(NOW - MINUTE, NOW + MINUTE)
    first = fetch(mall.access, asked)
    assert isinstance(first, OrdersPage)
    found = fetch(mall.access, OrdersAsked(asked.since, asked.until, first.cursor))
    assert found == ReadFailed(Result.TRANSIENT, "answer_incomplete")


def test_a_function_that_is_off_a_wrong_key_and_haste_are_said(mall: Mall) -> None:
    asked = OrdersAsked(NOW - MINUTE, NOW)
    assert isinstance(fetch(mall.access, asked), OrdersPage)
    assert fetch(mall.access, asked) == ReadFailed(Result.THROTTLED, "http_429", 1.0)
    state_of(mall.shop).orders_enabled = False
    mall.passes(seconds=1)
    assert fetch(mall.access, asked) == ReadFailed(Result.REJECTED_AUTH, "ES04-01")
    mall.passes(seconds=1)
    tested = connection_test(mall.access)
    assert tested.ok
    assert [warning.code for warning in tested.warnings] == ["order_api_not_enabled"]
    mall.access.remember("license_key", "SL2")
    assert fetch(mall.access, asked) == ReadFailed(Result.REJECTED_AUTH, "GE0011")


@pytest.mark.parametrize(
    "body",
    [
        {"x": 1},
        [],
        "text",
        {"MessageModelList": [], "orderNumberList": "402853-20261120-0000000001"},
        {"MessageModelList": [], "orderNumberList": ["402853-20261120-1:placed"]},
        {"MessageModelList": [], "orderNumberList": [5]},
    ],
)
def test_a_page_of_no_known_form_is_no_page(body: object) -> None:
    access_, _ = access(answer(200, body))
    assert fetch(access_, OrdersAsked(NOW - MINUTE, NOW)) == ReadFailed(Result.TRANSIENT, "answer_not_understood")


@pytest.mark.parametrize("status", [200, 400])
def test_an_error_of_the_mall_is_said_by_its_code_and_never_by_its_text(status: int) -> None:
    message = {"messageType": "ERROR", "messageCode": "ORDER_EXT_API_SEARCH_ORDER_ERROR_011", "message": "山田様"}
    access_, _ = access(answer(status, {"MessageModelList": [message]}))
    found = fetch(access_, OrdersAsked(NOW - MINUTE, NOW))
    assert found == ReadFailed(Result.TRANSIENT, "ORDER_EXT_API_SEARCH_ORDER_ERROR_011")
    access_, _ = access(answer(status, {"MessageModelList": [{**message, "messageCode": "山田 様"}]}))
    assert fetch(access_, OrdersAsked(NOW - MINUTE, NOW)) == ReadFailed(Result.TRANSIENT, "code_not_understood")


def test_a_mall_that_is_down_is_asked_again() -> None:
    error = {"MessageModelList": [{"messageType": "ERROR", "messageCode": "X"}]}
    access_, _ = access(answer(503, error))
    assert fetch(access_, OrdersAsked(NOW - MINUTE, NOW)) == ReadFailed(Result.TRANSIENT, "http_503")


# ------------------------------------------------------------------ answers laid down


def _found(numbers: list[str], *, total: int | None) -> dict[str, object]:
    paging = {"totalRecordsAmount": total, "totalPages": None, "requestPage": 1}
    return {"MessageModelList": [], "orderNumberList": numbers, "PaginationResponseModel": paging}


def _orders(numbers: list[str]) -> dict[str, object]:
    return {"MessageModelList": [], "OrderModelList": [{"orderNumber": one} for one in numbers]}


def _asked(request: tuple[str, object, bytes]) -> dict[str, object]:
    found: dict[str, object] = json.loads(request[2])
    return found
