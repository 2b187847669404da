"""``POST /inbound/webhook/{token}``: an order told by a mall's webhook, at the shop's unguessable address.

The mall's own proof (a signature over the body as it came, a time) is checked before anything is kept. 200 comes after the
call is committed; the same call again has no effect. What is refused is logged by its rule. The token in the path is a secret:
access logs must leave the path out.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from adapters.kit.mall import OrderWebhook, WebhookAccepted, WebhookCall, WebhookRefused
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
KEPT_SECONDS = (
    2.0  # so long an address and its secrets are known without a look: a secret that was taken away proves no longer
)
KEPT_MAX = 1_000
PROVEN_AT_ONCE_BYTES = 65_536  # a larger body is proven in a thread: other callers do not wait for it
log = structlog.get_logger()


@dataclass(frozen=True)
class _Address:
    """The shop behind an address that takes webhooks, with what proves its mall's calls."""

    shop: str
    webhook: OrderWebhook
    secrets: Mapping[str, str]


class _Addresses:
    """Addresses by token. Only the event loop changes what is kept."""

    def __init__(self, house: House, arrivals: Arrivals) -> None:
        self._house = house
        self._arrivals = arrivals
        self._accesses = ShopAccesses(house)
        self._kept: dict[str, tuple[_Address, float]] = {}

    async def of(self, token: str) -> _Address | None:
        """The address; None for nobody's, and for a mall without webhooks. Raises NotStored when the database is away."""
        now = self._house.clock.monotonic()
        kept = self._kept.get(token)
        if kept is not None and now < kept[1]:
            return kept[0]
        found = await asyncio.to_thread(self._look, token)
        if found is not None:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[token] = (found, now + KEPT_SECONDS)
        return found

    def _look(self, token: str) -> _Address | None:
        shop = self._arrivals.shop_of(token)
        if shop is None:
            return None
        try:
            webhook = self._accesses.connected(shop).mall.order_webhook
        except ShopNotReady:
            return None
        if not isinstance(webhook, OrderWebhook):
            return None
        with self._house.pool.connection() as connection:
            known = dict(secrets.of_shop(connection, self._house.seals, shop))
        return _Address(shop, webhook, known)


def router(house: House, *, body_seconds_max: float = BODY_SECONDS_MAX) -> APIRouter:
    """The route, for the app to include."""
    arrivals = Arrivals(house, in_pool)
    addresses = _Addresses(house, arrivals)
    routes = APIRouter()

    @routes.post("/inbound/webhook/{token}")
    async def take_call(token: str, request: Request) -> Response:
        """200 once stored; 401 not proven, 404 nobody's address, 413 too large, 408 too slow, 503 send again."""
        shop = None
        try:
            address = await addresses.of(token)
            if address is None:
                return _refused(None, 404, "address", "no shop takes webhooks at this address")
            shop, webhook = address.shop, address.webhook
            async with asyncio.timeout(body_seconds_max):
                body = await whole_body(request, webhook.body_bytes_max)
            verdict, call = await _proven(house, address, request, body)
            if isinstance(verdict, WebhookRefused):
                return _refused(shop, 401, verdict.rule, f"the call is not taken: {verdict.rule}")
            await asyncio.wrap_future(arrivals.store([shop], Door.WEBHOOK, kept_call(call, webhook.reads_headers)))
        except BodyTooLarge as refused:
            return _refused(shop, 413, "too_large", str(refused), CLOSE)
        except TimeoutError:
            return _refused(shop, 408, "too_slow", f"the body took longer than {body_seconds_max:g} s", CLOSE)
        except ClientDisconnect:
            return Response(status_code=400)
        except NotStored:
            detail = "the database does not answer; send the call again"
            return JSONResponse({"detail": detail}, 503, {"Retry-After": str(RETRY_SECONDS)})
        return JSONResponse({"stored": True}, 200)

    return routes


async def _proven(
    house: House, address: _Address, request: Request, body: bytes
) -> tuple[WebhookAccepted | WebhookRefused, WebhookCall]:
    """What the mall's proof says of the call. A header of the proof that stands twice proves nothing: readers may differ on it."""
    counts = Counter(name.lower() for name in request.headers)
    call = WebhookCall({name.lower(): value for name, value in request.headers.items()}, body)
    if any(counts[name] > 1 for name in address.webhook.proof_headers):
        return WebhookRefused("header_twice"), call
    if len(body) <= PROVEN_AT_ONCE_BYTES:
        return address.webhook.accept(call, address.secrets, house.clock.now()), call
    return await asyncio.to_thread(address.webhook.accept, call, address.secrets, house.clock.now()), call


def _refused(
    shop: str | None, status: int, rule: str, sentence: str, headers: Mapping[str, str] | None = None
) -> Response:
    log.warning("webhook_refused", shop=shop, status=status, rule=rule)
    return JSONResponse({"detail": sentence}, status, dict(headers) if headers else None)
