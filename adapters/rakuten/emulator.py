"""An RMS that sells from its own number, lowers it and mails late: InventoryAPI 2.0 as NOTES.md says, faults included."""

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from adapters.kit.emulator import CONTROL, EmulatedOrder, EmulatedShop, emulator_app
from adapters.kit.order_mail import JST
from adapters.rakuten.emulated_batches import add_batches
from adapters.rakuten.emulated_catalogue import CatalogueItem, fill, product_file
from adapters.rakuten.emulated_mails import cancel_mail, order_mail
from adapters.rakuten.emulated_orders import OrderBook, get_orders, search_orders
from ledger.terms import ListingKey

BULK_UPSERT = "/es/2.0/inventories/bulk-upsert"
BULK_UPSERT_WITH_LEAD_TIMES = "/es/2.1/inventories/bulk-upsert"
BULK_GET = "/es/2.0/inventories/bulk-get"
KEY_EXPIRY = "/es/1.0/license-management/license-key/expiry-date"
SEARCH_ORDER, GET_ORDER = "/es/2.0/order/searchOrder/", "/es/2.0/order/getOrder/"
UPSERTS_MAX, READS_MAX = 400, 1_000
UNITS_MAX, CODE_BYTES_MAX = 99_999, 32
KEY_DAYS = 90
ORPHAN_HOURS = 24

_SHOP_NUMBER = re.compile(r"[0-9]{6}")
_Problem = tuple[str, str, str]  # code, message, propertyPath


@dataclass
class RakutenState:
    """What this mall keeps beside the numbers. ``orphans``: pushed listings that no page has, with units and time.

    ``inventory_enabled`` and ``orders_enabled``: 利用機能編集. Mutable: it plays the world outside.
    """

    key_ends_at: datetime
    started_at: datetime
    inventory_enabled: bool = True
    orders_enabled: bool = True
    orders: OrderBook = field(default_factory=OrderBook)
    orphans: dict[ListingKey, tuple[int, datetime]] = field(default_factory=dict)
    updated_at: dict[ListingKey, datetime] = field(default_factory=dict)
    preorders: set[ListingKey] = field(default_factory=set)
    subscriptions: set[ListingKey] = field(default_factory=set)
    pages: dict[ListingKey, CatalogueItem] = field(default_factory=dict)


def state_of(shop: EmulatedShop) -> RakutenState:
    """The shop's own state, made at the first call."""
    found = shop.extra.get("rakuten")
    if not isinstance(found, RakutenState):
        now = shop.clock.now()
        found = RakutenState(key_ends_at=now + timedelta(days=KEY_DAYS), started_at=now)
        shop.extra["rakuten"] = found
    return found


def emulator(shop: EmulatedShop) -> FastAPI:
    """The mall's app for this shop, with its mails; ``state_of(shop)`` holds its switches."""
    app = emulator_app(shop, "楽天市場 RMS (emulated)")
    state = state_of(shop)
    shop.number_order = lambda serial, at: f"{_shop_number(shop)}-{at.astimezone(JST):%Y%m%d}-{serial:010d}"
    shop.write_order_mail = lambda _, order: _order_mail(state, order)
    shop.write_cancel_mail = lambda _, order: _cancel_mail(order)
    shop.fault_body = _fault_body
    _add_inventory(app, shop, state)
    _add_orders(app, shop, state)
    _add_control(app, shop, state)
    add_batches(shop)
    return app


def fill_catalogue(shop: EmulatedShop, sku_count: int) -> None:
    """The shop has pages with ``sku_count`` SKUs in all, each with its first number."""
    state_of(shop).pages.update(fill(shop, sku_count))


# ------------------------------------------------------------------ the API


def _add_inventory(app: FastAPI, shop: EmulatedShop, state: RakutenState) -> None:
    @app.post(BULK_UPSERT_WITH_LEAD_TIMES)
    @app.post(BULK_UPSERT)
    async def bulk_upsert(request: Request) -> Response:
        body = await request.body()
        return _at_the_door(shop, state, request, "bulk_upsert", per_second=1.0) or _upsert(shop, state, body)

    @app.post(BULK_GET)
    async def bulk_get(request: Request) -> Response:
        body = await request.body()
        return _at_the_door(shop, state, request, "bulk_get", per_second=5.0) or _get(shop, state, body)

    @app.get(KEY_EXPIRY)
    async def key_expiry(request: Request) -> Response:
        asked = request.query_params.get("licenseKey")
        if not _key_accepted(shop, state, request) or asked != shop.secrets.get("license_key"):
            return _refused_key()
        return JSONResponse({"expiryDate": state.key_ends_at.astimezone(JST).isoformat(timespec="seconds")})


