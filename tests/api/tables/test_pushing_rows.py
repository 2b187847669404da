"""Rows of pushing that processes share: one lease, one pace, one breaker a shop."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from adapters.kit.breaker import FAILURES_MAX
from api.database import Database
from api.jobs.push_missing import Unseen
from api.tables import mall_paces, push_breakers, push_leases, push_unseen
from api.tables.mall_paces import PUSH, READ, may_call, pace_of
from api.tables.push_breakers import ShopBreaker, after_answer
from ledger.expected import Sale
from ledger.terms import ListingKey, Outcome, Result

NOON = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
SHOP = "yahoo_shopping-1"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.conninfo(), autocommit=True) as found:
        yield found


@pytest.fixture
def another(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.conninfo(), autocommit=True) as found:
        yield found


def test_a_lease_is_one_workers_until_it_is_given_back(
    connection: psycopg.Connection, another: psycopg.Connection
) -> None:
    mine = push_leases.take(connection, SHOP, holder="a", now=at(0), request_seconds=30)
    assert mine is not None
    assert mine.clean
    assert push_leases.take(another, SHOP, holder="b", now=at(1), request_seconds=30) is None
    push_leases.release(connection, mine, now=at(2), doubts=0)
    theirs = push_leases.take(another, SHOP, holder="b", now=at(2), request_seconds=30)
    assert theirs is not None
    assert (theirs.epoch, theirs.clean) == (mine.epoch + 1, True)
    assert not push_leases.hold(connection, mine, now=at(3), request_seconds=30)


def test_a_lease_of_a_dead_worker_is_taken_when_its_request_is_surely_over(connection: psycopg.Connection) -> None:
    mine = push_leases.take(connection, SHOP, holder="a", now=at(0), request_seconds=30)
    assert mine is not None
    assert push_leases.hold(connection, mine, now=at(10), request_seconds=30)
    assert push_leases.take(connection, SHOP, holder="b", now=at(44), request_seconds=30) is None
    assert push_leases.left_open(connection, at(44)) == set()
    assert push_leases.left_open(connection, at(45)) == {SHOP}
    theirs = push_leases.take(connection, SHOP, holder="b", now=at(45), request_seconds=30)
    assert theirs is not None
    assert not theirs.clean


def test_a_lease_given_back_with_an_unknown_answer_says_so(connection: psycopg.Connection) -> None:
    mine = push_leases.take(connection, SHOP, holder="a", now=at(0), request_seconds=30)
    assert mine is not None
    push_leases.release(connection, mine, now=at(1), doubts=1)
    assert push_leases.left_open(connection, at(1)) == {SHOP}
    again = push_leases.take(connection, SHOP, holder="a", now=at(1), request_seconds=30)
    assert again is not None
    assert not again.clean


@pytest.mark.parametrize("per_second", [1.0, 5.0, 10.0])
def test_two_processes_together_use_nearly_all_of_a_limit_and_never_more(
    connection: psycopg.Connection, another: psycopg.Connection, per_second: float
) -> None:
    pace, moments, now = pace_of(per_second), [], 0.0
    for turn in range(60):
        asks = (connection, another)[turn % 2]
        while wait := may_call(asks, SHOP, PUSH, pace, now=at(now)):
            now += wait
        moments.append(now)
    rate = (len(moments) - 1) / (moments[-1] - moments[0])
    assert 0.95 * per_second <= rate <= per_second
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    assert min(gaps) >= 1 / per_second


def test_reads_and_other_accounts_have_paces_of_their_own(connection: psycopg.Connection) -> None:
    pace = pace_of(1.0)
    assert may_call(connection, SHOP, PUSH, pace, now=at(0)) == 0.0
    assert may_call(connection, SHOP, READ, pace, now=at(0)) == 0.0
    assert may_call(connection, "rakuten-1", PUSH, pace, now=at(0)) == 0.0
    assert may_call(connection, SHOP, PUSH, pace, now=at(0)) > 1.0


def test_a_full_sync_leaves_one_call_of_a_burst_to_orders(connection: psycopg.Connection) -> None:
    pace = pace_of(10.0, burst=3)
    calls = [may_call(connection, SHOP, PUSH, pace, now=at(0), for_order=False) for _ in range(3)]
    assert calls[:2] == [0.0, 0.0]
    assert calls[2] > 0.0
    assert may_call(connection, SHOP, PUSH, pace, now=at(0)) == 0.0


def test_a_mall_that_says_wait_is_left_alone_by_everybody(
    connection: psycopg.Connection, another: psycopg.Connection
) -> None:
    pace = pace_of(1.0)
    mall_paces.hold_back(connection, SHOP, PUSH, pace, now=at(0), wait_seconds=20)
    assert may_call(another, SHOP, PUSH, pace, now=at(0)) == pytest.approx(20, abs=0.001)
    assert may_call(another, SHOP, PUSH, pace, now=at(20.001)) == 0.0


def test_a_breaker_opens_after_failures_in_a_row_and_closes_with_the_first_that_goes_well() -> None:
    found, now = ShopBreaker(), 0.0
    waits = []
    for _ in range(FAILURES_MAX + 2):
        found = after_answer(found, [Outcome(Result.TRANSIENT, "http_500")], now=at(now), chance=1.0)
        opens = found.opens_at()
        assert opens is not None
        waits.append((opens - at(now)).total_seconds())
        now = (opens - NOON).total_seconds()
    assert waits == sorted(waits)
    assert waits[0] == 1.0
    assert waits[-1] >= 20.0
    assert found.code == "http_500"
    assert after_answer(found, [Outcome(Result.APPLIED)], now=at(now), chance=1.0) == ShopBreaker()


def test_a_throttled_answer_waits_as_the_mall_says_and_is_no_failure() -> None:
    found = after_answer(ShopBreaker(), [Outcome(Result.THROTTLED, "http_429", 7.0)], now=at(0), chance=0.5)
    assert found.opens_at() == at(7)
    assert found.breaker.failures == 0


def test_a_breaker_is_seen_by_every_process(connection: psycopg.Connection, another: psycopg.Connection) -> None:
    found = after_answer(ShopBreaker(), [Outcome(Result.UNKNOWN, "answer_lost")], now=at(0), chance=0.5)
    push_breakers.keep(connection, SHOP, PUSH, found, now=at(0))
    assert push_breakers.of_shop(another, SHOP, PUSH) == found
    assert push_breakers.of_shop(another, SHOP, READ) == ShopBreaker()
    push_breakers.clear(connection, SHOP)
    assert push_breakers.of_shop(another, SHOP, PUSH) == ShopBreaker()


def test_missing_units_whose_orders_never_came_are_listed_to_be_checked_for_a_day(
    connection: psycopg.Connection,
) -> None:
    certain = Unseen(SHOP, ListingKey("cup", "blue"), "CUP", 1, 2, 0, at(-60), at(0), 50)
    possible = Unseen(SHOP, ListingKey("pen", ""), "PEN", 1, 0, 1, at(-60), at(0), 50)
    push_unseen.add(connection, [certain, possible])
    assert push_unseen.running(connection, at(599)) == [certain, possible]
    assert push_unseen.to_check(connection, at(599)) == []
    assert push_unseen.running(connection, at(600)) == []
    assert push_unseen.to_check(connection, at(600)) == [certain]
    push_unseen.explain(connection, [certain], [Sale(60, 2, at(-10))], 61)
    assert push_unseen.to_check(connection, at(600)) == []
    assert push_unseen.forget_old(connection, at(24 * 3_600 + 1)) == 2
