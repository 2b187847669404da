"""Nothing surprising is applied unseen: differences to page through, a guard that names its counts, and what moved since."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.jobs import reviewed
from api.jobs.reviewed import Confirmed, NotConfirmed, Outcome
from api.tables import import_differences
from api.tables.import_differences import Difference, DifferencesNotAccepted
from api.tables.imports import AnswerNotAccepted, ImportFile, answer
from ledger import keys, load
from ledger.book import shops, stock
from ledger.terms import ListingKey
from tests.api.import_rig import Imports, importing, items, lines
from tests.api.test_imports import from_worker, switch_on

MANY = 60


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found
        assert found.is_sound()


def many(units: int) -> dict[str, int]:
    return {f"S{n:03}": units for n in range(MANY)}


def apply(given: Imports, file: ImportFile, confirmed: Confirmed | None = None) -> Outcome:
    return reviewed.apply(given.house, file.import_id, given.house.by("user:1"), confirmed=confirmed)


def differences(given: Imports, file: ImportFile, **more: object) -> list[Difference]:
    with given.house.pool.connection() as connection:
        found, _ = import_differences.page(connection, file.import_id, first=100, **more)  # type: ignore[arg-type]
    return found


def test_every_skus_number_before_and_after_can_be_paged_through(given: Imports) -> None:
    given.rakuten_file({"A": 5, "B": 6, "C": 7})
    file = given.stage(items({"A": 0, "B": 6, "C": 9, "NEW": 3}), given.rakuten, hours=1)
    given.preview(file)
    assert [(one.sku, one.before, one.after) for one in differences(given, file)] == [
        ("A", 5, 0),
        ("C", 7, 9),
        ("NEW", None, 3),
    ]
    assert [one.sku for one in differences(given, file, kind=import_differences.TO_ZERO)] == ["A"]
    assert [one.sku for one in differences(given, file, kind=import_differences.FIRST)] == ["NEW"]
    (first, *rest) = differences(given, file)
    assert differences(given, file, after=first.key) == rest
    with pytest.raises(DifferencesNotAccepted, match="expected one of"):
        differences(given, file, kind="some")


def test_a_file_that_changes_most_of_a_shop_is_refused_until_its_counts_are_named(given: Imports) -> None:
    given.rakuten_file(many(5))
    from_worker(given)
    file = given.stage(items(many(6)), given.rakuten, hours=1)
    with pytest.raises(NotConfirmed, match=rf"{MANY} of {MANY} numbers .* --confirm {MANY},0"):
        apply(given, file)
    with pytest.raises(NotConfirmed, match="confirmed were 59,0"):
        apply(given, file, Confirmed(59, 0))
    assert apply(given, file, reviewed.confirmation(f"{MANY},0")).applied.changed == MANY
    started = given.house.look(keys.load(file.import_id), load.FOLD).started
    assert started is not None
    assert (started.seen_changed, started.seen_to_zero, started.confirmed) == (MANY, 0, True)


def test_many_numbers_to_zero_are_asked_for_however_large_the_shop_is(given: Imports) -> None:
    given.rakuten_file(many(5))
    given.do(shops.change_shop_settings(given.rakuten, {"guard.changed_percent": "100", "guard.to_zero": "3"}))
    file = given.stage(items({f"S{n:03}": 0 for n in range(4)}), given.rakuten, hours=1)
    with pytest.raises(NotConfirmed, match="4 would go to 0"):
        apply(given, file)
    assert apply(given, file, Confirmed(4, 4)).applied.changed == 4


def test_first_numbers_and_small_files_are_no_surprise(given: Imports) -> None:
    assert apply(given, given.stage(items(many(5)), given.rakuten)).applied.changed == MANY
    small = given.stage(items({"S000": 6, "S001": 0}), given.rakuten, hours=1)
    assert apply(given, small).applied.changed == 2


def test_what_moved_since_it_was_shown_is_said_and_decided_again(given: Imports) -> None:
    given.rakuten_file({"A": 10, "B": 10})
    file = given.stage(items({"A": 20, "B": 20}), given.rakuten, hours=1)
    given.preview(file)
    given.order(given.rakuten, "r-1", "A", 3, hours=2)
    done = apply(given, file)
    assert [(one.sku, one.before, one.after, one.now) for one in done.moved] == [("A", 10, 20, 7)]
    assert given.available() == {"A": 17, "B": 20}


def test_what_running_shops_would_be_told_is_counted_shop_by_shop(given: Imports) -> None:
    given.rakuten_file({"A": 10, "B": 10, "C": 10})
    given.do(
        stock.define_set("SET", ["C"], [2]),
        shops.link_listing(given.rakuten, ListingKey("set", "set"), "SET"),
        shops.confirm_listings(given.rakuten, {ListingKey(one, one): (10, 10) for one in ("a", "b", "c", "set")}),
    )
    switch_on(given)
    given.house.book.do(shops.link_listing(given.yahoo, ListingKey("a", "a"), "A"), given.house.by())
    from_worker(given)
    file = given.stage(items({"A": 12, "B": 0, "C": 4}), given.rakuten, hours=1)
    told = given.preview(file).told
    assert list(told) == [given.rakuten]
    assert told[given.rakuten].first == 4, "nothing was told yet; the set's page is told what can be built"


def test_parts_on_several_pages_of_one_sku_wait_until_a_person_says_what_they_are(given: Imports) -> None:
    pages = lines(("a", "1", "5", "A"), ("a", "2", "7", "A"), ("b", "1", "4", "B"), ("b", "2", "4", "B"))
    file = given.stage(pages, given.rakuten, mode="add")
    assert given.problems(file) == []
    assert given.preview(file).skipped == {load.SEVERAL: 4}
    with given.house.pool.connection() as connection:
        file = answer(connection, file, owed=None, together="divided")
    assert given.preview(file).skipped == {load.SUMMED: 2}
    with given.house.pool.connection() as connection:
        file = answer(connection, file, owed=None, together="same")
    assert given.preview(file).skipped == {load.DISAGREES: 2}
    with given.house.pool.connection() as connection:
        file = answer(connection, file, owed=None, together="divided")
    done = given.apply(file)
    assert (done.changed, given.available()) == (2, {"A": 12, "B": 8})
    with given.house.pool.connection() as connection, pytest.raises(AnswerNotAccepted, match="same"):
        answer(connection, file, owed=None, together="other")
