"""Scalars of the schema: positions and counts are larger than GraphQL's Int."""

from typing import NewType

import strawberry
from strawberry.schema.config import StrawberryConfig

WHOLE_MAX = 2**63 - 1

Position = NewType("Position", int)
Count = NewType("Count", int)


class NumberNotAccepted(ValueError):
    """Not a whole number from 0."""


def config() -> StrawberryConfig:
    """The schema's configuration: names in camel case, our scalars."""
    return StrawberryConfig(
        auto_camel_case=True,
        scalar_map={
            Position: strawberry.scalar(
                name="Position",
                description="A place in the ledger: facts are counted from 1. A whole number, up to 2^63 - 1.",
                serialize=int,
                parse_value=_whole,
            ),
            Count: strawberry.scalar(
                name="Count",
                description="A whole number from 0 that may be larger than Int.",
                serialize=int,
                parse_value=_whole,
            ),
        },
    )


def _whole(value: object) -> int:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= WHOLE_MAX):
        raise NumberNotAccepted("expected a whole number from 0 to 2^63 - 1")
    return int(text)
