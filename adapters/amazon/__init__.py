"""Amazon.co.jp (Selling Partner API). Where each fact comes from: NOTES.md."""

from adapters.amazon.access import CALL_SECONDS_MAX, REQUEST_SECONDS_MAX
from adapters.amazon.all_listings import read_all
from adapters.amazon.emulator import emulator
from adapters.amazon.files import (
    LISTINGS,
    LISTINGS_SHORT,
    MATCH_KEYS,
    OPEN_LISTINGS,
    PRICE_AND_QUANTITY,
    write_stock,
)
from adapters.amazon.mail import read_order_mail
from adapters.amazon.notifications import BODY_BYTES_MAX, accept
from adapters.amazon.notifications import read as read_notification
from adapters.amazon.order_files import ALL_ORDERS, ORDERS_TO_SHIP
from adapters.amazon.order_reading import read
from adapters.amazon.orders import fetch
from adapters.amazon.push import BATCH_MAX, UNITS_MAX, push
from adapters.amazon.push_file import PUSH_FILE
from adapters.amazon.read_back import READ_BATCH_MAX, connection_test, read_back
from adapters.kit.mall import LowersAt, Mall, OrderApi, OrderWebhook, RestoresOnCancel, Setting

_APPLICATION = "セラーセントラル > アプリとサービス > アプリの開発 > アプリの「LWA認証情報」"

SETTINGS = (
    Setting(
        "seller_id",
        "出品者ID（セラーID）",
        "セラーセントラル > 設定 > 出品用アカウント情報 > 出品者トークン に表示される A で始まる英数字です。",
        example="A2EXAMPLE0SHOP",
    ),
    Setting(
        "marketplace_id",
        "マーケットプレイスID",
        "Amazon.co.jp は A1VC38T7YXB528 です。通常は変更しません。",
        required=False,
        default="A1VC38T7YXB528",
        example="A1VC38T7YXB528",
    ),
    Setting(
        "client_id",
        "クライアントID",
        f"{_APPLICATION} の「クライアントID」です。",
        example="amzn1.application-oa2-client.0123456789abcdef",
    ),
    Setting(
        "client_secret",
        "クライアントシークレット",
        f"{_APPLICATION} の「クライアントシークレット」です。180日ごとに更新が必要です。",
        secret=True,
    ),
    Setting(
        "client_secret_made_on",
        "クライアントシークレットの発行日",
        "発行した日です（例: 2026-11-20）。期限の30日前、7日前、前日にお知らせします。",
        required=False,
        example="2026-11-01",
    ),
    Setting(
        "refresh_token",
        "リフレッシュトークン",
        "セラーセントラル > アプリとサービス > アプリの開発 > アプリの「認可」で発行される Atzr| で始まる値です。",
        secret=True,
    ),
    Setting(
        "authorized_on",
        "アプリを認可した日",
        "リフレッシュトークンを発行した日です（例: 2026-11-20）。認可は1年ごとに更新します。",
        required=False,
        example="2026-11-01",
    ),
    Setting(
        "access_token",
        "アクセストークン",
        "自動で入り、1時間ごとに更新されます。入力は不要です。",
        secret=True,
        required=False,
        example="Atza|example-access-token-0123456789",
    ),
    Setting(
        "update_way",
        "在庫数の更新方法",
        "look_and_merge（推奨）: FBAでないことを確かめ、リードタイムと販売開始日を変えずに数量だけを更新します。"
        " merge: 確かめずに数量だけを更新します。"
        " look_and_replace: 登録済みのリードタイムと販売開始日を読み、数量と一緒に送り直します。",
        required=False,
        default="look_and_merge",
        example="merge",
    ),
    Setting(
        "lead_time_days",
        "リードタイム（日）",
        "出荷までの日数（0～30）です。更新方法が look_and_replace で、Amazonに登録済みの値を読めないときだけ使います。"
        "空欄のとき、その商品の在庫は反映しません。",
        required=False,
        example="2",
    ),
    Setting(
        "order_api_version",
        "注文APIの版",
        "2026-01-01（推奨）または v0 です。v0 は2027年3月に終了します。",
        required=False,
        default="2026-01-01",
        example="2026-01-01",
    ),
    Setting(
        "notification_key",
        "注文通知のキー",
        "AWSのEventBridgeでORDER_CHANGEを受け取り、API送信先からこの店の受信URLへ送るときに、ヘッダー x-api-key に付ける値です。",
        secret=True,
        required=False,
    ),
    Setting(
        "notification_key_before",
        "注文通知の前のキー",
        "キーを替えるあいだ、前のキーも受け付けます。",
        secret=True,
        required=False,
    ),
)

MALL = Mall(
    code="amazon",
    name="Amazon.co.jp",
    settings=SETTINGS,
    match_keys=MATCH_KEYS,
    lowers_at=LowersAt.PENDING,
    restores_on_cancel=RestoresOnCancel.UNKNOWN,
    sells_at_zero=None,
    units_max=UNITS_MAX,
    products_in=(LISTINGS, LISTINGS_SHORT, OPEN_LISTINGS),
    stock_in=(LISTINGS, LISTINGS_SHORT, OPEN_LISTINGS, PRICE_AND_QUANTITY),
    stock_out=write_stock,
    order_mail=read_order_mail,
    order_webhook=OrderWebhook(accept=accept, read=read_notification, body_bytes_max=BODY_BYTES_MAX),
    order_api=OrderApi(
        fetch=fetch,
        read=read,
        overlap_seconds=600,
        reach_days_max=730,
        pages_per_second=0.0056,
        hides="Amazonが出荷する注文（FBA）は取り込みません",
    ),
    orders_in=(ALL_ORDERS, ORDERS_TO_SHIP),
    push_api=push,
    push_file=PUSH_FILE,
    read_back=read_back,
    read_all=read_all,
    emulator=emulator,
    connection_test=connection_test,
    push_batch_max=BATCH_MAX,
    requests_per_second=1.0,
    request_seconds_max=REQUEST_SECONDS_MAX,
    call_seconds_max=CALL_SECONDS_MAX,
    read_batch_max=READ_BATCH_MAX,
    reads_per_second=3.0,
    mail_quiet_seconds=300,
)
