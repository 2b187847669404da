"""Scalars of the schema: positions are larger than GraphQL's Int."""

from typing import NewType

import strawberry
from strawberry.schema.config import StrawberryConfig

Position = NewType("Position", int)


def config() -> StrawberryConfig:
    """The schema's configuration: names in camel case, our scalars."""
    return StrawberryConfig(
        auto_camel_case=True,
        scalar_map={
            Position: strawberry.scalar(
                name="Position",
                description="A place in the ledger: counts facts from 1, as a number.",
                serialize=int,
                parse_value=_position,
            )
        },
    )


def _position(value: object) -> Position:
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isdecimal():
        raise ValueError("position; expected a whole number from 0")
    return Position(int(value))
