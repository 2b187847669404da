"""Every running shop's connection is tested once a day by the mall's read-only call: keys and logins that end are said before.

What was found stands in the doctor and in ``shop show``; the test costs one call of the mall's read limit.
"""

from datetime import timedelta

import adapters
from api.jobs.push_ways import has_api_keys
from api.jobs.worker import Loop
from api.shop_access import ConnectedShop, ShopAccesses, TurnNotGot
from api.tables import connection_tests, mall_paces
from api.wiring import House
from ledger.shop import ShopNotReady

FIRST = timedelta(minutes=10)  # after it began to run: a person has just tested it
EVERY = timedelta(days=1)
AGAIN = timedelta(minutes=10)  # when the mall was busy with our other calls
FIND_SECONDS = 30.0
CLAIM_SECONDS = 300.0


def loops(house: House) -> list[Loop]:
    """The loop that tests connections."""
    accesses = ShopAccesses(house)
    return [
        Loop("connections", lambda: step(house, accesses), poll_seconds=FIND_SECONDS, close=accesses.close),
    ]


def step(house: House, accesses: ShopAccesses) -> int:
    """The shop that is due the longest was tested; the answer is 1, or 0 when none is due."""
    now = house.clock.now()
    with house.pool.connection() as connection:
        for code in _running(house) - connection_tests.known(connection):
            connection_tests.begin(connection, code, now + FIRST)
        code_due = connection_tests.claim(connection, now=now, claim_seconds=CLAIM_SECONDS)
    if code_due is None:
        return 0
    due_at = now + (EVERY if _tested(house, accesses, code_due) else AGAIN)
    with house.pool.connection() as connection:
        connection_tests.later(connection, code_due, due_at)
    return 1


def _running(house: House) -> set[str]:
    """The shops that take orders or are told numbers, at malls that can be tested."""
    malls = [code for code, mall in adapters.malls().items() if callable(mall.connection_test)]
    with house.pool.connection() as connection:
        rows = connection.execute(
            "SELECT shop FROM shops WHERE (intake OR push) AND mall = ANY (%s)", (malls,)
        ).fetchall()
    return {str(shop) for (shop,) in rows}


def _tested(house: House, accesses: ShopAccesses, code: str) -> bool:
    """Whether the day's test is done: it answered, or there is nothing to test."""
    try:
        one = accesses.connected(code)
    except ShopNotReady:
        return True
    if not callable(one.mall.connection_test) or not has_api_keys(house, one):
        return True
    if not _may_call(house, one):
        return False
    try:
        with accesses.of(one) as access:
            found = one.mall.connection_test(access)
    except TurnNotGot:
        return False
    now = house.clock.now()
    with house.pool.connection() as connection:
        connection_tests.keep(connection, code, found, tested_at=now, due_at=now + EVERY)
    return True


def _may_call(house: House, one: ConnectedShop) -> bool:
    pace, kind = mall_paces.pace_of(one.mall.reads_per_second), mall_paces.counted_as(one.mall, mall_paces.READ)
    with house.pool.connection() as connection:
        return mall_paces.may_call(connection, one.code, kind, pace, now=house.clock.now(), for_order=False) == 0.0
