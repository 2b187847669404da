"""A mall's own stock file, written and sent back as it is, changes no number: export and import are the identity."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import adapters
from api.database import Database
from api.exports.mall_file import suffix_of
from api.shops import connect
from ledger.book import shops, stock
from ledger.terms import ListingKey
from tests.adapters.emulated import key_of
from tests.api.doors_rig import Doors, doors
from tests.api.exports.test_doors import WRITING, get
from tests.api.intake_rig import TurnedClock

PREVIEW = """mutation ($i: String!) { previewImport(importId: $i) {
  rows problemCount numbersChanged toZero newSkus wouldSkip { reason count }
} }"""


@pytest.fixture
def open_doors(database: Database, tmp_path: Path) -> Iterator[Doors]:
    with doors(database, tmp_path, clock=TurnedClock()) as found:
        yield found


@pytest.mark.parametrize("code", WRITING)
def test_a_malls_own_file_sent_back_changes_no_number(open_doors: Doors, code: str) -> None:
    mall = adapters.declared(code)
    given = {setting.name: setting.example or "x" for setting in mall.settings if not setting.secret}
    done = open_doors.house.book.do(connect(code, "second", match_key="", settings=given), open_doors.house.by())
    shop = str(done.answer["shop"])
    open_doors.feed()
    now, by = open_doors.house.clock.now(), open_doors.house.by("user:1")
    keys = [key_of(mall, number) for number in range(1, 8)]
    if code == "amazon":  # a seller SKU has no variant
        keys = [ListingKey(key.item, "") for key in keys]
    for number, key in enumerate(keys):
        over = stock.overwrite(f"S{number}", 5, covers=stock.everything_up_to(now), counted_at=now)
        open_doors.house.book.do(shops.link_listing(shop, key, f"S{number}"), by)
        open_doors.house.book.do(over, by)
    open_doors.house.book.do(shops.confirm_listings(shop, dict.fromkeys(keys, (None, 5))), by)
    open_doors.feed()
    status, content, _ = get(open_doors, "mall-file", shop=shop)
    assert status == 200, content
    open_doors.house.clock.sleep(60)  # a file is of the last whole second
    headers = {"Authorization": f"Bearer {open_doors.key}"}
    name = f"{shop}-stock{suffix_of(content)}"
    sent = open_doors.client.put(f"/files/{shop}/{name}", content=content, headers=headers)
    assert sent.status_code == 200, sent.text
    seen = open_doors.ask(PREVIEW, i=sent.json()["import"])["previewImport"]
    assert seen == {
        "rows": 7,
        "problemCount": 0,
        "numbersChanged": 0,
        "toZero": 0,
        "newSkus": 0,
        "wouldSkip": [],
    }
