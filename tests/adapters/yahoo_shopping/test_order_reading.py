"""One kept order of Yahoo! is read as orderInfo says: states, Version, lines, reasons; nothing is guessed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adapters
from adapters.kit.mall import NotUnderstood
from adapters.kit.profile import Profile, corrected
from adapters.yahoo_shopping.order_reading import ORDER_FIELDS, cut, read
from adapters.yahoo_shopping.order_xml import all_of, parsed
from ledger.terms import CancelReason, Door, OrderState, Telling, TellingLine

PROFILE = adapters.profile("yahoo_shopping")
ORDER = {
    "OrderId": "samplestore-10000001",
    "Version": "3",
    "OrderTime": "2026-11-20T09:04:05+09:00",
    "LastUpdateTime": "2026-11-20T10:00:00+09:00",
    "OrderStatus": "2",
}
ITEM = (
    "<Item><LineId>1</LineId><ItemId>item-01</ItemId><SubCode><![CDATA[blue]]></SubCode><Quantity>2</Quantity></Item>"
)


def kept(items: str = ITEM, **changes: str) -> bytes:
    fields = "".join(f"<{name}>{text}</{name}>" for name, text in {**ORDER, **changes}.items())
    root = parsed(
        f'<ResultSet xmlns="urn:x"><Result><OrderInfo>{fields}<Pay><BillLastName>山田</BillLastName></Pay>{items}</OrderInfo></Result></ResultSet>'.encode()
    )
    assert root is not None
    return cut(next(all_of(root, "OrderInfo")), "samplestore-10000001").body


def told(items: str = ITEM, **changes: str) -> Telling:
    return told_by(PROFILE, items, **changes)


def told_by(profile: Profile, items: str = ITEM, **changes: str) -> Telling:
    found = read(kept(items, **changes), profile)
    assert isinstance(found, Telling), found
    return found


def item(quantity: str = "1", code: str = "item-01", sub_code: str = "") -> str:
    return f"<Item><LineId>2</LineId><ItemId>{code}</ItemId><SubCode>{sub_code}</SubCode><Quantity>{quantity}</Quantity></Item>"


def test_an_order_says_number_version_times_and_lines_by_the_listings_own_key() -> None:
    assert told() == Telling(
        order="samplestore-10000001",
        door=Door.API,
        told_at=datetime(2026, 11, 20, 1, tzinfo=UTC),
        state=OrderState.CONFIRMED,
        complete=True,
        verified=True,
        lines=(TellingLine("item-01", "blue", 2, line_id="1"),),
        parser_version=1,
        ordered_at=datetime(2026, 11, 20, 0, 4, 5, tzinfo=UTC),
        revision=3,
    )
    assert "山田" not in kept().decode()


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("0", OrderState.PROVISIONAL),
        ("1", OrderState.CONFIRMED),
        ("2", OrderState.CONFIRMED),
        ("3", OrderState.MALL_CHECKING),
        ("4", OrderState.CANCELLED),
        ("5", OrderState.SHIPPED),
    ],
)
def test_every_status_is_a_state_and_has_its_lines(status: str, state: OrderState) -> None:
    found = told(OrderStatus=status)
    assert found.state is state
    assert [line.quantity for line in found.lines] == [2], "allocated whatever the state"


def test_what_has_left_is_shipped_and_a_held_order_is_checked_by_the_mall() -> None:
    assert told(ShipStatus="3").state is OrderState.SHIPPED
    assert told(ShipStatus="2").state is OrderState.CONFIRMED
    assert told(ShipStatus="3", OrderStatus="4").state is OrderState.CANCELLED
    profile = corrected(PROFILE, {"orders.fraud_hold_status_held": ["1"]})
    assert told_by(profile, FraudHoldStatus="1").state is OrderState.MALL_CHECKING
    assert told_by(profile, FraudHoldStatus="0").state is OrderState.CONFIRMED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"CancelReason": "100"}, CancelReason.BUYER),
        ({"CancelReason": "120"}, CancelReason.UNPAID),
        ({"CancelReason": "210"}, CancelReason.OUT_OF_STOCK),
        ({"CancelReason": "110"}, CancelReason.UNKNOWN),
        ({}, CancelReason.UNKNOWN),
        ({"ChildOrderId": "samplestore-10000002"}, CancelReason.BUYER),
        ({"IsSplit": "true"}, CancelReason.BUYER),
        ({"IsSplit": "true", "ParentOrderId": "samplestore-9", "CancelReason": "210"}, CancelReason.OUT_OF_STOCK),
    ],
)
def test_the_reason_of_a_cancel_and_of_a_split(changes: dict[str, str], reason: CancelReason) -> None:
    assert told(OrderStatus="4", **changes).reason is reason
    assert told(**changes).reason is None


def test_a_cancel_without_lines_is_a_cancel_of_the_whole_order() -> None:
    found = told("", OrderStatus="4")
    assert (found.state, found.lines, found.complete) == (OrderState.CANCELLED, (), False)


def test_a_quantity_of_zero_is_no_line_and_none_is_at_least_one() -> None:
    assert told(ITEM + item("0")).lines == told().lines
    assert told(item("0")).lines == ()
    line = told(item("")).lines[0]
    assert (line.quantity, line.quantity_known) == (1, False)


def test_an_order_without_version_or_change_is_of_its_own_time() -> None:
    found = told(Version="", LastUpdateTime="")
    assert (found.revision, found.told_at) == (None, found.ordered_at)
    assert told(OrderTime="20261120090405").ordered_at == told().ordered_at


@pytest.mark.parametrize(
    ("items", "changes", "rule", "line"),
    [
        (ITEM, {"OrderId": "a b"}, "OrderId", None),
        (ITEM, {"OrderId": ""}, "OrderId", None),
        (ITEM, {"OrderTime": "soon"}, "OrderTime", None),
        (ITEM, {"OrderStatus": "8"}, "OrderStatus", None),
        (ITEM, {"OrderStatus": ""}, "OrderStatus", None),
        (ITEM, {"Version": "x"}, "Version", None),
        ("", {}, "Item", None),
        (ITEM + item(code="a/b"), {}, "ItemId", 2),
        (item(sub_code="あ"), {}, "SubCode", 1),
        (item("1.5"), {}, "Quantity", 1),
        (item("-1"), {}, "Quantity", 1),
        (item("99999999"), {}, "Quantity", 1),
    ],
)
def test_what_is_not_there_is_not_guessed(items: str, changes: dict[str, str], rule: str, line: int | None) -> None:
    assert read(kept(items, **changes), PROFILE) == NotUnderstood(rule, line)


@pytest.mark.parametrize("body", [b"", b"<x/>", b"\xff", b"<OrderInfo>", b"<!DOCTYPE a><OrderInfo/>", b"{}"])
def test_a_body_that_is_no_order_is_not_understood(body: bytes) -> None:
    assert isinstance(read(body, PROFILE), NotUnderstood)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.dictionaries(
        st.sampled_from(ORDER_FIELDS),
        st.text(alphabet=st.characters(exclude_characters="<>&", min_codepoint=32)),
    ),
    st.lists(st.sampled_from([ITEM, item(), item("0"), item("x"), "<Item/>"])),
)
def test_no_order_makes_the_reader_raise(changes: dict[str, str], items: list[str]) -> None:
    assert isinstance(read(kept("".join(items), **changes), PROFILE), Telling | NotUnderstood)
