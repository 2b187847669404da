"""One row of a file over one view: its listing linked, its SKU registered, its number set or summed in; or why it is skipped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from ledger import codes, counting, keys, listing, load, sku
from ledger.book.stock import everything_read_at, everything_up_to, sales_of
from ledger.counting import Covers
from ledger.facts.sku import KeptBackSet
from ledger.facts.stock import SetUpPartReplaced, StockAdded, StockOverwritten
from ledger.levels import EVERY_SHOP, Level
from ledger.load import Linked, LoadRow
from ledger.terms import MAIN_PLACE, UNITS_MAX
from ledger.view import NOTHING_ON_TOP, Draft, OnTop, View, Wanted

EVER = 1 << 62  # a position behind every change

Number = StockOverwritten | StockAdded | SetUpPartReplaced


@dataclass(frozen=True)
class How:
    """How the rows of one import are applied. ``shop`` None: our own form, whose number knows everything up to its time.

    ``since``: the position where the import started; a number set behind it for this file's time is this file's own.
    ``registers``: SKUs that do not exist are made (a product file). ``owed``: before or after, None: such rows are skipped.
    ``beside``: set-up, no shop is pushed: a number that differs from another mall's is not booked over it (D5).
    """

    import_id: str
    shop: str | None
    mode: str
    counted_at: datetime
    since: int
    registers: bool = True
    owed: str | None = None
    beside: bool = False

    @cached_property
    def _covers(self) -> dict[object, Covers]:
        return {}

    def covers(self, row: LoadRow) -> Covers:
        """Which sales are inside the row's number; the same object for rows that know the same."""
        known: object = (row.counted_at, row.told_position) if self.shop is None else row.told_position
        found = self._covers.get(known)
        if found is None:
            if row.told_position == 0 and row.counted_at is None:
                found = self.plain_covers
            elif self.shop is not None:
                found = sales_of(self.shop, self.counted_at, row.told_position)
            elif row.told_position:
                found = everything_read_at(row.told_position)
            else:
                found = everything_up_to(row.counted_at or self.counted_at)
            self._covers[known] = found
        return found

    @cached_property
    def plain_covers(self) -> Covers:
        """What a number knows when no listing of its SKU was ever told, and no row says another time."""
        return sales_of(self.shop, self.counted_at) if self.shop else everything_up_to(self.counted_at)

    def mode_of(self, row: LoadRow) -> str:
        """overwrite or add: the row's own where it says one."""
        return row.mode or self.mode


def wanted(how: How, rows: Sequence[LoadRow]) -> Wanted:
    """What deciding these rows surely reads, and no row brought along; less where a listing's stream is read first."""
    made = Wanted()
    for row in rows:
        code = row.sku
        if row.stream is not None:
            if row.linked is None:
                made.streams.add(row.stream)
            else:
                code = row.linked.sku or code
        made.streams.update(row.pages)
        if not code:
            continue
        pair = (MAIN_PLACE, code)
        if row.level is None:
            made.stocks.add(pair)
        if how.mode_of(row) == "add":
            if how.shop is not None:
                made.counts |= {(MAIN_PLACE, code, how.shop), (MAIN_PLACE, code, EVERY_SHOP)}
        elif row.moved or row.told_position:
            made.on_top.setdefault(how.covers(row), set()).add(pair)
    return made


def bring(view: View, how: How, rows: Sequence[LoadRow]) -> None:
    """What the rows brought along, read at the view's position, is in the view."""
    covers: Covers | None = None
    tops: dict[tuple[str, str], OnTop] = {}
    for row in rows:
        if row.level is None:
            continue
        pair = (MAIN_PLACE, (row.linked.sku if row.linked is not None else "") or row.sku)
        view.levels[pair] = row.level
        if not row.moved and not row.told_position:
            known = how.covers(row)
            if known is not covers:
                covers, tops = known, view.tops.setdefault(known, {})
            tops[pair] = NOTHING_ON_TOP


