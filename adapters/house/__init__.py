"""自社CSV: our own file form. Not a mall: no shop can be connected to it, only files are read. Facts: NOTES.md."""

from adapters.house.files import STOCK
from adapters.house.order_files import HOUSE_ORDERS
from adapters.kit.mall import LowersAt, Mall, MatchKey, NotOffered, RestoresOnCancel
from ledger.terms import UNITS_MAX

_OWN_FORM = NotOffered("our own form, not a mall: files in only (NOTES.md)")

MALL = Mall(
    code="house",
    name="自社CSV",
    settings=(),
    match_keys=(MatchKey("sku", "商品SKU"),),
    lowers_at=LowersAt.NEVER,
    restores_on_cancel=RestoresOnCancel.NO,
    sells_at_zero=None,
    units_max=UNITS_MAX,
    products_in=(STOCK,),
    stock_in=(STOCK,),
    stock_out=_OWN_FORM,
    order_mail=_OWN_FORM,
    order_webhook=_OWN_FORM,
    order_api=_OWN_FORM,
    orders_in=(HOUSE_ORDERS,),
    push_api=_OWN_FORM,
    push_file=_OWN_FORM,
    read_back=_OWN_FORM,
    emulator=_OWN_FORM,
    connection_test=_OWN_FORM,
    connectable=False,
)
