"""Orders of カラーミーショップ by its API: pages, the seven days, cancels without quantities, and no person anywhere."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from adapters.colorme.orders import PAGE_MAX, PAGE_OVERLAP, fetch, read
from adapters.kit.mall import NotUnderstood, OrderReading, OrdersAsked, OrdersPage, ReadFailed, Reply
from ledger.terms import CancelReason, Door, OrderState, Result, Telling, TellingLine
from tests.adapters.colorme.shop import NOW, PLAIN, RED_S, LaidDown, Shop, access_to, answer, profile, refused, shop

MADE = int(NOW.timestamp())
DETAIL = {
    "id": 7,
    "product_id": 101,
    "option1_value": "赤",
    "option2_value": "S",
    "product_model_number": "T-1",
    "product_num": 2,
    "product_name": "見本",
}
SALE: dict[str, object] = {
    "id": 4434233,
    "make_date": MADE,
    "update_date": MADE + 60,
    "paid": False,
    "delivered": False,
    "canceled": False,
    "details": [DETAIL],
}
RED_LINE = TellingLine("101", "赤　x　S", 2, line_id="7")


def said(**changed: object) -> OrderReading:
    return read(json.dumps({**SALE, **changed}).encode(), profile())


def all_of(one: Shop, asked: OrdersAsked) -> list[OrderReading]:
    """Every order of every page, each once by the last page that told it."""
    found: dict[str, bytes] = {}
    for _ in range(100):
        one.clock.passes(seconds=1)
        page = fetch(one.access, asked)
        assert isinstance(page, OrdersPage), page
        found.update({raw.order: raw.body for raw in page.orders})
        if not page.cursor:
            return [read(body, profile()) for body in found.values()]
        asked = OrdersAsked(asked.since, asked.until, page.cursor, asked.orders)
    raise AssertionError("pages without end")


def test_a_sale_is_read_with_its_numbers_times_and_texts() -> None:
    assert said() == Telling(
        order="4434233",
        door=Door.API,
        told_at=NOW + timedelta(seconds=60),
        state=OrderState.CONFIRMED,
        complete=True,
        verified=True,
        lines=(RED_LINE,),
        parser_version=1,
        ordered_at=NOW,
    )


def test_a_sent_sale_is_shipped_and_a_cancelled_one_names_no_line() -> None:
    shipped = said(delivered=True)
    assert isinstance(shipped, Telling)
    assert (shipped.state, shipped.lines) == (OrderState.SHIPPED, (RED_LINE,))
    cancelled = said(canceled=True, delivered=True, details=[{**DETAIL, "product_num": 0}])
    assert isinstance(cancelled, Telling)
    assert (cancelled.state, cancelled.complete, cancelled.lines) == (OrderState.CANCELLED, False, ())
    assert cancelled.reason is CancelReason.UNKNOWN


def test_a_line_of_zero_is_gone_and_one_without_quantity_is_at_least_one() -> None:
    plain = {"id": 8, "product_id": 202, "option1_value": None, "option2_value": None, "product_num": None}
    reading = said(details=[{**DETAIL, "product_num": 0}, plain])
    assert isinstance(reading, Telling)
    assert reading.lines == (TellingLine("202", "", 1, quantity_known=False, line_id="8"),)


def test_a_product_that_was_deleted_is_named_by_its_model_number() -> None:
    reading = said(details=[{**DETAIL, "product_id": None}])
    assert isinstance(reading, Telling)
    assert reading.lines == (TellingLine("T-1", "", 2, line_id="7", codes=("T-1",)),)


@pytest.mark.parametrize(
    ("changed", "rule", "line"),
    [
        ({"id": None}, "sale_number", None),
        ({"id": True}, "sale_number", None),
        ({"make_date": "2026-11-20"}, "sale_date", None),
        ({"update_date": -1}, "sale_date", None),
        ({"canceled": "no"}, "sale_canceled", None),
        ({"details": None}, "sale_details", None),
        ({"details": []}, "sale_without_lines", None),
        ({"details": [{**DETAIL, "product_num": 0}]}, "sale_without_lines", None),
        ({"details": ["x"]}, "detail", 1),
        ({"details": [DETAIL, {**DETAIL, "product_num": 1.5}]}, "detail_quantity", 2),
        ({"details": [{**DETAIL, "product_num": -1}]}, "detail_quantity", 1),
        ({"details": [{**DETAIL, "option1_value": 3}]}, "detail_option", 1),
        ({"details": [{**DETAIL, "product_id": 0, "product_model_number": ""}]}, "detail_product", 1),
    ],
)
def test_a_sale_of_another_form_waits_for_a_person(changed: dict[str, object], rule: str, line: int | None) -> None:
    assert said(**changed) == NotUnderstood(rule, line)


@pytest.mark.parametrize("body", [b"", b"\xff", b"[1", b"null", b"[" * 100_000])
def test_bytes_of_no_sale_are_not_understood(body: bytes) -> None:
    assert isinstance(read(body, profile()), NotUnderstood)


def test_a_date_is_always_asked_for_because_without_one_only_a_week_comes() -> None:
    with shop() as one:
        old = one.shop.sell(RED_S, 2)
        assert old is not None
        one.clock.passes(days=30)
        asked = OrdersAsked(NOW - timedelta(days=1), one.clock.now())
        (reading,) = all_of(one, asked)
        assert isinstance(reading, Telling)
        assert (reading.order, reading.ordered_at, reading.lines[0].variant) == (old.number, NOW, RED_S.variant)
        assert all_of(one, OrdersAsked(one.clock.now() - timedelta(days=1), one.clock.now())) == []


def test_a_cancel_and_a_shipment_are_told_when_they_happen() -> None:
    with shop() as one:
        first, second = one.shop.sell(RED_S), one.shop.sell(PLAIN, 3)
        assert first is not None
        assert second is not None
        one.clock.passes(days=1)
        since = one.clock.now()
        one.shop.cancel(first.number)
        one.state.sales.deliver(second.number)
        told = all_of(one, OrdersAsked(since, since + timedelta(hours=1)))
        states = {reading.order: reading.state for reading in told if isinstance(reading, Telling)}
        assert states == {first.number: OrderState.CANCELLED, second.number: OrderState.SHIPPED}


def test_pages_overlap_so_that_a_sale_that_moves_is_not_missed() -> None:
    with shop() as one:
        one.shop.set_stock(PLAIN, 1_000)
        numbers = []
        for _ in range(2 * PAGE_MAX + 7):
            order = one.shop.sell(PLAIN)
            assert order is not None
            numbers.append(order.number)
        asked = OrdersAsked(NOW - timedelta(hours=1), NOW + timedelta(hours=1))
        one.clock.passes(seconds=10)
        page = fetch(one.access, asked)
        assert isinstance(page, OrdersPage)
        assert (len(page.orders), page.cursor) == (PAGE_MAX, str(PAGE_MAX - PAGE_OVERLAP))
        assert {r.order for r in all_of(one, asked) if isinstance(r, Telling)} == set(numbers)


def test_sales_named_by_number_come_in_one_answer_however_old_and_missing_ones_are_passed() -> None:
    with shop() as one:
        orders = [one.shop.sell(RED_S), one.shop.sell(PLAIN)]
        numbers = [order.number for order in orders if order is not None]
        one.clock.passes(days=30)
        asked = OrdersAsked(NOW - timedelta(days=300), one.clock.now(), orders=("999", *numbers, "x"))
        page = fetch(one.access, asked)
        assert isinstance(page, OrdersPage)
        assert {raw.order for raw in page.orders} == set(numbers)
        assert page.cursor == ""
        assert fetch(one.access, OrdersAsked(NOW, NOW, orders=("x",))) == OrdersPage(())


def test_more_numbers_than_a_page_go_on_behind_it() -> None:
    named = tuple(str(number) for number in range(1, PAGE_MAX + 3))
    http = LaidDown([answer(200, {"sales": []}), answer(200, {"sales": [SALE]})])
    page = fetch(access_to(http), OrdersAsked(NOW, NOW, orders=named))
    assert page == OrdersPage((), str(PAGE_MAX))
    page = fetch(access_to(http), OrdersAsked(NOW, NOW, str(PAGE_MAX), named))
    assert isinstance(page, OrdersPage)
    assert (len(page.orders), page.cursor) == (1, "")
    params = http.asked[1][3]
    assert isinstance(params, dict)
    assert params["ids"] == f"{PAGE_MAX + 1},{PAGE_MAX + 2}"


def test_without_a_count_a_full_page_has_another_behind_it() -> None:
    sales = [{**SALE, "id": number} for number in range(1, PAGE_MAX + 1)]
    for listed, cursor in ((sales, str(PAGE_MAX - PAGE_OVERLAP)), (sales[:-1], ""), ([], "")):
        page = fetch(access_to(LaidDown([answer(200, {"sales": listed})])), OrdersAsked(NOW, NOW + timedelta(hours=1)))
        assert isinstance(page, OrdersPage)
        assert page.cursor == cursor


def test_orders_placed_after_the_period_are_left_out() -> None:
    body = {"sales": [SALE, {**SALE, "id": 2, "make_date": MADE + 7_200, "update_date": MADE + 7_200}]}
    page = fetch(access_to(LaidDown([answer(200, body)])), OrdersAsked(NOW, NOW + timedelta(hours=1)))
    assert isinstance(page, OrdersPage)
    assert [raw.order for raw in page.orders] == ["4434233"]
    assert page.cursor == ""


def test_the_moment_is_written_in_japans_time_and_its_form_can_be_corrected() -> None:
    since = datetime(2026, 11, 19, 20, 0, tzinfo=UTC)
    for form, wanted in (("%Y-%m-%d %H:%M:%S", "2026-11-20 05:00:00"), ("%Y/%m/%d", "2026/11/20")):
        http = LaidDown([answer(200, {"sales": []})])
        fetch(access_to(http, api__moment_format=form), OrdersAsked(since, NOW))
        params = http.asked[0][3]
        assert isinstance(params, dict)
        assert params["update_date_min"] == wanted


def test_no_person_is_asked_for_and_none_is_kept_when_the_mall_sends_one() -> None:
    sale = {**SALE, "customer": {"name": "見本 太郎"}, "memo": "至急", "sale_deliveries": [{"name": "見本"}]}
    http = LaidDown([answer(200, {"sales": [sale]})])
    page = fetch(access_to(http), OrdersAsked(NOW, NOW + timedelta(hours=1)))
    assert isinstance(page, OrdersPage)
    params = http.asked[0][3]
    assert isinstance(params, dict)
    assert "customer" not in params["fields"]
    assert "見本 太郎" not in page.orders[0].body.decode()
    assert "至急" not in page.orders[0].body.decode()
    assert "見本" not in repr(page.orders[0])
    assert "見本" not in repr(read(page.orders[0].body, profile()))


@pytest.mark.parametrize(
    ("reply", "failed"),
    [
        (refused(401, 401100), ReadFailed(Result.REJECTED_AUTH, "401100")),
        (refused(403, 403100), ReadFailed(Result.REJECTED_AUTH, "403100")),
        (answer(429, {}, {"retry-after": "3"}), ReadFailed(Result.THROTTLED, "http_429", 3.0)),
        (answer(500, b""), ReadFailed(Result.TRANSIENT, "http_500")),
        (answer(200, {"sales": [{"id": "x"}]}), ReadFailed(Result.TRANSIENT, "answer_not_understood")),
        (answer(200, b"<html>"), ReadFailed(Result.TRANSIENT, "answer_not_understood")),
    ],
)
def test_a_page_that_fails_gives_no_order(reply: Reply, failed: ReadFailed) -> None:
    assert fetch(access_to(LaidDown([reply])), OrdersAsked(NOW, NOW)) == failed
    assert fetch(access_to(LaidDown([reply])), OrdersAsked(NOW, NOW, orders=("1",))) == failed
    none = fetch(access_to(LaidDown([]), secrets={"access_token": ""}), OrdersAsked(NOW, NOW))
    assert none == ReadFailed(Result.REJECTED_AUTH, "token_missing")
