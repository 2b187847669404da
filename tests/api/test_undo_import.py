"""An import is taken back: numbers are exactly as before it, what moved since is named and left, and twice is once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.jobs import undoing
from api.tables.imports import ImportFile
from ledger.load import ImportNotAccepted
from tests.api.import_rig import Imports, importing, items


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found
        assert found.is_sound()


def applied(given: Imports, numbers: dict[str, int], *, hours: float = 0, mode: str = "overwrite") -> ImportFile:
    file = given.stage(items(numbers), given.rakuten, hours=hours, mode=mode)
    given.apply(file)
    return file


def undo(given: Imports, file: ImportFile) -> undoing.Undone:
    return undoing.undo(given.house, file.import_id, given.house.by("user:2"))


def levels(given: Imports) -> list[object]:
    """Everything that stock says, but what counts facts."""
    with given.house.pool.connection() as connection:
        found = connection.execute(
            "SELECT sku, on_hand, allocated, kept_back, counted_position, counted_at, counted_by, counted_plainly"
            " FROM stock_levels ORDER BY sku"
        ).fetchall()
        counts = connection.execute(
            "SELECT sku, shop, up_to, position, part_units FROM stock_counts WHERE position >= 0 ORDER BY sku, shop"
        ).fetchall()
    return [*found, *counts]


def test_numbers_are_as_before_and_a_first_one_is_none_again(given: Imports) -> None:
    applied(given, {"A": 5, "B": 6})
    before = levels(given)
    file = applied(given, {"A": 9, "B": 6, "NEW": 3}, hours=1)
    assert undoing.look_back(given.house, file.import_id).undone == 3
    done = undo(given, file)
    assert (done.undone, done.moved) == (3, [])
    assert given.available() == {"A": 5, "B": 6, "NEW": None}
    assert levels(given)[:2] == before[:2]
    facts = given.facts()
    again = undo(given, file)
    assert (again.undone, again.already, given.facts()) == (0, 3, facts)


def test_what_moved_since_is_named_and_left(given: Imports) -> None:
    applied(given, {"A": 5, "B": 6})
    file = applied(given, {"A": 9, "B": 9}, hours=1)
    given.order(given.rakuten, "r-1", "A", 2, hours=2)
    assert undoing.look_back(given.house, file.import_id).moved == ["A"]
    done = undo(given, file)
    assert (done.undone, done.moved) == (1, ["A"])
    assert given.available() == {"A": 7, "B": 6}


def test_a_part_that_was_added_is_taken_out_and_can_be_added_again(given: Imports) -> None:
    applied(given, {"A": 30}, mode="add")
    before = levels(given)
    file = applied(given, {"A": 25}, mode="add", hours=1)
    assert given.available() == {"A": 25}
    undo(given, file)
    assert given.available() == {"A": 30}
    assert levels(given) == before
    applied(given, {"A": 20}, mode="add", hours=2)
    assert given.available() == {"A": 20}


def test_a_late_order_after_an_undo_counts_as_it_would_have_before_the_import(given: Imports) -> None:
    applied(given, {"A": 5})
    undo(given, applied(given, {"A": 9}, hours=2))
    given.order(given.rakuten, "r-1", "A", 1, hours=1)
    assert given.available() == {"A": 4}, "the number that stands knows nothing of the hour after it"
    given.order(given.rakuten, "r-2", "A", 1, hours=-1)
    assert given.available() == {"A": 4}, "and what was sold before it is inside"


def test_an_import_that_was_never_applied_is_not_taken_back(given: Imports) -> None:
    file = given.stage(items({"A": 5}), given.rakuten)
    with pytest.raises(ValueError, match="changed nothing"):
        undo(given, file)


def test_an_import_that_runs_is_stopped_before_it_is_taken_back(given: Imports) -> None:
    from api.jobs import applying
    from ledger.book import loads

    file = given.stage(items({f"S{n}": n for n in range(700)}), given.rakuten)

    def stop(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        applying.apply(given.house, file.import_id, given.house.by("user:1"), stop)
    with pytest.raises(ImportNotAccepted, match="running"):
        undo(given, file)
    given.do(loads.cancel_import(file.import_id))
    assert undo(given, file).undone == 500
    assert set(given.available().values()) == {None}
