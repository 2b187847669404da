"""Verbs of stock: numbers set and added, goods in and out, kept back, held; SKUs and sets."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from ledger import counting, keys, sku, stock
from ledger import hold as holds
from ledger.book import Verb
from ledger.counting import Covers
from ledger.facts.load import ReceiptUndone, Received
from ledger.facts.sku import KeptBackSet
from ledger.facts.stock import StockFact
from ledger.levels import CHANGES_KEPT_DAYS, EVERY_SHOP
from ledger.stock import Stock
from ledger.terms import MAIN_PLACE, UnitsNotAccepted, checked_sku, checked_units, utc_text
from ledger.view import Draft, Fold, View, Wanted
from ledger.writer import Decision


class CountTooOld(ValueError):
    """The number was true more than 35 days ago (or in the future): what moved since is no longer known."""


class LooksLikeAnother(ValueError):
    """A registered SKU differs from the new one only by case, width or hyphens: most likely it is the same goods (D30)."""


def everything_up_to(counted_at: datetime) -> Covers:
    """A warehouse's or own number: every sale and movement up to its time is inside it."""
    return Covers((EVERY_SHOP,), (utc_text(counted_at),), (0,))


def everything_read_at(position: int) -> Covers:
    """A number typed on a page: true at the moment the page's number was read; later changes come on top (D28)."""
    return Covers((EVERY_SHOP,), ("",), (max(1, position),))


def sales_of(shop: str, counted_at: datetime, told_position: int = 0) -> Covers:
    """A mall's own file: that shop's sales up to its time, and all else as far as the mall had been told.

    ``told_position``: the last position that mall had applied for the listing, 0 when it was never told.
    """
    own = utc_text(counted_at)
    if told_position <= 0:
        return Covers((shop,), (own,), (0,))
    return Covers((shop, EVERY_SHOP), (own, ""), (0, told_position))


def check_counted_at(counted_at: datetime, now: datetime) -> None:
    """Raises CountTooOld for a time more than 35 days ago, or after now."""
    if counted_at > now:
        raise CountTooOld(f"counted at {utc_text(counted_at)}; expected a time before now, {utc_text(now)}")
    if (now - counted_at).days >= CHANGES_KEPT_DAYS:
        raise CountTooOld(
            f"counted at {utc_text(counted_at)}; expected a time within the last {CHANGES_KEPT_DAYS} days"
        )


def register_sku(code: str, *, name: str = "", jan: str = "", product: str = "", alike: Collection[str] = ()) -> Verb:
    """The SKU exists by this name; it has no number yet. What is empty stays as it was.

    ``alike``: registered SKUs that look the same, which a person did not confirm to be others: a new SKU is refused then.
    Raises SkuNotAccepted, SkuIsAnother, LooksLikeAnother.
    """
    stream = keys.sku(checked_sku(code))

    def decide(view: View) -> Decision:
        known = view.state(stream, sku.FOLD)
        if known.stands_for is not None:
            raise sku.is_another(code, known)
        if alike and not known.registered:
            named = ", ".join(sorted(alike))
            raise LooksLikeAnother(
                f"{code} differs from {named} only by case, width or hyphens; expected a SKU that does not:"
                " make it an alias of that one, or confirm that these are different goods"
            )
        facts = sku.register(known, code, name=name, jan=jan, product=product)
        return Decision([Draft(stream, fact) for fact in facts])

    return Verb("register_sku", decide, (code, name, jan, product), Wanted(streams={stream}))


