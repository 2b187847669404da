"""Excel workbooks through the door for files: staged as the table they are, or refused with nothing staged."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from api.database import Database
from api.jobs.imports import FileRefused
from api.shops import connect
from tests.adapters.kit.workbooks import packed, workbook
from tests.adapters.qoo10.sample_files import GUIDE, PRICE_STOCK
from tests.api.import_rig import Imports, importing

NAME = "price-stock.xlsx"
GRID = ["商品番号", "販売者商品コード", "販売者オプションコード", "在庫数量"]


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found


def qoo10(given: Imports) -> str:
    verb = connect("qoo10", "sample_seller", match_key="", settings={"user_id": "sample_seller"})
    return str(given.house.book.do(verb, given.house.by()).answer["shop"])


def test_a_workbook_is_staged_as_the_table_it_is(given: Imports) -> None:
    shop = qoo10(given)
    known = [GRID, ["1234567890", "A-01", "", "5"], ["1234567892", "A-02", "000123", "4"]]
    grid = "".join(",".join(row) + "\r\n" for row in known).encode()
    given.apply(given.stage(grid, shop, name="InventoryManagement_gridInventory.csv"))
    assert given.available() == {"000123": 4, "A-01": 5}
    stock: list[list[str | int]] = [["1234567890", "", "g", "", "", 12], ["1234567892", "A-02", "i", "000123", "", 0]]
    content = workbook([PRICE_STOCK, *GUIDE, *stock, ["1234567891", "A-03", "g", "", "", "many"]])
    file = given.stage(iter([content[:1], content[1:700], content[700:]]), shop, name=NAME, hours=1)
    assert (file.format, file.rows, file.problems) == ("price-stock", 3, 1)
    assert (file.file_digest, file.file_bytes) == (sha256(content).hexdigest(), len(content))
    assert [problem.split(";")[0] for problem in given.problems(file)] == ["row 7, column quantity: 'many'"]
    given.apply(file)
    assert given.available() == {"000123": 0, "A-01": 12}
    assert given.listing("1234567892", "000123", shop).codes == ("1234567892/000123", "A-02/000123")


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04" + b"x" * 500, packed({"xl/workbook.xml": b"0" * 30_000_000}), workbook([])[:-40]],
    ids=["no zip", "bomb", "cut"],
)
def test_what_is_no_workbook_is_refused_and_nothing_is_staged(given: Imports, content: bytes) -> None:
    with pytest.raises(FileRefused, match=f"^{NAME}: "):
        given.stage(content, qoo10(given), name=NAME)
    with given.house.pool.connection() as connection:
        assert connection.execute("SELECT count(*) FROM import_files").fetchone() == (0,)


def test_a_workbook_of_another_mall_is_told_by_its_name(given: Imports) -> None:
    content = workbook([PRICE_STOCK, ["1234567890", "A-01", "g", "", "", 12]])
    with pytest.raises(FileRefused, match="qoo10:price-stock"):
        given.stage(content, given.rakuten, name=NAME)
