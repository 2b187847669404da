"""Where more may be sold than there is: listings that show more than they should, and shops whose orders have stopped coming."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from api.tables import order_polls
from api.wiring import House

ROWS_MAX = 1_000
OLDER_SECONDS = 60  # what differs for a shorter time is on its way
GAPS = 200  # of the newest orders, from which the usual gap is known
GAPS_MIN = 20
SILENT_TIMES = 3
SILENT_SECONDS_MIN = 1_800.0
FAILING_SECONDS = 600.0
WINDOW_DAYS = 7
PUSHES_MEASURED = 2_000


@dataclass(frozen=True, slots=True)
class Exposed:
    """A listing whose page shows more than we want it to. ``units`` of the SKU are at risk, ``since`` the fact that lowered wanted."""

    shop: str
    item: str
    variant: str
    sku: str
    wanted_units: int
    expected_units: int
    units: int
    since: datetime
    why: str


@dataclass(frozen=True, slots=True)
class IntakeState:
    """How a shop's orders come in. ``state``: ok, silent, failing, stopped, unproven or new (too few orders to say)."""

    shop: str
    state: str
    since: datetime | None
    usual_gap_seconds: float | None
    last_at: datetime | None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 95th percentile of so many measurements, in seconds; None: nothing was measured."""

    count: int
    median_seconds: float | None
    p95_seconds: float | None


@dataclass(frozen=True, slots=True)
class ShopWindows:
    """How long a shop takes, over the last days: order placed → told to us, told → sent to it, sent → applied by it."""

    shop: str
    days: int
    order_to_told: Spread
    told_to_sent: Spread
    sent_to_applied: Spread


def exposed(house: House, *, shop: str | None = None, older_seconds: int = OLDER_SECONDS) -> Sequence[Exposed]:
    """Listings that have shown too much for so long, the most units first, at most ROWS_MAX."""
    with house.pool.connection() as connection:
        rows: list[Any] = connection.execute(_EXPOSED, {"shop": shop, "limit": ROWS_MAX}).fetchall()
    before = house.clock.now() - timedelta(seconds=older_seconds)
    return [Exposed(*row) for row in rows if row[7] is not None and row[7] <= before]


_EXPOSED = """
    SELECT l.shop, l.item, l.variant, l.sku, l.wanted_units, l.shown, (l.shown - l.wanted_units) * l.units_per_listing,
        (SELECT s.committed_at FROM ledger_seals AS s WHERE s.first_position <= l.wanted_position
         ORDER BY s.first_position DESC LIMIT 1),
        CASE WHEN l.rejected_code IS NOT NULL THEN 'rejected' WHEN NOT coalesce(p.push, false) THEN 'push_stopped'
             WHEN p.paused IS NOT NULL THEN 'paused' WHEN l.batch_request IS NOT NULL THEN 'batch_unfinished'
             WHEN l.pending_request IS NOT NULL THEN 'on_its_way' ELSE 'waits' END
    FROM (SELECT *, coalesce(expected_units, told_units) AS shown FROM listings
          WHERE (queue_rank IS NOT NULL OR rejected_code IS NOT NULL) AND wanted_units IS NOT NULL) AS l
    LEFT JOIN shops AS p ON p.shop = l.shop
    WHERE l.shown > l.wanted_units AND (%(shop)s::text IS NULL OR l.shop = %(shop)s)
    ORDER BY (l.shown - l.wanted_units) * l.units_per_listing DESC, l.shop, l.item, l.variant LIMIT %(limit)s
"""


def intake_states(house: House, *, shop: str | None = None) -> Sequence[IntakeState]:
    """How the orders of each connected shop come in now."""
    now = house.clock.now()
    with house.pool.connection() as connection:
        shops: list[Any] = connection.execute(
            "SELECT shop, intake, intake_proven FROM shops WHERE mall <> '' AND (%s::text IS NULL OR shop = %s) ORDER BY shop",
            (shop, shop),
        ).fetchall()
        found = []
        for code, intake, proven in shops:
            if not intake or not proven:
                found.append(IntakeState(code, "stopped" if not intake else "unproven", None, None, None))
                continue
            gap, last = _gaps(connection, code)
            poll = order_polls.of_shop(connection, code)
            since = None if poll is None else poll.asked_at or poll.done_until
            if poll is not None and poll.code and since and (now - since).total_seconds() > FAILING_SECONDS:
                found.append(IntakeState(code, "failing", since, gap, last, poll.code))
            elif gap is None or last is None:
                found.append(IntakeState(code, "new", None, None, last))
            else:
                limit = timedelta(seconds=max(SILENT_TIMES * gap, SILENT_SECONDS_MIN))
                silent = now - last > limit
                found.append(
                    IntakeState(code, "silent" if silent else "ok", last + limit if silent else None, gap, last)
                )
    return found


def _gaps(connection: Any, shop: str) -> tuple[float | None, datetime | None]:
    """The longest usual gap between two orders (95 of 100 are shorter), and when the last one came."""
    gap, count, last = connection.execute(
        "SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY gap), count(gap), max(at) FROM (SELECT at, extract(epoch FROM at"
        " - lag(at) OVER (ORDER BY at)) AS gap FROM (SELECT DISTINCT first_position, recorded_at AS at FROM orders"
        " WHERE shop = %s ORDER BY first_position DESC LIMIT %s) AS o) AS g",
        (shop, GAPS),
    ).fetchone()
    return (float(gap) if count >= GAPS_MIN else None), last


def windows(house: House, shop: str, *, days: int = WINDOW_DAYS) -> ShopWindows:
    """The measured windows of the shop over the last days."""
    since = house.clock.now() - timedelta(days=days)
    with house.pool.connection() as connection:
        told = connection.execute(
            _SPREAD.format(
                "SELECT DISTINCT number, extract(epoch FROM recorded_at - ordered_at) AS seconds FROM orders WHERE shop = %s"
                " AND recorded_at > %s AND ordered_precision = 'second' AND first_position = position"
            ).encode(),
            (shop, since),
        ).fetchone()
        sent = connection.execute(
            _SPREAD.format(
                "SELECT extract(epoch FROM p.sent_at - c.recorded_at) AS seconds FROM (SELECT * FROM push_log WHERE shop = %s"
                " AND recorded_at > %s AND sent_at IS NOT NULL AND sync IS NULL AND trigger IN ('lower', 'zero')"
                f" ORDER BY position DESC LIMIT {PUSHES_MEASURED}) AS p, LATERAL (SELECT recorded_at FROM change_log AS c"
                " WHERE c.position <= p.computed_at AND c.position > p.computed_at - 1000 AND c.trace = p.trace"
                " AND c.order_number IS NOT NULL ORDER BY c.position DESC LIMIT 1) AS c"
            ).encode(),
            (shop, since),
        ).fetchone()
        applied = connection.execute(
            _SPREAD.format(
                "SELECT extract(epoch FROM applied_until - sent_at) AS seconds FROM push_log WHERE shop = %s"
                " AND recorded_at > %s AND outcome = 'applied' AND sent_at IS NOT NULL"
            ).encode(),
            (shop, since),
        ).fetchone()
    return ShopWindows(shop, days, _spread(told), _spread(sent), _spread(applied))


_SPREAD = (
    "SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds), percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds)"
    " FROM ({}) AS m WHERE seconds >= 0"
)


def _spread(row: Any) -> Spread:
    count, median, p95 = row
    return Spread(int(count), None if median is None else float(median), None if p95 is None else float(p95))
