"""The listings of an emulated seller: who ships, lead time, restock date, and numbers that are taken now and shown later."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.amazon.codes import key_of, sku_of
from adapters.amazon.listings import LEAD_TIME_DAYS_MAX, OWN_SHIPPING
from adapters.kit.emulator import EmulatedShop
from ledger.terms import ListingKey

Json = dict[str, object]
FIELDS = frozenset(
    {
        "fulfillment_channel_code",
        "quantity",
        "lead_time_to_ship_max_days",
        "restock_date",
        "marketplace_id",
        "is_inventory_available",
    }
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A number that was ACCEPTED and is not applied before ``due_at``."""

    due_at: datetime
    key: ListingKey
    units: int


@dataclass
class Listings:
    """What stands beside the shop's numbers. ``apply_seconds``: how long ACCEPTED takes to be applied.

    ``entries`` are the own fulfilment entries without their quantity; ``by_amazon`` gives FBA listings their channel;
    ``invalid`` gives SKUs the code their PATCH is refused with (status 200). Mutable: it plays the world outside.
    """

    apply_seconds: float = 0.0
    entries: dict[ListingKey, Json] = field(default_factory=dict)
    by_amazon: dict[ListingKey, str] = field(default_factory=dict)
    suppressed: set[ListingKey] = field(default_factory=set)
    invalid: dict[str, str] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)

    def settle(self, shop: EmulatedShop, now: datetime) -> None:
        """What is due is applied, in the order in which it was taken."""
        due = [one for one in self.taken if one.due_at <= now]
        self.taken = [one for one in self.taken if one.due_at > now]
        for one in due:
            shop.pushed([(one.key, one.units)])

    def patch(self, shop: EmulatedShop, sku: str, patch: Mapping[str, object], now: datetime) -> Json:
        """The answer to one patch of ``fulfillment_availability``; a refusal has status 200 too."""
        refusal = self.invalid.get(sku) or _refusal(patch)
        values = patch.get("value")
        if refusal or not isinstance(values, list):
            return _submission(sku, refusal or "90000900")
        key = key_of(sku)
        for value in values:
            self._set(shop, key, dict(value), replaces=patch["op"] != "merge", now=now)
        return _submission(sku, "")

    def _set(self, shop: EmulatedShop, key: ListingKey, value: Json, *, replaces: bool, now: datetime) -> None:
        channel, units = value.get("fulfillment_channel_code"), value.pop("quantity", None)
        if channel != OWN_SHIPPING:
            self.by_amazon[key] = str(channel)  # the other entry stays beside it
            return
        self.by_amazon.pop(key, None)  # a number for own shipping takes the listing away from FBA
        self.entries[key] = value if replaces else {**self.entries.get(key, {}), **value}
        if isinstance(units, int):
            self.taken.append(Taken(now + timedelta(seconds=self.apply_seconds), key, units))
            self.settle(shop, now)

    def shown(self, shop: EmulatedShop, key: ListingKey, included: str) -> Json:
        """The listing as getListingsItem answers it."""
        fba = self.by_amazon.get(key)
        units = shop.stock.get(key)
        own: Json = {"fulfillmentChannelCode": OWN_SHIPPING} | ({} if units is None else {"quantity": units})
        item: Json = {"sku": sku_of(key)}
        if "summaries" in included:
            status = ["DISCOVERABLE"] if key in self.suppressed else ["BUYABLE", "DISCOVERABLE"]
            item["summaries"] = [{"asin": "B0EXAMPLE1", "productType": "PRODUCT", "status": status}]
        if "fulfillmentAvailability" in included:
            item["fulfillmentAvailability"] = [{"fulfillmentChannelCode": fba}] if fba else [own]
        if "attributes" in included:
            entry = {"fulfillment_channel_code": OWN_SHIPPING, "quantity": units, **self.entries.get(key, {})}
            item["attributes"] = {
                "fulfillment_availability": [{"fulfillment_channel_code": fba}] if fba else [entry],
            }
        return item


def _refusal(patch: Mapping[str, object]) -> str:
    """The code of what is wrong with a patch; "" for one that is right."""
    if patch.get("path") != "/attributes/fulfillment_availability" or patch.get("op") not in (
        "add",
        "replace",
        "merge",
    ):
        return "90000900"
    values = patch.get("value")
    if not isinstance(values, list) or not values or not all(isinstance(value, dict) for value in values):
        return "90000900"
    for value in values:
        units, days = value.get("quantity"), value.get("lead_time_to_ship_max_days")
        if set(value) - FIELDS or not value.get("fulfillment_channel_code"):
            return "90000900"
        if units is None and days is not None:
            return "90220"  # a lead time alone is refused
        if units is not None and (not isinstance(units, int) or isinstance(units, bool) or units < 0):
            return "99022"
        if days is not None and not (isinstance(days, int) and 0 <= days <= LEAD_TIME_DAYS_MAX):
            return "99010"
    return ""


def _submission(sku: str, refusal: str) -> Json:
    issue: Json = {
        "code": refusal,
        "message": "The attributes are invalid.",
        "severity": "ERROR",
        "attributeNames": ["fulfillment_availability"],
        "categories": ["INVALID_ATTRIBUTE"],
    }
    return {
        "sku": sku,
        "status": "INVALID" if refusal else "ACCEPTED",
        "submissionId": "f1dc2914-75dd-11ea-bc55-0242ac130003",
        "issues": [issue] if refusal else [],
    }
