"""ショップサーブ (Eストアー). Where each fact comes from: NOTES.md."""

from adapters.kit.mall import Gap, LowersAt, Mall, NotOffered, RestoresOnCancel, Setting
from adapters.shopserve.emulator import emulator
from adapters.shopserve.files import MATCH_KEYS, STOCK, write_stock
from adapters.shopserve.mail import read_order_mail
from adapters.shopserve.push import BATCH_MAX, LAST_REQUEST_SECONDS_MAX, REQUEST_SECONDS_MAX, UNITS_MAX, push
from adapters.shopserve.read_back import READ_BATCH_MAX, connection_test, read_back

SETTINGS = (
    Setting(
        "shop_id",
        "店舗ID",
        "管理画面の サーバー > ショップサーブAPI に表示されます（例: sample.ab）。",
        example="sample.ab",
    ),
    Setting(
        "manager_key",
        "マネージャー認証キー",
        "管理画面の サーバー > ショップサーブAPI で規約に同意し、マネージャー認証キーを発行します。期限はなく、再発行すると前のキーは使えません。",
        secret=True,
    ),
    Setting(
        "alert_threshold",
        "在庫アラート数",
        "在庫を反映するときに一緒に送る、在庫が少ないことを知らせる数です。空欄なら送りません。",
        required=False,
        example="3",
    ),
)

MALL = Mall(
    code="shopserve",
    name="ショップサーブ",
    settings=SETTINGS,
    match_keys=MATCH_KEYS,
    lowers_at=LowersAt.ORDER,
    restores_on_cancel=RestoresOnCancel.UNKNOWN,
    sells_at_zero=None,
    units_max=UNITS_MAX,
    products_in=(STOCK,),
    stock_in=(STOCK,),
    stock_out=write_stock,
    order_mail=read_order_mail,
    order_webhook=NotOffered(
        "the mall's public manual names no notification of orders to an address of ours (NOTES.md)"
    ),
    order_api=Gap(
        "the API can give orders, but neither its path nor its answer was seen; orders come by mail (NOTES.md)"
    ),
    push_api=push,
    push_file=NotOffered("taking up stock by FTP was ended by the partners that used it (NOTES.md)"),
    read_back=read_back,
    emulator=emulator,
    connection_test=connection_test,
    push_batch_max=BATCH_MAX,
    # The mall publishes no limit. A push is up to three requests and so is a look: 2 requests a second together.
    requests_per_second=0.4,
    request_seconds_max=REQUEST_SECONDS_MAX,
    call_seconds_max=LAST_REQUEST_SECONDS_MAX + 2 * REQUEST_SECONDS_MAX,
    read_batch_max=READ_BATCH_MAX,
    reads_per_second=0.25,
    mail_quiet_seconds=120,
)
