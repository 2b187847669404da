"""The lists people send to link listings and to set their rules: columns, and what a row's cells say.

Columns stand in any order, by their Japanese or English name; unknown ones are tolerated. A blank cell leaves things as they
are; なし takes a setting away. Codes of malls are kept exactly as written, spaces too: a mall's display text is a key (D27).
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias, TypeVar

from adapters.kit.file_form import RowProblem
from adapters.kit.japanese import label_key
from adapters.kit.own_items import OwnItem
from adapters.kit.table import NotUnits, units_of
from ledger import listing
from ledger.book.list_rows import ListingChange
from ledger.listing import LEAD_TIME_DAYS_MAX, NO_RULES, UNITS_PER_LISTING_MAX
from ledger.sku import SET_UNITS_MAX
from ledger.terms import CODE_CHARACTERS_MAX, SKU_CHARACTERS_MAX, UNITS_MAX, ListingKey, SkuNotAccepted, checked_sku

SHOWN_MAX = 200  # characters of a cell that a problem quotes
REST_SECONDS_MAX = 604_800

SKU, ITEM, VARIANT = (
    ("商品SKU", "SKU"),
    ("モール商品コード", "商品コード", "item"),
    ("モール枝番", "枝番", "選択肢", "variant"),
)
UNITS_PER_LISTING = ("入数", "units_per_listing")
Columns: TypeAlias = Mapping[str, tuple[str, ...]]
Said: TypeAlias = Mapping[str, str]  # the cells of a row by column
Asked = TypeVar("Asked")
Word = TypeVar("Word", str, bool)

LINK: Columns = {"sku": SKU, "item": ITEM, "variant": VARIANT, "units_per_listing": UNITS_PER_LISTING}
REPLACE: Columns = {
    "item": ITEM,
    "variant": VARIANT,
    "new_item": ("新モール商品コード", "new_item"),
    "new_variant": ("新モール枝番", "new_variant"),
}
RULES: Columns = {
    "reserve": ("留保数", "reserve"),
    "share_percent": ("配分率", "配分率(%)", "share", "share_percent"),
    "cap": ("上限数", "cap"),
    "stop_threshold": ("停止しきい値", "stop_threshold"),
    "resume_level": ("再開数", "resume_level"),
    "minimum_rest_seconds": ("最短停止秒数", "minimum_rest_seconds"),
    "first_choice": ("優先ショップ", "first_choice"),
    "lead_time_days": ("リードタイム", "lead_time_days"),
    "restock_on": ("予約商品の販売開始日", "restock_on"),
}
SETTINGS: Columns = {
    "units_per_listing": UNITS_PER_LISTING,
    **RULES,
    "kept_back_units": ("保留在庫数", "kept_back_units"),
    "state": ("連動状態", "連動", "state"),
}
SET: Columns = {
    "sku": SKU,
    "item": ITEM,
    "variant": VARIANT,
    **SETTINGS,
    "read_units": ("モール確認数", "read_units"),
    "wanted_units": ("反映予定数", "wanted_units"),
}
RECIPE: Columns = {
    "sku": ("セット商品SKU", "セットSKU", *SKU, "set_sku"),
    "component": ("構成商品SKU", "構成SKU", "component"),
    "component_units": ("構成数", "component_units", "units"),
}

NONE_WORDS = ("なし", "解除", "none")
YES_OR_NO = {
    "する": True,
    "はい": True,
    "1": True,
    "yes": True,
    "しない": False,
    "いいえ": False,
    "0": False,
    "no": False,
}
STOPPED_AT_ZERO = "stopped_zero"
STATES = {
    "連動": listing.LINKED,
    "linked": listing.LINKED,
    "停止": listing.STOPPED,
    "stopped": listing.STOPPED,
    "0で停止": STOPPED_AT_ZERO,
    "stopped_zero": STOPPED_AT_ZERO,
    "確認待ち": listing.TO_CONFIRM,
    "to_confirm": listing.TO_CONFIRM,
    "対象外": listing.EXCLUDED,
    "excluded": listing.EXCLUDED,
}


@dataclass(frozen=True, slots=True)
class LinkAsked:
    """The listing is to sell the SKU. ``units_per_listing`` None: as it is."""

    key: ListingKey
    sku: str
    units_per_listing: int | None


@dataclass(frozen=True, slots=True)
class ReplaceAsked:
    """The mall names the listing by other codes."""

    key: ListingKey
    new: ListingKey


@dataclass(frozen=True, slots=True)
class SetAsked:
    """What is asked of one listing, or (``key`` None) of every listing of the change's SKU in the shop."""

    key: ListingKey | None
    change: ListingChange


