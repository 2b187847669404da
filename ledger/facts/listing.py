"""Facts of ``listing:<shop>:<item>:<variant>``: which SKU a page sells, and how it is told."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class ListingLinked:
    """The listing sells ``units_per_listing`` (入数) of ``sku``.

    ``state``: linked (連動), stopped (停止), to_confirm (確認待ち), excluded (対象外). ``codes`` are further codes
    by which the mall names the listing elsewhere (Rakuten's 商品番号 in mails). ``carried_from``: the listing it
    continues (a relisted auction). ``sells_at_zero``: the mall's own flag says that 0 does not stop the page (D10).
    """

    sku: str
    units_per_listing: int = 1
    state: str = "to_confirm"
    codes: list[str] = field(default_factory=list)
    carried_from: str | None = None
    ends_at: str | None = None
    sells_at_zero: bool = False


@dataclass(frozen=True, kw_only=True)
class ListingConfirmed:
    """A person saw the mall's number beside ours: 確認待ち becomes 連動."""

    mall_units_seen: int | None
    wanted: int | None


@dataclass(frozen=True, kw_only=True)
class ListingStopped:
    """停止. ``show_zero`` False freezes what the mall shows; True tells 0 first."""

    show_zero: bool


@dataclass(frozen=True, kw_only=True)
class ListingStarted:
    """連動 again after 停止."""


@dataclass(frozen=True, kw_only=True)
class ListingRecoded:
    """The mall renamed the item; history goes on at the new listing (確認待ち)."""

    to_item: str
    to_variant: str


@dataclass(frozen=True, kw_only=True)
class ListingRetired:
    """販売終了: kept for history, never told again. ``reason`` is a code."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class ListingSettingsChanged:
    """Every setting of the listing from here on; None: there is none.

    ``share_percent`` 1..100; ``own_item_names`` and ``own_item_values`` are the mall's own items (モール独自の項目).
    """

    reserve: int = 0
    share_percent: int = 100
    cap: int | None = None
    stop_threshold: int | None = None
    resume_level: int | None = None
    minimum_rest_seconds: int = 600
    first_choice: bool = False
    lead_time_days: int | None = None
    restock_on: str | None = None
    own_item_names: list[str] = field(default_factory=list)
    own_item_values: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class WithdrawAsked:
    """A person has to withdraw the page by ``deadline`` (a mall without a write API)."""

    deadline: str


@dataclass(frozen=True, kw_only=True)
class WithdrawDone:
    evidence: str


@dataclass(frozen=True, kw_only=True)
class AuctionEnded:
    """``winner``: whether there was one; ``evidence`` is the inbox id or door."""

    winner: bool
    evidence: str


@dataclass(frozen=True, kw_only=True)
class ResendAsked:
    """A person asks that the number is sent again although nothing differs, or after a rejection."""


ListingFact: TypeAlias = (
    ListingLinked
    | ListingConfirmed
    | ListingStopped
    | ListingStarted
    | ListingRecoded
    | ListingRetired
    | ListingSettingsChanged
    | WithdrawAsked
    | WithdrawDone
    | AuctionEnded
    | ResendAsked
)
