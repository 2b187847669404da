"""Inputs of mutations, and how they become words of the ledger."""

from datetime import UTC, datetime

import strawberry

from api.jobs.order_by_hand import AskedLine
from ledger.facts.listing import ListingSettingsChanged
from ledger.terms import ListingKey


class TimeNotAccepted(ValueError):
    """A time without a zone: it could be Tokyo's or Greenwich's."""


@strawberry.input
class OrderLineInput:
    """One line of an order a person enters: a listing of the shop, or one of our own SKUs, and how many."""

    item: str = ""
    variant: str = ""
    sku: str = ""
    quantity: int = 1

    def asked(self) -> AskedLine:
        return AskedLine(self.quantity, self.item, self.variant, self.sku)


@strawberry.input
class ListingKeyInput:
    """A listing by the mall's codes."""

    item: str
    variant: str = ""

    def key(self) -> ListingKey:
        return ListingKey(self.item, self.variant)


@strawberry.input
class SeenListingInput:
    """A listing as a person saw it before confirming: the mall's number, and what we want it to show."""

    item: str
    variant: str = ""
    mall_units_seen: int | None = None
    wanted_units: int | None = None

    def key(self) -> ListingKey:
        return ListingKey(self.item, self.variant)


@strawberry.input
class ReceiptLineInput:
    """One line of a receipt slip."""

    line: str
    sku: str
    units: int


@strawberry.input
class ComponentInput:
    """One component of a set."""

    sku: str
    units: int


@strawberry.input
class SettingInput:
    """One setting of a shop, never a secret."""

    name: str
    value: str


@strawberry.input
class ListingSettingsInput:
    """Every rule of a listing; what is left out is the default."""

    reserve: int = 0
    share_percent: int = 100
    cap: int | None = None
    stop_threshold: int | None = None
    resume_level: int | None = None
    minimum_rest_seconds: int = 600
    first_choice: bool = False
    lead_time_days: int | None = None
    restock_on: str | None = None
    own_items: list[SettingInput] | None = None

    def fact(self) -> ListingSettingsChanged:
        return ListingSettingsChanged(
            reserve=self.reserve,
            share_percent=self.share_percent,
            cap=self.cap,
            stop_threshold=self.stop_threshold,
            resume_level=self.resume_level,
            minimum_rest_seconds=self.minimum_rest_seconds,
            first_choice=self.first_choice,
            lead_time_days=self.lead_time_days,
            restock_on=self.restock_on,
            own_item_names=[one.name for one in self.own_items or ()],
            own_item_values=[one.value for one in self.own_items or ()],
        )


def aware(moment: datetime) -> datetime:
    """The moment in UTC. Raises TimeNotAccepted for one without a zone."""
    if moment.tzinfo is None:
        raise TimeNotAccepted(f"time {moment.isoformat()}; expected a zone, such as +09:00 or Z")
    return moment.astimezone(UTC)
