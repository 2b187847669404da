"""The options of one item as Qoo10 shows them (ItemsLookup.GetGoodsInventoryInfo), and the one a listing means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from adapters.qoo10.codes import AXIS, Option, item_fields
from adapters.qoo10.qapi import NOT_FOUND, SUCCESS, Turn, number_of
from ledger.terms import Outcome, Result

OPTIONS_OF_ITEM = "ItemsLookup.GetGoodsInventoryInfo"
AXES_MAX = 5  # Name1, Value1 to Name5, Value5
OPTION_MISSING = "option_not_found"
OPTION_NOT_ONE = "option_not_one"


@dataclass(frozen=True, slots=True)
class OptionRow:
    """One option with the mall's own texts. ``units`` None: not a number. ``price`` is what it costs more, in yen."""

    option: Option
    price: Decimal
    units: int | None


def read_options(turn: Turn, item: str) -> tuple[OptionRow, ...] | Outcome:
    """Every option of the item, () when it has none. The outcome of a read is never applied or unknown."""
    said = turn.call(OPTIONS_OF_ITEM, item_fields(item))
    if isinstance(said, Outcome):
        return said if said.result is not Result.UNKNOWN else Outcome(Result.TRANSIENT, said.code)
    if said.code == NOT_FOUND:
        return Outcome(Result.REJECTED, str(NOT_FOUND))
    if said.code != SUCCESS:
        return Outcome(Result.TRANSIENT, str(said.code))
    rows = said.result if isinstance(said.result, list) else [] if said.result is None else None
    if rows is None or not all(isinstance(row, dict) for row in rows):
        return Outcome(Result.TRANSIENT, "answer_not_understood")
    return tuple(_row(row) for row in rows)


def row_of(rows: Sequence[OptionRow], option: Option) -> OptionRow | str:
    """The row the option means, or why there is none: by both texts, or for a code alone by the code, then by the value."""
    if option.exact:
        found = [row for row in rows if (row.option.name, row.option.value) == (option.name, option.value)]
    else:
        found = [row for row in rows if row.option.code == option.code]
        found = found or [row for row in rows if row.option.value == option.value]
    if len(found) == 1:
        return found[0]
    return OPTION_NOT_ONE if found else OPTION_MISSING


def price_text(price: Decimal) -> str:
    """The price as a bulk line carries it: 100, not 100.0000."""
    return format(price.normalize(), "f") if price else "0"


def _row(row: Mapping[str, object]) -> OptionRow:
    axes = range(1, AXES_MAX + 1)
    names = [text for at in axes if (text := _text(row.get(f"Name{at}")))]
    values = [text for at in axes if (text := _text(row.get(f"Value{at}")))]
    code = _text(row.get("ItemTypeCode"))
    return OptionRow(
        Option(AXIS.join(names), AXIS.join(values), code), _price(row.get("Price")), number_of(row.get("Qty"))
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _price(value: object) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
    return found if found.is_finite() else Decimal(0)