def _add_orders(app: FastAPI, shop: EmulatedShop, state: RakutenState) -> None:
    @app.post(SEARCH_ORDER)
    async def search(request: Request) -> Response:
        body = await request.body()
        refused = _at_the_door(shop, state, request, "search_order", per_second=1.0, enabled=state.orders_enabled)
        with shop.lock:
            return refused or search_orders(shop, state.orders, body)

    @app.post(GET_ORDER)
    async def get(request: Request) -> Response:
        body = await request.body()
        refused = _at_the_door(shop, state, request, "get_order", per_second=1.0, enabled=state.orders_enabled)
        with shop.lock:
            return refused or get_orders(shop, state.orders, state.pages, body)


def _at_the_door(
    shop: EmulatedShop,
    state: RakutenState,
    request: Request,
    name: str,
    *,
    per_second: float,
    enabled: bool | None = None,
) -> Response | None:
    if not request.headers.get("content-type", "").lower().replace(" ", "").startswith("application/json"):
        return _gate(415, "ES04-03", "Unsupported Media Type")
    if not _key_accepted(shop, state, request):
        return _refused_key()
    if not (state.inventory_enabled if enabled is None else enabled):
        return _gate(400, "ES04-01", "The function is not enabled")
    if shop.take_token(name, per_second=per_second) > 0:
        return Response(status_code=429)
    return None


def _key_accepted(shop: EmulatedShop, state: RakutenState, request: Request) -> bool:
    pair = f"{shop.secrets.get('service_secret', '')}:{shop.secrets.get('license_key', '')}"
    wanted = "ESA " + base64.b64encode(pair.encode("utf-8")).decode("ascii")
    return request.headers.get("authorization") == wanted and shop.clock.now() < state.key_ends_at


def _upsert(shop: EmulatedShop, state: RakutenState, body: bytes) -> Response:
    rows = _rows_of(body, UPSERTS_MAX)
    if rows is None:
        return _errors([("IE0105", f"inventories must be an array of 1 to {UPSERTS_MAX}.", "inventories")])
    with shop.lock:
        _forget_old_orphans(shop, state)
        known = {(key.item.lower(), key.variant): key for key in shop.stock}
        problems: list[_Problem] = []
        levels: list[tuple[ListingKey, int]] = []
        for at, row in enumerate(rows):
            key = known.get(_pair(row)) or ListingKey(*_pair(row))
            read = _level(shop, state, row, key, f"inventories[{at}]")
            if isinstance(read, int):
                levels.append((key, read))
            else:
                problems.append(read)
        if problems:
            return _errors(problems)
        now = shop.clock.now()
        shop.pushed([(key, units) for key, units in levels if key in shop.stock])
        state.updated_at.update({key: now for key, _ in levels})
        state.orphans.update({key: (units, now) for key, units in levels if key not in shop.stock})
    return Response(status_code=204)


def _level(
    shop: EmulatedShop, state: RakutenState, row: dict[str, object], key: ListingKey, path: str
) -> int | _Problem:
    """The number the row sets, or what the mall says against it."""
    for name, code in (("manageNumber", key.item), ("variantId", key.variant)):
        if not isinstance(row.get(name), str) or not code:
            return "IE0002", f"{name} has an invalid value.", f"{path}.{name}"
        if len(code.encode("utf-8")) > CODE_BYTES_MAX:
            return "IE0004", f"Max length of {name} must be within {CODE_BYTES_MAX} bytes.", f"{path}.{name}"
    quantity, mode = row.get("quantity"), row.get("mode")
    if not isinstance(quantity, int) or isinstance(quantity, bool) or mode not in ("ABSOLUTE", "RELATIVE"):
        name = "mode" if isinstance(quantity, int) else "quantity"
        return "IE0002", f"{name} has an invalid value.", f"{path}.{name}"
    if key in state.preorders:
        return "IE1101", "The item is a reservation item.", f"{path}.manageNumber"
    if key in state.subscriptions:
        return "IE1102", "The item is a subscription item.", f"{path}.manageNumber"
    if mode == "RELATIVE":
        shown = shop.stock.get(key)
        if shown is None:
            return "GE0014", f"Not found for inputs; manageNumber={key.item}, variantId={key.variant}", path
        quantity += shown
    if not 0 <= quantity <= UNITS_MAX:
        return "IE0003", f"quantity must be between 0 and {UNITS_MAX}.", f"{path}.quantity"
    return quantity


def _get(shop: EmulatedShop, state: RakutenState, body: bytes) -> Response:
    rows = _rows_of(body, READS_MAX)
    if rows is None:
        return _errors([("IE0105", f"inventories must be an array of 1 to {READS_MAX}.", "inventories")])
    with shop.lock:
        _forget_old_orphans(shop, state)
        known = {(key.item.lower(), key.variant): key for key in shop.stock}
        found = []
        for pair in map(_pair, rows):
            key = known.get(pair) or ListingKey(*pair)
            units = shop.stock[key] if key in shop.stock else state.orphans.get(key, (None, None))[0]
            if units is not None:
                found.append(_shown(state, pair, key, units))
    return JSONResponse({"inventories": found})