def overwrite(
    code: str,
    units: int,
    *,
    covers: Covers,
    counted_at: datetime,
    target: str = "available",
    owed: str | None = None,
    expected_version: int | None = None,
) -> Verb:
    """上書き of one SKU. The answer has ``available`` and ``applied_on_top``. ``expected_version``: compare-and-set for programs.

    Raises UnitsNotAccepted, OwedUnits, CountTooOld, VersionMoved, SkuNotAccepted, SetHasNoNumber.
    """
    stream, row = keys.stock(checked_sku(code)), (MAIN_PLACE, code)

    def decide(view: View) -> Decision:
        check_counted_at(counted_at, view.now)
        now, top = view.stock(code), view.on_top(code, covers)
        if expected_version is not None and now.version != expected_version:
            raise VersionMoved(f"version {now.version}; expected {expected_version}: read the SKU again")
        on_top = top.available if target == "available" else top.on_hand
        carried = counting.carry_on(covers, top.counts, view.level(code))
        fact = counting.overwrite(now, units, covers=carried, applied_on_top=on_top, target=target, owed=owed)
        return Decision(
            [*_numbered(view, code), Draft(stream, fact, counted_at)],
            {"available": fact.after, "applied_on_top": fact.applied_on_top},
        )

    wanted = Wanted(stocks={row}, streams={keys.sku(code)}, on_top={covers: {row}})
    says = (code, units, covers, counted_at, target, owed, expected_version)
    return Verb("overwrite", decide, says, wanted, counted_at, alone=True)


class ReceiptNotAccepted(ValueError):
    """The slip's lines contradict each other; the message names the line."""


class VersionMoved(ValueError):
    """The SKU changed since its version was read; read it again and decide again."""


def add(code: str, units: int) -> Verb:
    """追加 of units that no mall stated. The answer has ``available``. Raises UnitsNotAccepted, SkuNotAccepted, SetHasNoNumber."""
    return _one("add", checked_sku(code), (code, units), lambda now: counting.add(now, units, shop=None))


def take_out(code: str, reason: str, units: int) -> Verb:
    """払出 with a reason code. Raises UnitsNotAccepted, NumberMissing."""
    return _one("take_out", code, (code, reason, units), lambda now: stock.take_out(now, reason, units))


def take_back(code: str, order: str, units: int, to: str) -> Verb:
    """返品 to good, defective or scrap. Raises UnitsNotAccepted, NumberMissing."""
    return _one("take_back", code, (code, order, units, to), lambda now: stock.take_back(now, order, units, to))


def mark_defective(code: str, units: int) -> Verb:
    """Good units become 不良. Raises UnitsNotAccepted, NumberMissing."""
    return _one("mark_defective", code, (code, units), lambda now: stock.mark_defective(now, units))


def clear_defective(code: str, units: int) -> Verb:
    """不良 units are good again. Raises NotEnough, NumberMissing."""
    return _one("clear_defective", code, (code, units), lambda now: stock.clear_defective(now, units))


def _one(name: str, code: str, says: object, fact_of: Callable[[Stock], StockFact]) -> Verb:
    def decide(view: View) -> Decision:
        named = _numbered(view, code)
        fact = fact_of(view.stock(code))
        return Decision([*named, Draft(keys.stock(code), fact)], {"available": fact.after})

    return Verb(name, decide, says, Wanted(stocks={(MAIN_PLACE, code)}, streams={keys.sku(code)}))


def _numbered(view: View, code: str) -> list[Draft]:
    """The SKU exists and may have a number of its own. Raises SetHasNoNumber."""
    recipe = view.state(keys.sku(code), sku.FOLD).recipe
    if recipe.components:
        raise sku.no_number(code, recipe)
    return _registered(view, code)


def _own(view: View, code: str) -> None:
    """Raises SkuIsAnother for a code that stands for another SKU."""
    known = view.state(keys.sku(code), sku.FOLD)
    if known.stands_for is not None:
        raise sku.is_another(code, known)


def _registered(view: View, code: str) -> list[Draft]:
    _own(view, code)
    facts = sku.register(view.state(keys.sku(code), sku.FOLD), code, name="", jan="", product="")
    return [Draft(keys.sku(code), fact) for fact in facts]


# ------------------------------------------------------------------ goods in, by slip and line, for ever

