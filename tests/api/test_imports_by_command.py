"""``daicho import``, ``imports``, ``setup`` and ``receive`` as a person meets them: exit codes, files written, sentences."""

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
from tests.api.import_rig import Imports, importing, items
from tests.api.running import settings_of

Daicho = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found
        assert found.is_sound()


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


def written(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def test_a_file_is_looked_at_applied_taken_back_and_its_errors_come_again(
    given: Imports, daicho: Daicho, tmp_path: Path
) -> None:
    given.rakuten_file({"A": 5, "B": 5}, hours=-1)
    file = written(tmp_path, "dl-normal-item.csv", items({"A": 6, "B": 0, "C": "x"}))
    code, seen, _ = daicho("import", file, "--shop", given.rakuten, "--dry-run")
    assert (code, seen["numbersChanged"], seen["toZero"], seen["problems"]) == (1, 2, 1, 1)
    _, rows, _ = daicho("imports", "differences", seen["import"], "--only", "to_zero")
    assert [(row["sku"], row["before"], row["after"]) for row in rows] == [("B", 5, 0)]
    assert daicho("imports", "apply", seen["import"])[1]["changed"] == 2
    errors = tmp_path / "dl-normal-item-errors.csv"
    assert daicho("imports", "errors", seen["import"], "--output", str(errors))[0] == 0
    errors.write_bytes(errors.read_bytes().replace(b"x", b"7"))
    code, again, _ = daicho("import", str(errors), "--shop", given.rakuten)
    assert (code, again["rows"], again["changed"], again["countedAtFrom"]) == (0, 1, 1, "corrected")
    applied = tmp_path / "applied.csv"
    daicho("imports", "applied", seen["import"], "--output", str(applied))
    assert applied.read_text("utf-8-sig").splitlines()[1].startswith("A,5,6,3,")
    assert daicho("imports", "undo", seen["import"], "--dry-run")[1]["undone"] == 2
    code, undone, _ = daicho("imports", "undo", seen["import"])
    assert (code, undone["undone"], given.available()) == (0, 2, {"A": 5, "B": 5, "C": 7})
    _, runs, _ = daicho("imports")
    assert [(run["state"], run["kind"]) for run in runs][:2] == [("finished", "both"), ("undone", "both")]
    assert daicho("imports", "show", seen["import"])[1]["counts"]["toZero"] == 1


def test_the_guard_says_the_counts_and_takes_them_as_the_word_of_a_person(
    given: Imports, daicho: Daicho, tmp_path: Path
) -> None:
    given.rakuten_file({f"S{n:02}": 5 for n in range(60)})
    file = written(tmp_path, "dl-normal-item.csv", items({f"S{n:02}": 0 for n in range(60)}))
    code, _, said = daicho("import", file, "--shop", given.rakuten)
    assert (code, "--confirm 60,60" in said) == (2, True)
    code, seen, _ = daicho("import", file, "--shop", given.rakuten, "--confirm", "60,60")
    assert (code, seen["changed"]) == (0, 60)


def test_the_set_up_is_shown_mall_beside_mall_and_chosen(given: Imports, daicho: Daicho, tmp_path: Path) -> None:
    given.rakuten_file({"A": 8, "B": 5}, hours=-2)
    file = written(tmp_path, "quantity.csv", b"code,sub-code,quantity\r\nA,,7\r\nB,,5\r\n")
    code, done, _ = daicho("import", file, "--shop", given.yahoo)
    assert (code, done["skipped"]) == (0, {"beside": 1})
    assert "daicho setup" in done["note"]
    _, rows, _ = daicho("setup", "show")
    assert rows == [{"sku": "A", "available": 8, "smallest": 7, given.rakuten: 8, given.yahoo: 7}]
    assert daicho("setup", "choose")[1]["changed"] == 1
    assert (given.available(), daicho("setup", "show")[1]) == ({"A": 7, "B": 5}, [])
    assert daicho("imports")[1][0]["kind"] == "set_up"


def test_goods_come_in_by_slip_once_and_a_file_without_one_is_said_when_it_comes_again(
    given: Imports, daicho: Daicho, tmp_path: Path
) -> None:
    given.rakuten_file({"A": 5, "B": 5})
    slip = written(tmp_path, "slip.csv", "伝票番号,商品SKU,入荷数\r\nN-1,A,3\r\nN-1,Z,1\r\nN-1,B,x\r\n".encode("cp932"))
    code, seen, _ = daicho("receive", slip)
    assert (code, seen["received"], seen["problems"]) == (1, 1, 2)
    assert daicho("receive", slip)[1]["already"] == 1
    assert given.available() == {"A": 8, "B": 5}
    plain = written(tmp_path, "plain.csv", b"sku,units\r\nB,2\r\n")
    assert daicho("receive", plain)[0] == 0
    code, again, said = daicho("receive", plain)
    assert (code, given.available()["B"], "--take-back" in said) == (0, 9, True)
    assert daicho("receive", "--take-back", again["slips"][0])[0] == 0
    assert given.available()["B"] == 7
