"""The sample files of Amazon with what each means: the reports in their forms, and damaged ones."""

from collections.abc import Iterator, Mapping, Sequence

Sample = tuple[str, bytes, Mapping[str, object]]


def tuple_of(words: str) -> tuple[str, ...]:
    """The column names of a header, in its order."""
    return tuple(words.split(" "))


JAPANESE = tuple_of(
    "商品名 item-description 出品ID 出品者SKU 価格 数量 出品日 image-url item-is-marketplace 商品IDタイプ zshop-shipping-fee "
    "コンディション説明 コンディション zshop-category1 zshop-browse-path zshop-storefront-feature asin1 asin2 asin3 国外へ配送可 "
    "迅速な配送 zshop-boldface 商品ID bid-for-featured-placement add-delete 在庫数 フルフィルメント・チャンネル "
    "merchant-shipping-group ポイント ステータス"
)
ENGLISH = tuple_of(
    "item-name item-description listing-id seller-sku price quantity open-date image-url item-is-marketplace product-id-type "
    "zshop-shipping-fee item-note item-condition zshop-category1 zshop-browse-path zshop-storefront-feature asin1 asin2 asin3 "
    "will-ship-internationally expedited-shipping zshop-boldface product-id bid-for-featured-placement add-delete "
    "pending-quantity fulfillment-channel merchant-shipping-group status"
)
NEWER = [
    *(
        "出品者SKU",
        "ASIN 1",
        "商品名",
        "商品の説明",
        "出品ID",
        "価格",
        "数量",
        "出品日",
        "商品IDタイプ",
        "コンディション説明",
    ),
    *("コンディション", "国外へ配送可", "迅速な配送", "商品ID", "在庫数", "フルフィルメント・チャンネル", "法人価格"),
    *(
        "数量割引のタイプ",
        "数量の下限1",
        "数量割引1",
        "merchant-shipping-group",
        "ポイント",
        "商品税コード",
        "ステータス",
    ),
]
SHORT = ["seller-sku", "asin1", "price", "quantity", "status"]
SHORT_JAPANESE = ["出品者SKU", "asin1", "価格", "数量", "ステータス"]
OPEN = ["sku", "asin", "price", "quantity"]
OPEN_JAPANESE = ["出品者SKU", "ASIN", "価格", "数量"]
UPLOAD = [
    *("sku", "price", "minimum-seller-allowed-price", "maximum-seller-allowed-price", "quantity", "handling-time"),
    "fulfillment-channel",
]
JAN = "4901234567894"


def file_samples() -> Iterator[Sample]:
    """Name, raw bytes and want of every sample file."""
    yield from _reports()
    yield from _short_reports()
    yield from _uploads()
    yield from _damaged()


def table(header: Sequence[str], rows: Sequence[Mapping[str, str]], *, encoding: str = "cp932") -> bytes:
    """A tab separated file; a row says its cells by column, the others are blank."""
    lines = ["\t".join(header), *("\t".join(row.get(column, "") for column in header) for row in rows)]
    return "".join(f"{line}\r\n" for line in lines).encode(encoding)


def row(
    number: int, sku: str, units: int | None, *, jan: str = "", asin: str = "", **more: object
) -> dict[str, object]:
    """A want's row."""
    said = {"sku": sku, "jan": jan, "asin": asin}
    matches = {name: value for name, value in said.items() if value}
    return {"row": number, "item": sku, "units": units, "jan": jan, "matches": matches, **more}


def _want(form: str, rows: Sequence[object], problems: Sequence[object] = (), **more: object) -> Mapping[str, object]:
    return {"format": form, **more, "rows": list(rows), "problems": list(problems)}


def _problem(number: int, column: str, value: str) -> Mapping[str, object]:
    return {"row": number, "column": column, "value": value}


