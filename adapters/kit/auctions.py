"""What auctions tell beside orders: running, with bids, ended, relisted; the units they keep, and what a person has to do.

An auction cannot be told a number. Its units are kept from the other listings instead (D26), and where the merchant has
none left a person withdraws it or, with bids on it, decides. Pure functions: who keeps units and tasks calls them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Auction:
    """One auction as the mall's list says it. ``own_code``: the merchant's 管理番号; "" and None: the list does not say.

    ``bids`` None: not said, so it may have some. ``buy_now_only``: it is sold at its one price and takes no bids.
    """

    auction: str
    own_code: str = ""
    title: str = ""
    units: int = 1
    bids: int | None = None
    buy_now_only: bool = False
    ends_at: datetime | None = None
    ended: bool = False


@dataclass(frozen=True, slots=True)
class AuctionRelisted:
    """The mall listed an unsold auction again under a new id: the link goes over to it."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class AuctionEnded:
    """The auction is over. Unsold, its units are free again; sold, its order tells them."""

    auction: str
    sold: bool


@dataclass(frozen=True, slots=True)
class BidReceived:
    """Somebody has bid: from here on the auction is a promise."""

    auction: str


AuctionNews: TypeAlias = AuctionRelisted | AuctionEnded | BidReceived


class KeepUnits(StrEnum):
    """How long an auction keeps its units from other listings: while it runs, or only while it has bids."""

    WHILE_RUNNING = "while_running"
    WHILE_BIDS = "while_bids"


class PersonsTask(StrEnum):
    """What only a person can do at the mall: withdraw, decide (there are bids), list again."""

    WITHDRAW = "withdraw"
    DECIDE_WITH_BIDS = "decide_with_bids"
    RELIST = "relist"


@dataclass(frozen=True, slots=True)
class AuctionTask:
    """One task. ``due_at`` is the auction's end: after it somebody has won; None: the end is not known."""

    task: PersonsTask
    auction: str
    due_at: datetime | None = None


def kept_units(auction: Auction, keep: KeepUnits) -> int:
    """The units this auction keeps from every other listing of its SKU, counted in lots.

    A buy-now-only auction is no promise and keeps none: it may share like any page. Bids that are not said are taken to be there.
    """
    if auction.ended or auction.buy_now_only:
        return 0
    if keep is KeepUnits.WHILE_BIDS and auction.bids == 0:
        return 0
    return auction.units


def task_for(auction: Auction, wanted_units: int) -> AuctionTask | None:
    """What a person has to do so that the mall shows ``wanted_units`` (0 or more lots); None when it does already.

    An auction that is over and should be there is listed again. One that runs with fewer lots wanted than it offers is
    withdrawn; with bids on it (or none known of) a person decides.
    """
    assert wanted_units >= 0, wanted_units
    if auction.ended:
        return AuctionTask(PersonsTask.RELIST, auction.auction) if wanted_units > 0 else None
    if wanted_units >= auction.units:
        return None
    safe = auction.buy_now_only or auction.bids == 0
    return AuctionTask(PersonsTask.WITHDRAW if safe else PersonsTask.DECIDE_WITH_BIDS, auction.auction, auction.ends_at)


def followed(links: Mapping[str, str], news: Iterable[AuctionNews]) -> dict[str, str]:
    """Auction id -> SKU after the news: a relisted auction's new id has the link of the old one, which stays readable.

    The old id is kept: its order may still be told. News of an auction without a link changes nothing.
    """
    known = dict(links)
    for one in news:
        if isinstance(one, AuctionRelisted) and one.old in known:
            known.setdefault(one.new, known[one.old])
    return known


def proposed(auction: Auction, known: Iterable[Auction], links: Mapping[str, str]) -> str | None:
    """The SKU an auction without a link probably is: by 管理番号, then by its whole title; a proposal for a person.

    None when nothing fits or what fits has several SKUs: nothing is guessed.
    """
    listed = [other for other in known if other.auction in links]
    for fits in (
        {links[other.auction] for other in listed if auction.own_code and other.own_code == auction.own_code},
        {links[other.auction] for other in listed if auction.title and other.title == auction.title},
    ):
        if fits:
            return fits.pop() if len(fits) == 1 else None
    return None