def _shown(state: RakutenState, pair: tuple[str, str], key: ListingKey, units: int) -> dict[str, object]:
    created = state.started_at.astimezone(JST).isoformat(timespec="seconds")
    updated = state.updated_at.get(key, state.started_at).astimezone(JST).isoformat(timespec="seconds")
    return {"manageNumber": pair[0], "variantId": pair[1], "quantity": units, "created": created, "updated": updated}


def _rows_of(body: bytes, rows_max: int) -> list[dict[str, object]] | None:
    try:
        asked: object = json.loads(body)
    except ValueError:
        return None
    rows = asked.get("inventories") if isinstance(asked, dict) else None
    if not isinstance(rows, list) or not 1 <= len(rows) <= rows_max or not all(isinstance(row, dict) for row in rows):
        return None
    return rows


def _pair(row: dict[str, object]) -> tuple[str, str]:
    return str(row.get("manageNumber", "")).lower(), str(row.get("variantId", ""))


def _forget_old_orphans(shop: EmulatedShop, state: RakutenState) -> None:
    limit = shop.clock.now() - timedelta(hours=ORPHAN_HOURS)
    state.orphans = {key: kept for key, kept in state.orphans.items() if kept[1] > limit and key not in shop.stock}


def _errors(problems: list[_Problem]) -> Response:
    errors = [
        {"code": code, "message": message, "metadata": {"propertyPath": path}} for code, message, path in problems
    ]
    return JSONResponse({"errors": errors}, status_code=400)


def _refused_key() -> Response:
    body, kind = _fault_body(401)
    return Response(body, status_code=401, media_type=kind)


def _gate(status: int, code: str, message: str) -> Response:
    return JSONResponse({"Results": {"errorCode": code, "message": message}}, status_code=status)


def _fault_body(status: int) -> tuple[bytes, str]:
    """The body beside a status; of 429, 500 and 503 none was ever seen, so there is none."""
    code = {400: "IE0105", 401: "GE0011", 404: "GE0014"}.get(status)
    if code is None:
        return b"", "text/plain"
    message = {"IE0105": "Parameter error.", "GE0011": "Un-Authorised", "GE0014": "Not found."}[code]
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode("ascii"), "application/json"


# ------------------------------------------------------------------ mails and control pages


def _order_mail(state: RakutenState, order: EmulatedOrder) -> bytes:
    lines = []
    for key, units in order.lines:
        page = state.pages.get(key)
        name, item_number = (page.name, page.item_number) if page else ("①サンプル㈱髙品(限定)", key.item)
        lines.append((name, item_number, key.variant, units))
    return order_mail(number=order.number, ordered_at=order.ordered_at, lines=tuple(lines), base64=_in_base64(order))


def _cancel_mail(order: EmulatedOrder) -> bytes:
    return cancel_mail(
        number=order.number, cancelled_at=order.cancelled_at or order.ordered_at, base64=_in_base64(order)
    )


def _in_base64(order: EmulatedOrder) -> bool:
    """Both forms occur for the same shop: every second order in each."""
    return int(order.number[-1]) % 2 == 0


def _shop_number(shop: EmulatedShop) -> str:
    stated = shop.settings.get("shop_number", "")
    return stated if _SHOP_NUMBER.fullmatch(stated) else "402853"


def _add_control(app: FastAPI, shop: EmulatedShop, state: RakutenState) -> None:
    @app.post(f"{CONTROL}/rakuten")
    async def switches(request: Request) -> JSONResponse:
        """Sets ``inventory_enabled``, ``orders_enabled`` and ``key_ends_in_days``, and fills the shop with ``skus`` pages' SKUs."""
        asked = await request.json()
        state.inventory_enabled = bool(asked.get("inventory_enabled", state.inventory_enabled))
        state.orders_enabled = bool(asked.get("orders_enabled", state.orders_enabled))
        if "key_ends_in_days" in asked:
            state.key_ends_at = shop.clock.now() + timedelta(days=asked["key_ends_in_days"])
        if "skus" in asked:
            fill_catalogue(shop, int(asked["skus"]))
        return JSONResponse(
            {"inventory_enabled": state.inventory_enabled, "orphans": len(state.orphans), "listings": len(shop.stock)}
        )

    @app.get(f"{CONTROL}/dl-normal-item.csv")
    async def products() -> Response:
        """The item file of the catalogue with the numbers shown now."""
        return Response(b"".join(product_file(shop, state.pages)), media_type="text/csv; charset=Shift_JIS")
