"""Which file this is: by header, then by name; another mall's is told by name."""

from collections.abc import Sequence

import pytest

from adapters.kit.file_form import FileFormat, NotThisFormat, RowReader
from adapters.kit.profile import Profile
from adapters.kit.recognise import Candidate, NotRecognised, Recognised, name_fits, recognise
from adapters.kit.table import TableRefused, columns_of


def candidate(
    mall: str, name: str, columns: tuple[str, ...], *, pattern: str = "*.csv", delimiter: str = ","
) -> Candidate:
    def open_it(header: Sequence[str], _profile: Profile) -> RowReader | NotThisFormat:
        found = columns_of(header, {column: (column,) for column in columns}, required=columns)
        return found if isinstance(found, NotThisFormat) else lambda _rows: iter(())

    return Candidate(
        mall, FileFormat(name, name, "stock", (pattern,), delimiter, ("utf-8", "cp932"), open_it), Profile({})
    )


CANDIDATES = [
    candidate("a", "items", ("管理番号", "在庫数"), pattern="dl-item*.csv"),
    candidate("a", "stock", ("管理番号",), pattern="stock*.csv"),
    candidate("b", "quantity", ("code", "quantity")),
    candidate("c", "listing", ("sku", "quantity"), delimiter="\t"),
]


def found(name: str, text: str, mall: str | None = None) -> Recognised | NotRecognised:
    return recognise(name, text.encode("cp932"), CANDIDATES, mall=mall)


def test_the_header_decides_and_the_first_candidate_that_fits_wins() -> None:
    known = found("x.csv", "管理番号,在庫数\r\n1,2\r\n")
    assert isinstance(known, Recognised)
    assert (known.mall, known.format.name, known.encoding, known.reason) == ("a", "items", "cp932", "header")


def test_a_fitting_name_decides_between_formats_that_fit() -> None:
    known = found("C:\\Users\\STOCK-1.CSV", "管理番号,在庫数\n1,2\n")
    assert isinstance(known, Recognised)
    assert (known.format.name, known.reason) == ("stock", "header and name")


def test_another_mall_s_file_is_refused_with_what_it_looks_like() -> None:
    unknown = found("x.csv", "code,quantity\n1,2\n", mall="a")
    assert isinstance(unknown, NotRecognised)
    assert unknown.looks_like == ("b:quantity",)
    assert str(unknown) == "the file looks like b:quantity; expected a file of this shop's mall"


def test_a_file_nobody_knows_says_what_is_missing() -> None:
    unknown = found("x.csv", "code,name\n1,2\n", mall="b")
    assert isinstance(unknown, NotRecognised)
    assert (unknown.looks_like, unknown.reasons) == ((), ("b:quantity: column quantity is missing",))


def test_a_table_with_tabs_is_recognised_by_its_tabs() -> None:
    known = found("x.txt", "sku\tquantity\n1\t2\n")
    assert isinstance(known, Recognised)
    assert known.mall == "c"


def test_a_head_that_is_no_table_is_refused() -> None:
    with pytest.raises(TableRefused):
        recognise("x.csv", b"", CANDIDATES)


def test_names_fit_in_any_case_and_folder() -> None:
    assert name_fits("/home/x/DL-ITEM_2.CSV", CANDIDATES[0].format)
    assert not name_fits("item.csv", CANDIDATES[0].format)
