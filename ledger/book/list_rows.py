"""Verbs of the lists people send to change listings in bulk: one row is one verb, done whole or refused whole.

A refusal names the column of the row, so that the list can be corrected and sent again. A row that says nothing new
records no fact: the same list twice is harmless.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ledger import keys, listing, sku
from ledger.book import Verb
from ledger.book.stock import define_set
from ledger.facts import Fact
from ledger.facts.listing import ListingLinked, ListingRecoded, ListingSettingsChanged
from ledger.facts.sku import KeptBackSet
from ledger.listing import Listing, ListingNotAccepted
from ledger.sku import SetNotAccepted, SkuState
from ledger.terms import MAIN_PLACE, ListingKey, checked_sku, checked_units
from ledger.view import Draft, View, Wanted
from ledger.writer import Decision

NEW, RELINKED, CHANGED, SAME, REPLACED, ENDED = "new", "relinked", "changed", "same", "replaced", "ended"


class RowNotAccepted(ValueError):
    """What the row asks for cannot be; ``column`` says which cell, ``expected`` what it should say."""

    def __init__(self, column: str, expected: str) -> None:
        super().__init__(f"column {column}: expected {expected}")
        self.column, self.expected = column, expected


@dataclass(frozen=True, slots=True)
class ListingChange:
    """What a row says of listings; what it leaves out stays as it is.

    ``rules``: fields of ListingSettingsChanged. ``own_items``: the mall's own items by name, None takes one away.
    ``kept_back_units``: of the SKU, kept from every mall. ``state``: 連動, 停止,
    確認待ち or 対象外; ``show_zero``: 停止 tells 0 first. ``seen``: (the mall's number, wanted) as a person saw them, which a
    listing that waits needs to become 連動 (D21). ``sku``: the SKU the listing is thought to sell.
    """

    sku: str | None = None
    units_per_listing: int | None = None
    rules: Mapping[str, int | bool | str | None] = field(default_factory=dict)
    own_items: Mapping[str, str | None] = field(default_factory=dict)
    kept_back_units: int | None = None
    state: str | None = None
    show_zero: bool = False
    seen: tuple[int | None, int | None] | None = None


def link_row(shop: str, key: ListingKey, code: str, *, units_per_listing: int | None = None, relink: bool) -> Verb:
    """The listing sells the SKU, which is registered; new or changed it is 確認待ち (D21), 対象外 stays 対象外.

    ``units_per_listing`` None: as it is, 1 for a new one. ``relink``: it may have sold another SKU before. The answer has
    ``became``: new, relinked, changed or same. Raises RowNotAccepted, SkuNotAccepted.
    """
    stream, of_sku = keys.listing(shop, key), keys.sku(checked_sku(code))

    def decide(view: View) -> Decision:
        _registered(view.state(of_sku, sku.FOLD), "sku")
        now = view.state(stream, listing.FOLD)
        known = bool(now.sku) and now.state != listing.RETIRED
        if known and now.sku != code and not relink:
            raise RowNotAccepted("sku", f"{now.sku}, which the listing sells now; another one only when relinking")
        same = known and now.sku == code
        units = units_per_listing or (now.units_per_listing if same else 1)
        excluded = known and now.state == listing.EXCLUDED
        with_codes = _said(
            "units_per_listing",
            lambda: listing.link(now, code, units_per_listing=units, excluded=excluded, codes=now.codes),
        )
        became = SAME if not with_codes else NEW if not known else CHANGED if same else RELINKED
        return Decision([Draft(stream, fact) for fact in with_codes], {"became": became})

    says = (shop, key.item, key.variant, code, units_per_listing, relink)
    return Verb("link_row", decide, says, Wanted(streams={stream, of_sku}))


def replace_row(shop: str, old: ListingKey, new: ListingKey) -> Verb:
    """The mall names the listing by other codes: the old one ends, the new one (確認待ち) goes on with its SKU, 入数 and rules.

    Where the new one sells the SKU already, it stays as it is. The answer has ``became``. Raises RowNotAccepted.
    """
    stream, onto = keys.listing(shop, old), keys.listing(shop, new)

    def decide(view: View) -> Decision:
        was, now = view.state(stream, listing.FOLD), view.state(onto, listing.FOLD)
        if not was.sku:
            raise RowNotAccepted("item", "a listing that is linked; `daicho listing link` links one")
        goes_on = bool(now.sku) and now.state != listing.RETIRED
        if goes_on and now.sku != was.sku:
            raise RowNotAccepted("new_item", f"codes of a listing of {was.sku}; {new} sells {now.sku}")
        if was.state == listing.RETIRED:
            if goes_on:
                return Decision([], {"became": SAME})
            raise RowNotAccepted("item", "a listing that is sold still; this one is 販売終了")
        drafts = [Draft(stream, ListingRecoded(to_item=new.item, to_variant=new.variant))]
        if not goes_on:
            linked = ListingLinked(
                sku=was.sku,
                units_per_listing=was.units_per_listing,
                state=listing.EXCLUDED if was.state == listing.EXCLUDED else listing.TO_CONFIRM,
                codes=list(was.codes),
                carried_from=keys.listing_text(old),
                sells_at_zero=was.sells_at_zero,
            )
            drafts.append(Draft(onto, linked))
            if now.settings != was.settings:
                drafts.append(Draft(onto, was.settings))
        return Decision(drafts, {"became": REPLACED})

    says = (shop, old.item, old.variant, new.item, new.variant)
    return Verb("replace_row", decide, says, Wanted(streams={stream, onto}))


def set_row(shop: str, found: Sequence[ListingKey], change: ListingChange) -> Verb:
    """Every one of the listings is as the change says, or none. The answer has ``became`` and, of those whose state changed, ``states``.

    Another 入数 makes a listing 確認待ち, as a new link does (D21). Raises RowNotAccepted.
    """
    streams = [keys.listing(shop, key) for key in found]

    def decide(view: View) -> Decision:
        view.need(streams=streams)
        drafts: list[Draft] = []
        states: list[str] = []
        for key, stream in zip(found, streams, strict=True):
            before = view.state(stream, listing.FOLD)
            facts, after = _changed(before, change, key)
            drafts += [Draft(stream, fact) for fact in facts]
            if after != before.state:
                states.append(after)
        if change.kept_back_units is not None:
            codes = dict.fromkeys(view.state(stream, listing.FOLD).sku for stream in streams)
            drafts += _kept_back(view, list(codes), change.kept_back_units)
        return Decision(drafts, {"became": CHANGED if drafts else SAME, "states": states})

    return Verb("set_row", decide, (shop, [str(key) for key in found], change), Wanted(streams=set(streams)))


def define_set_rows(code: str, components: Sequence[str], units: Sequence[int]) -> Verb:
    """The SKU is a set of these registered components; none: a set no more. The answer has ``became``. Raises RowNotAccepted."""
    verb = define_set(code, components, units)

    def decide(view: View) -> Decision:
        for component in components:
            _registered(view.state(keys.sku(component), sku.FOLD), "component")
        was = bool(view.state(keys.sku(code), sku.FOLD).recipe.components)
        try:
            decided = verb.decide(view)
        except SetNotAccepted as refused:
            raise _refusal("sku", refused) from None
        became = SAME if not decided.drafts else ENDED if not components else CHANGED if was else NEW
        return Decision(decided.drafts, {"became": became})

    return Verb("define_set_rows", decide, verb.says, verb.wanted)


# ------------------------------------------------------------------ private


def _registered(state: SkuState, column: str) -> None:
    if not state.registered:
        raise RowNotAccepted(column, "a SKU that is registered: import its product or register it first")
    if state.unified_into is not None:
        raise RowNotAccepted(column, f"{state.unified_into}, with which it was made one")


def _said(column: str, decide: Callable[[], Sequence[Fact]]) -> list[Fact]:
    """The facts; a refusal is one of the row's column."""
    try:
        return list(decide())
    except ListingNotAccepted as refused:
        raise _refusal(column, refused) from None


def _refusal(column: str, refused: ValueError) -> RowNotAccepted:
    """The sentence of a rule (what was seen; expected what) as the expectation of a column."""
    seen, _, expected = str(refused).partition("; expected ")
    return RowNotAccepted(column, f"{expected} ({seen})" if expected else seen)


def _changed(before: Listing, change: ListingChange, key: ListingKey) -> tuple[list[Fact], str]:
    """The facts of one listing, and its state behind them."""
    if not before.sku:
        raise RowNotAccepted("item", f"a listing that is linked; {key} is not: `daicho listing link` links it")
    if before.state == listing.RETIRED:
        raise RowNotAccepted("item", f"a listing that is sold still; {key} is 販売終了")
    if change.sku is not None and change.sku != before.sku:
        raise RowNotAccepted("sku", f"{before.sku}, which {key} sells")
    excluded = before.state == listing.EXCLUDED
    if change.state in (listing.EXCLUDED, listing.TO_CONFIRM):
        excluded = change.state == listing.EXCLUDED
    units, codes = change.units_per_listing or before.units_per_listing, before.codes
    facts = _said(
        "units_per_listing",
        lambda: listing.link(before, before.sku, units_per_listing=units, excluded=excluded, codes=codes),
    )
    state = listing.TO_CONFIRM if facts and not excluded else listing.EXCLUDED if excluded else before.state
    if not facts:
        facts, state = _switched(before, change)
    elif change.state in (listing.LINKED, listing.STOPPED) and change.state != before.state:
        raise RowNotAccepted(
            "state", "blank: another 入数 makes the listing 確認待ち, so its state follows in another list"
        )
    rules = replace(before.settings, **change.rules) if change.rules else before.settings  # type: ignore[arg-type]
    rules = _with_own_items(rules, change.own_items) if change.own_items else rules
    column = next(iter(change.rules), "")
    return [*facts, *_said(column, lambda: listing.change_settings(before, rules))], state


def _with_own_items(rules: ListingSettingsChanged, said: Mapping[str, str | None]) -> ListingSettingsChanged:
    """The rules with these of the mall's own items; what is not said of stays."""
    known: dict[str, str | None] = dict(zip(rules.own_item_names, rules.own_item_values, strict=True))
    after = {name: value for name, value in sorted({**known, **said}.items()) if value is not None}
    return replace(rules, own_item_names=list(after), own_item_values=list(after.values()))


def _switched(before: Listing, change: ListingChange) -> tuple[list[Fact], str]:
    """The listing as it is but for its state."""
    match change.state:
        case listing.LINKED if before.state == listing.TO_CONFIRM:
            if change.seen is None:
                raise RowNotAccepted(
                    "state", "モール確認数 and 反映予定数 as seen, for a listing that waits to be confirmed (確認待ち)"
                )
            mall_units, wanted = change.seen
            return _said(
                "state", lambda: listing.confirm(before, mall_units_seen=mall_units, wanted=wanted)
            ), listing.LINKED
        case listing.LINKED:
            return _said("state", lambda: listing.start(before)), listing.LINKED
        case listing.STOPPED:
            return _said("state", lambda: listing.stop(before, show_zero=change.show_zero)), listing.STOPPED
        case listing.TO_CONFIRM:
            return _said("state", lambda: listing.wait(before)), listing.TO_CONFIRM
        case _:
            return [], before.state


def _kept_back(view: View, codes: Sequence[str], units: int) -> list[Draft]:
    checked_units(units, what="units kept back")
    view.need(skus=codes, streams=[keys.sku(code) for code in codes])
    drafts: list[Draft] = []
    for code in codes:
        known = view.state(keys.sku(code), sku.FOLD)
        _registered(known, "kept_back_units")
        if known.recipe.components:
            raise RowNotAccepted("kept_back_units", f"blank: {code} is a set; what is kept back is of its components")
        if view.stock(code).kept_back_units != units:
            drafts.append(Draft(keys.sku(code), KeptBackSet(MAIN_PLACE, units)))
    return drafts
