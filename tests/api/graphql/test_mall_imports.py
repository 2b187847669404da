"""A mall is read over GraphQL and over HTTP; where it cannot be, the sentence says what to do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.database import Database
from api.shops import connect
from tests.api.doors_rig import Doors, doors


@pytest.fixture
def open_doors(database: Database, tmp_path: Path) -> Iterator[Doors]:
    with doors(database, tmp_path) as found:
        yield found


def test_a_mall_that_cannot_be_read_says_which_file_to_import(open_doors: Doors) -> None:
    verb = connect("shoplist", "sample", match_key="", settings={})
    shop = str(open_doors.house.book.do(verb, open_doors.house.by()).answer["shop"])
    headers = {"Authorization": f"Bearer {open_doors.key}"}
    answer = open_doors.client.post(f"/files/{shop}/read", headers=headers)
    assert answer.status_code == 400
    assert "SHOPLIST cannot be read by API; expected its file to be imported" in answer.json()["detail"]
    query = {"query": "mutation ($s: String!) { readMall(shop: $s) { importId } }", "variables": {"s": shop}}
    said = open_doors.client.post("/graphql", json=query, headers=headers).json()
    assert "cannot be read by API" in said["errors"][0]["message"]


def test_a_mall_is_read_only_with_the_scope_for_files(open_doors: Doors) -> None:
    assert open_doors.client.post("/files/rakuten-x/read").status_code == 401
