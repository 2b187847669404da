"""Read RMS's 受注CSV (楽天ペイ受注データ): one row for each item of an order, under names of columns in Japanese.

The columns of buyers and receivers are never kept. The rows of an order are the whole order when their prices and counts add up
to 商品合計金額; a file that was cut in the middle of an order then says only what it names.
"""

from collections.abc import Sequence
from datetime import datetime

from adapters.kit.order_form import NUMBER, CellProblem, OrderForm, OrderRow
from adapters.kit.order_mail import count_in
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
from ledger.terms import CODE_CHARACTERS_MAX, OrderState, Telling, TellingLine

PARSER_VERSION = 1
TIMES = ("ordered_at", "confirmed_at", "fixed_at", "instructed_at", "shipped_at")


def read_orders(rows: Sequence[OrderRow], profile: Profile, made_at: datetime) -> Telling | CellProblem:
    """What the rows of one order tell. A cancel counts from when the file was made: RMS writes no time of it."""
    first = rows[0]
    shop_number = profile.text("mail.shop_number")
    if shop_number and not first[NUMBER].startswith(f"{shop_number}-"):
        return CellProblem(0, NUMBER, f"an order of this shop, {shop_number}-…")
    state = state_named(first.get("status", ""), profile)
    if state is None:
        return CellProblem(0, "status", states_expected(profile))
    ordered_at = moment_of(first.get("ordered_at", ""))
    if ordered_at is None:
        return CellProblem(0, "ordered_at", TIME_EXPECTED)
    told_at = latest_moment(rows, TIMES) or ordered_at
    return telling_of(
        rows,
        first[NUMBER],
        state,
        _line,
        ordered_at=ordered_at,
        told_at=max(told_at, made_at) if state is OrderState.CANCELLED else told_at,
        complete=_is_whole(rows),
        parser_version=PARSER_VERSION,
    )


ORDERS_CSV = OrderForm(
    name="rakuten-orders",
    label="RMS 受注CSV（楽天ペイ受注データ）",
    where="RMS > 受注・決済管理 > 楽天ペイ受注管理 > データダウンロード で、通常購入データのCSVを作成します。",
    delimiter=",",
    encodings=("cp932", "utf-8"),
    columns=(
        NUMBER,
        "status",
        *TIMES,
        "item",
        "item_number",
        "variant",
        "own_code",
        "quantity",
        "price",
        "total",
        "line_id",
        "package",
    ),
    required=(NUMBER, "status", "ordered_at", "quantity", "item"),
    read=read_orders,
)


def _line(row: OrderRow) -> TellingLine | CellProblem | None:
    units = quantity_of(row.get("quantity", ""))
    if units is None:
        return CellProblem(0, "quantity", QUANTITY_EXPECTED)
    item, number = row.get("item", "").lower(), row.get("item_number", "")
    variant, own = row.get("variant", ""), row.get("own_code", "")
    if not item and not number:
        return CellProblem(0, "item", f"a code of 1 to {CODE_CHARACTERS_MAX} characters, or 商品番号")
    for column, code in (("item", item), ("item_number", number), ("variant", variant), ("own_code", own)):
        if len(code) > CODE_CHARACTERS_MAX or not code.isprintable():
            return CellProblem(0, column, f"a code of at most {CODE_CHARACTERS_MAX} characters on one line")
    if not units:
        return None
    # As in orders of the API: the key is exact; where a part of it is missing, further codes name the listing.
    codes = () if item and variant else tuple(dict.fromkeys(code for code in (number or item, own) if code))
    if not item and variant:
        codes = (f"{number}/{variant}",)
    line_id = "-".join(part for part in (row.get("package", ""), row.get("line_id", "")) if part)
    return TellingLine(item or number, variant, units, line_id=line_id[:50], codes=codes)


def _is_whole(rows: Sequence[OrderRow]) -> bool:
    """Whether the rows add up to 商品合計金額; so, too, when a file says nothing of prices."""
    total = count_in(rows[0].get("total", ""))
    parts = [(count_in(row.get("price", "")), count_in(row.get("quantity", ""))) for row in rows]
    if total is None or any(price is None for price, _ in parts):
        return True
    return sum((price or 0) * (units or 0) for price, units in parts) == total
