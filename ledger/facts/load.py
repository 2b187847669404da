"""Facts of what comes in by file or slip: ``import:<id>``, ``receipt:<slip>``, ``hold:<id>``, ``stocktake:<id>``."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class ImportStarted:
    """A file is being applied. ``covers_*`` as in StockOverwritten; ``mode`` overwrite or add.

    ``seen_*``: what the actor had been shown before, numbers that would change and that would go to 0, as the ledger stood at
    that position; ``confirmed``: the actor named these counts, so that the guard let them pass.
    """

    shop: str | None
    kind: str
    mode: str
    format: str
    encoding: str
    file_digest: str
    rows: int
    counted_at: str
    covers_shops: list[str] = field(default_factory=list)
    covers_up_to: list[str] = field(default_factory=list)
    covers_up_to_position: list[int] = field(default_factory=list)
    seen_position: int | None = None
    seen_changed: int | None = None
    seen_to_zero: int | None = None
    confirmed: bool = False


@dataclass(frozen=True, kw_only=True)
class ImportLaidBeside:
    """Set-up: its numbers wait beside those of other malls for a choice (D5). ``skus``: how many."""

    skus: int


@dataclass(frozen=True, kw_only=True)
class SetUpChosen:
    """``choice``: smallest, one shop, or start_minus_sales (then with ``start_at``)."""

    imports: list[str]
    choice: str
    start_at: str | None


@dataclass(frozen=True, kw_only=True)
class ImportChunkApplied:
    """Rows up to ``last_row`` are in the ledger; resume goes on behind it. Why rows were skipped stands beside each."""

    chunk: int
    last_row: int
    rows: int
    changed: int
    skipped: int
    skipped_rows: list[int] = field(default_factory=list)
    skipped_reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ImportFinished:
    rows: int
    changed: int
    unchanged: int
    skipped: int


@dataclass(frozen=True, kw_only=True)
class ImportCancelled:
    """Stopped by a person; chunks already applied stay, and are listed."""

    rows_applied: int


@dataclass(frozen=True, kw_only=True)
class ImportUndone:
    rows_undone: int
    rows_kept: int


@dataclass(frozen=True, kw_only=True)
class IncomingExpected:
    """入荷予定."""

    lines: list[str]
    skus: list[str]
    units: list[int]
    due_on: list[str]


@dataclass(frozen=True, kw_only=True)
class Received:
    """入荷: these lines of the slip came in."""

    place: str
    lines: list[str]
    skus: list[str]
    units: list[int]


@dataclass(frozen=True, kw_only=True)
class ReceiptUndone:
    lines: list[str]


@dataclass(frozen=True, kw_only=True)
class HoldPlaced:
    """取り置き. ``reference`` is the merchant's own number, never a name. ``on_expiry``: release or ask."""

    reference: str
    place: str
    sku: str
    units: int
    ends_at: str
    on_expiry: str


@dataclass(frozen=True, kw_only=True)
class HoldExtended:
    ends_at: str


@dataclass(frozen=True, kw_only=True)
class HoldAsked:
    """It ended and waits for a person's answer; its units stay held."""


@dataclass(frozen=True, kw_only=True)
class HoldMoved:
    """The units are held of ``sku`` from here on: the SKU they were held of was made one with it, or parted from it."""

    sku: str


@dataclass(frozen=True, kw_only=True)
class HoldConsumed:
    """``units`` of the hold went to ``order`` in the same commit."""

    order: str
    units: int


@dataclass(frozen=True, kw_only=True)
class HoldExpired:
    units: int


@dataclass(frozen=True, kw_only=True)
class HoldReleased:
    units: int


@dataclass(frozen=True, kw_only=True)
class StocktakeStarted:
    place: str
    skus: list[str]


@dataclass(frozen=True, kw_only=True)
class CountTold:
    sku: str
    units: int
    counted_at: str
    picked_in: bool


@dataclass(frozen=True, kw_only=True)
class StocktakeApproved:
    skus: list[str]


ImportFact: TypeAlias = (
    ImportStarted
    | ImportLaidBeside
    | SetUpChosen
    | ImportChunkApplied
    | ImportFinished
    | ImportCancelled
    | ImportUndone
)
ReceiptFact: TypeAlias = IncomingExpected | Received | ReceiptUndone
HoldFact: TypeAlias = HoldPlaced | HoldMoved | HoldExtended | HoldAsked | HoldConsumed | HoldExpired | HoldReleased
StocktakeFact: TypeAlias = StocktakeStarted | CountTold | StocktakeApproved
