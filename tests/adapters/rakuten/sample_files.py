"""The file samples of 楽天市場: item files as merchants download and spoil them, with what should be understood."""

from collections.abc import Iterator, Sequence

Sample = tuple[str, bytes, dict[str, object]]
Row = dict[str, str]

ITEM, NUMBER, NAME, OPTION = "商品管理番号（商品URL）", "商品番号", "商品名", "選択肢タイプ"
VARIANT, OWN, UNITS = "SKU管理番号", "システム連携用SKU番号", "在庫数"
RESTORES, SELLS, PREORDER, JAN = "在庫戻しフラグ", "在庫切れ時の注文受付", "予約商品発売日", "カタログID"
USUAL = (ITEM, NUMBER, NAME, OPTION, VARIANT, OWN, UNITS)


def parent(item: str, number: str = "", name: str = "", **other: str) -> Row:
    return {ITEM: item, NUMBER: number, NAME: name, **other}


def option(item: str) -> Row:
    return {ITEM: item, OPTION: "s"}


def sku(item: str, variant: str, units: str, own: str = "", **other: str) -> Row:
    return {ITEM: item, VARIANT: variant, UNITS: units, OWN: own, **other}


def table(rows: Sequence[Row], columns: Sequence[str] = USUAL, *, encoding: str = "cp932") -> bytes:
    """The file as the mall writes it: every cell quoted, CRLF."""
    lines = [dict(zip(columns, columns, strict=True)), *rows]
    text = "".join(
        ",".join('"' + row.get(name, "").replace('"', '""') + '"' for name in columns) + "\r\n" for row in lines
    )
    return text.encode(encoding)


def wanted(
    row: int, item: str, variant: str, units: int | None, *, alone: bool = False, own: str = "", **other: object
) -> dict[str, object]:
    """One wanted row; ``number`` is the 商品番号 it carries."""
    number = str(other.pop("number", ""))
    told = number or item
    codes = [told, f"{told}/{variant}"] if alone else [f"{told}/{variant}"]
    return {
        "row": row,
        "item": item,
        "variant": variant,
        "units": units,
        "matches": {
            "own_code": own or (item if alone else f"{item}-{variant}"),
            "merchant_sku": own,
            "variant": variant,
            "item": item,
            "item_number": number,
            "item_variant": f"{item}-{variant}",
        },
        "codes": [*codes, own] if own and own not in codes else codes,
        "product": item,
        **other,
    }


def understood(
    rows: list[dict[str, object]], problems: list[dict[str, object]] | None = None, encoding: str = "cp932"
) -> dict[str, object]:
    return {"format": "normal-item", "encoding": encoding, "rows": rows, "problems": problems or []}


def problem(row: int, column: str, value: str) -> dict[str, object]:
    return {"row": row, "column": column, "value": value}


KEI = [
    parent("kei0001", "K-0001", "①サンプルTシャツ㈱髙島"),
    option("kei0001"),
    sku("kei0001", "8577", "12", "kei0001-01"),
    sku("kei0001", "8578", "0", "kei0001-02"),
    parent("kei0018", "K-0018", "サンプルカップ"),
    sku("kei0018", "kei0018", "3"),
]
KEI_WANTED = [
    wanted(4, "kei0001", "8577", 12, own="kei0001-01", number="K-0001", name="①サンプルTシャツ㈱髙島"),
    wanted(5, "kei0001", "8578", 0, own="kei0001-02", number="K-0001", name="①サンプルTシャツ㈱髙島"),
    wanted(7, "kei0018", "kei0018", 3, alone=True, number="K-0018", name="サンプルカップ"),
]


def samples() -> Iterator[Sample]:
    """Every file sample: name, bytes, what should be understood."""
    yield from good()
    yield from odd_cells()
    yield from refused()


def good() -> Iterator[Sample]:
    yield "dl-normal-item", table(KEI), understood(KEI_WANTED)
    yield "columns_in_another_order", table(KEI, tuple(reversed(USUAL))), understood(KEI_WANTED)
    more = (
        "コントロール外の列",
        *USUAL[:4],
        "倉庫指定",
        "バリエーション項目キー定義",
        *USUAL[4:],
        "商品属性（項目）1",
        "のし対応",
    )
    yield (
        "extra_columns",
        table([{**row, "倉庫指定": "0", "のし対応": "1"} for row in KEI], more),
        understood(KEI_WANTED),
    )
    yield "utf8_with_mark", table(KEI, encoding="utf-8-sig"), understood(KEI_WANTED, encoding="utf-8-sig")
    few = [wanted(2, "a-1", "s", 5), wanted(3, "a-1", "m", 6), wanted(4, "b_2", "normal-inventory", 7, alone=True)]
    rows = [sku("a-1", "s", "5"), sku("a-1", "m", "6"), sku("b_2", "normal-inventory", "7")]
    yield "only_the_needed_columns", table(rows, (ITEM, VARIANT, UNITS)), understood(few)
    rows = [sku("zero", "001", "5", "000120"), sku("zero", "1", "6", "120"), sku("UPPER-Item", "aBc", "7")]
    want = [
        wanted(2, "zero", "001", 5, own="000120"),
        wanted(3, "zero", "1", 6, own="120"),
        wanted(4, "upper-item", "aBc", 7, alone=True),
    ]
    yield "leading_zeros_and_case", table(rows), understood(want)
    flags = (*USUAL, RESTORES, SELLS, JAN, PREORDER)
    rows = [
        parent("flag", "F", "印", **{PREORDER: "2026/12/24"}),
        sku("flag", "1", "1", **{RESTORES: "1", SELLS: "0", JAN: "4912345678904"}),
        sku("flag", "2", "1", **{RESTORES: "0", SELLS: "1", JAN: "カタログなし"}),
        sku("plain", "1", "1", **{RESTORES: "0", SELLS: "0"}),
    ]
    want = [
        wanted(3, "flag", "1", 1, number="F", name="印", jan="4912345678904", flags=["preorder", "restores_on_cancel"]),
        wanted(4, "flag", "2", 1, number="F", name="印", flags=["preorder", "sells_at_zero"]),
        wanted(5, "plain", "1", 1, alone=True),
    ]
    yield "flags", table(rows, flags), understood(want)


