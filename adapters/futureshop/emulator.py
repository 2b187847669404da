"""An emulated futureshop: tokens of an hour, one request a second, 100 products, results a product, pages by nextUrl.

Faults of any mall are the kit's; this mall's own are switches in ``state_of(shop)``, also set by
``POST /_emulator/futureshop``: address_refused, expired_token, knows_changes, page, awaiting, rejects.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from adapters.futureshop.access import API_PATH, TOKEN_PATH
from adapters.futureshop.codes import branch_of, key_of
from adapters.futureshop.emulated_orders import cancel_mail, order_mail, order_number, order_row, sku_no
from adapters.kit.emulator import CONTROL, EmulatedOrder, EmulatedShop, emulator_app
from adapters.kit.order_mail import JST
from ledger.terms import ListingKey

CALLS_PER_SECOND = 1.0
TOKEN_SECONDS = 3_600
PRODUCTS_MAX = 100

_COUNT = re.compile(r"[+-]?[0-9]{1,9}")


@dataclass
class FutureshopState:
    """What this mall keeps beside the numbers, and what goes wrong at it.

    ``rejects`` gives 商品番号 the code their result fails with; ``uncounted`` are products without 在庫管理. Mutable: the world outside.
    """

    tokens: dict[str, datetime] = field(default_factory=dict)
    serial: int = 0
    address_refused: bool = False
    knows_changes: bool = True
    page: int = PRODUCTS_MAX
    next_is_awaiting: bool = False
    awaiting: set[str] = field(default_factory=set)
    shipped: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    uncounted: set[str] = field(default_factory=set)
    rejects: dict[str, str] = field(default_factory=dict)


def state_of(shop: EmulatedShop) -> FutureshopState:
    """The switches of a shop whose emulator was made."""
    state = shop.extra["futureshop"]
    assert isinstance(state, FutureshopState), state
    return state


def emulator(shop: EmulatedShop) -> FastAPI:
    """The mall for one shop; a token the shop's secrets hold at the beginning is good for an hour from then."""
    state = FutureshopState()
    shop.extra["futureshop"] = state
    if token := shop.secrets.get("access_token", ""):
        state.tokens[token] = shop.clock.now() + timedelta(seconds=TOKEN_SECONDS)
    shop.number_order = order_number
    shop.write_order_mail = lambda _, order: _order_mail(state, order)
    shop.write_cancel_mail = lambda _, order: cancel_mail(order)
    shop.fault_body = _fault_body
    app = emulator_app(shop, "futureshop (emulated)")
    _add_api(app, shop, state)

    @app.post(f"{CONTROL}/futureshop")
    async def switches(request: Request) -> JSONResponse:
        asked = await request.json()
        with shop.lock:
            state.address_refused = bool(asked.get("address_refused", state.address_refused))
            state.knows_changes = bool(asked.get("knows_changes", state.knows_changes))
            state.next_is_awaiting = bool(asked.get("awaiting", state.next_is_awaiting))
            state.page = int(asked.get("page", state.page))
            state.rejects.update(asked.get("rejects", {}))
            if asked.get("expired_token"):
                state.tokens.clear()
            return JSONResponse({"listings": len(shop.stock), "orders": len(shop.orders)})

    return app


def _add_api(app: FastAPI, shop: EmulatedShop, state: FutureshopState) -> None:
    @app.post(TOKEN_PATH)
    async def token(request: Request) -> Response:
        body = await request.body()
        with shop.lock:
            return _token(shop, state, request, body)

    @app.post(f"{API_PATH}inventory")
    async def set_numbers(request: Request) -> Response:
        body = await request.body()
        with shop.lock:
            return _refused(shop, state, request) or _set_numbers(shop, state, body)

    @app.get(f"{API_PATH}inventory")
    async def numbers(request: Request) -> Response:
        with shop.lock:
            return _refused(shop, state, request) or _numbers(shop, state, request.query_params)

    @app.get(f"{API_PATH}shipping")
    async def orders(request: Request) -> Response:
        with shop.lock:
            return _refused(shop, state, request) or _orders(shop, state, request)

    @app.get(f"{API_PATH}orders/{{number}}")
    async def order(request: Request, number: str) -> Response:
        with shop.lock:
            refused = _refused(shop, state, request)
            if refused is not None:
                return refused
            found = shop.orders.get(number)
            if found is None:
                return _failed("OrderNotFound", status=404)
            return JSONResponse(_row(state, found, detail=True))


# ------------------------------------------------------------------ the door


