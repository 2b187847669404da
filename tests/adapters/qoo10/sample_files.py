"""The sample files of Qoo10 with what each means. Every shop and product is invented; headers of downloads are assumed."""

from collections.abc import Iterator, Mapping

from tests.adapters.kit.workbooks import Rows, workbook

Sample = tuple[str, bytes, Mapping[str, object]]

PRICE_STOCK = ["item_number", "seller_unique_item_id", "edit_type", "seller_unique_option_id", "Price", "quantity"]
GUIDE = [
    ["商品番号", "販売者商品コード", "編集区分", "販売者オプションコード", "販売価格", "在庫数量"],
    ["いずれか必須", "いずれか必須", "必須", "任意", "任意", "任意"],
    ["半角数字", "最大100文字", "g / i", "最大50文字", "空欄は変更なし", "0～9999"],
]
ITEMS = [
    "item_number",
    "seller_unique_item_id",
    "category_number",
    "item_name",
    "item_status_Y/N/D",
    "price_yen",
    "quantity",
    "option_info",
    "image_main_url",
]
OPTIONS = [
    "option_title_1",
    "option_name_1",
    "option_title_2",
    "option_name_2",
    "option_title_3",
    "option_name_3",
    "option_price_yen",
    "option_quantity",
    "seller_unique_option_id",
    "external_product_hs_id",
    "q_inventory_id",
]
GRID = [
    "商品番号",
    "販売者商品コード",
    "商品名",
    "オプション名1",
    "オプション値1",
    "オプション名2",
    "オプション値2",
    "オプション価格",
]
GRID_ALL = [*GRID, "在庫数量", "販売者オプションコード"]
GOODS = ["商品番号", "販売者商品コード", "商品名", "販売状態", "販売価格", "数量", "JANコード"]


def file_samples() -> Iterator[Sample]:
    """Name, raw bytes and want of every sample file."""
    yield from _goods_lists()
    yield from _grids()
    yield from _price_stock()
    yield from _templates()
    yield from _damaged()


def row(
    number: int, item: str, seller: str, option: str = "", units: int | None = None, **more: object
) -> dict[str, object]:
    """The want of one row; ``variant`` where the option has no code, ``number_code`` where the file gives no 商品番号."""
    variant = str(more.pop("variant", option))
    item_code = str(more.pop("item_code", item if item != seller else ""))
    both = f"{seller}-{option}" if seller and option else seller
    codes = [f"{one}/{variant}" for one in dict.fromkeys((item, seller)) if one] if variant else []
    if not variant and seller and seller != item:
        codes = [seller]
    return {
        "row": number,
        "item": item,
        "variant": variant,
        "units": units,
        "matches": {
            "own_code": option or ("" if variant else seller),
            "seller_code": seller,
            "option_code": option,
            "seller_and_option": both if option or not variant else "",
            "item_code": item_code,
        },
        "codes": codes,
        "product": item_code or seller,
        **more,
    }


def _csv(*rows: list[str] | list[str | int]) -> str:
    return "".join(",".join(f'"{cell}"' if "," in str(cell) else str(cell) for cell in one) + "\r\n" for one in rows)


def _want(name: str, rows: list[dict[str, object]], **more: object) -> Mapping[str, object]:
    return {"format": name, "rows": rows, "problems": [], **more}


def _goods_lists() -> Iterator[Sample]:
    text = _csv(
        GOODS,
        ["1234567890", "A-01", "見本の㈱Tシャツ①", "販売中", "1980", "12", "4900000000016"],
        ["1234567891", "000123", "見本の帽子", "在庫切れ", "2,500", "0", ""],
        ["1234567894", "", "見本の傘", "販売中", "900", "", "x"],
        ["1234567895", "ＡＢＣ", "見本の靴", "販売中", "900", "１，２３４", ""],
    )
    rows = [
        row(2, "1234567890", "A-01", units=12, name="見本の㈱Tシャツ①", jan="4900000000016"),
        row(3, "1234567891", "000123", units=0, name="見本の帽子"),
        row(4, "1234567894", "", units=None, name="見本の傘"),
        row(5, "1234567895", "ＡＢＣ", units=1234, name="見本の靴"),
    ]
    yield "GoodsList.csv", text.encode("utf-8-sig"), _want("goods-list", rows, encoding="utf-8-sig")
    yield "goodslist-cp932.csv", text.encode("cp932"), _want("goods-list", rows, encoding="cp932")
    english = _csv(
        ["Qty", "Seller Code", "Item Code", "Option Type", "Something New"],
        ["5", "A-01", "1234567890", "N", "x"],
        ["7", "A-02", "1234567892", "Y", "x"],
    )
    yield "goodslist-english.csv", english.encode(), _want("goods-list", [row(2, "1234567890", "A-01", units=5)])


