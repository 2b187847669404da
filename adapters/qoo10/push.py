"""Tell Qoo10 how many units listings have, over QAPI: items and options each by the right call, singly or in bulk.

HTTP 200 says nothing: every answer's code is looked at, of a bulk that failed in part each line's. Absolute numbers only,
and always a number (a bulk line without one may become 9,999). ExpireDate is left out: null would move it by a year.
"""

from collections.abc import Mapping, Sequence

from adapters.kit.mall import ShopAccess
from adapters.qoo10.bulk import Line, send_lines
from adapters.qoo10.codes import Option, is_listing, item_fields, option_of
from adapters.qoo10.inventory import OptionRow, price_text, read_options, row_of
from adapters.qoo10.qapi import NOT_FOUND, Turn, begin
from ledger.terms import ListingKey, ListingLevel, Outcome, Result

BATCH_MAX = 500  # QAPI: lines of one ItemInfoJson, more is -2
UNITS_MAX = 9_999  # what the seller's screens take; NOTES.md, "Outbound"
ITEMS_READ_MAX = 20  # items whose options one push reads; more are told next time

ITEM_ONE = "ItemsOrder.SetGoodsPriceQty"
ITEM_BULK = "ItemsOrder.SetGoodsPriceQtyBulk"
OPTION_ONE = "ItemsOptions.UpdateInventoryQtyUnit"
OPTION_BULK = "ItemsOptions.UpdateInventoryDataBulk"
PRICES_ZERO = "zero"

Outcomes = dict[ListingKey, Outcome]


def push(access: ShopAccess, levels: Sequence[ListingLevel]) -> list[Outcome]:
    """Set absolute units. One outcome a level, in order; of a listing named twice the last number is sent, once.

    Never raises for what Qoo10 says.
    """
    assert 0 < len(levels) <= BATCH_MAX, len(levels)
    assert all(0 <= level.units <= UNITS_MAX for level in levels), "absolute units only"
    last = {level.key: level for level in levels if is_listing(level.key)}
    turn = begin(access)
    outcomes = _push_items(turn, [level for level in last.values() if not level.key.variant])
    outcomes |= _push_options(turn, [level for level in last.values() if level.key.variant])
    return [outcomes.get(level.key, Outcome(Result.REJECTED, "code_format")) for level in levels]


# ------------------------------------------------------------------ items without options


def _push_items(turn: Turn, levels: Sequence[ListingLevel]) -> Outcomes:
    ends_on = turn.access.settings.get("expire_date", "")
    extra = {"ExpireDate": ends_on} if ends_on else {}
    lines = [
        Line(
            level.key,
            {**item_fields(level.key.item), "Qty": str(level.units), **extra},
            names=(level.key.item,),
        )
        for level in levels
    ]
    return send_lines(turn, one=ITEM_ONE, bulk=ITEM_BULK, lines=lines)


# ------------------------------------------------------------------ options


def _push_options(turn: Turn, levels: Sequence[ListingLevel]) -> Outcomes:
    """Options by their texts; those of which only the code is known are looked up when the mall does not know them so."""
    if not levels:
        return {}
    unknown_name = turn.access.profile.text("api.unknown_option_name")
    options = {level.key: option_of(level.key.variant, unknown_name=unknown_name) for level in levels}
    items = {level.key.item for level in levels}
    prices_zero = turn.access.settings.get("option_prices", "") == PRICES_ZERO
    if not prices_zero and len(items) + 1 < len(levels):
        return _by_reading(turn, levels, options)
    lines = [_line(level, options[level.key], price="0") for level in levels]
    outcomes = send_lines(turn, one=OPTION_ONE, bulk=OPTION_BULK if prices_zero else None, lines=lines)
    unknown = Outcome(Result.REJECTED, str(NOT_FOUND))
    again = [level for level in levels if outcomes[level.key] == unknown and not options[level.key].exact]
    return outcomes | (_by_reading(turn, again, options) if again else {})


def _by_reading(turn: Turn, levels: Sequence[ListingLevel], options: Mapping[ListingKey, Option]) -> Outcomes:
    """Sent with the texts and the price the mall shows now: a bulk of options writes the price too."""
    outcomes: Outcomes = {}
    rows: dict[str, tuple[OptionRow, ...] | Outcome] = {}
    lines: list[Line] = []
    for level in levels:
        item = level.key.item
        if item not in rows:
            left = len(rows) < ITEMS_READ_MAX
            rows[item] = read_options(turn, item) if left else Outcome(Result.THROTTLED, "no_calls_left", 1.0)
        found = rows[item]
        if isinstance(found, Outcome):
            outcomes[level.key] = found
            continue
        row = row_of(found, options[level.key])
        if isinstance(row, OptionRow):
            lines.append(_line(level, row.option, price=price_text(row.price)))
        else:
            outcomes[level.key] = Outcome(Result.REJECTED, row)
    return outcomes | send_lines(turn, one=OPTION_ONE, bulk=OPTION_BULK, lines=lines)


def _line(level: ListingLevel, option: Option, *, price: str) -> Line:
    fields = {
        **item_fields(level.key.item),
        "OptionName": option.name,
        "OptionValue": option.value,
        "OptionCode": option.code,
        "Qty": str(level.units),
    }
    return Line(level.key, fields, names=(level.key.item, option.value), bulk_only={"Price": price})
