"""Several files in one import: item and select, product and option, parts of a large file, and zips of them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from api.database import Database
from api.jobs import imports, staging
from api.jobs.imports import FileRefused, Wish
from api.jobs.sent_files import Sent
from api.shops import connect
from api.tables.imports import ImportFile
from tests.adapters.kit.workbooks import packed
from tests.adapters.rakuten import sample_old_files as old
from tests.adapters.rakuten.sample_files import USUAL, parent, sku, table
from tests.api.import_rig import Imports, importing

ITEMS = table(old.ITEMS, old.ITEM_COLUMNS)
CHOICES = table(old.CHOICES, old.SELECT_COLUMNS)
OLD_STOCK = {
    "K-0001-m": 1000,
    "K-0001-s-blue": 0,
    "K-0001-s-red": 12,
    "K-0018": 3,
    "BLANK": None,
    "END": None,
    "L-1": None,
    "plain": 0,
}


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found


def send(
    given: Imports, files: Mapping[str, bytes] | Sequence[tuple[str, bytes]], shop: str, **said: str
) -> ImportFile:
    pairs = list(files.items()) if isinstance(files, Mapping) else files
    sent = [Sent(name, [content[:10], content[10:]]) for name, content in pairs]
    wish = Wish(shop, "overwrite", pairs[0][0], given.then, **said)  # type: ignore[arg-type]
    return staging.stage_files(given.house, sent, wish, "user:1", imports.shop_of(given.house, shop))


def connected(given: Imports, mall: str, **settings: str) -> str:
    return str(
        given.house.book.do(connect(mall, "sample", match_key="", settings=settings), given.house.by()).answer["shop"]
    )


def nothing_staged(given: Imports) -> bool:
    with given.house.pool.connection() as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {one}".encode()).fetchone()
            for one in ("import_rows", "import_parts")
        ]
    return counts == [(0,), (0,)]


def test_choices_are_named_by_the_code_that_stands_in_the_file_of_items(given: Imports) -> None:
    file = send(given, {"dl-select.csv": CHOICES, "dl-item.csv": ITEMS}, given.rakuten)
    assert (file.format, file.rows, file.problems, file.notes) == ("old-item+old-select", 8, 0, ())
    given.apply(file)
    assert given.available() == OLD_STOCK
    assert given.listing("kei0001", "-s-red").sku == "K-0001-s-red"
    assert given.is_sound()


def test_a_file_that_is_missing_beside_another_is_said(given: Imports) -> None:
    alone = send(given, {"dl-select.csv": CHOICES}, given.rakuten)
    assert len(alone.notes) == 1
    assert alone.notes[0].startswith("RMS 商品CSV（SKU移行前）dl-item.csv is not among the files: 商品番号")
    assert given.apply(alone).skipped == {"no_sku": 3}
    alone = send(given, {"dl-item.csv": ITEMS}, given.rakuten)
    assert alone.notes == (
        "1 products have their stock in RMS 項目選択肢CSV（SKU移行前）dl-select.csv, of which no row came; send both in one import",
    )


def test_one_more_file_is_added_to_what_was_sent(given: Imports) -> None:
    wish = Wish(given.rakuten, "overwrite", "dl-item.csv", given.then)
    shop = imports.shop_of(given.house, given.rakuten)
    first = staging.stage(given.house, [ITEMS], wish, "user:1", shop)
    wish = Wish(given.rakuten, "overwrite", "dl-select.csv", given.then)
    long = {"Select/Checkbox用選択肢": "x" * 5_000}  # so that the file comes in more than one piece
    many = [old.choice("kei0001", f"-{number}", "", "1", **long) for number in range(1_000)]
    damaged = table([*many, old.choice("kei0001", "-x", "\0", "1")], old.SELECT_COLUMNS)
    with pytest.raises(FileRefused, match="row 1002"):
        staging.stage_beside(given.house, first.import_id, [damaged], wish, shop)
    both = staging.stage_beside(given.house, first.import_id, [CHOICES], wish, shop)
    assert (both.import_id, both.rows, both.file_name) == (first.import_id, 8, "dl-item.csv + dl-select.csv")
    given.apply(both)
    assert given.available() == OLD_STOCK
    with pytest.raises(FileRefused, match="is being applied"):
        staging.stage_beside(given.house, first.import_id, [CHOICES], wish, shop)


def test_products_are_sent_before_their_variants(given: Imports) -> None:
    shop = imports.shop_of(given.house, given.rakuten)
    wish = Wish(given.rakuten, "overwrite", "dl-select.csv", given.then)
    first = staging.stage(given.house, [CHOICES], wish, "user:1", shop)
    wish = Wish(given.rakuten, "overwrite", "dl-item.csv", given.then)
    with pytest.raises(FileRefused, match="is to be sent before old-select"):
        staging.stage_beside(given.house, first.import_id, [ITEMS], wish, shop)
    wish = Wish(given.rakuten, "overwrite", "dl-normal-item.csv", given.then)
    other = table([sku("a", "a", "1")])
    with pytest.raises(FileRefused, match="does not belong to the files of this import"):
        staging.stage_beside(given.house, first.import_id, [other], wish, shop)
    assert given.house is not None


def test_an_item_that_is_cut_in_two_by_the_parts_of_a_file_is_one_item(given: Imports) -> None:
    rows = [
        parent("kei", "K", "商品"),
        sku("kei", "1", "5"),
        sku("kei", "2", "6"),
        parent("alone", "A"),
        sku("alone", "1", "7"),
    ]
    parts = {
        "dl-normal-item_2.csv": table(rows[2:4]),
        "dl-normal-item_10.csv": table(rows[4:]),
        "dl-normal-item_1.csv": table(rows[:2]),
    }
    file = send(given, parts, given.rakuten)
    assert (file.rows, file.problems) == (3, 0)
    given.apply(file)
    assert given.available() == {"alone": 7, "kei-1": 5, "kei-2": 6}


def test_a_listing_in_two_parts_is_a_problem_of_the_second(given: Imports) -> None:
    one = table([sku("a", "1", "5", "A"), sku("b", "1", "5", "B")])
    same, other = table([sku("b", "1", "6", "B")]), table([sku("a", "1", "9", "A")], tuple(reversed(USUAL)))
    file = send(given, {"normal-item_1.csv": one, "normal-item_2.csv": same, "normal-item_3.csv": other}, given.rakuten)
    assert (file.rows, file.problems) == (4, 2)
    assert [one.split("; expected")[0] for one in given.problems(file)] == [
        "normal-item_2.csv, row 2, column SKU管理番号: '1'",
        "normal-item_3.csv, row 2: 'a/1'",
    ]
    assert "it stands in normal-item_1.csv, row 2" in given.problems(file)[1]
    given.apply(file)
    assert given.available() == {"A": 5, "B": 5}


def test_a_product_whose_options_are_sent_has_no_stock_of_its_own(given: Imports) -> None:
    shop = connected(given, "makeshop")
    products = (
        "システム商品コード,独自商品コード,商品名,数量\r\n000000000001,T-1,Tシャツ,99\r\n000000000002,C-1,カップ,4\r\n"
    )
    options = "システム商品コード,バリエーションID,オプション独自コード,数量\r\n000000000001,1,-S,5\r\n000000000001,2,-M,x\r\n"
    both = {"upload_20261120090000.csv": products.encode("cp932"), "option_20261120090000.csv": options.encode("cp932")}
    file = send(given, both, shop)
    assert (file.rows, file.problems) == (3, 1)
    given.apply(file)
    assert given.available() == {"C-1": 4, "T-1-S": 5}


def test_names_come_from_the_products_of_a_mall_whose_stock_file_has_none(given: Imports) -> None:
    items = "path,name,code,sub-code,price\r\np,Tシャツ,item-01,カラー:赤=item-01r&カラー:青=item-01b,980\r\np,カップ,cup,,500\r\n"
    stock = "code,sub-code,quantity\r\nitem-01,,7\r\nitem-01,item-01r,3\r\nitem-01,item-01b,4\r\ncup,,5\r\n"
    file = send(given, {"quantity.csv": stock.encode(), "data.csv": items.encode("cp932")}, given.yahoo)
    assert (file.kind, file.rows, file.problems) == ("both", 3, 0)
    given.apply(file)
    assert given.available() == {"cup": 5, "item-01b": 4, "item-01r": 3}
    alone = send(given, {"data.csv": items.encode("cp932")}, given.yahoo)
    assert given.apply(alone).skipped == {"no_number": 3}
    assert given.available() == {"cup": 5, "item-01b": 4, "item-01r": 3}


def test_files_that_do_not_belong_together_are_refused(given: Imports) -> None:
    with pytest.raises(
        FileRefused, match="expected parts of one form, or a file of products with that of its variants"
    ):
        send(given, {"dl-item.csv": ITEMS, "dl-normal-item.csv": table([sku("a", "a", "1")])}, given.rakuten)
    with pytest.raises(
        FileRefused, match="quantity.csv is not a file of 楽天市場: the file looks like yahoo_shopping:stock"
    ):
        send(given, {"dl-item.csv": ITEMS, "quantity.csv": b"code,sub-code,quantity\r\na,,1\r\n"}, given.rakuten)
    assert nothing_staged(given)


def test_a_damaged_file_among_several_leaves_nothing_behind(given: Imports) -> None:
    with pytest.raises(FileRefused, match="dl-select.csv: row 4"):
        send(given, {"dl-item.csv": ITEMS, "dl-select.csv": CHOICES.replace(b"-blue", b"-bl\x00e")}, given.rakuten)
    assert nothing_staged(given)


def test_a_line_that_names_several_listings_is_several_rows(given: Imports) -> None:
    shop = connected(given, "qoo10", user_id="sample")
    options = "カラー||*赤||*0||*3||*R$$カラー||*青||*0||*many||*B$$カラー||*白||*0||*5||*W"
    header = "item_number,seller_unique_item_id,item_name,price_yen,quantity,option_info\r\n"
    item = f"{header}1234567890,T,Tシャツ,100,0,{options}\r\n1234567891,C,カップ,100,7,\r\n"
    file = send(given, {"item.csv": item.encode()}, shop)
    assert (file.rows, file.problems) == (4, 1)
    assert given.problems(file)[0].startswith("row 2, column option_info: 'カラー||*青")
    given.apply(file)
    assert given.available() == {"C": 7, "R": 3, "W": 5}
    shop = connected(given, "futureshop", api_domain="api.example.jp")
    stock = "コントロールカラム,商品番号,在庫数,予約在庫数\r\nu,gd1,4,9\r\nu,gd2,5,\r\n"
    known = "コントロールカラム,商品番号,商品名\r\nu,gd1,時計\r\nu,gd2,鏡\r\n"
    given.apply(send(given, {"goods.csv": known.encode("cp932")}, shop))
    given.apply(send(given, {"goodsStock.csv": stock.encode("cp932")}, shop))
    assert {code: given.available()[code] for code in ("gd1", "gd2")} == {"gd1": 4, "gd2": 5}


# ------------------------------------------------------------------ zips


def test_the_files_of_a_zip_are_one_import(given: Imports) -> None:
    content = packed(
        {"在庫/dl-select.csv": CHOICES, "在庫/dl-item.csv": ITEMS, "__MACOSX/._dl-item.csv": b"x", "在庫/": b""}
    )
    file = send(given, {"download.zip": content}, given.rakuten)
    assert (file.format, file.rows, file.file_bytes) == ("old-item+old-select", 8, len(content))
    given.apply(file)
    assert given.available() == OLD_STOCK


def test_names_in_a_zip_of_windows_are_japanese(given: Imports) -> None:
    shop = connected(given, "amazon", seller_id="A2SAMPLE", client_id="client")
    report = "出品者SKU\tASIN\t価格\t数量\tステータス\r\nS-1\tB000000001\t980\t4\tActive\r\n".encode("cp932")
    name = "出品レポート.txt".encode("cp932")
    content = packed({"x" * len(name): report}).replace(b"x" * len(name), name)
    assert send(given, {"amazon.zip": content}, shop).file_name == "出品レポート.txt"


def entry_flagged(content: bytes) -> bytes:
    """The zip whose members say that they need a password."""
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        found = content.find(mark)
        content = content[: found + at] + b"\x01" + content[found + at + 1 :]
    return content


ROW = table([sku("a", "a", "1")])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (packed({"dl-normal-item.csv": ROW + b"x" * 30_000_000}), "more than 100 times"),
        (packed({"a.zip": packed({"b.csv": ROW})}), "a zip in the zip"),
        (packed({"a.csv": packed({"b.csv": ROW})}), "a zip in the zip"),
        (packed({"../dl-normal-item.csv": ROW}), "leads out of its folder"),
        (packed({"a\\..\\..\\b.csv": ROW}), "leads out of its folder"),
        (packed({"/etc/dl-normal-item.csv": ROW}), "leads out of its folder"),
        (packed({f"{n}.csv": b"" for n in range(1_001)}), "at most 1,000"),
        (entry_flagged(packed({"dl-normal-item.csv": ROW})), "has a password"),
        (packed({"folder/": b""}), "a zip without files"),
        (packed({"dl-normal-item.csv": ROW, "readme.txt": "使い方".encode()}), "readme.txt is not a file of 楽天市場"),
        (packed({"dl-normal-item.csv": ROW})[:-30], "not a whole zip"),
    ],
    ids=["bomb", "zip", "hidden zip", "up", "up on windows", "root", "many", "password", "nothing", "readme", "cut"],
)
def test_a_zip_that_is_suspicious_is_refused_whole(given: Imports, content: bytes, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        send(given, {"x.zip": content}, given.rakuten)
    assert nothing_staged(given)


# ------------------------------------------------------------------ what a person names


def test_a_person_may_say_what_the_file_is(given: Imports) -> None:
    few = ("商品管理番号（商品URL）", "商品番号", "在庫タイプ", "在庫数")
    content = table([{few[0]: "abc", few[1]: "ABC", few[2]: "1", few[3]: "5"}], few)
    with pytest.raises(
        FileRefused, match=r"the file looks like shoplist:item \(SHOPLIST.*\) because of the columns.*--format"
    ):
        send(given, {"item.csv": content}, given.rakuten)
    file = send(given, {"item.csv": content}, given.rakuten, format="old-item")
    assert (file.format, file.reason) == ("old-item", "asked for")
    given.apply(file)
    assert given.available() == {"ABC": 5}
    with pytest.raises(FileRefused, match="form 'stock'; expected one of 楽天市場: normal-item, old-item, old-select"):
        send(given, {"item.csv": content}, given.rakuten, format="stock")
    with pytest.raises(
        FileRefused, match="item.csv cannot be read as RMS 商品CSV（SKU形式）.*column SKU管理番号 is missing"
    ):
        send(given, {"item.csv": content}, given.rakuten, format="rakuten:normal-item")


def test_a_person_may_say_how_the_file_is_encoded(given: Imports) -> None:
    content = table([sku("a", "a", "1", "ﾃ")])  # half-width kana in CP932 can look like UTF-8
    assert send(given, {"x.csv": content}, given.rakuten, encoding="Shift_JIS").encoding == "cp932"
    with pytest.raises(FileRefused, match="text in utf-8"):
        send(given, {"x.csv": content}, given.rakuten, encoding="utf-8")
    with pytest.raises(FileRefused, match="encoding 'latin-1'; expected one of utf-8, cp932"):
        send(given, {"x.csv": content}, given.rakuten, encoding="latin-1")
    marked = table([sku("a", "a", "1")], encoding="utf-8-sig")
    assert send(given, {"x.csv": marked}, given.rakuten, encoding="utf-8").rows == 1


def test_the_reason_names_the_columns(given: Imports) -> None:
    file = send(given, {"dl-normal-item.csv": ROW}, given.rakuten)
    assert file.reason == "header and name: 商品管理番号（商品URL）, SKU管理番号, 在庫数"
