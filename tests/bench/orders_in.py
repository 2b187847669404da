"""P3: orders by signed webhook over HTTP, 16 connections, beside an empty POST of the same worker; one mutation of 500 lines.

Doors, worker and callers are processes of their own. Acknowledged is committed to the inbox; allocated is the commit time of the
order's first fact.
"""

import asyncio
import itertools
import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from standardwebhooks.webhooks import Webhook

from api import keys
from api.connecting import mail_address
from api.database import Database
from api.permissions import SCOPES
from api.settings import Settings
from api.shops import connect
from api.tables import secrets
from api.wiring import open_house
from ledger.book import shops, stock
from ledger.terms import ListingKey
from tests.bench.doors import DOORS, WORK, child
from tests.bench.ground import Ground
from tests.bench.rows import Row

GOALS = ("P3",)
CONNECTIONS = 16
SECONDS, QUICK_SECONDS = 8.0, 2.5
PACED_A_SECOND = 200
LINES, CALLS, QUICK_CALLS = 500, 30, 8
SHOP, SECRET = "cart-bench", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
MUTATION = """mutation ($n: String!, $lines: [OrderLineInput!]!) {
  takeOrder(shop: "cart-bench", number: $n, lines: $lines) { position } }"""


def measure(under: Ground) -> list[Row]:
    """Rates and latencies of the doors, and what was allocated how long after it was acknowledged."""
    database, home = under.fresh("orders_in"), Path(tempfile.mkdtemp(prefix="daicho-bench-"))
    path, key = prepare(database, home)
    seconds, calls = (QUICK_SECONDS, QUICK_CALLS) if under.quick else (SECONDS, CALLS)
    numbers = itertools.count()
    with ExitStack() as stack:
        port = int(stack.enter_context(child(DOORS, database, home)).said)
        empty = asyncio.run(rate(port, seconds, lambda: posting("/empty", b"{}", {})))
        told = asyncio.run(rate(port, seconds, lambda: webhook(path, next(numbers))))
        lines = asyncio.run(mutations(port, key, calls))
        stack.enter_context(child(WORK, database, home))
        _wait_until_read(database)
        acknowledged = asyncio.run(paced(port, path, seconds, numbers))
        waits = _allocated_after(database, acknowledged)
    what = f"order by signed webhook, {CONNECTIONS} connections"
    return [
        Row(
            "P3",
            f"{what}: acknowledged",
            len(told) / seconds,
            "/s",
            1 / 3,
            1 / 2,
            len(empty) / seconds,
            "an empty POST",
        ),
        Row("P3", f"{what}: acknowledged, p99", at(told, 0.99) * 1_000, "ms", 25, lower=True),
        Row(
            "P3",
            f"allocated after it was acknowledged, {PACED_A_SECOND}/s, p50",
            at(waits, 0.5) * 1_000,
            "ms",
            lower=True,
        ),
        Row(
            "P3",
            f"allocated after it was acknowledged, {PACED_A_SECOND}/s, p99",
            at(waits, 0.99) * 1_000,
            "ms",
            100,
            lower=True,
        ),
        Row("P3", f"one mutation of {LINES} lines", lines, "lines/s", 10_000, 15_000),
    ]


def prepare(database: Database, home: Path) -> tuple[str, str]:
    """A cart that takes orders of LINES listings; the webhook's path and an API key."""
    with open_house(Settings(home=home, mail_domain="mail.test"), database=database) as house:
        by = house.by()
        house.book.do(connect("cart", "bench", match_key="", settings={}), by)
        house.book.do(shops.start_intake(SHOP), by)
        now = house.clock.now()
        verbs = []
        for number in range(LINES):
            covers = stock.everything_up_to(now)
            verbs.append((stock.overwrite(f"SKU-{number}", 1_000_000, covers=covers, counted_at=now), by))
            verbs.append((shops.link_listing(SHOP, ListingKey(f"item-{number}"), f"SKU-{number}"), by))
        for answer in house.book.do_page(verbs):
            assert not isinstance(answer, Exception), answer
        with house.pool.connection() as connection:
            secrets.put(connection, house.seals, shop=SHOP, name="signing_secret", value=SECRET, changed_at=now)
        token = mail_address(house, SHOP).partition("@")[0]
        return f"/inbound/webhook/{token}", keys.add(house, "bench", SCOPES)


