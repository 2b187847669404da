"""The sample files of ショップサーブ with what each means: items and variations, without limit, spoilt rows."""

from collections.abc import Iterator, Mapping, Sequence

Sample = tuple[str, bytes, Mapping[str, object]]


def file_samples() -> Iterator[Sample]:
    """Name, raw bytes and want of every sample file."""
    yield from _good()
    yield from _spoilt()


def _text(*lines: str, encoding: str = "cp932") -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode(encoding)


def _row(row: int, item: str, units: int | None, variant: str = "", own: str = "", **more: object) -> dict[str, object]:
    both = f"{item}/{variant}" if variant else item
    matches = {"item_and_choices": both, "item": item, **({"own_code": own} if own else {})}
    return {
        "row": row,
        "item": item,
        "variant": variant,
        "product": item,
        "units": units,
        "codes": [both],
        "matches": matches,
        **more,
    }


def _want(rows: Sequence[object], problems: Sequence[object] = (), encoding: str = "cp932") -> dict[str, object]:
    return {"format": "stock", "encoding": encoding, "rows": list(rows), "problems": list(problems)}


def _good() -> Iterator[Sample]:
    rows = (
        "商品番号,商品名,バリエーション1,バリエーション2,バリエーション3,在庫数,在庫無制限フラグ",
        "AAA00018,Tシャツ㈱,,,,,No",
        "AAA00018,Tシャツ㈱,レッド,S,,3,No",
        "AAA00018,Tシャツ㈱,レッド,Ｍ,,０,No",
        "AAA00018,Tシャツ㈱,白 ,S,裏地あり,,Yes",
        '0012,"マグカップ①, 白",,,,"1,200",',
        "b-3,塩,,,,,",
        "b-4,砂糖,,,,z,",
    )
    said = [
        _row(3, "AAA00018", 3, "レッド　／　S", name="Tシャツ㈱"),
        _row(4, "AAA00018", 0, "レッド　／　Ｍ", name="Tシャツ㈱"),
        _row(5, "AAA00018", None, "白 　／　S　／　裏地あり", name="Tシャツ㈱", unlimited=True),
        _row(6, "0012", 1200, name="マグカップ①, 白"),
        _row(7, "b-3", None, name="塩"),
        _row(8, "b-4", None, name="砂糖", unlimited=True),
    ]
    yield "item_stock.csv", _text(*rows), _want(said)
    other = ("備考,選択肢1,在庫数,商品番号,バリエーション商品番号", "x,赤,4,007,007-R", ",,5,008,")
    said = [_row(2, "007", 4, "赤", "007-R"), _row(3, "008", 5)]
    yield (
        "stock-other-order-utf8.csv",
        b"\xef\xbb\xbf" + _text(*other, encoding="utf-8"),
        _want(said, encoding="utf-8-sig"),
    )
    flagged = ("商品番号,在庫数,在庫無制限", "a,9,1", "b,9,0", "c,無制限,")
    said = [_row(2, "a", None, unlimited=True), _row(3, "b", 9), _row(4, "c", None, unlimited=True)]
    yield "stock-without-choices.csv", _text(*flagged), _want(said)
    managed = ("商品番号,在庫管理,バリエーション1,在庫数", "a,V,,99", "b,A,,7", "a,,赤,1", "c,V,,5")
    yield "stock-managed.csv", _text(*managed), _want([_row(4, "a", 1, "赤"), _row(3, "b", 7)])


def _spoilt() -> Iterator[Sample]:
    rows = (
        "商品番号,バリエーション1,バリエーション2,在庫数,在庫無制限フラグ",
        ",赤,,1,No",
        "a,,S,1,No",
        "a,赤,,-1,No",
        "a,青,,33.0,No",
        "a,黄,,1,たぶん",
        "a,黒",
        "a,白,,2,No",
        "a,白,,3,No",
    )
    problems = [
        {"row": 2, "column": "商品番号", "value": ""},
        {"row": 3, "column": "バリエーション1", "value": ""},
        {"row": 4, "column": "在庫数", "value": "-1"},
        {"row": 5, "column": "在庫数", "value": "33.0"},
        {"row": 6, "column": "在庫無制限フラグ", "value": "たぶん"},
        {"row": 7, "column": "", "value": "2 cells"},
        {"row": 9, "column": "商品番号", "value": "a/白"},
    ]
    yield "stock-wrong-rows.csv", _text(*rows), _want([_row(8, "a", 2, "白")], problems)
    bad = _text("商品番号,バリエーション1,在庫数", "a,赤,1") + b"b,\x81\x20,3\r\n"
    yield "stock-bad-byte.csv", bad, {"refused": {"row": 3, "column": ""}}
    yield "stock-without-number.csv", _text("商品番号,バリエーション1", "a,赤"), {"not_recognised": {"looks_like": []}}
