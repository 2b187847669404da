"""What runs in bulk look like over GraphQL: previews, differences, what was applied or taken back, numbers side by side."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from api.graphql.scalars import Count, Position


@strawberry.type
class ReasonCount:
    """How many rows there are of this reason."""

    reason: str
    count: Count


@strawberry.type
class ToldShop:
    """What a running shop would be told: listings up, down, to 0, and told by us for the first time."""

    shop: str
    up: Count
    down: Count
    to_zero: Count
    first: Count


@strawberry.type
class ImportProblem:
    """A cell that was not understood: what it says, and what was expected."""

    row: Count
    column: str
    value: str
    expected: str


@strawberry.type
class ImportPreview:
    """What applying the staged import would do, as the ledger stands at ``position``; nothing was recorded.

    ``numbers`` that there are, ``numbersChanged`` that would be others, ``toZero`` that would fall to 0 or below. ``guarded``:
    it is applied only when these two counts are confirmed.
    """

    import_id: str
    position: Position
    rows: Count
    problem_count: Count
    problems: list[ImportProblem]
    would_change: Count
    same: Count
    would_skip: list[ReasonCount]
    new_listings: Count
    new_skus: Count
    first_numbers: Count
    to_zero: Count
    sells_at_zero: Count
    numbers: Count
    numbers_changed: Count
    switched: Count
    would_tell: list[ToldShop]
    same_file_as: str | None
    guarded: bool


@strawberry.type
class DifferenceNode:
    """One SKU's available units before and after; ``before`` null: it has no number yet."""

    sku: str
    row: Count
    before: int | None
    after: int | None


@strawberry.type
class MovedNode:
    """A SKU whose stock moved since it was shown, and which was decided again."""

    sku: str
    shown_before: int | None
    shown_after: int | None
    stood_at: int | None


@strawberry.type
class ImportApplied:
    """What was applied. ``movedSincePreview``: how many SKUs moved since they were shown, the first of them in ``moved``;
    ``decidedAgain``: rows whose SKU moved while they were applied.
    """

    import_id: str
    position: Position
    changed: Count
    unchanged: Count
    skipped: list[ReasonCount]
    moved_since_preview: Count
    moved: list[MovedNode]
    decided_again: Count
    note: str


@strawberry.type
class ImportUndoing:
    """What was, or with ``dryRun`` would be, taken back. ``moved``: SKUs that moved since and are left, the first of ``left``."""

    import_id: str
    position: Position
    undone: Count
    already: Count
    left: Count
    moved: list[str]


@strawberry.type
class MallNumber:
    """What a shop's file said of the SKU, and when that was true."""

    shop: str
    units: Count
    counted_at: datetime


@strawberry.type
class BesideNode:
    """A SKU whose malls disagree: every number, the booked one first; ``smallest`` is what the default choice books."""

    sku: str
    available: int
    smallest: Count
    numbers: list[MallNumber]


@strawberry.type
class SetUpBooked:
    """One number was booked for ``changed`` SKUs, by the run ``importId``."""

    import_id: str
    position: Position
    changed: Count
    skipped: list[ReasonCount]


@strawberry.type
class RunNode:
    """One run in bulk. ``kind``: stock, products, both, set_up, listings, sets or receipts. ``lastRow`` of ``rows`` is how far it is.

    ``counts``: those of its last preview, or of what a list did; only of a single run.
    """

    import_id: str
    shop: str | None
    kind: str
    format: str
    mode: str
    state: str
    file: str
    rows: Count
    problems: Count
    last_row: Count | None
    changed: Count | None
    skipped: Count | None
    undone: Count | None
    kept: Count | None
    made_at: datetime
    actor: str
    refused: str | None
    counts: JSON | None


@strawberry.type
class ImportStopped:
    """The import stopped; true at ``position``."""

    import_id: str
    position: Position


@strawberry.input
class ConfirmInput:
    """The counts you saw: ``numbersChanged`` and ``toZero`` of the preview."""

    numbers_changed: Count
    to_zero: Count
