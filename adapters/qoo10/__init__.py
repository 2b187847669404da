"""Qoo10 (QAPI, QSM). Where each fact comes from: NOTES.md."""

from adapters.kit.mall import Gap, LowersAt, Mall, NotOffered, OrderApi, RestoresOnCancel, Setting
from adapters.qoo10.emulator import emulator
from adapters.qoo10.files import MATCH_KEYS, PRODUCT_FILES, STOCK_FILES, write_stock
from adapters.qoo10.orders import REACH_DAYS_MAX, fetch, read
from adapters.qoo10.push import BATCH_MAX, UNITS_MAX, push
from adapters.qoo10.read_back import READ_BATCH_MAX, connection_test, read_back

SETTINGS = (
    Setting("user_id", "QSM ID", "QSM（J-QSM）にログインするときのIDです。", example="sample_seller"),
    Setting(
        "seller_auth_key",
        "販売者認証キー（SAK）",
        "APIキーとQSMパスワードを登録すると自動で入ります。すでに発行したものがあれば貼ってください。QSMのパスワードを変えると無効になります。",
        secret=True,
        required=False,
        example="example-seller-auth-key-S5bnbfynQvMcPdvm",
    ),
    Setting(
        "api_key",
        "APIキー",
        "QSM > 基本情報 > API利用申請 のあとQoo10から届くキーです（申請から5営業日ほど）。1年ごとに更新します。",
        secret=True,
        required=False,
        example="example-api-key-0Xq7LrTz",
    ),
    Setting(
        "password",
        "QSMパスワード",
        "SAKの発行に使います。QSMで変えたら、ここも変えてください。",
        secret=True,
        required=False,
        example="example-qsm-password",
    ),
    Setting(
        "key_expires_on",
        "APIキーの有効期限",
        "APIキー発行のお知らせにある日付です（例: 2027-06-30）。Qoo10からは期限の連絡がないため、30日・7日・1日前にお知らせします。",
        required=False,
        example="2027-06-30",
    ),
    Setting(
        "expire_date",
        "販売終了日（モール独自の項目）",
        "在庫を送るたびに商品の販売終了日をこの日にします（例: 2050-12-31）。空欄なら販売終了日は送りません。",
        required=False,
    ),
    Setting(
        "option_prices",
        "オプションの追加金額（モール独自の項目）",
        "どのオプションにも追加金額がないショップは zero と入れると、オプションの在庫をまとめて速く送ります。"
        "空欄なら、まとめて送る前に今の追加金額を読み、そのまま送り返します。",
        required=False,
        example="zero",
    ),
)

MALL = Mall(
    code="qoo10",
    name="Qoo10",
    settings=SETTINGS,
    match_keys=MATCH_KEYS,
    lowers_at=LowersAt.ORDER,
    restores_on_cancel=RestoresOnCancel.UNKNOWN,
    sells_at_zero=None,
    units_max=UNITS_MAX,
    products_in=PRODUCT_FILES,
    stock_in=STOCK_FILES,
    stock_out=write_stock,
    order_mail=NotOffered("Qoo10 is among the malls without order mail (TEMPOSTAR's list; NOTES.md)"),
    order_webhook=NotOffered("QAPI lists no notification of orders (NOTES.md)"),
    order_api=OrderApi(
        fetch=fetch,
        read=read,
        overlap_seconds=600,
        reach_days_max=REACH_DAYS_MAX,
        pages_per_second=1.0,
        hides="",
    ),
    push_api=push,
    push_file=Gap("the file is written and can be uploaded by hand; its FTP put comes with the file doors"),
    read_back=read_back,
    emulator=emulator,
    connection_test=connection_test,
    push_batch_max=BATCH_MAX,
    requests_per_second=1.0,
    request_seconds_max=20.0,
    call_seconds_max=60.0,
    read_batch_max=READ_BATCH_MAX,
    reads_per_second=0.5,
    mail_quiet_seconds=120,
)
