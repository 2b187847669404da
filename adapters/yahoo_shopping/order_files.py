"""Read the order CSVs of ストアクリエイターPro: 商品データ (a row for each line of an order) and 注文データ (a row for each order).

Their columns are chosen by the store in a template, so all but the number, the item and the quantity may be missing. 注文データ
names no items: it says only how an order stands.
"""

from collections.abc import Sequence
from datetime import datetime

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
from adapters.yahoo_shopping.codes import CODE_EXPECTED, is_code
from adapters.yahoo_shopping.order_reading import is_order_number
from ledger.terms import OrderState, Telling, TellingLine

PARSER_VERSION = 1
TIMES = ("ordered_at", "updated_at", "shipped_at")
NO_LINE = "no_line"


def read_items(rows: Sequence[OrderRow], profile: Profile, made_at: datetime) -> Telling | CellProblem:
    """What the 商品データ rows of one order tell: every line of it. An order without its status is taken as ordered."""
    return _told(rows, profile, made_at, complete=True, usual="provisional", line=_line)


def read_heads(rows: Sequence[OrderRow], profile: Profile, made_at: datetime) -> Telling | CellProblem:
    """What the 注文データ row tells: how the order stands, and no lines."""
    return _told(rows, profile, made_at, complete=False, usual="", line=lambda _row: None)


ITEMS_CSV = OrderForm(
    name="yahoo-order-items",
    label="ストアクリエイターPro 商品データCSV（注文の明細）",
    where="ストアクリエイターPro > 注文管理 > 注文検索 > ダウンロード で、種別「商品」のCSVを作成します。",
    delimiter=",",
    encodings=("cp932", "utf-8"),
    columns=(NUMBER, "status", *TIMES, "item", "variant", "quantity", "line_id"),
    required=(NUMBER, "item", "quantity"),
    read=read_items,
)

HEADS_CSV = OrderForm(
    name="yahoo-orders",
    label="ストアクリエイターPro 注文データCSV",
    where="ストアクリエイターPro > 注文管理 > 注文検索 > ダウンロード で、種別「注文」のCSVを作成します。",
    delimiter=",",
    encodings=("cp932", "utf-8"),
    columns=(NUMBER, "status", *TIMES),
    required=(NUMBER, "status"),
    read=read_heads,
)


def _told(
    rows: Sequence[OrderRow], profile: Profile, made_at: datetime, *, complete: bool, usual: str, line: object
) -> Telling | CellProblem:
    first = rows[0]
    if not is_order_number(first[NUMBER]):
        return CellProblem(0, NUMBER, "an order id of half-width letters, digits, hyphens")
    said = first.get("status", "")
    state = state_named(said, profile) if said or not usual else OrderState(usual)
    if state is None:
        return CellProblem(0, "status", states_expected(profile))
    ordered = first.get("ordered_at", "")
    ordered_at = moment_of(ordered)
    if ordered and ordered_at is None:
        return CellProblem(0, "ordered_at", TIME_EXPECTED)
    told_at = latest_moment(rows, TIMES) or made_at
    if state is OrderState.CANCELLED and not first.get("updated_at"):
        told_at = max(told_at, made_at)
    assert callable(line), line
    return telling_of(
        rows,
        first[NUMBER],
        state,
        line,
        ordered_at=ordered_at,
        told_at=told_at,
        complete=complete,
        parser_version=PARSER_VERSION,
    )


def _line(row: OrderRow) -> TellingLine | CellProblem | None:
    code, sub_code = row.get("item", ""), row.get("variant", "")
    if not is_code(code):
        return CellProblem(0, "item", CODE_EXPECTED)
    if sub_code and not is_code(sub_code):
        return CellProblem(0, "variant", CODE_EXPECTED)
    units = quantity_of(row.get("quantity", ""))
    if units is None:
        return CellProblem(0, "quantity", QUANTITY_EXPECTED)
    return TellingLine(code, sub_code, units, line_id=row.get("line_id", "")[:50]) if units else None