def odd_cells() -> Iterator[Sample]:
    rows = [sku("blank", "1", ""), sku("blank", "2", "  "), sku("blank", "3", "0")]
    want = [wanted(2, "blank", "1", None), wanted(3, "blank", "2", None), wanted(4, "blank", "3", 0)]
    yield "blank_stock", table(rows), understood(want)
    good_cells = {"１２": 12, "1,000": 1000, " 7 ": 7, "00012": 12, "9999999": 9_999_999}
    bad_cells = ("-1", "-", "1.0", "1e3", "2147483648", "NaN", "１２個", "+5", "10000000")
    rows = [sku("units", f"g{n}", cell) for n, cell in enumerate(good_cells)] + [
        sku("units", f"b{n}", cell) for n, cell in enumerate(bad_cells)
    ]
    want = [wanted(n + 2, "units", f"g{n}", units) for n, units in enumerate(good_cells.values())]
    bad = [problem(n + 2 + len(good_cells), UNITS, cell) for n, cell in enumerate(bad_cells)]
    yield "odd_stock", table(rows), understood(want, bad)
    rows = [
        sku("dup", "1", "5"),
        sku("dup", "1", "5"),
        sku("dup", "2", "6"),
        sku("DUP", "2", "7"),
        sku("other", "1", "8"),
        sku("dup", "1", "9"),
    ]
    want = [wanted(2, "dup", "1", 5), wanted(4, "dup", "2", 6), wanted(6, "other", "1", 8, alone=True)]
    yield (
        "duplicate_rows",
        table(rows),
        understood(want, [problem(3, VARIANT, "1"), problem(5, VARIANT, "2"), problem(7, VARIANT, "1")]),
    )
    rows = [
        parent("lines", "L", '一行目\r\n二行目 "引用"'),
        sku("lines", "1", "5"),
        sku("lines", "2\n3", "6"),
        sku("", "9", "1"),
        {UNITS: "4"},
    ]
    want = [wanted(4, "lines", "1", 5, alone=True, number="L", name='一行目 二行目 "引用"')]
    bad = [problem(5, VARIANT, "2\n3"), problem(7, ITEM, ""), problem(8, VARIANT, "")]
    yield "newlines_and_missing_codes", table(rows), understood(want, bad)
    text = (
        table([sku("short", "1", "5")])
        + b'"short","","","","2"\r\n'
        + table([sku("short", "3", "7")]).split(b"\r\n")[1]
        + b"\r\n"
    )
    want = [wanted(2, "short", "1", 5), wanted(4, "short", "3", 7)]
    yield "short_row", text, understood(want, [problem(3, "", "5 cells")])
    rows = [
        parent("one", "N-1", "一"),
        parent("two", "N-2", "二"),
        sku("one", "1", "5"),
        sku("two", "1", "6", **{NUMBER: "N-own", NAME: "自分の名"}),
    ]
    want = [wanted(4, "one", "1", 5, alone=True), wanted(5, "two", "1", 6, alone=True, number="N-own", name="自分の名")]
    yield "parent_of_another_item", table(rows), understood(want)


def refused() -> Iterator[Sample]:
    select = (
        "項目選択肢用コントロールカラム",
        ITEM,
        OPTION,
        "項目選択肢別在庫用横軸選択肢子番号",
        "項目選択肢別在庫用在庫数",
    )
    yield "old_select", table([{ITEM: "abc", OPTION: "i", "項目選択肢別在庫用在庫数": "5"}], select), NOT_RECOGNISED
    yield "without_stock_column", table(KEI, USUAL[:-1]), NOT_RECOGNISED
    yield "empty", b"", {"refused": {"row": 1, "column": ""}}
    whole = table(KEI)
    yield "nul_inside", whole.replace(b"8578", b"85\x0078"), {"refused": {"row": 5, "column": ""}}
    bad = whole.replace("サンプルカップ".encode("cp932"), b"\x83\x54\x85\x41")  # 0x8541 is no character of CP932
    yield "bad_byte", bad, {"refused": {"row": 6, "column": ""}}


NOT_RECOGNISED: dict[str, object] = {"not_recognised": {"looks_like": []}}
