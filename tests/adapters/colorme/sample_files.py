"""The sample files of カラーミーショップ with what each means: products, options, both in one, spoilt ones."""

from collections.abc import Iterator, Mapping, Sequence

Sample = tuple[str, bytes, Mapping[str, object]]

OPTIONS_HEADER = "商品ID,登録種別,オプション名1,オプション名2,オプションID,型番,在庫数,適正在庫数,販売価格,会員価格"


def file_samples() -> Iterator[Sample]:
    """Name, raw bytes and want of every sample file."""
    yield from _products()
    yield from _options()
    yield from _together()
    yield from _spoilt()


def _text(*lines: str, encoding: str = "cp932") -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode(encoding)


def _row(row: int, product: str, units: int | None, model: str, **more: object) -> dict[str, object]:
    variant = str(more.get("variant", ""))
    own = {"own_code": model} if model else {}
    matches = {**own, "product": product, "product_and_options": f"{product}/{variant}" if variant else product}
    codes = [model] if model else []
    return {"row": row, "item": product, "product": product, "units": units, "codes": codes, "matches": matches, **more}


def _want(
    kind: str, rows: Sequence[object], problems: Sequence[object] = (), encoding: str = "cp932"
) -> dict[str, object]:
    return {"format": kind, "encoding": encoding, "rows": list(rows), "problems": list(problems)}


def _products() -> Iterator[Sample]:
    rows = (
        "商品ID,カテゴリー,商品名,型番,販売価格,在庫管理,在庫数,適正在庫数,JANコード,掲載設定",
        "1342332,衣類,Tシャツ㈱,T-223,1980,する,20,5,,掲載",
        '1342333,雑貨,"マグカップ①, 白",0012,980,する,"1,200",,4901234567894,掲載',
        "1342334,食品,塩,,100,しない,,,,掲載",
        "1342335,食品,砂糖,ｓ－１,100,する,,,,掲載",
        "1342336,食品,酢,A 1,100,する,０,,,掲載",
    )
    want = _want(
        "products",
        [
            _row(2, "1342332", 20, "T-223", name="Tシャツ㈱"),
            _row(3, "1342333", 1200, "0012", name="マグカップ①, 白", jan="4901234567894"),
            _row(4, "1342334", None, "", name="塩", unlimited=True),
            _row(5, "1342335", None, "ｓ－１", name="砂糖"),
            _row(6, "1342336", 0, "A 1", name="酢"),
        ],
    )
    yield "product.csv", _text(*rows), want
    other = ("在庫数,商品ID,備考,型番", "3,00077,x,T-1", "無制限,78,,T-2")
    rows_said = [_row(2, "00077", 3, "T-1"), _row(3, "78", None, "T-2", unlimited=True)]
    yield (
        "product-other-order-utf8.csv",
        b"\xef\xbb\xbf" + _text(*other, encoding="utf-8"),
        _want("products", rows_said, encoding="utf-8-sig"),
    )


def _options() -> Iterator[Sample]:
    rows = (
        OPTIONS_HEADER,
        "1342332,name,カラー,サイズ,,,,,,",
        "1342332,item,赤,S,539903,T-223-RED-S,20,5,1980,",
        "1342332,item,赤,M,539904,T-223-RED-M,0,5,1980,",
        "1342332,item,白 ,Ｓ,539905,,,5,1980,",
        "1342340,name,味,,,,,,,",
        "1342340,item,塩,,539906,007,3,,,",
    )
    want = _want(
        "options",
        [
            _row(3, "1342332", 20, "T-223-RED-S", variant="赤　x　S"),
            _row(4, "1342332", 0, "T-223-RED-M", variant="赤　x　M"),
            _row(5, "1342332", None, "", variant="白 　x　Ｓ"),
            _row(7, "1342340", 3, "007", variant="塩"),
        ],
    )
    yield "product_option.csv", _text(*rows), want
    shuffled = ("オプション2,在庫数,オプション1,商品ID,オプション型番", "S,4,赤,5,R-S", ",6,青,6,B")
    said = [_row(2, "5", 4, "R-S", variant="赤　x　S"), _row(3, "6", 6, "B", variant="青")]
    yield "option-other-order.csv", _text(*shuffled), _want("options", said)


def _together() -> Iterator[Sample]:
    rows = (
        "商品ID,型番,在庫数,オプション1,オプション2,オプション在庫数,オプション型番",
        "7001,T-7,9,,,,",
        "7002,T-8,30,,,,",
        "7002,T-8,30,赤,S,10,T-8-RS",
        "7002,T-8,30,赤,M,20,T-8-RM",
    )
    said = [
        _row(4, "7002", 10, "T-8-RS", variant="赤　x　S"),
        _row(5, "7002", 20, "T-8-RM", variant="赤　x　M"),
        _row(2, "7001", 9, "T-7"),
    ]
    yield "products-and-options.csv", _text(*rows), _want("options", said)


def _spoilt() -> Iterator[Sample]:
    rows = (
        "商品ID,型番,在庫数,在庫管理",
        "1,T-1,5,する",
        "ABC,T-2,5,する",
        "3,T-3,-1,する",
        "4,T-4,33.0,する",
        "1,T-1,6,する",
        "6",
        "7,T-7,1,たぶん",
        "8,T-8,NaN,する",
        "9,T-9,7,する",
    )
    problems = [
        {"row": 3, "column": "商品ID", "value": "ABC"},
        {"row": 4, "column": "在庫数", "value": "-1"},
        {"row": 5, "column": "在庫数", "value": "33.0"},
        {"row": 6, "column": "商品ID", "value": "1"},
        {"row": 7, "column": "", "value": "1 cells"},
        {"row": 8, "column": "在庫管理", "value": "たぶん"},
        {"row": 9, "column": "在庫数", "value": "NaN"},
    ]
    said = [_row(2, "1", 5, "T-1"), _row(10, "9", 7, "T-9")]
    yield "product-wrong-rows.csv", _text(*rows), _want("products", said, problems)
    wrong = (OPTIONS_HEADER, "1,item,,S,,T-1,5,,,", "1,何か,赤,,,T-2,5,,,", "1,item,赤,S,,T-3,99999999,,,")
    problems = [
        {"row": 2, "column": "オプション名1", "value": ""},
        {"row": 3, "column": "登録種別", "value": "何か"},
        {"row": 4, "column": "在庫数", "value": "99999999"},
    ]
    yield "option-wrong-rows.csv", _text(*wrong), _want("options", [], problems)
    bad = _text("商品ID,型番,在庫数", "1,T-1,5") + b"2,\x81\x00,3\r\n"
    yield "product-nul.csv", bad, {"refused": {"row": 3, "column": ""}}
    yield "product-without-model.csv", _text("商品ID,在庫数", "1,5"), {"not_recognised": {"looks_like": []}}
