"""An emulated ショップサーブ: stock of items and variations behind Basic, selling from its own number, with its order mails.

Faults of any mall are the kit's; this mall's own are switches in ``shop.extra["shopserve"]`` (a ``ShopState``): which form
of a quantity it takes, what a good answer says, and the type of its mails.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from adapters.kit.emulator import EmulatedOrder, EmulatedShop, emulator_app
from adapters.kit.mail import write_mail
from adapters.kit.order_mail import JST
from adapters.shopserve.codes import CHOICES_MAX, names_of, variant_text
from ledger.terms import ListingKey

PER_SECOND, AT_ONCE = 2.0, 10
FIRST_ORDER = 100_000
PRICE_YEN = 1_980

Json = dict[str, object]


@dataclass
class ShopState:
    """``takes``: "both", "text" or "number" of a quantity. ``answers``: a good PUT says the stock, or nothing (204).

    ``mail_type``: A or B. Mutable: it plays the world outside.
    """

    takes: str = "both"
    answers: bool = True
    mail_type: str = "B"


def state_of(shop: EmulatedShop) -> ShopState:
    """The switches of a shop whose emulator was made."""
    state = shop.extra["shopserve"]
    assert isinstance(state, ShopState), state
    return state


def emulator(shop: EmulatedShop) -> FastAPI:
    """The mall for one shop; its settings and secrets are the ones a merchant would enter."""
    shop.extra["shopserve"] = ShopState()
    shop.number_order = lambda serial, _: str(FIRST_ORDER + serial)
    shop.write_order_mail = order_mail
    shop.fault_body = lambda status: (json.dumps(_errors(f"E{status}")).encode(), "application/json")
    app = emulator_app(shop, "ショップサーブ")

    # An escaped slash in a 商品番号 has been unescaped by now, so the rest of the path is looked at as a whole.
    @app.api_route("/{path:path}", methods=["GET", "PUT", "POST"], response_model=None)
    async def endpoint(path: str, request: Request) -> Response:
        body = await request.body()
        with shop.lock:
            refused = _refused(shop, request)
            if refused is not None:
                return refused
            if request.method == "POST" and path == "items/_search":
                return JSONResponse({"total_count": len({key.item for key in shop.stock}), "items": []})
            if not (path.startswith("items/") and path.endswith("/stock")):
                return JSONResponse(_errors("E404"), status_code=404)
            item = unquote(path.removeprefix("items/").removesuffix("/stock"))
            return _get(shop, item) if request.method == "GET" else _put(shop, item, body)

    return app


def _refused(shop: EmulatedShop, request: Request) -> Response | None:
    pair = f"{shop.settings.get('shop_id', '')}:{shop.secrets.get('manager_key', '')}"
    wanted = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    if request.headers.get("authorization") != wanted:
        return JSONResponse(_errors("E401"), status_code=401)
    wait = shop.take_token("api", per_second=PER_SECOND, burst=AT_ONCE)
    if wait:
        return JSONResponse(_errors("E429"), status_code=429, headers={"Retry-After": str(int(wait) + 1)})
    return None


def _get(shop: EmulatedShop, item: str) -> Response:
    stock = _stock_json(shop, item)
    return JSONResponse({"stock": stock} if stock else _errors("E404"), status_code=200 if stock else 404)


def _put(shop: EmulatedShop, item: str, body: bytes) -> Response:
    own = [key for key in shop.stock if key.item == item]
    if not own:
        return JSONResponse(_errors("E404"), status_code=404)
    try:
        said = json.loads(body)
        key = ListingKey(item, variant_text([said.get(f"variation_name{n}", "") for n in range(1, CHOICES_MAX + 1)]))
        units = _units(said, state_of(shop).takes)
    except (ValueError, AttributeError, TypeError):
        return JSONResponse(_errors("E400"), status_code=400)
    if key not in own:  # a choice it does not have, or the item's own number where each variation has one
        return JSONResponse(_errors("E400"), status_code=400)
    if units is None:
        shop.set_stock(key, None)
    else:
        shop.pushed([(key, units)])
    if not state_of(shop).answers:
        return Response(status_code=204)
    return JSONResponse({"stock": _stock_json(shop, item)})


def _units(said: Mapping[str, object], takes: str) -> int | None:
    """The number of a PUT; None: without limit. Raises ValueError for anything else."""
    if said.get("unlimited") == "Yes":
        return None
    quantity = said.get("quantity")
    as_text = isinstance(quantity, str)
    if said.get("unlimited") != "No" or (takes != "both" and (takes == "text") != as_text):
        raise ValueError(takes)
    if isinstance(quantity, bool) or not isinstance(quantity, int | str) or not 0 <= int(quantity) <= 9_999_999:
        raise ValueError(takes)
    return int(quantity)


def _stock_json(shop: EmulatedShop, item: str) -> Json:
    """The stock of an item as the mall is assumed to say it; {} for an item it does not have."""
    own = {key: units for key, units in shop.stock.items() if key.item == item}
    if not own:
        return {}
    if ListingKey(item) in own:
        return {"management_type": "Item", **_number(own[ListingKey(item)])}
    rows = []
    for key, units in own.items():
        names = {f"variation_name{place}": text for place, text in enumerate(names_of(key.variant), start=1)}
        rows.append({**names, **_number(units)})
    return {"management_type": "Variation", "variations": rows}


def _number(units: int | None) -> Json:
    if units is None:
        return {"unlimited": "Yes"}
    return {"unlimited": "No", "quantity": units, "alert_threshold": 1}


def _errors(code: str) -> Json:
    return {"errors": [{"code": code, "message": "エラーです。"}]}


# ------------------------------------------------------------------ mail


def order_mail(shop: EmulatedShop, order: EmulatedOrder) -> bytes:
    """The confirming mail, of the type the shop chose, as it reaches the BCC address; a cancel sends none."""
    table = state_of(shop).mail_type == "A"
    goods = _table(order) if table else _labelled(order)
    total = sum(units * PRICE_YEN for _, units in order.lines)
    ordered = order.ordered_at.astimezone(JST).strftime("%Y年%m月%d日 %H時%M分%S秒")
    text = (
        "ご注文ありがとうございます。\n\n"
        f"ご注文番号：{order.number}\nご注文日時：{ordered}\n\n■ご注文内容\n{goods}\n商品合計：{total:,}円\n送料：0円\n"
    )
    return write_mail(
        subject="【見本商店】ご注文の確認",
        sender="shop@example.jp",
        recipient="orders@example.jp",
        sent_at=order.ordered_at.astimezone(JST).replace(microsecond=0),
        text=text,
        message_id=f"<{order.number}@shopserve.example.jp>",
    )


def _labelled(order: EmulatedOrder) -> str:
    return "".join(
        f"[品番] {key.item}\n[品名] {_name(key)}\n[単価] {PRICE_YEN:,}円\n[数量] {units:,}\n[小計] {units * PRICE_YEN:,}円\n"
        for key, units in order.lines
    )


def _table(order: EmulatedOrder) -> str:
    rows = (
        f"{key.item}　{_name(key)}　{PRICE_YEN:,}円　{units:,}　{units * PRICE_YEN:,}円\n" for key, units in order.lines
    )
    return "品番　品名　単価　数量　小計\n" + "".join(rows)


def _name(key: ListingKey) -> str:
    return f"見本の品（{'／'.join(names_of(key.variant))}）" if key.variant else "見本の品"
