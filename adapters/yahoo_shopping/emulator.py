"""An emulated Yahoo!ショッピング: setStock and getStock as NOTES.md says, selling from its own number, with its mails.

Faults of any mall are the kit's; this mall's own are switches in ``shop.extra["yahoo_shopping"]`` (a ``StoreState``),
also set by ``POST /_emulator/yahoo_shopping``: maintenance, publishing_lock, orders_allowed, expired_token, partial.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from adapters.kit.emulator import EmulatedShop, emulator_app
from adapters.kit.order_mail import JST
from adapters.yahoo_shopping.access import API_PATH, TOKEN_PATH
from adapters.yahoo_shopping.codes import is_listing, listing_of
from adapters.yahoo_shopping.emulated_uploads import Uploads
from adapters.yahoo_shopping.emulator_login import Login
from adapters.yahoo_shopping.emulator_orders import OrderBook, order_info, order_list
from adapters.yahoo_shopping.emulator_store import cancel_mail, order_mail, order_number, stock_csv
from adapters.yahoo_shopping.order_xml import parsed, text_of
from adapters.yahoo_shopping.push import BATCH_MAX
from ledger.terms import ListingKey

REQUESTS_PER_SECOND = 1.0
_XML = "application/xml; charset=utf-8"
# The XML of an answer, or the code and message of a refusal.
AnswerOrders = Callable[[EmulatedShop, OrderBook, ET.Element], bytes | tuple[str, str]]
# parse_qs has turned an unescaped + into a space by now: the sign is lost, and 5 more has become 5.
_QUANTITY = re.compile(r"\s*([+-]?)([0-9]{1,9})")


_STATUS_OK = b'<?xml version="1.0" encoding="UTF-8"?><ResultSet><Result><Status>OK</Status></Result></ResultSet>'


@dataclass
class StoreState:
    """What goes wrong at this store. ``partial`` gives joined codes the error their row is answered with.

    ``kept`` has the numbers of codes that the store does not have: accepted without a word. ``closed``: 在庫クローズ.
    ``orders_allowed``: the store applied for the order API. ``csv_not_ready``: how often the CSV is still being made.
    Mutable: it plays the world outside.
    """

    login: Login
    maintenance: bool = False
    publishing_lock: bool = False
    partial: dict[str, str] = field(default_factory=dict)
    kept: dict[ListingKey, int] = field(default_factory=dict)
    closed: set[ListingKey] = field(default_factory=set)
    overdraft: set[ListingKey] = field(default_factory=set)
    orders_allowed: bool = True
    csv_asked: bool = False
    csv_not_ready: int = 1
    orders: OrderBook = field(default_factory=OrderBook)
    uploads: Uploads = field(default_factory=Uploads)


def state_of(shop: EmulatedShop) -> StoreState:
    """The switches of a shop whose emulator was made."""
    state = shop.extra["yahoo_shopping"]
    assert isinstance(state, StoreState), state
    return state


def emulator(shop: EmulatedShop) -> FastAPI:
    """The mall for one store; its settings and secrets are the ones a merchant would enter."""
    shop.extra["yahoo_shopping"] = StoreState(Login(shop))
    shop.number_order = lambda serial, _: order_number(shop, serial)
    shop.write_order_mail = order_mail
    shop.write_cancel_mail = cancel_mail
    shop.fault_body = _fault_body
    app = emulator_app(shop, "Yahoo!ショッピング")

    @app.post(TOKEN_PATH)
    async def token(request: Request) -> Response:
        form = _form(await request.body())
        with shop.lock:
            status, said = state_of(shop).login.grant(request.headers.get("authorization", ""), form)
        return JSONResponse(said, status_code=status)

    @app.post(API_PATH + "setStock")
    async def set_stock(request: Request) -> Response:
        form = _form(await request.body())
        with shop.lock:
            return _refused(shop, request, form, "setStock") or _set_stock(shop, form)

    @app.post(API_PATH + "getStock")
    async def get_stock(request: Request) -> Response:
        form = _form(await request.body())
        with shop.lock:
            return _refused(shop, request, form, "getStock") or _get_stock(shop, form)

    @app.post(API_PATH + "uploadStockFile")
    async def upload(request: Request) -> Response:
        body = await request.body()
        with shop.lock:
            return _upload(shop, request, body)

    _add_download(app, shop)
    for operation, answered in (("orderList", order_list), ("orderInfo", order_info)):
        _add_order_call(app, shop, operation, answered)

    @app.post("/_emulator/yahoo_shopping")
    async def switches(request: Request) -> JSONResponse:
        asked = await request.json()
        with shop.lock:
            return JSONResponse(_switched(state_of(shop), asked))

    @app.get("/_emulator/stock.csv")
    async def download() -> Response:
        with shop.lock:
            return Response(b"".join(stock_csv(shop.stock)), media_type="text/csv")

    return app


def _add_download(app: FastAPI, shop: EmulatedShop) -> None:
    @app.post(API_PATH + "downloadRequest")
    async def ask_for_csv(request: Request) -> Response:
        form = _form(await request.body())
        with shop.lock:
            refused = _at_the_gate(shop, request, "downloadRequest")
            state_of(shop).csv_asked = form.get("type") == "2"
            return refused or Response(_STATUS_OK, 200, media_type=_XML)

    @app.get(API_PATH + "downloadSubmit")
    async def fetch_csv(request: Request) -> Response:
        with shop.lock:
            state = state_of(shop)
            refused = _at_the_gate(shop, request, "downloadSubmit")
            if refused is not None:
                return refused
            if not state.csv_asked or state.csv_not_ready > 0:
                state.csv_not_ready -= 1
                return _error("pm-08003", "ファイルの作成中です。")
            return Response(b"".join(stock_csv(shop.stock)), media_type="text/csv")


def _add_order_call(app: FastAPI, shop: EmulatedShop, operation: str, answered: AnswerOrders) -> None:
    @app.post(API_PATH + operation)
    async def asked(request: Request) -> Response:
        root = parsed(await request.body())
        with shop.lock:
            refused = _order_call_refused(shop, request, root, operation)
            if refused is not None or root is None:
                return refused or _error("od90101", "the request is not XML.")
            said = answered(shop, state_of(shop).orders, root)
        if isinstance(said, bytes):
            return Response(said, 200, {"X-SWS-Authorize-Status": "authorized"}, _XML)
        return _error(*said)


def _order_call_refused(
    shop: EmulatedShop, request: Request, root: ET.Element | None, operation: str
) -> Response | None:
    """The gates of the order API: token, rate, permission, maintenance, store; a call without signature shortens the login."""
    state = state_of(shop)
    refused = _at_the_gate(shop, request, operation)
    if refused is not None:
        return refused
    if not request.headers.get("x-sws-signature"):
        state.login.used_unsigned()
    if not state.orders_allowed:
        return Response(b"<Error><Message>Forbidden</Message></Error>", 403, media_type=_XML)
    if state.maintenance:
        return _error("ed-00002", "ただいまメンテナンス中です。")
    if root is not None and text_of(root, "SellerId") != shop.settings.get("seller_id", ""):
        return _error("ed-00003", "SellerId is invalid.")
    return None


def _switched(state: StoreState, asked: dict[str, object]) -> dict[str, object]:
    state.maintenance = bool(asked.get("maintenance", state.maintenance))
    state.publishing_lock = bool(asked.get("publishing_lock", state.publishing_lock))
    state.orders_allowed = bool(asked.get("orders_allowed", state.orders_allowed))
    partial = asked.get("partial", state.partial)
    assert isinstance(partial, dict), partial
    state.partial = {str(code): str(error) for code, error in partial.items()}
    if asked.get("expired_token"):
        state.login.expire_access()
    if asked.get("expired_login"):
        state.login.expire_refresh()
    return {"maintenance": state.maintenance, "publishing_lock": state.publishing_lock, "partial": state.partial}


# ------------------------------------------------------------------ requests


def _form(body: bytes) -> dict[str, str]:
    """The fields of a form; {} for a body of another kind, of which the mall says that seller_id is not there."""
    try:
        return {
            name: values[0]
            for name, values in parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=20).items()
        }
    except ValueError:
        return {}


def _at_the_gate(shop: EmulatedShop, request: Request, operation: str) -> Response | None:
    """A token that is not accepted, or a call too fast."""
    if not state_of(shop).login.accepts(request.headers.get("authorization", "")):
        body, kind = _fault_body(401)
        return Response(body, 401, {"WWW-Authenticate": 'Bearer realm="yahooapis.jp", error="invalid_token"'}, kind)
    if shop.take_token(operation, per_second=REQUESTS_PER_SECOND) > 0:
        body, kind = _fault_body(429)
        return Response(body, 429, media_type=kind)
    return None


def _refused(shop: EmulatedShop, request: Request, form: dict[str, str], operation: str) -> Response | None:
    """Why the whole request is refused, in the order of the mall's gates; None when it may be looked at."""
    state = state_of(shop)
    state.uploads.settle(shop, shop.clock.now())
    refused = _at_the_gate(shop, request, operation)
    if refused is not None:
        return refused
    if "seller_id" not in form:
        return _error("px-04001", '"seller_id" is not specified')
    if state.maintenance:
        return _error("ed-00002", "ただいまメンテナンス中です。")
    if form["seller_id"] != shop.settings.get("seller_id", ""):
        return _error("st-02100" if operation == "setStock" else "st-01100", "seller_id() is invalid.")
    if (state.publishing_lock or state.uploads.running(shop.clock.now())) and operation == "setStock":
        return _error("ed-00006", "反映またはアップロード中のため更新ができません。")
    names = form.get("item_code", "").split(",")
    prefix = "st-02" if operation == "setStock" else "st-01"
    if len(names) > BATCH_MAX:
        return _error(prefix + "102", "item_code is too many.")
    if not all(is_listing(listing_of(name)) for name in names):
        return _error(prefix + "101", "item_code() is invalid format.")
    if len(set(names)) != len(names):
        return _error(prefix + "103", "item_code is duplicated.")
    return None


