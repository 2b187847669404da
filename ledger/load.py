"""A file's way into stock (在庫一括更新): started, applied chunk by chunk, finished or cancelled.

An import is not atomic and says so: half-applied is a visible state that can be continued or stopped. Each row is decided by
itself: its listing is linked, its SKU registered, its number set (上書き) or summed in (追加), or it is skipped with a reason.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, TypeAlias

from ledger.codec import Record
from ledger.facts.load import (
    ImportCancelled,
    ImportChunkApplied,
    ImportFinished,
    ImportLaidBeside,
    ImportStarted,
    ImportUndone,
    SetUpChosen,
)
from ledger.levels import Count, Level
from ledger.view import Fold

MODES = ("overwrite", "add")
CHUNK_ROWS_MAX = 5_000
CHUNK_FACTS_MAX = 5_000  # a bulk is many short commits: one row is up to four facts
NOT_STARTED, RUNNING, FINISHED, CANCELLED, UNDONE = "not_started", "running", "finished", "cancelled", "undone"

# What became of a row: it changed a number, said what was known, or was skipped for a reason that a person is shown.
CHANGED = "changed"
UNCHANGED = "unchanged"
NO_NUMBER = "no_number"  # blank or unlimited: not zero
OLDER = "older"  # a newer number of the same source stands
IS_SET = "is_set"  # a set has no number of its own (D13)
OWED = "owed"  # 不足 lines: before or after them was not said (D14)
NO_SKU = "no_sku"  # the match key is empty and the listing is not linked
UNKNOWN_SKU = "unknown_sku"  # a stock file that makes no products named a SKU that does not exist
DISAGREES = "disagrees"  # two listings of one SKU with different numbers: which one is not ours to guess (D4)
TOO_MANY = "too_many"  # with 入数 more units than Daicho keeps
BESIDE = "beside"  # set-up: another mall stated another number; both wait for a choice (D5)
SEVERAL = "several"  # 追加 of several listings of one SKU: the same stock or divided was not said (D4)
SUMMED = "summed"  # divided: this row's units are in the sum of its SKU's first row
SKIPS = (NO_NUMBER, OLDER, IS_SET, OWED, NO_SKU, UNKNOWN_SKU, DISAGREES, TOO_MANY, BESIDE, SEVERAL, SUMMED)


class ImportNotAccepted(ValueError):
    """The import cannot be started, continued or stopped so; the message says what was expected."""


class Linked(NamedTuple):
    """What a row's listing sells, as far as it was known at ``version`` of the listing's stream. ``sku`` "" is 未紐付.

    ``codes_known``: the row's codes are those the listing has; ``flag_known``: so is what it says of selling at zero.
    """

    sku: str
    units_per_listing: int
    excluded: bool
    version: int
    codes_known: bool
    flag_known: bool = True


class LoadRow(NamedTuple):  # a tuple: a bulk makes millions
    """One row that is ready to be applied. ``sku`` is what the match key names ("" none); ``units`` None: no number.

    ``stream`` is that of its listing, None: our own form, which names a SKU. ``codes`` are
    tab-separated; ``called`` is ``levels.called_by`` of what the row calls the SKU.
    ``excluded``: the mall's own flag makes the listing 対象外. What our own form says of one row stands in ``target``
    (available or on_hand), ``mode``, ``counted_at`` and ``kept_back_units``. ``told_position``: the last position the mall
    had applied for the listing from us, or that a row of our own form knows, 0 when there is none. ``sells_at_zero`` None: the file
    says nothing of it. ``linked`` None: the listing's stream is to be read.
    ``aside``: the reason why it is skipped whatever it says; ``sum_units``: the units of its SKU over all its rows (divided stock).
    ``switched``: what our own form says of the SKU's listings, whose streams are ``pages``: 連動 True, 停止 False.
    ``level``: that of its SKU at the position it was read at; ``moved``: changes of it are kept, which may be on top.
    """

    row: int
    stream: str | None
    sku: str
    units: int | None
    name: str = ""
    jan: str = ""
    product: str = ""
    codes: str = ""
    excluded: bool = False
    target: str = "available"
    mode: str = ""
    counted_at: datetime | None = None
    kept_back_units: int | None = None
    called: int = 0
    told_position: int = 0
    moved: bool = True
    sells_at_zero: bool | None = None
    aside: str | None = None
    sum_units: int | None = None
    switched: bool | None = None
    pages: tuple[str, ...] = ()
    linked: Linked | None = None
    level: Level | None = None

    def unread(self) -> "LoadRow":
        """The row as the file states it: what was read for it may have moved."""
        return self._replace(linked=None, level=None, moved=True)


class PlainRow(NamedTuple):
    """A row that does nothing but set a newer number, of a SKU that has one: with nothing on top, nothing owed, nothing to
    name and nothing to link. ``units`` are of the SKU; ``version`` and the units behind it are of its stock as it was read.
    """

    row: int
    stream: str | None
    sku: str
    units: int
    version: int
    on_hand_units: int
    allocated_units: int

    def unread(self) -> LoadRow:
        """The number alone, while the SKU's stock may have moved."""
        return LoadRow(self.row, None, self.sku, self.units)


class NewRow(NamedTuple):
    """A row whose listing and SKU nothing is known of: it links the one, registers the other and sets its first number."""

    row: int
    stream: str
    sku: str
    units: int
    name: str
    jan: str
    product: str
    codes: str
    called: int

    def unread(self) -> LoadRow:
        """The row as the file states it: what was not there may be there now."""
        return LoadRow(*self[:8], called=self.called)


