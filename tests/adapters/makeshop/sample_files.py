"""The sample files of MakeShop with what each means."""

from collections.abc import Iterator, Mapping

Sample = tuple[str, bytes, Mapping[str, object]]
FIRST = "商品特定コード指定,更新時間フラグ,システム商品コード,独自商品コード,カテゴリ識別コード,カテゴリーパス,商品名,重量,販売価格"


def file_samples() -> Iterator[Sample]:
    """Name, raw bytes and want of every sample file."""
    yield _products()
    yield _products_wrong()
    yield _products_with_option_flag()
    yield _options()
    yield _options_by_own_code()
    yield _options_wrong()
    yield _bad_byte()
    yield _without_number_column()


def _lines(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


def _product(row: int, system_code: str, own_code: str, units: int | None, **more: object) -> dict[str, object]:
    matches = {"own_code": own_code, "option_code": own_code, "system_code": system_code}
    return {
        "row": row,
        "item": system_code,
        "units": units,
        "unlimited": units is None,
        "matches": {name: value for name, value in matches.items() if value},
        "codes": [own_code] if own_code else [],
        "product": system_code,
        **more,
    }


def _option(
    row: int, system_code: str, variant: str, own: tuple[str, str], units: int | None, **more: object
) -> dict[str, object]:
    own_code, option_code = own
    matches = {
        "own_code": own_code + option_code if option_code else "",
        "option_code": option_code,
        "system_code": system_code + variant,
    }
    return {
        "row": row,
        "item": system_code,
        "variant": variant,
        "units": units,
        "unlimited": units is None,
        "matches": {name: value for name, value in matches.items() if value},
        "codes": [f"{own_code}/{option_code}"] if own_code and option_code else [],
        "product": system_code,
        **more,
    }


def _products() -> Sample:
    text = _lines(
        f"{FIRST},定価,数量,最小注文限度数,JANコード",
        "1,0,000000000001,item-01,,サンプル,㈱サンプルTシャツ①,100,2980,0,5,1,4900000000017",
        '1,0,000000000002,0012,,サンプル,"小物, 二行の\n名前",,500,0,"1,200",1,',
        "1,0,000000000003,item-03,,サンプル,無制限の商品,,500,0,,1,",
        "1,0,000000000004,ＩＴＥＭ－０４,,サンプル,全角の商品コード,,500,0,１２,1,",
        "1,0,000000000005,,,サンプル,独自商品コードのない商品,,500,0,0,1,",
        "1,0,000000000006,item-06,,サンプル,ことばの無制限,,500,0,無制限,1,",
    )
    rows = [
        _product(2, "000000000001", "item-01", 5, name="㈱サンプルTシャツ①", jan="4900000000017"),
        _product(3, "000000000002", "0012", 1200, name="小物, 二行の 名前"),
        _product(5, "000000000003", "item-03", None, name="無制限の商品"),
        _product(6, "000000000004", "ＩＴＥＭ－０４", 12, name="全角の商品コード"),
        _product(7, "000000000005", "", 0, name="独自商品コードのない商品"),
        _product(8, "000000000006", "item-06", None, name="ことばの無制限"),
    ]
    return "upload_20261120090000.csv", text.encode("cp932"), {"format": "products", "encoding": "cp932", "rows": rows}


def _products_wrong() -> Sample:
    text = _lines(
        "数量,商品名,独自商品コード,システム商品コード,知らない列",
        "-1,a,item-01,000000000001,",
        "1.5,b,item-02,000000000002,",
        "9999999,c,item-03,000000000003,",
        "7,d,item-04,,",
        "7,e,item-05,000000000005,x",
        "8,f,item-05,000000000005,x",
        "3",
        ",,,,",
    )
    rows = [_product(6, "000000000005", "item-05", 7, name="e")]
    problems = [
        (2, "数量", "-1"),
        (3, "数量", "1.5"),
        (4, "数量", "9999999"),
        (5, "システム商品コード", ""),
        (7, "システム商品コード", "000000000005"),
        (8, "", "1 cells"),
    ]
    said = [{"row": row, "column": column, "value": value} for row, column, value in problems]
    return (
        "upload_wrong-rows.csv",
        text.encode("utf-8-sig"),
        {"format": "products", "encoding": "utf-8-sig", "rows": rows, "problems": said},
    )


def _products_with_option_flag() -> Sample:
    text = _lines(
        "システム商品コード,独自商品コード,商品名,数量,オプション使用",
        "000000000001,item-01,オプションのある商品,99,Y",
        "000000000002,item-02,オプションのない商品,4,N",
    )
    rows = [_product(3, "000000000002", "item-02", 4, name="オプションのない商品")]
    return "upload_with-option-flag.csv", text.encode("cp932"), {"format": "products", "rows": rows}


def _options() -> Sample:
    text = _lines(
        "商品特定コード指定,システム商品コード,独自商品コード,商品名,バリエーションID,オプション1項目,オプション2項目,オプション独自コード,数量",
        "0,000000000001,item-01,サンプルTシャツ,101,ブルー,M,-BL-M,3",
        "0,000000000001,item-01,サンプルTシャツ,102,レッド,M,-RD-M,0",
        "0,000000000001,item-01,サンプルTシャツ,103,グリーン,M,,",
        "0,000000000009,item-09,オプションのない商品,,,,,6",
    )
    rows = [
        _option(2, "000000000001", "101", ("item-01", "-BL-M"), 3, name="サンプルTシャツ ブルー M"),
        _option(3, "000000000001", "102", ("item-01", "-RD-M"), 0, name="サンプルTシャツ レッド M"),
        _option(4, "000000000001", "103", ("item-01", ""), None, name="サンプルTシャツ グリーン M"),
        _product(5, "000000000009", "item-09", 6, name="オプションのない商品"),
    ]
    return "option_20261120090000.csv", text.encode("cp932"), {"format": "options", "rows": rows}


def _options_by_own_code() -> Sample:
    text = _lines(
        "オプション独自コード,数量,独自商品コード,システム商品コード",
        "001,3,item-01,000000000001",
        "002,4,item-01,000000000001",
    )
    rows = [
        _option(2, "000000000001", "001", ("item-01", "001"), 3),
        _option(3, "000000000001", "002", ("item-01", "002"), 4),
    ]
    return "option_by-own-code.csv", text.encode("utf-8"), {"format": "options", "rows": rows}


def _options_wrong() -> Sample:
    text = _lines(
        "システム商品コード,独自商品コード,バリエーションID,オプション独自コード,数量",
        "000000000001,item-01,101,-BL,x",
        "000000000001,item-01,,-RD,3",
        "000000000001,item-01,103,-GR,3",
        "000000000001,item-01,103,-GR,4",
    )
    rows = [_option(4, "000000000001", "103", ("item-01", "-GR"), 3)]
    problems = [(2, "数量", "x"), (3, "バリエーションID", ""), (5, "バリエーションID", "103")]
    said = [{"row": row, "column": column, "value": value} for row, column, value in problems]
    return "option_wrong-rows.csv", text.encode("cp932"), {"format": "options", "rows": rows, "problems": said}


def _bad_byte() -> Sample:
    good = _lines("システム商品コード,独自商品コード,商品名,数量", "000000000001,item-01,サンプル,5").encode("cp932")
    bad = b"000000000002,item-02,\x85\x00,6\r\n".replace(b"\x00", b"\x20")
    return "upload_bad-byte.csv", good + bad, {"refused": {"row": 3, "column": ""}}


def _without_number_column() -> Sample:
    text = _lines(FIRST, "1,0,000000000001,item-01,,サンプル,サンプルTシャツ,100,2980")
    return "upload_without-number.csv", text.encode("cp932"), {"not_recognised": {"looks_like": []}}
