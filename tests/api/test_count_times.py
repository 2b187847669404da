"""When a file's numbers were true: as the sender says, else as its name says, else as its own time says, and the answer says which."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import adapters
from adapters.kit.order_mail import JST
from adapters.kit.recognise import made_at
from api.database import Database
from api.jobs import imports, staging
from api.jobs.imports import FileRefused, Wish
from ledger.book.stock import CountTooOld
from tests.api.doors_rig import doors
from tests.api.import_rig import Imports, importing
from tests.api.running import answered, run, settings_of

CONTENT = b"code,sub-code,quantity\r\na,,5\r\n"


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        yield found


def named(moment: datetime) -> str:
    return f"quantity{moment.astimezone(JST):%Y%m%d%H%M}.csv"


@pytest.mark.parametrize(
    ("mall", "name", "moment"),
    [
        ("yahoo_shopping", "quantity201704270937.csv", datetime(2017, 4, 27, 0, 36, 59, tzinfo=UTC)),
        ("yahoo_shopping", "C:\\在庫\\quantity201704270937 (1).csv", datetime(2017, 4, 27, 0, 36, 59, tzinfo=UTC)),
        ("yahoo_shopping", "quantity.csv", None),
        ("yahoo_shopping", "quantity201713270937.csv", None),
        ("yahoo_shopping", "quantity2017042709371.csv", None),
        ("yahoo_shopping", "stock201704270937.csv", None),
        ("rakuten", "dl-normal-item_20260630_192709.csv", datetime(2026, 6, 30, 10, 27, 8, tzinfo=UTC)),
        ("rakuten", "dl-normal-item202606301927.csv", datetime(2026, 6, 30, 10, 26, 59, tzinfo=UTC)),
        ("rakuten", "dl-normal-item_1.csv", None),
        ("rakuten", "dl-normal-item.csv", None),
    ],
)
def test_a_name_says_the_last_second_that_is_surely_inside(mall: str, name: str, moment: datetime | None) -> None:
    stock_in = adapters.declared(mall).stock_in
    assert isinstance(stock_in, tuple)
    assert made_at(name, stock_in[0]) == moment


def test_the_senders_word_comes_before_the_name_and_the_name_before_the_files_own_time(given: Imports) -> None:
    shop = imports.shop_of(given.house, given.yahoo)
    made, changed = given.at(1).replace(second=0), given.at(3)

    def staged(wish: Wish) -> tuple[datetime, str]:
        file = staging.stage(given.house, [CONTENT], wish, "user:1", shop)
        return file.counted_at, file.counted_from

    name = named(made)
    assert staged(Wish(given.yahoo, "overwrite", name, given.at(2), changed_at=changed)) == (given.at(2), "given")
    assert staged(Wish(given.yahoo, "overwrite", name, changed_at=changed)) == (made - timedelta(seconds=1), "name")
    assert staged(Wish(given.yahoo, "overwrite", "quantity.csv", changed_at=changed)) == (changed, "file")
    moment, source = staged(Wish(given.yahoo, "overwrite", "quantity.csv"))
    assert (source, given.house.clock.now() - moment < timedelta(seconds=60)) == ("now", True)


def test_a_name_of_a_time_to_come_is_passed_over_and_one_of_long_ago_is_refused(given: Imports) -> None:
    shop, now = imports.shop_of(given.house, given.yahoo), given.house.clock.now()
    later = Wish(given.yahoo, "overwrite", named(now + timedelta(hours=1)))
    assert staging.stage(given.house, [CONTENT], later, "user:1", shop).counted_from == "now"
    old = Wish(given.yahoo, "overwrite", named(now - timedelta(days=40)))
    with pytest.raises(CountTooOld, match="within the last 35 days"):
        staging.stage(given.house, [CONTENT], old, "user:1", shop)
    with pytest.raises(FileRefused):
        staging.stage(given.house, [b"x"], old, "user:1", shop)


def test_an_answer_says_where_its_time_is_from(database: Database, tmp_path: Path) -> None:
    made = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=5)
    with importing(database, tmp_path) as ledger:
        shop = ledger.yahoo
    with doors(database, tmp_path) as open_doors:
        headers = {"Authorization": f"Bearer {open_doors.key}"}
        put = open_doors.client.put(f"/files/{shop}/{named(made)}", content=CONTENT, headers=headers).json()
        assert (put["countedAt"], put["countedAtFrom"]) == ((made - timedelta(seconds=1)).isoformat(), "name")
        put = open_doors.client.put(f"/files/{shop}/quantity.csv", content=CONTENT, headers=headers).json()
        assert put["countedAtFrom"] == "now"
    file = tmp_path / named(made)
    file.write_bytes(CONTENT)
    environment = settings_of(database, tmp_path)
    seen = answered(environment, "import", str(file), "--shop", shop, "--dry-run")
    assert (seen["countedAt"], seen["countedAtFrom"]) == (taken := (made - timedelta(seconds=1)).isoformat(), "name")
    assert taken in run(environment, "import", str(file), "--shop", shop, "--dry-run").stdout
