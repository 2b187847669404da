"""Orders by hand over GraphQL: taken by SKU, changed, strict; holds; order and shipment CSVs; the inbox; shipping source."""

from datetime import timedelta
from pathlib import Path

import pytest

from api.database import Database
from api.jobs.hold_expiry import expire
from api.jobs.shipping_source import assume
from api.stock_rows import stock_rows
from api.tables import inbox
from api.tables.inbox import Arrival
from tests.adapters.order_rows import file_of
from tests.api.doors_rig import Doors, doors
from tests.api.intake_rig import TurnedClock

SHOP = "cart-desk"
ROW = {"注文番号": "C-1", "注文日時": "2026-11-20 10:00", "商品SKU": "A", "数量": "2"}


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def desk(open_doors: Doors) -> Doors:
    open_doors.ask('mutation { connectShop(mall: "cart", mallShopId: "desk") { position } }')
    open_doors.ask(f'mutation {{ startIntake(shop: "{SHOP}") {{ position }} }}')
    open_doors.ask('mutation { overwriteStock(sku: "A", units: 5) { position } }')
    return open_doors


def stock(desk: Doors, *fields: str) -> list[int]:
    (row,) = desk.ask(f'{{ stock(skus: ["A"]) {{ {" ".join(fields)} }} }}')["stock"]
    return [row[field] for field in fields]


def order(verb: str, number: str, lines: str, more: str = "") -> str:
    return f'mutation {{ done: {verb}(shop: "{SHOP}", number: "{number}", lines: [{lines}]{more}) {{ facts answer position }} }}'


def test_a_telephone_order_takes_the_merchants_own_sku_and_is_changed_and_cancelled(desk: Doors) -> None:
    desk.ask(order("takeOrder", "T-1", '{sku: "A", quantity: 2}'))
    assert stock(desk, "availableUnits", "allocatedUnits") == [3, 2]
    desk.ask(order("changeOrder", "T-1", '{sku: "A", quantity: 1}'))
    assert stock(desk, "availableUnits", "allocatedUnits") == [4, 1]
    desk.ask(f'mutation {{ cancelOrder(shop: "{SHOP}", number: "T-1", reason: "buyer") {{ position }} }}')
    assert stock(desk, "availableUnits", "allocatedUnits") == [5, 0]
    (part,) = desk.ask('{ orders(number: "T-1") { edges { node { number } } } }')["orders"]["edges"]
    assert part["node"]["number"] == "T-1"


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (order("changeOrder", "T-9", '{sku: "A"}'), "OrderNotKnown"),
        (order("takeOrder", "T-9", '{sku: "NEVER"}'), "OrderNotAccepted"),
        (order("takeOrder", "T-9", '{sku: "A", item: "i"}'), "OrderNotAccepted"),
        (order("takeOrder", "T-9", '{sku: "A", quantity: 6}', ", strict: true"), "NotEnough"),
        (order("takeOrder", "T-9", '{sku: "A"}', ', hold: "none"'), "HoldNotAccepted"),
        (order("takeOrder", "T-9", '{sku: "A"}').replace(SHOP, "cart-none"), "ShopNotReady"),
    ],
)
def test_what_cannot_be_taken_by_hand_is_refused(desk: Doors, call: str, error: str) -> None:
    assert desk.post(call).errors[0]["extensions"]["error"] == error
    assert stock(desk, "availableUnits") == [5]


def test_a_hold_is_placed_once_under_its_key_consumed_by_an_order_and_released(desk: Doors) -> None:
    ends = (desk.house.clock.now() + timedelta(hours=30)).isoformat()
    place = (
        f'mutation {{ done: placeHold(reference: "W-1001", sku: "A", units: 3, endsAt: "{ends}", key: "h")'
        " { facts replayed answer } }"
    )
    first, again = desk.ask(place)["done"], desk.ask(place)["done"]
    assert (first["answer"]["free"], again["replayed"], again["answer"]) == (2, True, first["answer"])
    name = first["answer"]["hold"]
    assert (
        desk.post(place.replace("W-1001", "W-1002").replace('"h"', '"i"')).errors[0]["extensions"]["error"]
        == "NotEnough"
    )
    desk.ask(order("takeOrder", "T-2", '{sku: "A", quantity: 2}', f', strict: true, hold: "{name}"'))
    assert stock(desk, "availableUnits", "heldUnits", "freeUnits") == [3, 1, 2]
    (edge,) = desk.ask("{ holds { edges { node { hold state heldUnits warning orders reference } } } }")["holds"][
        "edges"
    ]
    assert edge["node"] == {
        "hold": name,
        "state": "running",
        "heldUnits": 1,
        "warning": "",
        "orders": [f"{SHOP}:T-2"],
        "reference": "W-1001",
    }
    for facts in (2, 0):
        assert desk.ask(f'mutation {{ done: releaseHold(hold: "{name}") {{ facts }} }}')["done"]["facts"] == facts
    assert desk.ask("{ holds { edges { node { hold } } } }")["holds"]["edges"] == []
    assert (
        desk.post('mutation { releaseHold(hold: "none") { facts } }').errors[0]["extensions"]["error"]
        == "HoldNotAccepted"
    )


