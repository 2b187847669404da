"""Read what Amazon shows of listings, and test a connection by a call that changes nothing."""

from collections.abc import Sequence

from adapters.amazon.access import AUTHORIZATION_GONE, CLIENT_NOT_ACCEPTED, call, due_warnings, error_code
from adapters.amazon.codes import is_sku, sku_of
from adapters.amazon.listings import ListingSeen, market, see, seller_path
from adapters.amazon.orders import OLD, PATH, PATH_V0
from adapters.kit.answers import json_of
from adapters.kit.mall import ConnectionTested, DueWarning, ReadFailed, ShopAccess
from ledger.terms import ListingKey, ListingRead, Outcome, Result

READ_BATCH_MAX = (
    10  # SKUs with a comma are asked for one by one, and 10 such calls may leave at once; NOTES.md, "Listings"
)

_NO_ORDER = "000-0000000-0000000"


def read_back(access: ShopAccess, keys: Sequence[ListingKey]) -> list[ListingRead] | ReadFailed:
    """The number of each listing, in order. FBA: found, no number, not sellable by us.

    ``sellable`` False too for a listing that has units and cannot be bought (suppressed).
    """
    assert 0 < len(keys) <= READ_BATCH_MAX, len(keys)
    skus = [sku for key in keys if is_sku(sku := sku_of(key))]
    seen = see(access, skus) if skus else {}
    if isinstance(seen, ReadFailed):
        return seen
    return [_read(key, seen.get(sku_of(key))) for key in keys]


def connection_test(access: ShopAccess) -> ConnectionTested:
    """Whether the seller's listings may be asked for, with what a person has to renew and by when."""
    params = {"marketplaceIds": market(access), "includedData": "summaries", "pageSize": "1"}
    answer = call(access, "GET", seller_path(access), params)
    warnings = due_warnings(access)
    if isinstance(answer, Outcome):
        return ConnectionTested(False, _why(answer), warnings)
    body = json_of(answer)
    if answer.status == 200 and isinstance(body, dict) and isinstance(body.get("items"), list):
        told = "出品情報API（Listings Items）で接続を確認しました。"
        return ConnectionTested(True, told, warnings + _order_warnings(access))
    code = error_code(answer) if answer.status >= 400 else "answer_not_understood"
    return ConnectionTested(False, _why(Outcome(Result.REJECTED, code)), warnings)


def _order_warnings(access: ShopAccess) -> tuple[DueWarning, ...]:
    """Whether orders may be asked for, by asking for one that nobody has: numbers can be told without it, orders not taken."""
    version = access.settings.get("order_api_version", "")
    found = call(access, "GET", f"{PATH_V0 if version == OLD else PATH}/{_NO_ORDER}", {})
    if not isinstance(found, Outcome) or found.result is not Result.REJECTED_AUTH:
        return ()
    text = "注文APIを使えません。アプリのロールに「在庫と注文の追跡」を加え、認可し直してください。"
    return (DueWarning("orders_not_allowed", text),)


def _read(key: ListingKey, listing: ListingSeen | None) -> ListingRead:
    if listing is None:
        return ListingRead(key, None, found=False, sellable=False)
    if listing.by_amazon:
        return ListingRead(key, None, sellable=False)
    return ListingRead(key, listing.units, sellable=not listing.suppressed)


def _why(outcome: Outcome) -> str:
    if outcome.code == AUTHORIZATION_GONE:
        return "アプリの認可が取り消されたか、期限が切れています。セラーセントラルで認可し直し、新しいリフレッシュトークンを登録してください。"
    if outcome.code == CLIENT_NOT_ACCEPTED:
        return "クライアントIDまたはクライアントシークレットが受け付けられません。シークレットは180日で切れます。新しいものを登録してください。"
    if outcome.result is Result.REJECTED_AUTH:
        return (
            f"Amazonが接続情報を受け付けません（{outcome.code}）。出品者ID、アプリのロール（商品の出品、在庫と注文の追跡）を確かめ、"
            "ロールを変えたときは認可し直してください。"
        )
    if outcome.result is Result.REJECTED:
        return f"Amazonが要求を受け付けません（{outcome.code}）。出品者IDとマーケットプレイスIDを確かめてください。"
    return f"Amazonから読めませんでした（{outcome.code}）。しばらくしてからもう一度お試しください。"
