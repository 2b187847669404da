"""在庫一括更新: files of malls and our own, as operators send them: right, spoilt, twice, late, and in the middle of orders."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from api.database import Database
from api.jobs import applying, imports, runs, staging
from api.jobs.imports import Wish
from api.projecting import runner
from api.tables import import_pages
from ledger import load
from ledger.book import loads, shops, stock
from ledger.codec import Envelope
from ledger.facts.shop import DryRunReviewed
from ledger.load import ImportNotAccepted
from ledger.reading import look
from ledger.terms import ListingKey
from tests.adapters.rakuten.sample_files import PREORDER, USUAL, parent, sku, table
from tests.api.import_rig import OWN_FILE, YAHOO_FILE, Imports, importing, items, lines


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found
        assert found.is_sound()


# ------------------------------------------------------------------ a file that is right


def test_a_malls_file_links_listings_registers_skus_and_sets_their_numbers(given: Imports) -> None:
    file = given.stage(
        table(
            [
                parent("cup", "C-1", "マグカップ①"),
                sku("cup", "red", "5", "CUP-RED"),
                sku("cup", "blue", "0"),
                parent("pen", "P-1", "万年筆"),
                sku("pen", "pen", "007", "PEN"),
            ]
        ),
        given.rakuten,
    )
    assert (file.encoding, file.rows, file.problems) == ("cp932", 3, 0)
    seen = given.preview(file)
    assert (seen.changed, seen.new_listings, seen.new_skus, seen.first_numbers, seen.skipped) == (3, 3, 3, 3, {})
    done = given.apply(file)
    assert (done.changed, done.unchanged, done.skipped) == (3, 0, {})
    assert given.available() == {"CUP-RED": 5, "PEN": 7, "cup-blue": 0}
    found = given.listing("cup", "red")
    assert (found.sku, found.state, found.codes) == ("CUP-RED", "to_confirm", ("C-1/red", "CUP-RED"))


def test_the_same_number_of_the_same_time_says_nothing_and_of_a_newer_time_is_a_fact(given: Imports) -> None:
    given.rakuten_file({"A": 5, "B": 6})
    before = given.facts()
    again = given.stage(items({"A": 5, "B": 6}), given.rakuten)
    assert given.preview(again).same_file is not None
    done = given.apply(again)
    assert (done.changed, done.unchanged) == (0, 2)
    assert given.facts()["StockOverwritten"] == before["StockOverwritten"]
    assert given.rakuten_file({"A": 5, "B": 6}, hours=1).changed == 2


def test_an_older_file_than_the_number_that_stands_changes_nothing(given: Imports) -> None:
    given.rakuten_file({"A": 5}, hours=2)
    assert given.rakuten_file({"A": 9}, hours=1).skipped == {load.OLDER: 1}
    assert given.available() == {"A": 5}


def test_a_names_change_is_a_fact_and_the_same_name_is_none(given: Imports) -> None:
    given.rakuten_file({"A": 5})
    given.rakuten_file({"A": 6}, hours=1)
    assert "SkuRenamed" not in given.facts()
    renamed = table([parent("a", name="新しい名前"), sku("a", "a", "6", "A")])
    given.apply(given.stage(renamed, given.rakuten, hours=2))
    assert given.facts()["SkuRenamed"] == 1


def test_new_codes_of_a_linked_listing_are_kept_and_a_pre_order_page_is_excluded(given: Imports) -> None:
    given.rakuten_file({"A": 5})
    given.do(shops.confirm_listings(given.rakuten, {ListingKey("a", "a"): (5, 5)}))
    columns = (*USUAL, PREORDER)
    given.apply(given.stage(table([parent("a", "NEW-1"), sku("a", "a", "6", "A")], columns), given.rakuten, hours=1))
    found = given.listing("a", "a")
    assert (found.codes, found.state) == (("NEW-1", "NEW-1/a", "A"), "linked")
    preorder = {PREORDER: "2027-01-01"}
    file = given.stage(
        table([parent("a", "NEW-1"), sku("a", "a", "9", "A", **preorder)], columns), given.rakuten, hours=2
    )
    assert given.apply(file).skipped == {load.NO_NUMBER: 1}
    assert (given.listing("a", "a").state, given.available()) == ("excluded", {"A": 6})


def test_the_linked_sku_counts_and_not_what_the_match_key_names_and_units_are_multiplied(given: Imports) -> None:
    given.do(shops.link_listing(given.rakuten, ListingKey("a", "a"), "OTHER", units_per_listing=3))
    assert given.rakuten_file({"A": 5}).changed == 1
    assert given.available() == {"OTHER": 15}
    given.do(shops.link_listing(given.rakuten, ListingKey("b", "b"), "MANY", units_per_listing=9_999))
    assert given.rakuten_file({"B": 99_999}).skipped == {load.TOO_MANY: 1}


# ------------------------------------------------------------------ several listings of one SKU (D4)


def test_equal_numbers_of_two_listings_are_one_number_and_different_ones_are_shown(given: Imports) -> None:
    file = given.stage(
        lines(("a", "1", "5", "SAME"), ("b", "1", "5", "SAME"), ("a", "2", "5", "X"), ("b", "2", "6", "X")),
        given.rakuten,
    )
    assert [problem.partition(";")[0] for problem in given.problems(file)] == [
        "row 4, column units: '5'",
        "row 5, column units: '6'",
    ]
    assert given.preview(file).unchanged == 1
    done = given.apply(file)
    assert (done.changed, done.unchanged, done.problems) == (1, 1, 2)
    assert given.available() == {"SAME": 5}


def test_a_page_of_three_agrees_with_the_page_of_one_when_its_number_is_the_whole_third(given: Imports) -> None:
    given.do(shops.link_listing(given.rakuten, ListingKey("set", "set"), "A", units_per_listing=3))
    given.house.book.do(shops.link_listing(given.rakuten, ListingKey("a", "a"), "A"), given.house.by())
    from_worker(given)
    agreeing = given.stage(lines(("a", "a", "10", "A"), ("set", "set", "3", "S")), given.rakuten)
    assert given.problems(agreeing) == []
    given.apply(agreeing)
    assert given.available()["A"] == 10
    disagreeing = given.stage(lines(("a", "a", "10", "A"), ("set", "set", "4", "S")), given.rakuten, hours=1)
    assert len(given.problems(disagreeing)) == 2


def test_a_link_made_while_the_file_waited_makes_two_listings_one_sku_and_the_second_is_not_guessed(
    given: Imports,
) -> None:
    file = given.stage(lines(("a", "a", "5", "A"), ("b", "b", "7", "B")), given.rakuten)
    given.do(shops.link_listing(given.rakuten, ListingKey("b", "b"), "A"))
    assert given.preview(file).skipped == {load.DISAGREES: 1}
    assert given.apply(file).skipped == {load.DISAGREES: 1}
    assert given.available()["A"] == 5


def from_worker(given: Imports) -> None:
    """The listings table has what was linked."""
    tables = runner(given.house)
    tables.run_once()
    tables.close()


# ------------------------------------------------------------------ orders, sets, owed units


def test_orders_the_file_could_not_know_come_on_top(given: Imports) -> None:
    given.rakuten_file({"A": 10, "B": 10}, hours=0)
    given.order(given.rakuten, "r-1", "A", hours=1)
    given.order(given.rakuten, "r-2", "B", hours=3)
    given.do(shops.link_listing(given.yahoo, ListingKey("b", "b"), "B"))
    given.order(given.yahoo, "y-1", "B", 2, hours=1)
    file = given.stage(items({"A": 9, "B": 10}), given.rakuten, hours=2)
    given.apply(file)
    assert given.available() == {"A": 9, "B": 10 - 1 - 2}


def test_an_order_while_a_chunk_waits_for_the_lock_is_on_top_of_its_number(given: Imports) -> None:
    given.rakuten_file({"A": 10, "B": 10})
    file = given.stage(items({"A": 20, "B": 30}), given.rakuten, hours=1)
    begun = given.house.book.do(loads.start_import(file.import_id, applying.started(file)), given.house.by())
    since = begun.answer["since"]
    assert isinstance(since, int)
    how = applying.how_of(file, since)
    now = given.house.clock.now()
    with given.house.pool.connection() as connection, look(connection, given.house.database.schema, now) as seen:
        rows = import_pages.page(connection, file, how, 0, 100)
        ahead = loads.decide_ahead(seen, how, rows, Envelope(now, "user:1", "t"))
    given.order(given.rakuten, "r-1", "A", 4, hours=2)
    done = given.house.book.do(loads.apply_chunk(1, ahead, how), given.house.by())
    assert (done.answer["changed"], done.answer["stale"]) == (2, 1)
    assert given.available() == {"A": 16, "B": 30}
    assert given.apply(file).changed == 2


def test_a_chunk_whose_skus_all_moved_is_decided_ahead_again(given: Imports) -> None:
    names = [f"S{n}" for n in range(loads.STALE_ROWS_MAX + 1)]
    given.rakuten_file(dict.fromkeys(names, 1))
    file = given.stage(items(dict.fromkeys(names, 2)), given.rakuten, hours=1)
    begun = given.house.book.do(loads.start_import(file.import_id, applying.started(file)), given.house.by())
    since = begun.answer["since"]
    assert isinstance(since, int)
    how = applying.how_of(file, since)
    now = given.house.clock.now()
    with given.house.pool.connection() as connection, look(connection, given.house.database.schema, now) as seen:
        ahead = loads.decide_ahead(
            seen, how, import_pages.page(connection, file, how, 0, 1_000), Envelope(now, "u", "t")
        )
    given.rakuten_file(dict.fromkeys(names, 3), hours=0.5)
    with pytest.raises(loads.MovedTooMuch):
        given.house.book.do(loads.apply_chunk(1, ahead, how), given.house.by())
    assert given.apply(file).changed == len(names)
    assert set(given.available().values()) == {2}


def test_a_set_has_no_number_of_its_own(given: Imports) -> None:
    given.rakuten_file({"A": 10})
    given.do(stock.define_set("SET", ["A"], [2]))
    assert given.rakuten_file({"A": 9, "SET": 4}, hours=1).skipped == {load.IS_SET: 1}
    assert given.available() == {"A": 9, "SET": None}


def test_a_sku_with_owed_units_is_asked_for_and_the_answer_is_kept(given: Imports) -> None:
    given.rakuten_file({"A": 1})
    given.order(given.rakuten, "r-1", "A", 3, hours=1)
    file = given.stage(items({"A": 10}), given.rakuten, hours=2)
    assert given.preview(file).skipped == {load.OWED: 1}
    assert given.apply(file).skipped == {load.OWED: 1}
    assert given.rakuten_file({"A": 10}, hours=3, owed="before").changed == 1
    assert given.available() == {"A": 8}


# ------------------------------------------------------------------ 追加, see D6


def test_parts_of_two_malls_are_summed_and_the_same_part_again_replaces_itself(given: Imports) -> None:
    given.rakuten_file({"A": 30}, mode="add")
    given.apply(given.stage(b"code,sub-code,quantity\r\nA,,20\r\n", given.yahoo, name=YAHOO_FILE, mode="add"))
    assert given.available() == {"A": 50}
    assert given.rakuten_file({"A": 30}, mode="add").unchanged == 1
    given.rakuten_file({"A": 25}, mode="add", hours=1)
    assert given.available() == {"A": 45}
    assert given.rakuten_file({"A": 99}, mode="add").skipped == {load.OLDER: 1}


def test_what_a_shop_sold_between_its_two_files_is_in_the_second_and_not_taken_off_twice(given: Imports) -> None:
    given.rakuten_file({"A": 30}, mode="add")
    given.order(given.rakuten, "r-1", "A", 3, hours=1)
    assert given.available() == {"A": 27}
    given.rakuten_file({"A": 27}, mode="add", hours=2)
    assert given.available() == {"A": 27}
    given.order(given.rakuten, "r-2", "A", 2, hours=4)
    given.rakuten_file({"A": 27}, mode="add", hours=3)
    assert given.available() == {"A": 25}


def test_orders_behind_the_first_part_of_a_sku_without_a_number_come_on_top(given: Imports) -> None:
    given.do(shops.link_listing(given.rakuten, ListingKey("a", "a"), "A"), stock.register_sku("A"))
    given.order(given.rakuten, "r-1", "A", hours=1)
    given.order(given.rakuten, "r-2", "A", hours=-1)
    given.rakuten_file({"A": 10}, mode="add")
    assert given.available() == {"A": 9}


def test_a_part_is_refused_while_its_shop_is_pushed_also_in_the_middle(given: Imports) -> None:
    given.rakuten_file({"A": 30})
    file = given.stage(items({"A": 5}), given.rakuten, mode="add", hours=1)
    switch_on(given)
    with pytest.raises(ImportNotAccepted, match="在庫反映"):
        given.apply(file)
    assert given.available() == {"A": 30}


def switch_on(given: Imports) -> None:
    """在庫反映 of the shop runs."""
    code = given.rakuten
    reviewed = DryRunReviewed(
        read_position=1, listings=1, changed=0, to_zero=0, unregistered=0, sells_at_zero=0, guard_passed=True
    )
    given.do(shops.start_intake(code), shops.prove_intake(code, "mail"), shops.review_dry_run(code, reviewed))
    given.do(shops.start_push(code, kept_position=1))


# ------------------------------------------------------------------ our own form


def test_our_own_form_says_per_row_what_its_number_means_and_when_it_was_true(given: Imports) -> None:
    given.rakuten_file({"A": 10, "B": 10, "C": 10})
    given.order(given.rakuten, "r-1", "B", 2, hours=1)
    given.own_file(
        "商品SKU,想定在庫数,実在庫数,保留在庫数,更新方法,時点\r\n"
        f"A,7,,3,,{given.at(2).isoformat()}\r\n"
        "B,,9,,,\r\n"
        "C,5,,,追加,\r\n"
        "NEW,4,,,,\r\n"
        "KEPT,,,2,,\r\n",
        hours=3,
    )
    assert given.available() == {"A": 7, "B": 7, "C": 15, "NEW": 4, "KEPT": None}
    with given.house.pool.connection() as connection:
        rows = connection.execute("SELECT sku, kept_back FROM stock_levels WHERE kept_back > 0").fetchall()
    assert dict(rows) == {"A": 3, "KEPT": 2}


def test_our_own_form_stops_and_starts_the_listings_of_a_sku_and_leaves_those_that_wait(given: Imports) -> None:
    given.rakuten_file({"A": 10, "B": 10})
    given.do(shops.confirm_listings(given.rakuten, {ListingKey("a", "a"): (10, 10)}))
    from_worker(given)
    text = "商品SKU,想定在庫数,連動\r\nA,,停止\r\nB,,停止\r\n"
    file = given.stage(text.encode("cp932"), None, name=OWN_FILE, hours=1)
    assert (given.preview(file).switched, given.apply(file).changed) == (1, 1)
    assert (given.listing("a", "a").state, given.listing("b", "b").state) == ("stopped", "to_confirm")
    assert given.own_file(text, hours=2).unchanged == 2
    from_worker(given)
    given.own_file("商品SKU,想定在庫数,連動\r\nA,7,連動\r\n", hours=3)
    assert (given.listing("a", "a").state, given.available()["A"]) == ("linked", 7)


def test_a_sku_that_stands_twice_in_our_own_form_and_a_time_too_old_are_problems(given: Imports) -> None:
    old = (given.at(0) - timedelta(days=40)).isoformat()
    text = f"商品SKU,想定在庫数,時点\r\nA,1,\r\nA,1,\r\nB,2,{old}\r\nC,3,\r\n"
    file = given.stage(text.encode("cp932"), None, name=OWN_FILE, mode="add")
    first, second = given.problems(file)
    assert "one row for each SKU; this one stood in row 2" in first
    assert "within the last 35 days" in second
    given.apply(file)
    assert given.available() == {"A": 1, "C": 3}


def test_a_stock_file_that_makes_no_products_names_what_it_does_not_know(given: Imports) -> None:
    given.rakuten_file({"A": 5})
    switch_on(given)
    file = given.stage(b"code,sub-code,quantity\r\nA,,4\r\nZ,,9\r\n", given.yahoo, name=YAHOO_FILE, hours=1)
    assert given.apply(file).skipped == {load.UNKNOWN_SKU: 1}
    assert given.available() == {"A": 4}


# ------------------------------------------------------------------ its way: progress, stop, go on


def test_progress_is_told_and_a_cancelled_import_stops_where_it_is(given: Imports) -> None:
    told: list[tuple[int, int]] = []
    file = given.stage(items({f"S{n}": n for n in range(1_200)}), given.rakuten)

    def progress(done: int, of: int) -> None:
        told.append((done, of))
        if len(told) == 1:
            given.do(loads.cancel_import(file.import_id))

    with pytest.raises(ImportNotAccepted, match="cancelled"):
        applying.apply(given.house, file.import_id, given.house.by(), progress)
    assert told == [(500, 1_200)]
    assert len(given.available()) == 500
    with pytest.raises(ImportNotAccepted, match="cancelled"):
        given.apply(file)
    (listed,) = runs.listed(given.house)
    assert (listed["state"], listed["changed"]) == ("cancelled", 500)


def test_an_import_that_stopped_goes_on_behind_its_last_chunk_and_every_row_counts_once(given: Imports) -> None:
    file = given.stage(items({f"S{n}": n if n % 7 else None for n in range(1_500)}), given.rakuten, mode="add")

    def stop(done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        applying.apply(given.house, file.import_id, given.house.by(), stop)
    assert 0 < len(given.available()) < 1_500
    done = given.apply(file)
    blank = len([n for n in range(1_500) if n % 7 == 0])
    assert (done.changed, done.skipped) == (1_500 - blank, {load.NO_NUMBER: blank})
    assert given.available() == {f"S{n}": n if n % 7 else None for n in range(1_500)}
    with pytest.raises(ImportNotAccepted, match="finished"):
        given.apply(file)


def test_a_dry_run_changes_nothing(given: Imports) -> None:
    given.rakuten_file({"A": 5})
    before = given.facts()
    file = given.stage(items({"A": 6, "B": 1}), given.rakuten, hours=1)
    assert given.preview(file).changed == given.preview(file).changed == 2
    assert (given.facts(), given.available()) == (before, {"A": 5})


def test_a_shop_that_is_not_connected_takes_no_file(given: Imports) -> None:
    with pytest.raises(ValueError, match="not connected"):
        staging.stage(
            given.house, [items({"A": 1})], Wish("nobody", "add", "x.csv"), "u", imports.shop_of(given.house, "nobody")
        )
