"""Files out over HTTP and by command: filters, scopes, refusals, and each mall's own stock file."""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import adapters
from adapters.kit.file_form import FileRow, NotThisFormat
from adapters.kit.profile import Profile
from adapters.kit.table import open_table
from api import cli
from api.database import Database
from api.exports.lists import LINE_STATES, LISTING_STATES
from api.exports.mall_file import MallFile, NoMallFile
from api.exports.writing import FILTERS, WHATS
from api.shops import connect
from ledger import listing
from ledger.book import shops, stock
from ledger.book.orders import Named, take_order
from ledger.listing import NO_RULES
from ledger.terms import Door, ListingKey, ListingLevel, OrderState, Telling, TellingLine
from projections.order_states import LineState
from tests.api.doors_rig import Doors, doors
from tests.api.running import settings_of

RAKUTEN = "rakuten-samplestore"
RESERVE = replace(NO_RULES, reserve=2)


@pytest.fixture
def open_doors(database: Database, tmp_path: Path) -> Iterator[Doors]:
    with doors(database, tmp_path) as found:
        by = found.house.by("user:1")
        found.house.book.do(connect("rakuten", "samplestore", match_key="", settings={"shop_number": "402853"}), by)
        found.feed()
        yield found


def listed(found: Doors, count: int, *, shop: str = RAKUTEN, units: int = 5) -> list[ListingKey]:
    """So many listings of the shop are linked (連動) and fed, each with ``units`` of its own SKU ``=S…``."""
    keys = [ListingKey(f"item-{n:04d}", f"v{n}") for n in range(count)]
    now, book = found.house.clock.now(), found.house.book
    for n, key in enumerate(keys):
        book.do(shops.link_listing(shop, key, f"=S{n}"), found.house.by("user:1"))
        over = stock.overwrite(f"=S{n}", units, covers=stock.everything_up_to(now), counted_at=now)
        book.do(over, found.house.by("user:1"))
    book.do(shops.confirm_listings(shop, dict.fromkeys(keys, (None, units))), found.house.by("user:1"))
    found.feed()
    return keys


def ordered(found: Doors, number: str, key: ListingKey, sku: str, units: int) -> None:
    line = TellingLine(key.item, key.variant, units)
    now = found.house.clock.now()
    telling = Telling(number, Door.API, now, OrderState.CONFIRMED, True, True, (line,), 1, ordered_at=now)
    found.house.book.do(take_order(RAKUTEN, telling, [Named(key, sku)]), found.house.by("user:1"))
    found.feed()


def get(found: Doors, what: str, key: str = "", **filters: Any) -> tuple[int, bytes, dict[str, str]]:
    answer = found.client.get(
        f"/exports/{what}.csv",
        params=filters,
        headers={"Authorization": f"Bearer {key or found.key}"},
    )
    return answer.status_code, answer.content, dict(answer.headers)


def rows(found: Doors, what: str, **filters: Any) -> list[dict[str, str]]:
    status, content, _ = get(found, what, **filters)
    assert status == 200, content
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_every_list_comes_whole_over_more_than_a_page_and_no_row_twice(open_doors: Doors) -> None:
    keys = listed(open_doors, 230)
    for n in range(120):
        ordered(open_doors, f"{n:05d}", keys[n], f"=S{n}", 1)
    assert [row["商品コード"] for row in rows(open_doors, "listings")] == [key.item for key in keys]
    positions = [int(row["位置"]) for row in rows(open_doors, "changes")]
    assert len(positions) == 350
    assert positions == sorted(set(positions), reverse=True)
    assert [row["受注番号"] for row in rows(open_doors, "orders")] == [f"{n:05d}" for n in reversed(range(120))]
    assert len(rows(open_doors, "stock")) == 230
    assert rows(open_doors, "pushes") == []


def test_codes_are_marked_numbers_are_not_and_states_are_words(open_doors: Doors) -> None:
    (key,) = listed(open_doors, 1, units=2)
    ordered(open_doors, "007", key, "=S0", 5)
    (order,) = rows(open_doors, "orders")
    assert (order["商品SKU"], order["受注番号"], order["引当状態"]) == ("'=S0", "007", "一部")
    assert (order["注文数"], order["引当済数"]) == ("5", "2")
    newest, _ = rows(open_doors, "changes")
    assert (newest["種類"], newest["増減"], newest["変動後想定在庫数"]) == ("StockAllocated", "-5", "-3")
    (one,) = rows(open_doors, "listings", excel="true")
    assert (one["状態"], one["反映予定数"], one["商品SKU"]) == ("連動", "0", "'=S0")
    assert rows(open_doors, "orders", excel="true")[0]["受注番号"] == "'007"


