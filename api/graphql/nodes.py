"""Nodes of the schema: rows of the lists, named as the glossary names them."""

from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

import strawberry
from strawberry.scalars import JSON

from api.graphql.scalars import Position
from ledger.stock import Stock

N = TypeVar("N")


def node(kind: type[N], row: object, **more: object) -> N:
    """A node with the fields of the row that bear the same names, and these more."""
    taken: dict[str, Any] = {
        field.name: getattr(row, field.name)
        for field in fields(kind)  # type: ignore[arg-type]
        if field.name not in more and hasattr(row, field.name)
    }
    return kind(**taken, **more)


@strawberry.type
class StockNode:
    """One SKU at one place, now. ``availableUnits`` None: no number has been set (在庫未登録), which is not zero."""

    sku: str
    place: str
    version: Position
    on_hand_units: int | None
    allocated_units: int
    available_units: int | None
    free_units: int | None
    held_units: int
    kept_back_units: int
    auction_kept_units: int
    defective_units: int
    undecided_units: int
    short_units: int

    @classmethod
    def of(cls, sku: str, place: str, stock: Stock) -> "StockNode":
        return node(cls, stock, sku=sku, place=place, version=Position(stock.version))


@strawberry.type
class ChangeNode:
    """在庫変動ログ: one change of stock; ``before`` and ``after`` are available units around it."""

    position: Position
    place: str
    sku: str
    kind: str
    units: int | None
    delta: int | None
    before: int | None
    after: int | None
    on_hand: int | None
    shop: str | None
    order_number: str | None
    reference: str | None
    actor: str
    cause: str | None
    trace: str
    import_id: str | None
    import_row: Position | None
    happened_at: datetime
    recorded_at: datetime


@strawberry.type
class PushNode:
    """想定在庫反映ログ: one listing of one request. ``outcome`` None: no answer yet."""

    position: Position
    shop: str
    request: str
    item: str
    variant: str
    channel: str
    trigger: str
    attempt: int
    computed_at: Position
    expected_before: int | None
    units: int
    trace: str
    recorded_at: datetime
    outcome: str | None
    mall_code: str | None
    sent_at: datetime | None
    applied_from: datetime | None
    applied_until: datetime | None
    answer_milliseconds: int | None


@strawberry.type
class ShopNode:
    """連携ショップ with its switches. Settings are never secrets."""

    shop: str
    mall: str
    mall_shop_id: str
    match_key: str
    intake: bool
    intake_proven: bool
    push: bool
    paused: str | None
    send_type: str
    orders: int
    last_order_at: datetime | None
    last_read_at: datetime | None
    last_sent_at: datetime | None
    last_answered_at: datetime | None
    settings: JSON


@strawberry.type
class ImportNode:
    """One import (在庫一括更新): what the file was, how far it came, what it changed."""

    import_id: str
    first_position: Position
    state: str
    shop: str | None
    kind: str
    mode: str
    format: str
    encoding: str
    rows: Position
    rows_applied: Position
    rows_changed: Position
    rows_unchanged: Position
    rows_skipped: Position
    counted_at: datetime | None
    started_at: datetime
    ended_at: datetime | None
    actor: str


@strawberry.type
class PositionNode:
    """Where the ledger stands, and how far the lists have come."""

    ledger: Position
    lists: Position
