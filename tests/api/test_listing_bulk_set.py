"""Lists that set 入数, rules, what is kept back and states: blank leaves, なし takes away, 連動 only for what a person saw."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.jobs.imports import FileRefused
from ledger.book import shops, stock
from ledger.facts.listing import ListingSettingsChanged
from ledger.listing import NO_RULES
from ledger.terms import ListingKey
from tests.api.import_rig import Imports, importing
from tests.api.listing_bulk_rig import preview, read_back, register, send

A, B = ListingKey("a"), ListingKey("b")


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        register(found, "A", "B")
        found.do(
            shops.link_listing(found.rakuten, A, "A"),
            shops.link_listing(found.rakuten, B, "B"),
            shops.confirm_listings(found.rakuten, {A: (5, 5)}),
        )
        yield found
        assert found.is_sound()


def test_every_rule_is_set_by_its_column_and_a_blank_one_stays(given: Imports) -> None:
    first = send(
        given,
        "set",
        "モール商品コード,留保数,配分率,上限数,停止しきい値,再開数,最短停止秒数,優先ショップ,リードタイム,予約商品の販売開始日\n"
        "a,2,５０%,１０,3,6,60,する,5,2027/1/31\n"
        "b,,,,,,,,,\n",
    )
    assert first.became == {"changed": 1}
    assert first.outcome is not None and first.outcome.blank == 1
    whole = ListingSettingsChanged(
        reserve=2,
        share_percent=50,
        cap=10,
        stop_threshold=3,
        resume_level=6,
        minimum_rest_seconds=60,
        first_choice=True,
        lead_time_days=5,
        restock_on="2027-01-31",
    )
    assert given.listing("a").settings == whole
    again = send(given, "set", "item,cap,reserve\na,,7\n")
    assert again.became == {"changed": 1}
    assert given.listing("a").settings.reserve == 7
    assert given.listing("a").settings.cap == 10
    assert send(given, "set", "item,cap,reserve\na,,7\n").became == {"same": 1}


def test_the_word_nashi_takes_a_setting_away(given: Imports) -> None:
    send(given, "set", "item,cap,reserve,share,stop_threshold,kept_back_units\na,5,5,50,1,4\n")
    columns = "item,cap,reserve,share,stop_threshold,kept_back_units\n"
    assert send(given, "set", columns + "a,なし,none,解除,なし,なし\n").became == {"changed": 1}
    assert given.listing("a").settings == NO_RULES
    assert kept_back(given, "A") == 0


def test_what_is_kept_back_is_the_skus_and_rows_of_one_sku_say_one_number(given: Imports) -> None:
    given.do(shops.link_listing(given.rakuten, ListingKey("a", "2"), "A"))
    sent = send(given, "set", "item,variant,保留在庫数\na,,3\na,2,3\nb,,1\n")
    assert sent.became == {"changed": 2, "same": 1}
    assert (kept_back(given, "A"), kept_back(given, "B")) == (3, 1)
    sent = send(given, "set", "item,variant,保留在庫数\na,,4\na,2,5\n")
    assert sent.problems == ["row 3, column 保留在庫数: '5'; expected 4, as row 2 says: it is one number of SKU A"]


def test_a_row_of_a_sku_alone_is_for_all_its_listings_in_the_shop(given: Imports) -> None:
    given.do(shops.link_listing(given.rakuten, ListingKey("a", "2"), "A"), shops.link_listing(given.yahoo, A, "A"))
    sent = send(given, "set", "商品SKU,上限数\nA,3\nNOBODY,3\n")
    assert sent.became == {"changed": 1}
    assert [given.listing("a", variant).settings.cap for variant in ("", "2")] == [3, 3]
    assert given.listing("a", shop=given.yahoo).settings.cap is None
    assert sent.problems[0].startswith("row 3, column 商品SKU: 'NOBODY'; expected a SKU with 1 to 2000 listings")


def test_a_row_that_names_the_listing_and_another_sku_is_refused_whole(given: Imports) -> None:
    sent = send(given, "set", "item,sku,cap\na,B,3\nz,,1\n")
    assert sent.problems == [
        "row 2, column sku: 'B'; expected A, which a sells",
        "row 3, column item: 'z'; expected a listing that is linked; z is not: `daicho listing link` links it",
    ]
    assert given.listing("a").settings.cap is None


def test_other_units_per_listing_make_it_wait_again_whatever_the_carried_along_state_says(given: Imports) -> None:
    text = "item,入数,連動状態\na,2,連動\n"
    sent = send(given, "set", text)
    assert sent.outcome is not None
    assert (sent.became, dict(sent.outcome.states)) == ({"changed": 1}, {"to_confirm": 1})
    assert (given.listing("a").units_per_listing, given.listing("a").state) == (2, "to_confirm")
    assert send(given, "set", text).problems == [
        "row 2, column 連動状態: '連動'; expected モール確認数 and 反映予定数 as seen, for a listing that waits to be confirmed (確認待ち)"
    ]
    assert send(given, "set", "item,入数,連動状態\na,3,停止\n").problems[0].startswith("row 2, column 連動状態: '停止'")


def test_states_change_by_their_words(given: Imports) -> None:
    for word, state, show_zero in (
        ("停止", "stopped", False),
        ("0で停止", "stopped", True),
        ("連動", "linked", False),
        ("対象外", "excluded", False),
        ("確認待ち", "to_confirm", False),
    ):
        assert send(given, "set", f"item,連動状態\na,{word}\n").became == {"changed": 1}
        assert (given.listing("a").state, given.listing("a").show_zero) == (state, show_zero)
        assert send(given, "set", f"item,連動状態\na,{word}\n").became == {"same": 1}
    assert send(given, "set", "item,連動状態\nb,対象外\n").became == {"changed": 1}
    assert send(given, "set", "item,連動状態\nb,連動\n").problems == [
        "row 2, column 連動状態: '連動'; expected a stopped one (停止) (the listing is excluded)"
    ]


def test_a_waiting_listing_is_confirmed_by_the_numbers_a_person_saw_and_by_no_others(given: Imports) -> None:
    given.do(stock.add("B", 7))
    columns = "item,連動状態,モール確認数,反映予定数\n"
    assert "was not read" in send(given, "set", columns + "b,連動,5,7\n").problems[0]
    read_back(given, {B: 5})
    refused = send(given, "set", columns + "b,連動,5,8\n")
    assert refused.problems == ["row 2, column 反映予定数: '8'; expected 7, which is the number of b now"]
    sent = send(given, "set", columns + "b,連動,5,7\n")
    assert sent.outcome is not None and dict(sent.outcome.states) == {"linked": 1}
    assert given.listing("b").state == "linked"


def test_the_preview_counts_pages_that_show_another_number_and_those_that_fall_to_zero(given: Imports) -> None:
    given.do(stock.add("A", 5))
    seen = preview(given, "set", "item,reserve\na,5\n").outcome
    assert seen is not None and dict(seen.effects) == {"numbersChange": 1, "toZero": 1}
    seen = preview(given, "set", "item,保留在庫数\na,1\n").outcome
    assert seen is not None and dict(seen.effects) == {"numbersChange": 1, "toZero": 0}


def test_wrong_cells_are_named_with_what_they_may_say(given: Imports) -> None:
    sent = send(
        given,
        "set",
        "item,share,lead_time_days,restock_on,state,cap,stop_threshold,resume_level\n"
        "a,0,,,,,,\na,,31,,,,,\na,,,2027-02-30,,,,\na,,,,動,,,\na,,,,,-1,,\na,,,,,,5,5\n",
    )
    assert [problem.partition("; expected")[0] for problem in sent.problems] == [
        "row 2, column 配分率: '0'",
        "row 3, column リードタイム: '31'",
        "row 4, column 予約商品の販売開始日: '2027-02-30'",
        "row 5, column 連動状態: '動'",
        "row 6, column 上限数: '-1'",
        "row 7, column stop_threshold: '5'",
    ]
    assert given.listing("a").settings == NO_RULES


def test_a_file_that_says_nothing_is_refused(given: Imports) -> None:
    with pytest.raises(FileRefused, match="none of its columns says what to change"):
        preview(given, "set", "商品SKU,モール商品コード\nA,a\n")


def kept_back(given: Imports, code: str) -> int:
    with given.house.pool.connection() as connection:
        row = connection.execute("SELECT kept_back FROM stock_levels WHERE sku = %s", (code,)).fetchone()
    assert row is not None
    return int(row[0])


def test_the_malls_own_items_are_set_by_its_own_names_and_taken_away(given: Imports) -> None:
    register(given, "OWN")
    given.do(shops.link_listing(given.rakuten, ListingKey("own", "own"), "OWN"))
    text = "モール商品コード,モール枝番,在庫あり時納期管理番号,在庫切れ時納期管理番号\nown,own,7,12\n"
    assert send(given, "set", text).became == {"changed": 1}
    rules = given.listing("own", "own").settings
    assert (rules.own_item_names, rules.own_item_values) == (
        ["back_order_delivery_time_id", "normal_delivery_time_id"], ["12", "7"]
    )  # fmt: skip
    text = "item,variant,normal_delivery_time_id,back_order_delivery_time_id\nown,own,,なし\nown,own2,0,\n"
    sent = send(given, "set", text)
    assert sent.became == {"changed": 1}
    assert given.listing("own", "own").settings.own_item_values == ["7"]
    (problem,) = sent.problems
    assert "在庫あり時納期管理番号" in problem
