"""An emulated カラーミーショップ: products, variants, stocks, sales and the login, as NOTES.md says, selling from its own number.

Faults of any mall are the kit's; this mall's own are switches in ``shop.extra["colorme"]`` (a ``ShopState``): what the
token may do, products without stock, products that are hidden. Paths work with and without ``.json``.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from adapters.colorme.codes import listing_of, options_of
from adapters.colorme.emulator_sales import ShopSales, order_mail, sale_number
from adapters.kit.emulator import EmulatedShop, emulator_app
from ledger.terms import ListingKey

READS_PER_SECOND, READS_AT_ONCE = 2.0, 10
WRITES_PER_SECOND, WRITES_AT_ONCE = 2.0, 6
LIMIT_DEFAULT, LIMIT_MAX = 10, 50
SCOPES = ("read_products", "write_products", "read_sales", "write_sales")

Json = dict[str, object]


@dataclass
class ShopState:
    """What is so at this shop beside its stock. ``codes``: of logins that were not used yet.

    Mutable: it plays the world outside.
    """

    sales: ShopSales
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    codes: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    unmanaged: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)


def state_of(shop: EmulatedShop) -> ShopState:
    """The switches of a shop whose emulator was made."""
    state = shop.extra["colorme"]
    assert isinstance(state, ShopState), state
    return state


def emulator(shop: EmulatedShop) -> FastAPI:
    """The mall for one shop; its settings and secrets are the ones a merchant would enter."""
    secrets = shop.secrets
    state = ShopState(ShopSales(shop))
    state.codes = {code for code in (secrets.get("authorization_code", ""),) if code}
    state.tokens = {token for token in (secrets.get("access_token", ""),) if token}
    shop.extra["colorme"] = state
    shop.number_order = lambda serial, _: sale_number(serial)
    shop.write_order_mail = order_mail
    shop.fault_body = lambda status: (json.dumps(_errors(status, "エラーです。")).encode(), "application/json")
    app = emulator_app(shop, "カラーミーショップ")

    @app.post("/oauth/token")
    async def token(request: Request) -> Response:
        form = parse_qs((await request.body()).decode("ascii", "replace"))
        with shop.lock:
            return _grant(shop, {name: values[0] for name, values in form.items()})

    _add(app, shop, "GET", "/v1/products", "read_products", _products)
    _add(app, shop, "GET", "/v1/products/{number}", "read_products", _product)
    _add(app, shop, "GET", "/v1/products/{number}/variants", "read_products", _variants)
    _add(app, shop, "PUT", "/v1/products/{number}", "write_products", _update)
    _add(app, shop, "GET", "/v1/stocks", "read_products", _stocks)
    _add(app, shop, "GET", "/v1/sales", "read_sales", _sales)
    _add(app, shop, "GET", "/v1/sales/{number}", "read_sales", _sale)
    _add(app, shop, "PUT", "/v1/sales/{number}/cancel", "write_sales", _cancel)
    return app


Serve = Callable[[EmulatedShop, str, Mapping[str, str], bytes], Response]


def _add(app: FastAPI, shop: EmulatedShop, method: str, path: str, scope: str, serve: Serve) -> None:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        number = str(request.path_params.get("number", "")).removesuffix(".json")
        with shop.lock:
            refused = _refused(shop, request, scope)
            return refused or serve(shop, number, dict(request.query_params), body)

    for form in (path, f"{path}.json"):
        app.add_api_route(form, endpoint, methods=[method], response_model=None)


def _refused(shop: EmulatedShop, request: Request, scope: str) -> Response | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    state = state_of(shop)
    if kind != "Bearer" or token not in state.tokens:
        return _error(401, 401100, "アクセストークンが無効です。")
    if scope not in state.scopes:
        return _error(403, 403100, "権限がありません。")
    if request.method == "GET":
        wait = shop.take_token("reads", per_second=READS_PER_SECOND, burst=READS_AT_ONCE)
    else:
        wait = shop.take_token("writes", per_second=WRITES_PER_SECOND, burst=WRITES_AT_ONCE)
    if wait:
        answer = _error(429, 429100, "リクエスト数が多すぎます。")
        answer.headers["Retry-After"] = str(int(wait) + 1)
        return answer
    return None


def _grant(shop: EmulatedShop, form: Mapping[str, str]) -> Response:
    state = state_of(shop)
    client = (form.get("client_id"), form.get("client_secret"))
    if client != (shop.settings.get("client_id"), shop.secrets.get("client_secret")):
        return JSONResponse({"error": "invalid_client"}, status_code=401)
    if form.get("grant_type") != "authorization_code" or form.get("code", "") not in state.codes:
        return JSONResponse({"error": "invalid_grant"}, status_code=400)
    state.codes.discard(form["code"])
    token = f"token-of-{shop.settings.get('account_id', '')}-{len(state.tokens) + 1:04d}"
    state.tokens.add(token)
    shop.secrets = {**shop.secrets, "access_token": token}
    return JSONResponse({"access_token": token, "token_type": "bearer", "scope": " ".join(sorted(state.scopes))})


# ------------------------------------------------------------------ products


def _products(shop: EmulatedShop, _number: str, asked: Mapping[str, str], _body: bytes) -> Response:
    ids = [one for one in asked.get("ids", "").split(",") if one]
    there = list(dict.fromkeys(key.item for key in shop.stock))
    found = [one for one in there if not ids or one in ids]
    return _page("products", [_product_json(shop, one) for one in found], asked)


def _product(shop: EmulatedShop, number: str, asked: Mapping[str, str], _body: bytes) -> Response:
    if not any(key.item == number for key in shop.stock):
        return _not_found()
    return JSONResponse({"product": _fields(_product_json(shop, number), asked)})


def _variants(shop: EmulatedShop, number: str, _asked: Mapping[str, str], _body: bytes) -> Response:
    if not any(key.item == number for key in shop.stock):
        return _not_found()
    return JSONResponse({"variants": _fields(_product_json(shop, number), {})["variants"]})


def _stocks(shop: EmulatedShop, _number: str, asked: Mapping[str, str], _body: bytes) -> Response:
    ids = [one for one in asked.get("ids", "").split(",") if one]
    rows = []
    for key, units in shop.stock.items():
        option1, option2 = options_of(key.variant)
        row: Json = {
            "account_id": shop.settings.get("account_id", ""),
            "product_id": _numeric(key.item),
            "name": "見本の品",
            "option1_value": option1 or None,
            "option2_value": option2 or None,
            "stocks": units,
            "model_number": key.item,
            "variant_model_number": key.variant or None,
        }
        if not ids or key.item in ids:
            rows.append(row)
    return _page("stocks", rows, asked)


def _update(shop: EmulatedShop, number: str, _asked: Mapping[str, str], body: bytes) -> Response:
    keys = [key for key in shop.stock if key.item == number]
    if not keys:
        return _not_found()
    try:
        said = json.loads(body)["product"]
        levels = _levels(shop, number, said)
    except (ValueError, KeyError, TypeError):
        return _error(400, 400100, "パラメータが不正です。")
    if levels is None:
        return _error(422, 422100, "オプションが見つかりませんでした。")
    state = state_of(shop)
    if said.get("stock_managed") is True:
        state.unmanaged.discard(number)
    elif said.get("stock_managed") is False:
        state.unmanaged.add(number)
    if levels:
        shop.pushed(levels.items())
    return JSONResponse({"product": _product_json(shop, number)})


def _levels(shop: EmulatedShop, number: str, said: Json) -> dict[ListingKey, int] | None:
    """The numbers after the PUT; the product's own is ignored when its variants have theirs. None: an option it has not."""
    by_variant = any(key.item == number and key.variant for key in shop.stock)
    levels: dict[ListingKey, int] = {}
    if "stocks" in said and not by_variant:
        key = ListingKey(number)
        levels[key] = _after(shop.stock.get(key), said["stocks"])
    listed = said.get("variants", [])
    if not isinstance(listed, list):
        raise TypeError("variants: expected a list")
    for one in listed:
        key = listing_of(number, one["option1_value"], one.get("option2_value") or "")
        if key not in shop.stock:
            return None
        if "stocks" in one:
            levels[key] = _after(shop.stock.get(key), one["stocks"])
    return levels