class Decided(NamedTuple):
    """``sku``: that of the row's listing when it is linked, else what the match key names. ``outcome``: a code of ``load``."""

    sku: str
    drafts: Sequence[Draft]
    outcome: str


def decide(view: View, how: How, row: LoadRow) -> Decided:
    """The row's facts, and what becomes of it. Raises NotReadYet."""
    linked = _linked(view, row)
    code = sku_of(view, row)
    if not code:
        return Decided("", (), load.NO_SKU)
    level = view.level(code)
    drafts: list[Draft] = []
    if not level.sku_version:
        if not how.registers:
            return Decided(code, (), load.UNKNOWN_SKU)
        new = sku.register(sku.SkuState(), code, name=row.name, jan=row.jan, product=row.product)
        drafts.extend(Draft(keys.sku(code), fact) for fact in new)
    elif row.called not in (0, level.called):
        state = view.state(keys.sku(code), sku.FOLD)
        renamed = sku.register(state, code, name=row.name, jan=row.jan, product=row.product)
        drafts.extend(Draft(keys.sku(code), fact) for fact in renamed)
    excluded, units_per_listing = row.excluded, 1
    if linked is not None:
        codes_new, excluded_new = bool(row.codes) and not linked.codes_known, excluded and not linked.excluded
        if not linked.sku or codes_new or excluded_new or not linked.flag_known:
            drafts.extend(_link(view, row, code))
        excluded, units_per_listing = excluded or linked.excluded, linked.units_per_listing
    if row.kept_back_units is not None and level.stock.kept_back_units != row.kept_back_units:
        drafts.append(Draft(keys.sku(code), KeptBackSet(MAIN_PLACE, row.kept_back_units)))
    if row.switched is not None:
        drafts.extend(_switched(view, row, code))
    if row.units is None or excluded:
        return Decided(code, drafts, _without_number(row, drafts))
    if row.aside is not None:
        return Decided(code, drafts, row.aside)
    if level.recipe_version:
        return Decided(code, drafts, load.IS_SET)
    units = row.units * units_per_listing if row.sum_units is None else row.sum_units
    if units > UNITS_MAX:
        return Decided(code, drafts, load.TOO_MANY)
    decided = (_added if how.mode_of(row) == "add" else _overwritten)(view, how, row, code, level, units)
    if isinstance(decided, str):
        return Decided(code, drafts, decided)
    drafts.append(Draft(keys.stock(code), decided, row.counted_at or how.counted_at))
    return Decided(code, drafts, load.CHANGED)


# ------------------------------------------------------------------ its listing


def sku_of(view: View, row: LoadRow) -> str:
    """The SKU that the row speaks of: that of its listing, else what the match key names; "" none. Raises NotReadYet."""
    linked = _linked(view, row)
    return codes.meant_by_level(view, (linked.sku if linked is not None else "") or row.sku)


def _linked(view: View, row: LoadRow) -> Linked | None:
    """What the row's listing sells; None: the row is of our own form. Raises NotReadYet."""
    if row.linked is not None or row.stream is None:
        return row.linked
    read = view.state(row.stream, listing.FOLD)
    codes_known = "\t".join(read.codes) == row.codes
    flag_known = row.sells_at_zero in (None, read.sells_at_zero)
    return Linked(read.sku, read.units_per_listing, read.state == listing.EXCLUDED, 0, codes_known, flag_known)


def _link(view: View, row: LoadRow, code: str) -> list[Draft]:
    """The listing is linked, or has the codes and the 対象外 the file says. Raises NotReadYet."""
    stream = row.stream
    assert stream is not None, row
    state = view.state(stream, listing.FOLD)
    facts = listing.link(
        state,
        code,
        units_per_listing=state.units_per_listing,
        excluded=row.excluded or state.state == listing.EXCLUDED,
        codes=row.codes.split("\t") if row.codes else state.codes,
        sells_at_zero=row.sells_at_zero,
    )
    return [Draft(stream, fact) for fact in facts]