def _token(shop: EmulatedShop, state: FutureshopState, request: Request, body: bytes) -> Response:
    pair = f"{shop.settings.get('client_id', '')}:{shop.secrets.get('client_secret', '')}"
    wanted = "Basic " + base64.b64encode(pair.encode("utf-8")).decode("ascii")
    if request.headers.get("authorization") != wanted or not _is_ours(shop, request):
        return JSONResponse({"error": "invalid_client"}, status_code=401)
    if body != b"grant_type=client_credentials":
        return JSONResponse({"error": "unsupported_grant_type"}, status_code=400)
    state.serial += 1
    token = f"futureshop-token-{state.serial:06d}"
    state.tokens[token] = shop.clock.now() + timedelta(seconds=TOKEN_SECONDS)
    return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})


def _is_ours(shop: EmulatedShop, request: Request) -> bool:
    return request.headers.get("x-shop-key") == shop.settings.get("shop_key", "")


def _refused(shop: EmulatedShop, state: FutureshopState, request: Request) -> Response | None:
    if state.address_refused:
        return _failed("Forbidden", status=403)
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    until = state.tokens.get(token)
    if kind != "Bearer" or until is None or until <= shop.clock.now() or not _is_ours(shop, request):
        return _failed("Unauthorized", status=401)
    if shop.take_token("client", per_second=CALLS_PER_SECOND) > 0:
        return _failed("TooManyRequests", status=429)
    return None


# ------------------------------------------------------------------ numbers


def _set_numbers(shop: EmulatedShop, state: FutureshopState, body: bytes) -> Response:
    try:
        asked = json.loads(body)
    except ValueError:
        return _failed("InvalidParameter", status=400)
    products = asked.get("productList") if isinstance(asked, dict) else None
    if not isinstance(products, list) or not products:
        return _failed("InvalidParameter", path="productList", status=400)
    if len(products) > PRODUCTS_MAX:
        return _failed("TooMany", path="productList", status=400)
    results = [_set_product(shop, state, product) for product in products]
    ok = all(result["status"] == "success" for result in results)
    return JSONResponse({"status": "success" if ok else "failed", "results": results})


def _set_product(shop: EmulatedShop, state: FutureshopState, product: object) -> dict[str, object]:
    """One product: every number of it is set, or none."""
    item = str(product.get("productNo", "")) if isinstance(product, dict) else ""
    rows = _rows_of(product)
    if not item or rows is None:
        return _result(item, "InvalidParameter")
    if item in state.rejects:
        return _result(item, state.rejects[item])
    if not any(key.item == item for key in shop.stock):
        return _result(item, "ProductNotFound")
    levels: list[tuple[ListingKey, int]] = []
    for preorder, row in rows:
        vertical, horizontal = str(row.get("verticalNo") or ""), str(row.get("horizontalNo") or "")
        key = key_of(item, vertical, horizontal, preorder=preorder)
        units = _units_after(shop.stock.get(key), row.get("count"))
        if key not in shop.stock or units is None:
            return _result(item, "StockNotFound" if key not in shop.stock else "InvalidParameter")
        levels.append((key, units))
    shop.pushed(levels)
    return _result(item, "")