def _after(before: int | None, said: object) -> int:
    """The number a PUT leaves: absolute, or a difference; never below zero."""
    match said:
        case {"increment": int(step)}:
            return max(0, (before or 0) + step)
        case int(units) if not isinstance(units, bool) and units >= 0:
            return units
        case _:
            raise ValueError(said)


def _product_json(shop: EmulatedShop, number: str) -> Json:
    state = state_of(shop)
    own = {key: units for key, units in shop.stock.items() if key.item == number}
    variants = [_variant_json(number, key, units) for key, units in own.items() if key.variant]
    counted = [units for units in own.values() if units is not None]
    return {
        "account_id": shop.settings.get("account_id", ""),
        "id": _numeric(number),
        "name": "見本の品",
        "stocks": sum(counted) if counted else None,
        "stock_managed": number not in state.unmanaged and bool(counted),
        "few_num": 0,
        "model_number": number,
        "display_state": "hidden" if number in state.hidden else "showing",
        "image_url": "https://img.example/sample.jpg",
        "variants": variants,
    }


def _variant_json(number: str, key: ListingKey, units: int | None) -> Json:
    option1, option2 = options_of(key.variant)
    return {
        "product_id": _numeric(number),
        "option1_value": option1,
        "option2_value": option2 or None,
        "title": key.variant,
        "stocks": units,
        "few_num": None,
        "model_number": key.variant,
    }