def _switched(view: View, row: LoadRow, code: str) -> list[Draft]:
    """The SKU's listings are 連動 or 停止 as our own form says; one that waits to be confirmed goes on waiting (D21)."""
    drafts: list[Draft] = []
    for stream in row.pages:
        state = view.state(stream, listing.FOLD)
        if state.sku == code and row.switched and state.state == listing.STOPPED:
            drafts.extend(Draft(stream, fact) for fact in listing.start(state))
        elif state.sku == code and not row.switched and state.state == listing.LINKED:
            drafts.extend(Draft(stream, fact) for fact in listing.stop(state, show_zero=False))
    return drafts


def _without_number(row: LoadRow, drafts: Sequence[Draft]) -> str:
    """What becomes of a row that states no number: our own form may say other things of a SKU."""
    if row.stream is not None or (row.kept_back_units is None and row.switched is None):
        return load.NO_NUMBER
    return load.CHANGED if drafts else load.UNCHANGED


# ------------------------------------------------------------------ its number


def _overwritten(view: View, how: How, row: LoadRow, code: str, level: Level, units: int) -> Number | str:
    counted_at = row.counted_at or how.counted_at
    if load.older(level, how.shop, counted_at):
        return load.OLDER
    covers = how.covers(row)
    top = view.on_top(code, covers)
    on_top = top.available if row.target == "available" else top.on_hand
    if load.same_again(level, how.shop, counted_at, units + on_top, row.target):
        return load.UNCHANGED
    another = code not in (
        row.sku,
        row.linked.sku if row.linked is not None else "",
    )  # an alias of it, or made one with it
    if (how.shop is not None or another) and level.counted_at == counted_at and level.counted_position > how.since:
        return load.DISAGREES  # another listing of the SKU stated another number in this very file (D4)
    if how.beside and level.counted_by not in ("", how.shop) and units + on_top != level.stock.available_units:
        return load.BESIDE
    if how.owed is None and counting.owed_units(level.stock, on_top, row.target):
        return load.OWED
    return counting.overwrite(
        level.stock,
        units,
        covers=counting.carry_on(covers, top.counts, level),
        applied_on_top=on_top,
        target=row.target,
        owed=how.owed,
        import_id=how.import_id,
        row=row.row,
    )


def _added(view: View, how: How, row: LoadRow, code: str, level: Level, units: int) -> Number | str:
    """追加. The shop's own part is replaced by what its file says now, less what it sold between the two files (D6)."""
    now, shop, counted_at = level.stock, how.shop, row.counted_at or how.counted_at
    if shop is None:
        return counting.add(now, units, shop=None, import_id=how.import_id, row=row.row)
    view.need(counts=[(code, shop)])
    own = view.counts[MAIN_PLACE, code, shop]
    part = load.part_of(own, level)
    if own is None or part is None:
        later = 0 if now.on_hand_units is not None else view.on_top(code, _of_shop(shop, counted_at)).available
        return counting.add(now, units, shop=shop, applied_on_top=later, import_id=how.import_id, row=row.row)
    assert own.up_to is not None, own
    if own.up_to > counted_at:
        return load.OLDER
    if own.up_to == counted_at and (part == units or own.position > how.since):
        return load.UNCHANGED if part == units else load.DISAGREES
    sold_since = view.on_top(code, _of_shop(shop, own.up_to)).available
    sold_later = view.on_top(code, _of_shop(shop, counted_at)).available
    return counting.replace_part(
        now, shop, part, units, applied_on_top=sold_later - sold_since, import_id=how.import_id, row=row.row
    )


def _of_shop(shop: str, counted_at: datetime) -> Covers:
    """What this shop alone sold after the time is on top; everything else is inside."""
    own = sales_of(shop, counted_at)
    return Covers((*own.shops, EVERY_SHOP), (*own.up_to, ""), (*own.up_to_position, EVER))
