"""売り越し over GraphQL, on the command line and as a table: a late mail made it possible, and the report says so."""

from datetime import datetime, timedelta
from typing import Any

from api.exports.writing import table
from ledger.book import orders, shops, stock
from ledger.book.pushes import record_push_answered, record_push_sent
from ledger.facts.push import PushAnswered
from ledger.terms import ListingKey, utc_text
from tests.api.doors_rig import Doors
from tests.ledger.story import push_sent
from tests.ledger.words import counted, line, link, telling

QUERY = """{ oversells(first: 10) { edges { node {
  sku units shop orderNumber item windowSeconds cause
  steps { code shop order units } pages { shop toldUnits expectedUnits }
} } pageInfo { hasNextPage } } }"""


def told(doors: Doors, shop: str, number: str, sold: datetime) -> None:
    said = telling(line("a"), number=number, ordered_at=sold)
    doors.house.book.do(orders.take_order(shop, said, [orders.Named(ListingKey("a"))]), doors.house.by())


def shown(doors: Doors, shop: str, units: int, at: datetime) -> None:
    """The page of the shop was told this number, and showed it at once."""
    house = doors.house
    with house.pool.connection() as connection:
        row: Any = connection.execute("SELECT position FROM ledger_head").fetchone()
    request = f"{shop}-{units}"
    house.book.do(record_push_sent(shop, push_sent(request, {"a:": units}, row[0])), house.by())
    moment = utc_text(at)
    answered = PushAnswered(
        request=request, outcomes=["applied"], codes=[""], sent_at=moment, applied_from=moment, applied_until=moment
    )
    house.book.do(record_push_answered(shop, answered), house.by())


def test_a_late_mail_made_it_possible_and_the_report_says_so(open_doors: Doors) -> None:
    house = open_doors.house
    now = house.clock.now()
    first, second = "cart-1", "sandbox-1"
    for verb in (
        *(
            shops.connect_shop(mall=s.partition("-")[0], mall_shop_id="1", match_key="", settings={})
            for s in (first, second)
        ),
        counted("A", 1),
        link(first, "a", "A"),
        link(second, "a", "A"),
    ):
        house.book.do(verb, house.by())
    for shop in (first, second):
        shown(open_doors, shop, 1, now - timedelta(minutes=10))
    told(open_doors, second, "B", now - timedelta(seconds=30))  # sold later, told at once
    told(open_doors, first, "A", now - timedelta(seconds=200))  # sold first, told late
    (row,) = [edge["node"] for edge in open_doors.ask(QUERY)["oversells"]["edges"]]
    assert (row["shop"], row["orderNumber"], row["item"], row["units"]) == (second, "B", "a", 1)
    assert (row["cause"], row["windowSeconds"] < 60) == ("late_telling", True)
    assert row["steps"] == [{"code": "late_telling", "shop": first, "order": "A", "units": 1}]
    assert row["pages"] == [
        {"shop": first, "toldUnits": 1, "expectedUnits": 0},
        {"shop": second, "toldUnits": 1, "expectedUnits": 1},
    ]
    csv = b"".join(table(house, "oversells", {}).chunks).decode("utf-8-sig").splitlines()
    assert csv[1].split(",")[2:4] == ["A", "1"]
    assert "late_telling:cart-1/A" in csv[1]


def test_a_count_that_found_less_is_its_own_cause(open_doors: Doors) -> None:
    house = open_doors.house
    now = house.clock.now()
    for verb in (counted("A", 3), link("sandbox-1", "a", "A")):
        house.book.do(verb, house.by())
    for number in ("1", "2"):
        told(open_doors, "sandbox-1", number, now - timedelta(seconds=20))
    house.book.do(stock.take_out("A", "sample", 2), house.by())
    (row,) = [edge["node"] for edge in open_doors.ask(QUERY)["oversells"]["edges"]]
    assert (row["cause"], row["units"], row["orderNumber"]) == ("units_taken_out", 1, None)