def _upload(shop: EmulatedShop, request: Request, body: bytes) -> Response:
    state, now = state_of(shop), shop.clock.now()
    state.uploads.settle(shop, now)
    refused = _at_the_gate(shop, request, "uploadStockFile")
    if refused is not None:
        return refused
    if state.maintenance:
        return _error("ed-00002", "ただいまメンテナンス中です。")
    if request.query_params.get("seller_id") != shop.settings.get("seller_id", ""):
        return _error("ed-00003", "seller_id() is invalid.")
    if state.publishing_lock or state.uploads.running(now):
        return _error("ed-00006", "反映またはアップロード中のため更新ができません。")
    if not state.uploads.take(body, now):
        return _error("ed-00010", "file is not specified")
    text = '<?xml version="1.0" encoding="UTF-8"?>\n<ResultSet><Result><Status>OK</Status></Result></ResultSet>'
    return Response(text.encode(), 200, media_type=_XML)


def _set_stock(shop: EmulatedShop, form: dict[str, str]) -> Response:
    state = state_of(shop)
    names, quantities = form["item_code"].split(","), form.get("quantity", "").split(",")
    if len(names) != len(quantities):
        return _error("st-02105", "the numbers of item_code and quantity differ.")
    taken: list[tuple[ListingKey, int]] = []
    rows: list[str] = []
    for name, quantity in zip(names, quantities, strict=True):
        key = listing_of(name)
        units = _units_after(shop, key, quantity)
        error = state.partial.get(name) or ("" if units is not None else "st-02104")
        if units is not None and error in ("", "ed-10002"):  # ed-10002: written, only reading it back failed
            taken.append((key, units))
        shown = f"<ErrorCode>{escape(error)}</ErrorCode>" if error else f"<Quantity>{units}</Quantity>"
        rows.append(f"{_codes(key)}{shown}")
    known = [(key, units) for key, units in taken if key in shop.stock]
    state.kept.update((key, units) for key, units in taken if key not in shop.stock)
    if known:
        shop.pushed(known)
    failed = sum("<ErrorCode>" in row for row in rows)
    return _result_set(rows, failed, 207 if failed else 200)


