"""The HTTP app: GraphQL, files in and out, mails in, health. Built by ``build(house)``; every route stands in ``permissions``."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import psycopg
import structlog
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from api.exports.router import router as exports_router
from api.graphql.router import graphql_router
from api.inbound.mail import router as mail_router
from api.inbound.webhook import router as webhook_router
from api.keys import Caller, Doorkeeper
from api.logs import where
from api.permissions import ANY, ROUTES
from api.run_lists import router as run_lists_router
from api.threads import Bridge
from api.uploads import router as files_router
from api.wiring import House
from ledger.writer import LedgerUnavailable, OutcomeUnknown

log = structlog.get_logger()


def build(house: House) -> FastAPI:
    """The app of this house; it holds nothing that another process would miss."""
    app = FastAPI(title="Daicho 台帳", docs_url=None, redoc_url=None, openapi_url=None)
    bridge = Bridge()
    doorkeeper = Doorkeeper(house)

    async def caller_of(request: Request) -> Caller:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthorized("no API key; expected the header Authorization: Bearer daicho_…")
        found = await bridge.in_thread(doorkeeper.caller, token.strip())
        if found is None:
            raise _unauthorized("the API key is not known or was revoked; expected one made by `daicho key add`")
        return found

    def needs(scope: str | None) -> Callable[[Caller], Awaitable[Caller]]:
        assert scope is not None, "a route without a key takes no caller"

        async def check(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
            if scope != ANY and scope not in caller.scopes:
                raise HTTPException(
                    403, f"the API key lacks the scope {scope!r}; it has {', '.join(sorted(caller.scopes))}"
                )
            return caller

        return check

    app.include_router(graphql_router(house, bridge, needs(ROUTES["POST", "/graphql"])))
    app.include_router(files_router(house, bridge, needs(ROUTES["PUT", "/files/{shop}/{name}"])))
    app.include_router(exports_router(house, bridge, needs(ROUTES["GET", "/exports/{what}.csv"])))
    app.include_router(run_lists_router(house, bridge, needs(ROUTES["GET", "/imports/{import_id}/{what}.csv"])))
    app.include_router(mail_router(house))
    app.include_router(webhook_router(house))
    app.add_api_route("/healthz", _healthz, methods=["GET"])
    app.add_api_route("/readyz", _readyz(house, bridge), methods=["GET"])
    app.add_exception_handler(LedgerUnavailable, _unavailable)
    app.add_exception_handler(OutcomeUnknown, _unavailable)
    app.add_exception_handler(psycopg.OperationalError, _unavailable)
    app.add_exception_handler(Exception, _unexpected)
    return app


async def _healthz() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


def _readyz(house: House, bridge: Bridge) -> Callable[[], Awaitable[Response]]:
    def position() -> int:
        with house.pool.connection(timeout=2) as connection:
            row = connection.execute("SELECT position FROM ledger_head").fetchone()
        assert row is not None
        return int(row[0])

    async def readyz() -> Response:
        """Work can be done: the database answers. 503 when it does not."""
        try:
            return JSONResponse({"status": "ok", "position": await bridge.in_thread(position)})
        except psycopg.Error:
            return JSONResponse({"status": "the database does not answer"}, 503)

    return readyz


def _unauthorized(sentence: str) -> HTTPException:
    return HTTPException(401, sentence, headers={"WWW-Authenticate": "Bearer"})


async def _unavailable(_: Request, error: Exception) -> Response:
    log.warning("unavailable", error=type(error).__name__)
    return JSONResponse(
        {
            "detail": "the database does not answer; nothing of this request was recorded for certain: send it again with the same key"
        },
        503,
        headers={"Retry-After": "1"},
    )


async def _unexpected(request: Request, error: Exception) -> Response:
    # The class and our own places alone: a message may quote what arrived, a path may hold a mail address.
    route = request.scope.get("route")
    log.error("unexpected", error=type(error).__name__, where=where(error), route=getattr(route, "path", None))
    return JSONResponse({"detail": "an error of ours; it is in the log with its time"}, 500)
