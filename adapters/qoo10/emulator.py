"""An emulated Qoo10: QAPI by path and by query as NOTES.md says, always HTTP 200, selling from its own number.

This mall's own switches stand in ``shop.extra["qoo10"]`` (a ``Qoo10State``), also set by ``POST /_emulator/qoo10``.
"""

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from adapters.kit.emulator import EmulatedShop, emulator_app
from adapters.qoo10.emulated_items import ITEM_METHODS
from adapters.qoo10.emulated_orders import ORDER_METHODS, order_number
from adapters.qoo10.emulated_state import Qoo10State, Said, new_key, refusal, said, state_of
from adapters.qoo10.qapi import ISSUE, KEY_HEADER, PATH

__all__ = ["Qoo10State", "emulator", "state_of"]

_METHODS = {name.casefold(): (name, run) for name, run in {**ITEM_METHODS, **ORDER_METHODS}.items()}
_FIELDS_MAX = 20


def emulator(shop: EmulatedShop) -> FastAPI:
    """The mall for one seller; its settings and secrets are the ones a merchant would enter."""
    shop.extra["qoo10"] = Qoo10State(sak=shop.secrets.get("seller_auth_key", ""))
    shop.number_order = lambda serial, _: order_number(serial)
    shop.fault_body = lambda status: (json.dumps({"Message": f"status {status}"}).encode(), "application/json")
    app = emulator_app(shop, "Qoo10")

    @app.post(PATH + "/{method}")
    async def by_path(method: str, request: Request) -> Response:
        fields = _form(await request.body())
        key = request.headers.get(KEY_HEADER.lower(), "")
        return _answer(shop, method, key, fields)

    @app.api_route(PATH, methods=["GET", "POST"])
    async def by_query(request: Request) -> Response:
        fields = dict(request.query_params) | _form(await request.body())
        return _answer(shop, fields.get("method", ""), fields.get("key", ""), fields)

    @app.post("/_emulator/qoo10")
    async def switches(request: Request) -> JSONResponse:
        asked = await request.json()
        with shop.lock:
            state = state_of(shop)
            state.expired = bool(asked.get("expired_key", state.expired))
            state.broken_every = int(asked.get("broken_every", state.broken_every))
            state.visible_after_seconds = float(asked.get("visible_after_seconds", state.visible_after_seconds))
            state.names_lines = bool(asked.get("names_lines", state.names_lines))
            return JSONResponse({"expired_key": state.expired, "broken_every": state.broken_every})

    return app


def _form(body: bytes) -> dict[str, str]:
    """The fields of a form; {} for a body of another kind."""
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_FIELDS_MAX))
    except ValueError:
        return {}


def _answer(shop: EmulatedShop, method: str, key: str, fields: Mapping[str, str]) -> Response:
    with shop.lock:
        state = state_of(shop)
        state.asked.append((method, dict(fields)))
        if method.casefold() == ISSUE.casefold():
            return _written(_issued(shop, key, fields), fields)
        if state.expired and key == state.sak:
            return _written(refusal(-90004, "Seller authorization key is expired. Use a new key."), fields)
        if not key or key != state.sak:
            return _written({"ErrorCode": -90001, "ErrorMsg": "存在しないAPIです。"}, fields)
        known = _METHODS.get(method.casefold())
        if known is None:
            return Response(f"Can't find method Info {escape(method)}", media_type="text/plain")
        return _written(known[1](shop, fields), fields)


def _issued(shop: EmulatedShop, key: str, fields: Mapping[str, str]) -> Said:
    """A new SAK for the right API key, user and password; the one before is good no more."""
    right = (shop.secrets.get("api_key", ""), shop.settings.get("user_id", ""), shop.secrets.get("password", ""))
    if not all(right) or (key, fields.get("user_id"), fields.get("pwd")) != right:
        return refusal(-10000, "Please check the Seller Authorization Key.")
    state = state_of(shop)
    state.expired = False
    state.sak = new_key(state)
    return said(state.sak)


def _written(answer: Said, fields: Mapping[str, str]) -> Response:
    """JSON, or XML where it is asked for; the status is 200 whatever is said."""
    if "xml" in fields.get("returnType", ""):
        parts = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in answer.items())
        return Response(f"<StdResult>{parts}</StdResult>", media_type="text/xml")
    return JSONResponse(answer)
