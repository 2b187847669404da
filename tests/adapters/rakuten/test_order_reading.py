"""One kept order of Rakuten is read as the order API says: states, lines, codes, reasons, times; nothing is guessed."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adapters
from adapters.kit.mall import NotUnderstood
from adapters.rakuten.order_reading import cut, read
from ledger.terms import CancelReason, Door, OrderState, Telling, TellingLine

PROFILE = adapters.profile("rakuten")
AT = datetime(2023, 4, 17, 1, tzinfo=UTC)
SKU = {"variantId": "11", "merchantDefinedSkuId": "c3ps390M090", "skuInfo": "サイズ:M\nカラー:(090)ブラック"}
# As the reference shows an order (invented values).
ITEM: dict[str, object] = {
    "itemDetailId": 7,
    "itemName": "…",
    "itemNumber": "c3ps390-x",
    "manageNumber": "C3ps390",
    "units": 2,
    "deleteItemFlag": 0,
    "SkuModelList": [SKU],
}
ORDER: dict[str, object] = {
    "orderNumber": "123456-20230417-0207814266",
    "orderProgress": 300,
    "orderDatetime": "2023-04-17T10:00:00+0900",
    "PackageModelList": [{"basketId": 1, "ItemModelList": [ITEM]}],
    "ChangeReasonModelList": [],
}


def told(**changes: object) -> Telling:
    found = read(cut({**ORDER, **changes}), PROFILE)
    assert isinstance(found, Telling), found
    return found


def items(*changes: dict[str, object]) -> dict[str, object]:
    return {"PackageModelList": [{"basketId": 1, "ItemModelList": [{**ITEM, **one} for one in changes]}]}


def cancel(detail: int | None, change: int = 1, at: str = "2023-04-18T10:00:00+0900") -> dict[str, object]:
    return {"changeId": change, "changeType": 0, "changeReasonDetail": detail, "changeApplyDatetime": at}


def test_an_order_names_its_listings_by_their_own_keys() -> None:
    assert told() == Telling(
        order="123456-20230417-0207814266",
        door=Door.API,
        told_at=AT,
        state=OrderState.CONFIRMED,
        complete=True,
        verified=True,
        lines=(TellingLine("c3ps390", "11", 2, line_id="1-7"),),
        parser_version=1,
        ordered_at=AT,
    )


@pytest.mark.parametrize(
    ("progress", "state"),
    [
        (100, OrderState.PROVISIONAL),
        (200, OrderState.MALL_CHECKING),
        (300, OrderState.CONFIRMED),
        (400, OrderState.CONFIRMED),
        (500, OrderState.SHIPPED),
        (600, OrderState.SHIPPED),
        (700, OrderState.SHIPPED),
        (800, OrderState.CANCELLED),
        (900, OrderState.CANCELLED),
    ],
)
def test_every_progress_is_a_state_and_has_its_lines(progress: int, state: OrderState) -> None:
    found = told(orderProgress=progress)
    assert (found.state, found.complete) == (state, True)
    assert [line.quantity for line in found.lines] == [2], "allocated whatever the state"


@pytest.mark.parametrize(
    ("progress", "state"),
    [(100, OrderState.MALL_CHECKING), (300, OrderState.MALL_CHECKING), (500, OrderState.SHIPPED)],
)
def test_an_open_order_that_rakuten_looks_at_is_checked_by_the_mall(progress: int, state: OrderState) -> None:
    assert told(orderProgress=progress, rakutenConfirmFlag=1).state is state


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        (1, CancelReason.BUYER),
        (6, CancelReason.BUYER),
        (4, CancelReason.UNPAID),
        (8, CancelReason.OUT_OF_STOCK),
        (15, CancelReason.DEFECTIVE),
        (2, CancelReason.UNKNOWN),
        (13, CancelReason.UNKNOWN),
        (None, CancelReason.UNKNOWN),
    ],
)
def test_the_reason_of_the_newest_cancel_counts(detail: int | None, reason: CancelReason) -> None:
    changes = [cancel(8, 1), cancel(detail, 3), {"changeId": 9, "changeType": 4, "changeReasonDetail": 8}]
    assert told(orderProgress=900, ChangeReasonModelList=changes).reason is reason
    assert told(orderProgress=300, ChangeReasonModelList=changes).reason is None


def test_a_cancel_without_a_reason_or_lines_is_a_cancel_of_the_whole_order() -> None:
    found = told(orderProgress=900, PackageModelList=[])
    assert (found.state, found.reason, found.lines, found.complete) == (
        OrderState.CANCELLED,
        CancelReason.UNKNOWN,
        (),
        False,
    )


def test_the_latest_time_of_the_order_is_when_it_was_told() -> None:
    assert told(shippingCmplRptDatetime="2023-04-19T10:00:00+0900").told_at == datetime(2023, 4, 19, 1, tzinfo=UTC)
    taken_back = {"changeId": 2, "changeType": 3, "changeCmplDatetime": "2023-04-20T10:00:00+0900"}
    found = told(ChangeReasonModelList=[cancel(1), taken_back])
    assert (found.state, found.told_at) == (OrderState.CONFIRMED, datetime(2023, 4, 20, 1, tzinfo=UTC))


def test_lines_that_were_deleted_are_none_and_every_destination_counts() -> None:
    two = {"basketId": 2, "ItemModelList": [{**ITEM, "units": 1}]}
    gone = {"basketId": 3, "packageDeleteFlag": 1, "ItemModelList": [ITEM]}
    first = {"basketId": 1, "ItemModelList": [{**ITEM, "deleteItemFlag": 1}, {**ITEM, "units": 0}, ITEM]}
    found = told(PackageModelList=[first, two, gone])
    assert [(line.line_id, line.quantity) for line in found.lines] == [("1-7", 2), ("2-7", 1)]
    assert told(**items({"deleteItemFlag": 1})).lines == (), "nothing of it is ordered any more"


def test_an_order_from_before_skus_names_its_item_by_the_codes_of_a_mail() -> None:
    line = told(**items({"SkuModelList": []})).lines[0]
    assert (line.item, line.variant, line.codes) == ("c3ps390", "", ("c3ps390-x",))
    assert told(**items({"SkuModelList": [], "itemNumber": None})).lines[0].codes == ("c3ps390",)
    assert told(**items({"manageNumber": None})).lines[0].codes == ("c3ps390-x/11",)


def test_case_and_leading_zeros_of_a_variant_are_kept() -> None:
    line = told(**items({"manageNumber": "ABC", "SkuModelList": [{"variantId": "0a"}]})).lines[0]
    assert (line.item, line.variant) == ("abc", "0a")


@pytest.mark.parametrize(
    ("changes", "rule", "line"),
    [
        ({"orderNumber": ""}, "orderNumber", None),
        ({"orderNumber": 5}, "orderNumber", None),
        ({"orderDatetime": "soon"}, "orderDatetime", None),
        ({"orderProgress": 150}, "orderProgress", None),
        ({"orderProgress": True}, "orderProgress", None),
        ({"PackageModelList": []}, "PackageModelList", None),
        (items(), "ItemModelList", None),
        (items({}, {"units": -1}), "units", 2),
        (items({"units": 1.5}), "units", 1),
        (items({"units": None}), "units", 1),
        (items({"units": True}), "units", 1),
        (items({"manageNumber": "", "itemNumber": None}), "manageNumber", 1),
        (items({"SkuModelList": [SKU, {"variantId": "12"}]}), "SkuModelList", 1),
    ],
)
def test_what_is_not_there_is_not_guessed(changes: dict[str, object], rule: str, line: int | None) -> None:
    assert read(cut({**ORDER, **changes}), PROFILE) == NotUnderstood(rule, line)


NAMES = [*ORDER, *ITEM, "changeId", "changeType", "changeReasonDetail", "changeApplyDatetime", "variantId", "basketId"]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.binary(max_size=100)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.sampled_from(NAMES), one),
    ).map(lambda found: json.dumps({**ORDER, **found} if isinstance(found, dict) else found).encode())
)
def test_no_body_makes_the_reader_or_the_cutter_raise(body: bytes) -> None:
    assert isinstance(read(body, PROFILE), Telling | NotUnderstood)
    try:
        order = json.loads(body)
    except ValueError:
        return
    if isinstance(order, dict):
        assert read(cut(order), PROFILE) == read(cut(json.loads(cut(order))), PROFILE), (
            "what is cut is all that is read"
        )