def test_every_state_has_its_word() -> None:
    assert set(LINE_STATES) == set(LineState)
    assert set(LISTING_STATES) == {
        listing.LINKED,
        listing.STOPPED,
        listing.TO_CONFIRM,
        listing.EXCLUDED,
        listing.RETIRED,
    }


def test_filters_are_those_of_the_lists(open_doors: Doors) -> None:
    keys = listed(open_doors, 3)
    ordered(open_doors, "1", keys[0], "=S0", 9)
    assert [row["商品SKU"] for row in rows(open_doors, "changes", sku="=S1")] == ["'=S1"]
    assert [row["種類"] for row in rows(open_doors, "changes", kinds="StockAllocated")] == ["StockAllocated"]
    assert len(rows(open_doors, "changes", kinds=["StockAllocated", "StockOverwritten"])) == 4
    assert rows(open_doors, "changes", recordedFrom="2999-01-01T00:00:00+09:00") == []
    assert len(rows(open_doors, "orders", short="true")) == 1
    assert rows(open_doors, "orders", unlinked="true") == []
    assert rows(open_doors, "listings", states="stopped") == []
    assert rows(open_doors, "pushes", sku="=S0") == []
    assert [row["商品SKU"] for row in rows(open_doors, "stock", sku=["=S2", "=S0"])] == ["'=S0", "'=S2"]


def test_what_is_not_an_export_or_not_its_filter_is_refused_with_what_would_be(open_doors: Doors) -> None:
    for what, filters, words in (
        ("everything", {}, ", ".join(WHATS)),
        ("stock", {"shop": RAKUTEN}, "no filter 'shop'"),
        ("orders", {"short": "perhaps"}, "true or false"),
        ("orders", {"sku": ["A", "B"]}, "stands twice"),
        ("changes", {"recordedFrom": "yesterday"}, "2026-11-20T10:00:00+09:00"),
        ("changes", {"recordedFrom": "2026-11-20T10:00:00"}, "zone"),
        ("changes", {"sku": "a\0b"}, "NUL"),
        ("changes", {"encoding": "euc-jp"}, "utf-8 or cp932"),
        ("changes", {"atLeast": "-1"}, "position"),
        ("mall-file", {}, "?shop="),
        ("mall-file", {"shop": "nobody"}, "not connected"),
        ("mall-file", {"shop": RAKUTEN, "rows": "0"}, "from 1"),
        ("mall-file", {"shop": RAKUTEN, "part": "2"}, "part 2"),
    ):
        status, content, _ = get(open_doors, what, **filters)
        assert status == 400, (what, filters, content)
        assert words in json.loads(content)["detail"]


def test_a_key_that_may_not_read_gets_nothing_out(open_doors: Doors) -> None:
    key = open_doors.with_scopes("stock", "files")
    for what in WHATS:
        status, content, _ = get(open_doors, what, key=key)
        assert (status, b"read" in content) == (403, True)
        assert open_doors.client.get(f"/exports/{what}.csv").status_code == 401


def test_cp932_has_a_geta_in_lists_and_refuses_a_code_in_the_form_that_is_read_again(open_doors: Doors) -> None:
    listed(open_doors, 1)
    open_doors.house.book.do(stock.register_sku("B𠮷"), open_doors.house.by("user:1"))
    status, content, headers = get(open_doors, "listings", encoding="cp932")
    assert (status, headers["content-type"]) == (200, "text/csv; charset=Shift_JIS")
    assert "連携ショップ" in content.decode("cp932")
    status, content, _ = get(open_doors, "stock", encoding="cp932")
    assert status == 400
    assert "U+20BB7" in json.loads(content)["detail"]
    assert get(open_doors, "stock", encoding="cp932", sku="=S0")[0] == 200


def test_a_file_has_a_name_and_is_not_kept_on_its_way(open_doors: Doors) -> None:
    _, _, headers = get(open_doors, "orders")
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''daicho-orders.csv"
    assert headers["cache-control"] == "no-store"


