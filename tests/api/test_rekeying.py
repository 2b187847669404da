"""Another match key for a shop: which listings would name another SKU is seen first, and is done only when confirmed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.jobs import imports
from api.jobs.imports import FileRefused
from api.jobs.rekeying import Rekeyed, rekey
from api.jobs.sent_files import Sent
from api.shops import SettingNotAccepted
from ledger import listing
from tests.adapters.rakuten.sample_files import parent, sku, table
from tests.api.import_rig import Imports, importing
from tests.api.listing_bulk_rig import rows_of

CONTENT = table(
    [
        parent("tee", "T-1", "Tシャツ"),
        sku("tee", "001", "5", "TEE-S"),
        sku("tee", "002", "4", "TEE-M"),
        parent("cup", "C-1", "カップ"),
        sku("cup", "cup", "3", "cup"),
    ]
)


@pytest.fixture
def given(database: Database, tmp_path: Path) -> Iterator[Imports]:
    with importing(database, tmp_path) as found:
        found.apply(found.stage(CONTENT, found.rakuten))
        yield found


def change(
    given: Imports, key: str, content: bytes = CONTENT, *, confirm: bool = False
) -> tuple[Rekeyed, list[list[str]]]:
    written = bytearray()
    sent = [Sent("dl-normal-item.csv", [content])]
    done = rekey(given.house, given.rakuten, key, sent, "user:1", written.extend, confirm=confirm)
    return done, rows_of(bytes(written))[1:]


def test_the_preview_names_what_would_change_and_changes_nothing(given: Imports) -> None:
    before = given.facts()
    seen, listed = change(given, "item_variant")
    assert (seen.same, seen.other, seen.new_skus, seen.joined, seen.unnamed, seen.not_in_files) == (0, 3, 3, 0, 0, 0)
    assert listed == [
        ["cup-cup", "cup", "cup", "1", "cup", "なし"],
        ["tee-001", "tee", "001", "1", "TEE-S", "なし"],
        ["tee-002", "tee", "002", "1", "TEE-M", "なし"],
    ]
    assert given.facts() == before
    assert imports.shop_of(given.house, given.rakuten).match_key == "own_code"


def test_confirmed_the_listings_name_the_other_sku_and_wait_to_be_confirmed(given: Imports) -> None:
    done, _ = change(given, "item_variant", confirm=True)
    assert done.done is not None
    assert dict(done.done.became) == {"relinked": 3}
    assert given.listing("tee", "001").sku == "tee-001"
    assert given.listing("tee", "001").state == listing.TO_CONFIRM
    assert given.available() == {"TEE-M": 4, "TEE-S": 5, "cup": 3, "cup-cup": None, "tee-001": None, "tee-002": None}
    assert imports.shop_of(given.house, given.rakuten).match_key == "item_variant"
    given.apply(given.stage(CONTENT, given.rakuten, hours=1))
    assert given.available()["tee-001"] == 5
    again, listed = change(given, "item_variant", confirm=True)
    assert (again.same, again.other, listed) == (3, 0, [])
    assert given.is_sound()


def test_skus_that_would_become_one_are_counted(given: Imports) -> None:
    seen, listed = change(given, "item")
    assert (seen.same, seen.other, seen.joined) == (1, 2, 1)
    assert [row[0] for row in listed] == ["tee", "tee"]


def test_a_blank_field_and_a_listing_that_no_file_has_stay_as_they_are(given: Imports) -> None:
    content = table([sku("tee", "001", "5", ""), sku("new", "1", "5", "N")])
    seen, listed = change(given, "merchant_sku", content, confirm=True)
    assert (seen.same, seen.other, seen.unnamed, seen.not_in_files, listed) == (0, 0, 1, 2, [])
    assert given.listing("tee", "001").sku == "TEE-S"


def test_what_is_no_key_and_another_mall_s_file_are_refused(given: Imports) -> None:
    with pytest.raises(SettingNotAccepted, match="match key 'jan'; expected one of own_code, merchant_sku"):
        change(given, "jan")
    with pytest.raises(FileRefused, match="looks like yahoo_shopping:stock"):
        change(given, "variant", b"code,sub-code,quantity\r\na,,1\r\n")
    with given.house.pool.connection() as connection:
        assert connection.execute(
            "SELECT count(*) FROM import_rows r JOIN import_files f USING (import_id) WHERE f.state = 'refused'"
        ).fetchone() == (0,)
