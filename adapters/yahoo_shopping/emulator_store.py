"""What the emulated store writes: its order and cancel mails as the mall sends them, and its stock CSV for download."""

from collections.abc import Iterator, Mapping

from adapters.kit.emulator import EmulatedOrder, EmulatedShop
from adapters.kit.mail import write_mail
from adapters.kit.order_mail import JST
from adapters.yahoo_shopping.codes import MAIL_SEPARATOR
from ledger.terms import ListingKey

STORE_SENDER = "store-shopping-order-master@mail.yahoo.co.jp"
FIRST_ORDER = 10_000_000
PRICE_YEN = 1_980
CSV_ROWS_A_CHUNK = 1_000
_RULE = "￣" * 10


def order_number(shop: EmulatedShop, serial: int) -> str:
    """The store account and a number that rises: samplestore-10000001."""
    return f"{_seller(shop)}-{FIRST_ORDER + serial}"


def order_mail(shop: EmulatedShop, order: EmulatedOrder) -> bytes:
    """The store's copy, in ISO-2022-JP with characters that only Windows has (㈱, ①), as the mall's mails have them."""
    blocks = "\n".join(_block(ordinal, key, units) for ordinal, (key, units) in enumerate(order.lines, start=1))
    total = sum(units * PRICE_YEN for _, units in order.lines)
    text = (
        f"注文ID　：{order.number}\n"
        f"注文日時：{_said(order)}\n"
        "ストア名：㈱サンプルストア\n"
        "\n"
        "商品情報\n"
        f"{_RULE}\n"
        f"{blocks}\n"
        "===============\n"
        f"商品の合計金額 ： {total:,}円\n"
        "手数料：0円\n送料：0円\nギフト包装料：0円\nポイント利用分：0円\nクーポン利用分：0円\n"
        f"合計金額 ：{total:,}円\n"
    )
    return _mail(shop, order, "注文確認：サンプルストア", text, "order")


def cancel_mail(shop: EmulatedShop, order: EmulatedOrder) -> bytes:
    """The mail that an order was cancelled, by its buyer's wish."""
    text = (
        f"注文ID　：{order.number}\n"
        f"注文日時：{_said(order)}\n"
        "ストア名：㈱サンプルストア\n"
        "キャンセル理由：お客様都合\n"
        "\n"
        "上記のご注文はキャンセルされました。\n"
    )
    return _mail(shop, order, "ご注文のキャンセルについて", text, "cancel")


def stock_csv(stock: Mapping[ListingKey, int | None]) -> Iterator[bytes]:
    """The stock CSV as ストアクリエイターPro gives it: CP932, a parent row above the rows of an item with sub-codes."""
    yield b"code,sub-code,quantity,allow-overdraft,stock-close\r\n"
    parents: set[str] = set()
    rows: list[str] = []
    for key, units in sorted(stock.items(), key=lambda pair: (pair[0].item, pair[0].variant)):
        if key.variant and key.item not in parents:
            parents.add(key.item)
            rows.append(f"{key.item},,,0,\r\n")
        rows.append(f"{key.item},{key.variant},{'' if units is None else units},0,\r\n")
        if len(rows) >= CSV_ROWS_A_CHUNK:
            yield "".join(rows).encode("cp932")
            rows.clear()
    yield "".join(rows).encode("cp932")


def invented_stock(listings: int, *, first: int = 1) -> dict[ListingKey, int | None]:
    """Stock for that many listings of a store that does not exist: every third item has a blue and a red one."""
    stock: dict[ListingKey, int | None] = {}
    serial = first
    while len(stock) < listings:
        item = f"item-{serial:06d}"
        for variant in (f"{item}-blue", f"{item}-red") if serial % 3 == 0 else ("",):
            if len(stock) < listings:
                stock[ListingKey(item, variant)] = (serial * 7 + len(variant)) % 40
        serial += 1
    return stock


def _block(ordinal: int, key: ListingKey, units: int) -> str:
    codes = f"{key.item}{MAIL_SEPARATOR}{key.variant}" if key.variant else key.item
    return (
        f"（{ordinal}）①サンプル商品（{ordinal}番） ﾌﾞﾙｰ\n{codes}\n{PRICE_YEN:,}円×{units:,}＝{PRICE_YEN * units:,}円\n"
    )


def _said(order: EmulatedOrder) -> str:
    at = order.ordered_at.astimezone(JST)
    return f"{at.year}年{at.month:02d}月{at.day:02d}日 {at.hour:02d}時{at.minute:02d}分{at.second:02d}秒"


def _mail(shop: EmulatedShop, order: EmulatedOrder, subject: str, text: str, kind: str) -> bytes:
    return write_mail(
        subject=f"【Yahoo!ショッピング】{subject}",
        sender=STORE_SENDER,
        recipient=f"{_seller(shop)}@example.jp",
        sent_at=(order.cancelled_at or order.ordered_at).astimezone(JST).replace(microsecond=0),
        text=text,
        message_id=f"<{order.number}.{kind}@mail.yahoo.co.jp>",
    )


def _seller(shop: EmulatedShop) -> str:
    return shop.settings.get("seller_id", "") or "samplestore"
