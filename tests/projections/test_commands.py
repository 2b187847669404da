"""`daicho rebuild`, `lag`, `set-aside`, `take-again`, and I3 in `daicho verify`."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api import cli
from ledger import keys
from ledger.book import stock
from ledger.facts.sku import SkuRegistered
from ledger.view import Draft
from tests.projections.happenings import beginning
from tests.projections.rig import Ledger

Daicho = Callable[..., Any]


@pytest.fixture
def daicho(ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Daicho]:
    """Runs a command on the test's ledger: the JSON it prints, its exit code checked."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("DAICHO_") and not name.startswith("DAICHO_TEST_")]:
        del os.environ[name]
    os.environ.update(DAICHO_DATABASE_URL=ledger.database.url, DAICHO_SCHEMA=ledger.schema, DAICHO_HOME=str(tmp_path))

    def run(*arguments: str, code: int = 0) -> Any:
        capsys.readouterr()
        assert cli.run([*arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    try:
        yield run
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_a_rebuild_of_all_tables_says_that_they_were_equal(ledger: Ledger, daicho: Daicho) -> None:
    beginning(ledger)
    ledger.caught_up()
    rows = daicho("rebuild")
    head = ledger.rows("SELECT position FROM ledger_head")[0][0]
    assert [(row["table"], row["position"], row["compared"], row["difference"]) for row in rows] == [
        (name, head, True, None)
        for name in (
            "change_log",
            "push_log",
            "listings",
            "orders",
            "shops",
            "imports",
            "drift",
            "holds",
            "oversells",
            "skus",
        )
    ]


def test_a_table_that_differed_is_named_replaced_and_exits_with_one(ledger: Ledger, daicho: Daicho) -> None:
    ledger.must(stock.add("A", 1))
    ledger.caught_up()
    ledger.rows("UPDATE change_log SET after = 9 RETURNING 1")
    assert "after differ" in daicho("rebuild", "change_log", code=1)[0]["difference"]
    assert daicho("rebuild", "change_log")[0]["difference"] is None
    assert "expected one of change_log" in daicho("rebuild", "nothing", code=2)["error"]


def test_stock_levels_are_compared_and_never_replaced(ledger: Ledger, daicho: Daicho) -> None:
    ledger.must(stock.add("A", 1))
    assert daicho("rebuild", "stock_levels") == {"table": "stock_levels", "difference": None}
    ledger.rows("UPDATE stock_levels SET held = 1 RETURNING 1")
    assert "stock_levels says held 1" in daicho("rebuild", "stock_levels", code=1)["difference"]
    assert ledger.rows("SELECT held FROM stock_levels") == [(1,)]


def test_verify_holds_a_replay_against_the_live_tables(ledger: Ledger, daicho: Daicho) -> None:
    beginning(ledger)
    ledger.caught_up()
    assert "I3" in daicho("verify")["rules"]
    ledger.rows("UPDATE listings SET wanted_units = 3 WHERE item = 'a' RETURNING 1")
    (finding,) = daicho("verify", code=1)["findings"]
    assert finding["rule"] == "I3"
    assert "wanted_units" in finding["what"]
    assert "daicho rebuild listings" in finding["what"]


def test_lag_and_streams_set_aside_are_shown_and_taken_again(ledger: Ledger, daicho: Daicho) -> None:
    ledger.record(Draft(keys.sku("A"), SkuRegistered(sku="A")))
    ledger.must(stock.add("A", 1))
    ledger.caught_up()
    ledger.must(stock.add("A", 1))
    rows = {row["table"]: row for row in daicho("lag")}
    assert (rows["change_log"]["facts_behind"], rows["change_log"]["fed"]) == (1, False)
    assert daicho("set-aside") == []
    ledger.rows(
        "INSERT INTO projection_quarantine VALUES ('change_log', 'stock:main:A', 2, 'StockAdded', 'a_code', 5, now()) RETURNING 1"
    )
    ledger.rows("DELETE FROM change_log WHERE position >= 2 RETURNING 1")
    ledger.caught_up()
    (waits,) = daicho("set-aside", code=1)
    assert (waits["stream"], waits["reason"], waits["waiting"]) == ("stock:main:A", "a_code", 2)
    assert daicho("take-again", "change_log", "stock:main:A")["facts"] == 2
    assert daicho("set-aside") == []
    assert ledger.rows("SELECT position FROM change_log ORDER BY 1") == [(2,), (3,)]
    ledger.rows("UPDATE projection_checkpoints SET version = 0 WHERE projection = 'orders' RETURNING 1")
    daicho("lag", code=1)
