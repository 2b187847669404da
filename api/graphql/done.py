"""What every mutation answers."""

import strawberry
from strawberry.scalars import JSON

from api.graphql.context import Asked
from api.graphql.scalars import Position
from ledger.book import Verb
from ledger.writer import Done


@strawberry.type
class MutationDone:
    """What was done. ``facts``: how many this call recorded; 0: nothing new was said.

    ``replayed``: it was done before under this key; ``position`` and ``answer`` are those of the first time.
    """

    position: Position
    facts: int
    replayed: bool
    answer: JSON


def said(done: Done) -> MutationDone:
    """The answer for what was done."""
    return MutationDone(
        position=Position(done.position), facts=done.facts, replayed=done.replayed, answer=JSON(dict(done.answer))
    )


async def do(info: Asked, verb: Verb, key: str | None) -> MutationDone:
    """The verb is done; ``key`` is the client's own."""
    return said(await info.context.do(verb, key))
