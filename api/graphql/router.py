"""``POST /graphql``: one operation a request, as JSON; errors say what a caller can mend and hide the rest.

There is no GET, no websocket and no upload here, so nothing of them has to be guarded. A body that is not JSON by its
content type is refused: another site's form cannot send one.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from graphql import GraphQLError
from strawberry.types import ExecutionResult

from api.graphql.context import Context
from api.graphql.errors import UNAVAILABLE, shown
from api.graphql.permitted import FORBIDDEN
from api.graphql.schema import schema
from api.keys import Caller
from api.threads import Bridge
from api.wiring import House

BODY_BYTES_MAX = 2_000_000
JSON_TYPE = "application/json"


class BodyRefused(ValueError):
    """The request is not one GraphQL operation as JSON."""


class Operation(msgspec.Struct):
    """What a client sends."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = msgspec.field(default=None, name="operationName")


def graphql_router(house: House, bridge: Bridge, caller: Callable[..., Awaitable[Caller]]) -> APIRouter:
    """The route for this house; ``caller`` answers who calls, or refuses."""
    router = APIRouter()
    made = schema(house.settings)

    @router.post("/graphql")
    async def post_graphql(request: Request, who: Annotated[Caller, Depends(caller)]) -> Response:
        """200 when the operation ran (its errors stand in the answer), 400 refused before, 403, 413, 415, 503."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != JSON_TYPE:
            return _refusal(415, f"the content type is not {JSON_TYPE}; expected one operation as JSON")
        body = await _body(request)
        if body is None:
            return _refusal(413, f"more than {BODY_BYTES_MAX:,} bytes; expected a smaller operation, or several")
        try:
            asked = _decoded(body)
        except BodyRefused as error:
            return _refusal(400, str(error))
        result = await made.execute(
            asked.query, asked.variables, context_value=Context(house, who, bridge), operation_name=asked.operation_name
        )
        assert isinstance(result, ExecutionResult), type(result)
        return _answer(result)

    return router


async def _body(request: Request) -> bytes | None:
    """The whole body; None when it is larger than BODY_BYTES_MAX."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > BODY_BYTES_MAX:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            return None
    return bytes(body)


def _decoded(body: bytes) -> Operation:
    try:
        return msgspec.json.decode(body, type=Operation)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise BodyRefused(
            'the body is not an operation; expected JSON: {"query": "…", "variables": {…}, "operationName": "…"}'
        ) from None


def _answer(result: ExecutionResult) -> Response:
    errors = result.errors or []
    body: dict[str, object] = {"data": result.data}
    if errors:
        body["errors"] = [shown(error) for error in errors]
    return _json(_status(result.data, errors), body)


def _status(answer: object, errors: Sequence[GraphQLError]) -> int:
    codes = {shown(error)["extensions"]["code"] for error in errors}
    if UNAVAILABLE in codes:
        return 503
    if FORBIDDEN in codes:
        return 403
    return 400 if answer is None and all(error.path is None for error in errors) and errors else 200


def _refusal(status: int, sentence: str) -> Response:
    return _json(status, {"data": None, "errors": [{"message": sentence, "extensions": {"code": "REFUSED"}}]})


def _json(status: int, body: object) -> Response:
    headers = {"Retry-After": "1"} if status == 503 else None
    return Response(msgspec.json.encode(body), status, headers, JSON_TYPE)
