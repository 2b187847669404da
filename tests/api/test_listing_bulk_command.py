"""``daicho listing`` and ``daicho set`` as a person meets them: previews, exit codes, the error list, the guard."""

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
from ledger.book import shops, stock
from ledger.terms import ListingKey
from tests.api.import_rig import Imports, importing
from tests.api.listing_bulk_rig import register, rows_of
from tests.api.running import settings_of

Daicho = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        register(found, "A", "B")
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


def test_a_list_is_previewed_sent_corrected_and_sent_again(given: Imports, daicho: Daicho, tmp_path: Path) -> None:
    sent, errors = tmp_path / "link.csv", tmp_path / "errors.csv"
    sent.write_text("商品SKU,モール商品コード,入数\nA,a,\nB,b,x\n", encoding="cp932")
    before = given.facts()
    code, seen, _ = daicho("listing", "link", str(sent), "--shop", given.rakuten, "--dry-run")
    assert (code, seen["wouldBe"], seen["problems"]) == (1, {"new": 1}, 1)
    assert given.facts() == before
    code, done, _ = daicho("listing", "link", str(sent), "--shop", given.rakuten, "--errors", str(errors))
    assert (code, done["done"], done["errors"]) == (1, {"new": 1}, str(errors))
    assert done["position"] > 0
    assert rows_of(errors.read_bytes())[1] == [
        "B",
        "b",
        "x",
        "3",
        "入数",
        "x",
        "a whole number from 1 to 9999, or blank to leave it",
    ]
    errors.write_bytes(errors.read_bytes().replace(b"B,b,x,", b"B,b,2,"))
    assert daicho("listing", "link", str(errors), "--shop", given.rakuten)[0] == 0
    assert given.listing("b").units_per_listing == 2
    code, _, said = daicho("listing", "link", str(sent), "--shop", given.rakuten, "--errors", str(errors))
    assert (code, "is there already" in said) == (2, True)


def test_many_pages_at_zero_need_a_person_who_saw_it(given: Imports, daicho: Daicho, tmp_path: Path) -> None:
    sent = tmp_path / "list.csv"
    sent.write_text("sku,item\nA,a\n", encoding="utf-8")
    assert daicho("listing", "link", str(sent), "--shop", given.rakuten)[0] == 0
    given.do(stock.add("A", 5))
    given.do(shops.confirm_listings(given.rakuten, {ListingKey("a"): (5, 5)}))
    given.do(shops.change_shop_settings(given.rakuten, {"guard.to_zero": "0"}))
    sent.write_text("item,連動状態\na,0で停止\n", encoding="utf-8")
    code, seen, _ = daicho("listing", "set", str(sent), "--shop", given.rakuten, "--dry-run")
    assert (code, seen["toZero"], seen["states"]) == (0, 1, {"stopped": 1})
    code, _, said = daicho("listing", "set", str(sent), "--shop", given.rakuten)
    assert (code, "1 pages of" in said, given.listing("a").state) == (2, True, "linked")
    assert daicho("listing", "set", str(sent), "--shop", given.rakuten, "--confirm")[0] == 0
    assert given.listing("a").show_zero


def test_the_check_list_is_a_new_file_and_says_what_to_do(given: Imports, daicho: Daicho, tmp_path: Path) -> None:
    sent, made = tmp_path / "list.csv", tmp_path / "check.csv"
    sent.write_text("sku,item\nA,a\n", encoding="utf-8")
    daicho("listing", "link", str(sent), "--shop", given.rakuten)
    code, done, said = daicho("listing", "check", str(made), "--shop", given.rakuten)
    assert (code, done["notLooked"], "--review" in said) == (0, 1, True)
    assert rows_of(made.read_bytes())[1][:6] == ["A", "a", "", "1", "確認待ち", "未確認"]
    assert daicho("listing", "check", str(made), "--shop", given.rakuten)[0] == 2
    assert daicho("listing", "check", str(tmp_path / "x.csv"), "--shop", "nobody")[0] == 2
    assert not (tmp_path / "x.csv").exists()


def test_sets_are_defined_by_a_file(given: Imports, daicho: Daicho, tmp_path: Path) -> None:
    sent = tmp_path / "sets.csv"
    sent.write_text("セット商品SKU,構成商品SKU,構成数\nS,A,1\nS,B,2\n", encoding="utf-8-sig")
    assert daicho("set", "define", str(sent), "--dry-run")[1]["wouldBe"] == {"new": 1}
    assert daicho("set", "define", str(sent))[1]["done"] == {"new": 1}
    assert daicho("set", "define", str(tmp_path / "nothing.csv"))[0] == 2
