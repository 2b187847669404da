"""Read the numbers MakeShop shows (searchProductQuantity), and test a connection by calls that change nothing."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from adapters.kit.answers import read_failed
from adapters.kit.mall import Answer, ConnectionTested, DueWarning, OrdersAsked, ReadFailed, ShopAccess
from adapters.kit.profile import Profile
from adapters.kit.table import NotUnits
from adapters.makeshop.graphql import DOCUMENT_AT_FAULT, outcome_of, post, said_in, worst
from adapters.makeshop.orders import search
from ledger.terms import ListingKey, ListingRead, Outcome, Result

READ_BATCH_MAX = 100  # Ours; searchXxx takes a limit of up to 1,000 rows (NOTES.md, "Reading back")
ROWS_MAX = 1_000


def read_back(access: ShopAccess, keys: Sequence[ListingKey]) -> list[ListingRead] | ReadFailed:
    """The number of each listing, in order; one that the mall did not return is not found. null is unlimited."""
    assert 0 < len(keys) <= READ_BATCH_MAX, len(keys)
    shown = _shown(access, sorted({key.item for key in keys}))
    if isinstance(shown, ReadFailed):
        return shown
    return [
        ListingRead(key, shown[key]) if key in shown else ListingRead(key, None, found=False, sellable=False)
        for key in keys
    ]


def connection_test(access: ShopAccess) -> ConnectionTested:
    """Whether the shop answers searchOrder, by a form a working client uses; then whether the other documents fit."""
    now = access.now()
    asked = OrdersAsked(now - timedelta(minutes=1), now)
    found = search(access, asked, plain=True)
    if isinstance(found, ReadFailed):
        return ConnectionTested(False, _why(found))
    warnings: list[DueWarning] = []
    full = search(access, asked, plain=False)
    if isinstance(full, ReadFailed) and full.code == DOCUMENT_AT_FAULT:
        warnings.append(
            DueWarning(
                "order_document",
                "注文のバリエーション・独自コード・仮注文の項目名がこのショップのAPIと合いません。profile の orders.document を直してください。"
                "直すまでは商品単位で受注を取り込みます。",
            )
        )
    read = read_back(access, [ListingKey(access.profile.text("read.nobody"))])
    if isinstance(read, ReadFailed):
        warnings.append(
            DueWarning(
                "stock_document",
                f"在庫の読み取り（searchProductQuantity）ができませんでした（{read.code}）。profile の read を確かめてください。",
            )
        )
    return ConnectionTested(True, "注文検索API（searchOrder）で接続を確認しました。", tuple(warnings))


def _why(failed: ReadFailed) -> str:
    if failed.result is Result.REJECTED_AUTH:
        return (
            f"MakeShopが接続情報を受け付けません（{failed.code}）。永続トークンとAPIキーを確かめてください。"
            "アプリをアンインストールするとトークンは失効します。サーバーの時計が1時間以上ずれていても拒否されます。"
        )
    return f"MakeShopから読み取れませんでした（{failed.code}）。しばらくしてからもう一度お試しください。"


# ------------------------------------------------------------------ private


def _shown(access: ShopAccess, items: Sequence[str]) -> dict[ListingKey, int | None] | ReadFailed:
    profile = access.profile
    asked = {"input": {profile.text("read.codes_field"): list(items), "page": 1, "limit": ROWS_MAX}}
    reply = post(access, profile.text("read.document"), asked)
    if not isinstance(reply, Answer):
        return read_failed(reply)
    said = said_in(reply, profile)
    if isinstance(said, Outcome):
        return _failed(said)
    error = worst(said.errors)
    if error is not None:  # Half an answer would show listings as missing.
        return _failed(outcome_of(error, reply, profile))
    found = next(iter(said.fields.values()), None)
    shown = _numbers(found, profile)
    return ReadFailed(Result.TRANSIENT, "answer_not_understood") if shown is None else shown


def _failed(outcome: Outcome) -> ReadFailed:
    keeps = outcome.result in (Result.THROTTLED, Result.REJECTED_AUTH)
    return ReadFailed(outcome.result if keeps else Result.TRANSIENT, outcome.code, outcome.wait_seconds)


def _numbers(found: object, profile: Profile) -> dict[ListingKey, int | None] | None:
    """The numbers by listing; None when a row is not as the profile says, or rows are missing from the answer."""
    rows = found.get(profile.text("read.list")) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping) or not isinstance(rows, list):
        return None
    total = found.get("searchedCount")
    if isinstance(total, int) and total > len(rows):
        return None
    shown: dict[ListingKey, int | None] = {}
    for row in rows:
        item = row.get(profile.text("read.item_field")) if isinstance(row, Mapping) else None
        if not isinstance(row, Mapping) or not isinstance(item, str):
            return None
        variations = row.get(profile.text("read.variations")) or []
        if not isinstance(variations, list):
            return None
        numbered = [("", row), *((_text(one, profile.text("read.variant_field")), one) for one in variations)]
        for variant, one in numbered:
            units = _units(one, profile.text("read.units_field"))
            if isinstance(units, NotUnits) or variant is None:
                return None
            shown[ListingKey(item, variant)] = units
    return shown


def _text(row: object, field: str) -> str | None:
    value = row.get(field) if isinstance(row, Mapping) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None


def _units(row: object, field: str) -> int | NotUnits | None:
    """The count; None: unlimited. A number below zero is shown as 0."""
    value = row.get(field) if isinstance(row, Mapping) else None
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 9:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return NotUnits("a whole number or null")
    return max(0, value)
