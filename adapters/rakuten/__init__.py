"""楽天市場 (RMS). Where each fact comes from: NOTES.md."""

from adapters.kit.file_settings import Protocol, file_settings
from adapters.kit.mall import LowersAt, Mall, MatchKey, NotOffered, RestoresOnCancel, Setting
from adapters.rakuten.emulator import emulator
from adapters.rakuten.files import NORMAL_ITEM, UNITS_MAX, write_stock
from adapters.rakuten.mail import read_order_mail
from adapters.rakuten.old_files import OLD_ITEM, OLD_SELECT
from adapters.rakuten.order_files import ORDERS_CSV
from adapters.rakuten.orders import ORDERS
from adapters.rakuten.push import BATCH_MAX, OWN_ITEMS, push
from adapters.rakuten.push_file import PUSH_FILE
from adapters.rakuten.read_back import READ_BATCH_MAX, connection_test, read_back

MALL = Mall(
    code="rakuten",
    name="楽天市場",
    settings=(
        Setting(
            name="shop_number",
            label="店舗番号",
            where="受注番号の先頭6桁の数字です（例: 402853-20261120-0220534167 の 402853）。",
            required=False,
            example="402853",
        ),
        Setting(
            name="service_secret",
            label="serviceSecret",
            where="RMS > 店舗様向け情報・サービス > 6 WEB APIサービス > 利用設定 に表示されます。",
            secret=True,
        ),
        Setting(
            name="license_key",
            label="licenseKey",
            where="同じ画面の「ライセンスキー」です。約3か月で切れるため、RMSで更新して登録し直します。",
            secret=True,
        ),
        *file_settings(
            host="upload.rakuten.ne.jp",
            protocol=Protocol.SFTP,
            where="RMS > 店舗設定 > R-Storefront > CSVダウンロード・アップロード の「FTPアカウント」です（オプション「CSV商品一括編集」が必要）。",
        ),
    ),
    # The first is the default; the reasons stand in NOTES.md, "Identity".
    own_items=OWN_ITEMS,
    match_keys=(
        MatchKey(
            "own_code",
            "システム連携用SKU番号（なければ、SKUが1つの商品は商品管理番号、ほかは商品管理番号-SKU管理番号）",
        ),
        MatchKey("merchant_sku", "システム連携用SKU番号"),
        MatchKey("variant", "SKU管理番号"),
        MatchKey("item", "商品管理番号（商品URL）"),
        MatchKey("item_number", "商品番号"),
        MatchKey("item_variant", "商品管理番号（商品URL）+SKU管理番号"),
    ),
    lowers_at=LowersAt.ORDER,
    restores_on_cancel=RestoresOnCancel.FLAG,
    sells_at_zero="在庫切れ時の注文受付",
    units_max=UNITS_MAX,
    products_in=(NORMAL_ITEM, OLD_ITEM, OLD_SELECT),
    stock_in=(NORMAL_ITEM, OLD_ITEM, OLD_SELECT),
    stock_out=write_stock,
    order_mail=read_order_mail,
    order_webhook=NotOffered("RMS WEB SERVICE lists no notification of orders (NOTES.md)"),
    order_api=ORDERS,
    orders_in=(ORDERS_CSV,),
    push_api=push,
    push_file=PUSH_FILE,
    read_back=read_back,
    emulator=emulator,
    connection_test=connection_test,
    push_batch_max=BATCH_MAX,
    requests_per_second=1.0,
    request_seconds_max=30.0,
    read_batch_max=READ_BATCH_MAX,
    reads_per_second=5.0,
    mail_quiet_seconds=120,
    in_demo=True,
)
