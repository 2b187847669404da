"""futureshop (FutureShop2, commerce creator; API v2). Where each fact comes from: NOTES.md."""

from adapters.futureshop.all_listings import read_all
from adapters.futureshop.emulator import emulator
from adapters.futureshop.files import GOODS, MATCH_KEYS, STOCK, VARIATIONS, write_stock
from adapters.futureshop.mail import read_order_mail
from adapters.futureshop.orders import fetch, read
from adapters.futureshop.push import BATCH_MAX, UNITS_MAX, push
from adapters.futureshop.read_back import READ_BATCH_MAX, connection_test, read_back
from adapters.kit.mall import Gap, LowersAt, Mall, NotOffered, OrderApi, RestoresOnCancel, Setting

SETTINGS = (
    Setting(
        "shop_key",
        "店舗KEY",
        "futureshop管理画面の上部に表示される英数字です。",
        example="sampleshop",
    ),
    Setting(
        "api_domain",
        "APIドメイン",
        "API利用登録の開通のお知らせに書かれたドメインです（https:// は付けても付けなくても構いません）。",
        example="sampleshop.api.example.jp",
    ),
    Setting(
        "client_id",
        "クライアントID（APIキー）",
        "API利用登録の開通のお知らせに書かれています。申し込みから2～3営業日かかります。",
        example="sample-client",
    ),
    Setting(
        "client_secret",
        "クライアントシークレット（APIパスワード）",
        "クライアントIDと一緒に届きます。あわせて、Daichoの接続元IPアドレスをfutureshopに登録してください。",
        secret=True,
    ),
    Setting(
        "access_token",
        "アクセストークン",
        "自動で入り、1時間ごとに更新されます。入力は不要です。",
        secret=True,
        required=False,
        example="example-access-token-2YotnFZFEjr1zCsicMWp",
    ),
    Setting(
        "order_details",
        "予約商品の受注を見分ける",
        "予約販売を行っている店舗は yes と入力します。受注を1件ずつ照会し、予約在庫の受注を通常在庫と分けます（1秒に1件）。",
        required=False,
        default="no",
        example="no",
    ),
)

MALL = Mall(
    code="futureshop",
    name="futureshop",
    settings=SETTINGS,
    match_keys=MATCH_KEYS,
    lowers_at=LowersAt.ORDER,
    restores_on_cancel=RestoresOnCancel.UNKNOWN,
    sells_at_zero="在庫管理しない（inventoryEnabled: false）",
    units_max=UNITS_MAX,
    products_in=(VARIATIONS, GOODS),
    stock_in=(VARIATIONS, STOCK, GOODS),
    stock_out=write_stock,
    order_mail=read_order_mail,
    order_webhook=NotOffered("the API v2 pages list no notification of orders (NOTES.md)"),
    order_api=OrderApi(
        fetch=fetch,
        read=read,
        overlap_seconds=120,
        reach_days_max=90,
        pages_per_second=1.0,
        hides="キャンセルされた受注が一覧に出るかは確かめられていません",
    ),
    push_api=push,
    push_file=Gap("the CSV is written; the manual names no door for files beside the admin screen's upload (NOTES.md)"),
    read_back=read_back,
    read_all=read_all,
    emulator=emulator,
    connection_test=connection_test,
    push_batch_max=BATCH_MAX,
    requests_per_second=1.0,
    one_limit=True,
    request_seconds_max=30.0,
    read_batch_max=READ_BATCH_MAX,
    reads_per_second=1.0,
    mail_quiet_seconds=120,
)
