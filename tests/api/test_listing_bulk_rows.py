"""Cells of lists: whatever stands in them, a row is understood, says nothing, or is a problem of a column that exists."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as some

from adapters.kit.file_form import RowProblem
from api.jobs import listing_bulk_rows as rows
from api.jobs.listing_bulk_rows import SetAsked, read_component, read_link, read_replace
from ledger.facts.listing import ListingSettingsChanged
from ledger.listing import Listing, ListingNotAccepted, change_settings

WORDS = (
    "",
    " ",
    "%",
    "50%",
    "なし",
    "解除",
    "0",
    "1",
    "-1",
    "1.0",
    "９９",
    "1,000",
    "連動",
    "0で停止",
    "する",
    "2026-12-24",
    "\x00",
    "\ud800",
)
cells = some.one_of(some.sampled_from(WORDS), some.text(max_size=12), some.integers(-5, 10**9).map(str))
FORMS = (
    (rows.LINK, read_link),
    (rows.REPLACE, read_replace),
    (rows.SET, rows.reading_sets(())),
    (rows.RECIPE, read_component),
)


@given(some.data())
def test_any_cells_are_a_row_nothing_or_a_problem_with_its_column(data: some.DataObject) -> None:
    for columns, read in FORMS:
        said = {column: data.draw(cells) for column in columns}
        found = read(7, said)
        if isinstance(found, RowProblem):
            assert found.row == 7
            assert found.column in [spellings[0] for spellings in columns.values()]
            assert found.expected


@given(some.fixed_dictionaries(dict.fromkeys(rows.RULES, cells)))
def test_rules_that_are_understood_are_rules_the_ledger_takes_or_refuses(said: dict[str, str]) -> None:
    found = rows.reading_sets(())(2, {"item": "a", **said})
    if isinstance(found, SetAsked):
        settings = ListingSettingsChanged(**found.change.rules)  # type: ignore[arg-type]
        with suppress(ListingNotAccepted):
            assert change_settings(Listing(), settings) in ([], [settings])


@pytest.mark.parametrize(
    ("cell", "share"),
    [("50", 50), ("５０％", 50), ("50 %", 50), ("なし", 100), ("%", None), ("0", None), ("101", None)],
)
def test_a_share_is_a_whole_part_of_a_hundred(cell: str, share: int | None) -> None:
    found = rows.reading_sets(())(2, {"item": "a", "share_percent": cell})
    assert isinstance(found, RowProblem) if share is None else isinstance(found, SetAsked)
    if isinstance(found, SetAsked):
        assert found.change.rules == {"share_percent": share}