@dataclass(frozen=True, slots=True)
class ComponentAsked:
    """One component of a set. ``component`` "": the set has none and is a set no more."""

    sku: str
    component: str
    units: int


class _Wrong(ValueError):
    """A cell that is not understood: its column's name, and what was expected."""

    def __init__(self, column: str, expected: str) -> None:
        super().__init__(expected)
        self.column, self.expected = column, expected


def read_link(line: int, said: Said) -> LinkAsked | RowProblem | None:
    """None: the row names no SKU, so there is nothing to link."""
    if not said.get("sku", "").strip():
        return None
    return _read(line, said, LINK, _link)


def read_replace(line: int, said: Said) -> ReplaceAsked | RowProblem | None:
    """None: the row names no new code, so the old one stays. A blank new item or variant beside the other is as it was."""
    if not said.get("new_item", "") and not said.get("new_variant", ""):
        return None
    return _read(line, said, REPLACE, _replace)


def own_columns(items: Sequence[OwnItem]) -> Columns:
    """The columns of the mall's own items (モール独自の項目), by the label the mall gives them or by their name."""
    return {item.name: (item.label, item.name) for item in items}


def reading_sets(items: Sequence[OwnItem]) -> Callable[[int, Said], SetAsked | RowProblem | None]:
    """Reads rows of settings; None: every setting is blank, so all stays as it is. ``items``: the mall's own."""
    columns = {**SET, **own_columns(items)}
    saying = (*SETTINGS, *(item.name for item in items))

    def read(line: int, said: Said) -> SetAsked | RowProblem | None:
        if not any(said.get(column, "").strip() for column in saying):
            return None
        return _read(line, said, columns, lambda cells: _set(cells, items))

    return read


def read_component(line: int, said: Said) -> ComponentAsked | RowProblem:
    """One row of a set."""
    return _read(line, said, RECIPE, _component)


# ------------------------------------------------------------------ rows


def _read(line: int, said: Said, columns: Columns, read: Callable[[Said], Asked]) -> Asked | RowProblem:
    try:
        return read(said)
    except _Wrong as wrong:
        return RowProblem(line, columns[wrong.column][0], said.get(wrong.column, "")[:SHOWN_MAX], wrong.expected)


def _link(said: Said) -> LinkAsked:
    return LinkAsked(_key(said), _sku(said, "sku"), _count(said, "units_per_listing", 1, UNITS_PER_LISTING_MAX))


def _replace(said: Said) -> ReplaceAsked:
    old = _key(said)
    return ReplaceAsked(old, ListingKey(_code(said, "new_item") or old.item, _code(said, "new_variant") or old.variant))


def _set(said: Said, items: Sequence[OwnItem]) -> SetAsked:
    has_sku = bool(said.get("sku", "").strip())
    code = _sku(said, "sku") if has_sku or not said.get("item", "") else None
    change = ListingChange(
        sku=code,
        units_per_listing=_count(said, "units_per_listing", 1, UNITS_PER_LISTING_MAX),
        rules={name: value for name in RULES if (value := _rule(said, name)) is not _UNSAID},
        own_items={item.name: _own(said, item) for item in items if said.get(item.name, "").strip()},
        kept_back_units=_without(said, "kept_back_units", 0),
        **_state(said),
    )
    return SetAsked(_key(said) if said.get("item", "") else None, change)


def _component(said: Said) -> ComponentAsked:
    code, component, units = _sku(said, "sku"), said.get("component", ""), said.get("component_units", "")
    if _is_none(component):
        if units.strip() and not _is_none(units):
            raise _Wrong("component_units", "blank, where there is no component")
        return ComponentAsked(code, "", 0)
    count = _count(said, "component_units", 1, SET_UNITS_MAX)
    if count is None:
        raise _Wrong("component_units", f"a whole number from 1 to {SET_UNITS_MAX}")
    return ComponentAsked(code, _sku(said, "component"), count)


