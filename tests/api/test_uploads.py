"""Files in over HTTP: staged while they arrive, refused with a sentence, applied once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.database import Database
from tests.api.doors_rig import Doors, doors

HEADER = "商品SKU,想定在庫数\r\n"
ROWS = HEADER + "A,5\r\nB,００７\r\n"


@pytest.fixture
def open_doors(database: Database, tmp_path: Path) -> Iterator[Doors]:
    with doors(database, tmp_path, upload_bytes_max=1_000_000) as found:
        yield found


def put(found: Doors, content: Any, shop: str = "-", **parameters: str) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {found.key}"}
    answer = found.client.put(f"/files/{shop}/zaiko.csv", content=content, headers=headers, params=parameters)
    return answer.status_code, answer.json()


def available(found: Doors) -> dict[str, int]:
    rows = found.ask('{ stock(skus: ["A", "B", "C"]) { sku availableUnits } }')["stock"]
    return {row["sku"]: row["availableUnits"] for row in rows}


def test_a_file_that_is_only_sent_changes_nothing_and_says_what_it_is(open_doors: Doors) -> None:
    status, answer = put(open_doors, ROWS.encode("cp932"))
    assert status == 200
    assert (answer["encoding"], answer["rows"], answer["problems"]) == ("cp932", 2, 0)
    assert answer["format"].startswith("house:")
    assert available(open_doors) == {}


def test_a_file_is_applied_when_it_is_asked_and_its_rows_are_counted(open_doors: Doors) -> None:
    status, answer = put(open_doors, (ROWS + "C,lots\r\n").encode(), apply="true")
    assert (status, answer["changed"], answer["problems"]) == (200, 2, 1)
    assert available(open_doors) == {"A": 5, "B": 7}
    (edge,) = open_doors.ask("{ imports { edges { node { importId state rows actor } } } }")["imports"]["edges"]
    assert edge["node"]["importId"] == answer["import"]
    assert edge["node"]["actor"] == f"key:{open_doors.key.split('_')[1]}"
    query = "query ($i: String!) { changes(importId: $i) { edges { node { sku importRow } } } }"
    found = open_doors.ask(query, i=answer["import"])["changes"]["edges"]
    assert sorted((one["node"]["sku"], one["node"]["importRow"]) for one in found) == [("A", 2), ("B", 3)]


def test_a_file_comes_in_pieces_of_any_size(open_doors: Doors) -> None:
    raw = (HEADER + "".join(f"S{n:04d},{n}\r\n" for n in range(300))).encode("cp932")
    for size in (1, 7, 4_096):
        pieces = (raw[at : at + size] for at in range(0, len(raw), size))
        assert put(open_doors, pieces)[1]["rows"] == 300


def test_what_is_wrong_with_a_file_is_said_and_nothing_is_applied(open_doors: Doors) -> None:
    for content, words in (
        (b"", "row 1; expected a header line; the file is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "expected"),
        ("品番,個数\r\nA,1\r\n".encode(), "zaiko.csv"),
    ):
        status, answer = put(open_doors, content, apply="true")
        assert status == 400, answer
        assert words in answer["detail"]
    assert available(open_doors) == {}


def test_a_question_that_is_not_one_is_refused_before_a_byte_is_stored(open_doors: Doors) -> None:
    assert put(open_doors, ROWS.encode(), shop="nobody")[0] == 400
    assert put(open_doors, ROWS.encode(), mode="double")[0] == 422
    status, answer = put(open_doors, ROWS.encode(), countedAt="2026-11-20T10:00:00")
    assert (status, "zone" in answer["detail"]) == (400, True)
    status, answer = put(open_doors, ROWS.encode(), countedAt="2020-01-01T00:00:00Z")
    assert (status, "35 days" in answer["detail"]) == (400, True)


def test_a_file_larger_than_allowed_is_refused_whether_announced_or_not(open_doors: Doors) -> None:
    content = (HEADER + "A,1\r\n" * 300_000).encode()
    assert put(open_doors, content)[0] == 413
    pieces = (content[at : at + 65_536] for at in range(0, len(content), 65_536))
    status, answer = put(open_doors, pieces)
    assert status == 413
    assert "DAICHO_UPLOAD_BYTES_MAX" in answer["detail"]


def test_a_time_within_a_second_is_taken_earlier_because_orders_are_told_by_the_second(open_doors: Doors) -> None:
    for given, taken in (("00:00:05.3Z", "00:00:04"), ("00:00:05Z", "00:00:05"), ("09:00:00.000001+09:00", "23:59:59")):
        now = open_doors.house.clock.now()
        day = (now - timedelta(days=2)).date()
        answer = put(open_doors, ROWS.encode(), countedAt=f"{day}T{given}")[1]
        assert answer["countedAt"].partition("T")[2].startswith(taken), (given, answer)
