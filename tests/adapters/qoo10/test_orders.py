"""Orders of Qoo10: one state a call, both 1 and 2, claims beside them; no person gets into a telling."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import adapters
from adapters.kit.mall import Lost, OrderApi, OrdersAsked, OrdersPage, RawOrder, ReadFailed
from adapters.qoo10 import MALL
from adapters.qoo10.orders import fetch, read
from ledger.terms import ListingKey, OrderState, Result, Telling
from tests.adapters import want
from tests.adapters.qoo10.make_samples import FOLDER
from tests.adapters.qoo10.sample_orders import CLAIM, SHIPPING
from tests.adapters.qoo10.seller import BY_TEXT, ITEM, NOW, RED, Script, World, access_to, answer, said, world

PROFILE = adapters.profile("qoo10")
STEPS = PROFILE.texts("orders.steps")
ROWS = sorted(path for path in FOLDER.glob("*.json") if not path.name.endswith(".want.json"))
ASKED = OrdersAsked(NOW - timedelta(hours=1), NOW)


@pytest.mark.parametrize("sample", ROWS, ids=[path.stem for path in ROWS])
def test_a_row_is_read_as_its_want_says(sample: Path) -> None:
    found = want.mail_said(read(sample.read_bytes(), PROFILE))
    assert found == want.complete_mail_want(want.want_of(sample), found)


@pytest.mark.parametrize("sample", ROWS, ids=[path.stem for path in ROWS])
def test_no_person_gets_into_what_is_read(sample: Path) -> None:
    seen = repr(read(sample.read_bytes(), PROFILE)) + repr(RawOrder("1", sample.read_bytes()))
    assert not [one for one in ("見本", "000-0000", "example.jp") if one in seen]


def test_a_telling_is_of_the_api_and_verified() -> None:
    told = read(json.dumps(SHIPPING).encode(), PROFILE)
    assert isinstance(told, Telling)
    assert (told.door, told.verified, told.parser_version) == ("api", True, 1)


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"{", b"\xff", b'"x"', b"[" * 100_000])
def test_what_is_no_row_is_not_understood(body: bytes) -> None:
    assert want.mail_said(read(body, PROFILE)) == {"not_understood": {"rule": "not_a_row", "line": None}}


_TEXT = st.text("0123456789-/: ()赤\n", max_size=20)
_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | _TEXT | st.just([1])


@given(st.dictionaries(st.sampled_from([*SHIPPING, *CLAIM]), _VALUES, max_size=8), st.sampled_from([SHIPPING, CLAIM]))
def test_whatever_stands_in_a_row_it_is_read_or_not_understood(
    changed: dict[str, object], row: dict[str, object]
) -> None:
    found = read(json.dumps({**row, **changed}).encode(), PROFILE)
    if isinstance(found, Telling):
        assert found.order.isdigit()
        assert all(1 <= line.quantity <= 9_999_999 and line.item for line in found.lines)


# ------------------------------------------------------------------ asking


def fetched(access: object, asked: OrdersAsked = ASKED) -> list[RawOrder]:
    """Every order of every page."""
    orders: list[RawOrder] = []
    while True:
        page = fetch(access, asked)  # type: ignore[arg-type]
        assert isinstance(page, OrdersPage), page
        orders += page.orders
        if not page.cursor:
            return orders
        asked = OrdersAsked(asked.since, asked.until, page.cursor, asked.orders)


def test_each_call_asks_for_one_state_of_shipping_or_of_claims() -> None:
    script = Script(*[said(0, [])] * len(STEPS))
    assert fetched(access_to(script)) == []
    shipping = [fields for method, _, fields in script.asked if method == "ShippingBasic.GetShippingInfo_v3"]
    claims = [fields for method, _, fields in script.asked if method == "ShippingBasic.GetClaimInfo_V3"]
    assert len(shipping) + len(claims) == len(STEPS)
    assert {fields["ShippingStatus"] for fields in shipping} == {"1", "2", "3", "4", "5"}
    assert {fields["ClaimStat"] for fields in claims} >= {"3", "6", "16"}
    assert {(one["SearchStartDate"], one["SearchEndDate"]) for one in shipping} == {
        ("20261120110000", "20261120120000")
    }
    assert {(one["search_Sdate"], one["search_Edate"]) for one in claims} == {("20261120110000", "20261120120000")}


def test_a_row_is_kept_whole_under_its_order_number() -> None:
    script = Script(said(0, [SHIPPING, {**CLAIM, "orderNo": "600000020"}]))
    page = fetch(access_to(script), ASKED)
    assert isinstance(page, OrdersPage)
    assert [one.order for one in page.orders] == ["600000010", "600000020"]
    assert json.loads(page.orders[0].body) == SHIPPING
    assert page.cursor == "1"


def test_single_orders_are_asked_for_by_their_numbers() -> None:
    asked = OrdersAsked(NOW, NOW, orders=("600000010", "600000020"))
    script = Script(said(0, [{**CLAIM, "shippingStatus": "2", "claimStatus": ""}]), said(-10001))
    assert [one.order for one in fetched(access_to(script), asked)] == ["600000010"]
    assert script.methods == ["ShippingBasic.GetShippingAndClaimInfoByOrderNo_V2"] * 2


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        (said(-90001), Result.REJECTED_AUTH),
        (said(-10003), Result.TRANSIENT),
        (said(-10001), Result.TRANSIENT),
        (said(0, ["x"]), Result.TRANSIENT),
        (said(0, "x"), Result.TRANSIENT),
        (answer({}, status=429), Result.THROTTLED),
        (answer({}, status=500), Result.TRANSIENT),
        (answer(b"<html>"), Result.TRANSIENT),
        (Lost("deadline_passed"), Result.TRANSIENT),
    ],
)
def test_a_page_that_is_not_given_says_why(reply: object, result: Result) -> None:
    script = Script(reply)  # type: ignore[arg-type]
    failed = fetch(access_to(script, secrets={"seller_auth_key": "x"}), ASKED)
    assert isinstance(failed, ReadFailed)
    assert failed.result is result


def test_nothing_found_is_an_empty_page() -> None:
    nothing: tuple[object, ...] = (None, "", [])
    for result in nothing:
        page = fetch(access_to(Script(said(0, result))), ASKED)
        assert page == OrdersPage((), "1")


# ------------------------------------------------------------------ with the emulated mall


def tellings(found: World, asked: OrdersAsked | None = None) -> list[Telling]:
    window = asked or OrdersAsked(found.moment - timedelta(hours=1), found.moment)
    read_all = [read(one.body, PROFILE) for one in fetched(found.access, window)]
    return [one for one in read_all if isinstance(one, Telling)]


def test_a_sale_of_the_mall_is_told_with_what_was_sold() -> None:
    with world() as found:
        order = found.shop.sell(RED, 2)
        assert order is not None
        found.wait(60)
        told = tellings(found)
        assert {one.order for one in told} == {order.number}
        assert told[0].ordered_at == order.ordered_at
        line = told[0].lines[0]
        assert (line.item, line.variant, line.quantity) == (RED.item, "RED_S", 2)
        assert f"{RED.item}/RED_S" in line.codes


def test_each_line_of_a_cart_is_an_order_of_its_own() -> None:
    with world() as found:
        order = found.shop.sell_lines(((ITEM, 2), (BY_TEXT, 1)))
        assert order is not None
        found.wait(1)
        told = {one.order: one for one in tellings(found)}
        assert sorted(told) == [order.number, str(int(order.number) + 1)]
        assert [one.lines[0].item for one in told.values()] == [ITEM.item, BY_TEXT.item]
        assert told[str(int(order.number) + 1)].lines[0].variant == BY_TEXT.variant


@pytest.mark.parametrize("status", ["1", "2", "3", "4", "5"])
def test_an_order_is_found_whatever_its_shipping_state(status: str) -> None:
    with world() as found:
        order = found.shop.sell(ITEM, 1)
        assert order is not None
        found.state.order_states[order.number] = status
        found.wait(1)
        assert {one.order for one in tellings(found)} == {order.number}


def test_a_cancel_is_told_by_its_claim() -> None:
    with world() as found:
        order = found.shop.sell(ITEM, 1)
        assert order is not None
        found.wait(7200)
        found.shop.cancel(order.number)
        found.wait(60)
        told = tellings(found)
        assert [(one.order, one.state, one.complete, one.lines) for one in told] == [
            (order.number, OrderState.CANCELLED, False, ())
        ]


def test_one_order_is_read_again_by_its_number() -> None:
    with world() as found:
        order = found.shop.sell(RED, 2)
        assert order is not None
        asked = OrdersAsked(NOW, NOW, orders=(order.number, "999999999"))
        told = tellings(found, asked)
        assert [(one.order, one.state, one.lines[0].variant) for one in told] == [
            (order.number, OrderState.CONFIRMED, "RED_S")
        ]
        found.shop.cancel(order.number)
        assert [one.state for one in tellings(found, asked)] == [OrderState.CANCELLED]


def test_the_declaration_says_how_far_back_the_mall_answers() -> None:
    assert isinstance(MALL.order_api, OrderApi)
    assert MALL.order_api.reach_days_max == 90
    with world() as found:
        failed = fetch(found.access, OrdersAsked(NOW - timedelta(days=92), NOW, str(STEPS.index("claim:3:3"))))
        assert isinstance(failed, ReadFailed)
        assert failed.code == "-10003"


def test_a_listing_named_by_its_sellers_code_is_told_by_it() -> None:
    with world() as found:
        key = ListingKey("A-01", "v1")
        found.shop.set_stock(key, 3)
        found.shop.sell(key, 1)
        found.wait(1)
        line = tellings(found)[0].lines[0]
        assert (line.item, line.variant) == ("A-01", "v1")
