"""Look-alikes found, made one and parted, further codes and names: lists, imports, orders, with the ledger sound behind them."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from api import cli
from api.database import Database
from api.jobs import alike, applying, sku_lists, unify
from api.jobs.listing_bulk import apply, preview
from api.projecting import catch_up
from ledger.book import aliases, shops, stock
from ledger.terms import ListingKey
from ledger.unify import UnifyRefused
from tests.api.import_rig import Imports, importing
from tests.api.listing_bulk_rig import file
from tests.api.running import settings_of

Daicho = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found


@pytest.fixture
def daicho(given: Imports, tmp_path: Path) -> Iterator[Daicho]:
    """Runs a command; gives its exit code, what it answered as JSON, and what it said."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(settings_of(given.house.database, tmp_path))

    def run(*arguments: str) -> tuple[int, Any, str]:
        with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()) as said:
            code = cli.run([*arguments, "--json"])
        text = printed.getvalue()
        return code, json.loads(text) if text else None, said.getvalue()

    yield run
    os.environ.clear()
    os.environ.update(before)


def twins(given: Imports) -> None:
    """ABC-1 by 楽天's file with 10, abc1 by our own with 4; an order of 2 of ABC-1."""
    given.rakuten_file({"ABC-1": 10})
    given.own_file("商品SKU,想定在庫数\nabc1,4\n")
    given.order(given.rakuten, "1", "ABC-1", 2, hours=1)


def test_skus_that_look_the_same_are_proposed_with_their_numbers(given: Imports) -> None:
    twins(given)
    given.do(
        stock.register_sku("JAN-A", jan="4901234567894"),
        stock.register_sku("OTHER", jan="４９０１２３４５６７８９４"),
        stock.register_sku("N1", name="赤い カップ"),
        stock.register_sku("N2", name="赤いカップ"),
        stock.register_sku("V-RED", name="シャツ", product="shirt"),
        stock.register_sku("V-BLUE", name="シャツ", product="shirt"),
        stock.register_sku("コーヒー"),
        stock.register_sku("コヒ"),
    )
    found = list(alike.every_group(given.house))
    assert [(g.alike.reason, [one.row.sku for one in g.skus]) for g in found] == [
        ("code", ["ABC-1", "abc1"]),
        ("jan", ["JAN-A", "OTHER"]),
        ("name", ["N1", "N2"]),
    ]
    first = found[0].skus[0]
    assert (first.stock.on_hand_units, first.open_orders, first.listing_count) == (10, 1, 1)
    assert found[0].into == "ABC-1"


def test_groups_come_by_the_page(given: Imports) -> None:
    given.do(*(stock.register_sku(code) for n in range(5) for code in (f"K{n}", f"k-{n}")))
    catch_up(given.house)
    after, seen = ("", ""), []
    with given.house.pool.connection() as connection:
        while True:
            page = alike.groups(connection, given.house.database.schema, first=2, after=after)
            seen += [group.alike.key for group in page.rows]
            if not page.more:
                break
            after = (page.rows[-1].alike.reason, page.rows[-1].alike.key)
    assert seen == [f"k{n}" for n in range(5)]


def test_a_preview_shows_both_numbers_and_every_choice_and_records_nothing(given: Imports) -> None:
    twins(given)
    before = given.facts()
    seen = unify.preview(given.house, "ABC-1", "abc1", "sum", given.house.by())
    assert given.facts() == before
    assert [(one.choice, one.on_hand_units, one.available_units) for one in seen.choices] == [
        ("sum", 14, 12), ("from", 10, 8), ("into", 4, 2)
    ]  # fmt: skip
    assert seen.answer is not None
    assert (seen.answer["available"], seen.open_orders) == (12, 1)
    (page,) = seen.pages
    assert (page.item, page.sku, page.would_want_units) == ("abc-1", "ABC-1", 12)


def test_after_it_files_and_orders_of_the_old_code_are_those_of_the_one_sku(given: Imports) -> None:
    twins(given)
    by = given.house.by()
    unify.make_one(given.house, "ABC-1", "abc1", "sum", by, seen=(10, 4))
    assert given.available()["abc1"] == 12
    given.order(given.rakuten, "2", "ABC-1", 3, hours=2)
    assert given.available()["abc1"] == 9
    given.clock.turn(4 * 3600)
    given.own_file("商品SKU,想定在庫数\nABC-1,30\n", hours=14)
    assert (given.available()["abc1"], given.available()["ABC-1"]) == (30, None)
    done = given.own_file("商品SKU,想定在庫数\nabc1,20\nABC-1,31\n", hours=14.1)
    assert dict(done.skipped) == {"disagrees": 1}
    assert given.available()["abc1"] == 20
    assert given.is_sound()


def test_a_file_counted_before_is_older_than_the_one_sku(given: Imports) -> None:
    twins(given)
    unify.make_one(given.house, "ABC-1", "abc1", "sum", given.house.by())
    done = given.rakuten_file({"ABC-1": 99}, hours=3)
    assert dict(done.skipped) == {"older": 1}


def test_an_import_in_its_midst_goes_on_with_the_one_sku(given: Imports) -> None:
    """A chunk was decided with the old code; the two are made one; the chunk is decided again."""
    given.own_file("商品SKU,想定在庫数\nX-1,1\nx1,1\nY,1\n")
    catch_up(given.house)
    made: list[int] = []

    def progress(done: int, _of: int) -> None:
        if not made:
            made.append(done)
            unify.make_one(given.house, "X-1", "x1", "sum", given.house.by())

    staged = given.stage("商品SKU,想定在庫数\nY,2\nX-1,7\n".encode(), None, name="daicho-stock.csv", hours=11.9)
    applying.apply(given.house, staged.import_id, given.house.by(), progress, chunk_rows=1)
    assert given.available()["Y"] == 2
    assert given.available()["X-1"] is None
    assert given.is_sound()