# ------------------------------------------------------------------ the callers


def posting(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A POST as bytes."""
    named = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{named}\r\n".encode() + body


def webhook(path: str, number: int) -> bytes:
    """An order of one line, signed by the public client of the standard."""
    now = datetime.now(UTC)
    data = {
        "number": f"B-{number}",
        "ordered_at": now.isoformat(),
        "lines": [{"item": f"item-{number % LINES}", "quantity": 1}],
    }
    body = json.dumps({"type": "order.placed", "timestamp": now.isoformat(), "data": data})
    signature = Webhook(SECRET).sign(f"msg_{number}", now, body)
    proof = {
        "webhook-id": f"msg_{number}",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    return posting(path, body.encode(), proof)


async def rate(port: int, seconds: float, request: Callable[[], bytes]) -> list[float]:
    """Every caller sends as soon as it is answered; the seconds that each answer took."""
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def call() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < until:
            sent = request()
            began = time.perf_counter()
            await ask(reader, writer, sent)
            took.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(call() for _ in range(CONNECTIONS)))
    return took


async def paced(port: int, path: str, seconds: float, numbers: "Iterator[int]") -> dict[str, float]:
    """PACED_A_SECOND orders a second; when each was acknowledged, by its number."""
    acknowledged: dict[str, float] = {}
    began = time.perf_counter()
    places = itertools.count()

    async def call() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (due := next(places) / PACED_A_SECOND) < seconds:
            await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
            number = next(numbers)
            await ask(reader, writer, webhook(path, number))
            acknowledged[f"B-{number}"] = time.time()
        writer.close()

    await asyncio.gather(*(call() for _ in range(CONNECTIONS)))
    return acknowledged


async def mutations(port: int, key: str, calls: int) -> float:
    """Lines a second of takeOrder calls with LINES lines each, one after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [{"item": f"item-{number}", "quantity": 1} for number in range(LINES)]
    took = []
    for number in range(calls + 2):
        body = json.dumps({"query": MUTATION, "variables": {"n": f"M-{number}", "lines": lines}}).encode()
        sent = posting("/graphql", body, {"Authorization": f"Bearer {key}"})
        began = time.perf_counter()
        answer = await ask(reader, writer, sent)
        took.append(time.perf_counter() - began)
        assert b'"errors"' not in answer, answer[:300]
    writer.close()
    return LINES * calls / sum(took[2:])


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> bytes:
    """The body of the answer; it must be 200."""
    writer.write(sent)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head[:200]
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return await reader.readexactly(int(length.partition(b":")[2]))


def at(figures: Sequence[float], share: float) -> float:
    """The figure below which this share of them lies."""
    ordered = sorted(figures)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


# ------------------------------------------------------------------ what became of them


def _wait_until_read(database: Database) -> None:
    """The backlog is gone."""
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        until = time.monotonic() + 120
        while _one(connection, "SELECT count(*) FROM inbox WHERE state = 'received'"):
            assert time.monotonic() < until, "the worker does not read"
            time.sleep(0.1)


def _allocated_after(database: Database, acknowledged: dict[str, float]) -> list[float]:
    _wait_until_read(database)
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        rows = connection.execute(
            "SELECT e.originator_id, (SELECT s.committed_at FROM ledger_seals AS s WHERE s.first_position <= e.notification_id"
            " ORDER BY s.first_position DESC LIMIT 1) FROM ledger_events AS e"
            " WHERE e.originator_version = 1 AND e.originator_id = ANY (%s)",
            ([f"order:{SHOP}:{number}" for number in acknowledged],),
        ).fetchall()
    assert len(rows) == len(acknowledged), f"{len(acknowledged) - len(rows)} acknowledged orders are missing"
    return [moment.timestamp() - acknowledged[stream.rpartition(":")[2]] for stream, moment in rows]


def _one(connection: "psycopg.Connection[Any]", query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])
