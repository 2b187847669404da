"""Order files (受注CSV) of every mall that gives one out: read exactly, nothing of a person kept, a bad row costs its order alone."""

import json
from datetime import UTC, datetime, timedelta

import pytest

import adapters
from adapters.kit.order_file import OrderFileRefused, read_kept
from adapters.kit.order_form import NUMBER, NotOurs, OrderForm
from ledger.terms import CancelReason, Door, ListingKey, OrderState, Telling
from tests.adapters.order_rows import (
    BUYER,
    MAIL,
    NOW,
    PHONE,
    RAKUTEN_ROW,
    STREET,
    file_of,
    offered,
    problems,
    read,
    tellings,
)

AMAZON_ROW = {
    "amazon-order-id": "503-1234567-1234567",
    "merchant-order-id": "",
    "purchase-date": "2026-11-20T01:00:00+00:00",
    "last-updated-date": "2026-11-20T02:00:00+00:00",
    "order-status": "Unshipped",
    "fulfillment-channel": "Merchant",
    "product-name": "シャツ",
    "sku": "SHIRT-11",
    "item-status": "Unshipped",
    "quantity": "2",
    "ship-city": STREET,
}
YAHOO_ROW = {
    "OrderId": "samplestore-10000001",
    "OrderTime": "2026/11/20 10:00:00",
    "OrderStatus": "2",
    "LineId": "1",
    "ItemId": "item-01",
    "SubCode": "blue",
    "Quantity": "2",
    "ShipLastName": BUYER,
}
HOUSE_ROW = {"注文番号": "T-1", "注文日時": "2026-11-20 10:00", "商品SKU": "SHIRT-11", "数量": "3", "備考": BUYER}


def amazon(*rows: dict[str, str]) -> bytes:
    return file_of([{**AMAZON_ROW, **row} for row in rows], delimiter="\t", encoding="utf-8")


def lines(told: Telling) -> list[tuple[str, str, int]]:
    return [(line.item, line.variant, line.quantity) for line in told.lines]


# ------------------------------------------------------------------ each form


def test_the_order_csv_of_rms_tells_its_orders_with_the_listings_own_keys() -> None:
    second = {"商品管理番号": "page-2", "SKU管理番号": "x", "個数": "1", "商品明細ID": "11", "単価": "1000"}
    rows = [{**RAKUTEN_ROW, "商品合計金額": "6960"}, {**RAKUTEN_ROW, "商品合計金額": "6960", **second}]
    (told,) = tellings(read("rakuten", file_of(rows)), "rakuten")
    assert (told.order, told.door, told.state, told.complete) == (
        RAKUTEN_ROW["注文番号"],
        Door.CSV,
        OrderState.CONFIRMED,
        True,
    )
    assert told.ordered_at == datetime(2026, 11, 19, 23, 55, 46, tzinfo=UTC)
    assert told.told_at == datetime(2026, 11, 20, 0, 10, tzinfo=UTC), "the latest of its own times"
    assert lines(told) == [("page-1", "11", 2), ("page-2", "x", 1)]


def test_a_file_cut_in_the_middle_of_an_order_says_only_what_it_names() -> None:
    (told,) = tellings(read("rakuten", file_of([{**RAKUTEN_ROW, "商品合計金額": "6960"}])), "rakuten")
    assert not told.complete


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("注文確認待ち", OrderState.PROVISIONAL),
        ("楽天処理中", OrderState.MALL_CHECKING),
        ("300", OrderState.CONFIRMED),
        ("発送済", OrderState.SHIPPED),
        ("キャンセル確定", OrderState.CANCELLED),
    ],
)
def test_each_status_of_rms_has_its_meaning(word: str, state: OrderState) -> None:
    (told,) = tellings(read("rakuten", file_of([{**RAKUTEN_ROW, "ステータス": word}])), "rakuten")
    assert told.state == state
    if state == OrderState.CANCELLED:
        assert (told.told_at, told.reason) == (NOW, CancelReason.UNKNOWN), "RMS writes no time of a cancel"


def test_another_shops_order_is_refused_where_the_shop_has_its_number() -> None:
    found = read("rakuten", file_of([RAKUTEN_ROW]), {"mail.shop_number": "111111"})
    assert (found.orders, problems(found)) == (
        (),
        [(2, "注文番号", "(26 characters)")],
    )


