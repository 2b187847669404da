"""Read what カラーミーショップ shows, over the list of products, and test a connection by two reading calls."""

from collections.abc import Sequence

from adapters.colorme.access import TOKEN_MISSING, get, has_token, log_in, refusal
from adapters.colorme.codes import is_product
from adapters.colorme.products import PRODUCTS_MAX, Product, ask, products_of
from adapters.kit.answers import json_of, read_failed
from adapters.kit.mall import Answer, ConnectionTested, DueWarning, ReadFailed, Reply, ShopAccess
from ledger.terms import ListingKey, ListingRead, Result

READ_BATCH_MAX = PRODUCTS_MAX  # at worst each listing is of another product

# Each reads something the shop's owner granted; neither answers a person.
_TESTED = (
    ("商品を読む権限（read_products）", "/stocks", {"limit": "1"}, "stocks"),
    ("受注を読む権限（read_sales）", "/sales", {"limit": "1", "fields": "id"}, "sales"),
)


def read_back(access: ShopAccess, keys: Sequence[ListingKey]) -> list[ListingRead] | ReadFailed:
    """What the mall shows for each listing, in order: None where it sells without limit, a hidden product not sellable."""
    assert 0 < len(keys) <= READ_BATCH_MAX, len(keys)
    if not has_token(access):
        return ReadFailed(Result.REJECTED_AUTH, TOKEN_MISSING)
    numbers = list(dict.fromkeys(key.item for key in keys if is_product(key.item)))
    if not numbers:
        return [_not_there(key) for key in keys]
    reply = ask(access, numbers)
    if not isinstance(reply, Answer) or reply.status != 200:
        return failed_read(reply)
    products = products_of(reply)
    if products is None:
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    return [_read(key, products.get(key.item)) for key in keys]


def connection_test(access: ShopAccess) -> ConnectionTested:
    """Whether the token is accepted for products and sales; changes nothing. A pasted login code is used first."""
    warnings: list[DueWarning] = []
    if access.secrets.get("authorization_code", "").strip():
        failed = log_in(access)
        if failed is not None:
            warnings.append(
                DueWarning(
                    "authorization_code_refused", f"認可コードでトークンを取得できませんでした（{failed.code}）。"
                )
            )
    if not has_token(access):
        message = "アクセストークンがありません。認可コードを登録してもう一度お試しください。"
        return ConnectionTested(False, message, tuple(warnings))
    for label, path, params, listed in _TESTED:
        reply = get(access, path, params)
        said = json_of(reply) if isinstance(reply, Answer) and reply.status == 200 else None
        if not isinstance(said, dict) or not isinstance(said.get(listed), list):
            return ConnectionTested(False, _why(reply, label), tuple(warnings))
    return ConnectionTested(True, "商品と受注を読み取り、接続を確認しました。", tuple(warnings))


# ------------------------------------------------------------------ private


def _read(key: ListingKey, product: Product | None) -> ListingRead:
    if product is None:
        return _not_there(key)
    levels = product.levels()
    if key not in levels:
        return _not_there(key)
    return ListingRead(key, levels[key], sellable=product.shown)


def _not_there(key: ListingKey) -> ListingRead:
    return ListingRead(key, None, found=False, sellable=False)


def failed_read(reply: Reply) -> ReadFailed:
    """Why the reply holds no numbers."""
    if isinstance(reply, Answer) and refusal(reply).result is Result.REJECTED_AUTH:
        return ReadFailed(Result.REJECTED_AUTH, refusal(reply).code)
    return read_failed(reply)


def _why(reply: Reply, label: str) -> str:
    failed = failed_read(reply)
    if failed.result is Result.REJECTED_AUTH:
        return (
            f"カラーミーショップがアクセストークンを受け付けません（{label}、{failed.code}）。"
            "アプリの連携が解除されていないか確かめ、認可コードを取り直してください。"
        )
    return f"カラーミーショップから読み取れませんでした（{label}、{failed.code}）。しばらくしてからもう一度お試しください。"
