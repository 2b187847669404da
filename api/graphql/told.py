"""What the malls were told, believe and show, as one part of the schema: its queries and mutations together."""

import strawberry

from api.graphql.believed import BelievedQueries
from api.graphql.exposing import ExposureQueries, ResendMutations
from api.graphql.reconciling import DriftMutations, DriftQueries
from api.graphql.syncing import SyncMutations, SyncQueries


@strawberry.type
class ToldQueries(BelievedQueries, DriftQueries, SyncQueries, ExposureQueries):
    """What the malls believe and show."""


@strawberry.type
class ToldMutations(DriftMutations, SyncMutations, ResendMutations):
    """What is done about what the malls show."""