def _rows_of(product: object) -> list[tuple[bool, dict[str, object]]] | None:
    """The rows of both buckets, 予約 marked; None when the request is not of the mall's form."""
    stocks = product.get("inventoryInfo") if isinstance(product, dict) else None
    if not isinstance(stocks, dict):
        return None
    found: list[tuple[bool, dict[str, object]]] = []
    for bucket in ("regular", "preorder"):
        stock = stocks.get(bucket, {"inventoryList": []})
        rows = stock.get("inventoryList") if isinstance(stock, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            return None
        found += [(bucket == "preorder", row) for row in rows]
    return found


def _units_after(before: int | None, count: object) -> int | None:
    """A number sets; text sets, or with a sign adds. None: not a count."""
    if isinstance(count, int) and not isinstance(count, bool):
        return count if 0 <= count <= 999_999_999 else None
    if not isinstance(count, str) or len(count) > 9 or _COUNT.fullmatch(count) is None:
        return None
    return int(count) + (before or 0) if count[0] in "+-" else int(count)


def _result(item: str, code: str) -> dict[str, object]:
    if not code:
        return {"productNo": item, "status": "success"}
    return {"productNo": item, "status": "failed", "errors": [{"code": code, "message": "更新できませんでした"}]}


def _numbers(shop: EmulatedShop, state: FutureshopState, asked: Mapping[str, str]) -> Response:
    items = [item for item in asked.get("productNo", "").split(",") if item]
    types = asked.get("types", "regular").split(",")
    by_item: dict[str, list[ListingKey]] = {}
    wanted = set(items)
    for key in shop.stock:
        if not wanted or key.item in wanted:
            by_item.setdefault(key.item, []).append(key)
    at = int(asked.get("cursor", "0"))
    names = sorted(by_item)
    products = [_product(shop, state, item, by_item[item], types) for item in names[at : at + state.page]]
    more = {**asked, "cursor": str(at + state.page)} if at + state.page < len(names) else None
    return _page("productList", products, "inventory", more)


def _product(
    shop: EmulatedShop, state: FutureshopState, item: str, keys: list[ListingKey], types: list[str]
) -> dict[str, object]:
    stocks: dict[str, object] = {}
    for bucket in ("regular", "preorder"):
        rows = [
            _stock_row(key, shop.stock[key])
            for key in keys
            if branch_of(key.variant).preorder == (bucket == "preorder")
        ]
        if bucket in types and rows:
            stocks[bucket] = {"inventoryList": rows}
    counted = item not in state.uncounted and all(shop.stock[key] is not None for key in keys)
    return {
        "productNo": item,
        "name": "サンプル商品",
        "visible": item not in state.hidden,
        "inventoryEnabled": counted,
        "type": "REGULAR",
        "inventoryInfo": stocks,
    }


def _stock_row(key: ListingKey, units: int | None) -> dict[str, object]:
    branch = branch_of(key.variant)
    axes: dict[str, object] = {"verticalNo": branch.vertical, "horizontalNo": branch.horizontal}
    return {"skuNo": sku_no(key), **axes, "janCode": "", "count": units}


# ------------------------------------------------------------------ orders


def _orders(shop: EmulatedShop, state: FutureshopState, request: Request) -> Response:
    asked = dict(request.query_params)
    if not state.knows_changes and any(name.startswith("updateDate") for name in asked):
        return _failed("InvalidParameter", path="updateDateStart", status=400)
    try:
        found = [order for order in shop.orders.values() if _is_asked_for(order, asked)]
        at = int(asked.get("cursor", "0"))
    except ValueError:
        return _failed("InvalidDateFormat", status=400)
    rows = [_row(state, order, detail=False) for order in found[at : at + state.page]]
    more = {**asked, "cursor": str(at + state.page)} if at + state.page < len(found) else None
    return _page("orderList", rows, "shipping", more)


def _is_asked_for(order: EmulatedOrder, asked: Mapping[str, str]) -> bool:
    if "orderNo" in asked:
        return order.number in asked["orderNo"].split(",")
    placed, changed = order.ordered_at, order.cancelled_at or order.ordered_at
    ranges = (("orderDateStart", "orderDateEnd", placed), ("updateDateStart", "updateDateEnd", changed))
    return all(
        (start not in asked or _moment(asked[start]) <= moment.replace(microsecond=0))
        and (end not in asked or moment.replace(microsecond=0) <= _moment(asked[end]))
        for start, end, moment in ranges
    )


def _row(state: FutureshopState, order: EmulatedOrder, *, detail: bool) -> dict[str, object]:
    number = order.number
    return order_row(order, awaiting=number in state.awaiting, shipped=number in state.shipped, detail=detail)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=JST).astimezone(UTC)


def _order_mail(state: FutureshopState, order: EmulatedOrder) -> bytes:
    if state.next_is_awaiting:
        state.awaiting.add(order.number)
    return order_mail(order)


# ------------------------------------------------------------------ answers


def _page(name: str, rows: list[dict[str, object]], path: str, more: Mapping[str, str] | None) -> JSONResponse:
    next_url = f"https://api.futureshop.example{API_PATH}{path}?{urlencode(more)}" if more else None
    return JSONResponse({name: rows, **({"nextUrl": next_url} if next_url else {})})


def _failed(code: str, *, path: str = "", status: int) -> JSONResponse:
    error = {"code": code, "message": "処理できませんでした", **({"path": path} if path else {})}
    return JSONResponse({"status": "failed", "errors": [error]}, status_code=status)


def _fault_body(status: int) -> tuple[bytes, str]:
    code = {401: "Unauthorized", 429: "TooManyRequests"}.get(status, "InternalServerError")
    return json.dumps({"status": "failed", "errors": [{"code": code, "message": ""}]}).encode(), "application/json"
