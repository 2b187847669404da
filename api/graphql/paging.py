"""Relay connections with keyset cursors: a deep page costs what the first one does."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec
import strawberry
from strawberry.relay import PageInfo

from projections.reading import Found

T = TypeVar("T")
R = TypeVar("R")
K = TypeVar("K")


class CursorNotAccepted(ValueError):
    """The cursor is not one this list gave out."""


@strawberry.type
class Edge(Generic[T]):
    """One row and the cursor behind it."""

    cursor: str
    node: T


@strawberry.type
class Connection(Generic[T]):
    """One page of rows. ``pageInfo.endCursor`` is what ``after`` takes for the next page."""

    edges: list[Edge[T]]
    page_info: PageInfo


def connection(
    found: Found[R], cursor_of: Callable[[R], Sequence[object]], node_of: Callable[[R], T], *, after: str | None
) -> Connection[T]:
    """The page as a connection."""
    edges = [Edge(cursor=cursor(cursor_of(row)), node=node_of(row)) for row in found.rows]
    return Connection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=found.more,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )


def cursor(key: Sequence[object]) -> str:
    """The key of a row as an opaque text."""
    return base64.urlsafe_b64encode(msgspec.json.encode(list(key))).decode().rstrip("=")


def key_of(text: str | None, kind: type[K]) -> K | None:
    """The key behind a cursor; None for none. Raises CursorNotAccepted."""
    if text is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(raw, type=kind)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise CursorNotAccepted("after; expected a cursor that this list gave out (pageInfo.endCursor)") from None
