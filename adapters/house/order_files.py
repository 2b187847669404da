"""Our own order CSV (自社受注CSV): orders of any cart, of the telephone, of a shop counter, a row for each line.

A line names a listing of the shop (商品コード, 枝番) or our own SKU itself. Nobody's name has a column here.
"""

from collections.abc import Sequence
from datetime import datetime

from adapters.kit.japanese import label_key
from adapters.kit.order_form import NUMBER, CellProblem, OrderForm, OrderRow
from adapters.kit.order_rows import (
    QUANTITY_EXPECTED,
    TIME_EXPECTED,
    latest_moment,
    moment_of,
    quantity_of,
    state_named,
    states_expected,
    telling_of,
)
from adapters.kit.profile import Profile
from ledger.terms import (
    CODE_CHARACTERS_MAX,
    CancelReason,
    OrderState,
    SkuNotAccepted,
    Telling,
    TellingLine,
    checked_sku,
)

PARSER_VERSION = 1


def read_orders(rows: Sequence[OrderRow], profile: Profile, made_at: datetime) -> Telling | CellProblem:
    """What the rows of one order tell: all of it. Without 状態 it is confirmed; without 更新日時 it is of when the file was made."""
    first = rows[0]
    said = first.get("status", "")
    state = state_named(said, profile) if said else OrderState.CONFIRMED
    if state is None:
        return CellProblem(0, "status", states_expected(profile))
    for column in ("ordered_at", "updated_at"):
        place = next((n for n, row in enumerate(rows) if row.get(column) and moment_of(row[column]) is None), None)
        if place is not None:
            return CellProblem(place, column, TIME_EXPECTED)
    ordered_at = moment_of(first.get("ordered_at", ""))
    told_at = latest_moment(rows, ("updated_at",))
    if told_at is None:
        told_at = made_at if state is OrderState.CANCELLED or ordered_at is None else ordered_at
    reason = _reason(first.get("reason", ""), profile)
    if reason is None:
        known = [word for one in CancelReason for word in profile.texts(f"order_file.reason_{one.value}")]
        return CellProblem(0, "reason", f"one of {', '.join(known)}, or blank")
    return telling_of(
        rows,
        first[NUMBER],
        state,
        _line,
        ordered_at=ordered_at,
        told_at=told_at,
        complete=True,
        parser_version=PARSER_VERSION,
        reason=reason,
    )


HOUSE_ORDERS = OrderForm(
    name="house-orders",
    label="自社受注CSV",
    where="見出しは 注文番号, 注文日時, 状態, 商品コード, 枝番, 商品SKU, 数量, 更新日時, キャンセル理由, 明細番号 です。",
    delimiter=",",
    encodings=("utf-8", "cp932"),
    columns=(NUMBER, "status", "ordered_at", "updated_at", "item", "variant", "sku", "quantity", "reason", "line_id"),
    required=(NUMBER, "quantity"),
    read=read_orders,
)


def _reason(word: str, profile: Profile) -> CancelReason | None:
    key = label_key(word)
    if not key:
        return CancelReason.UNKNOWN
    spelled = ((one, profile.texts(f"order_file.reason_{one.value}")) for one in CancelReason)
    return next((one for one, words in spelled if any(key == label_key(known) for known in words)), None)


def _line(row: OrderRow) -> TellingLine | CellProblem | None:
    units = quantity_of(row.get("quantity", ""))
    if units is None:
        return CellProblem(0, "quantity", QUANTITY_EXPECTED)
    item, variant, sku = row.get("item", ""), row.get("variant", ""), row.get("sku", "")
    if bool(item) == bool(sku):
        return CellProblem(0, "item", "商品コード (a listing of the shop) or 商品SKU, one of the two")
    if len(item) > CODE_CHARACTERS_MAX or len(variant) > CODE_CHARACTERS_MAX:
        return CellProblem(0, "item", f"codes of at most {CODE_CHARACTERS_MAX} characters")
    if sku:
        try:
            checked_sku(sku)
        except SkuNotAccepted as problem:
            return CellProblem(0, "sku", str(problem))
    line_id = row.get("line_id", "")[:50]
    return TellingLine(sku or item, variant, units, line_id=line_id, sku=sku) if units else None
