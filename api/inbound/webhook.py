"""``POST /inbound/webhook/{token}``: an order told by a mall's webhook, at the shop's unguessable address.

The mall's own proof (a signature over the body as it came, a time) is checked before anything is kept. 200 comes after the
call is committed; the same call again has no effect. The token in the path is a secret: access logs must leave the path out.
"""

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from adapters.kit.mall import OrderWebhook, WebhookCall, WebhookRefused
from api.inbound.arrivals import Arrivals, NotStored
from api.inbound.bodies import CLOSE, BodyTooLarge, in_pool, whole_body
from api.jobs.message_reading import kept_call
from api.shop_access import ShopAccesses
from api.tables import secrets
from api.wiring import House
from ledger.shop import ShopNotReady
from ledger.terms import Door

BODY_SECONDS_MAX = 15.0
RETRY_SECONDS = 5


def router(house: House) -> APIRouter:
    """The route, for the app to include."""
    arrivals, accesses = Arrivals(house, in_pool), ShopAccesses(house)
    routes = APIRouter()

    @routes.post("/inbound/webhook/{token}")
    async def take_call(token: str, request: Request) -> Response:
        """200 once stored; 401 not proven, 404 nobody's address, 413 too large, 408 too slow, 503 send again."""
        try:
            shop = await asyncio.to_thread(arrivals.shop_of, token)
            webhook = None if shop is None else await asyncio.to_thread(_webhook_of, accesses, shop)
            if shop is None or webhook is None:
                return JSONResponse({"detail": "no shop takes webhooks at this address"}, 404)
            async with asyncio.timeout(BODY_SECONDS_MAX):
                body = await whole_body(request, webhook.body_bytes_max)
            call = WebhookCall({name.lower(): value for name, value in request.headers.items()}, body)
            verdict = await asyncio.to_thread(_accepted, house, shop, webhook, call)
            if isinstance(verdict, WebhookRefused):
                return JSONResponse({"detail": f"the call is not taken: {verdict.rule}"}, 401)
            await asyncio.wrap_future(arrivals.store([shop], Door.WEBHOOK, kept_call(call, webhook.reads_headers)))
        except BodyTooLarge as refused:
            return JSONResponse({"detail": str(refused)}, 413, CLOSE)
        except TimeoutError:
            return JSONResponse({"detail": f"the body took longer than {BODY_SECONDS_MAX:g} s"}, 408, CLOSE)
        except ClientDisconnect:
            return Response(status_code=400)
        except NotStored:
            detail = "the database does not answer; send the call again"
            return JSONResponse({"detail": detail}, 503, {"Retry-After": str(RETRY_SECONDS)})
        return JSONResponse({"stored": True}, 200)

    return routes


def _webhook_of(accesses: ShopAccesses, shop: str) -> OrderWebhook | None:
    try:
        found = accesses.connected(shop).mall.order_webhook
    except ShopNotReady:
        return None
    return found if isinstance(found, OrderWebhook) else None


def _accepted(house: House, shop: str, webhook: OrderWebhook, call: WebhookCall) -> object:
    with house.pool.connection() as connection:
        known = dict(secrets.of_shop(connection, house.seals, shop))
    return webhook.accept(call, known, house.clock.now())
