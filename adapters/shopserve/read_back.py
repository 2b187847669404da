"""Read what ショップサーブ shows, one GET an item, and test a connection by looking for one item."""

from collections.abc import Sequence
from datetime import timedelta

from adapters.kit.answers import json_of, read_failed
from adapters.kit.mall import Answer, ConnectionTested, ReadFailed, Reply, ShopAccess
from adapters.kit.one_by_one import OUT_OF_TIME
from adapters.shopserve.access import get, refusal, send, stock_path
from adapters.shopserve.codes import is_listing
from adapters.shopserve.push import LAST_REQUEST_SECONDS_MAX
from adapters.shopserve.stock import Shown, stock_of
from ledger.terms import ListingKey, ListingRead, Result

READ_BATCH_MAX = 3  # at worst three requests


def read_back(access: ShopAccess, keys: Sequence[ListingKey]) -> list[ListingRead] | ReadFailed:
    """What the mall shows for each listing, in order: None where it sells without limit; an item or text it has not is not found."""
    assert 0 < len(keys) <= READ_BATCH_MAX, len(keys)
    began = access.now()
    shown: dict[str, dict[str, Shown]] = {}
    for item in dict.fromkeys(key.item for key in keys if is_listing(key)):
        if access.now() - began > timedelta(seconds=LAST_REQUEST_SECONDS_MAX):
            return ReadFailed(Result.TRANSIENT, OUT_OF_TIME)
        reply = get(access, stock_path(item))
        if isinstance(reply, Answer) and reply.status == 404:
            continue
        if not isinstance(reply, Answer) or reply.status != 200:
            return _failed(reply)
        found = stock_of(reply, access.profile)
        if found is None:
            return ReadFailed(Result.TRANSIENT, "answer_not_understood")
        shown[item] = dict(found)
    return [_read(key, shown.get(key.item, {}).get(key.variant)) for key in keys]


def connection_test(access: ShopAccess) -> ConnectionTested:
    """Whether the mall accepts the shop's ID and key for a search of items; changes nothing."""
    reply = send(access, "POST", access.profile.text("api.search_path"), {"size": 1})
    said = json_of(reply) if isinstance(reply, Answer) and reply.status == 200 else None
    if isinstance(said, dict) and access.profile.text("api.search_count") in said:
        return ConnectionTested(True, "商品の検索で接続を確認しました。")
    failed = _failed(reply)
    if failed.result is Result.REJECTED_AUTH:
        return ConnectionTested(
            False,
            f"ショップサーブが店舗IDとマネージャー認証キーを受け付けません（{failed.code}）。管理画面の サーバー > ショップサーブAPI で確かめてください。",
        )
    return ConnectionTested(
        False, f"ショップサーブから読み取れませんでした（{failed.code}）。しばらくしてからもう一度お試しください。"
    )


def _read(key: ListingKey, shown: Shown | None) -> ListingRead:
    if shown is None:
        return ListingRead(key, None, found=False, sellable=False)
    return ListingRead(key, shown.units)


def _failed(reply: Reply) -> ReadFailed:
    if isinstance(reply, Answer) and refusal(reply).result is Result.REJECTED_AUTH:
        return ReadFailed(Result.REJECTED_AUTH, refusal(reply).code)
    return read_failed(reply)
