"""The sample files of futureshop with what each means."""

from collections.abc import Iterator, Mapping

Sample = tuple[str, bytes, Mapping[str, object]]


def file_samples() -> Iterator[Sample]:
    """Name, raw bytes and want of every sample file."""
    yield _goods()
    yield _goods_of_commerce_creator()
    yield _variations()
    yield _variation_stock()
    yield _variation_stock_of_one_axis()
    yield _stock()
    yield _wrong_rows()
    yield _bad_byte()
    yield _without_codes()


def _lines(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


def _row(
    row: int,
    item: str,
    units: int | None,
    *,
    across: str = "",
    down: str = "",
    preorder: bool = False,
    **more: object,
) -> dict[str, object]:
    variant = f"{down}:{across}" if across else down
    mark = "~preorder" if preorder else ""
    matches = {
        "item_branches": item + across + down,
        "item_branches_vertical_first": item + down + across,
        "item": item,
    }
    if more.get("jan"):
        matches["jan"] = str(more["jan"])
    names = [item + across + down + mark, item + down + across + mark]
    return {
        "row": row,
        "item": item,
        "variant": variant + mark,
        "units": units,
        "matches": matches,
        "codes": list(dict.fromkeys(names)),
        "product": item,
        **({"flags": ["preorder"]} if preorder else {}),
        **more,
    }


def _goods() -> Sample:
    text = _lines(
        "コントロールカラム,商品番号,商品名,販売価格,在庫管理,在庫数,バリエーション,JANコード",
        ",gd1,㈱アラームクロック①,3055,1,5,0,4900000000017",
        ',0012,"小物, 二行の\n名前",500,1,"1,200",0,',
        ",gd3,在庫を数えない商品,500,0,,0,",
        ",gd4,バリエーションのある商品,500,1,99,1,",
        "u,gd5,在庫数の空欄,500,1,,0,",
        ",GD1,大文字は別の商品,500,1,０,0,",
    )
    rows = [
        _row(2, "gd1", 5, name="㈱アラームクロック①", jan="4900000000017"),
        _row(3, "0012", 1200, name="小物, 二行の 名前"),
        _row(5, "gd3", None, name="在庫を数えない商品", unlimited=True, flags=["sells_at_zero"]),
        _row(7, "gd5", None, name="在庫数の空欄"),
        _row(8, "GD1", 0, name="大文字は別の商品"),
    ]
    return "goods.csv", text.encode("cp932"), {"format": "goods", "encoding": "cp932", "rows": rows}


def _goods_of_commerce_creator() -> Sample:
    text = _lines("商品名,知らない列,商品番号,コントロールカラム", "予約のない商品,x,gd1,", "次の商品,y,gd2,u")
    rows = [_row(2, "gd1", None, name="予約のない商品"), _row(3, "gd2", None, name="次の商品")]
    return "ccGoods.csv", text.encode("utf-8-sig"), {"format": "goods", "encoding": "utf-8-sig", "rows": rows}


def _variations() -> Sample:
    text = _lines(
        "コントロールカラム,商品番号,商品名,バリエーション横軸枝番号,横軸選択肢名,バリエーション縦軸枝番号,縦軸選択肢名,JANコード,在庫数,予約在庫数",
        ",gd4,サンプルTシャツ,m,Ｍ,rd,レッド,4900000000024,3,",
        ",gd4,サンプルTシャツ,l,Ｌ,rd,レッド,,0,8",
        ",gd4,サンプルTシャツ,m,Ｍ,bl,ブルー,,,",
    )
    rows = [
        _row(2, "gd4", 3, across="m", down="rd", name="サンプルTシャツ Ｍ レッド", jan="4900000000024"),
        _row(3, "gd4", 0, across="l", down="rd", name="サンプルTシャツ Ｌ レッド"),
        _row(3, "gd4", 8, across="l", down="rd", preorder=True, name="サンプルTシャツ Ｌ レッド"),
        _row(4, "gd4", None, across="m", down="bl", name="サンプルTシャツ Ｍ ブルー"),
    ]
    return "goodsVariation.csv", text.encode("cp932"), {"format": "variations", "rows": rows}


def _variation_stock() -> Sample:
    text = _lines(
        "コントロールカラム,商品番号,バリエーション横軸枝番号,バリエーション縦軸枝番号,在庫数",
        ",gd4,m,rd,3",
        ",gd4,l,rd,0",
        ",gd1,,,5",
    )
    rows = [
        _row(2, "gd4", 3, across="m", down="rd"),
        _row(3, "gd4", 0, across="l", down="rd"),
        _row(4, "gd1", 5),
    ]
    return "goodsVariationStock.csv", text.encode("cp932"), {"format": "variations", "rows": rows}


def _variation_stock_of_one_axis() -> Sample:
    text = _lines("在庫数,縦軸枝番号,商品番号", "3,001,0012", "4,002,0012")
    rows = [_row(2, "0012", 3, down="001"), _row(3, "0012", 4, down="002")]
    return "goodsVariationStock-one-axis.csv", text.encode("utf-8"), {"format": "variations", "rows": rows}


def _stock() -> Sample:
    text = _lines("コントロールカラム,商品番号,在庫数,予約在庫数", ",gd1,5,", ",gd9,0,30")
    rows = [_row(2, "gd1", 5), _row(3, "gd9", 0), _row(3, "gd9", 30, preorder=True)]
    return "goodsStock.csv", text.encode("cp932"), {"format": "stock", "rows": rows}


def _wrong_rows() -> Sample:
    text = _lines(
        "コントロールカラム,商品番号,横軸枝番号,縦軸枝番号,在庫数,予約在庫数",
        "d,gd1,m,rd,0,",
        ",gd1,m,rd,+1,",
        ",gd1,m,rd,-1,",
        ",gd1,m,rd,1.5,",
        ",商品,m,rd,1,",
        ",gd1,0123456789,rd,1,",
        ",gd1,m,rd,7,",
        ",gd1,m,rd,8,",
        ",gd2,m,rd,1,x",
        ",,,,,",
    )
    rows = [_row(8, "gd1", 7, across="m", down="rd")]
    problems = [
        (2, "コントロールカラム", "d"),
        (3, "在庫数", "+1"),
        (4, "在庫数", "-1"),
        (5, "在庫数", "1.5"),
        (6, "商品番号", "商品/rd:m"),
        (7, "商品番号", "gd1/rd:0123456789"),
        (9, "商品番号", "gd1/rd:m"),
        (10, "予約在庫数", "x"),
    ]
    said = [{"row": row, "column": column, "value": value} for row, column, value in problems]
    name = "goodsVariationStock-wrong-rows.csv"
    return name, text.encode("cp932"), {"format": "variations", "rows": rows, "problems": said}


def _bad_byte() -> Sample:
    good = _lines("コントロールカラム,商品番号,商品名,在庫数", ",gd1,サンプル,5").encode("cp932")
    return "goods_bad-byte.csv", good + b",gd2,\x85\x20,6\r\n", {"refused": {"row": 3, "column": ""}}


def _without_codes() -> Sample:
    text = _lines("商品名,在庫数", "サンプル,5")
    return "goods_without-codes.csv", text.encode("cp932"), {"not_recognised": {"looks_like": []}}