def _grids() -> Iterator[Sample]:
    text = _csv(
        GRID_ALL,
        ["1234567892", "A-02", "見本のTシャツ", "カラー", "赤", "サイズ", "S", "0", "4", "RED_S"],
        ["1234567892", "A-02", "見本のTシャツ", "カラー", "青", "サイズ", "S", "0", "0", "BLUE_S"],
        ["1234567893", "A-03", "見本の手袋", "カラー", "赤 ", "サイズ", "Ｍ", "100", "7", ""],
        ["1234567890", "A-01", "見本の帽子", "", "", "", "", "", "12", ""],
        ["1234567892", "A-02", "見本のTシャツ", "カラー", "黒", "サイズ", "S", "0", "", "000123"],
    )
    rows = [
        row(2, "1234567892", "A-02", "RED_S", 4, name="見本のTシャツ"),
        row(3, "1234567892", "A-02", "BLUE_S", 0, name="見本のTシャツ"),
        row(4, "1234567893", "A-03", "", 7, name="見本の手袋", variant="カラー||*サイズ$$赤 ||*Ｍ"),
        row(5, "1234567890", "A-01", units=12, name="見本の帽子"),
        row(6, "1234567892", "A-02", "000123", None, name="見本のTシャツ"),
    ]
    yield "InventoryManagement_gridInventory.csv", text.encode("utf-8-sig"), _want("inventory-grid", rows)
    yield "gridInventory-cp932.csv", text.encode("cp932"), _want("inventory-grid", rows, encoding="cp932")
    small = _csv(["オプションコード", "在庫数", "商品番号"], ["RED_S", "4", "1234567892"])
    yield (
        "gridInventory-only-codes.csv",
        small.encode(),
        _want("inventory-grid", [row(2, "1234567892", "", "RED_S", 4)]),
    )
    one_axis = _csv(
        ["商品番号", "オプション名", "オプション値", "在庫数量"], ["1234567893", "カラー||*サイズ", "赤||*S", "4"]
    )
    texts = row(2, "1234567893", "", "", 4, variant="カラー||*サイズ$$赤||*S")
    yield "gridInventory-only-texts.csv", one_axis.encode(), _want("inventory-grid", [texts])


def _price_stock() -> Iterator[Sample]:
    stock: list[list[str | int]] = [
        ["1234567890", "A-01", "g", "", "", 12],
        ["1234567892", "A-02", "i", "RED_S", "", 3],
        ["", "A-04", "g", "", "1980", 0],
        ["1234567894", "", "G", "", "", ""],
    ]
    rows = [
        row(2, "1234567890", "A-01", units=12),
        row(3, "1234567892", "A-02", "RED_S", 3),
        row(4, "A-04", "A-04", units=0),
        row(5, "1234567894", "", units=None),
    ]
    plain = _csv(PRICE_STOCK, *stock)
    yield "price-stock.csv", plain.encode(), _want("price-stock", rows)
    guided = _csv(PRICE_STOCK, *GUIDE, *stock)
    below = [{**one, "row": int(str(one["row"])) + 3} for one in rows]
    yield "price-stock-with-guide-rows.csv", guided.encode("cp932"), _want("price-stock", below, encoding="cp932")
    sheet: Rows = [PRICE_STOCK, *GUIDE, *stock]
    yield "price-stock.xlsx", workbook(sheet), _want("price-stock", below)
    upper = _csv([name.upper() for name in reversed(PRICE_STOCK)], ["5", "", "", "g", "A-01", "1234567890"])
    yield (
        "price-stock-columns-reversed.csv",
        upper.encode(),
        _want("price-stock", [row(2, "1234567890", "A-01", units=5)]),
    )


