"""SHOPLIST.com (by CROOZ): files and order mail, no API. Where each fact comes from: NOTES.md."""

from adapters.kit.file_settings import Protocol, file_settings
from adapters.kit.mall import LowersAt, Mall, MatchKey, NotOffered, RestoresOnCancel, Setting
from adapters.shoplist.emulator import emulator
from adapters.shoplist.files import ITEM_CSV, SELECT_CSV, UNITS_MAX, write_stock
from adapters.shoplist.mail import read_order_mail
from adapters.shoplist.push_file import PUSH_FILE

_NO_API = "no API was found: the tools that link SHOPLIST exchange files and order mails with it (NOTES.md)"

MALL = Mall(
    code="shoplist",
    name="SHOPLIST",
    settings=(
        Setting(
            name="shop_id",
            label="ショップID",
            where="SHOPLISTの管理画面にログインするときの店舗IDです。同じ店舗を二重に連携しないために使います。",
            example="sample-shop",
        ),
        *file_settings(
            host="", protocol=Protocol.FTPS, where="SHOPLISTから案内されたFTPアカウントの通知に書かれています。"
        ),
    ),
    match_keys=(
        MatchKey("number_children", "商品番号+横子番号+縦子番号（ファイルに商品番号がなければ商品管理番号）"),
        MatchKey("management_children", "商品管理番号（商品URL）+横子番号+縦子番号"),
    ),
    lowers_at=LowersAt.ORDER,
    restores_on_cancel=RestoresOnCancel.UNKNOWN,
    sells_at_zero=None,
    units_max=UNITS_MAX,
    products_in=(SELECT_CSV, ITEM_CSV),
    stock_in=(SELECT_CSV, ITEM_CSV),
    stock_out=write_stock,
    order_mail=read_order_mail,
    order_webhook=NotOffered(_NO_API),
    order_api=NotOffered(_NO_API),
    push_api=NotOffered(_NO_API),
    push_file=PUSH_FILE,
    read_back=NotOffered(f"{_NO_API}; the stock file downloaded there is read by stock_in"),
    emulator=emulator,
    connection_test=NotOffered(f"{_NO_API}; there is no call that only reads"),
    mail_quiet_seconds=120,
)
