"""Items, options and their stock at the emulated Qoo10, with the traps a sender has to know."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from adapters.kit.emulator import EmulatedShop
from adapters.qoo10.codes import AXIS, is_item_code
from adapters.qoo10.emulated_state import (
    NOT_FOUND_TEXT,
    Fields,
    Said,
    broken,
    item_of,
    not_found,
    option_text,
    options_of,
    refusal,
    said,
    set_levels,
    shown,
    state_of,
)
from adapters.qoo10.qapi import NOT_FOUND, PROCESSING_ERROR, SUCCESS
from ledger.terms import ListingKey

LINES_MAX = 500
PAGE_ITEMS_MAX = 500
UNITS_DEFAULT = 9_999  # what a bulk line without Qty becomes
AXES_MAX = 5
_MESSAGES = {SUCCESS: "SUCCESS", NOT_FOUND: NOT_FOUND_TEXT, PROCESSING_ERROR: "Processing Error - [emulated]"}

Line = Mapping[str, object]


def _set_item(shop: EmulatedShop, fields: Line, *, bulk: bool) -> tuple[int, list[tuple[ListingKey, int]]]:
    """The code of one line and what it sets: an item with options takes the call and changes nothing."""
    item = item_of(shop, fields)
    if item is None:
        return NOT_FOUND, []
    state = state_of(shop)
    if broken(state):
        return PROCESSING_ERROR, []
    if "ExpireDate" in fields:
        date = str(fields["ExpireDate"] or "")
        state.expires_on[item] = date if date and date.casefold() != "null" else "+1 year"
    quantity = fields.get("Qty")
    if quantity in (None, "") and not bulk:
        return SUCCESS, []
    key = ListingKey(item)
    units = UNITS_DEFAULT if quantity in (None, "") else int(str(quantity))
    return SUCCESS, [(key, units)] if key in shop.stock else []


def _set_option(shop: EmulatedShop, fields: Line, *, bulk: bool) -> tuple[int, list[tuple[ListingKey, int]]]:
    """The code of one line and what it sets: the row is found by its two texts, never by its code alone."""
    item = item_of(shop, fields)
    texts = str(fields.get("OptionName") or ""), str(fields.get("OptionValue") or "")
    found = [] if item is None else [k for k, o in options_of(shop, item) if (o.name, o.value) == texts]
    if not found:
        return NOT_FOUND, []
    state = state_of(shop)
    if broken(state):
        return PROCESSING_ERROR, []
    if bulk:
        state.prices[found[0]] = str(fields.get("Price") or "0")
    quantity = fields.get("Qty")
    return SUCCESS, [] if quantity in (None, "") else [(found[0], int(str(quantity)))]


Setter = Callable[..., tuple[int, list[tuple[ListingKey, int]]]]


def _one(setter: Setter) -> Callable[[EmulatedShop, Fields], Said]:
    def run(shop: EmulatedShop, fields: Fields) -> Said:
        code, levels = setter(shop, fields, bulk=False)
        set_levels(shop, levels)
        return said(code=code, message=_MESSAGES[code])

    return run


def _bulk(setter: Setter) -> Callable[[EmulatedShop, Fields], Said]:
    def run(shop: EmulatedShop, fields: Fields) -> Said:
        lines: list[dict[str, Any]] = json.loads(fields.get("ItemInfoJson", "[]"))
        if len(lines) > LINES_MAX:
            return refusal(-2, "Exceeded the maximum count of items (500)")
        results: list[Said] = []
        taken: list[tuple[ListingKey, int]] = []
        failed = False
        for line in lines:
            code, levels = setter(shop, line, bulk=True)
            taken += levels
            failed = failed or code != SUCCESS
            named: Said = {
                name: line[name] for name in ("ItemCode", "SellerCode", "OptionName", "OptionValue") if name in line
            }
            results.append({**named, "ResultCode": code, "ResultMsg": _MESSAGES[code]})
        set_levels(shop, taken)
        told = results if state_of(shop).names_lines else [{"Count": len(results)}]
        return said(told, -1 if failed else SUCCESS, "There's more than one failure" if failed else "Total success")

    return run


def _all_items(shop: EmulatedShop, fields: Fields) -> Said:
    state = state_of(shop)
    wanted, page = fields.get("ItemStatus", ""), int(fields.get("Page") or "1")
    items = sorted({key.item for key in shop.stock if state.item_statuses.get(key.item, "S2") == (wanted or "S2")})
    rows = [
        {"ItemCode": item, "SellerCode": state.seller_codes.get(item, ""), "ItemStatus": wanted or "S2"}
        for item in items[(page - 1) * PAGE_ITEMS_MAX : page * PAGE_ITEMS_MAX]
    ]
    pages = -(-len(items) // PAGE_ITEMS_MAX)
    return said({"TotalItems": len(items), "TotalPages": pages, "PresentPage": page, "Items": rows})


def _item(shop: EmulatedShop, fields: Fields) -> Said:
    item = item_of(shop, fields)
    if item is None:
        return not_found()
    state = state_of(shop)
    row = {
        "ItemCode": item if is_item_code(item) else "",
        "SellerCode": state.seller_codes.get(item, "" if is_item_code(item) else item),
        "ItemStatus": state.item_statuses.get(item, "S2"),
        "ItemQty": str(shown(shop, ListingKey(item)) or 0),
        "ExpireDate": state.expires_on.get(item, "2050-12-31"),
    }
    return said([row])


def _options(shop: EmulatedShop, fields: Fields) -> Said:
    item = item_of(shop, fields)
    if item is None:
        return not_found()
    return said([_option_row(shop, key) for key, _ in options_of(shop, item)])


def _option_row(shop: EmulatedShop, key: ListingKey) -> Said:
    option = option_text(shop, key)
    names, values = option.name.split(AXIS), option.value.split(AXIS)
    row: Said = {}
    for at in range(AXES_MAX):
        row[f"Name{at + 1}"] = names[at] if at < len(names) else ""
        row[f"Value{at + 1}"] = values[at] if at < len(values) else ""
    price = float(state_of(shop).prices.get(key, "0"))
    return {**row, "Price": price, "Qty": shown(shop, key) or 0, "ItemTypeCode": option.code}


ITEM_METHODS: dict[str, Callable[[EmulatedShop, Fields], Said]] = {
    "ItemsOrder.SetGoodsPriceQty": _one(_set_item),
    "ItemsOrder.SetGoodsPriceQtyBulk": _bulk(_set_item),
    "ItemsOptions.UpdateInventoryQtyUnit": _one(_set_option),
    "ItemsOptions.UpdateInventoryDataBulk": _bulk(_set_option),
    "ItemsLookup.GetAllGoodsInfo": _all_items,
    "ItemsLookup.GetItemDetailInfo": _item,
    "ItemsLookup.GetGoodsInventoryInfo": _options,
}
