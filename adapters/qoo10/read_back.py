"""Read what Qoo10 shows (GetItemDetailInfo, GetGoodsInventoryInfo), one call an item, and test a connection."""

from collections.abc import Sequence

from adapters.kit.mall import ConnectionTested, ReadFailed, ShopAccess
from adapters.qoo10.codes import is_listing, item_fields, option_of
from adapters.qoo10.inventory import OptionRow, read_options, row_of
from adapters.qoo10.qapi import NOT_FOUND, SUCCESS, Turn, begin, call, due_warnings, number_of
from ledger.terms import ListingKey, ListingRead, Outcome, Result

READ_BATCH_MAX = 10  # ours: each item is a call of its own
ITEM = "ItemsLookup.GetItemDetailInfo"
ALL_ITEMS = "ItemsLookup.GetAllGoodsInfo"


def read_back(access: ShopAccess, keys: Sequence[ListingKey]) -> list[ListingRead] | ReadFailed:
    """What Qoo10 shows for each listing, in order. ``sellable`` False: the item is not on sale (S2)."""
    assert 0 < len(keys) <= READ_BATCH_MAX, len(keys)
    turn = begin(access)
    options: dict[str, tuple[OptionRow, ...] | None] = {}
    reads: dict[ListingKey, ListingRead] = {}
    for key in dict.fromkeys(keys):
        if not is_listing(key):
            reads[key] = _missing(key)
        elif not key.variant:
            found = _read_item(turn, key)
            if isinstance(found, ReadFailed):
                return found
            reads[key] = found
        else:
            if key.item not in options:
                rows = read_options(turn, key.item)
                if isinstance(rows, Outcome) and rows.result is not Result.REJECTED:
                    return _failed(rows)
                options[key.item] = None if isinstance(rows, Outcome) else rows
            reads[key] = _read_option(access, key, options[key.item])
    return [reads[key] for key in keys]


def connection_test(access: ShopAccess) -> ConnectionTested:
    """Whether the shop's items on sale can be listed; changes nothing. Warns before the API key's year is over."""
    fields = {"ItemStatus": access.profile.text("api.on_sale_status"), "Page": "1"}
    said = call(access, ALL_ITEMS, fields)
    warnings = due_warnings(access)
    if isinstance(said, Outcome):
        return ConnectionTested(False, _why(said), warnings)
    if said.code != SUCCESS:
        return ConnectionTested(False, _why(Outcome(Result.TRANSIENT, str(said.code))), warnings)
    return ConnectionTested(True, "商品一覧（ItemsLookup.GetAllGoodsInfo）で接続を確認しました。", warnings)


def _read_item(turn: Turn, key: ListingKey) -> ListingRead | ReadFailed:
    said = turn.call(ITEM, item_fields(key.item))
    if isinstance(said, Outcome):
        return _failed(said)
    if said.code == NOT_FOUND:
        return _missing(key)
    rows = said.result if isinstance(said.result, list) else [said.result] if isinstance(said.result, dict) else []
    if said.code != SUCCESS:
        return ReadFailed(Result.TRANSIENT, str(said.code))
    if not rows:
        return _missing(key)
    row = rows[0]
    units = number_of(row.get("ItemQty")) if isinstance(row, dict) else None
    if units is None or len(rows) != 1:
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    on_sale = row.get("ItemStatus") == turn.access.profile.text("api.on_sale_status")
    return ListingRead(key, max(0, units), sellable=on_sale)


def _read_option(access: ShopAccess, key: ListingKey, rows: tuple[OptionRow, ...] | None) -> ListingRead:
    option = option_of(key.variant, unknown_name=access.profile.text("api.unknown_option_name"))
    row = row_of(rows or (), option)
    if not isinstance(row, OptionRow):
        return _missing(key)
    return ListingRead(key, None if row.units is None else max(0, row.units))


def _missing(key: ListingKey) -> ListingRead:
    return ListingRead(key, None, found=False, sellable=False)


def _failed(outcome: Outcome) -> ReadFailed:
    keeps = outcome.result in (Result.THROTTLED, Result.REJECTED_AUTH)
    return ReadFailed(outcome.result if keeps else Result.TRANSIENT, outcome.code, outcome.wait_seconds)


def _why(outcome: Outcome) -> str:
    if outcome.code == "key_missing":
        return "販売者認証キー（SAK）がありません。SAKか、APIキーとQSMパスワードを登録してください。"
    if outcome.code == "key_not_issued":
        return (
            "販売者認証キー（SAK）を発行できません。QSM ID、QSMパスワード、APIキー（1年ごとに更新）を確かめてください。"
        )
    if outcome.result is Result.REJECTED_AUTH:
        return (
            f"Qoo10が認証キーを受け付けません（{outcome.code}）。QSMのパスワードを変えるとSAKは無効になります。"
            "APIキーの有効期限も確かめてください。"
        )
    return f"Qoo10から商品一覧を読めませんでした（{outcome.code}）。しばらくしてからもう一度お試しください。"
