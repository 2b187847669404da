"""Shops, keys and stock on the command line: what is printed, what is refused, what stays secret."""

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
from tests.api.running import settings_of

Daicho = Callable[..., tuple[int, Any, str]]
ROOT = Path(__file__).parents[2]
CANARY = "canary-secret-5d1f"


@pytest.fixture
def daicho(database: Database, tmp_path: Path) -> Iterator[Daicho]:
    """Runs a command; gives its exit code, what it answered as JSON, and what it said."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(settings_of(database, tmp_path))

    def run(*arguments: str) -> tuple[int, Any, str]:
        with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()) as said:
            code = cli.run([*arguments, "--json"])
        text = printed.getvalue()
        return code, json.loads(text) if text else None, said.getvalue()

    yield run
    os.environ.clear()
    os.environ.update(before)


def test_a_key_is_shown_once_listed_without_itself_and_revoked(daicho: Daicho) -> None:
    code, made, _ = daicho("key", "add", "warehouse", "--scope", "stock", "--scope", "read")
    assert code == 0
    prefix, key_id, secret = made["key"].split("_", 2)
    assert (prefix, len(secret) >= 43) == ("daicho", True)
    _, rows, _ = daicho("key", "list")
    assert [(row["id"], row["name"], row["scopes"]) for row in rows] == [(key_id, "warehouse", ["read", "stock"])]
    assert secret not in str(rows)
    assert daicho("key", "revoke", key_id)[0] == 0
    assert daicho("key", "list")[1][0]["revokedAt"]
    assert daicho("key", "revoke", "nobody")[0] == 2
    assert daicho("key", "add", "x", "--scope", "everything")[0] == 2


def test_a_shop_is_added_with_what_is_missing_named_and_again_with_it_without_a_second_shop(daicho: Daicho) -> None:
    code, shop, said = daicho("shop", "add", "--mall", "rakuten", "--id", "one", "--secret", f"license_key={CANARY}")
    assert (code, shop["shop"], shop["missing"]) == (0, "rakuten-one", ["service_secret"])
    assert "service_secret" in said
    again = daicho("shop", "add", "--mall", "rakuten", "--id", "one", "--secret", f"service_secret={CANARY}")[1]
    assert (again["missing"], again["mail"]) == ([], shop["mail"])
    assert len(daicho("shop", "show")[1]) == 1
    assert CANARY not in str(daicho("shop", "show", "rakuten-one"))


def test_what_a_shop_cannot_be_is_refused_without_its_secrets(daicho: Daicho) -> None:
    add = ("shop", "add", "--mall", "rakuten", "--id", "one")
    wrong = (
        ["--secret", f"shop_number={CANARY}"],
        ["--secret", f"nothing={CANARY}"],
        ["--setting", f"license_key={CANARY}"],
        ["--secret", CANARY],
    )
    for more in wrong:
        code, answer, said = daicho(*add, *more)
        assert code == 2, more
        assert "expected" in answer["error"]
        assert CANARY not in answer["error"] + said, more
    assert daicho(*add, "--match-key", "nothing")[0] == 2
    assert daicho("shop", "add", "--mall", "nowhere", "--id", "one")[0] == 2
    assert daicho("shop", "show", "rakuten-one")[0] == 2


def test_a_shop_is_not_switched_on_by_surprise(daicho: Daicho) -> None:
    daicho("shop", "add", "--mall", "rakuten", "--id", "one")
    assert "受注取込" in daicho("shop", "start", "rakuten-one", "--push")[1]["error"]
    assert daicho("shop", "start", "rakuten-one", "--intake")[0] == 0
    assert "not proven" in daicho("shop", "start", "rakuten-one", "--push")[1]["error"]
    assert "no linked listings" in daicho("shop", "start", "rakuten-one", "--review")[1]["error"]
    assert daicho("shop", "start", "rakuten-one")[0] == 2
    assert daicho("shop", "stop", "rakuten-one", "--intake", "--push")[0] == 0
    assert daicho("shop", "show", "rakuten-one")[1]["intake"] is False


def test_stock_is_set_added_and_explained(daicho: Daicho) -> None:
    assert daicho("overwrite-stock", "ＳＫＵ-1", "5")[1]["facts"] == 2
    assert daicho("add-stock", "ＳＫＵ-1", "-2")[0] == 0
    code, rows, said = daicho("stock", "ＳＫＵ-1", "other")
    assert (code, [(row["sku"], row["availableUnits"]) for row in rows]) == (1, [("ＳＫＵ-1", 3)])
    assert "never mentioned: other" in said
    changes = daicho("changes", "--sku", "ＳＫＵ-1")[1]
    assert [(row["kind"], row["after"], row["actor"]) for row in changes] == [
        ("StockAdded", 3, "cli"),
        ("StockOverwritten", 5, "cli"),
    ]
    assert len(daicho("changes", "--rows", "1")[1]) == 1
    assert daicho("changes", "--kind", "StockAdded")[1] == changes[:1]
    assert daicho("overwrite-stock", "A", "-1")[0] == 2
    assert daicho("overwrite-stock", "A", "10000000")[0] == 2
    for command in ("pushes", "orders", "listings"):
        assert daicho(command)[:2] == (0, [])


def test_a_file_is_imported_before_anything_else_ever_ran(daicho: Daicho) -> None:
    daicho("shop", "add", "--mall", "rakuten", "--id", "one")
    file = str(ROOT / "adapters" / "rakuten" / "samples" / "dl-normal-item.csv")
    code, seen, said = daicho("import", file, "--shop", "rakuten-one", "--dry-run")
    assert code == 0, said
    assert (seen["firstNumbers"], seen["problems"]) == (seen["rows"], 0)
    assert daicho("listings")[1] == []
    code, done, said = daicho("import", file, "--shop", "rakuten-one")
    assert (code, done["changed"]) == (0, seen["firstNumbers"]), said
    assert len(daicho("listings", "--shop", "rakuten-one")[1]) == done["rows"]
    assert [row["shop"] for row in daicho("imports")[1]] == ["rakuten-one"] * 2
