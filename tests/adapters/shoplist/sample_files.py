"""The sample files of SHOPLIST with what each means."""

from collections.abc import Iterator, Mapping

Sample = tuple[str, bytes, Mapping[str, object]]

ITEM_HEADER = "コントロールカラム,商品管理番号（商品URL）,商品番号,在庫タイプ,在庫数"
SELECT_HEADER = (
    "項目選択肢用コントロールカラム,商品管理番号（商品URL）,選択肢タイプ,項目選択肢別在庫用横軸選択肢,"
    "項目選択肢別在庫用横軸選択肢子番号,項目選択肢別在庫用縦軸選択肢,項目選択肢別在庫用縦軸選択肢子番号,項目選択肢別在庫用在庫数"
)
CHOICE = "項目選択肢別在庫用横軸選択肢子番号"


def file_samples() -> Iterator[Sample]:
    """Name, raw bytes and want of every sample file."""
    yield _item()
    yield _item_full()
    yield _item_half_width()
    yield _item_wrong()
    yield _select()
    yield _select_short_names()
    yield _select_wrong()
    yield _rakuten_item()
    yield _rakuten_select()
    yield "empty.csv", b"", {"refused": {"row": 1, "column": ""}}
    bad = _lines(ITEM_HEADER, "u,test001,test001,1,12").encode("cp932") + b"u,test\xff002,,1,3\r\n"
    yield "item-bad-byte.csv", bad, {"refused": {"row": 3, "column": ""}}


def row(
    line: int, item: str, number: str, units: int | None, *, children: tuple[str, str] = ("", ""), **more: object
) -> dict[str, object]:
    """One understood row."""
    horizontal, vertical = children
    joined = horizontal + vertical
    codes = [number + joined] if number == item else [number + joined, item + joined]
    return {
        "row": line,
        "item": item,
        "variant": f"{horizontal}/{vertical}" if vertical else horizontal,
        "units": units,
        "matches": {"number_children": number + joined, "management_children": item + joined},
        "codes": codes,
        "product": number,
        **more,
    }


def _lines(*lines: str, quoted: bool = False) -> str:
    if quoted:
        lines = tuple(",".join(f'"{cell}"' for cell in line.split(",")) for line in lines)
    return "".join(f"{line}\r\n" for line in lines)


def _item() -> Sample:
    text = _lines(
        ITEM_HEADER,
        "u,test001,test001,1,12",
        "u,page-2,00123,1,0",
        ",test003,test003,2,",
        ",test004,test004,0,",
        ",test005,test005,1,",
        ",test006,,1,３４",
        quoted=True,
    )
    rows = [
        row(2, "test001", "test001", 12),
        row(3, "page-2", "00123", 0),
        row(5, "test004", "test004", None, unlimited=True),
        row(6, "test005", "test005", None),
        row(7, "test006", "test006", 34),
    ]
    return "item.csv", text.encode("cp932"), {"format": "item", "encoding": "cp932", "rows": rows, "problems": []}


def _item_full() -> Sample:
    text = _lines(
        "在庫数,商品名,商品管理番号（商品URL）,全商品ディレクトリID,商品番号,消費税,販売価格,キャッチコピー,商品説明文,在庫タイプ,JANコード",
        '5,"㈱サンプル①, ワンピース",op100,110729,op100,1,1990,春の新作,"二行の\r\n説明",1,4901234567894',
        ",レギンス,op200,110729,op-200,1,990,,,2,",
        '"1,000",靴下,op300,110729,op300,1,300,,,1,12',
    )
    rows = [
        row(2, "op100", "op100", 5, name="㈱サンプル①, ワンピース", jan="4901234567894"),
        row(5, "op300", "op300", 1000, name="靴下"),
    ]
    return "item-all-columns.csv", text.encode("utf-8-sig"), {"format": "item", "rows": rows, "problems": []}


def _item_half_width() -> Sample:
    text = _lines("コントロールカラム,商品管理番号(商品URL),商品番号,在庫タイプ,在庫数", "u,Test001,TEST001,1,7")
    want = {"format": "item", "rows": [row(2, "Test001", "TEST001", 7)], "problems": []}
    return "item-half-width-parentheses.csv", text.encode("cp932"), want