def test_holds_end_as_they_say_and_warn_before(database: Database, tmp_path: Path, clock: TurnedClock) -> None:
    with doors(database, tmp_path, clock=clock) as desk:
        desk.ask('mutation { overwriteStock(sku: "A", units: 5) { position } }')
        ends = (clock.now() + timedelta(hours=30)).isoformat()
        for name, on_expiry in (("asks", "ask"), ("gives", "release")):
            desk.ask(
                f'mutation {{ placeHold(hold: "{name}", reference: "W", sku: "A", units: 2, endsAt: "{ends}",'
                f' onExpiry: "{on_expiry}") {{ facts }} }}'
            )

        def warnings() -> list[tuple[str, str]]:
            edges = desk.ask("{ holds { edges { node { state warning } } } }")["holds"]["edges"]
            return [(edge["node"]["state"], edge["node"]["warning"]) for edge in edges]

        assert warnings() == [("running", "")] * 2
        clock.turn(7 * 3_600)
        assert warnings() == [("running", "within_24_hours")] * 2
        clock.turn(22.5 * 3_600)
        assert warnings() == [("running", "within_1_hour")] * 2
        assert expire(desk.house) == 0
        clock.turn(3_600)
        assert expire(desk.house) == 2
        assert warnings() == [("asked", "over")]
        assert expire(desk.house) == 0
        assert stock(desk, "heldUnits", "freeUnits") == [2, 3]
        later = (clock.now() + timedelta(hours=1, minutes=30)).isoformat()
        desk.ask(f'mutation {{ extendHold(hold: "asks", endsAt: "{later}") {{ facts }} }}')
        assert warnings() == [("running", "within_24_hours")]


def test_an_order_csv_is_previewed_taken_and_harmless_twice(desk: Doors) -> None:
    now = {**ROW, "注文日時": ""}  # placed before the number was typed it would be 計上済
    csv = file_of([now, {**now, "注文番号": "C-2", "数量": "?"}], encoding="utf-8").decode()
    send = (
        "mutation ($csv: String!, $dry: Boolean!) { done: importOrders(shop: "
        f'"{SHOP}", csv: $csv, dryRun: $dry) {{ form rows orders expected availableChanges became position'
        " problems { row column value expected } } }"
    )
    seen = desk.ask(send, csv=csv, dry=True)["done"]
    assert (seen["form"], seen["expected"], seen["availableChanges"]) == ("house-orders", {"new": 1}, {"A": -2})
    assert (seen["became"], seen["position"], stock(desk, "availableUnits")) == (None, None, [5])
    assert [(one["row"], one["column"], one["value"]) for one in seen["problems"]] == [(3, "数量", "?")]
    done = desk.ask(send, csv=csv, dry=False)["done"]
    assert (done["became"], stock(desk, "availableUnits")) == ({"read": 1}, [3])
    again = desk.ask(send, csv=csv, dry=False)["done"]
    assert (again["expected"], again["became"], stock(desk, "availableUnits")) == ({"same": 1}, {}, [3])


def test_shipments_come_by_csv_whole_or_by_parcel_and_once(desk: Doors) -> None:
    desk.ask(order("takeOrder", "S-1", '{sku: "A", quantity: 3}'))
    desk.ask(order("takeOrder", "S-2", '{sku: "A", quantity: 1}'))
    rows = [
        {"注文番号": "S-1", "商品SKU": "A", "出荷数": "1", "伝票番号": "111", "出荷日": "2026-11-20"},
        {"注文番号": "S-1", "商品SKU": "A", "出荷数": "1", "伝票番号": "111", "出荷日": "2026-11-20"},
        {"注文番号": "S-2", "商品SKU": "", "出荷数": "", "伝票番号": "222", "出荷日": "2026-11-20"},
        {"注文番号": "S-3", "商品SKU": "", "出荷数": "", "伝票番号": "333", "出荷日": "2026-11-20"},
        {"注文番号": "S-1", "商品SKU": "A", "出荷数": "0", "伝票番号": "", "出荷日": ""},
    ]
    send = (
        f'mutation ($csv: String!) {{ done: sendShipmentList(shop: "{SHOP}", csv: $csv)'
        " { refused became { name count } problems { row column } } }"
    )
    csv = file_of(rows, encoding="utf-8").decode()
    done = desk.ask(send, csv=csv)["done"]
    assert done["became"] == [{"name": "shipped", "count": 2}, {"name": "waits_for_its_order", "count": 1}]
    assert done["problems"] == [{"row": 6, "column": "出荷数"}]
    assert stock(desk, "onHandUnits", "allocatedUnits", "availableUnits") == [2, 1, 1]
    again = desk.ask(send, csv=csv)["done"]
    assert again["became"] == [{"name": "same", "count": 3}]
    desk.ask(order("takeOrder", "S-3", '{sku: "A", quantity: 1}'))
    assert stock(desk, "onHandUnits", "allocatedUnits") == [1, 1], "its shipment waited for it"


