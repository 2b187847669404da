"""An emulated MakeShop: one GraphQL door with three headers, selling from its own number, mails, two-minute notices.

Faults of any mall are the kit's; this mall's own are switches in ``state_of(shop)``, also set by
``POST /_emulator/makeshop``: uninstalled, null_as_a_whole, unknown_names, rejects, provisional, clock_seconds.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from adapters.kit.emulator import CONTROL, EmulatedOrder, EmulatedShop, emulator_app
from adapters.makeshop.emulated_graphql import Call, calls_in, error, selected
from adapters.makeshop.emulated_orders import cancel_mail, notices, order_mail, order_number, order_row
from ledger.terms import ListingKey

PATH = "/v1/graphql"
CALLS_PER_SECOND, CALLS_AT_ONCE = 1.0, 20  # 60 a minute, the plan of a client; the mall's own limit is not known
STAMP_SECONDS_MAX = 3_600
UNITS_MAX = 999_999
ROWS_MAX = 1_000


@dataclass
class MakeshopState:
    """What this mall keeps beside the numbers, and what goes wrong at it.

    ``rejects`` gives system codes the code their row fails with; ``null_as_a_whole`` makes one failing row null all of
    ``data``, as types that may not be null do. ``unknown_names``: fields this mall lacks. Mutable: the world outside.
    """

    noticed_until: datetime
    uninstalled: bool = False
    null_as_a_whole: bool = False
    clock_seconds: int = 0
    unknown_names: frozenset[str] = frozenset()
    rejects: dict[str, str] = field(default_factory=dict)
    provisional: set[str] = field(default_factory=set)
    shipped: set[str] = field(default_factory=set)
    next_is_provisional: bool = False
    own_codes: dict[ListingKey, tuple[str, str]] = field(default_factory=dict)


def state_of(shop: EmulatedShop) -> MakeshopState:
    """The switches of a shop whose emulator was made."""
    state = shop.extra["makeshop"]
    assert isinstance(state, MakeshopState), state
    return state


def emulator(shop: EmulatedShop) -> FastAPI:
    """The mall for one shop; its settings and secrets are the ones a merchant would enter."""
    state = MakeshopState(shop.clock.now())
    shop.extra["makeshop"] = state
    shop.number_order = order_number
    shop.write_order_mail = lambda _, order: _order_mail(state, order)
    shop.write_cancel_mail = lambda _, order: cancel_mail(order)
    shop.fault_body = _fault_body
    app = emulator_app(shop, "MakeShop (emulated)")

    @app.post(PATH)
    async def graphql(request: Request) -> Response:
        body = await request.body()
        with shop.lock:
            return _refused(shop, state, request) or _answer(shop, state, body)

    @app.post(f"{CONTROL}/makeshop")
    async def switches(request: Request) -> JSONResponse:
        asked = await request.json()
        with shop.lock:
            state.uninstalled = bool(asked.get("uninstalled", state.uninstalled))
            state.null_as_a_whole = bool(asked.get("null_as_a_whole", state.null_as_a_whole))
            state.clock_seconds = int(asked.get("clock_seconds", state.clock_seconds))
            state.unknown_names = frozenset(asked.get("unknown_names", state.unknown_names))
            state.next_is_provisional = bool(asked.get("provisional", state.next_is_provisional))
            state.rejects.update(asked.get("rejects", {}))
            return JSONResponse({"listings": len(shop.stock), "orders": len(shop.orders)})

    @app.get(f"{CONTROL}/makeshop/notices")
    async def due_notices() -> JSONResponse:
        return JSONResponse({"notices": [json.loads(body) for body in take_notices(shop)]})

    return app


def take_notices(shop: EmulatedShop) -> list[bytes]:
    """The bodies of 注文更新通知 that are due since the last taking, in cycles of two minutes."""
    with shop.lock:
        state = state_of(shop)
        found = list(notices(shop, state.noticed_until))
        state.noticed_until = shop.clock.now()
        return found


# ------------------------------------------------------------------ the door


def _refused(shop: EmulatedShop, state: MakeshopState, request: Request) -> Response | None:
    headers = request.headers
    token, key = shop.secrets.get("token", ""), shop.secrets.get("api_key", "")
    wanted = f"Bearer {token}" if token.startswith("PAT.") else f"Bearer PAT.{token}"
    if state.uninstalled or headers.get("authorization") != wanted or headers.get("x-api-key") != key:
        return _said(errors=[error("Unauthorized", "UNAUTHENTICATED")])
    stamp = headers.get("x-timestamp", "")
    now = int(shop.clock.now().timestamp()) + state.clock_seconds
    if not stamp.isdecimal() or abs(now - int(stamp)) > STAMP_SECONDS_MAX:
        return _said(errors=[error("Invalid timestamp", "UNAUTHENTICATED")])
    if not headers.get("content-type", "").startswith("application/json"):
        return Response(status_code=415)
    if shop.take_token("graphql", per_second=CALLS_PER_SECOND, burst=CALLS_AT_ONCE) > 0:
        return Response(status_code=429)
    return None


def _answer(shop: EmulatedShop, state: MakeshopState, body: bytes) -> Response:
    try:
        asked = json.loads(body)
        document, variables = str(asked["query"]), dict(asked.get("variables") or {})
    except (ValueError, KeyError, TypeError):
        return _said(errors=[error("Syntax Error: no document.", "GRAPHQL_PARSE_FAILED")], status=400)
    calls = calls_in(document, variables, state.unknown_names)
    if isinstance(calls, dict):
        return _said(errors=[calls], status=400)
    fields: dict[str, object] = {}
    errors: list[dict[str, object]] = []
    for call in calls:
        told = _carried_out(shop, state, call, document)
        if isinstance(told, str):
            errors.append(error("The request was not carried out.", told, [call.alias]))
        fields[call.alias] = None if isinstance(told, str) else told
    if errors and state.null_as_a_whole:
        return _said(errors=errors)
    return _said(fields, errors)


def _carried_out(shop: EmulatedShop, state: MakeshopState, call: Call, document: str) -> dict[str, object] | str:
    """What the field says, or the code of its error."""
    match call.operation:
        case "searchOrder":
            return _search_orders(shop, state, call.input, document)
        case "searchProductQuantity":
            return _search_numbers(shop, call.input)
        case _:
            return _set_number(shop, state, call)


def _set_number(shop: EmulatedShop, state: MakeshopState, call: Call) -> dict[str, object] | str:
    item, variant = call.input.get("systemCode"), call.input.get("variationId", "")
    units = call.input.get("quantity")
    if (
        not isinstance(item, str)
        or not isinstance(variant, str)
        or isinstance(units, bool)
        or not isinstance(units, int)
    ):
        return "BAD_USER_INPUT"
    if item in state.rejects:
        return state.rejects[item]
    key = ListingKey(item, variant)
    if key not in shop.stock or bool(variant) != (call.operation == "updateVariationQuantity"):
        return "NOT_FOUND"
    if not 0 <= units <= UNITS_MAX:
        return "BAD_USER_INPUT"
    shop.pushed([(key, units)])
    return {"systemCode": item, **({"variationId": variant} if variant else {}), "quantity": units}


def _search_numbers(shop: EmulatedShop, asked: Mapping[str, object]) -> dict[str, object] | str:
    codes, page, limit = asked.get("systemCodes"), asked.get("page", 1), asked.get("limit", 20)
    if (
        not isinstance(codes, list)
        or not isinstance(page, int)
        or not isinstance(limit, int)
        or not 0 < limit <= ROWS_MAX
    ):
        return "BAD_USER_INPUT"
    products: dict[str, dict[str, object]] = {}
    for key, units in shop.stock.items():
        if key.item not in codes:
            continue
        row = products.setdefault(key.item, {"systemCode": key.item, "quantity": None, "variations": []})
        if key.variant:
            variations = row["variations"]
            assert isinstance(variations, list), row
            variations.append({"variationId": key.variant, "quantity": units})
        else:
            row["quantity"] = units
    rows = list(products.values())
    return {"searchedCount": len(rows), "page": page, "products": rows[(page - 1) * limit : page * limit]}


def _search_orders(
    shop: EmulatedShop, state: MakeshopState, asked: Mapping[str, object], document: str
) -> dict[str, object] | str:
    page, limit, status = asked.get("page", 1), asked.get("limit", 20), asked.get("deliveryStatus", "N")
    numbers = asked.get("displayOrderNumbers")
    since, until = _moment(asked.get("startOrderDate")), _moment(asked.get("endOrderDate"))
    if not isinstance(page, int) or not isinstance(limit, int) or not 0 < limit <= ROWS_MAX:
        return "BAD_USER_INPUT"
    if not isinstance(numbers, list) and (since is None or until is None):
        return "BAD_USER_INPUT"
    found = [
        order
        for order in sorted(shop.orders.values(), key=lambda order: order.ordered_at)
        if _status(state, order) == status and _is_asked_for(order, numbers, since, until)
    ]
    rows = [
        order_row(order, state.own_codes, provisional=order.number in state.provisional)
        for order in found[(page - 1) * limit : page * limit]
    ]
    return {"searchedCount": len(found), "page": page, "orders": [selected(document, row) for row in rows]}


def _is_asked_for(order: EmulatedOrder, numbers: object, since: datetime | None, until: datetime | None) -> bool:
    if isinstance(numbers, Sequence):
        return order.number in numbers
    assert since is not None and until is not None
    return since <= order.ordered_at <= until


def _status(state: MakeshopState, order: EmulatedOrder) -> str:
    if order.cancelled_at is not None:
        return "C"
    return "Y" if order.number in state.shipped else "N"


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str) or len(text) != 14 or not text.isdecimal():
        return None
    return datetime.strptime(text + "+0900", "%Y%m%d%H%M%S%z").astimezone(UTC)


# ------------------------------------------------------------------ answers


def _order_mail(state: MakeshopState, order: EmulatedOrder) -> bytes:
    if state.next_is_provisional:
        state.provisional.add(order.number)
    return order_mail(order, state.own_codes, provisional=order.number in state.provisional)


def _said(
    fields: Mapping[str, object] | None = None, errors: Sequence[Mapping[str, object]] = (), *, status: int = 200
) -> JSONResponse:
    return JSONResponse({"data": fields, **({"errors": list(errors)} if errors else {})}, status_code=status)


def _fault_body(status: int) -> tuple[bytes, str]:
    code = {401: "UNAUTHENTICATED", 429: "TOO_MANY_REQUESTS"}.get(status, "INTERNAL_SERVER_ERROR")
    return json.dumps({"errors": [error("The request was not carried out.", code)]}).encode(), "application/json"
