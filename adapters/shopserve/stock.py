"""What a stock answer of ショップサーブ says: the item's own number, or one for each variation; without limit is no number."""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.kit.answers import json_of
from adapters.kit.mall import Answer
from adapters.kit.profile import Profile
from adapters.kit.table import NotUnits, units_of
from adapters.shopserve.codes import CHOICES_MAX, variant_text


@dataclass(frozen=True, slots=True)
class Shown:
    """One number. ``units`` None: sold without limit."""

    units: int | None


def stock_of(answer: Answer, profile: Profile) -> Mapping[str, Shown] | None:
    """The numbers by variant code, "" for the item's own; None when the answer says none that is understood."""
    said = json_of(answer)
    if not isinstance(said, dict):
        return None
    stock = said.get(profile.text("stock.stock"), said)
    if not isinstance(stock, dict):
        return None
    listed = stock.get(profile.text("stock.variations"))
    if stock.get(profile.text("stock.type")) != profile.text("stock.type_variation"):
        own = _shown(stock, profile)
        return None if own is None else {"": own}
    if not isinstance(listed, list):
        return None
    found: dict[str, Shown] = {}
    for row in listed:
        variant, shown = (_variant(row, profile), _shown(row, profile)) if isinstance(row, dict) else ("", None)
        if not variant or shown is None or variant in found:
            return None
        found[variant] = shown
    return found


def _variant(row: Mapping[object, object], profile: Profile) -> str:
    name = profile.text("stock.variation_name")
    texts = [row.get(f"{name}{place}") or "" for place in range(1, CHOICES_MAX + 1)]
    return variant_text([text for text in texts if isinstance(text, str)])


def _shown(row: Mapping[object, object], profile: Profile) -> Shown | None:
    """The number of a row, written as a number or as text; None when it says neither a count nor "without limit"."""
    if row.get(profile.text("stock.unlimited")) == profile.text("stock.unlimited_yes"):
        return Shown(None)
    quantity = row.get(profile.text("stock.quantity"))
    if isinstance(quantity, bool) or not isinstance(quantity, int | str):
        return None
    text = str(quantity).strip()
    units = units_of(text.removeprefix("-"))
    if units is None or isinstance(units, NotUnits):
        return None
    return Shown(0 if text.startswith("-") else units)
