"""サンドボックス: a mall that exists only here, for the demo, for tests, and as the folder to copy. Facts: NOTES.md."""

from adapters.kit.mall import Gap, LowersAt, Mall, MatchKey, NotOffered, RestoresOnCancel, Setting
from adapters.sandbox.emulator import emulator
from adapters.sandbox.files import STOCK, UNITS_MAX, write_stock
from adapters.sandbox.mail import read_order_mail
from adapters.sandbox.push import BATCH_MAX, push
from adapters.sandbox.read_back import READ_BATCH_MAX, connection_test, read_back

MALL = Mall(
    code="sandbox",
    name="サンドボックス",
    settings=(
        Setting(
            name="shop_id",
            label="ショップID",
            where="好きな英数字を決めてください（見本のモールです）。",
            example="sample-shop",
        ),
        Setting(name="api_key", label="APIキー", where="エミュレーターを起動したときに決めた鍵です。", secret=True),
    ),
    match_keys=(
        MatchKey("sku", "商品SKU"),
        MatchKey("item_variant", "商品コード-枝番"),
    ),
    lowers_at=LowersAt.ORDER,
    restores_on_cancel=RestoresOnCancel.NO,
    sells_at_zero=None,
    units_max=UNITS_MAX,
    products_in=(STOCK,),
    stock_in=(STOCK,),
    stock_out=write_stock,
    order_mail=read_order_mail,
    order_webhook=NotOffered("the sandbox sends none (NOTES.md)"),
    order_api=NotOffered("the sandbox tells orders by mail only (NOTES.md)"),
    push_api=push,
    push_file=Gap("the file is written; nothing takes it up yet"),
    read_back=read_back,
    emulator=emulator,
    connection_test=connection_test,
    push_batch_max=BATCH_MAX,
    requests_per_second=10.0,
    request_seconds_max=10.0,
    read_batch_max=READ_BATCH_MAX,
    reads_per_second=10.0,
)
