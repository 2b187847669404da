"""An emulated Amazon seller: Listings Items, both order APIs, Login with Amazon; sells from its own number, tells by mail.

Faults of any mall are the kit's; this mall's own are switches in ``shop.extra["amazon"]`` (a ``SellerState``), also set by
``POST /_emulator/amazon``: apply_seconds, expired_token, revoked, rotates, pending,
page_orders, orders_allowed, by_amazon, invalid.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from json import JSONDecodeError, dumps, loads
from urllib.parse import parse_qs, unquote

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from adapters.amazon.access import TOKEN_PATH
from adapters.amazon.codes import key_of
from adapters.amazon.emulated_feeds import ADDRESS, CONTENT_TYPE, Feeds, operation_of
from adapters.amazon.emulated_listings import Listings
from adapters.amazon.emulated_login import Login
from adapters.amazon.emulated_orders import (
    items_json_v0,
    order_json,
    order_json_v0,
    order_mail,
    order_number,
    updated_at,
)
from adapters.amazon.emulated_reports import RATES as REPORT_RATES
from adapters.amazon.emulated_reports import add_reports
from adapters.amazon.listings import ITEMS_PATH, SEARCH_MAX
from adapters.amazon.orders import PATH, PATH_V0
from adapters.kit.emulator import EmulatedOrder, EmulatedShop, emulator_app

# Requests a second and how many may leave at once: NOTES.md.
RATES = {
    "patch": (5.0, 5),
    "get": (5.0, 10),
    "search": (5.0, 5),
    "orders": (0.0056, 20),
    "order": (0.5, 30),
    "orders_v0": (0.0167, 20),
    "items_v0": (0.5, 30),
    "new_document": (0.5, 15),
    "new_feed": (0.0083, 15),
    "feed": (2.0, 15),
    "feeds": (0.0222, 10),
    "document": (0.0222, 10),
    **REPORT_RATES,
}
OF_ORDERS = ("orders", "order", "orders_v0", "items_v0")
UNTIL_SECONDS_MIN = 120
FEEDS_API = "/feeds/2021-06-30/"
MARKETPLACE = "A1VC38T7YXB528"


@dataclass
class SellerState:
    """What is so at this seller. ``pending``: new orders wait for payment; ``page_orders`` 0: as many as asked for.
    ``orders_allowed`` False: the application lacks the role for orders.

    Mutable: it plays the world outside.
    """

    login: Login
    listings: Listings = field(default_factory=Listings)
    feeds: Feeds = field(default_factory=Feeds)
    pending: bool = False
    page_orders: int = 0
    orders_allowed: bool = True


def state_of(shop: EmulatedShop) -> SellerState:
    """The switches of a shop whose emulator was made."""
    state = shop.extra["amazon"]
    assert isinstance(state, SellerState), state
    return state


def emulator(shop: EmulatedShop) -> FastAPI:
    """The mall for one seller; its settings and secrets are the ones a merchant would enter."""
    shop.extra["amazon"] = SellerState(Login(shop))
    shop.number_order = order_number
    shop.write_order_mail = order_mail
    shop.fault_body = _fault_body
    app = emulator_app(shop, "Amazon.co.jp")

    @app.post(TOKEN_PATH)
    async def token(request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode("latin-1")).items()}
        with shop.lock:
            status, said = state_of(shop).login.grant(form)
        return JSONResponse(said, status_code=status)

    @app.api_route(ITEMS_PATH + "{rest:path}", methods=["GET", "PATCH"])
    async def listings(request: Request) -> Response:
        body = await request.body()
        with shop.lock:
            return _listings(shop, request, body)

    @app.api_route(FEEDS_API + "{rest:path}", methods=["GET", "POST"])
    async def feeds(request: Request) -> Response:
        body = await request.body()
        with shop.lock:
            return _feeds(shop, request, body)

    @app.api_route(ADDRESS + "{name}", methods=["GET", "PUT"])
    async def document(request: Request, name: str) -> Response:
        body = await request.body()
        with shop.lock:
            return _document(shop, request, name, body)

    def gate(request: Request, operation: str) -> Response | None:
        return _refused(shop, request, operation, shop.clock.now())

    add_reports(app, shop, gate, state_of(shop).listings.by_amazon)

    @app.get(PATH + "{rest:path}")
    async def orders(request: Request) -> Response:
        with shop.lock:
            return _orders(shop, request)

    @app.get(PATH_V0 + "{rest:path}")
    async def orders_v0(request: Request) -> Response:
        with shop.lock:
            return _orders_v0(shop, request)

    @app.post("/_emulator/amazon")
    async def switches(request: Request) -> JSONResponse:
        asked = await request.json()
        with shop.lock:
            return JSONResponse(_switched(state_of(shop), asked))

    return app


def _switched(state: SellerState, asked: dict[str, object]) -> dict[str, object]:
    state.listings.apply_seconds = float(str(asked.get("apply_seconds", state.listings.apply_seconds)))
    state.pending = bool(asked.get("pending", state.pending))
    state.orders_allowed = bool(asked.get("orders_allowed", state.orders_allowed))
    state.page_orders = int(str(asked.get("page_orders", state.page_orders)))
    state.login.rotates = bool(asked.get("rotates", state.login.rotates))
    by_amazon, invalid = asked.get("by_amazon", {}), asked.get("invalid", {})
    assert isinstance(by_amazon, dict) and isinstance(invalid, dict), asked
    state.listings.by_amazon.update({key_of(str(sku)): str(channel) for sku, channel in by_amazon.items()})
    state.listings.invalid.update({str(sku): str(code) for sku, code in invalid.items()})
    if asked.get("expired_token"):
        state.login.expire_access()
    if asked.get("revoked"):
        state.login.revoke()
    return {"apply_seconds": state.listings.apply_seconds, "pending": state.pending, "page_orders": state.page_orders}


# ------------------------------------------------------------------ gates


def _refused(shop: EmulatedShop, request: Request, operation: str, now: datetime) -> Response | None:
    """Why the request is refused before it is looked at: the token, the rate."""
    if not state_of(shop).login.accepts(request.headers.get("x-amz-access-token", ""), now):
        return _error(403, "Unauthorized", operation)
    if operation in OF_ORDERS and not state_of(shop).orders_allowed:
        return _error(403, "AccessDenied", operation)
    per_second, burst = RATES[operation]
    if shop.take_token(operation, per_second=per_second, burst=burst) > 0:
        return _error(429, "QuotaExceeded", operation)
    return None


def _after(request: Request, path: str) -> list[str]:
    """The parts of the address behind ``path``, unescaped: a / inside a SKU is escaped and parts nothing."""
    raw = bytes(request.scope["raw_path"]).decode("ascii")
    return [unquote(part) for part in raw.removeprefix(path).split("/") if part]


def _query(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.url.query, keep_blank_values=True).items()}


# ------------------------------------------------------------------ listings


def _listings(shop: EmulatedShop, request: Request, body: bytes) -> Response:
    now = shop.clock.now()
    parts, query = _after(request, ITEMS_PATH), _query(request)
    operation = "patch" if request.method == "PATCH" else "get" if len(parts) == 2 else "search"
    refused = _refused(shop, request, operation, now)
    if refused is not None:
        return refused
    state_of(shop).feeds.settle(shop, state_of(shop).listings, now)
    state_of(shop).listings.settle(shop, now)
    if not parts or parts[0] != shop.settings.get("seller_id", ""):
        return _error(403, "Unauthorized", operation)
    if query.get("marketplaceIds") != (shop.settings.get("marketplace_id", "") or MARKETPLACE):
        return _error(400, "InvalidInput", operation)
    if operation == "search":
        return _search(shop, query)
    if operation == "get":
        return _get(shop, parts[1], query)
    return _patch(shop, parts[1], body, now)


def _get(shop: EmulatedShop, sku: str, query: dict[str, str]) -> Response:
    key = key_of(sku)
    if key not in shop.stock:
        return _error(404, "NOT_FOUND", "get")
    shown = state_of(shop).listings.shown(shop, key, query.get("includedData", "summaries"))
    return _json(shown, "get")


def _search(shop: EmulatedShop, query: dict[str, str]) -> Response:
    named = [key_of(sku) for sku in query["identifiers"].split(",")] if "identifiers" in query else list(shop.stock)
    size = int(query.get("pageSize", "10"))
    if ("identifiers" in query and len(named) > SEARCH_MAX) or size > SEARCH_MAX:
        return _error(400, "InvalidInput", "search")
    keys = [key for key in named if key in shop.stock]
    included = query.get("includedData", "summaries")
    # The order of the answer is the mall's own.
    items = [state_of(shop).listings.shown(shop, key, included) for key in reversed(keys[:size])]
    return _json({"numberOfResults": len(keys), "pagination": {}, "items": items}, "search")


def _patch(shop: EmulatedShop, sku: str, body: bytes, now: datetime) -> Response:
    try:
        asked = loads(body)
    except (JSONDecodeError, UnicodeDecodeError):
        return _error(400, "InvalidInput", "patch")
    patches = asked.get("patches") if isinstance(asked, dict) and asked.get("productType") else None
    if not isinstance(patches, list) or len(patches) != 1 or not isinstance(patches[0], dict):
        return _error(400, "InvalidInput", "patch")
    if key_of(sku) not in shop.stock:
        return _error(404, "NOT_FOUND", "patch")
    return _json(state_of(shop).listings.patch(shop, sku, patches[0], now), "patch")


# ------------------------------------------------------------------ feeds


def _feeds(shop: EmulatedShop, request: Request, body: bytes) -> Response:
    now, state = shop.clock.now(), state_of(shop)
    path = request.url.path
    operation = operation_of(request.method, path)
    refused = _refused(shop, request, operation, now)
    if refused is not None:
        return refused
    state.feeds.settle(shop, state.listings, now)
    if operation == "new_document":
        return _json(state.feeds.document(str(request.base_url)), operation)
    if operation == "new_feed":
        made = state.feeds.make(body, now)
        return _error(400, "InvalidInput", operation) if made is None else _json(made, operation)
    if operation == "feeds":
        since = datetime.fromisoformat(_query(request)["createdSince"])
        listed = [state.feeds.shown(feed) for feed in state.feeds.feeds.values() if feed.made_at >= since]
        return _json({"feeds": listed}, operation)
    name = path.rpartition("/")[2]
    if operation == "feed" and name in state.feeds.feeds:
        return _json(state.feeds.shown(state.feeds.feeds[name]), operation)
    if operation == "document" and name in state.feeds.documents:
        address = f"{request.base_url}{ADDRESS.lstrip('/')}{name}"
        said: dict[str, object] = {"feedDocumentId": name, "url": address}
        return _json(said | {"compressionAlgorithm": "GZIP"}, operation)
    return _error(404, "NotFound", operation)


def _document(shop: EmulatedShop, request: Request, name: str, body: bytes) -> Response:
    """A document's own address: no token is asked for, and none may come."""
    documents = state_of(shop).feeds.documents
    if request.headers.get("x-amz-access-token") or name not in documents:
        return Response(status_code=403)
    if request.method == "GET":
        return Response(documents[name], media_type="application/octet-stream")
    if request.headers.get("content-type") != CONTENT_TYPE:
        return Response(status_code=403)
    documents[name] = body
    return Response(status_code=200)


