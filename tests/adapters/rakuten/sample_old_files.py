"""The file samples of a Rakuten shop from before SKUs: dl-item.csv and dl-select.csv, with what should be understood."""

from collections.abc import Iterator

from tests.adapters.rakuten.sample_files import ITEM, NAME, NUMBER, UNITS, Row, Sample, problem, table

CONTROL, KIND, JAN = "コントロールカラム", "在庫タイプ", "カタログID"
RESTORES, SELLS, PREORDER = "在庫戻しフラグ", "在庫切れ時の注文受付", "予約商品発売日"
SELECT_CONTROL, OPTION = "項目選択肢用コントロールカラム", "選択肢タイプ"
ACROSS, DOWN, CHOICE_UNITS = (
    "項目選択肢別在庫用横軸選択肢子番号",
    "項目選択肢別在庫用縦軸選択肢子番号",
    "項目選択肢別在庫用在庫数",
)
ACROSS_TEXT, DOWN_TEXT = "項目選択肢別在庫用横軸選択肢", "項目選択肢別在庫用縦軸選択肢"

ITEM_COLUMNS = (
    *(
        CONTROL,
        ITEM,
        NUMBER,
        "全商品ディレクトリID",
        "タグID",
        "PC用キャッチコピー",
        NAME,
        "販売価格",
        "表示価格",
        "消費税",
        "送料",
    ),
    *("倉庫指定", "商品情報レイアウト", "注文ボタン", "販売期間指定", "注文受付数", KIND, UNITS, "在庫数表示"),
    *("項目選択肢別在庫用横軸項目名", "項目選択肢別在庫用縦軸項目名", "RAC番号", "サーチ非表示", "闇市パスワード"),
    *(JAN, RESTORES, SELLS, "在庫あり時納期管理番号", "在庫切れ時納期管理番号", PREORDER, "ポイント変倍率"),
)
SELECT_COLUMNS = (
    *(SELECT_CONTROL, ITEM, OPTION, "Select/Checkbox用項目名", "Select/Checkbox用選択肢"),
    *(ACROSS_TEXT, ACROSS, DOWN_TEXT, DOWN, "項目選択肢別在庫用取り寄せ可能表示", CHOICE_UNITS),
    *(RESTORES, SELLS, "在庫あり時納期管理番号", "在庫切れ時納期管理番号"),
)


def item(code: str, kind: str, units: str = "", number: str = "", name: str = "", **other: str) -> Row:
    return {ITEM: code, KIND: kind, UNITS: units, NUMBER: number, NAME: name, **other}


def choice(code: str, across: str, down: str, units: str, **other: str) -> Row:
    texts = {ACROSS_TEXT: f"横{across}", DOWN_TEXT: f"縦{down}" if down else ""}
    return {ITEM: code, OPTION: "i", ACROSS: across, DOWN: down, CHOICE_UNITS: units, **texts, **other}


ITEMS = [
    item("kei0001", "2", "", "K-0001", "サンプルTシャツ"),
    item("Kei0018", "1", "3", "K-0018", "サンプルカップ", **{JAN: "4912345678904", RESTORES: "1"}),
    item("plain", "1", "0", **{SELLS: "1"}),
    item("endless", "0", "", "END"),
    item("blank", "1", "", "BLANK"),
    item("later", "1", "5", "L-1", "予約の品", **{PREORDER: "2026/12/24"}),
]
CHOICES = [
    {ITEM: "kei0001", OPTION: "s", "Select/Checkbox用項目名": "のし", "Select/Checkbox用選択肢": "あり"},
    choice("kei0001", "-s", "-red", "12"),
    choice("kei0001", "-s", "-blue", "0", **{SELLS: "1"}),
    choice("KEI0001", "-m", "", "1,000", **{RESTORES: "1"}),
]
STOCK_ONLY = (CONTROL, ITEM, "倉庫指定", KIND, UNITS, "在庫数表示", RESTORES, SELLS)


def samples() -> Iterator[Sample]:
    """Every sample: name, bytes, what should be understood."""
    yield "dl-item", table(ITEMS, ITEM_COLUMNS), _said("old-item", _items())
    yield "dl-select", table(CHOICES, SELECT_COLUMNS), _said("old-select", _choices())
    rows = [{CONTROL: "u", ITEM: "abc-001", "倉庫指定": "0", KIND: "1", UNITS: "5"}]
    yield "old-item-stock-only", table(rows, STOCK_ONLY), _said("old-item", [_wanted(2, "abc-001", 5, number="")])
    bad = [
        item("a", "1", "-1", "A"),
        item("b", "9", "1", "B"),
        item("", "1", "1"),
        item("d", "1", "1", "D", **{CONTROL: "d"}),
    ]
    bad += [item("a", "1", "2", "A"), item("a", "1", "3", "A")]
    want = [
        problem(2, UNITS, "-1"),
        problem(3, KIND, "9"),
        problem(4, ITEM, ""),
        problem(5, CONTROL, "d"),
        problem(7, ITEM, "a"),
    ]
    yield "old-item-wrong-rows", table(bad, ITEM_COLUMNS), _said("old-item", [_wanted(6, "a", 2, number="A")], want)
    bad = [
        choice("a", "-s", "", "１２個"),
        choice("a", "", "", "1"),
        {ITEM: "a", OPTION: "x"},
        choice("a", "-l", "", "７"),
    ]
    want = [problem(2, CHOICE_UNITS, "１２個"), problem(3, ACROSS, ""), problem(4, OPTION, "x")]
    good = _chosen(5, "a", "-l", 7, "横-l")
    yield "old-select-wrong-rows", table(bad, SELECT_COLUMNS), _said("old-select", [good], want)


def _items() -> list[dict[str, object]]:
    cup = _wanted(3, "kei0018", 3, number="K-0018", name="サンプルカップ", jan="4912345678904")
    return [
        {**cup, "flags": ["restores_on_cancel"]},
        _wanted(4, "plain", 0, flags=["sells_at_zero"]),
        _wanted(5, "endless", None, number="END", unlimited=True),
        _wanted(6, "blank", None, number="BLANK"),
        _wanted(7, "later", 5, number="L-1", name="予約の品", flags=["preorder"]),
    ]


def _choices() -> list[dict[str, object]]:
    return [
        _chosen(3, "kei0001", "-s-red", 12, "横-s 縦-red"),
        {**_chosen(4, "kei0001", "-s-blue", 0, "横-s 縦-blue"), "flags": ["sells_at_zero"]},
        {**_chosen(5, "kei0001", "-m", 1000, "横-m"), "flags": ["restores_on_cancel"]},
    ]


def _wanted(row: int, code: str, units: int | None, *, number: str = "", **other: object) -> dict[str, object]:
    matches = {"own_code": number or code, "merchant_sku": "", "variant": "", "item": code, "item_number": number}
    both = {"matches": {**matches, "item_variant": code}, "codes": [number or code], "product": code}
    return {"row": row, "item": code, "units": units, **both, **other}


def _chosen(row: int, code: str, children: str, units: int, name: str) -> dict[str, object]:
    """Without the row of its item 商品番号 is not known, so no own code is."""
    matches = {"own_code": "", "merchant_sku": "", "variant": children, "item": code, "item_number": ""}
    both = {"matches": {**matches, "item_variant": f"{code}-{children}"}, "product": code, "name": name}
    return {"row": row, "item": code, "variant": children, "units": units, **both}


def _said(
    form: str, rows: list[dict[str, object]], problems: list[dict[str, object]] | None = None
) -> dict[str, object]:
    return {"format": form, "encoding": "cp932", "rows": rows, "problems": problems or []}