def test_the_filters_of_every_export_are_known_to_its_reader(open_doors: Doors) -> None:
    texts = {"text": "x", "texts": "x", "flag": "true", "moment": "2026-11-20T10:00:00Z"}
    for what in WHATS[:-1]:
        for name, (_, kind) in FILTERS[what].items():
            value = "short" if name == "states" else texts[kind]
            assert get(open_doors, what, **{name: value})[0] == 200, (what, name)


# ------------------------------------------------------------------ malls' own files

WRITING = [code for code in adapters.codes() if callable(adapters.declared(code).stock_out)]


def read_as(code: str, content: bytes) -> dict[ListingKey, int | None]:
    """What the mall's own reader makes of a stock file."""
    formats = adapters.declared(code).stock_in
    assert isinstance(formats, tuple)
    for form in formats:
        table = open_table([content], delimiter=form.delimiter, encodings=form.encodings)
        reader = form.open(table.header, adapters.profile(code))
        if not isinstance(reader, NotThisFormat):
            found = list(reader(table.rows))
            assert all(isinstance(row, FileRow) for row in found), found
            return {row.key: row.units for row in found if isinstance(row, FileRow)}
    raise AssertionError(f"{code} does not know its own file")


@pytest.mark.parametrize("code", WRITING)
def test_the_file_of_every_mall_says_what_its_listings_are_to_be_told_and_its_reader_reads_that(
    open_doors: Doors, code: str
) -> None:
    mall = adapters.declared(code)
    given = {setting.name: setting.example or "x" for setting in mall.settings if not setting.secret}
    done = open_doors.house.book.do(connect(code, "second", match_key="", settings=given), open_doors.house.by())
    shop = str(done.answer["shop"])
    keys = listed(open_doors, 7, shop=shop)
    book, by = open_doors.house.book, open_doors.house.by("user:1")
    book.do(shops.change_listing_settings(shop, keys[1:2], RESERVE), by)
    book.do(shops.stop_listings(shop, keys[2:3], show_zero=True), by)
    book.do(shops.stop_listings(shop, keys[3:4], show_zero=False), by)
    open_doors.feed()
    status, content, headers = get(open_doors, "mall-file", shop=shop)
    assert status == 200, content
    wanted = dict.fromkeys(keys, 5) | {keys[1]: 3, keys[2]: 0}
    del wanted[keys[3]]
    assert read_as(code, content) == wanted
    assert (headers["x-listings"], headers["x-left-out"]) == ("6", "0")
    assert headers["content-disposition"].startswith(f"attachment; filename*=UTF-8''{shop}-stock.")


def test_a_code_the_mall_cannot_read_is_left_out_and_named_and_the_others_are_written(open_doors: Doors) -> None:
    (good,) = listed(open_doors, 1)
    bad = ListingKey("item-𠮷", "v")
    by = open_doors.house.by("user:1")
    open_doors.house.book.do(shops.link_listing(RAKUTEN, bad, "=S0"), by)
    open_doors.house.book.do(shops.confirm_listings(RAKUTEN, {bad: (None, 5)}), by)
    open_doors.feed()
    status, content, headers = get(open_doors, "mall-file", shop=RAKUTEN)
    assert (status, headers["x-listings"], headers["x-left-out"]) == (200, "1", "1")
    assert read_as("rakuten", content) == {good: 5}


def test_a_file_is_cut_into_parts_that_together_are_the_whole(open_doors: Doors) -> None:
    keys = listed(open_doors, 7)
    found = [read_as("rakuten", get(open_doors, "mall-file", shop=RAKUTEN, rows=3, part=n)[1]) for n in (1, 2, 3)]
    assert [len(part) for part in found] == [3, 3, 1]
    assert [key for part in found for key in part] == keys
    status, content, _ = get(open_doors, "mall-file", shop=RAKUTEN, rows=3, part=4)
    assert (status, b"part 4" in content) == (400, True)


class TooLong(ValueError):
    """More than two listings."""


def two_at_most(levels: Iterable[ListingLevel], _profile: Profile) -> Iterator[bytes]:
    for count, level in enumerate(levels, 1):
        if count > 2:
            raise TooLong("row 3: expected at most 2")
        yield f"{level.key.item},{level.units}\n".encode()


