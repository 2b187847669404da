"""The sandbox itself: a stock API behind a key, order mails in ISO-2022-JP, sales from its own number."""

import json
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from adapters.kit.emulator import EmulatedOrder, EmulatedShop, emulator_app
from adapters.kit.mail import write_mail
from adapters.kit.order_mail import JST
from adapters.sandbox.files import UNITS_MAX
from adapters.sandbox.push import BATCH_MAX, PATH
from adapters.sandbox.read_back import PATH as READ_PATH
from adapters.sandbox.read_back import READ_BATCH_MAX
from ledger.terms import ListingKey

PER_SECOND = 10.0


def emulator(shop: EmulatedShop) -> FastAPI:
    """The mall of this shop, as NOTES.md says it behaves."""
    shop.number_order = lambda serial, _: f"sb-{serial:08d}"
    shop.write_order_mail = order_mail
    shop.write_cancel_mail = cancel_mail
    shop.fault_body = lambda status: (json.dumps({"error": f"status_{status}"}).encode("utf-8"), "application/json")
    app = emulator_app(shop, "sandbox emulator")

    @app.post(PATH)
    async def stock(request: Request) -> Response:
        refused = _refused(shop, request, "stock")
        if refused is not None:
            return refused
        levels = (await request.json())["levels"]
        if not 0 < len(levels) <= BATCH_MAX:
            return JSONResponse({"error": "batch"}, status_code=400)
        taken = [(_key(level), level["units"]) for level in levels if _code(shop, level) is None]
        shop.pushed(taken)
        return JSONResponse({"results": [_result(_code(shop, level)) for level in levels]})

    @app.post(READ_PATH)
    async def read(request: Request) -> Response:
        refused = _refused(shop, request, "read")
        if refused is not None:
            return refused
        keys = [_key(listing) for listing in (await request.json())["listings"]]
        if not 0 < len(keys) <= READ_BATCH_MAX:
            return JSONResponse({"error": "batch"}, status_code=400)
        known = [key for key in keys if key in shop.stock]
        return JSONResponse(
            {"levels": [{"item": key.item, "variant": key.variant, "units": shop.stock[key]} for key in known]}
        )

    return app


def order_mail(_shop: EmulatedShop, order: EmulatedOrder) -> bytes:
    """The mail the shop gets for a new order."""
    goods = "\n----------\n".join(
        f"({ordinal}) 見本の品①\n商品コード： {key.item}\n枝番： {key.variant}\n数量： {units:,}"
        for ordinal, (key, units) in enumerate(order.lines, start=1)
    )
    ordered = order.ordered_at.astimezone(JST).strftime("%Y年%m月%d日 %H時%M分%S秒")
    text = f"ご注文がありました。\n\n注文番号： {order.number}\n注文日時： {ordered}\n\n[ご注文商品]\n{goods}\n[以上]\n"
    return _mail(order, "【サンドボックス】ご注文の確認", text, "order")


def cancel_mail(_shop: EmulatedShop, order: EmulatedOrder) -> bytes:
    """The mail the shop gets for a cancelled order; it names no line."""
    text = f"ご注文がキャンセルされました。\n\n注文番号： {order.number}\n"
    return _mail(order, "【サンドボックス】ご注文のキャンセル", text, "cancel")


def _mail(order: EmulatedOrder, subject: str, text: str, kind: str) -> bytes:
    return write_mail(
        subject=subject,
        sender="order@sandbox.invalid",
        recipient="shop@daicho.invalid",
        sent_at=order.cancelled_at or order.ordered_at,
        text=text,
        message_id=f"<{kind}-{order.number}@sandbox.invalid>",
    )


def _refused(shop: EmulatedShop, request: Request, door: str) -> Response | None:
    if (
        request.headers.get("authorization") != f"Bearer {shop.secrets['api_key']}"
        or request.headers.get("x-shop") != shop.settings["shop_id"]
    ):
        return JSONResponse({"error": "key"}, status_code=401)
    wait = shop.take_token(door, per_second=PER_SECOND, burst=5)
    return (
        JSONResponse({"error": "busy"}, status_code=429, headers={"Retry-After": str(int(wait) + 1)}) if wait else None
    )


def _key(named: dict[str, str]) -> ListingKey:
    return ListingKey(named["item"], named["variant"])


def _code(shop: EmulatedShop, level: dict[str, Any]) -> str | None:
    """Why this level is refused."""
    units: object = level["units"]
    if not isinstance(units, int) or not 0 <= units <= UNITS_MAX:
        return "units"
    return None if _key(level) in shop.stock else "unknown_listing"


def _result(code: str | None) -> dict[str, str]:
    return {"result": "applied"} if code is None else {"result": "rejected", "code": code}