# ------------------------------------------------------------------ cells

_UNSAID = object()


def _is_none(cell: str) -> bool:
    return label_key(cell) in NONE_WORDS


def _rule(said: Said, name: str) -> int | bool | str | None:
    """What the cell makes of the rule; _UNSAID when it is blank."""
    cell = said.get(name, "")
    if not cell.strip():
        return _UNSAID  # type: ignore[return-value]
    if _is_none(cell):
        default: int | bool | str | None = getattr(NO_RULES, name)
        return default
    match name:
        case "share_percent":
            return _share(cell, name)
        case "minimum_rest_seconds":
            return _count(said, name, 0, REST_SECONDS_MAX)
        case "lead_time_days":
            return _count(said, name, 0, LEAD_TIME_DAYS_MAX)
        case "first_choice":
            return _one_of(said, name, YES_OR_NO)
        case "restock_on":
            return _day(said, name)
        case _:
            return _count(said, name, 0, UNITS_MAX)


def _own(said: Said, item: OwnItem) -> str | None:
    """The value of one of the mall's own items; None takes it away."""
    if _is_none(said[item.name]):
        return None
    count = units_of(said[item.name], units_max=item.most)
    if isinstance(count, NotUnits) or count is None or count < item.least:
        expected = f"a whole number from {item.least} to {item.most}, なし to take it away, or blank to leave it"
        raise _Wrong(item.name, expected)
    return str(count)


def _share(cell: str, name: str) -> int:
    share = _count({name: label_key(cell).removesuffix("%")}, name, 1, 100)
    if share is None:
        raise _Wrong(name, "a whole number from 1 to 100, なし to take the setting away, or blank to leave it")
    return share


def _without(said: Said, name: str, default: int) -> int | None:
    return default if _is_none(said.get(name, "")) else _count(said, name, 0, UNITS_MAX)


def _state(said: Said) -> dict[str, Any]:
    state = _one_of(said, "state", STATES)
    if state == STOPPED_AT_ZERO:
        return {"state": listing.STOPPED, "show_zero": True}
    if state != listing.LINKED or not (said.get("read_units", "").strip() or said.get("wanted_units", "").strip()):
        return {"state": state}
    return {
        "state": state,
        "seen": (_count(said, "read_units", 0, UNITS_MAX), _count(said, "wanted_units", 0, UNITS_MAX)),
    }


def _count(said: Said, name: str, least: int, most: int) -> int | None:
    """The whole number in the cell; None for a blank one."""
    units = units_of(said.get(name, ""), units_max=most)
    if isinstance(units, NotUnits) or (units is not None and units < least):
        taken = ", なし to take the setting away" if name in RULES or name == "kept_back_units" else ""
        raise _Wrong(name, f"a whole number from {least} to {most}{taken}, or blank to leave it")
    return units


def _one_of(said: Said, name: str, words: Mapping[str, Word]) -> Word | None:
    cell = label_key(said.get(name, ""))
    if not cell:
        return None
    if cell not in words:
        raise _Wrong(name, f"one of {', '.join(words)}, or blank to leave it")
    return words[cell]


def _day(said: Said, name: str) -> str:
    text = label_key(said[name]).replace("/", "-")
    try:
        year, month, day = (int(part) for part in text.split("-"))
        return date(year, month, day).isoformat()
    except ValueError:
        raise _Wrong(name, "a day such as 2026-12-24, なし to take it away, or blank to leave it") from None


def _sku(said: Said, name: str) -> str:
    text = said.get(name, "")
    try:
        return checked_sku(text if text.strip() else "")
    except SkuNotAccepted as refused:
        raise _Wrong(name, f"a SKU of 1 to {SKU_CHARACTERS_MAX} characters ({refused})") from None


def _key(said: Said) -> ListingKey:
    item = _code(said, "item")
    if not item.strip():
        raise _Wrong("item", f"the mall's code of 1 to {CODE_CHARACTERS_MAX} characters")
    return ListingKey(item, _code(said, "variant"))


def _code(said: Said, name: str) -> str:
    """The mall's code exactly as written."""
    text = said.get(name, "")
    if len(text) > CODE_CHARACTERS_MAX or any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        raise _Wrong(name, f"at most {CODE_CHARACTERS_MAX} characters without control characters")
    return text
