"""Lists into a house on a test's database: what the tests of listings in bulk begin with."""

import csv
import io
from dataclasses import dataclass, field
from typing import Any

from adapters.kit.table_writing import unmarked
from api.jobs import listing_bulk
from api.jobs import listing_bulk_tasks as tasks
from api.jobs.listing_bulk import File, Outcome, Task
from api.projecting import catch_up
from ledger import keys
from ledger.book import stock
from ledger.book.pushes import record_read
from ledger.facts.push import MallRead
from ledger.terms import ListingKey, utc_text
from tests.api.import_rig import Imports


@dataclass
class Sent:
    """What a list did, and its error list. Mutable: the error list grows."""

    outcome: Outcome | None = None
    errors: bytearray = field(default_factory=bytearray)

    @property
    def became(self) -> dict[str, int]:
        assert self.outcome is not None
        return dict(self.outcome.became)

    @property
    def problems(self) -> list[str]:
        assert self.outcome is not None
        return [str(problem) for problem in self.outcome.shown]

    @property
    def error_rows(self) -> list[list[str]]:
        """The error list as a program reads it, without its header."""
        return rows_of(bytes(self.errors))[1:]


def rows_of(content: bytes) -> list[list[str]]:
    """Every row of a table we wrote."""
    return [[unmarked(cell) for cell in row] for row in csv.reader(io.StringIO(content.decode("utf-8-sig")))]


def file(content: str | bytes, name: str = "list.csv") -> File:
    """A list as its bytes, one small chunk after the other."""
    raw = content.encode("cp932") if isinstance(content, str) else content
    return File(name, lambda: (raw[at : at + 7] for at in range(0, len(raw), 7)))


def task_of(given: Imports, kind: str, **how: Any) -> Task[Any]:
    """The task of this kind of list for the shop at 楽天市場."""
    catch_up(given.house)
    match kind:
        case "link":
            return tasks.linking(given.house, given.rakuten, relink=bool(how.get("relink")))
        case "replace":
            return tasks.replacing(given.house, given.rakuten)
        case "set":
            return tasks.setting(given.house, given.rakuten)
        case _:
            return tasks.defining()


def send(given: Imports, kind: str, content: str | bytes, **how: Any) -> Sent:
    """The list is previewed, which records nothing, and sent; both say the same."""
    before = given.facts()
    seen = preview(given, kind, content, **how)
    assert given.facts() == before
    sent = Sent()
    sent.outcome = listing_bulk.apply(
        given.house, file(content), task_of(given, kind, **how), given.house.by("user:1"), errors=sent.errors.extend
    )
    assert seen.outcome is not None
    assert (seen.became, seen.outcome.states, seen.problems) == (sent.became, sent.outcome.states, sent.problems)
    assert seen.errors == sent.errors
    return sent


def preview(given: Imports, kind: str, content: str | bytes, **how: Any) -> Sent:
    """What the list would do."""
    seen = Sent()
    seen.outcome = listing_bulk.preview(
        given.house, file(content), task_of(given, kind, **how), given.house.by("user:1"), errors=seen.errors.extend
    )
    return seen


def register(given: Imports, *codes: str) -> None:
    """These SKUs are registered; they have no number yet."""
    given.do(*(stock.register_sku(code) for code in codes))


def read_back(given: Imports, numbers: dict[ListingKey, int | None], found: bool = True) -> None:
    """The mall showed these numbers just now."""
    said = MallRead(
        door="api",
        listings=[keys.listing_text(key) for key in numbers],
        units=list(numbers.values()),
        found=[found] * len(numbers),
        sellable=[True] * len(numbers),
        read_at=utc_text(given.house.clock.now()),
        known_position=1,
    )
    given.do(record_read(given.rakuten, said))