# ------------------------------------------------------------------ orders


def _changed(
    shop: EmulatedShop, since: str, until: str, *, token: str, size: int, now: datetime
) -> tuple[Sequence[EmulatedOrder], str] | None:
    """One page of the orders changed in the time, oldest change first, and the token of the next; None: a wrong time."""
    try:
        start = datetime.fromisoformat(since)
        end = datetime.fromisoformat(until) if until else now
    except ValueError:
        return None
    if until and (now - end).total_seconds() < UNTIL_SECONDS_MIN:
        return None
    found = [order for order in shop.orders.values() if start <= updated_at(order).replace(microsecond=0) <= end]
    found.sort(key=lambda order: (updated_at(order), order.number))
    page = state_of(shop).page_orders or size
    at = int(token) if token.isdecimal() else 0
    following = str(at + page) if at + page < len(found) else ""
    return found[at : at + page], following


def _orders(shop: EmulatedShop, request: Request) -> Response:
    now = shop.clock.now()
    parts, query, pending = _after(request, PATH), _query(request), state_of(shop).pending
    refused = _refused(shop, request, "order" if parts else "orders", now)
    if refused is not None:
        return refused
    if parts:
        order = shop.orders.get(parts[0])
        if order is None:
            return _error(404, "NotFound", "order")
        return _json({"order": order_json(order, pending=pending)}, "order")
    since, token = query.get("lastUpdatedAfter", ""), query.get("paginationToken", "")
    size = int(query.get("maxResultsPerPage", "100"))
    page = _changed(shop, since, query.get("lastUpdatedBefore", ""), token=token, size=size, now=now)
    if page is None or not 1 <= size <= 100:
        return _error(400, "InvalidInput", "orders")
    said = {"orders": [order_json(order, pending=pending) for order in page[0]]}
    return _json(said | ({"pagination": {"nextToken": page[1]}} if page[1] else {}), "orders")


