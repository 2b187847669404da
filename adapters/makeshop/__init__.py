"""MakeShop (GMO). Where each fact comes from: NOTES.md."""

from adapters.kit.mall import Gap, LowersAt, Mall, OrderApi, OrderWebhook, RestoresOnCancel, Setting
from adapters.makeshop.emulator import emulator
from adapters.makeshop.files import MATCH_KEYS, OPTIONS, PRODUCTS, write_stock
from adapters.makeshop.mail import read_order_mail
from adapters.makeshop.orders import fetch, read
from adapters.makeshop.push import BATCH_MAX, UNITS_MAX, push
from adapters.makeshop.read_back import READ_BATCH_MAX, connection_test, read_back
from adapters.makeshop.webhook import BODY_BYTES_MAX, accept
from adapters.makeshop.webhook import read as read_webhook

SETTINGS = (
    Setting(
        "shop_id",
        "ショップID",
        "管理画面にログインするときのショップIDです。",
        example="sampleshop",
    ),
    Setting(
        "endpoint",
        "APIエンドポイント",
        "「アプリ開発申請」または「API自社利用登録」の完了メールに書かれているURLです。空のときは https://app-api.makeshop.jp/v1/graphql を使います。",
        required=False,
        example="https://app-api.makeshop.jp/v1/graphql",
    ),
    Setting(
        "token",
        "永続トークン",
        "「API自社利用登録」の後に表示される PAT. で始まるトークンです（アプリの場合はインストール時のWebhookで届きます）。"
        "アプリをアンインストールすると失効します。",
        secret=True,
        example="PAT.example0example0example0example0",
    ),
    Setting(
        "api_key",
        "APIキー（x-api-key）",
        "永続トークンと一緒に案内される64桁の英数字です。",
        secret=True,
        example="0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ),
)

MALL = Mall(
    code="makeshop",
    name="MakeShop",
    settings=SETTINGS,
    match_keys=MATCH_KEYS,
    lowers_at=LowersAt.ORDER,
    restores_on_cancel=RestoresOnCancel.UNKNOWN,
    sells_at_zero="数量が無制限（空欄）",
    units_max=UNITS_MAX,
    products_in=(OPTIONS, PRODUCTS),
    stock_in=(OPTIONS, PRODUCTS),
    stock_out=write_stock,
    order_mail=read_order_mail,
    order_webhook=OrderWebhook(accept=accept, read=read_webhook, body_bytes_max=BODY_BYTES_MAX),
    order_api=OrderApi(
        fetch=fetch,
        read=read,
        overlap_seconds=300,
        reach_days_max=90,
        pages_per_second=1.0,
        hides="",
    ),
    push_api=push,
    push_file=Gap(
        "importProductBulk takes a whole product CSV, whose columns beyond the 15th were not seen (NOTES.md)"
    ),
    read_back=read_back,
    emulator=emulator,
    connection_test=connection_test,
    push_batch_max=BATCH_MAX,
    requests_per_second=1.0,
    request_seconds_max=30.0,
    read_batch_max=READ_BATCH_MAX,
    reads_per_second=1.0,
    mail_quiet_seconds=120,
)
