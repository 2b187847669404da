"""Lists over GraphQL: keyset pages deep and shallow, atLeast, and the schema on paper."""

from pathlib import Path
from typing import Any

import psycopg

from api import reading
from api.database import Database
from tests.api.doors_rig import Doors, doors
from tests.api.intake_rig import TurnedClock
from tests.docs import generated

ROOT = Path(__file__).parents[3]


def test_every_row_comes_once_whatever_the_size_of_the_page(open_doors: Doors) -> None:
    for number in range(23):
        open_doors.ask("mutation ($sku: String!) { addStock(sku: $sku, units: 1) { position } }", sku=f"S{number:02d}")
    query = (
        "query ($first: Int!, $after: String) { changes(first: $first, after: $after) { edges { cursor node { sku } }"
        " pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"
    )
    for first in (1, 5, 7, 23, 100):
        found, after = [], None
        while True:
            page = open_doors.ask(query, first=first, after=after)["changes"]
            found += [edge["node"]["sku"] for edge in page["edges"]]
            assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
            assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert found == [f"S{number:02d}" for number in range(22, -1, -1)], first


def test_every_listing_and_every_order_with_its_lines_comes_once_whatever_the_size_of_the_page(
    open_doors: Doors,
) -> None:
    open_doors.ask('mutation { connectShop(mall: "sandbox", mallShopId: "one") { position } }')
    link = 'mutation ($i: String!) { linkListing(shop: "sandbox-one", listing: {item: $i}, sku: "A") { position } }'
    take = (
        'mutation ($n: String!, $lines: [OrderLineInput!]!) { takeOrder(shop: "sandbox-one", number: $n, lines: $lines)'
        " { position } }"
    )
    items = [f"item-{number}" for number in range(7)]
    for item in items:
        open_doors.ask(link, i=item)
    for number, item in enumerate(items):
        open_doors.ask(take, n=str(number), lines=[{"item": item, "quantity": 2}, {"item": "nobody-knows"}])
    listings = 'listings(first: $first, after: $after, sku: "A") { edges { node { item sku state wantedUnits } } '
    orders = "orders(first: $first, after: $after) { edges { node { number lines { sku quantity state } } } "
    for first in (1, 3, 7, 100):
        found = every_page(open_doors, listings, first)
        assert [(one["item"], one["sku"], one["state"]) for one in found] == [(i, "A", "to_confirm") for i in items]
        found = every_page(open_doors, orders, first)
        assert [one["number"] for one in found] == ["6", "5", "4", "3", "2", "1", "0"]
        lines = [[(line["sku"], line["quantity"], line["state"]) for line in one["lines"]] for one in found]
        assert lines == [[("A", 2, "no_number"), (None, 1, "unlinked")]] * 7


def every_page(open_doors: Doors, field: str, first: int) -> list[Any]:
    query = f"query ($first: Int!, $after: String) {{ page: {field} pageInfo {{ hasNextPage endCursor }} }} }}"
    found, after = [], None
    while True:
        page = open_doors.ask(query, first=first, after=after)["page"]
        found += [edge["node"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


def test_a_page_behind_the_last_row_is_empty(open_doors: Doors) -> None:
    open_doors.ask('mutation { addStock(sku: "A", units: 1) { position } }')
    page = open_doors.ask("{ changes { edges { cursor } } }")["changes"]
    query = "query ($after: String) { changes(after: $after) { edges { cursor } pageInfo { hasNextPage endCursor } } }"
    found = open_doors.ask(query, after=page["edges"][-1]["cursor"])["changes"]
    assert found == {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}


def test_a_deep_page_reads_no_more_rows_than_the_first(open_doors: Doors) -> None:
    house = open_doors.house
    open_doors.ask('mutation { addStock(sku: "A", units: 1) { position } }')
    open_doors.feed()
    with psycopg.connect(house.database.conninfo(), autocommit=True) as connection:
        columns = "place, sku, kind, actor, trace, happened_at, recorded_at"
        connection.execute(
            f"INSERT INTO change_log (position, {columns}) SELECT 1000 + n, {columns} FROM change_log, generate_series(1, 20000) AS n".encode()
        )
        connection.execute("ANALYZE change_log")
        costs = []
        for before in (21_001, 2_000):
            plan = connection.execute(
                "EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) SELECT position FROM change_log WHERE position < %s ORDER BY position DESC LIMIT 101",
                (before,),
            ).fetchone()
            assert plan is not None
            costs.append(plan[0][0]["Plan"]["Actual Rows"])
            assert "Seq Scan" not in str(plan)
            assert "'Node Type': 'Sort'" not in str(plan), str(plan)
    assert costs == [101, 101]


def test_what_was_just_written_is_in_an_answer_that_asks_for_its_position(open_doors: Doors) -> None:
    open_doors.feed()
    house = open_doors.house
    done = open_doors.post('mutation { addStock(sku: "A", units: 1) { position } }').data["addStock"]
    thread = house.start_thread("feed", open_doors.feed)
    query = "query ($at: Position!) { changes(atLeast: $at) { edges { node { sku position } } } }"
    said = open_doors.post(query, {"at": done["position"]})
    thread.join()
    assert said.data["changes"]["edges"] == [{"node": {"sku": "A", "position": done["position"]}}]


def test_a_position_that_does_not_come_is_a_sentence_and_no_old_answer(database: Database, tmp_path: Path) -> None:
    clock = TurnedClock()
    with doors(database, tmp_path, clock=clock) as open_doors:
        open_doors.feed()
        began = clock.monotonic()
        said = open_doors.post("{ changes(atLeast: 99) { edges { cursor } } }")
        assert clock.monotonic() - began >= reading.WAIT_SECONDS_MAX
    assert said.errors[0]["extensions"]["error"] == "NotThereYet"
    assert "ask again" in said.sentences[0]


def test_the_position_says_how_far_ledger_and_lists_are(open_doors: Doors) -> None:
    open_doors.feed()
    assert open_doors.post("{ position { ledger lists } }").data["position"] == {"ledger": 1, "lists": 1}
    open_doors.post('mutation { addStock(sku: "A", units: 1) { position } }')
    assert open_doors.post("{ position { ledger lists } }").data["position"]["lists"] == 1


def test_the_schema_on_paper_is_the_schema() -> None:
    text = (ROOT / "docs" / "schema.graphql").read_text(encoding="utf-8")
    assert text == generated.schema_page(), "run `make docs`"