def _units_after(shop: EmulatedShop, key: ListingKey, quantity: str) -> int | None:
    """The number after the row: a sign makes it a difference. None: not a quantity, INI and "33.0" included."""
    found = _QUANTITY.fullmatch(quantity)
    if found is None:
        return None
    number = int(found[2])
    if not found[1]:
        return number
    before = shop.stock.get(key) or 0
    return before + number if found[1] == "+" else before - number


def _get_stock(shop: EmulatedShop, form: dict[str, str]) -> Response:
    state = state_of(shop)
    rows: list[str] = []
    for name in form["item_code"].split(","):
        key = listing_of(name)
        found = key in shop.stock
        units = shop.stock.get(key)
        updated = shop.clock.now().astimezone(JST).strftime("%Y%m%d%H%M%S")
        rows.append(
            f"{_codes(key)}<Status>{int(found)}</Status><Quantity>{'' if units is None else units}</Quantity>"
            f"<AllowOverdraft>{int(key in state.overdraft)}</AllowOverdraft><IsPublished>{int(found)}</IsPublished>"
            f"<StockClose>{int(key in state.closed)}</StockClose><UpdateTime>{updated if found else ''}</UpdateTime>"
        )
    return _result_set(rows, 0, 200)


# ------------------------------------------------------------------ answers


def _codes(key: ListingKey) -> str:
    return f"<ItemCode>{escape(key.item)}</ItemCode><SubCode>{escape(key.variant)}</SubCode>"


def _result_set(rows: Sequence[str], failed: int, status: int) -> Response:
    results = "".join(f"<Result>{row}</Result>" for row in reversed(rows))  # the order is the mall's own
    counts = f'totalResultsAvailable="{len(rows)}" totalResultsReturned="{len(rows)}" firstResultPosition="1"'
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<ResultSet {counts} ok="{len(rows) - failed}" ng="{failed}">{results}</ResultSet>'
    return Response(text.encode(), status, {"X-SWS-Authorize-Status": "authorized"}, _XML)


def _error(code: str, message: str) -> Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error xmlns="urn:yahoo:api"><Message>{escape(message)}</Message><Code>{code}</Code></Error>'
    return Response(text.encode(), 400, media_type=_XML)


def _fault_body(status: int) -> tuple[bytes, str]:
    """The mall's own words for a status that carries no code of the API."""
    if status == 401:
        message = 'Please provide valid credentials. Bearer realm="yahooapis.jp", error="invalid_token", error_description="expired token"'
    else:
        message = "Service Unavailable" if status >= 500 else "Too Many Requests"
    return f"<Error><Message>{escape(message)}</Message></Error>".encode(), _XML
