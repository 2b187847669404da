"""Orders by hand as an operator types them: CSVs in, telephone orders, holds, shipments, the start after a stop."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api import cli
from api.database import Database
from ledger.book import shops
from tests.adapters.order_rows import BUYER, RAKUTEN_ROW, file_of
from tests.api.intake_rig import RAKUTEN, connect_shops, deliver, link, opened, sample, set_stock

Daicho = Callable[..., Any]


@contextmanager
def environment(**settings: str) -> Iterator[None]:
    """The process's environment has these settings, and no other of ours."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("DAICHO_")]:
        del os.environ[name]
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def daicho(database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Daicho:
    """The command line over a house with 10 shirts, sold by a listing of the Rakuten shop."""
    with opened(database, tmp_path) as house:
        connect_shops(house)
        link(house, RAKUTEN, "page-1", "11", "SHIRT-11", codes=["c3ps390/11"])
        set_stock(house, "SHIRT-11", 10)

    def run(*arguments: str, code: int = 0) -> Any:
        capsys.readouterr()
        settings = {"DAICHO_DATABASE_URL": database.url, "DAICHO_SCHEMA": database.schema, "DAICHO_HOME": str(tmp_path)}
        with environment(**settings):
            assert cli.run([*arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return run


def available(daicho: Daicho) -> tuple[int, int]:
    (row,) = daicho("stock", "SHIRT-11")
    return row["availableUnits"], row["allocatedUnits"]


def test_the_order_csv_of_the_day_when_mail_and_api_failed(daicho: Daicho, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(file_of([RAKUTEN_ROW, {**RAKUTEN_ROW, "注文番号": "402853-20261120-0000000002", "個数": BUYER}]))
    command = ("orders", "import", str(path), "--shop", RAKUTEN)
    seen = daicho(*command, "--dry-run", code=1)
    assert (seen["form"], seen["expected"], seen["problems"]) == ("rakuten-orders", {"new": 1}, 1)
    assert seen["availableChanges"] == {"SHIRT-11": -2}
    assert available(daicho) == (10, 0)
    assert daicho(*command, code=1)["became"] == {"read": 1}
    assert available(daicho) == (8, 2)
    path.write_bytes(file_of([RAKUTEN_ROW]))
    again = daicho(*command)
    assert (again["expected"], again["became"]) == ({"same": 1}, {})
    assert BUYER not in json.dumps(daicho("inbox"), ensure_ascii=False)
    (row,) = daicho("orders", "--number", RAKUTEN_ROW["注文番号"])
    assert (row["door"], row["openUnits"]) == ("csv", 2)
    assert "no order file of this shop" in daicho("orders", "import", __file__, "--shop", RAKUTEN, code=2)["error"]
    assert "can be read" in daicho("orders", "import", str(tmp_path / "none.csv"), "--shop", RAKUTEN, code=2)["error"]


def test_a_telephone_order_with_a_hold_from_promise_to_cancel(daicho: Daicho, tmp_path: Path) -> None:
    phone = daicho("shop", "add", "--mall", "cart", "--id", "phone")["shop"]
    order = ("--shop", phone, "--number", "T-1")
    assert "--strict" not in daicho("orders", "take", *order, "--line", "SHIRT-11=11", "--strict", code=2)["error"]
    hold = daicho("hold", "place", "--sku", "SHIRT-11", "--units", "3", "--reference", "W-1", "--until", "2099-01-01")
    assert hold["free"] == 7
    assert [row["heldUnits"] for row in daicho("hold")] == [3]
    taken = daicho("orders", "take", *order, "--line", "SHIRT-11=3", "--strict", "--hold", hold["hold"])
    assert (taken["units"], available(daicho)) == ({"SHIRT-11": 3}, (7, 3))
    assert daicho("hold") == []
    assert [row["state"] for row in daicho("hold", "--ended")] == ["consumed"]
    assert "known already" in daicho("orders", "take", *order, "--line", "SHIRT-11=1", code=2)["error"]
    daicho("orders", "change", *order, "--line", "SHIRT-11=1")
    assert available(daicho) == (9, 1)
    daicho("orders", "cancel", *order, "--reason", "buyer")
    assert available(daicho) == (10, 0)
    assert (
        "not known"
        in daicho("orders", "change", "--shop", phone, "--number", "T-2", "--line", "SHIRT-11=1", code=2)["error"]
    )
    for line in ("SHIRT-11", "=1", "SHIRT-11=0", "@=1"):
        assert "expected SKU=QUANTITY" in daicho("orders", "take", *order, "--line", line, code=2)["error"]
    name = daicho("hold", "place", "--sku", "SHIRT-11", "--units", "1", "--reference", "W", "--until", "2099-01-01")[
        "hold"
    ]
    assert daicho("hold", "extend", name, "--until", "2099-02-01")["facts"] == 1
    assert [daicho("hold", "release", name)["facts"] for _ in range(2)] == [2, 0]
    assert "there is no hold" in daicho("hold", "release", "none", code=2)["error"]
    shipped = tmp_path / "shipped.csv"
    shipped.write_text("注文番号,商品SKU,出荷数,伝票番号,出荷日\nT-3,,,12345,2026-11-20\n", encoding="utf-8")
    daicho("orders", "take", "--shop", phone, "--number", "T-3", "--line", "SHIRT-11=2")
    assert daicho("orders", "ship", str(shipped), "--shop", phone, "--dry-run")["wouldBe"] == {"shipped": 1}
    assert daicho("orders", "ship", str(shipped), "--shop", phone)["done"] == {"shipped": 1}
    assert available(daicho) == (8, 0)


def test_starting_intake_after_a_stop_asks_for_the_choice(daicho: Daicho, database: Database, tmp_path: Path) -> None:
    with opened(database, tmp_path) as house:
        house.book.do(shops.stop_intake(RAKUTEN), house.by())
        deliver(house, sample("rakuten", "order_iso2022jp"))
    refused = daicho("shop", "start", RAKUTEN, "--intake", code=2)["error"]
    assert "1 messages were kept" in refused
    assert "--backlog" in refused
    assert "expected both" in daicho("shop", "start", RAKUTEN, "--push", "--backlog", "take", code=2)["error"]
    assert "expected one of" in daicho("shop", "start", RAKUTEN, "--intake", "--backlog", "all", code=2)["error"]
    later = (house.clock.now() + timedelta(days=2)).strftime("%Y-%m-%d")
    too_late = daicho("shop", "start", RAKUTEN, "--intake", "--backlog", "take", "--up-to", later, code=2)["error"]
    assert "not after now" in too_late
    assert daicho("shop", "start", RAKUTEN, "--intake", "--backlog", "counted")["position"] > 0
    seen = daicho("inbox", "reread", "--dry-run")
    assert (seen["messages"], "position" in seen) == (0, False)
    assert daicho("inbox", "reread", "--shop", RAKUTEN, "--from", "2026-11-01")["position"] == 0


def test_where_shipments_come_from_is_stated_and_shown(daicho: Daicho) -> None:
    assert daicho("shop", "show", RAKUTEN)["shippingSource"] == ""
    assert daicho("shop", "shipping", RAKUTEN, "--source", "none", "--days", "10")["days"] == 10
    assert daicho("shop", "show", RAKUTEN)["shippingSource"] == "none"
    assert (
        "expected 1 to 365" in daicho("shop", "shipping", RAKUTEN, "--source", "none", "--days", "0", code=2)["error"]
    )


def test_a_shop_that_cannot_be_asked_says_what_to_do_instead(daicho: Daicho) -> None:
    daicho("shop", "add", "--mall", "cart", "--id", "phone")
    assert "daicho orders import" in daicho("orders", "fetch", "--shop", "cart-phone", code=2)["error"]
    assert "service_secret" in daicho("orders", "fetch", "--shop", RAKUTEN, "--from", "2026-11-20", code=2)["error"]
