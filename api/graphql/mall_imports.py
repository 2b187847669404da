"""Reading a mall directly as an import, over GraphQL: staged as a file is, and applied by its import id."""

from datetime import datetime
from functools import partial

import strawberry

from api.graphql.context import Asked
from api.graphql.scalars import Count
from api.jobs import mall_imports


class ModeNotAccepted(ValueError):
    """The mode is not one that is known."""


@strawberry.type
class MallImport:
    """What was read of a mall and stored. ``notes``: what a person is told of it as a whole; ``countedAt``: no later order is inside.

    ``format``: api-everything (all that the mall has) or api-listings (the listings that are linked here).
    """

    import_id: str
    shop: str | None
    format: str
    rows: Count
    problems: Count
    notes: list[str]
    counted_at: datetime


@strawberry.type
class MallImportMutations:
    """Reading malls."""

    @strawberry.mutation
    async def read_mall(self, info: Asked, shop: str, mode: str = "overwrite", owed: str | None = None) -> MallImport:
        """The mall is read by its API and its answer is staged; ``mode``: overwrite (上書き) or add (追加).

        A reading that broke off goes on when it is asked for again within an hour.
        """
        if mode not in ("overwrite", "add"):
            raise ModeNotAccepted(f"mode {mode!r}; expected overwrite or add")
        context = info.context
        read = partial(mall_imports.read_mall, owed=owed)
        file = await context.in_thread(read, context.house, shop, mode, context.caller.actor)
        return MallImport(
            import_id=file.import_id,
            shop=file.shop,
            format=file.format,
            rows=Count(file.rows),
            problems=Count(file.problems),
            notes=list(file.notes),
            counted_at=file.counted_at,
        )
