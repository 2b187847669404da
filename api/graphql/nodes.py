"""Nodes of the schema: rows of the lists, named as the glossary names them."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

import strawberry
from strawberry.scalars import JSON

from api.graphql.context import Asked
from api.graphql.scalars import Count, Position
from ledger.levels import Level
from projections.assumed import estimated
from projections.listing_list import ListingNow
from projections.order_list import OrderPart

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
    version: Count
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
    counted_position: strawberry.Private[int]

    @classmethod
    def of(cls, sku: str, place: str, level: Level) -> "StockNode":
        return node(
            cls,
            level.stock,
            sku=sku,
            place=place,
            version=Count(level.stock.version),
            counted_position=level.counted_position,
        )

    @strawberry.field
    async def on_hand_estimated(self, info: Asked) -> bool:
        """推定: ``onHandUnits`` rests on shipments that were only assumed since the last count. As far as the change log is."""
        house, sku, position = info.context.house, self.sku, self.counted_position

        def read() -> bool:
            with house.pool.connection() as database:
                return sku in estimated(database, house.database.schema, {sku: position})

        return await info.context.in_thread(read)


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
    import_row: Count | None
    happened_at: datetime
    recorded_at: datetime


@strawberry.type
class PushNode:
    """想定在庫反映ログ: one listing of one request. ``outcome`` None: no answer yet. ``cause``: what the mall's code means, in Japanese."""

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
    cause: str | None
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
    orders: Count
    last_order_at: datetime | None
    last_read_at: datetime | None
    last_sent_at: datetime | None
    last_answered_at: datetime | None
    settings: JSON


@strawberry.type
class ListingSettingsNode:
    """The rules of a listing: what of the free units it is told."""

    reserve: int
    share_percent: int
    cap: int | None
    stop_threshold: int | None
    resume_level: int | None
    minimum_rest_seconds: int
    first_choice: bool
    lead_time_days: int | None
    restock_on: str | None
    own_item_names: list[str]
    own_item_values: list[str]


@strawberry.type
class ListingNode:
    """ショップ商品. Units count listings; ``freeUnits`` counts the SKU. ``wantedUnits`` None: it is not told anything.

    ``expectedUnits`` None: uncertain, or never told. ``queued``: the mall is to be told; ``rejectedCode``: it waits on the
    work list (反映エラー). ``sellsAtZero``: by the mall's own flag 0 does not stop the page.
    """

    shop: str
    item: str
    variant: str
    sku: str
    units_per_listing: int
    state: str
    codes: list[str]
    free_units: int | None
    wanted_units: int | None
    told_units: int | None
    expected_units: int | None
    read_units: int | None
    read_found: bool
    unseen_units: int
    sent_at: datetime | None
    applied_until: datetime | None
    read_at: datetime | None
    uncertain_since: datetime | None
    pending: bool
    queued: bool
    sells_at_zero: bool
    rejected_code: str | None
    settings: ListingSettingsNode
    position: Position

    @classmethod
    def of(cls, row: ListingNow) -> "ListingNode":
        numbers = row.numbers
        return node(
            cls,
            row,
            item=row.key.item,
            variant=row.key.variant,
            codes=list(row.codes),
            told_units=numbers.told_units,
            expected_units=numbers.expected_units,
            read_units=numbers.read_units,
            read_found=numbers.read_found,
            sent_at=numbers.sent_at,
            applied_until=numbers.applied_until,
            read_at=numbers.read_at,
            uncertain_since=numbers.uncertain_since,
            pending=numbers.pending_request is not None,
            rejected_code=numbers.rejected_code,
            settings=node(ListingSettingsNode, row.settings),
            position=Position(row.position),
        )


@strawberry.type
class OrderPartNode:
    """One line of an order and one SKU that it takes. ``openUnits`` and ``shippedUnits`` count the SKU told,
    ``servedUnits`` the part's SKU; None: it has no number.
    """

    line: int
    part: int
    state: str
    item: str
    variant: str
    sku: str | None
    quantity: int
    quantity_left: int
    units: int
    units_known: bool
    counted: bool
    part_sku: str | None
    open_units: int
    shipped_units: int
    returned_units: int
    served_units: int | None


@strawberry.type
class OrderNode:
    """引当確認受注一覧: one order with its lines. ``reviews`` are codes of 要確認; ``verified`` False: 未検証."""

    shop: str
    number: str
    first_position: Position
    position: Position
    state: str
    cancelled: bool
    reason: str | None
    verified: bool
    reviews: list[str]
    door: str | None
    ordered_at: datetime | None
    ordered_precision: str
    told_at: datetime | None
    recorded_at: datetime
    trace: str
    lines: list[OrderPartNode]

    @classmethod
    def of(cls, parts: Sequence[OrderPart]) -> "OrderNode":
        """The order whose rows these are."""
        head = parts[0]
        lines = [node(OrderPartNode, part, state=str(part.state)) for part in parts]
        return node(cls, head, state=head.order_state, reviews=list(head.reviews), lines=lines)


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
    rows: Count
    rows_applied: Count
    rows_changed: Count
    rows_unchanged: Count
    rows_skipped: Count
    counted_at: datetime | None
    started_at: datetime
    ended_at: datetime | None
    actor: str


@strawberry.type
class PositionNode:
    """Where the ledger stands, and how far the lists have come."""

    ledger: Position
    lists: Position


@strawberry.type
class FindingNode:
    """One thing that was looked at: ``about`` orders or pushes; ``level`` problem (a person has to act), waits or fine."""

    about: str
    code: str
    level: str
    japanese: str
    english: str
    next_step: str
