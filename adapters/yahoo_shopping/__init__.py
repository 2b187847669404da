"""Yahoo!ショッピング (ストアクリエイターPro, store API). Where each fact comes from: NOTES.md."""

from adapters.kit.mall import LowersAt, Mall, NotOffered, RestoresOnCancel, Setting
from adapters.yahoo_shopping.all_listings import read_all
from adapters.yahoo_shopping.emulator import emulator
from adapters.yahoo_shopping.files import MATCH_KEYS, STOCK_CSV, write_stock
from adapters.yahoo_shopping.item_files import ITEM_CSV
from adapters.yahoo_shopping.mail import read_order_mail
from adapters.yahoo_shopping.order_files import HEADS_CSV, ITEMS_CSV
from adapters.yahoo_shopping.orders import ORDERS
from adapters.yahoo_shopping.push import BATCH_MAX, UNITS_MAX, push
from adapters.yahoo_shopping.push_file import PUSH_FILE
from adapters.yahoo_shopping.read_back import BATCH_MAX as READ_BATCH_MAX
from adapters.yahoo_shopping.read_back import connection_test, read_back

# Made for this page; its private half was never kept.
_EXAMPLE_PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAjQIk0C21Y0DRmHywr57u
H1DaXsnIWnhis8+oytRSe/Qniu4WAydOZePsXUJyFuZJXyPE9wE78WvoBGVZ968Z
cv1RdXT4b9NH8ipr96/kBDKlVpT2hfbRnjNWJrFQgmSf6XJdxWox1balrp/vQdiq
77dSQWM94ov89VsLmcrVjKmPshDiTL+NjwbWjRJu4Qvi6GG8itUszNpw0SxxB2ht
qFPQrcPScnlunwSWljhW69ajiquEMy4On8KoH+qNbqywapokJI9E2VydinJgC0W0
XShNBjxuRRi1tjPX4uJeEd0XXmGOWIEsGx8BtXmEYpra1Qh9WmX62Tit5TlXDszx
XQIDAQAB
-----END PUBLIC KEY-----
"""

SETTINGS = (
    Setting(
        "seller_id",
        "ストアアカウント",
        "ストアのURL store.shopping.yahoo.co.jp/ の次にある英数字です。",
        example="samplestore",
    ),
    Setting(
        "client_id",
        "Client ID",
        "Yahoo!デベロッパーネットワーク > アプリケーションの管理 で作ったアプリケーションに表示されます。",
    ),
    Setting("client_secret", "シークレット", "Client ID と同じ画面に表示されます。", secret=True),
    Setting(
        "redirect_uri",
        "コールバックURL",
        "アプリケーションに登録したコールバックURLです。認可コードでログインするときに使います。",
        required=False,
        example="https://daicho.example/yahoo",
    ),
    Setting(
        "authorization_code",
        "認可コード",
        "https://auth.login.yahoo.co.jp/yconnect/v2/authorization?response_type=code&client_id=（Client ID）&redirect_uri=（コールバックURL）"
        "&scope=openid+profile&bail=1 を開いてストアのビジネスIDでログインし、戻り先URLの code= の値をすぐに貼ります。4週間ごとに必要です。",
        secret=True,
        required=False,
    ),
    Setting(
        "refresh_token",
        "リフレッシュトークン",
        "認可コードでログインすると自動で入ります。",
        secret=True,
        required=False,
        example="example-refresh-token-AFs6uVBkbDeOBSzQ",
    ),
    Setting(
        "access_token",
        "アクセストークン",
        "自動で入り、1時間ごとに更新されます。入力は不要です。",
        secret=True,
        required=False,
        example="example-access-token-SlAV32hkKGmZ3eEj",
    ),
    Setting(
        "logged_in_at",
        "最後にログインした日時",
        "認可コードでログインすると自動で入ります。リフレッシュトークンを直接貼ったときは、その発行日（例: 2026-11-20）を入れます。",
        secret=True,
        required=False,
        example="2026-11-20T00:00:00Z",
    ),
    Setting(
        "public_key",
        "公開鍵",
        "ストアクリエイターPro > 設定 > 暗号鍵管理 で発行し、PEMの全文を貼ります。注文APIで受注を取り込むときに必要です。",
        secret=True,
        required=False,
        example=_EXAMPLE_PUBLIC_KEY,
    ),
    Setting(
        "public_key_version",
        "公開鍵のバージョン",
        "暗号鍵管理に表示される番号です。",
        required=False,
        default="1",
        example="1",
    ),
    Setting(
        "public_key_made_on",
        "公開鍵の発行日",
        "発行した日です（例: 2026-11-20）。1年で期限が切れます。",
        required=False,
        example="2026-11-20",
    ),
    Setting(
        "auction_orders",
        "Yahoo!オークションの注文",
        "このストアの商品がYahoo!オークションで売れた注文も、この店の受注として取り込むときは yes（通常）です。"
        "Yahoo!オークションの店も接続して、その注文をそちらで取り込むときは no にします。両方で取り込むと二重に引き当てます。",
        required=False,
        default="yes",
        example="yes",
    ),
)

MALL = Mall(
    code="yahoo_shopping",
    name="Yahoo!ショッピング",
    settings=SETTINGS,
    match_keys=MATCH_KEYS,
    lowers_at=LowersAt.ORDER,
    restores_on_cancel=RestoresOnCancel.UNKNOWN,
    sells_at_zero="allow-overdraft",
    units_max=UNITS_MAX,
    products_in=(ITEM_CSV,),
    stock_in=(STOCK_CSV,),
    stock_out=write_stock,
    order_mail=read_order_mail,
    order_webhook=NotOffered("the store API pages list no notification of orders (NOTES.md)"),
    order_api=ORDERS,
    orders_in=(ITEMS_CSV, HEADS_CSV),
    push_api=push,
    push_file=PUSH_FILE,
    read_back=read_back,
    read_all=read_all,
    emulator=emulator,
    connection_test=connection_test,
    push_batch_max=BATCH_MAX,
    requests_per_second=1.0,
    request_seconds_max=30.0,
    read_batch_max=READ_BATCH_MAX,
    reads_per_second=1.0,
    mail_quiet_seconds=120,
    in_demo=True,
)