def test_where_nobody_tells_shipments_lines_close_after_their_days(
    database: Database, tmp_path: Path, clock: TurnedClock
) -> None:
    with doors(database, tmp_path, clock=clock) as desk:
        desk.ask('mutation { connectShop(mall: "cart", mallShopId: "desk") { position } }')
        desk.ask('mutation { overwriteStock(sku: "A", units: 5) { position } }')
        desk.ask('mutation { overwriteStock(sku: "B", units: 0) { position } }')
        desk.ask(order("takeOrder", "N-1", '{sku: "A", quantity: 2}'))
        desk.ask(order("takeOrder", "N-2", '{sku: "B", quantity: 1}'))
        desk.feed()
        clock.turn(15 * 86_400)
        assert assume(desk.house) == 0, "nobody said that nobody tells them"
        state = f'mutation {{ stateShippingSource(shop: "{SHOP}", source: "none", days: 14) {{ facts }} }}'
        desk.ask(state)
        assert desk.post(state.replace("none", "fax")).errors[0]["extensions"]["error"] == "ShopNotAccepted"
        desk.feed()
        assert assume(desk.house) == 1, "what is owed did not leave"
        desk.feed()
        assert assume(desk.house) == 0
        assert stock(desk, "onHandUnits", "allocatedUnits", "availableUnits") == [3, 0, 3]
        assert stock(desk, "onHandEstimated") == [True]
        assert stock_rows(desk.house, ["A"])[0]["onHandEstimated"] is True
        desk.ask('mutation { overwriteStock(sku: "A", units: 3) { position } }')
        assert stock(desk, "onHandEstimated") == [False], "it was counted since"


def test_messages_are_listed_resent_ignored_and_read_again(desk: Doors) -> None:
    house = desk.house
    with house.pool.connection() as connection:
        arrivals = [Arrival(SHOP, "csv", house.clock.now(), house.new_id(), body) for body in (b"one", b"two")]
        inbox.store(connection, house.database.schema, house.seals, arrivals)
        connection.execute("UPDATE inbox SET state = 'quarantined', reason = 'not_understood', rule = 'order'")
    page = desk.ask(
        '{ inbox(first: 1, state: "quarantined") { edges { node { id reason rule } } pageInfo { endCursor hasNextPage } } }'
    )
    assert page["inbox"]["pageInfo"]["hasNextPage"] is True
    newest = page["inbox"]["edges"][0]["node"]["id"]
    after = page["inbox"]["pageInfo"]["endCursor"]
    (older,) = desk.ask("query ($after: String) { inbox(after: $after) { edges { node { id } } } }", after=after)[
        "inbox"
    ]["edges"]
    reread = desk.ask("mutation { done: rereadMessages(dryRun: true) { messages notUnderstood position } }")["done"]
    assert reread == {"messages": 2, "notUnderstood": 2, "position": None}
    done = desk.ask("mutation ($id: Count!) { ignoreMessages(ids: [$id]) { ids position } }", id=newest)
    assert done["ignoreMessages"]["position"] > 0
    desk.ask("mutation ($id: Count!) { resendMessages(ids: [$id]) { ids } }", id=older["node"]["id"])
    states = desk.ask("{ inbox { edges { node { state reason } } } }")["inbox"]["edges"]
    assert [edge["node"]["state"] for edge in states] == ["ignored", "received"]
    refused = desk.post('{ inbox(state: "lost") { edges { cursor } } }')
    assert refused.errors[0]["extensions"]["error"] == "StateUnknown"


def test_a_shop_without_an_order_api_says_what_to_do_instead(desk: Doors) -> None:
    said = desk.post(f'mutation {{ fetchOrders(shop: "{SHOP}") {{ position }} }}')
    assert said.errors[0]["extensions"]["error"] == "NotAsked"
    assert "daicho orders import" in said.sentences[0]
    assert desk.ask(f'{{ orderFetch(shop: "{SHOP}") {{ orders }} }}')["orderFetch"] is None
