"""Files into a house on a test's database: what the tests of imports begin with, and look at."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.database import Database
from api.jobs import applying, imports, preview, staging
from api.jobs.applying import Applied
from api.jobs.imports import Wish
from api.jobs.preview import Preview
from api.shops import connect
from api.tables.imports import ImportFile
from api.wiring import House
from ledger import keys, listing
from ledger.book import Verb, orders
from ledger.book.orders import Named
from ledger.snapshot import snapshot
from ledger.terms import Door, ListingKey, OrderState, Telling, TellingLine
from ledger.verify import verify
from tests.adapters.rakuten.sample_files import USUAL, Row, parent, sku, table
from tests.api.intake_rig import TurnedClock, opened

RAKUTEN_FILE, YAHOO_FILE, OWN_FILE = "dl-normal-item.csv", "quantity.csv", "daicho-stock.csv"


@dataclass
class Imports:
    """A house with two shops, 楽天市場 and Yahoo!ショッピング. ``then`` is a whole second a few hours ago. Mutable: its clock turns."""

    house: House
    clock: TurnedClock
    rakuten: str
    yahoo: str
    then: datetime

    def at(self, hours: float) -> datetime:
        """So many hours after ``then``."""
        return self.then + timedelta(hours=hours)

    def stage(
        self,
        content: bytes | Iterator[bytes],
        shop: str | None,
        *,
        name: str = RAKUTEN_FILE,
        mode: str = "overwrite",
        hours: float | None = 0,
        owed: str | None = None,
        together: str | None = None,
    ) -> ImportFile:
        """The file is staged, made by its mall at ``at(hours)``; None: nobody says when."""
        chunks = [content] if isinstance(content, bytes) else content
        wish = Wish(shop, mode, name, None if hours is None else self.at(hours), owed, together=together)
        connected = imports.shop_of(self.house, shop) if shop else None
        return staging.stage(self.house, chunks, wish, "user:1", connected)

    def apply(self, file: ImportFile) -> Applied:
        return applying.apply(self.house, file.import_id, self.house.by("user:1"))

    def preview(self, file: ImportFile) -> Preview:
        return preview.preview(self.house, file.import_id)

    def rakuten_file(
        self,
        numbers: Mapping[str, object],
        *,
        mode: str = "overwrite",
        hours: float = 0,
        owed: str | None = None,
        shop: str = "",
    ) -> Applied:
        """A file of 楽天市場 with one item of one SKU each is applied."""
        file = self.stage(items(numbers), shop or self.rakuten, mode=mode, hours=hours, owed=owed)
        assert not file.problems, preview.problems(self.house, file.import_id)
        return self.apply(file)

    def own_file(self, text: str, *, mode: str = "overwrite", hours: float = 0) -> Applied:
        """Our own CSV is applied."""
        return self.apply(self.stage(text.encode("cp932"), None, name=OWN_FILE, mode=mode, hours=hours))

    def problems(self, file: ImportFile) -> list[str]:
        """What is not understood, as a person reads it."""
        return [str(problem) for problem in preview.problems(self.house, file.import_id)]

    def do(self, *verbs: Verb) -> None:
        for verb in verbs:
            self.house.book.do(verb, self.house.by("user:1"))

    def order(self, shop: str, number: str, code: str, units: int = 1, *, hours: float) -> None:
        """An order of the SKU, which is the only one of its item, is placed and told at ``at(hours)``."""
        line = TellingLine(code.lower(), code.lower(), units)
        state, at = OrderState.CONFIRMED, self.at(hours)
        telling = Telling(number, Door.API, at, state, True, True, (line,), 1, ordered_at=at)
        self.do(orders.take_order(shop, telling, [Named(ListingKey(code.lower(), code.lower()), code)]))

    def available(self) -> dict[str, int | None]:
        """想定在庫数 of every SKU that is registered."""
        with self.house.pool.connection() as connection:
            rows = connection.execute(
                "SELECT sku, on_hand, allocated FROM stock_levels WHERE sku_version > 0 ORDER BY sku"
            )
            return {str(row[0]): None if row[1] is None else row[1] - row[2] for row in rows}

    def listing(self, item: str, variant: str = "", shop: str = "") -> listing.Listing:
        return self.house.look(keys.listing(shop or self.rakuten, ListingKey(item, variant)), listing.FOLD)

    def facts(self) -> dict[str, int]:
        """How many facts of each name there are."""
        with self.house.pool.connection() as connection:
            rows = connection.execute("SELECT topic, count(*) FROM ledger_events GROUP BY topic")
            return {str(row[0]): int(row[1]) for row in rows}

    def is_sound(self) -> bool:
        """Whether verify finds nothing wrong."""
        connection = self.house.pool.getconn()
        try:
            connection.autocommit = True
            with snapshot(connection, self.house.database.schema) as ledger:
                return verify(ledger).sound
        finally:
            connection.autocommit = False
            self.house.pool.putconn(connection)


@contextmanager
def importing(database: Database, home: Path) -> Iterator[Imports]:
    """A house with its two shops."""
    clock = TurnedClock()
    with opened(database, home, clock) as house:
        by = house.by()
        rakuten = house.book.do(connect("rakuten", "samplestore", match_key="", settings={"shop_number": "402853"}), by)
        settings = {"seller_id": "samplestore", "client_id": "client"}
        yahoo = house.book.do(connect("yahoo_shopping", "samplestore", match_key="", settings=settings), by)
        then = (datetime.now(UTC) - timedelta(hours=12)).replace(microsecond=0)
        yield Imports(house, clock, str(rakuten.answer["shop"]), str(yahoo.answer["shop"]), then)


def items(numbers: Mapping[str, object], *, encoding: str = "cp932") -> bytes:
    """A file of 楽天市場: every SKU is the only one of the item that has its name in small letters."""
    rows: list[Row] = []
    for code, units in numbers.items():
        item = code.lower()
        rows += [parent(item, name=f"商品 {code}"), sku(item, item, "" if units is None else str(units), code)]
    return table(rows, encoding=encoding)


def lines(*rows: Sequence[str]) -> bytes:
    """A file of 楽天市場 of SKU rows: (item, variant, units, own code)."""
    return table([sku(*row) for row in rows], USUAL)
