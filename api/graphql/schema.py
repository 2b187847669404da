"""The schema with its limits (settable): depth, tokens, aliases. ``docs/schema.graphql`` is made from it."""

import strawberry
from graphql import GraphQLError
from strawberry.extensions import MaxAliasesLimiter, MaxTokensLimiter, QueryDepthLimiter
from strawberry.types import ExecutionContext

from api.graphql import (
    believed,
    done,
    exposing,
    holds,
    inbox,
    inputs,
    mail,
    mall_imports,
    mutations,
    nodes,
    one_order,
    order_desk,
    oversells,
    paging,
    queries,
    reconciling,
    run_nodes,
    runs,
    sending,
    serving,
    skus,
    syncing,
    told,
)
from api.graphql.described import describe
from api.graphql.errors import record
from api.graphql.mutations import Mutation
from api.graphql.permitted import Permissions
from api.graphql.queries import Query
from api.graphql.scalars import config
from api.settings import Settings


class Schema(strawberry.Schema):
    """Records by class what failed; the library would write messages, which may quote what arrived."""

    def process_errors(
        self,
        errors: list[GraphQLError],
        execution_context: ExecutionContext | None = None,  # noqa: ARG002  # the library's
    ) -> None:
        for error in errors:
            record(error)


def schema(settings: Settings) -> Schema:
    """The schema as these settings limit it."""
    describe(believed, done, inputs, nodes, one_order, paging, queries, sending, serving, mutations, reconciling)
    describe(order_desk, oversells, holds, inbox, mail)
    describe(syncing, told, exposing)
    describe(mall_imports)
    describe(run_nodes, runs)
    describe(skus)
    return Schema(
        query=Query,
        mutation=Mutation,
        config=config(),
        extensions=[
            lambda: MaxTokensLimiter(max_token_count=settings.graphql_tokens_max),
            lambda: QueryDepthLimiter(max_depth=settings.graphql_depth_max),
            lambda: MaxAliasesLimiter(max_alias_count=settings.graphql_aliases_max),
            lambda: Permissions(introspection=settings.graphql_introspection),
        ],
    )
