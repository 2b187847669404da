"""The house of a simulated world: its writer commits in the caller's thread, on the world's clock and chance."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg_pool import ConnectionPool

from api.database import Database, connect_writer
from api.key_file import KeyFile
from api.sealing import Seals
from api.settings import Settings
from api.wiring import House
from ledger.book import Book, By, open_ledger
from ledger.writer import Writer
from tests.simulator.world import World

BY = By("user:1", "simulator")


@contextmanager
def open_world_house(database: Database, home: Path, world: World) -> Iterator[House]:
    """A house whose writer commits in the caller's thread, on the world's clock and chance."""
    settings = Settings(home=home)
    writer = Writer(lambda: connect_writer(database), database.schema, world)
    with ConnectionPool(database.conninfo(), min_size=1, max_size=4, open=True) as pool:
        book = Book(writer, world.now)
        with pool.connection() as connection:
            row = connection.execute("SELECT ledger_id FROM ledger_head").fetchone()
        assert row is not None
        book.do(open_ledger(str(row[0])), BY)
        seals = Seals(KeyFile(settings.key_file).keys)
        yield House(
            settings=settings,
            database=database,
            clock=world,
            pool=pool,
            writer=writer,
            book=book,
            new_id=world.new_id,
            new_secret=world.new_id,
            seals=seals,
            start_thread=_no_thread,
            txt=lambda _: (),
        )
    writer.close()


def _no_thread(name: str, body: Callable[[], None]) -> Any:
    raise AssertionError(f"{name}: this world has one thread")