# ------------------------------------------------------------------ sales


def _sales(shop: EmulatedShop, _number: str, asked: Mapping[str, str], _body: bytes) -> Response:
    return _page("sales", state_of(shop).sales.listed(asked), asked)


def _sale(shop: EmulatedShop, number: str, asked: Mapping[str, str], _body: bytes) -> Response:
    sale = state_of(shop).sales.one(number)
    return _not_found() if sale is None else JSONResponse({"sale": _fields(sale, asked)})


def _cancel(shop: EmulatedShop, number: str, _asked: Mapping[str, str], _body: bytes) -> Response:
    if number not in shop.orders:
        return _not_found()
    if shop.orders[number].cancelled_at is None:
        shop.cancel(number)
    return JSONResponse({"sale": state_of(shop).sales.one(number)})


# ------------------------------------------------------------------ answers


def _page(name: str, rows: list[Json], asked: Mapping[str, str]) -> Response:
    limit = min(_count(asked.get("limit"), LIMIT_DEFAULT), LIMIT_MAX)
    offset = _count(asked.get("offset"), 0)
    shown = [_fields(row, asked) for row in rows[offset : offset + limit]]
    return JSONResponse({name: shown, "meta": {"total": len(rows), "limit": limit, "offset": offset}})


def _fields(row: Json, asked: Mapping[str, str]) -> Json:
    wanted = [one for one in asked.get("fields", "").split(",") if one]
    return {name: value for name, value in row.items() if not wanted or name in wanted}


def _count(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else otherwise


def _numeric(number: str) -> int | str:
    return int(number) if number.isdigit() else number


def _errors(code: int, message: str, status: int | None = None) -> Json:
    return {"errors": [{"code": code, "message": message, "status": status or code}]}


def _error(status: int, code: int, message: str) -> JSONResponse:
    return JSONResponse(_errors(code, message, status), status_code=status)


def _not_found() -> Response:
    return _error(404, 404100, "レコードが見つかりませんでした。")
