"""カラーミーショップ (GMOペパボ). Where each fact comes from: NOTES.md."""

from adapters.colorme.all_listings import read_all
from adapters.colorme.emulator import emulator
from adapters.colorme.files import MATCH_KEYS, OPTIONS, PRODUCTS
from adapters.colorme.mail import read_order_mail
from adapters.colorme.orders import ORDER_API
from adapters.colorme.push import BATCH_MAX, LAST_REQUEST_SECONDS_MAX, REQUEST_SECONDS_MAX, UNITS_MAX, push
from adapters.colorme.read_back import READ_BATCH_MAX, connection_test, read_back
from adapters.kit.mall import LowersAt, Mall, NotOffered, RestoresOnCancel, Setting

SETTINGS = (
    Setting(
        "account_id",
        "ショップアカウントID",
        "管理画面のトップページに表示される PA で始まる番号です。",
        example="PA01234567",
    ),
    Setting(
        "client_id",
        "クライアントID",
        "カラーミーショップ デベロッパー（developer.shop-pro.jp）で登録したアプリケーションに表示されます。",
    ),
    Setting("client_secret", "クライアントシークレット", "クライアントIDと同じ画面に表示されます。", secret=True),
    Setting(
        "redirect_uri",
        "リダイレクトURI",
        "アプリケーションに登録したリダイレクトURIです。認可コードを受け取るときに使います。",
        required=False,
        example="https://daicho.example/colorme",
    ),
    Setting(
        "authorization_code",
        "認可コード",
        "https://api.shop-pro.jp/oauth/authorize?response_type=code&client_id=（クライアントID）&redirect_uri=（リダイレクトURI）"
        "&scope=read_products%20write_products%20read_sales を開いてショップのアカウントで許可し、戻り先URLの code= の値を10分以内に貼ります。",
        secret=True,
        required=False,
    ),
    Setting(
        "access_token",
        "アクセストークン",
        "認可コードから自動で入ります。期限はなく、アプリの連携を解除すると無効になります。",
        secret=True,
        required=False,
        example="example-access-token-d461ab8b98c7ed80f2a0bf3e",
    ),
)

MALL = Mall(
    code="colorme",
    name="カラーミーショップ",
    settings=SETTINGS,
    match_keys=MATCH_KEYS,
    lowers_at=LowersAt.ORDER,
    restores_on_cancel=RestoresOnCancel.UNKNOWN,
    sells_at_zero=None,
    units_max=UNITS_MAX,
    products_in=(PRODUCTS, OPTIONS),
    stock_in=(PRODUCTS, OPTIONS),
    stock_out=NotOffered(
        "the admin takes products only with all 59 columns and options only with their prices; it has no stock file (NOTES.md)"
    ),
    order_mail=read_order_mail,
    order_webhook=NotOffered("the mall's OpenAPI declares no webhook (NOTES.md)"),
    order_api=ORDER_API,
    push_api=push,
    push_file=NotOffered("there is no stock file, and none is taken by FTP (NOTES.md)"),
    read_back=read_back,
    read_all=read_all,
    emulator=emulator,
    connection_test=connection_test,
    push_batch_max=BATCH_MAX,
    # The mall publishes no limit. A push reads once and writes up to three times, a look and a page of sales read once:
    # 2 readings and 1.5 writings a second. A longer batch would let an order wait longer for its turn.
    requests_per_second=0.5,
    request_seconds_max=REQUEST_SECONDS_MAX,
    call_seconds_max=LAST_REQUEST_SECONDS_MAX + 2 * REQUEST_SECONDS_MAX,
    read_batch_max=READ_BATCH_MAX,
    reads_per_second=1.0,
    mail_quiet_seconds=120,
)
