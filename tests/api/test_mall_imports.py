"""Reading a mall as an import: staged page by page at its pace, gone on with after it broke off, applied like a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

import adapters
from adapters.kit.file_form import FileRow
from adapters.kit.mall import Mall, ReadFailed, ShopAccess, StockPage
from api.database import Database
from api.jobs.mall_imports import FAILURES_MAX, read_mall
from api.jobs.mall_reading import MallNotRead
from api.shop_access import ClosableHttp, ConnectedShop, ShopAccesses
from api.tables.imports import ImportFile
from ledger.terms import ListingKey, ListingRead, Result
from tests.api.import_rig import Imports, importing, items


@dataclass
class FakeMall:
    """A mall that lists two listings a page, and fails as it is told. Mutable: it counts what it was asked."""

    stock: dict[str, int | None] = field(default_factory=dict)
    fails: list[ReadFailed | None] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    moves: bool = False  # the second page begins with the last listing of the first, which has another number now

    def read_all(self, _access: ShopAccess, cursor: str) -> StockPage | ReadFailed:
        self.asked.append(cursor)
        if self.fails and (failed := self.fails.pop(0)) is not None:
            return failed
        at = int(cursor or "0")
        if at and self.moves:
            self.moves, at, self.stock["b"] = False, at - 1, 9
        rows = [
            FileRow(0, ListingKey(c), n, matches={"own_code": c.upper()}, name=f"商品 {c}")
            for c, n in self.stock.items()
        ]
        return StockPage(tuple(rows[at : at + 2]), str(at + 2) if at + 2 < len(rows) else "")

    def read_back(self, _access: ShopAccess, keys: Sequence[ListingKey]) -> list[ListingRead] | ReadFailed:
        self.asked.append(keys[0].item)
        return [ListingRead(key, self.stock.get(key.item), found=key.item in self.stock) for key in keys]

    def accesses(self, given: Imports, *, everything: bool = True) -> ShopAccesses:
        def mall_of(code: str) -> Mall:
            mall = replace(adapters.mall(code), read_back=self.read_back, read_batch_max=2)
            return replace(mall, read_all=self.read_all) if everything else mall

        return ShopAccesses(given.house, open_http=no_http, mall_of=mall_of)


def no_http(one: ConnectedShop) -> ClosableHttp:
    class NoHttp:
        def get(self, *_: object, **__: object) -> object:
            raise AssertionError(one.code)

        send = get

        def close(self) -> None:
            pass

    return NoHttp()  # type: ignore[return-value]


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found


def read(given: Imports, mall: FakeMall, *, everything: bool = True) -> ImportFile:
    accesses = mall.accesses(given, everything=everything)
    return read_mall(given.house, given.rakuten, "overwrite", "user:1", accesses=accesses)


def test_everything_the_mall_has_becomes_products_listings_and_numbers(given: Imports) -> None:
    mall = FakeMall({"a": 5, "b": 0, "c": None, "d": 7, "e": 1})
    before = given.house.clock.now()
    file = read(given, mall)
    assert (file.rows, file.problems, file.notes, file.kind) == (5, 0, (), "both")
    assert (file.counted_at - before).total_seconds() < 1, "no order after the first asking is inside"
    assert given.available() == {}, "a person sees the difference first"
    assert given.preview(file).new_skus == 5
    given.apply(file)
    assert given.available() == {"A": 5, "B": 0, "C": None, "D": 7, "E": 1}
    assert mall.asked == ["", "2", "4"]
    assert given.is_sound()


def test_the_mall_s_pace_is_kept(given: Imports) -> None:
    read(given, FakeMall(dict.fromkeys("abcdefgh", 1)))
    assert len([wait for wait in given.clock.slept if wait > 0]) >= 2, "5 readings a second at 楽天市場"


def test_a_mall_that_is_busy_is_asked_again_for_the_same_page(given: Imports) -> None:
    busy = ReadFailed(Result.THROTTLED, "429", 7.0)
    mall = FakeMall({"a": 5, "b": 4, "c": 3}, fails=[None, busy, ReadFailed(Result.TRANSIENT, "500")])
    given.apply(read(given, mall))
    assert mall.asked == ["", "2", "2", "2"]
    assert given.available() == {"A": 5, "B": 4, "C": 3}
    assert sum(given.clock.slept) >= 7


def test_a_reading_that_broke_off_goes_on_behind_what_is_stored(given: Imports) -> None:
    down = ReadFailed(Result.TRANSIENT, "503")
    mall = FakeMall({"a": 5, "b": 4, "c": 3}, fails=[None] + [down] * FAILURES_MAX)
    with pytest.raises(MallNotRead, match="code 503.*start the reading again within an hour"):
        read(given, mall)
    assert given.available() == {}
    mall.asked.clear()
    file = read(given, mall)
    assert mall.asked == ["2"]
    assert file.rows == 3
    given.apply(file)
    assert given.available() == {"A": 5, "B": 4, "C": 3}
    mall.asked.clear()
    given.apply(read(given, mall))
    assert mall.asked == ["", "2"], "what came to its end is read anew"


def test_a_key_that_is_not_accepted_is_said_at_once(given: Imports) -> None:
    with pytest.raises(MallNotRead, match="rejected_auth, code GE0011"):
        read(given, FakeMall({"a": 5}, fails=[ReadFailed(Result.REJECTED_AUTH, "GE0011")]))


def test_a_listing_on_two_pages_counts_with_the_later_number(given: Imports) -> None:
    mall = FakeMall({"a": 5, "b": 4, "c": 3, "d": 2})
    mall.moves = True
    file = read(given, mall)
    assert (file.rows, file.problems) == (4, 0)
    given.apply(file)
    assert given.available() == {"A": 5, "B": 9, "C": 3, "D": 2}


def test_an_answer_that_the_mall_gave_up_is_forgotten_and_begun_anew(given: Imports) -> None:
    given_up = ReadFailed(Result.REJECTED, "report_fatal")
    mall = FakeMall({"a": 5, "b": 4, "c": 3}, fails=[None, given_up])
    with pytest.raises(MallNotRead, match="gave up its answer .code report_fatal"):
        read(given, mall)
    mall.asked.clear()
    assert read(given, mall).rows == 3
    assert mall.asked == ["", "2"]


def test_a_mall_that_lists_nothing_is_read_by_the_listings_that_are_linked(given: Imports) -> None:
    given.rakuten_file({"A": 5, "B": 4, "C": 3})
    mall = FakeMall({"a": 9, "c": 0, "new": 8})
    file = read(given, mall, everything=False)
    assert len(file.notes) == 1
    assert "only listings that are linked here were read" in file.notes[0]
    assert mall.asked == ["a", "c"], "two listings a question"
    assert (file.rows, file.problems, file.kind) == (3, 1, "stock")
    assert given.problems(file)[0].startswith("row 2: 'b/b'; expected a listing that the mall knows")
    given.apply(file)
    assert given.available() == {"A": 9, "B": 4, "C": 0}


def test_a_mall_without_an_api_names_the_file_to_import(given: Imports) -> None:
    accesses = ShopAccesses(given.house, open_http=no_http, mall_of=lambda _: adapters.mall("shoplist"))
    with pytest.raises(
        MallNotRead, match="SHOPLIST.*cannot be read by API; expected its file to be imported: SHOPLIST"
    ):
        read_mall(given.house, given.rakuten, "overwrite", "user:1", accesses=accesses)


def test_stock_that_is_read_keeps_what_files_said_of_the_listing(given: Imports) -> None:
    given.apply(given.stage(items({"A": 5}), given.rakuten))
    before = given.listing("a", "a")
    mall = FakeMall({"a": 2})
    given.apply(read(given, mall, everything=False))
    assert given.available() == {"A": 2}
    assert given.listing("a", "a").codes == before.codes
