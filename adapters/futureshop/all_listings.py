"""Read everything futureshop has (在庫検索API without a product): every product with its numbers, a page after the other."""

from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from adapters.futureshop.access import get
from adapters.futureshop.codes import branch_of, sku_names
from adapters.futureshop.push import PATH
from adapters.futureshop.read_back import TYPES, failed_read, listings_of
from adapters.kit.answers import json_of, read_failed
from adapters.kit.file_form import FileRow
from adapters.kit.mall import ReadFailed, ShopAccess, StockPage
from ledger.terms import ListingRead, Outcome, Result


def read_all(access: ShopAccess, cursor: str) -> StockPage | ReadFailed:
    """The next page of products. 予約 stock is a listing of its own, as in the files."""
    answer = get(access, PATH, {"types": TYPES} | ({"cursor": cursor} if cursor else {}))
    if isinstance(answer, Outcome):
        return failed_read(answer)
    body = json_of(answer)
    if answer.status != 200:
        return read_failed(answer)
    products = body.get("productList") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(products, list):
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    rows: list[FileRow] = []
    for product in products:
        found = listings_of(product)
        if found is None:
            return ReadFailed(Result.TRANSIENT, "answer_not_understood")
        name = product.get("name")
        rows += [_row(read, name if isinstance(name, str) else "", access) for read in found.values()]
    return StockPage(tuple(rows), _cursor(body.get("nextUrl")))


def _cursor(next_url: object) -> str:
    said = parse_qs(urlsplit(next_url).query).get("cursor", [""]) if isinstance(next_url, str) else [""]
    return said[0]


def _row(read: ListingRead, name: str, access: ShopAccess) -> FileRow:
    branch, item, joiner = branch_of(read.key.variant), read.key.item, access.profile.text("files.joiner")
    across, down = branch.horizontal, branch.vertical
    return FileRow(
        row=0,
        key=read.key,
        units=read.units,
        unlimited=read.units is None,
        matches={
            "item_branches": joiner.join(code for code in (item, across, down) if code),
            "item_branches_vertical_first": joiner.join(code for code in (item, down, across) if code),
            "item": item,
        },
        codes=sku_names(item, down, across, preorder=branch.preorder),
        name=" ".join(name.split()),
        product=item,
        flags=frozenset({"preorder"}) if branch.preorder else frozenset(),
    )