def _japanese_rows() -> list[Mapping[str, str]]:
    own = {
        "フルフィルメント・チャンネル": "DEFAULT",
        "ステータス": "Active",
        "商品IDタイプ": "1",
        "出品ID": "1120Z000001",
    }
    return [
        {
            **own,
            "商品名": "㈱サンプルTシャツ①",
            "出品者SKU": "SKU-001",
            "数量": "7",
            "在庫数": "3",
            "asin1": "B0EXAMPLE1",
        },
        {
            **own,
            "商品名": '"24型" ﾓﾆﾀｰ',
            "出品者SKU": "0001",
            "数量": "0",
            "在庫数": "9",
            "商品IDタイプ": "4",
            "商品ID": JAN,
        },
        {
            **own,
            "商品名": "FBAの商品",
            "出品者SKU": "FBA-01",
            "在庫数": "5",
            "フルフィルメント・チャンネル": "AMAZON_JP",
        },
        {**own, "商品名": "カップ～白", "出品者SKU": "カップ 01/白", "数量": "１２", "ステータス": "Inactive"},
        {**own, "商品名": "数量のない商品", "出品者SKU": "sku-001", "数量": "", "ステータス": "Incomplete"},
    ]


def _japanese_want(encoding: str) -> Mapping[str, object]:
    rows = [
        row(2, "SKU-001", 7, asin="B0EXAMPLE1", name="㈱サンプルTシャツ①"),
        row(3, "0001", 0, jan=JAN, name='"24型" ﾓﾆﾀｰ'),
        row(4, "FBA-01", None, name="FBAの商品", flags=["excluded"]),
        row(5, "カップ 01/白", 12, name="カップ～白"),
        row(6, "sku-001", None, name="数量のない商品"),
    ]
    return _want("listings", rows, encoding=encoding)


def _reports() -> Iterator[Sample]:
    yield "出品詳細レポート+11-20-2026.txt", table(JAPANESE, _japanese_rows()), _japanese_want("cp932")
    marked = table(JAPANESE, _japanese_rows(), encoding="utf-8-sig")
    yield "report-utf8-with-mark.txt", marked, _japanese_want("utf-8-sig")
    plain = table([*JAPANESE[::-1], "新しい列"], _japanese_rows(), encoding="utf-8")
    yield "report-columns-turned-around.txt", plain, _japanese_want("utf-8")
    newer: list[Mapping[str, str]] = [
        {"出品者SKU": "SKU-001", "ASIN 1": "B0EXAMPLE1", "商品名": "シャツ", "数量": "7", "在庫数": "1", "数量の下限1": "2",
         "フルフィルメント・チャンネル": "DEFAULT"},
        {"出品者SKU": "FBA-01", "商品名": "FBA", "数量": "4", "フルフィルメント・チャンネル": "AMAZON_JP"},
    ]  # fmt: skip
    wants = [
        row(2, "SKU-001", 7, asin="B0EXAMPLE1", name="シャツ"),
        row(3, "FBA-01", None, name="FBA", flags=["excluded"]),
    ]
    yield "report-newer-columns.txt", table(NEWER, newer), _want("listings", wants)
    english: list[Mapping[str, str]] = [
        {"item-name": "Shirt", "seller-sku": "SKU-001", "quantity": "7", "pending-quantity": "2", "asin1": "B0EXAMPLE1",
         "fulfillment-channel": "DEFAULT", "product-id-type": "3", "product-id": "012345678905"},
        {"item-name": "FBA thing", "seller-sku": "FBA-01", "quantity": "", "fulfillment-channel": "AMAZON_JP"},
        {"item-name": "Big", "seller-sku": "SKU-1000", "quantity": "1,000", "fulfillment-channel": "DEFAULT"},
    ]  # fmt: skip
    wants = [
        row(2, "SKU-001", 7, asin="B0EXAMPLE1", jan="012345678905", name="Shirt"),
        row(3, "FBA-01", None, name="FBA thing", flags=["excluded"]),
        row(4, "SKU-1000", 1000, name="Big"),
    ]
    yield "all-listings-report-english.txt", table(ENGLISH, english), _want("listings", wants)