def test_a_file_that_is_too_long_for_the_mall_says_how_to_cut_it(open_doors: Doors) -> None:
    listed(open_doors, 3)
    made = MallFile(RAKUTEN, "rakuten", two_at_most, adapters.profile("rakuten"))
    with pytest.raises(NoMallFile, match=r"at most 2; ask for fewer listings a file: --rows"):
        [b"".join(part) for part in made.parts(open_doors.house)]
    assert [b"".join(part).count(b"\n") for part in made.parts(open_doors.house, rows=2)] == [2, 1]


# ------------------------------------------------------------------ by command


@pytest.fixture
def daicho_home(open_doors: Doors, tmp_path: Path) -> Iterator[Path]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(settings_of(open_doors.house.database, tmp_path))
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)


def daicho(*arguments: str) -> tuple[int, bytes, str]:
    """The exit code, what went to standard output, what was said beside it."""
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(printed), redirect_stderr(io.StringIO()) as said:
        code = cli.run(list(arguments))
        printed.flush()
    return code, printed.buffer.getvalue(), said.getvalue()


def test_a_command_writes_what_the_door_answers_to_a_file_or_standard_output(
    open_doors: Doors, daicho_home: Path
) -> None:
    (key,) = listed(open_doors, 1)
    ordered(open_doors, "1", key, "=S0", 1)
    for what in WHATS[:-1]:
        code, printed, _ = daicho("export", what)
        assert (code, printed) == (0, get(open_doors, what)[1]), what
        file = daicho_home / f"{what}.csv"
        code, answer, _ = daicho("export", what, "--to", str(file), "--json")
        assert (code, file.read_bytes()) == (0, printed)
        assert json.loads(answer)["rows"] == printed.count(b"\r\n") - 1
    code, printed, _ = daicho("export", "mall-file", "--shop", RAKUTEN)
    assert (code, printed) == (0, get(open_doors, "mall-file", shop=RAKUTEN)[1])


def test_a_refused_export_leaves_no_file(open_doors: Doors, daicho_home: Path) -> None:
    open_doors.house.book.do(stock.register_sku("B𠮷"), open_doors.house.by("user:1"))
    file = daicho_home / "stock.csv"
    file.write_text("before")
    code, _, said = daicho("export", "stock", "--to", str(file), "--encoding", "cp932")
    assert (code, "U+20BB7" in said, file.read_text()) == (2, True, "before")
    assert daicho("export", "stock", "nobody", "--to", str(file))[0] == 1


def test_a_list_in_cp932_says_how_many_characters_are_replaced(open_doors: Doors, daicho_home: Path) -> None:
    open_doors.house.book.do(shops.link_listing(RAKUTEN, ListingKey("a", "𠮷"), "S"), open_doors.house.by("user:1"))
    open_doors.feed()
    code, printed, said = daicho("export", "listings", "--encoding", "cp932")
    assert code == 0
    assert "〓" in printed.decode("cp932")
    assert "1 characters" in said


def test_a_mall_file_is_cut_into_files_and_names_what_is_left_out(open_doors: Doors, daicho_home: Path) -> None:
    keys = listed(open_doors, 5)
    bad = ListingKey("item-𠮷", "v")
    by = open_doors.house.by("user:1")
    open_doors.house.book.do(shops.link_listing(RAKUTEN, bad, "=S0"), by)
    open_doors.house.book.do(shops.confirm_listings(RAKUTEN, {bad: (None, 5)}), by)
    open_doors.feed()
    file = daicho_home / "normal-item.csv"
    code, _, said = daicho("export", "mall-file", "--shop", RAKUTEN, "--rows", "2", "--to", str(file))
    assert code == 1
    assert "left out: item-𠮷 v: U+20BB7" in said
    parts = [file, *(daicho_home / f"normal-item-{n}.csv" for n in (2, 3))]
    assert [list(read_as("rakuten", part.read_bytes())) for part in parts] == [keys[:2], keys[2:4], keys[4:]]
    assert daicho("export", "mall-file", "--shop", RAKUTEN, "--rows", "2")[0] == 2


def test_export_without_a_word_is_still_the_ledger_itself(open_doors: Doors, daicho_home: Path) -> None:
    code, printed, _ = daicho("export")
    assert code == 0
    assert json.loads(printed.splitlines()[0])
    file = daicho_home / "facts.jsonl"
    code, _, _ = daicho("export", "--to", str(file), "--json")
    assert (code, file.read_bytes()[:100]) == (0, printed[:100])
    assert daicho("export", "--to", str(file), "stock")[0] == 2
