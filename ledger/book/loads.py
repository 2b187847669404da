"""Verbs of imports: started, a chunk of rows applied, finished, cancelled."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ledger import counting, keys, listing, load, shop, sku
from ledger.book import Verb
from ledger.book.stock import check_counted_at, everything_up_to, sales_of
from ledger.counting import Covers
from ledger.facts.load import ImportChunkApplied, ImportStarted
from ledger.facts.sku import KeptBackSet
from ledger.facts.stock import SetUpPartReplaced, StockAdded, StockOverwritten
from ledger.load import LoadRow
from ledger.stock import Stock
from ledger.terms import MAIN_PLACE, utc_moment
from ledger.view import Draft, NotReadYet, View, Wanted
from ledger.writer import Decision


@dataclass(frozen=True, slots=True)
class How:
    """How the rows of one import are applied. ``shop`` None: our own form, whose number knows everything up to its time.

    ``registers``: SKUs that do not exist are made (a product file). ``owed``: before or after, None: such rows are skipped.
    """

    shop: str | None
    mode: str
    counted_at: datetime
    registers: bool = True
    owed: str | None = None

    def covers(self, row: LoadRow) -> Covers:
        """Which sales are inside the row's number."""
        if self.shop is None:
            return everything_up_to(row.counted_at or self.counted_at)
        return sales_of(self.shop, self.counted_at, row.told_position)


@dataclass
class _Chunk:
    """What one chunk does; drafts and counts grow row by row."""

    view: View
    import_id: str
    how: How
    drafts: list[Draft] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    changed: int = 0
    units: dict[str, int] = field(default_factory=dict)  # what this chunk's first row of a SKU stated
    numbered: set[str] = field(default_factory=set)
    registered: set[str] = field(default_factory=set)


def start_import(import_id: str, started: ImportStarted) -> Verb:
    """The import runs, or runs on. Raises ImportNotAccepted, CountTooOld."""
    stream = keys.load(import_id)
    streams = {stream} | ({keys.shop(started.shop)} if started.shop else set())

    def decide(view: View) -> Decision:
        check_counted_at(utc_moment(started.counted_at), view.now)
        pushing = bool(started.shop) and view.state(keys.shop(started.shop or ""), shop.FOLD).push
        state = view.state(stream, load.FOLD)
        facts = load.start(state, started, shop_is_pushing=pushing)
        return Decision([Draft(stream, fact) for fact in facts], {"chunk": state.chunk, "last_row": state.last_row})

    return Verb("start_import", decide, (import_id, started), Wanted(streams=streams))


def apply_chunk(import_id: str, chunk: int, rows: Sequence[LoadRow], how: How) -> Verb:
    """Chunk ``chunk`` (from 1) is applied, in one commit of its own; applied before, it changes nothing.

    The answer has ``changed``, ``skipped`` (row, reason). Raises ImportNotAccepted.
    """
    assert 0 < len(rows) <= load.CHUNK_ROWS_MAX, len(rows)
    stream = keys.load(import_id)
    wanted = Wanted(streams={stream})
    for row in rows:
        if row.key is not None and how.shop is not None:
            wanted.streams.add(keys.listing(how.shop, row.key))
        if row.sku:
            wanted.streams.add(keys.sku(row.sku))
            _want_stock(wanted, row.sku, row, how)

    def decide(view: View) -> Decision:
        state = view.state(stream, load.FOLD)
        if chunk <= state.chunk:
            return Decision((), {"changed": 0, "skipped": [], "already": True})
        if state.state != load.RUNNING or chunk != state.chunk + 1:
            raise load.ImportNotAccepted(
                f"chunk {chunk} of an import that is {state.state} at chunk {state.chunk}; expected the next chunk of a running one"
            )
        work = _Chunk(view, import_id, how)
        _need_linked(view, rows, how)
        for row in rows:
            _apply_row(work, row)
        applied = ImportChunkApplied(
            chunk=chunk,
            last_row=rows[-1].row,
            rows=len(rows),
            changed=work.changed,
            skipped=len(work.skipped),
            skipped_rows=[row for row, _ in work.skipped],
            skipped_reasons=[reason for _, reason in work.skipped],
        )
        return Decision([Draft(stream, applied), *work.drafts], {"changed": work.changed, "skipped": work.skipped})

    return Verb("apply_chunk", decide, (import_id, chunk), wanted, how.counted_at, alone=True)


def finish_import(import_id: str, *, rows: int, unchanged: int) -> Verb:
    """Every row was applied or skipped. Raises ImportNotAccepted."""
    stream = keys.load(import_id)

    def decide(view: View) -> Decision:
        facts = load.finish(view.state(stream, load.FOLD), rows=rows, unchanged=unchanged)
        return Decision([Draft(stream, fact) for fact in facts])

    return Verb("finish_import", decide, (import_id, rows, unchanged), Wanted(streams={stream}))


