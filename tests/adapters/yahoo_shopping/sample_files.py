"""The sample files of Yahoo!ショッピング with what each means."""

from collections.abc import Iterator, Mapping

Sample = tuple[str, bytes, Mapping[str, object]]


def file_samples() -> Iterator[Sample]:
    """Name, raw bytes and want of every sample file."""
    yield _download()
    yield _with_names()
    yield _not_together()
    yield _wrong_rows()
    yield _product_data()


def _row(number: int, item: str, variant: str, units: int | None, **more: object) -> dict[str, object]:
    joined = f"{item}:{variant}" if variant else item
    matches = {"sub_code_or_code": variant or item, "code_and_sub_code": joined, "code": item}
    if variant:
        matches["sub_code"] = variant
    return {
        "row": number,
        "item": item,
        "variant": variant,
        "units": units,
        "unlimited": units is None,
        "matches": matches,
        **more,
    }


def _lines(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


def _download() -> Sample:
    text = _lines(
        "code,sub-code,quantity,allow-overdraft,stock-close",
        "test1234,,6,0,",
        "item-01,,,0,",
        "item-01,blue,3,0,",
        "item-01,red,0,0,1",
        "item-02,,5,1,0",
        "item-03,,,0,",
        "item-04,,120,0,0",
        "0001,,7,,",
    )
    rows = [
        _row(4, "item-01", "blue", 3),
        _row(5, "item-01", "red", 0, flags=["closed"]),
        _row(2, "test1234", "", 6),
        _row(6, "item-02", "", 5, flags=["sells_at_zero"]),
        _row(7, "item-03", "", None),
        _row(8, "item-04", "", 120),
        _row(9, "0001", "", 7),
    ]
    return "quantity202611200900.csv", text.encode("cp932"), {"format": "stock", "rows": rows, "problems": []}


def _with_names() -> Sample:
    text = _lines(
        "code,name,sub-code,quantity,allow-overdraft,stock-close",
        "item-01,㈱サンプルTシャツ①,,,0,",
        'item-01,"㈱サンプルTシャツ①, 青",blue,3,0,',
        '"item-05","二行の\n名前",,"12",0,',
    )
    rows = [
        _row(3, "item-01", "blue", 3, name="㈱サンプルTシャツ①, 青"),
        _row(4, "item-05", "", 12, name="二行の\n名前"),
    ]
    return (
        "stock-with-names-utf8.csv",
        text.encode("utf-8-sig"),
        {"format": "stock", "encoding": "utf-8-sig", "rows": rows, "problems": []},
    )


def _not_together() -> Sample:
    text = _lines(
        "stock-close,quantity,sub-code,mode,code",
        ",4,,,item-07",
        ",1,blue,,item-08",
        ",9,,,item-08",
        ",2,S,,item-07",
        ",3,L,,item-07",
    )
    rows = [_row(3, "item-08", "blue", 1), _row(5, "item-07", "S", 2), _row(6, "item-07", "L", 3)]
    return "stock-columns-and-rows-apart.csv", text.encode("cp932"), {"format": "stock", "rows": rows, "problems": []}


def _wrong_rows() -> Sample:
    text = _lines(
        "code,sub-code,quantity,mode,allow-overdraft,stock-close",
        "item-10,,-1,,0,",
        "item-11,,33.0,,0,",
        "item-12,,5,+,0,",
        "item 13,,5,,0,",
        "item-14,あか,5,,0,",
        "item-15,,5,,2,",
        "item-16,,5,,0,9",
        "item-17,,2147483648,,0,",
        "item-18,,5,,0,",
        "item-18,,6,,0,",
        "item-19,",
        ",,5,,0,",
        'item-20,,"1,000",,0,',
        "item-21,,１２,,0,",
        "item-22,,4,,0,",
        "item-22,blue,x,,0,",
        "item-23,INI,INI,,0,",
    )
    rows = [_row(10, "item-18", "", 5), _row(14, "item-20", "", 1000), _row(15, "item-21", "", 12)]
    problems = [
        (2, "quantity", "-1"),
        (3, "quantity", "33.0"),
        (4, "mode", "+"),
        (5, "code", "item 13"),
        (6, "sub-code", "あか"),
        (7, "allow-overdraft", "2"),
        (8, "stock-close", "9"),
        (9, "quantity", "2147483648"),
        (11, "code", "item-18"),
        (12, "", "2 cells"),
        (13, "code", ""),
        (17, "quantity", "x"),
        (18, "quantity", "INI"),
    ]
    said = [{"row": row, "column": column, "value": value} for row, column, value in problems]
    return "stock-wrong-rows.csv", text.encode("cp932"), {"format": "stock", "rows": rows, "problems": said}


def _product_data() -> Sample:
    text = _lines(
        "path,name,code,sub-code,original-price,price,options,caption,jan",
        'サンプル:衣類,サンプルTシャツ,item-01,カラー:ブルー#サイズ:S=item-01-bs&カラー:レッド#サイズ:S=item-01-rs,,2980,,"一行目\r\n二行目",',
        "サンプル:食器,カップ,test1234,,1200,980,,,4912345678904",
        "サンプル,単色,item-02,item-02a,,500,,,",
        "サンプル,だめ,item-03,赤=あか&青=item-03b,,500,,,",
        "サンプル,だめ,,x,,500,,,",
        "サンプル,カップ,test1234,,1200,980,,,",
        "サンプル,短い",
    )

    def made(number: int, item: str, variant: str, name: str, **more: object) -> dict[str, object]:
        return {**_row(number, item, variant, None, name=name, product=item), "unlimited": False, **more}

    rows = [
        made(2, "item-01", "item-01-bs", "サンプルTシャツ ブルー S"),
        made(2, "item-01", "item-01-rs", "サンプルTシャツ レッド S"),
        made(4, "test1234", "", "カップ", jan="4912345678904"),
        made(5, "item-02", "item-02a", "単色"),
        made(6, "item-03", "item-03b", "だめ 青"),
    ]
    problems = [(6, "sub-code", "赤=あか"), (7, "code", ""), (8, "code", "test1234"), (9, "", "2 cells")]
    said = [{"row": row, "column": column, "value": value} for row, column, value in problems]
    return "item-data.csv", text.encode("cp932"), {"format": "items", "rows": rows, "problems": said}
