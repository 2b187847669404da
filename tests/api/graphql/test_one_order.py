"""One order over GraphQL and on the command line: its way, what serves it, what came back; and the list by its words."""

import json
import os
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from api import cli
from api.database import Database
from ledger.book.pushes import record_push_answered, record_push_sent
from ledger.facts.push import PushAnswered
from ledger.terms import utc_text
from tests.api.doors_rig import Doors
from tests.api.running import settings_of
from tests.ledger.story import push_sent

SHOP = "sandbox-one"
BEGIN = (
    'connectShop(mall: "sandbox", mallShopId: "one")',
    'overwriteStock(sku: "A", units: 3)',
    'linkListing(shop: "sandbox-one", listing: {item: "a"}, sku: "A")',
    'confirmListings(shop: "sandbox-one", listings: [{item: "a", mallUnitsSeen: 3, wantedUnits: 3}])',
)
ORDER = """query ($number: String!) { order(shop: "sandbox-one", number: $number) {
  order { number lines { state servedUnits returnedUnits } }
  trace { messages { door } facts { kind says booked } changes { kind sku after } pushes { item units outcome } }
} }"""


def tell(doors: Doors, *calls: str) -> Any:
    for call in calls:
        done = doors.ask(f"mutation {{ done: {call} {{ position }} }}")
    return done


def take(number: str, units: int) -> str:
    return f'takeOrder(shop: "{SHOP}", number: "{number}", lines: [{{item: "a", quantity: {units}}}])'


def states(doors: Doors, words: str) -> list[str]:
    found = doors.ask(f"{{ orders(states: [{words}]) {{ edges {{ node {{ number }} }} }} }}")
    return sorted(edge["node"]["number"] for edge in found["orders"]["edges"])


def test_an_order_shows_its_way_from_what_was_told_to_what_the_mall_was_told(open_doors: Doors) -> None:
    tell(open_doors, *BEGIN)
    done = tell(open_doors, take("N-1", 2))
    house = open_doors.house
    sent = push_sent("r-1", {"a:": 1}, int(done["done"]["position"]))
    house.book.do(record_push_sent(SHOP, sent), house.by())
    now = utc_text(house.clock.now())
    answered = PushAnswered(
        request="r-1", outcomes=["applied"], codes=[""], sent_at=now, applied_from=now, applied_until=now
    )
    house.book.do(record_push_answered(SHOP, answered), house.by())
    way = open_doors.ask(ORDER, number="N-1")["order"]
    assert way["order"] == {"number": "N-1", "lines": [{"state": "served", "servedUnits": 2, "returnedUnits": 0}]}
    assert way["trace"]["facts"] == [{"kind": "OrderTold", "says": "person confirmed", "booked": ["allocated 2 A"]}]
    assert way["trace"]["changes"] == [{"kind": "StockAllocated", "sku": "A", "after": 1}]
    assert way["trace"]["pushes"] == [{"item": "a", "units": 1, "outcome": "applied"}]
    nobody = open_doors.post(ORDER, {"number": "N-9"})
    assert "expected one that was told" in nobody.sentences[0]


def test_a_person_moves_what_serves_an_order_and_takes_back_what_left(open_doors: Doors) -> None:
    tell(open_doors, *BEGIN, take("N-1", 2), take("N-2", 2))
    assert (states(open_doors, '"served"'), states(open_doors, '"partly_served", "short"')) == (["N-1"], ["N-2"])
    tell(open_doors, f'moveServed(shop: "{SHOP}", number: "N-1", sku: "A", units: 1, toNumber: "N-2")')
    assert states(open_doors, '"served"') == ["N-2"]
    tell(open_doors, f'setOrderPriority(shop: "{SHOP}", number: "N-1", priority: 1)')
    tell(open_doors, f'shipOrder(shop: "{SHOP}", number: "N-2")', f'cancelOrder(shop: "{SHOP}", number: "N-2")')
    assert states(open_doors, '"return_open"') == ["N-2"]
    tell(open_doors, f'takeReturn(shop: "{SHOP}", number: "N-2", sku: "A", units: 2, to: "good")')
    assert (states(open_doors, '"return_open"'), states(open_doors, '"cancelled"')) == ([], ["N-2"])
    refused = open_doors.post('{ orders(states: ["lost"]) { edges { node { number } } } }')
    assert "expected one of served" in refused.sentences[0]


def test_the_command_shows_the_same_way_and_decides_the_same(
    database: Database, tmp_path: Path, open_doors: Doors
) -> None:
    tell(open_doors, *BEGIN, take("N-1", 2), take("N-2", 2))
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(settings_of(database, tmp_path))

    def run(*arguments: str) -> tuple[int, Any]:
        with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()):
            code = cli.run([*arguments, "--json"])
        return code, json.loads(printed.getvalue())

    try:
        code, way = run("order", "show", "N-1", "--shop", SHOP)
        assert (code, way["facts"][0]["booked"], way["lines"][0]["state"]) == (0, ["allocated 2 A"], "served")
        move = ("order", "move", "N-1", "--shop", SHOP, "--sku", "A", "--to", "N-2", "--units")
        assert run(*move, "1")[0] == 0
        code, refused = run(*move, "9")
        assert (code, refused["error"]) == (2, "9 units to move; expected 1 to 2, the open units of order N-1")
        _, found = run("orders", "--state", "partly_served", "--search", "N-")
        assert [row["number"] for row in found] == ["N-1"]
        assert run("order", "priority", "N-1", "5", "--shop", SHOP)[0] == 0
        assert run("order", "show", "N-9", "--shop", SHOP)[0] == 2
        for verb in (
            ("verify",),
            ("reviewed", "date_only"),
            ("settle", "--sku", "A", "--to", "sale"),
            ("uncount", "--sku", "A"),
        ):
            assert run("order", verb[0], "N-1", "--shop", SHOP, *verb[1:])[0] == 0
        code, refused = run("order", "return", "N-1", "--shop", SHOP, "--sku", "A", "--units", "1")
        assert (code, "none that have left" in refused["error"]) == (2, True)
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.mark.parametrize("call", ['moveServed(shop: "s", number: "1", sku: "A", units: 1, toNumber: "2")'])
def test_deciding_needs_the_scope_of_orders(open_doors: Doors, call: str) -> None:
    read = open_doors.with_scopes("read", "stock")
    assert open_doors.post(f"mutation {{ {call} {{ facts }} }}", key=read).codes == ["FORBIDDEN"]
