"""What Amazon shows of listings: number, who ships, lead time and restock date (getListingsItem, searchListingsItems).

Several listings are asked for in one call. A SKU with a comma is asked for alone: the mall takes the comma for the
end of a SKU, escaped or not (NOTES.md, "Listings").
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.amazon.access import call, error_code, is_late, read_failed_of
from adapters.amazon.codes import in_path
from adapters.kit.answers import json_of
from adapters.kit.mall import Answer, ReadFailed, ShopAccess
from ledger.terms import Outcome, Result

ITEMS_PATH = "/listings/2021-08-01/items/"
SEARCH_MAX = 20  # NOTES.md, "Listings"
OWN_SHIPPING = "DEFAULT"
LEAD_TIME_DAYS_MAX = 30
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ListingSeen:
    """One listing as Amazon shows it.

    ``units`` of our own shipping, None: not said. ``channels``: who ships, () is unknown. ``own_entry`` is the listing's
    own fulfilment entry with lead time and restock date as it stands, None when it was not asked for or is not there.
    """

    sku: str
    units: int | None
    channels: tuple[str, ...]
    suppressed: bool = False
    own_entry: Json | None = None

    @property
    def by_amazon(self) -> bool:
        """FBA, also when an entry of our own stands beside it: such a listing is never told a number."""
        return any(channel != OWN_SHIPPING for channel in self.channels)


def see(access: ShopAccess, skus: Sequence[str], *, entries: bool = False) -> dict[str, ListingSeen] | ReadFailed:
    """The listings of these SKUs that Amazon has, by SKU. ``entries``: with lead time and restock date."""
    distinct = list(dict.fromkeys(skus))
    together = [sku for sku in distinct if "," not in sku] if len(distinct) > 1 else []
    alone = [sku for sku in distinct if sku not in together]
    seen: dict[str, ListingSeen] = {}
    began = access.now()
    for start in range(0, len(together), SEARCH_MAX):
        found = _search(access, together[start : start + SEARCH_MAX], entries)
        if isinstance(found, ReadFailed):
            return found
        seen.update(found)
    for sku in alone:
        if is_late(access, began):
            return ReadFailed(Result.TRANSIENT, "too_slow")
        one = _get(access, sku, entries)
        if isinstance(one, ReadFailed):
            return one
        seen.update({} if one is None else {sku: one})
    return seen


def seller_path(access: ShopAccess) -> str:
    """The path under which the seller's listings stand, without a slash at its end."""
    return ITEMS_PATH + in_path(access.settings.get("seller_id", ""))


def market(access: ShopAccess) -> str:
    """The marketplace the shop sells in; Amazon.co.jp unless the merchant entered another."""
    return access.settings.get("marketplace_id", "") or access.profile.text("api.marketplace_id")


def _asked(access: ShopAccess, entries: bool) -> dict[str, str]:
    included = "summaries,fulfillmentAvailability" + (",attributes" if entries else "")
    return {"marketplaceIds": market(access), "includedData": included}


def _get(access: ShopAccess, sku: str, entries: bool) -> ListingSeen | ReadFailed | None:
    answer = call(access, "GET", f"{seller_path(access)}/{in_path(sku)}", _asked(access, entries))
    if isinstance(answer, Outcome):
        return read_failed_of(answer)
    if answer.status == 404:
        return None
    body = _object_in(answer)
    if isinstance(body, ReadFailed):
        return body
    return _listing(body) or ReadFailed(Result.TRANSIENT, "answer_not_understood")


def _search(access: ShopAccess, skus: Sequence[str], entries: bool) -> dict[str, ListingSeen] | ReadFailed:
    named = {"identifiers": ",".join(skus), "identifiersType": "SKU", "pageSize": str(SEARCH_MAX)}
    answer = call(access, "GET", seller_path(access), _asked(access, entries) | named)
    if isinstance(answer, Outcome):
        return read_failed_of(answer)
    body = _object_in(answer)
    if isinstance(body, ReadFailed):
        return body
    items = body.get("items")
    if not isinstance(items, list):
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    seen = [_listing(item) for item in items]
    if any(one is None for one in seen):
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    return {one.sku: one for one in seen if one is not None and one.sku in skus}


def _object_in(answer: Answer) -> Json | ReadFailed:
    if answer.status != 200:
        return ReadFailed(Result.TRANSIENT, error_code(answer))
    body = json_of(answer)
    return body if isinstance(body, dict) else ReadFailed(Result.TRANSIENT, "answer_not_understood")


def _listing(item: object) -> ListingSeen | None:
    """The listing, None when one of its numbers is not as the model says."""
    if not isinstance(item, dict) or not isinstance(sku := item.get("sku"), str) or not sku:
        return None
    units: int | None = None
    channels: list[str] = []
    for entry in _objects(item.get("fulfillmentAvailability")):
        channel, quantity = entry.get("fulfillmentChannelCode"), entry.get("quantity")
        if not isinstance(channel, str) or not (quantity is None or _is_count(quantity)):
            return None
        channels.append(channel)
        if channel == OWN_SHIPPING and isinstance(quantity, int):
            units = quantity
    statuses = [status for one in _objects(item.get("summaries")) if isinstance(status := one.get("status"), list)]
    suppressed = bool(units) and bool(statuses) and not any("BUYABLE" in status for status in statuses)
    attributes = item.get("attributes")
    own = _own_entry(attributes) if isinstance(attributes, dict) else None
    return ListingSeen(sku, units, tuple(channels), suppressed, own)


def _own_entry(attributes: Json) -> Json | None:
    """The one entry of our own shipping; two of them (two marketplaces) are no entry: which one counts is not known."""
    entries = [
        entry
        for entry in _objects(attributes.get("fulfillment_availability"))
        if entry.get("fulfillment_channel_code") == OWN_SHIPPING
    ]
    if len(entries) != 1:
        return None
    lead, restock = entries[0].get("lead_time_to_ship_max_days"), entries[0].get("restock_date")
    if not (lead is None or (_is_count(lead) and int(str(lead)) <= LEAD_TIME_DAYS_MAX)):
        return None
    if not (restock is None or (isinstance(restock, str) and _DATE.match(restock))):
        return None
    return entries[0]


def entry_of(units: int, *, lead_time_days: int | None = None, restock_on: str = "") -> dict[str, object]:
    """One entry of ``fulfillment_availability`` for our own shipping."""
    entry: dict[str, object] = {"fulfillment_channel_code": OWN_SHIPPING, "quantity": units}
    if lead_time_days is not None:
        entry["lead_time_to_ship_max_days"] = lead_time_days
    if restock_on:
        entry["restock_date"] = restock_on
    return entry


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _objects(value: object) -> list[dict[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
