"""``POST /inbound/mail/{token}``: an order mail over HTTP, raw (RFC 822), at the shop's unguessable address.

For providers that deliver mail by web hook. 202 comes after the message is committed; an equal mail sent again has no
effect, so a sender that got no answer sends again. The token in the path is a secret: access logs must leave the path out.
"""

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from api.inbound.arrivals import Arrivals, NotStored
from api.inbound.bodies import CLOSE, BodyTooLarge, in_pool, whole_body
from api.wiring import House

DOOR = "mail"
BODY_SECONDS_MAX = 60.0
RETRY_SECONDS = 5


def router(house: House) -> APIRouter:
    """The route, for the app to include."""
    arrivals = Arrivals(house, in_pool)
    bytes_max = house.settings.mail_bytes_max
    routes = APIRouter()

    @routes.post("/inbound/mail/{token}", status_code=202)
    async def take_mail(token: str, request: Request) -> Response:
        """202 once stored; 404 nobody's address, 413 too large, 400 empty, 408 too slow, 503 send again."""
        try:
            shop = await asyncio.to_thread(arrivals.shop_of, token)
            if shop is None:
                return JSONResponse(
                    {"detail": "no shop has this address; expected the one `daicho inbox address` shows"}, 404
                )
            async with asyncio.timeout(BODY_SECONDS_MAX):
                raw = await whole_body(request, bytes_max, named="DAICHO_MAIL_BYTES_MAX")
            if not raw.strip():
                return JSONResponse({"detail": "the body is empty; expected a raw mail (RFC 822)"}, 400)
            await asyncio.wrap_future(arrivals.store([shop], DOOR, raw))
        except BodyTooLarge as refused:
            return JSONResponse({"detail": str(refused)}, 413, CLOSE)
        except TimeoutError:
            return JSONResponse({"detail": f"the body took longer than {BODY_SECONDS_MAX:g} s"}, 408, CLOSE)
        except ClientDisconnect:
            return Response(status_code=400)
        except NotStored:
            return JSONResponse(
                {"detail": "the database does not answer; send the mail again"},
                503,
                {"Retry-After": str(RETRY_SECONDS)},
            )
        return JSONResponse({"stored": True}, 202)

    return routes
