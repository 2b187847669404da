"""Lists that link listings, replace their codes and define sets: right, wrong, twice, damaged and cut off in the middle."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.jobs import listing_bulk, listing_bulk_tasks
from api.jobs.imports import FileRefused
from ledger import keys, sku
from ledger.book import shops, stock
from ledger.facts.listing import ListingSettingsChanged
from ledger.shop import ShopNotReady
from ledger.terms import ListingKey
from tests.api.import_rig import Imports, importing
from tests.api.listing_bulk_rig import file, preview, register, rows_of, send, task_of


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found
        assert found.is_sound()


# ------------------------------------------------------------------ 一括更新:取り扱いショップ


def test_skus_are_linked_to_a_shop_variant_by_variant_and_wait_to_be_confirmed(given: Imports) -> None:
    register(given, "CUP-RED", "CUP-BLUE", "PEN")
    sent = send(
        given,
        "link",
        "備考,商品SKU,モール枝番,モール商品コード,入数\n"
        "x,CUP-RED,カラー：レッド ,cup,\n"
        "x,CUP-BLUE,カラー：ブルー,cup,3\n"
        ",PEN,,0012,\n"
        ",,,bare,\n"
        ",,,,\n",
    )
    assert sent.became == {"new": 3}
    assert sent.outcome is not None
    assert (sent.outcome.rows, sent.outcome.blank, sent.outcome.unknown_columns) == (4, 1, ["備考"])
    red, blue = given.listing("cup", "カラー：レッド "), given.listing("cup", "カラー：ブルー")
    assert (red.sku, red.units_per_listing, red.state) == ("CUP-RED", 1, "to_confirm")
    assert (blue.sku, blue.units_per_listing) == ("CUP-BLUE", 3)
    assert given.listing("0012").sku == "PEN"


def test_the_same_list_twice_says_nothing_new_and_keeps_what_was_set_since(given: Imports) -> None:
    register(given, "A")
    text = "sku,item,variant\nA,a,1\n"
    send(given, "link", text)
    given.do(
        shops.confirm_listings(given.rakuten, {ListingKey("a", "1"): (5, 5)}),
        shops.link_listing(given.rakuten, ListingKey("a", "1"), "A", units_per_listing=2, codes=["A-1"]),
    )
    before = given.facts()
    assert send(given, "link", text).became == {"same": 1}
    assert given.facts() == before
    found = given.listing("a", "1")
    assert (found.units_per_listing, found.codes) == (2, ("A-1",))


def test_a_sku_that_nobody_registered_is_refused_and_one_that_looks_like_it_is_named(given: Imports) -> None:
    register(given, "ABC-1")
    sent = send(given, "link", "sku,item\nＡＢＣ-1,a\nabc-1,b\nXYZ,c\nABC-1,d\n")
    assert sent.became == {"new": 1}
    assert sent.problems == [
        "row 2, column 商品SKU: 'ＡＢＣ-1'; expected a SKU that is registered, as ABC-1 is",
        "row 3, column 商品SKU: 'abc-1'; expected a SKU that is registered, as ABC-1 is",
        "row 4, column sku: 'XYZ'; expected a SKU that is registered: import its product or register it first",
    ]


def test_another_sku_than_the_listing_sells_now_needs_relinking(given: Imports) -> None:
    register(given, "A", "B")
    send(given, "link", "sku,item\nA,a\n")
    given.do(shops.confirm_listings(given.rakuten, {ListingKey("a"): (1, 1)}))
    refused = send(given, "link", "sku,item\nB,a\n")
    assert refused.problems == [
        "row 2, column sku: 'B'; expected A, which the listing sells now; another one only when relinking"
    ]
    assert send(given, "link", "sku,item\nB,a\n", relink=True).became == {"relinked": 1}
    assert (given.listing("a").sku, given.listing("a").state) == ("B", "to_confirm")


def test_every_kind_of_wrong_row_is_named_by_row_column_value_and_expectation(given: Imports) -> None:
    register(given, "A")
    long = "x" * 201
    sent = send(
        given,
        "link",
        f"商品SKU,モール商品コード,モール枝番,入数\nA,,,\nA,a,,0\nA,b,,二\nA,{long},,\n{long},c,,\nA,d,,\nA,d,,1\nA,e,\n",
    )
    assert [problem.partition("; expected ")[0] for problem in sent.problems] == [
        "row 2, column モール商品コード: ''",
        "row 3, column 入数: '0'",
        "row 4, column 入数: '二'",
        f"row 5, column モール商品コード: '{'x' * 200}'",
        f"row 6, column 商品SKU: '{'x' * 200}'",
        "row 8, column モール商品コード: 'd'",
    ]
    assert sent.problems[-1].endswith("one row for each; this one stood in row 7")
    assert sent.became == {"new": 2}


def test_the_error_list_is_corrected_and_sent_again(given: Imports) -> None:
    register(given, "A", "-B")
    sent = send(given, "link", "備考,商品SKU,モール商品コード,入数\n=1+1,A,a,x\n,A,b,\n'x,-B,=c,0\n")
    assert rows_of(bytes(sent.errors))[0] == [
        "備考",
        "商品SKU",
        "モール商品コード",
        "入数",
        "エラー行",
        "エラー列",
        "エラーの値",
        "正しい値",
    ]
    assert [row[:7] for row in sent.error_rows] == [
        ["=1+1", "A", "a", "x", "2", "入数", "x"],
        ["'x", "-B", "=c", "0", "4", "入数", "0"],
    ]
    assert "\r\n'=1+1,A,a,x," in sent.errors.decode("utf-8-sig")
    again = bytes(sent.errors).replace(b",a,x,", b",a,1,").replace(b"'=c,0,", b"'=c,1,")
    corrected = send(given, "link", again)
    assert (corrected.became, corrected.problems, corrected.errors) == ({"new": 2}, [], bytearray())
    assert given.listing("=c").sku == "-B"
    twice_wrong = send(given, "link", bytes(sent.errors))
    assert len(rows_of(bytes(twice_wrong.errors))[0]) == 8


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is empty"),
        ("商品SKU,入数\nA,1\n".encode(), "column モール商品コード is missing"),
        (b"sku,item,SKU\nA,a,B\n", "stands 2 times"),
        ("商品SKU,モール商品コード\nA,a\n".encode() + b"A,\xff\xfe\n", "row 3"),
        (b"sku,item\nA,a\nA,b\x00\n", "NUL"),
    ],
)
def test_a_damaged_or_another_file_changes_nothing(given: Imports, content: bytes, sentence: str) -> None:
    register(given, "A")
    before = given.facts()
    with pytest.raises(FileRefused, match=sentence):
        preview(given, "link", content)
    assert given.facts() == before


def test_a_shop_that_is_not_connected_is_named(given: Imports) -> None:
    with pytest.raises(ShopNotReady, match="nobody"):
        listing_bulk_tasks.linking(given.house, "nobody", relink=False)


def test_a_list_that_was_stopped_in_the_middle_is_sent_again(given: Imports) -> None:
    register(given, "A")
    rows = 3 * listing_bulk.PAGE_ROWS
    text = "sku,item,variant\n" + "".join(f"A,a,{n}\n" for n in range(rows))

    def stop(done: int, _of: int) -> None:
        if done >= 2 * listing_bulk.PAGE_ROWS:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        listing_bulk.apply(given.house, file(text), task_of(given, "link"), given.house.by("user:1"), progress=stop)
    assert given.facts()["ListingLinked"] == 2 * listing_bulk.PAGE_ROWS
    assert send(given, "link", text).became == {"same": 2 * listing_bulk.PAGE_ROWS, "new": listing_bulk.PAGE_ROWS}


def test_a_row_that_stands_again_pages_later_is_found(given: Imports) -> None:
    register(given, "A")
    rows = listing_bulk.PAGE_ROWS + 1
    text = "sku,item,variant\n" + "".join(f"A,a,{n}\n" for n in range(rows)) + "A,a,0\n"
    sent = preview(given, "link", text)
    assert sent.problems == [
        f"row {rows + 2}, column モール商品コード: 'a'; expected one row for each; this one stood in row 2"
    ]


# ------------------------------------------------------------------ codes replaced


def test_replaced_codes_take_sku_units_and_rules_with_them_and_wait_again(given: Imports) -> None:
    register(given, "A")
    old = ListingKey("a", "赤")
    given.do(
        shops.link_listing(given.rakuten, old, "A", units_per_listing=2, codes=["A-1"]),
        shops.confirm_listings(given.rakuten, {old: (1, 1)}),
        shops.change_listing_settings(given.rakuten, [old], ListingSettingsChanged(reserve=4)),
    )
    text = "モール商品コード,モール枝番,新モール商品コード,新モール枝番\na,赤,,レッド\nb,,,\n"
    sent = send(given, "replace", text)
    assert sent.became == {"replaced": 1}
    assert given.listing("a", "赤").state == "retired"
    found = given.listing("a", "レッド")
    assert (found.sku, found.units_per_listing, found.state, found.codes) == ("A", 2, "to_confirm", ("A-1",))
    assert found.settings.reserve == 4
    assert send(given, "replace", text).became == {"same": 1}


def test_codes_of_another_skus_listing_or_of_none_are_refused(given: Imports) -> None:
    register(given, "A", "B")
    send(given, "link", "sku,item\nA,a\nB,b\n")
    sent = send(given, "replace", "item,new_item\na,b\nc,d\na,a\n")
    assert sent.problems == [
        "row 2, column new_item: 'b'; expected codes of a listing of A; b sells B",
        "row 3, column item: 'c'; expected a listing that is linked; `daicho listing link` links one",
        "row 4, column モール商品コード: 'a'; expected one row for each; this one stood in row 2",
    ]


def test_codes_may_move_along_a_chain_in_the_order_of_the_list(given: Imports) -> None:
    register(given, "A", "B")
    send(given, "link", "sku,item\nA,1\nB,2\n")
    assert send(given, "replace", "item,new_item\n2,3\n1,2\n").became == {"replaced": 2}
    assert [given.listing(item).sku for item in ("2", "3")] == ["A", "B"]


# ------------------------------------------------------------------ sets


def test_sets_are_defined_changed_and_ended_by_all_their_rows(given: Imports) -> None:
    register(given, "A", "B", "C")
    text = "セット商品SKU,構成商品SKU,構成数\nS,A,2\nT,C,1\nS,B,１\n"
    assert send(given, "define", text).became == {"new": 2}
    assert recipe(given, "S") == {"A": 2, "B": 1}
    assert send(given, "define", text).became == {"same": 2}
    changed = send(given, "define", "sku,component,units\nS,A,3\nT,なし,\n")
    assert changed.became == {"changed": 1, "ended": 1}
    assert (recipe(given, "S"), recipe(given, "T")) == ({"A": 3}, {})


def test_a_set_with_one_wrong_row_is_refused_whole_and_stands_whole_in_the_error_list(given: Imports) -> None:
    register(given, "A", "B")
    sent = send(given, "define", "sku,component,units\nS,A,2\nS,B,x\nT,A,1\nT,A,1\nU,NOBODY,1\nV,A,1\nV,なし,\n")
    assert sent.became == {}
    assert [problem.partition("; expected")[0] for problem in sent.problems] == [
        "row 3, column 構成数: 'x'",
        "row 5, column 構成商品SKU: 'A'",
        "row 6, column component: 'NOBODY'",
        "row 7, column 構成商品SKU: 'なし'",
    ]
    assert sent.outcome is not None
    assert sent.outcome.problems == 7
    assert [row[3] for row in sent.error_rows] == ["2", "3", "4", "5", "6", "7", "8"]
    assert sent.error_rows[0][4:] == ["", "", "row 3 put right: its rows are done together"]


def test_a_set_inside_a_set_or_with_units_on_hand_is_refused_also_across_one_list(given: Imports) -> None:
    register(given, "A")
    given.do(stock.add("H", 5))
    sent = send(given, "define", "sku,component,units\nS,A,2\nT,S,1\nH,A,1\nA,H,1\n")
    assert sent.became == {"new": 1}
    assert [problem.partition(";")[0] for problem in sent.problems] == [
        "row 3, column sku: 'T'",
        "row 4, column sku: 'H'",
        "row 5, column sku: 'A'",
    ]


def recipe(given: Imports, code: str) -> dict[str, int]:
    found = given.house.look(keys.sku(code), sku.FOLD).recipe
    return dict(zip(found.components, found.units, strict=True))