def test_a_report_of_all_orders_of_amazon_leaves_out_what_amazon_ships() -> None:
    other = {"amazon-order-id": "503-7654321-7654321", "fulfillment-channel": "Amazon"}
    data = amazon({}, {"sku": "MUG", "quantity": "0"}, other)
    found = read("amazon", data, name="report.txt")
    (told,) = tellings(found, "amazon")
    assert (told.complete, lines(told)) == (True, [("SHIRT-11", "", 2)])
    assert told.told_at == datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    assert [one.reading for one in found.orders if isinstance(one.reading, NotOurs)] == [NotOurs("fulfilled_by_amazon")]


def test_states_of_amazon_may_have_a_tail_and_pending_orders_are_provisional() -> None:
    for word, state in (
        ("Pending", OrderState.PROVISIONAL),
        ("Shipped - Delivered to Buyer", OrderState.SHIPPED),
        ("Cancelled", OrderState.CANCELLED),
    ):
        (told,) = tellings(read("amazon", amazon({"order-status": word})), "amazon")
        assert told.state == state


def test_a_report_of_orders_to_ship_changes_only_what_it_names() -> None:
    row = {
        "order-id": "503-1234567-1234567",
        "order-item-id": "71",
        "purchase-date": "2026-11-20T01:00:00+00:00",
        "buyer-name": BUYER,
        "buyer-phone-number": PHONE,
        "sku": "SHIRT-11",
        "quantity-purchased": "1",
    }
    (told,) = tellings(read("amazon", file_of([row], delimiter="\t"), name="orders.txt"), "amazon")
    assert (told.complete, told.state, lines(told)) == (False, OrderState.CONFIRMED, [("SHIRT-11", "", 1)])


def test_yahoo_tells_lines_by_one_file_and_states_by_another() -> None:
    (items,) = tellings(read("yahoo_shopping", file_of([YAHOO_ROW])), "yahoo_shopping")
    assert (items.complete, items.state, lines(items)) == (True, OrderState.CONFIRMED, [("item-01", "blue", 2)])
    head = {name: YAHOO_ROW[name] for name in ("OrderId", "OrderTime", "ShipLastName")} | {"OrderStatus": "4"}
    (told,) = tellings(read("yahoo_shopping", file_of([head])), "yahoo_shopping")
    assert (told.state, told.complete, told.lines) == (OrderState.CANCELLED, False, ())


def test_our_own_form_names_a_sku_or_a_listing_and_serves_every_mall() -> None:
    listing = {**HOUSE_ROW, "商品SKU": "", "商品コード": "page-1", "枝番": "x"}
    rows = [{"商品コード": "", "枝番": "", **HOUSE_ROW}, listing]
    for code in adapters.malls():
        (told,) = tellings(read(code, file_of(rows, encoding="utf-8")), code)
        assert [(line.sku, ListingKey(line.item, line.variant)) for line in told.lines] == [
            ("SHIRT-11", ListingKey("SHIRT-11")),
            ("", ListingKey("page-1", "x")),
        ]
        assert (told.complete, told.told_at) == (True, told.ordered_at)


def test_a_cancel_in_our_own_form_has_its_reason() -> None:
    rows = [{**HOUSE_ROW, "状態": "キャンセル", "キャンセル理由": "欠品", "更新日時": "2026-11-20 12:00"}]
    (told,) = tellings(read("cart", file_of(rows, encoding="utf-8")), "cart")
    assert (told.state, told.reason) == (OrderState.CANCELLED, CancelReason.OUT_OF_STOCK)
    assert told.told_at == datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


# ------------------------------------------------------------------ persons


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("rakuten", file_of([RAKUTEN_ROW])),
        ("amazon", amazon({})),
        ("yahoo_shopping", file_of([YAHOO_ROW])),
        ("cart", file_of([HOUSE_ROW])),
    ],
)
def test_nothing_of_a_person_is_kept(code: str, data: bytes) -> None:
    kept = b"".join(one.body for one in read(code, data).orders).decode()
    assert kept
    for text in (BUYER, STREET, MAIL, PHONE):
        assert text not in kept
        assert json.dumps(text)[1:-1] not in kept


def test_a_problem_never_quotes_a_persons_text() -> None:
    for value in (BUYER, MAIL, PHONE, "taro.yamada", "YAMADA", "09000000000", "100-0001", "1000001", "0312345678x@"):
        found = read("rakuten", file_of([{**RAKUTEN_ROW, "個数": value}]))
        ((row, column, quoted),) = problems(found)
        assert (row, column, quoted) == (2, "個数", f"({len(value)} characters)")
    ((*_, quoted),) = problems(read("rakuten", file_of([{**RAKUTEN_ROW, "個数": "-1"}])))
    assert quoted == "-1"


# ------------------------------------------------------------------ what is wrong