def _item_wrong() -> Sample:
    text = _lines(
        ITEM_HEADER,
        "u,test001,test001,1,-1",
        "u,test002,test002,1,33.0",
        "u,,,1,5",
        "u,test004,test004,9,5",
        "d,test005,test005,1,5",
        "u,test006,test006,1",
        ",,,,",
        "u,test007,test007,1,1",
        "u,test007,test007,1,2",
        "u,test008,test008,1,無制限",
    )
    problems = [
        {"row": 2, "column": "在庫数", "value": "-1"},
        {"row": 3, "column": "在庫数", "value": "33.0"},
        {"row": 4, "column": "商品管理番号（商品URL）", "value": ""},
        {"row": 5, "column": "在庫タイプ", "value": "9"},
        {"row": 6, "column": "コントロールカラム", "value": "d"},
        {"row": 7, "column": "", "value": "4 cells"},
        {"row": 10, "column": "", "value": "test007"},
        {"row": 11, "column": "在庫数", "value": "無制限"},
    ]
    want = {"format": "item", "rows": [row(9, "test007", "test007", 1)], "problems": problems}
    return "item-wrong-rows.csv", text.encode("cp932"), want


def _select() -> Sample:
    text = _lines(
        SELECT_HEADER,
        "u,test001,i,Sサイズ,-s,レッド,-red,2",
        "u,test001,i,Mサイズ,-m,レッド,-red,0",
        "u,test001,s,,,,,",
        "u,test001,c,,,,,",
        "u,test002,i,フリー,01,,,8",
        "u,test002,i,,,黒,02,9",
        "u,test003,i,Sサイズ,-s,白,-white,",
        quoted=True,
    )
    rows = [
        row(2, "test001", "test001", 2, children=("-s", "-red")),
        row(3, "test001", "test001", 0, children=("-m", "-red")),
        row(6, "test002", "test002", 8, children=("01", "")),
        row(7, "test002", "test002", 9, children=("", "02")),
        row(8, "test003", "test003", None, children=("-s", "-white")),
    ]
    return "select.csv", text.encode("cp932"), {"format": "select", "encoding": "cp932", "rows": rows, "problems": []}


def _select_short_names() -> Sample:
    text = _lines(
        "商品番号,商品管理番号(商品URL),縦子番号,横子番号,在庫数,備考",
        "op-1,page-1,-red,-s,３,x",
        "op-1,page-1,-red,-m,1,",
    )
    rows = [
        row(2, "page-1", "op-1", 3, children=("-s", "-red")),
        row(3, "page-1", "op-1", 1, children=("-m", "-red")),
    ]
    return "select-short-names.csv", text.encode("utf-8"), {"format": "select", "rows": rows, "problems": []}


def _select_wrong() -> Sample:
    text = _lines(
        SELECT_HEADER,
        "u,test001,i,S,-s,赤,-red,x",
        "u,test001,z,S,-s,赤,-red,1",
        "u,test001,i,S,,赤,,1",
        "u,test001,i,S,a/b,赤,-red,1",
        "u,test001,i,S,-s,赤,-red,4",
        "u,test001,i,S,-s,赤,-red,5",
        "d,test001,i,S,-x,赤,-red,5",
    )
    problems = [
        {"row": 2, "column": "項目選択肢別在庫用在庫数", "value": "x"},
        {"row": 3, "column": "選択肢タイプ", "value": "z"},
        {"row": 4, "column": CHOICE, "value": ""},
        {"row": 5, "column": CHOICE, "value": "a/b"},
        {"row": 7, "column": "", "value": "test001/-s/-red"},
        {"row": 8, "column": "項目選択肢用コントロールカラム", "value": "d"},
    ]
    rows = [row(6, "test001", "test001", 4, children=("-s", "-red"))]
    return "select-wrong-rows.csv", text.encode("cp932"), {"format": "select", "rows": rows, "problems": problems}


def _rakuten_item() -> Sample:
    """Another mall's file with nearly the same words; whether that mall reads it is its own matter."""
    text = _lines("商品管理番号（商品URL）,SKU管理番号", "item-1,s1")
    return "other-mall.csv", text.encode("cp932"), {"not_recognised": {"looks_like": []}}


def _rakuten_select() -> Sample:
    text = _lines("商品番号,商品名,価格", "op100,ワンピース,1990")
    return "no-stock-column.csv", text.encode("cp932"), {"not_recognised": {"looks_like": []}}
