"""Ask the sandbox which numbers it shows, and whether our key is accepted; nothing is changed by either."""

from collections.abc import Sequence

from adapters.kit.answers import json_of, read_failed
from adapters.kit.mall import Answer, ConnectionTested, ReadFailed, ShopAccess
from adapters.sandbox.push import post
from ledger.terms import ListingKey, ListingRead, Result

PATH = "/v1/stock/read"
READ_BATCH_MAX = 100  # NOTES.md, "Read-back"


def read_back(access: ShopAccess, keys: Sequence[ListingKey]) -> list[ListingRead] | ReadFailed:
    """What the mall shows for each key, in order; a listing it does not name is not found there."""
    assert 0 < len(keys) <= READ_BATCH_MAX, len(keys)
    reply = post(access, PATH, {"listings": [{"item": key.item, "variant": key.variant} for key in keys]})
    if not isinstance(reply, Answer) or reply.status != 200:
        return read_failed(reply)
    shown = _shown(json_of(reply))
    if shown is None:
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    return [ListingRead(key, shown.get(key), found=key in shown) for key in keys]


def connection_test(access: ShopAccess) -> ConnectionTested:
    """Whether the mall answers a read with our key."""
    read = read_back(access, [ListingKey("connection-test")])
    match read:
        case list():
            return ConnectionTested(ok=True, message="接続できました。")
        case ReadFailed(result=Result.REJECTED_AUTH):
            return ConnectionTested(ok=False, message="APIキーが受け付けられません。ショップの設定を確かめてください。")
        case ReadFailed(code=code):
            return ConnectionTested(
                ok=False, message=f"モールに接続できません（{code}）。しばらくしてからもう一度お試しください。"
            )


def _shown(told: object) -> dict[ListingKey, int | None] | None:
    levels = told.get("levels") if isinstance(told, dict) else None
    if not isinstance(levels, list):
        return None
    shown: dict[ListingKey, int | None] = {}
    for level in levels:
        match level:
            case {"item": str(item), "variant": str(variant), "units": int() | None as units}:
                shown[ListingKey(item, variant)] = units
            case _:
                return None
    return shown
