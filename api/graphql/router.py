"""The GraphQL endpoint: limits, permissions by one table, errors that say what a caller can mend and hide the rest."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import strawberry
from fastapi import APIRouter, Depends
from graphql import GraphQLError
from strawberry.extensions import MaskErrors, MaxAliasesLimiter, MaxTokensLimiter, QueryDepthLimiter, SchemaExtension
from strawberry.fastapi import GraphQLRouter
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

from api.graphql.context import Context
from api.graphql.mutations import Mutation
from api.graphql.queries import Query
from api.graphql.scalars import config
from api.keys import Caller
from api.permissions import FIELDS
from api.threads import Bridge
from api.wiring import House
from ledger.writer import LedgerUnavailable, OutcomeUnknown

# reliability.md R14
DEPTH_MAX = 10
TOKENS_MAX = 1_000
ALIASES_MAX = 15


class Forbidden(GraphQLError):
    """The caller's key lacks the scope of a root field."""

    def __init__(self, field: str, scope: str) -> None:
        super().__init__(
            f"{field} needs the scope {scope!r}; the API key does not have it", extensions={"code": "FORBIDDEN"}
        )


class Permissions(SchemaExtension):
    """Every root field is checked against the one table."""

    def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        if info.path.prev is None and not info.field_name.startswith("__"):
            field = f"{info.parent_type.name}.{info.field_name}"
            scope = FIELDS[field]
            if scope not in info.context.caller.scopes:
                info.context.response.status_code = 403
                raise Forbidden(field, scope)
        return _next(root, info, *args, **kwargs)


def is_ours(error: GraphQLError) -> bool:
    """Whether the error is ours and its text may quote what nobody should see. A user's error is a sentence for the screen."""
    original = error.original_error
    if original is None or isinstance(original, GraphQLError | LedgerUnavailable | OutcomeUnknown):
        return False
    return not isinstance(original, ValueError) or type(original).__module__ == "builtins"


def schema() -> strawberry.Schema:
    """The schema with its limits."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        config=config(),
        extensions=[
            lambda: QueryDepthLimiter(max_depth=DEPTH_MAX),
            lambda: MaxTokensLimiter(max_token_count=TOKENS_MAX),
            lambda: MaxAliasesLimiter(max_alias_count=ALIASES_MAX),
            Permissions,
            lambda: MaskErrors(
                should_mask_error=is_ours, error_message="an error of ours; it is in the log with its time"
            ),
        ],
    )


def graphql_router(house: House, bridge: Bridge, caller: Callable[..., Awaitable[Caller]]) -> APIRouter:
    """``/graphql`` for this house; ``caller`` answers who calls, or refuses."""

    async def context(who: Annotated[Caller, Depends(caller)]) -> Context:
        return Context(house, who, bridge)

    router: APIRouter = GraphQLRouter(
        schema(),
        path="/graphql",
        context_getter=context,
        graphql_ide=None,
        allow_queries_via_get=False,
        subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
    )
    return router