_RECEIVED: Fold[Mapping[str, tuple[str, int]]] = Fold(
    {},
    lambda state, record: {
        **state,
        **(
            {
                line: (code, units)
                for line, code, units in zip(record.fact.lines, record.fact.skus, record.fact.units, strict=True)
            }
            if isinstance(record.fact, Received)
            else dict.fromkeys(record.fact.lines, ("", 0))
            if isinstance(record.fact, ReceiptUndone)
            else {}
        ),
    },
)


def receive(slip: str, lines: Sequence[tuple[str, str, int]]) -> Verb:
    """入荷: lines (line, SKU, units) of the slip are in. A line already in is skipped, for ever; the answer counts both.

    Raises UnitsNotAccepted, SkuNotAccepted, ReceiptNotAccepted, SetHasNoNumber.
    """
    stream = keys.receipt(slip)
    asked: dict[str, tuple[str, int]] = {}
    for line, code, units in lines:
        checked_sku(code)
        if not checked_units(units, what="units received"):
            raise UnitsNotAccepted("units received: 0; expected 1 or more")
        if asked.setdefault(line, (code, units)) != (code, units):
            raise ReceiptNotAccepted(
                f"line {line} stands twice with different goods; expected each line of a slip once"
            )

    def decide(view: View) -> Decision:
        known = view.state(stream, _RECEIVED)
        new = [(line, code, units) for line, (code, units) in asked.items() if line not in known]
        drafts: list[Draft] = []
        now: dict[str, Stock] = {}
        for line, code, units in new:
            if code not in now:
                drafts.extend(_numbered(view, code))
            fact = stock.receive(now.get(code) or view.stock(code), slip, line, units)
            now[code] = stock.evolve(now.get(code) or view.stock(code), fact)
            drafts.append(Draft(keys.stock(code), fact))
        if new:
            received = Received(
                place=MAIN_PLACE, lines=[n[0] for n in new], skus=[n[1] for n in new], units=[n[2] for n in new]
            )
            drafts.insert(0, Draft(stream, received))
        return Decision(drafts, {"received": len(new), "already": len(lines) - len(new)})

    codes = {code for _, code, _ in lines}
    wanted = Wanted(stocks={(MAIN_PLACE, c) for c in codes}, streams={stream} | {keys.sku(c) for c in codes})
    return Verb("receive", decide, (slip, list(lines)), wanted)


def undo_receipt(slip: str) -> Verb:
    """Every line of the slip that is in goes out again. Twice is harmless."""
    stream = keys.receipt(slip)

    def decide(view: View) -> Decision:
        inside = {line: cell for line, cell in view.state(stream, _RECEIVED).items() if cell[1]}
        view.need(skus={code for code, _ in inside.values()})
        drafts: list[Draft] = [Draft(stream, ReceiptUndone(lines=list(inside)))] if inside else []
        now: dict[str, Stock] = {}
        for line, (code, units) in inside.items():
            fact = stock.receive(now.get(code) or view.stock(code), slip, line, -units)
            now[code] = stock.evolve(now.get(code) or view.stock(code), fact)
            drafts.append(Draft(keys.stock(code), fact))
        return Decision(drafts, {"undone": len(inside)})

    return Verb("undo_receipt", decide, (slip,), Wanted(streams={stream}))


# ------------------------------------------------------------------ kept back, sets


def keep_back(code: str, units: int) -> Verb:
    """保留在庫数 of the SKU is ``units``. Raises UnitsNotAccepted."""
    checked_units(units, what="units kept back")

    def decide(view: View) -> Decision:
        _own(view, code)
        if view.stock(code).kept_back_units == units:
            return Decision()
        return Decision([*_registered(view, code), Draft(keys.sku(code), KeptBackSet(MAIN_PLACE, units))])

    return Verb("keep_back", decide, (code, units), Wanted(stocks={(MAIN_PLACE, code)}, streams={keys.sku(code)}))


