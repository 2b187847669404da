"""Read the numbers futureshop shows (在庫検索API), and test a connection by calls that change nothing."""

from collections.abc import Mapping, Sequence

from adapters.futureshop.access import get, refusals_in
from adapters.futureshop.codes import is_listing, key_of
from adapters.futureshop.push import PATH
from adapters.kit.answers import json_of, read_failed
from adapters.kit.mall import ConnectionTested, ReadFailed, ShopAccess
from ledger.terms import ListingKey, ListingRead, Outcome, Result

READ_BATCH_MAX = 100  # 在庫検索API: products of one answer
TYPES = "regular,preorder"


def read_back(access: ShopAccess, keys: Sequence[ListingKey]) -> list[ListingRead] | ReadFailed:
    """The number of each listing, in order; one that the mall did not return is not found.

    A product whose stock is not counted (``inventoryEnabled`` false) is unlimited; one that is not visible is not sellable.
    """
    assert 0 < len(keys) <= READ_BATCH_MAX, len(keys)
    items = sorted({key.item for key in keys if is_listing(key)})
    shown = _shown(access, items) if items else {}
    if isinstance(shown, ReadFailed):
        return shown
    return [shown.get(key, ListingRead(key, None, found=False, sellable=False)) for key in keys]


def connection_test(access: ShopAccess) -> ConnectionTested:
    """Whether a token is given and the shop answers 在庫検索API for a product that no shop has; changes no stock."""
    found = _shown(access, [access.profile.text("api.nobody")])
    if not isinstance(found, ReadFailed):
        return ConnectionTested(True, "在庫検索APIで接続を確認しました。")
    return ConnectionTested(False, _why(found))


def _why(failed: ReadFailed) -> str:
    if failed.result is Result.REJECTED_AUTH and failed.code.startswith("token_"):
        return (
            "futureshopがアクセストークンを発行しません。クライアントID、クライアントシークレット、店舗KEYを確かめてください。"
            f"（{failed.code}）"
        )
    if failed.result is Result.REJECTED_AUTH:
        return (
            "futureshopが接続を受け付けません。店舗KEYと、futureshopに登録した接続元IPアドレス、利用を申し込んだAPIを確かめてください。"
            f"（{failed.code}）"
        )
    if failed.code in ("name_not_found", "address_not_valid"):
        return f"APIドメインに接続できません。開通のお知らせに書かれたAPIドメインを確かめてください。（{failed.code}）"
    return f"futureshopから在庫を読めませんでした（{failed.code}）。しばらくしてからもう一度お試しください。"


def failed_read(outcome: Outcome) -> ReadFailed:
    """Why no numbers were said."""
    keeps = outcome.result in (Result.THROTTLED, Result.REJECTED_AUTH)
    return ReadFailed(outcome.result if keeps else Result.TRANSIENT, outcome.code, outcome.wait_seconds)


# ------------------------------------------------------------------ private


def _shown(access: ShopAccess, items: Sequence[str]) -> dict[ListingKey, ListingRead] | ReadFailed:
    answer = get(access, PATH, {"types": TYPES, "productNo": ",".join(items)})
    if isinstance(answer, Outcome):
        return failed_read(answer)
    body = json_of(answer)
    if answer.status != 200:
        refusals = refusals_in(body)
        return ReadFailed(Result.TRANSIENT, refusals[0].code) if refusals else read_failed(answer)
    products = body.get("productList") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(products, list):
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    shown: dict[ListingKey, ListingRead] = {}
    seen: set[str] = set()
    for product in products:
        read = listings_of(product)
        if read is None:
            return ReadFailed(Result.TRANSIENT, "answer_not_understood")
        seen.add(str(product.get("productNo")))
        shown.update(read)
    if body.get("nextUrl") and not seen.issuperset(items):
        return ReadFailed(Result.TRANSIENT, "answer_incomplete")  # More to come: what is missing here may be there.
    return shown


def listings_of(product: object) -> dict[ListingKey, ListingRead] | None:
    """The stocks of one product; None when it is not as the manual says."""
    item = product.get("productNo") if isinstance(product, Mapping) else None
    stocks = product.get("inventoryInfo") if isinstance(product, Mapping) else None
    if not isinstance(product, Mapping) or not isinstance(item, str) or not isinstance(stocks, Mapping):
        return None
    counted = product.get("inventoryEnabled") is not False
    visible = product.get("visible") is not False
    found: dict[ListingKey, ListingRead] = {}
    for bucket in ("regular", "preorder"):
        stock = stocks.get(bucket)
        rows = stock.get("inventoryList") if isinstance(stock, Mapping) else []
        if not isinstance(rows, list):
            return None
        for row in rows:
            vertical, horizontal, units = _row(row)
            if vertical is None or horizontal is None or (units is None and counted):
                return None
            key = key_of(item, vertical, horizontal, preorder=bucket == "preorder")
            found[key] = ListingRead(key, units if counted else None, sellable=visible)
    if not counted and not found:
        found[key_of(item, "", "")] = ListingRead(key_of(item, "", ""), None, sellable=visible)
    return found


def _row(row: object) -> tuple[str | None, str | None, int | None]:
    """Branches and count; a number below zero is shown as 0, a count that is missing is none."""
    if not isinstance(row, Mapping):
        return None, None, None
    vertical, horizontal, units = row.get("verticalNo") or "", row.get("horizontalNo") or "", row.get("count")
    if not isinstance(vertical, str) or not isinstance(horizontal, str):
        return None, None, None
    if not isinstance(units, int) or isinstance(units, bool):
        return vertical, horizontal, None
    return vertical, horizontal, max(0, units)
