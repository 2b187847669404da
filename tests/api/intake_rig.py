"""A house on a test's database with shops that take orders: what the tests of the mail doors and of intake begin with."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from api.connecting import mail_address
from api.database import Database
from api.jobs.naming import CodedListing
from api.settings import Settings
from api.shops import connect
from api.tables import inbox
from api.tables.inbox import Arrival, InboxRow
from api.wiring import House, SystemClock, open_house
from ledger.book import shops
from ledger.book.stock import everything_up_to, overwrite
from ledger.terms import ListingKey
from ledger.writer import Clock

ROOT = Path(__file__).parents[2]
RAKUTEN = "rakuten-samplestore"
YAHOO = "yahoo_shopping-samplestore"
DOMAIN = "mail.test"


@dataclass
class TurnedClock:
    """The machine's clock, turned by hand; when asked to sleep it is turned, too."""

    offset: timedelta = timedelta()
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset + timedelta(seconds=sum(self.slept))

    def monotonic(self) -> float:
        return time.monotonic() + sum(self.slept) + self.offset.total_seconds()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def turn(self, seconds: float) -> None:
        self.offset += timedelta(seconds=seconds)


@dataclass
class LaterClock(SystemClock):
    """The machine's clock, and later when a test says so. Mutable: it is turned."""

    later_seconds: float = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.later_seconds)

    def monotonic(self) -> float:
        return super().monotonic() + self.later_seconds


@dataclass
class KnownListings:
    """The codes of linked listings, told by hand. ``behind``: how many looks it lags behind the ledger. ``poison``: a code that makes it fail."""

    codes: dict[tuple[str, str], list[CodedListing]] = field(default_factory=dict)
    behind: int = 0
    poison: str = ""

    def named(
        self, connection: psycopg.Connection, shop: str, codes: Sequence[str]
    ) -> Mapping[str, Sequence[CodedListing]]:
        if self.poison in codes:
            raise KeyError("a fault of ours")
        if self.behind:
            return {}
        return {code: self.codes[shop, code] for code in codes if (shop, code) in self.codes}

    def position(self, connection: psycopg.Connection) -> int:
        self.behind = max(0, self.behind - 1)
        return 0 if self.behind else 1 << 60


@contextmanager
def opened(
    database: Database,
    home: Path,
    clock: Clock | None = None,
    *,
    dns: Callable[[str], tuple[bytes, ...] | None] = lambda _: (),
    **settings: object,
) -> Iterator[House]:
    """A house whose key file is in ``home``, and whose questions to DNS are answered by ``dns``."""
    chosen = Settings(home=home, mail_domain=DOMAIN, **settings)  # type: ignore[arg-type]
    with open_house(chosen, database=database, clock=clock, ask_txt=dns) as house:
        yield house


def connect_shops(house: House, *, start: bool = True) -> None:
    """Both shops are connected and take orders: 楽天市場 (店舗番号 402853) and Yahoo!ショッピング (samplestore)."""
    by = house.by()
    house.book.do(connect("rakuten", "samplestore", match_key="", settings={"shop_number": "402853"}), by)
    settings = {"seller_id": "samplestore", "client_id": "client"}
    house.book.do(connect("yahoo_shopping", "samplestore", match_key="", settings=settings), by)
    for code in (RAKUTEN, YAHOO) if start else ():
        house.book.do(shops.start_intake(code), by)


def link(house: House, shop: str, item: str, variant: str, sku: str, *, codes: Sequence[str] = ()) -> CodedListing:
    """The listing sells the SKU."""
    key = ListingKey(item, variant)
    house.book.do(shops.link_listing(shop, key, sku, codes=codes), house.by())
    return CodedListing(key, sku)


def set_stock(house: House, sku: str, units: int, at: datetime | None = None) -> None:
    """上書き of what is there, counted before the samples' orders."""
    counted_at = at or datetime(2026, 11, 1, tzinfo=UTC)
    if counted_at > house.clock.now():
        counted_at = house.clock.now() - timedelta(days=1)
    house.book.do(overwrite(sku, units, covers=everything_up_to(counted_at), counted_at=counted_at), house.by())


def stock_of(house: House, sku: str) -> tuple[int | None, int]:
    """(on hand, allocated) of the SKU."""
    with house.pool.connection() as connection:
        row = connection.execute("SELECT on_hand, allocated FROM stock_levels WHERE sku = %s", (sku,)).fetchone()
    return (None, 0) if row is None else (row[0], row[1])


def deliver(house: House, raw: bytes, shop: str = RAKUTEN) -> int:
    """The mail is in the inbox, as a door puts it there; its id."""
    with house.pool.connection() as connection:
        arrival = Arrival(shop, "mail", house.clock.now(), house.new_id(), raw)
        inbox.store(connection, house.database.schema, house.seals, [arrival])
        return inbox.page(connection, rows_max=1)[0].id


def rows(house: House) -> list[InboxRow]:
    """The inbox, oldest first."""
    with house.pool.connection() as connection:
        return list(reversed(inbox.page(connection, rows_max=1_000)))


def states(house: House) -> list[tuple[str, str]]:
    """(state, reason) of the inbox, oldest first."""
    return [(row.state, row.reason) for row in rows(house)]


def sample(mall: str, name: str) -> bytes:
    """A mail of the adapter's samples."""
    return (ROOT / "adapters" / mall / "samples" / f"{name}.eml").read_bytes()


def facts(house: House, name: str) -> list[tuple[int, str]]:
    """(position, stream) of every fact of this name."""
    with house.pool.connection() as connection:
        found = connection.execute(
            "SELECT notification_id, originator_id FROM ledger_events WHERE topic = %s ORDER BY notification_id",
            (name,),
        )
        return [(row[0], row[1]) for row in found.fetchall()]


def address(house: House, shop: str) -> str:
    return mail_address(house, shop)


def nothing_waits(house: House, step: Callable[[], int], steps_max: int = 500) -> int:
    """The step is called until it finds nothing; how much it did in all."""
    total = 0
    for _ in range(steps_max):
        count = step()
        if not count:
            return total
        total += count
    raise AssertionError(f"work left after {steps_max} steps")