def test_parted_again_the_page_waits_and_the_ledger_is_sound(given: Imports) -> None:
    twins(given)
    by = given.house.by()
    unify.make_one(given.house, "ABC-1", "abc1", "sum", by)
    assert unify.preview_part(given.house, "ABC-1", by)["orders"] == 1
    unify.part(given.house, "ABC-1", by)
    assert given.available() == {"ABC-1": 8, "abc1": 4}
    assert given.listing("abc-1", "abc-1").state == "to_confirm"
    assert given.is_sound()


def test_aliases_by_list_mean_their_sku_in_files_links_and_orders(given: Imports) -> None:
    given.do(stock.register_sku("X", name="カップ"), stock.register_sku("Y"))
    text = "商品SKU統一コード,商品SKU,削除\nx-01,X,\nY,X,\nx-02,X,\n,X,\n"
    seen = preview(given.house, file(text), sku_lists.naming(), given.house.by())
    sent = apply(given.house, file(text), sku_lists.naming(), given.house.by())
    assert dict(seen.became) == dict(sent.became) == {"added": 2}
    (problem,) = sent.shown
    assert "unify Y X" in problem.expected
    given.own_file("商品SKU,想定在庫数\nx-01,5\n")
    assert given.available()["X"] == 5
    given.do(shops.link_listing(given.rakuten, ListingKey("x-01", "x-01"), "x-01"))
    given.order(given.rakuten, "1", "X-01", 2, hours=1)
    assert given.available()["X"] == 3
    gone = apply(given.house, file("alias,sku,remove\nx-02,X,はい\n"), sku_lists.naming(), given.house.by())
    assert dict(gone.became) == {"removed": 1}
    assert given.is_sound()


def test_names_by_list_and_a_look_alike_is_confirmed_first(given: Imports) -> None:
    given.do(stock.register_sku("ABC-1"))
    catch_up(given.house)
    text = "商品SKU,商品名,別商品\nABC-1,カップ,\nａｂｃ１,グラス,\nabc_1,皿,\nabc1,椀,はい\n"
    sent = apply(given.house, file(text.encode()), sku_lists.registering(given.house), given.house.by())
    assert dict(sent.became) == {"changed": 1, "new": 2}
    (problem,) = sent.shown
    assert (problem.row, problem.value) == (3, "ａｂｃ１")
    assert "ABC-1" in problem.expected


def test_the_list_of_look_alikes_is_filled_in_and_sent(given: Imports, daicho: Daicho, tmp_path: Path) -> None:
    twins(given)
    path = tmp_path / "alike.csv"
    assert daicho("sku", "alike", "--csv", str(path))[0] == 0
    text = path.read_text("utf-8-sig")
    assert "コード,abc1,ABC-1,," in text
    path.write_text(text.replace("abc1,ABC-1,,", "abc1,ABC-1,合計,"), "utf-8")
    code, seen, _ = daicho("sku", "unify-file", str(path), "--dry-run")
    assert (code, seen["wouldBe"]) == (0, {"unified": 1})
    code, done, _ = daicho("sku", "unify-file", str(path))
    assert (code, done["done"]) == (0, {"unified": 1})
    assert given.available() == {"ABC-1": 12, "abc1": None}
    assert daicho("sku", "unify-file", str(path))[1]["done"] == {"same": 1}


def test_a_person_makes_two_one_sees_it_and_parts_them(given: Imports, daicho: Daicho) -> None:
    twins(given)
    code, seen, said = daicho("sku", "unify", "ABC-1", "abc1")
    assert (code, seen["onHandFrom"], seen["onHandInto"]) == (1, 10, 4)
    assert "--stock" in said
    assert daicho("sku", "unify", "ABC-1", "abc1", "--stock", "from", "--dry-run")[1]["available"] == 8
    code, done, _ = daicho("sku", "unify", "ABC-1", "abc1", "--stock", "from")
    assert (code, done["available"], done["orders"]) == (0, 8, 1)
    code, shown, _ = daicho("sku", "show", "ABC-1")
    assert (code, shown["sku"], shown["codes"]) == (0, "abc1", [{"code": "ABC-1", "unified": True}])
    assert shown["listings"][0]["item"] == "abc-1"
    code, done, said = daicho("sku", "undo-unify", "ABC-1")
    assert (code, done["notRestored"]) == (0, ["number_not_known"])
    assert "set one" in said
    assert given.is_sound()


def test_registering_and_renaming_one(daicho: Daicho) -> None:
    assert daicho("sku", "register", "ABC-1", "--name", "カップ")[0] == 0
    code, _, said = daicho("sku", "register", "abc1")
    assert code == 2
    assert "ABC-1" in said
    assert daicho("sku", "register", "abc1", "--confirm")[0] == 0
    assert daicho("sku", "rename", "abc1", "--jan", "4901234567894")[0] == 0
    assert daicho("sku", "rename", "none", "--name", "x")[0] == 2
    assert daicho("sku", "show", "abc1")[1]["jan"] == "4901234567894"
    assert daicho("sku", "show", "never")[0] == 1


def test_what_cannot_be_made_one_says_why(given: Imports) -> None:
    given.do(stock.register_sku("A"), aliases.alias("A", "a-1"))
    with pytest.raises(UnifyRefused, match="means A already"):
        unify.make_one(given.house, "a-1", "A", "sum", given.house.by())
    with pytest.raises(UnifyRefused, match="not known"):
        unify.make_one(given.house, "never", "A", "sum", given.house.by())
