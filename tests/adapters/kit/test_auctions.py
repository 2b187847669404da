"""Auctions: which units they keep, what a person has to do, and how links follow a relisted one (D26)."""

from datetime import UTC, datetime

import pytest

from adapters.kit.auctions import (
    Auction,
    AuctionEnded,
    AuctionNews,
    AuctionRelisted,
    AuctionTask,
    KeepUnits,
    PersonsTask,
    followed,
    kept_units,
    proposed,
    task_for,
)

END = datetime(2026, 11, 27, 13, 10, tzinfo=UTC)
RUNNING = Auction("x1", "A-1", "時計", 2, 0, ends_at=END)
WITH_BIDS = Auction("x2", "A-2", "靴", 1, 3, ends_at=END)
BIDS_UNKNOWN = Auction("x3", "A-3", "帽子", 1, None)
BUY_NOW = Auction("x4", "A-4", "傘", 5, 0, buy_now_only=True)
ENDED = Auction("x5", "A-5", "鞄", 1, 0, ended=True)


@pytest.mark.parametrize(
    ("auction", "while_running", "while_bids"),
    [(RUNNING, 2, 0), (WITH_BIDS, 1, 1), (BIDS_UNKNOWN, 1, 1), (BUY_NOW, 0, 0), (ENDED, 0, 0)],
)
def test_an_auction_keeps_its_units_while_it_runs_or_while_it_has_bids(
    auction: Auction, while_running: int, while_bids: int
) -> None:
    assert kept_units(auction, KeepUnits.WHILE_RUNNING) == while_running
    assert kept_units(auction, KeepUnits.WHILE_BIDS) == while_bids


def test_fewer_lots_than_it_offers_is_a_withdrawal_before_its_end() -> None:
    assert task_for(RUNNING, 1) == AuctionTask(PersonsTask.WITHDRAW, "x1", END)
    assert task_for(BUY_NOW, 0) == AuctionTask(PersonsTask.WITHDRAW, "x4")
    assert task_for(RUNNING, 2) is None
    assert task_for(RUNNING, 9) is None


@pytest.mark.parametrize("auction", [WITH_BIDS, BIDS_UNKNOWN])
def test_with_bids_or_none_known_of_a_person_decides(auction: Auction) -> None:
    task = task_for(auction, 0)
    assert task is not None
    assert task.task is PersonsTask.DECIDE_WITH_BIDS


def test_an_auction_that_is_over_is_listed_again_only_when_there_are_units() -> None:
    assert task_for(ENDED, 1) == AuctionTask(PersonsTask.RELIST, "x5")
    assert task_for(ENDED, 0) is None


def test_a_link_follows_every_relisting_and_the_old_id_stays_readable() -> None:
    news: list[AuctionNews] = [
        AuctionRelisted("x1", "x11"),
        AuctionEnded("x11", sold=False),
        AuctionRelisted("x11", "x12"),
    ]
    assert followed({"x1": "SKU-1"}, news) == {"x1": "SKU-1", "x11": "SKU-1", "x12": "SKU-1"}


def test_a_relisting_never_changes_a_link_that_is_there_and_makes_none_from_nothing() -> None:
    assert followed({"x1": "SKU-1", "x11": "SKU-2"}, [AuctionRelisted("x1", "x11")]) == {"x1": "SKU-1", "x11": "SKU-2"}
    assert followed({}, [AuctionRelisted("x1", "x11")]) == {}


def test_an_unknown_auction_is_proposed_by_its_own_code_then_by_its_title() -> None:
    links = {"x1": "SKU-1", "x2": "SKU-2"}
    known = (RUNNING, WITH_BIDS, BIDS_UNKNOWN)
    assert proposed(Auction("n1", "A-1", "靴"), known, links) == "SKU-1", "the own code is asked first"
    assert proposed(Auction("n1", "", "靴"), known, links) == "SKU-2"
    assert proposed(Auction("n1", "A-3", "帽子"), known, links) is None, "what has no link proposes none"
    assert proposed(Auction("n1"), known, links) is None
    twice = (*known, Auction("x6", "A-9", "靴"))
    assert proposed(Auction("n1", "", "靴"), twice, {**links, "x6": "SKU-9"}) is None, "nothing is guessed"