def _orders_v0(shop: EmulatedShop, request: Request) -> Response:
    now = shop.clock.now()
    parts, query, pending = _after(request, PATH_V0), _query(request), state_of(shop).pending
    operation = "items_v0" if parts[1:] else "order" if parts else "orders_v0"
    refused = _refused(shop, request, operation, now)
    if refused is not None:
        return refused
    if parts:
        order = shop.orders.get(parts[0])
        if order is None:
            return _error(404, "NotFound", operation)
        items = {"AmazonOrderId": order.number, "OrderItems": items_json_v0(order)}
        return _json({"payload": items if parts[1:] else order_json_v0(order, pending=pending)}, operation)
    at, _, kept = query.get("NextToken", "").partition("|")  # the token keeps the time that was asked for
    since, _, until = (
        kept.partition("|") if kept else (query.get("LastUpdatedAfter", ""), "", query.get("LastUpdatedBefore", ""))
    )
    size = int(query.get("MaxResultsPerPage", "100"))
    page = _changed(shop, since, until, token=at, size=size, now=now)
    if page is None:
        return _error(400, "InvalidInput", operation)
    payload: dict[str, object] = {"Orders": [order_json_v0(order, pending=pending) for order in page[0]]}
    if page[1]:
        payload["NextToken"] = f"{page[1]}|{since}|{until}"
    return _json({"payload": payload}, operation)


# ------------------------------------------------------------------ answers


def _json(said: dict[str, object], operation: str) -> Response:
    return Response(dumps(said, ensure_ascii=False).encode(), 200, _headers(operation), "application/json")


def _headers(operation: str) -> dict[str, str]:
    return {
        "x-amzn-RateLimit-Limit": str(RATES[operation][0]),
        "x-amzn-RequestId": "00000000-0000-4000-8000-000000000000",
    }


def _error(status: int, code: str, operation: str) -> Response:
    said = {"errors": [{"code": code, "message": "Request was not accepted.", "details": ""}]}
    return Response(dumps(said).encode(), status, _headers(operation), "application/json")


def _fault_body(status: int) -> tuple[bytes, str]:
    """The mall's own words for a status."""
    code = {401: "Unauthorized", 403: "Unauthorized", 429: "QuotaExceeded"}.get(status, "InternalFailure")
    return dumps(
        {"errors": [{"code": code, "message": "Request was not accepted.", "details": ""}]}
    ).encode(), "application/json"