def cancel_import(import_id: str) -> Verb:
    """A person stopped it. Raises ImportNotAccepted."""
    stream = keys.load(import_id)

    def decide(view: View) -> Decision:
        return Decision([Draft(stream, fact) for fact in load.cancel(view.state(stream, load.FOLD))])

    return Verb("cancel_import", decide, (import_id,), Wanted(streams={stream}))


# ------------------------------------------------------------------ one row


def _want_stock(wanted: Wanted, code: str, row: LoadRow, how: How) -> None:
    pair = (MAIN_PLACE, code)
    wanted.stocks.add(pair)
    wanted.on_top.setdefault(pair, how.covers(row))
    if how.mode == "add" and how.shop is not None:
        wanted.counts |= {(MAIN_PLACE, code, how.shop), (MAIN_PLACE, code, "*")}


def _need_linked(view: View, rows: Sequence[LoadRow], how: How) -> None:
    """Listings that are linked to another SKU than the match key names need that SKU read too: all in one round."""
    if how.shop is None:
        return
    wanted = Wanted()
    for row in rows:
        if row.key is None:
            continue
        code = view.state(keys.listing(how.shop, row.key), listing.FOLD).sku
        if code and code != row.sku and (MAIN_PLACE, code) not in view.levels:
            wanted.streams.add(keys.sku(code))
            _want_stock(wanted, code, row, how)
    if wanted:
        raise NotReadYet(wanted)


def _apply_row(work: _Chunk, row: LoadRow) -> None:
    view, how = work.view, work.how
    linked = listing.Listing()
    if row.key is not None and how.shop is not None:
        linked = view.state(keys.listing(how.shop, row.key), listing.FOLD)
    code = linked.sku or row.sku
    if not code:
        work.skipped.append((row.row, load.NO_SKU))
        return
    state = view.state(keys.sku(code), sku.FOLD)
    known = state.registered or code in work.registered
    if not known and not how.registers:
        work.skipped.append((row.row, load.UNKNOWN_SKU))
        return
    if not known or (row.name or row.jan or row.product):
        facts = (
            sku.register(state, code, name=row.name, jan=row.jan, product=row.product)
            if code not in work.registered
            else []
        )
        work.drafts.extend(Draft(keys.sku(code), fact) for fact in facts)
        work.registered.add(code)
    if row.key is not None and how.shop is not None and not linked.sku:
        stream = keys.listing(how.shop, row.key)
        work.drafts.extend(
            Draft(stream, fact) for fact in listing.link(linked, code, excluded=row.excluded, codes=row.codes)
        )
    if row.kept_back_units is not None and view.stock(code).kept_back_units != row.kept_back_units:
        work.drafts.append(Draft(keys.sku(code), KeptBackSet(MAIN_PLACE, row.kept_back_units)))
    if row.units is None or row.excluded or linked.state == listing.EXCLUDED:
        work.skipped.append((row.row, load.NO_NUMBER))
        return
    if state.recipe.components:
        work.skipped.append((row.row, load.IS_SET))
        return
    _set_number(work, row, code, row.units * linked.units_per_listing)


def _set_number(work: _Chunk, row: LoadRow, code: str, units: int) -> None:
    view, how = work.view, work.how
    level, counted_at = view.level(code), row.counted_at or how.counted_at
    if load.older(level, how.shop, counted_at):
        work.skipped.append((row.row, load.OLDER))
        return
    first = work.units.setdefault(code, units)
    if code in work.numbered:  # another listing of the same SKU: equal numbers are taken once (D4)
        if first != units:
            work.skipped.append((row.row, load.DISAGREES))
        return
    if (row.mode or how.mode) == "add":
        fact: StockOverwritten | StockAdded | SetUpPartReplaced = _added(work, row, code, units, level.stock)
    else:
        now, covers = level.stock, how.covers(row)
        top = view.on_top(code, covers)
        on_top = top.available if row.target == "available" else top.on_hand
        if how.owed is None and counting.owed_units(now, on_top, row.target):
            work.skipped.append((row.row, load.OWED))
            return
        if row.target == "available" and load.same_again(level, how.shop, counted_at, units + on_top):
            work.numbered.add(code)
            return
        fact = counting.overwrite(
            now,
            units,
            covers=counting.carry_on(covers, top.counts, level),
            applied_on_top=on_top,
            target=row.target,
            owed=how.owed,
            import_id=work.import_id,
            row=row.row,
        )
    work.numbered.add(code)
    work.changed += 1
    work.drafts.append(Draft(keys.stock(code), fact, row.counted_at))


def _added(work: _Chunk, row: LoadRow, code: str, units: int, now: Stock) -> StockAdded | SetUpPartReplaced:
    view, how = work.view, work.how
    if how.shop is None:
        return counting.add(now, units, shop=None, import_id=work.import_id, row=row.row)
    own = view.counts.get((MAIN_PLACE, code, how.shop))
    part = load.part_of(own, view.level(code))
    if part is None:
        return counting.add(now, units, shop=how.shop, import_id=work.import_id, row=row.row)
    return counting.replace_part(now, how.shop, part, units, import_id=work.import_id, row=row.row)
