"""Orders and claims at the emulated Qoo10: each line of a sale is a 注文番号 of its own, its cart is the カート番号."""

from collections.abc import Callable, Iterator
from datetime import datetime

from adapters.kit.emulator import EmulatedOrder, EmulatedShop
from adapters.kit.order_mail import JST
from adapters.qoo10.codes import is_item_code
from adapters.qoo10.emulated_state import Fields, Said, option_text, refusal, said, state_of
from ledger.terms import ListingKey

FIRST_ORDER = 600_000_000
LINES_MAX = 10  # of one cart, so that numbers do not meet
CART_FIRST = 300_000_000
PERIOD_DAYS_MAX = 90
ORDERED, CANCELLED = "2", "3"
_SHIPPED = ("4", "5")


def order_number(serial: int) -> str:
    """The 注文番号 of the first line of a cart; the next lines count on from it."""
    return str(FIRST_ORDER + serial * LINES_MAX)


def _lines(shop: EmulatedShop) -> Iterator[tuple[str, EmulatedOrder, ListingKey, int]]:
    """Every 注文番号 with its cart."""
    for order in shop.orders.values():
        assert len(order.lines) <= LINES_MAX, order
        for at, (key, units) in enumerate(order.lines):
            yield str(int(order.number) + at), order, key, units


def _shipping(shop: EmulatedShop, fields: Fields) -> Said:
    """The orders of one state whose date of the asked kind is in the time; cancelled ones are not among them."""
    state = state_of(shop)
    wanted = fields.get("ShippingStatus", "")
    states = {"1", "2"} if wanted in ("", "0") else {wanted}
    rows = []
    for number, order, key, units in _lines(shop):
        status = state.order_states.get(number, ORDERED)
        if (
            order.cancelled_at is None
            and status in states
            and _within(order.ordered_at, fields, "SearchStartDate", "SearchEndDate")
        ):
            rows.append(_shipping_row(shop, number, order, key, units, status))
    return said(rows)


def _claims(shop: EmulatedShop, fields: Fields) -> Said:
    """The claims of one state in the time; a cancelled order is one that is done."""
    start, end = _moment(fields["search_Sdate"]), _moment(fields["search_Edate"])
    if (end - start).days > PERIOD_DAYS_MAX:
        return refusal(-10003, "Searching period exceeds to 90 days.")
    rows = []
    for number, order, key, units in _lines(shop):
        status = _claim_state(shop, number, order)
        at = order.cancelled_at or order.ordered_at
        if status == fields.get("ClaimStat") and _within(at, fields, "search_Sdate", "search_Edate"):
            rows.append(_claim_row(shop, number, order, key, units, status))
    return said(rows)


def _one_order(shop: EmulatedShop, fields: Fields) -> Said:
    for number, order, key, units in _lines(shop):
        if number == fields.get("OrderNo"):
            status = state_of(shop).order_states.get(number, ORDERED)
            row = _shipping_row(shop, number, order, key, units, status)
            small = {name[0].lower() + name[1:]: value for name, value in row.items()}
            return said([small | _claim_row(shop, number, order, key, units, _claim_state(shop, number, order))])
    return refusal(-10001, "Not exists order")


def _claim_state(shop: EmulatedShop, number: str, order: EmulatedOrder) -> str:
    return state_of(shop).claims.get(number) or ("" if order.cancelled_at is None else CANCELLED)


def _shipping_row(
    shop: EmulatedShop, number: str, order: EmulatedOrder, key: ListingKey, units: int, status: str
) -> Said:
    """One row as the mall writes it, its persons invented."""
    option = option_text(shop, key) if key.variant else None
    return {
        "ShippingStatus": status,
        "SellerID": shop.settings.get("user_id", ""),
        "PackNo": _cart(order),
        "OrderDate": _said_date(order.ordered_at),
        "PaymentDate": _said_date(order.ordered_at),
        "ShippingDate": _said_date(order.ordered_at) if status in _SHIPPED else "",
        "Buyer": "見本 太郎",
        "OrderNo": int(number),
        "ItemNo": key.item if is_item_code(key.item) else "",
        "SellerItemCode": _seller_code(shop, key),
        "ItemTitle": "見本の品",
        "Option": "" if option is None else f"{option.name}:{option.value}",
        "OptionCode": "" if option is None else option.code,
        "OrderQty": units,
        "Receiver": "見本 太郎",
        "Currency": "JPY",
        "RelatedOrder": "",
    }


def _claim_row(shop: EmulatedShop, number: str, order: EmulatedOrder, key: ListingKey, units: int, status: str) -> Said:
    """One claim as the mall writes it: it has no option."""
    at = order.cancelled_at or order.ordered_at
    return {
        "claimStatus": status,
        "cancelRefundDate": _said_date(at) if status else "",
        "requestDate": _said_date(at) if status else "",
        "reason": "お客様都合（見本）" if status else "",
        "orderDate": _said_date(order.ordered_at),
        "orderNo": int(number),
        "packNo": _cart(order),
        "itemCode": key.item if is_item_code(key.item) else "",
        "sellerItemCode": _seller_code(shop, key),
        "orderQty": units,
        "buyer": "見本 太郎",
    }


def _cart(order: EmulatedOrder) -> int:
    return CART_FIRST + (int(order.number) - FIRST_ORDER) // LINES_MAX


def _seller_code(shop: EmulatedShop, key: ListingKey) -> str:
    return state_of(shop).seller_codes.get(key.item, "" if is_item_code(key.item) else key.item)


def _said_date(moment: datetime) -> str:
    return moment.astimezone(JST).strftime("%Y-%m-%d %H:%M:%S")


def _moment(text: str) -> datetime:
    form = "%Y%m%d%H%M%S" if len(text) == 14 else "%Y%m%d"
    return datetime.strptime(text, form).replace(tzinfo=JST)


def _within(moment: datetime, fields: Fields, since: str, until: str) -> bool:
    second = moment.replace(microsecond=0)
    return _moment(fields[since]) <= second <= _moment(fields[until])


ORDER_METHODS: dict[str, Callable[[EmulatedShop, Fields], Said]] = {
    "ShippingBasic.GetShippingInfo_v3": _shipping,
    "ShippingBasic.GetClaimInfo_V3": _claims,
    "ShippingBasic.GetShippingAndClaimInfoByOrderNo_V2": _one_order,
}
