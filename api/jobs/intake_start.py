"""受注取込 起動, as a person does it: what was kept while it stood still is counted, and a choice is asked for.

take: every order is taken as if it came now. counted (計上済): the stock numbers know these orders already; they are recorded
and allocated without lowering. skip: they are left unread, for good. Nobody chooses for the merchant: taken orders that were
counted by hand lower twice, skipped ones that were not are sold again.
"""

from dataclasses import dataclass
from datetime import datetime

import psycopg

from api.jobs.imports import shop_of
from api.tables import inbox_kept
from api.wiring import House
from ledger.book import By, Verb, shops
from ledger.shop import BACKLOG_CHOICES, ShopNotReady
from ledger.writer import Done


@dataclass(frozen=True, slots=True)
class Kept:
    """What waits for a shop's intake: how many messages, and when the oldest came."""

    messages: int
    since: datetime | None


def kept(connection: psycopg.Connection, code: str) -> Kept:
    """What was kept while the shop's intake stood still."""
    return Kept(*inbox_kept.waiting_of(connection, code))


def start_intake(
    house: House,
    code: str,
    by: By,
    *,
    backlog: str | None = None,
    up_to: datetime | None = None,
    key: tuple[str, str] | None = None,
) -> Done:
    """Intake runs, and what was kept is handled as chosen. Raises ShopNotReady when messages wait and nothing was chosen.

    ``up_to``: orders placed until then that come late fall under the choice too; now when not said.
    """
    verb = checked(house, code, shops.start_intake(code, backlog=backlog, up_to=up_to), backlog)
    return house.book.do(verb, by, key=key)


def checked(house: House, code: str, verb: Verb, backlog: str | None) -> Verb:
    """The verb, when a choice was made or none is needed. Raises ShopNotReady."""
    with house.pool.connection() as connection:
        waits = kept(connection, code)
    if backlog is None and waits.messages and not shop_of(house, code).intake:
        since = "" if waits.since is None else f" since {waits.since.isoformat(timespec='seconds')}"
        raise ShopNotReady(
            f"{waits.messages} messages were kept while 受注取込 of shop {code} stood still{since}; expected a choice"
            f" (--backlog, in GraphQL backlog): {', '.join(BACKLOG_CHOICES)} - take them as orders, count them as 計上済"
            " (the stock numbers know them already), or skip them"
        )
    return verb
