"""Yahoo!オークション (ヤフオク!): auctions, of sellers with and without a store. Where each fact comes from: NOTES.md."""

from adapters.kit.mall import LowersAt, Mall, MatchKey, NotOffered, RestoresOnCancel, Setting
from adapters.yahoo_auctions.emulator import emulator
from adapters.yahoo_auctions.files import LISTING_CSV, SOLD_CSV, UNITS_MAX
from adapters.yahoo_auctions.mail import read_order_mail
from adapters.yahoo_auctions.orders import ORDERS
from adapters.yahoo_auctions.store_api import connection_test

_NO_QUANTITY = (
    "an auction takes no number: AuctionWebService is closed to the public, and a withdrawal or a new listing is a person's task "
    "(NOTES.md)"
)

SETTINGS = (
    Setting(
        "yahoo_id",
        "Yahoo! JAPAN ID（出品者）",
        "落札メールの先頭にある「○○様」の○○です。ほかの出品者のメールを取り違えないために使います。",
        example="sample_seller",
    ),
    Setting(
        "seller_id",
        "ストアアカウント",
        "ストアで出品しているときだけ入れます。ストアのURL store.shopping.yahoo.co.jp/ の次にある英数字です。",
        required=False,
        example="samplestore",
    ),
    Setting(
        "client_id",
        "Client ID",
        "ストアだけ: Yahoo!デベロッパーネットワーク > アプリケーションの管理 で作ったアプリケーションに表示されます。",
        required=False,
        example="dj00aiZpPWV4YW1wbGU-",
    ),
    Setting(
        "client_secret",
        "シークレット",
        "ストアだけ: Client ID と同じ画面に表示されます。",
        secret=True,
        required=False,
        example="example-client-secret-4f1d",
    ),
    Setting(
        "redirect_uri",
        "コールバックURL",
        "ストアだけ: アプリケーションに登録したコールバックURLです。認可コードでログインするときに使います。",
        required=False,
        example="https://daicho.example/yahoo",
    ),
    Setting(
        "authorization_code",
        "認可コード",
        "ストアだけ: https://auth.login.yahoo.co.jp/yconnect/v2/authorization?response_type=code&client_id=（Client ID）"
        "&redirect_uri=（コールバックURL）&scope=openid+profile&bail=1 を開いてストアのビジネスIDでログインし、戻り先URLの code= の値を"
        "すぐに貼ります。4週間ごとに必要です。",
        secret=True,
        required=False,
    ),
    Setting(
        "refresh_token",
        "リフレッシュトークン",
        "認可コードでログインすると自動で入ります。",
        secret=True,
        required=False,
        example="example-refresh-token-AFs6uVBk",
    ),
    Setting(
        "access_token",
        "アクセストークン",
        "自動で入り、1時間ごとに更新されます。入力は不要です。",
        secret=True,
        required=False,
        example="example-access-token-SlAV32hk",
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
        "ストアだけ: ストアクリエイターPro > 設定 > 暗号鍵管理 で発行し、PEMの全文を貼ります。ないと注文APIのログインは12時間で切れます。",
        secret=True,
        required=False,
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
)

MALL = Mall(
    code="yahoo_auctions",
    name="ヤフオク!",
    settings=SETTINGS,
    match_keys=(MatchKey("own_code", "管理番号"),),
    lowers_at=LowersAt.ORDER,
    restores_on_cancel=RestoresOnCancel.NO,
    sells_at_zero=None,
    units_max=UNITS_MAX,
    products_in=(SOLD_CSV, LISTING_CSV),
    stock_in=NotOffered("an auction's 個数 is what it offers, not the stock there is (NOTES.md)"),
    stock_out=NotOffered(_NO_QUANTITY),
    order_mail=read_order_mail,
    order_webhook=NotOffered("bid and sold notices go only to systems under contract with the mall (NOTES.md)"),
    order_api=ORDERS,
    push_api=NotOffered(_NO_QUANTITY),
    push_file=NotOffered(_NO_QUANTITY),
    read_back=NotOffered("no service shows a seller's auctions; their list is a file of products_in (NOTES.md)"),
    emulator=emulator,
    connection_test=connection_test,
    requests_per_second=1.0,
    request_seconds_max=30.0,
    mail_quiet_seconds=120,
)
