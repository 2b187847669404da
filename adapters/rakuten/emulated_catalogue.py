"""An invented shop of any number of SKUs, and the dl-normal-item.csv that the emulated mall gives out for it."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from adapters.kit.emulated_shop import EmulatedShop
from ledger.terms import ListingKey

HEADER = (
    "商品管理番号（商品URL）",
    "商品番号",
    "商品名",
    "倉庫指定",
    "バリエーション項目キー定義",
    "バリエーション項目名定義",
    "バリエーション1選択肢定義",
    "選択肢タイプ",
    "商品オプション項目名",
    "SKU管理番号",
    "システム連携用SKU番号",
    "バリエーション項目キー1",
    "バリエーション項目選択肢1",
    "通常販売価格",
    "在庫数",
    "在庫戻しフラグ",
    "在庫切れ時の注文受付",
)
NAMES = ("①サンプルTシャツ（半袖）", "㈱サンプル製マグカップ", "髙級ｻﾝﾌﾟﾙ生地トートバッグ", "サンプル靴下(3足組)")
CHOICES = ("S", "M", "L", "フリー")
ROWS_A_CHUNK = 500


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """One page: its own key, the 商品番号 that mails print, and its SKUs as (SKU管理番号, システム連携用SKU番号)."""

    item: str
    item_number: str
    name: str
    skus: tuple[tuple[str, str], ...]


def own_sku(serial: int) -> str:
    """The merchant's own code of the SKU with this serial, from 1; every mall of a demonstration uses the same."""
    return f"DC-{serial:06d}"


def catalogue(sku_count: int) -> Iterator[CatalogueItem]:
    """Pages with 1, 2, 3 and 4 SKUs in turn, ``sku_count`` SKUs in all."""
    serial = page = 0
    while serial < sku_count:
        page += 1
        size = min((page - 1) % 4 + 1, sku_count - serial)
        variants = ("normal-inventory",) if size == 1 else tuple(f"{n:02d}" for n in range(1, size + 1))
        skus = tuple((variant, own_sku(serial + n)) for n, variant in enumerate(variants, start=1))
        yield CatalogueItem(f"dc-item-{page:06d}", f"DCI{page:06d}", f"{NAMES[page % 4]} No.{page}", skus)
        serial += size


def units_at_first(serial: int) -> int:
    """The number the page shows before anything is sold; some show none."""
    return serial * 7 % 40


def fill(shop: EmulatedShop, sku_count: int) -> dict[ListingKey, CatalogueItem]:
    """The shop shows the catalogue with its first numbers; gives each listing's page."""
    pages: dict[ListingKey, CatalogueItem] = {}
    serial = 0
    for page in catalogue(sku_count):
        for variant, _ in page.skus:
            serial += 1
            key = ListingKey(page.item, variant)
            shop.set_stock(key, units_at_first(serial))
            pages[key] = page
    return pages


def product_file(shop: EmulatedShop, pages: dict[ListingKey, CatalogueItem]) -> Iterator[bytes]:
    """dl-normal-item.csv of the pages with the numbers shown now: CP932, CRLF, every cell quoted."""
    with shop.lock:
        shown = dict(shop.stock)
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(HEADER)
    written: set[str] = set()
    for page in pages.values():
        if page.item in written:
            continue
        written.add(page.item)
        writer.writerows(_rows(page, shown))
        if len(written) % ROWS_A_CHUNK == 0:
            yield text.getvalue().encode("cp932")
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode("cp932")


def _rows(page: CatalogueItem, shown: dict[ListingKey, int | None]) -> Iterator[tuple[str, ...]]:
    several = len(page.skus) > 1
    choices = "|".join(CHOICES[: len(page.skus)]) if several else ""
    key, label = ("size", "サイズ") if several else ("", "")
    yield (page.item, page.item_number, page.name, "0", key, label, choices, *("",) * 10)
    if several:
        yield (page.item, *("",) * 6, "s", "ラッピング", *("",) * 8)
    for at, (variant, merchant_sku) in enumerate(page.skus):
        units = shown.get(ListingKey(page.item, variant))
        choice = CHOICES[at] if several else ""
        yield (
            page.item,
            *("",) * 8,
            variant,
            merchant_sku,
            key,
            choice,
            "2980",
            "" if units is None else str(units),
            "0",
            "0",
        )