AnyRow: TypeAlias = LoadRow | PlainRow | NewRow


@dataclass(frozen=True, slots=True)
class Import:
    """The import as its stream says. ``last_row`` and ``chunk`` are the last applied ones: resume goes on behind them."""

    state: str = NOT_STARTED
    started: ImportStarted | None = None
    chosen: SetUpChosen | None = None
    started_position: int = 0
    chunk: int = 0
    last_row: int = 0
    rows: int = 0
    changed: int = 0
    skipped: int = 0
    ended_position: int = 0
    rows_undone: int = 0
    rows_kept: int = 0


def evolve(state: Import, record: Record) -> Import:
    """The import after one of its facts."""
    match record.fact:
        case ImportStarted() as started:
            return replace(state, state=RUNNING, started=started, started_position=record.position)
        case SetUpChosen() as chosen:
            return replace(state, state=RUNNING, chosen=chosen, started_position=record.position)
        case ImportChunkApplied(chunk=chunk, last_row=last_row, rows=rows, changed=changed, skipped=skipped):
            return replace(
                state,
                chunk=chunk,
                last_row=last_row,
                rows=state.rows + rows,
                changed=state.changed + changed,
                skipped=state.skipped + skipped,
            )
        case ImportFinished():
            return replace(state, state=FINISHED, ended_position=record.position)
        case ImportCancelled():
            return replace(state, state=CANCELLED, ended_position=record.position)
        case ImportUndone(rows_undone=undone, rows_kept=kept):
            return replace(state, state=UNDONE, rows_undone=undone, rows_kept=kept)
        case ImportLaidBeside():
            return state
        case _:
            return state


FOLD: Fold[Import] = Fold(Import(), evolve)


def start(state: Import, started: ImportStarted, *, shop_is_pushing: bool) -> list[ImportStarted]:
    """The import runs. The same again is harmless (resume). Raises ImportNotAccepted."""
    if started.mode not in MODES:
        raise ImportNotAccepted(f"mode {started.mode!r}; expected overwrite (上書き) or add (追加)")
    running = state.state == RUNNING and state.started == started
    if state.state != NOT_STARTED and not running:
        raise ImportNotAccepted(f"the import is {state.state}; expected a new import id")
    refuse_while_pushing(started.mode, shop_is_pushing=shop_is_pushing)
    return [] if running else [started]


def refuse_while_pushing(mode: str, *, shop_is_pushing: bool) -> None:
    """Raises ImportNotAccepted for 追加 while the shop's 在庫反映 runs: the mall shows our own numbers (D6)."""
    if mode == "add" and shop_is_pushing:
        raise ImportNotAccepted(
            "追加 of a mall's file while its 在庫反映 runs would count our own numbers again; expected 上書き, or 在庫反映 stopped"
        )


def finish(state: Import, *, rows: int, unchanged: int, beside: int = 0) -> list[ImportLaidBeside | ImportFinished]:
    """Every row was applied or skipped; ``beside``: how many wait beside other malls' numbers (D5). Twice is harmless.

    Raises ImportNotAccepted.
    """
    if state.state == FINISHED:
        return []
    if state.state != RUNNING:
        raise ImportNotAccepted(f"the import is {state.state}; expected a running one")
    finished = ImportFinished(rows=rows, changed=state.changed, unchanged=unchanged, skipped=state.skipped)
    return [ImportLaidBeside(skus=beside), finished] if beside else [finished]


def cancel(state: Import) -> list[ImportCancelled]:
    """A person stopped it; what is applied stays. Twice is harmless. Raises ImportNotAccepted."""
    if state.state == CANCELLED:
        return []
    if state.state != RUNNING:
        raise ImportNotAccepted(f"the import is {state.state}; expected a running one")
    return [ImportCancelled(rows_applied=state.last_row)]


def choose(state: Import, chosen: SetUpChosen) -> list[SetUpChosen]:
    """The choice among laid-beside numbers is being booked. The same again is harmless. Raises ImportNotAccepted."""
    running = state.state == RUNNING and state.chosen == chosen
    if state.state != NOT_STARTED and not running:
        raise ImportNotAccepted(f"the choice is {state.state}; expected a new id")
    return [] if running else [chosen]


def undo(state: Import, *, rows_undone: int, rows_kept: int) -> list[ImportUndone]:
    """What the import set is taken back, except where it moved since. Twice is harmless. Raises ImportNotAccepted."""
    refuse_undo(state)
    return [] if state.state == UNDONE else [ImportUndone(rows_undone=rows_undone, rows_kept=rows_kept)]


def refuse_undo(state: Import) -> None:
    """Raises ImportNotAccepted for an import that still runs, or never did."""
    if state.state not in (FINISHED, CANCELLED, UNDONE):
        raise ImportNotAccepted(f"the import is {state.state}; expected one that is finished, or was cancelled")


def older(level: Level, shop: str | None, counted_at: datetime) -> bool:
    """A newer number of the same source (this shop's file, or a person's and our own form) stands."""
    return level.counted_at is not None and level.counted_at > counted_at and level.counted_by in (shop or "", "")


def same_again(level: Level, shop: str | None, counted_at: datetime, units: int, target: str) -> bool:
    """The very number of the very time was set before, and nothing moved since: nothing new is said."""
    if level.counted_at != counted_at or level.counted_by != (shop or ""):
        return False
    return units == (level.stock.available_units if target == "available" else level.stock.on_hand_units)


def part_of(count: Count | None, level: Level) -> int | None:
    """What the shop's own file added before and is still inside the number; None when it is not (D6)."""
    return count.part_units if count is not None and count.position >= level.counted_position else None
