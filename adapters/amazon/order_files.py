"""Read Amazon's order reports (tab separated): all orders (全注文レポート) and orders to ship (注文レポート).

A report of all orders says every line of an order and when it changed last; one of orders to ship says only lines that are to be
shipped by the merchant, with buyers in its other columns, which are never kept.
"""

from collections.abc import Sequence
from datetime import datetime

from adapters.amazon.codes import SKU_EXPECTED, is_sku, key_of
from adapters.amazon.mail import ORDER
from adapters.kit.order_form import NUMBER, CellProblem, NotOurs, OrderForm, OrderRow
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
from ledger.terms import OrderState, Telling, TellingLine

PARSER_VERSION = 1


def read_all(rows: Sequence[OrderRow], profile: Profile, made_at: datetime) -> Telling | NotOurs | CellProblem:
    """What the rows of one order of 全注文レポート tell; orders that Amazon ships take nothing of ours."""
    by_amazon = profile.texts("order_file.by_amazon")
    own = [row for row in rows if row.get("fulfilled_by", "") not in by_amazon]
    if not own:
        return NotOurs("fulfilled_by_amazon")
    state = state_named(own[0].get("status", "").partition(" - ")[0], profile)
    if state is None:
        return CellProblem(rows.index(own[0]), "status", states_expected(profile))
    return _told(own, rows, profile, made_at, state, complete=True)


def read_to_ship(rows: Sequence[OrderRow], profile: Profile, made_at: datetime) -> Telling | NotOurs | CellProblem:
    """What the rows of one order of 注文レポート tell: lines that are to be shipped; what is shipped already is not in it."""
    return _told(rows, rows, profile, made_at, OrderState.CONFIRMED, complete=False)


ALL_ORDERS = OrderForm(
    name="amazon-all-orders",
    label="Amazon 全注文レポート",
    where="セラーセントラル > レポート > フルフィルメント または 注文 > 注文レポート で「全注文」を作成します。",
    delimiter="\t",
    encodings=("cp932", "utf-8"),
    columns=(
        NUMBER,
        "status",
        "ordered_at",
        "updated_at",
        "fulfilled_by",
        "item",
        "line_status",
        "quantity",
        "line_id",
    ),
    required=(NUMBER, "status", "ordered_at", "item", "quantity"),
    read=read_all,
)

ORDERS_TO_SHIP = OrderForm(
    name="amazon-orders",
    label="Amazon 注文レポート（出荷する注文）",
    where="セラーセントラル > 注文 > 注文レポート で「新しい注文」または「未出荷」を作成します。",
    delimiter="\t",
    encodings=("cp932", "utf-8"),
    columns=(NUMBER, "ordered_at", "item", "quantity", "line_id"),
    required=(NUMBER, "ordered_at", "item", "quantity", "line_id"),
    read=read_to_ship,
)


def _told(
    own: Sequence[OrderRow],
    rows: Sequence[OrderRow],
    profile: Profile,
    made_at: datetime,
    state: OrderState,
    *,
    complete: bool,
) -> Telling | CellProblem:
    first = own[0]
    if not ORDER.fullmatch(first[NUMBER]):
        return CellProblem(rows.index(first), NUMBER, "an order number of Amazon, such as 503-1234567-1234567")
    ordered_at = moment_of(first.get("ordered_at", ""))
    if ordered_at is None:
        return CellProblem(rows.index(first), "ordered_at", TIME_EXPECTED)
    updated_at = latest_moment(own, ("updated_at",))
    if updated_at is None:
        updated_at = made_at if state is OrderState.CANCELLED else ordered_at
    gone = profile.texts("order_file.state_cancelled")
    told = telling_of(
        own,
        first[NUMBER],
        state,
        lambda row: _line(row, gone),
        ordered_at=ordered_at,
        told_at=updated_at,
        complete=complete,
        parser_version=PARSER_VERSION,
    )
    return (
        CellProblem(rows.index(own[told.place]), told.column, told.expected) if isinstance(told, CellProblem) else told
    )


def _line(row: OrderRow, gone: Sequence[str]) -> TellingLine | CellProblem | None:
    sku = row.get("item", "")
    if not is_sku(sku):
        return CellProblem(0, "item", SKU_EXPECTED)
    units = quantity_of(row.get("quantity", ""))
    if units is None:
        return CellProblem(0, "quantity", QUANTITY_EXPECTED)
    if not units or row.get("line_status", "") in gone:
        return None
    key = key_of(sku)
    return TellingLine(key.item, key.variant, units, line_id=row.get("line_id", "")[:40])