def define_set(code: str, components: Sequence[str], units: Sequence[int]) -> Verb:
    """セット商品: one of the SKU is these units of these components; no components: a set no more.

    Every component is registered and knows its sets, so that none of them becomes a set itself. Raises SetNotAccepted.
    """
    checked_sku(code)

    def decide(view: View) -> Decision:
        now = view.state(keys.sku(code), sku.FOLD)
        inside = [c for c in components if view.state(keys.sku(c), sku.FOLD).recipe.components]
        facts = sku.define_set(now, view.stock(code), components, units, sku=code, sets_inside=inside)
        if not facts:
            return Decision()
        drafts = [*_registered(view, code), *(Draft(keys.sku(code), fact) for fact in facts)]
        told = sku.joined(now.recipe, facts[0], code)
        view.need(skus=told, streams=[keys.sku(c) for c in told])
        for component, fact in told.items():
            drafts += [*_registered(view, component), Draft(keys.sku(component), fact)]
        return Decision(drafts)

    wanted = Wanted(
        stocks={(MAIN_PLACE, c) for c in (code, *components)}, streams={keys.sku(c) for c in (code, *components)}
    )
    return Verb("define_set", decide, (code, list(components), list(units)), wanted)


# ------------------------------------------------------------------ holds


def place_hold(
    hold_id: str, *, reference: str, code: str, units: int, ends_at: datetime, on_expiry: str = "ask"
) -> Verb:
    """取り置き, strict: never more than is free. Raises NotEnough, NumberMissing, HoldNotAccepted."""
    stream = keys.hold(hold_id)

    def decide(view: View) -> Decision:
        _own(view, code)
        placed = holds.place(
            view.state(stream, holds.FOLD),
            reference=reference,
            sku=code,
            units=units,
            ends_at=ends_at,
            on_expiry=on_expiry,
            now=view.now,
        )
        taken = stock.take_hold(view.stock(code), hold_id, units)
        return Decision(
            [*(Draft(stream, f) for f in placed), Draft(keys.stock(code), taken)],
            {"hold": hold_id, "free": (view.stock(code).free_units or 0) - units},
        )

    says = (hold_id, reference, code, units, ends_at, on_expiry)
    wanted = Wanted(stocks={(MAIN_PLACE, code)}, streams={stream, keys.sku(code)})
    return Verb("place_hold", decide, says, wanted)


def extend_hold(hold_id: str, ends_at: datetime) -> Verb:
    """The hold ends later. Raises HoldNotAccepted."""
    stream = keys.hold(hold_id)

    def decide(view: View) -> Decision:
        return Decision([Draft(stream, f) for f in holds.extend(view.state(stream, holds.FOLD), ends_at, view.now)])

    return Verb("extend_hold", decide, (hold_id, ends_at), Wanted(streams={stream}))


def end_hold(hold_id: str, *, expired: bool) -> Verb:
    """``expired``: its time is over, if it is; else a person releases it. The units are free again, or a person is asked.

    Raises HoldNotAccepted for a hold that was never placed.
    """
    stream = keys.hold(hold_id)

    def decide(view: View) -> Decision:
        hold = view.state(stream, holds.FOLD)
        if not hold.placed:
            raise holds.HoldNotAccepted(f"there is no hold {hold_id!r}; expected one of `daicho hold`")
        facts = holds.expire(hold, view.now) if expired else holds.release(hold)
        drafts = [Draft(stream, f) for f in facts]
        if any(type(f).__name__ in ("HoldExpired", "HoldReleased") for f in facts):
            back = stock.return_hold(view.stock(hold.sku, hold.place), hold_id, hold.units)
            drafts.append(Draft(keys.stock(hold.sku, hold.place), back))
        return Decision(drafts)

    return Verb("end_hold", decide, (hold_id, expired), Wanted(streams={stream}))