def _templates() -> Iterator[Sample]:
    info = "カラー||*赤||*サイズ||*S||*0||*4||*RED_S$$カラー||*青||*サイズ||*S||*100||*0||*0$$"
    goods: list[list[str | int]] = [
        ["1234567890", "A-01", "320002604", "見本の帽子", "Y", 1980, 12, "", "https://example.jp/1.jpg"],
        ["1234567892", "A-02", "320002604", "見本のTシャツ", "Y", 1980, 100, info, ""],
        ["1234567896", "A-06", "320002604", "見本の旧品", "D", 1980, 3, "", ""],
    ]
    guide = [
        ["商品番号", "販売者商品コード", "カテゴリ", "商品名", "状態", "価格", "在庫数量", "オプション", "画像"]
    ] * 2
    guide += [["任意", "任意", "必須", "必須", "Y/N/D", "必須", "必須", "任意", "必須"]]
    rows = [
        row(5, "1234567890", "A-01", units=12, name="見本の帽子"),
        row(6, "1234567892", "A-02", "RED_S", 4, name="見本のTシャツ"),
        row(6, "1234567892", "A-02", "", 0, name="見本のTシャツ", variant="カラー||*サイズ$$青||*S"),
        row(7, "1234567896", "A-06", units=3, name="見本の旧品", flags=["excluded"]),
    ]
    yield (
        "item-template.xlsx",
        workbook([ITEMS, *guide, *goods], before={"説明": "hidden"}),
        _want("item-template", rows),
    )
    yield "item-template.csv", _csv(ITEMS, *guide, *goods).encode("utf-8-sig"), _want("item-template", rows)
    options: list[list[str | int]] = [
        ["カラー", "赤", "サイズ", "S", "", "", 0, 20, "RED_S", "", "8001"],
        ["カラー", "青", "サイズ", "S", "", "", 0, 0, "0012", "", ""],
        ["カラー", "黒", "サイズ", "S", "", "", 0, 5, "", "", "8003"],
    ]
    option_guide = [["オプション名", "オプション値", "", "", "", "", "価格", "在庫", "コード", "", ""]] * 3
    told = [
        row(5, "8001", "", "RED_S", 20, item_code=""),
        row(6, "0012", "", "0012", 0, item_code=""),
        row(7, "8003", "", "", 5, item_code="", variant="カラー||*サイズ$$黒||*S"),
    ]
    yield "option-template.xlsx", workbook([OPTIONS, *option_guide, *options]), _want("option-template", told)
    with_items = _csv(["item_number", *OPTIONS], ["1234567892", *options[0]])
    yield (
        "option-template-of-items.csv",
        with_items.encode(),
        _want("option-template", [row(2, "1234567892", "", "RED_S", 20)]),
    )


def _damaged() -> Iterator[Sample]:
    text = _csv(
        PRICE_STOCK,
        ["1234567890", "A-01", "g", "", "", "-1"],
        ["1234567890", "A-01", "g", "", "", "33.5"],
        ["1234567890", "A-01", "g", "", "", "なし"],
        ["1234567890", "A-01", "x", "", "", "1"],
        ["1234567890", "A-01", "g", "RED_S", "", "1"],
        ["1234567890", "A-01", "i", "", "", "1"],
        ["", "", "g", "", "", "1"],
        ["1234567890", "A-01", "g", "", "", "1"],
        ["1234567890", "A-09", "g", "", "", "2"],
        ["1234567891", "A-02", "g", "", "", "12345678"],
    )
    problems = [
        {"row": 2, "column": "quantity", "value": "-1"},
        {"row": 3, "column": "quantity", "value": "33.5"},
        {"row": 4, "column": "quantity", "value": "なし"},
        {"row": 5, "column": "edit_type", "value": "x"},
        {"row": 6, "column": "seller_unique_option_id", "value": "RED_S"},
        {"row": 7, "column": "seller_unique_option_id", "value": ""},
        {"row": 8, "column": "item_number", "value": ""},
        {"row": 10, "column": "", "value": "1234567890"},
        {"row": 11, "column": "quantity", "value": "12345678"},
    ]
    rows = [row(9, "1234567890", "A-01", units=1)]
    yield "price-stock-wrong-rows.csv", text.encode(), {"format": "price-stock", "rows": rows, "problems": problems}
    info = ["名||*値||*0||*4", "名||*値||*0||*many||*X", "名||*値||*0||*6||*Y"]
    cells = ["1234567892", "A-02", "1", "見本", "Y", "1980", "1", "$$".join(info), ""]
    want: Mapping[str, object] = {
        "format": "item-template",
        "rows": [row(2, "1234567892", "A-02", "Y", 6, name="見本")],
        "problems": [
            {"row": 2, "column": "option_info", "value": info[0]},
            {"row": 2, "column": "option_info", "value": info[1]},
        ],
    }
    yield "item-template-wrong-options.csv", _csv(ITEMS, cells).encode(), want
    orders = _csv(
        ["配送状態", "注文番号", "商品番号", "数量", "オプションコード", "販売者商品コード"],
        ["配送要請", "600000010", "1", "2", "", ""],
    )
    nobody: Mapping[str, object] = {"not_recognised": {"looks_like": []}}
    yield "orders-are-no-stock.csv", orders.encode("cp932"), nobody
    yield (
        "goodslist-without-number.csv",
        _csv(["商品番号", "販売者商品コード"], ["1234567890", "A-01"]).encode(),
        nobody,
    )
    twice = _csv(["商品番号", "販売者商品コード", "数量", "数量"], ["1234567890", "A-01", "1", "2"])
    yield "goodslist-number-twice.csv", twice.encode(), nobody
    broken = (
        _csv(GOODS, ["1234567890", "A-01", "見本", "販売中", "1", "1", ""]).encode("cp932")
        + b"1234567891,\x81\x20,x\r\n"
    )
    yield "goodslist-bad-byte.csv", broken, {"refused": {"row": 3, "column": ""}}