def test_one_bad_row_leaves_its_order_out_whole_and_no_other() -> None:
    other = {**RAKUTEN_ROW, "注文番号": "402853-20261120-0000000002"}
    rows = [RAKUTEN_ROW, {**RAKUTEN_ROW, "個数": "二つ"}, other]
    found = read("rakuten", file_of(rows))
    assert [one.number for one in found.orders] == ["402853-20261120-0000000002"]
    assert problems(found) == [(3, "個数", "(2 characters)")]
    assert "whole number" in found.problems[0].expected


def test_a_row_with_shifted_cells_spoils_its_order_and_not_its_neighbours() -> None:
    whole = file_of(
        [RAKUTEN_ROW, RAKUTEN_ROW, {**RAKUTEN_ROW, "注文番号": "402853-20261120-0000000002"}], encoding="utf-8"
    )
    cut = whole.replace(b"\r\n402853-20261120-0000000001,", b"\r\n402853-20261120-0000000001,x,y,", 2).replace(
        b"x,y,", b"", 1
    )
    found = read("rakuten", cut)
    assert [one.number for one in found.orders] == ["402853-20261120-0000000002"]
    assert [row for row, *_ in problems(found)] == [2, 3], "the row itself, and why its order was left out"


def test_an_unknown_status_says_which_are_known_and_how_to_add_one() -> None:
    found = read("rakuten", file_of([{**RAKUTEN_ROW, "ステータス": "X9"}]))
    assert "発送待ち" in found.problems[0].expected
    assert "profile.order_file.state_" in found.problems[0].expected
    known = read("rakuten", file_of([{**RAKUTEN_ROW, "ステータス": "X9"}]), {"order_file.state_confirmed": ["X9"]})
    assert not known.problems


def test_a_file_that_is_no_order_file_is_refused_with_every_form_it_is_not() -> None:
    for data in (b"", b"\xff\xfe\x00", file_of([{"商品管理番号": "x", "在庫数": "1"}])):
        with pytest.raises(OrderFileRefused) as refused:
            read("rakuten", data)
        assert BUYER not in str(refused.value)
    assert "RMS 受注CSV" in str(refused.value)
    assert "自社受注CSV" in str(refused.value)


# ------------------------------------------------------------------ what is kept


def test_the_same_order_is_kept_as_the_same_bytes_whenever_it_is_sent() -> None:
    for rows in ([RAKUTEN_ROW], [{**RAKUTEN_ROW, "ステータス": "キャンセル確定"}]):
        bodies = {
            one.body
            for encoding in ("cp932", "utf-8")
            for one in read("rakuten", file_of(rows, encoding=encoding)).orders
        }
        assert len(bodies) == 1


def test_when_the_file_was_made_counts_for_what_its_rows_do_not_date() -> None:
    made_at = NOW - timedelta(hours=5)
    data = file_of([{**RAKUTEN_ROW, "ステータス": "キャンセル確定"}])
    found = read("rakuten", data, made_at=made_at)
    (told,) = tellings(found, "rakuten")
    assert told.told_at == made_at


def test_what_is_kept_and_cannot_be_read_waits_for_a_person() -> None:
    for body in (b"", b"[]", b'{"form": "nobodys", "rows": []}', b'{"form": 1}'):
        assert not isinstance(read_kept(body, offered("rakuten"), NOW), Telling)


# ------------------------------------------------------------------ every form

PERSONS = (
    "姓",
    "氏名",
    "名前",
    "様",
    "住所",
    "郵便",
    "電話",
    "メール",
    "コメント",
    "備考",
    "のし",
    "name",
    "address",
    "phone",
    "mail",
)
FORMS = [
    (folder, form)
    for folder in adapters.codes()
    if isinstance(forms := adapters.declared(folder).orders_in, tuple)
    for form in forms
]


@pytest.mark.parametrize(("folder", "form"), FORMS, ids=lambda one: getattr(one, "name", one))
def test_every_form_keeps_no_column_of_a_person_and_says_where_it_comes_from(folder: str, form: OrderForm) -> None:
    profile = adapters.profile(folder)
    assert set(form.required) <= set(form.columns)
    assert NUMBER in form.required
    assert form.label
    assert form.where
    for column in form.columns:
        spellings = profile.texts(f"order_file.{column}")
        assert spellings
        assert not any(word in spelling.lower() for spelling in spellings for word in PERSONS), spellings
    for state in OrderState:
        assert isinstance(profile.texts(f"order_file.state_{state.value}"), tuple)


def test_the_names_of_forms_are_their_own() -> None:
    names = [form.name for _, form in FORMS]
    assert len(names) == len(set(names)) == 6