def _short_reports() -> Iterator[Sample]:
    cells = [
        ("SKU-001", "B0EXAMPLE1", "1980", "7"),
        ("000123", "B0EXAMPLE2", "500", "0"),
        ("FBA-01", "B0EXAMPLE3", "900", ""),
    ]
    wants = [
        row(2, "SKU-001", 7, asin="B0EXAMPLE1"),
        row(3, "000123", 0, asin="B0EXAMPLE2"),
        row(4, "FBA-01", None, asin="B0EXAMPLE3", flags=["excluded"]),
    ]
    for name, header, form in (
        ("short-english.txt", SHORT, "listings-short"),
        ("short-japanese.txt", SHORT_JAPANESE, "listings-short"),
        ("open-listings-english.txt", OPEN, "open-listings"),
        ("在庫レポート-japanese.txt", OPEN_JAPANESE, "open-listings"),
    ):
        rows = [dict(zip(header, (*row_cells, "Active"), strict=False)) for row_cells in cells]
        yield name, table(header, rows), _want(form, wants)


def _uploads() -> Iterator[Sample]:
    rows: list[Mapping[str, str]] = [{"sku": "SKU-001", "quantity": "7"}, {"sku": "0001", "quantity": "0"}]
    wants = [row(2, "SKU-001", 7), row(3, "0001", 0)]
    yield "価格と数量-upload.txt", table(UPLOAD, rows), _want("price-and-quantity", wants)


def _damaged() -> Iterator[Sample]:
    own = {"フルフィルメント・チャンネル": "DEFAULT"}
    rows: list[Mapping[str, str]] = [
        {**own, "出品者SKU": "A-1", "数量": "-1"},
        {**own, "出品者SKU": "A-2", "数量": "33.0"},
        {**own, "出品者SKU": "A-3", "数量": "無制限"},
        {**own, "出品者SKU": "", "数量": "5"},
        {**own, "出品者SKU": "A" * 41, "数量": "5"},
        {"出品者SKU": "A-6", "数量": "5", "フルフィルメント・チャンネル": "OTHER"},
        {"出品者SKU": "A-7", "数量": "5", "フルフィルメント・チャンネル": ""},
        {**own, "出品者SKU": "A-8", "数量": "8"},
        {**own, "出品者SKU": "A-8", "数量": "9"},
        {"出品者SKU": "A-9", "数量": "x", "フルフィルメント・チャンネル": "AMAZON_JP"},
    ]
    content = table(JAPANESE, rows) + "短い行\t\t\r\n\t\r\n".encode("cp932")
    problems = [
        _problem(2, "数量", "-1"),
        _problem(3, "数量", "33.0"),
        _problem(4, "数量", "無制限"),
        _problem(5, "出品者SKU", ""),
        _problem(6, "出品者SKU", "A" * 41),
        _problem(7, "フルフィルメント・チャンネル", "OTHER"),
        _problem(8, "フルフィルメント・チャンネル", ""),
        _problem(10, "出品者SKU", "A-8"),
        _problem(12, "", "3 cells"),
    ]
    wants = [row(9, "A-8", 8), row(11, "A-9", None, flags=["excluded"])]
    yield "report-wrong-rows.txt", content, _want("listings", wants, problems)
    good = table(JAPANESE, _japanese_rows())
    yield "report-bad-byte.txt", good[:-2] + b"\x81\x20\r\n", {"refused": {"row": 6, "column": ""}}
    yield "report-nul.txt", good.replace(b"SKU-001", b"SKU\x00001"), {"refused": {"row": 2, "column": ""}}
    without = [column for column in JAPANESE if column != "数量"]
    yield "report-without-quantity.txt", table(without, _japanese_rows()), {"not_recognised": {"looks_like": []}}
    twice = [*JAPANESE, "数量"]
    yield "report-quantity-twice.txt", table(twice, _japanese_rows()), {"not_recognised": {"looks_like": []}}
    yield "empty.txt", b"", {"refused": {"row": 1, "column": ""}}
