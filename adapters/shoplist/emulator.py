"""An emulated SHOPLIST: it sells from its own number, tells orders by mail, and takes stock files from a folder.

The mall has no API, so its only paths are for tests: ``/_emulator/files`` lists the folder, PUT and GET one file of it,
and ``/_emulator/files/take`` lets the mall take what is due (``StockFolder``, also ``shop.extra["shoplist"]``).
"""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from adapters.kit.emulated_files import FOLDERS, EmulatedFolders
from adapters.kit.emulator import CONTROL, EmulatedOrder, EmulatedShop, emulator_app
from adapters.kit.mail import write_mail
from adapters.kit.order_mail import JST
from adapters.shoplist.emulated_folder import StockFolder
from ledger.terms import ListingKey

FIRST_ORDER = 10_000_000
PRICE_YEN = 1_990
SENDER = "order@shoplist.invalid"


def emulator(shop: EmulatedShop) -> FastAPI:
    """The mall for one shop."""
    folder = StockFolder(shop)
    shop.extra["shoplist"] = folder
    shop.extra[FOLDERS] = EmulatedFolders(
        shop.clock.now, folder.files, take_due=folder.take_due, after_put=folder.arrived
    )
    shop.number_order = lambda serial, _: str(FIRST_ORDER + serial)
    shop.write_order_mail = order_mail
    shop.write_cancel_mail = cancel_mail
    app = emulator_app(shop, "SHOPLIST")

    @app.get(f"{CONTROL}/files")
    async def names() -> JSONResponse:
        with shop.lock:
            return JSONResponse({"files": sorted(folder.files)})

    @app.post(f"{CONTROL}/files/take")
    async def take() -> JSONResponse:
        with shop.lock:
            return JSONResponse({"taken": folder.take_due()})

    @app.put(f"{CONTROL}/files/{{name}}")
    async def put(name: str, request: Request) -> JSONResponse:
        content = await request.body()
        with shop.lock:
            folder.put(name, content)
        return JSONResponse({"bytes": len(content)})

    @app.get(f"{CONTROL}/files/{{name}}")
    async def get(name: str) -> Response:
        with shop.lock:
            content = folder.files.get(name)
        return Response(status_code=404) if content is None else Response(content, media_type="text/csv")

    return app


def folder_of(shop: EmulatedShop) -> StockFolder:
    """The folder of a shop whose emulator was made."""
    folder = shop.extra["shoplist"]
    assert isinstance(folder, StockFolder), folder
    return folder


def order_mail(shop: EmulatedShop, order: EmulatedOrder) -> bytes:
    """The mail of an order, in the layout the profile expects (it is not the mall's: that was never seen)."""
    items = "\n".join(_item(ordinal, key, units) for ordinal, (key, units) in enumerate(order.lines, start=1))
    total = sum(units * PRICE_YEN for _, units in order.lines)
    ordered = order.ordered_at.astimezone(JST)
    text = (
        "サンプルショップ 様\n\nSHOPLISTでご注文がありました。\n\n"
        f"[受注番号] {order.number}\n"
        f"[受注日時] {ordered:%Y-%m-%d %H:%M:%S}\n\n"
        "【ご注文商品】\n"
        f"{items}\n"
        f"小計：{total:,}円\n送料：0円\n合計：{total:,}円\n"
    )
    return _mail(shop, order, "【SHOPLIST】ご注文がありました", text, "order")


def cancel_mail(shop: EmulatedShop, order: EmulatedOrder) -> bytes:
    """The mail that an order was cancelled, by its buyer's wish."""
    text = (
        "サンプルショップ 様\n\n下記のご注文がキャンセルされました。\n\n"
        f"[受注番号] {order.number}\n[キャンセル理由] お客様都合\n"
    )
    return _mail(shop, order, "【SHOPLIST】ご注文キャンセルのお知らせ", text, "cancel")


def _item(ordinal: int, key: ListingKey, units: int) -> str:
    horizontal, _, vertical = key.variant.partition("/")
    children = "".join(
        f"[{label}] {child}\n" for label, child in (("横子番号", horizontal), ("縦子番号", vertical)) if child
    )
    return f"[商品名] サンプル①ワンピース（{ordinal}）\n[商品番号] {key.item}\n{children}[数量] {units:,}\n[単価] {PRICE_YEN:,}円\n"


def _mail(shop: EmulatedShop, order: EmulatedOrder, subject: str, text: str, kind: str) -> bytes:
    return write_mail(
        subject=subject,
        sender=SENDER,
        recipient=f"{shop.settings.get('shop_id', '') or 'sample-shop'}@example.jp",
        sent_at=(order.cancelled_at or order.ordered_at).astimezone(JST).replace(microsecond=0),
        text=text,
        message_id=f"<{kind}-{order.number}@shoplist.invalid>",
    )
