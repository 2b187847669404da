"""The ledger's verbs over GraphQL: what they answer, once and again under the same key."""

import pytest

from tests.api.doors_rig import Doors

CONNECT = """mutation { connectShop(mall: "sandbox", mallShopId: "one") { position answer } }"""
SHOP = "sandbox-one"
CALLS = [
    'overwriteStock(sku: "A", units: %d, key: "k")',
    'addStock(sku: "A", units: %d, key: "k")',
    'takeOrder(shop: "sandbox-one", number: "1", lines: [{item: "i", quantity: %d}], key: "k")',
    'receiveStock(slip: "s", lines: [{line: "1", sku: "A", units: %d}], key: "k")',
    'keepBackStock(sku: "A", units: %d, key: "k")',
]


@pytest.mark.parametrize("call", CALLS)
def test_the_same_call_under_the_same_key_is_answered_again_and_done_once(open_doors: Doors, call: str) -> None:
    open_doors.ask(CONNECT)
    done = "mutation { done: " + call + " { position facts replayed answer } }"
    first = open_doors.ask(done % 2)["done"]
    again = open_doors.ask(done % 2)["done"]
    assert first["facts"] > 0
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert {**first, "replayed": True, "facts": 0} == again
    head = open_doors.ask("{ position { ledger } }")["position"]["ledger"]
    other = open_doors.post(done % 3)
    assert (other.status, other.codes) == (200, ["REFUSED"])
    assert other.errors[0]["extensions"]["error"] == "KeyReused"
    assert open_doors.ask("{ position { ledger } }")["position"]["ledger"] == head


def test_a_cancel_and_an_order_with_a_time_are_done_once_under_their_keys(open_doors: Doors) -> None:
    open_doors.ask(CONNECT)
    take = (
        'mutation { takeOrder(shop: "sandbox-one", number: "9", lines: [{item: "i"}],'
        ' orderedAt: "2026-11-20T10:00:00+09:00", key: "t") { facts replayed } }'
    )
    cancel = 'mutation { cancelOrder(shop: "sandbox-one", number: "9", reason: "buyer", key: "c") { facts replayed } }'
    for query in (take, cancel):
        found = [next(iter(open_doors.ask(query).values())) for _ in range(2)]
        assert [one["replayed"] for one in found] == [False, True]
        assert found[0]["facts"] > found[1]["facts"] == 0


def test_keys_of_two_callers_are_apart(open_doors: Doors) -> None:
    query = 'mutation { addStock(sku: "A", units: 1, key: "k") { replayed } }'
    other = open_doors.with_scopes("stock")
    assert open_doors.post(query).data["addStock"]["replayed"] is False
    assert open_doors.post(query, key=other).data["addStock"]["replayed"] is False
    assert open_doors.ask('{ stock(skus: ["A"]) { availableUnits } }')["stock"] == [{"availableUnits": 2}]


def test_stock_is_set_counted_and_explained_by_the_key_that_did_it(open_doors: Doors) -> None:
    open_doors.ask('mutation { overwriteStock(sku: "A", units: 5) { position } }')
    open_doors.ask('mutation { takeOutStock(sku: "A", units: 2, reason: "sample") { position } }')
    query = '{ stock(skus: ["A", "B"]) { sku onHandUnits availableUnits freeUnits allocatedUnits shortUnits } }'
    row = {"sku": "A", "onHandUnits": 3, "availableUnits": 3, "freeUnits": 3, "allocatedUnits": 0, "shortUnits": 0}
    assert open_doors.ask(query)["stock"] == [row]
    edges = open_doors.ask('{ changes(sku: "A") { edges { node { kind before after actor } } } }')["changes"]["edges"]
    actor = f"key:{open_doors.key.split('_')[1]}"
    assert [(edge["node"]["before"], edge["node"]["after"]) for edge in edges] == [(5, 3), (None, 5)]
    assert {edge["node"]["actor"] for edge in edges} == {actor}


def test_a_number_typed_on_a_page_is_true_where_the_page_was_read(open_doors: Doors) -> None:
    open_doors.ask(CONNECT)
    open_doors.ask('mutation { overwriteStock(sku: "A", units: 5) { position } }')
    open_doors.ask('mutation { linkListing(shop: "sandbox-one", listing: {item: "i"}, sku: "A") { position } }')
    seen = open_doors.ask("{ position { ledger } }")["position"]["ledger"]
    open_doors.ask('mutation { takeOrder(shop: "sandbox-one", number: "1", lines: [{item: "i"}]) { position } }')
    typed = 'mutation ($at: Position!) { overwriteStock(sku: "A", units: 10, readPosition: $at) { position } }'
    open_doors.ask(typed, at=seen)
    assert open_doors.ask('{ stock(skus: ["A"]) { availableUnits } }')["stock"] == [{"availableUnits": 9}]


def test_a_program_compares_and_sets(open_doors: Doors) -> None:
    open_doors.ask('mutation { overwriteStock(sku: "A", units: 5) { position } }')
    version = open_doors.ask('{ stock(skus: ["A"]) { version } }')["stock"][0]["version"]
    set_to = 'mutation ($v: Count!, $u: Int!) { overwriteStock(sku: "A", units: $u, expectedVersion: $v) { facts } }'
    assert open_doors.ask(set_to, v=version, u=7)["overwriteStock"]["facts"] == 1
    said = open_doors.post(set_to, {"v": version, "u": 8})
    assert said.codes == ["REFUSED"]


def test_an_order_of_a_person_is_strict_when_asked(open_doors: Doors) -> None:
    open_doors.ask(CONNECT)
    open_doors.ask('mutation { overwriteStock(sku: "A", units: 1) { position } }')
    open_doors.ask('mutation { linkListing(shop: "sandbox-one", listing: {item: "i"}, sku: "A") { position } }')
    take = 'mutation { takeOrder(shop: "sandbox-one", number: "%s", lines: [{item: "i", quantity: 2}], strict: %s) { answer } }'
    assert open_doors.post(take % ("1", "true")).errors[0]["extensions"]["error"] == "NotEnough"
    assert open_doors.ask(take % ("2", "false"))["takeOrder"]["answer"]["units"] == {"A": 2}
    open_doors.ask('mutation { shipOrder(shop: "sandbox-one", number: "2") { position } }')
    open_doors.ask('mutation { verifyOrder(shop: "sandbox-one", number: "2") { position } }')


def test_a_set_is_built_of_its_components(open_doors: Doors) -> None:
    open_doors.ask('mutation { registerSku(sku: "S", name: "セット") { position } }')
    open_doors.ask('mutation { overwriteStock(sku: "A", units: 7) { position } }')
    open_doors.ask('mutation { defineSet(sku: "S", components: [{sku: "A", units: 2}]) { position } }')
    said = open_doors.post('mutation { defineSet(sku: "T", components: [{sku: "S", units: 1}]) { position } }')
    assert said.codes == ["REFUSED"], "no sets of sets"
    said = open_doors.post('mutation { defineSet(sku: "A", components: [{sku: "B", units: 1}]) { position } }')
    assert "A is a component of S" in said.sentences[0]


@pytest.mark.parametrize("call", ['overwriteStock(sku: "S", units: 5)', 'addStock(sku: "S", units: 1)'])
def test_a_set_is_given_no_number(open_doors: Doors, call: str) -> None:
    open_doors.ask('mutation { defineSet(sku: "S", components: [{sku: "A", units: 2}]) { position } }')
    said = open_doors.post("mutation { " + call + " { position } }")
    assert said.codes == ["REFUSED"]
    assert said.errors[0]["extensions"]["error"] == "SetHasNoNumber"
    assert said.sentences[0].startswith("S is a set of A x 2; expected one of these components")


def test_a_shop_is_switched_and_its_listings_ruled(open_doors: Doors) -> None:
    answer = open_doors.ask(CONNECT)["connectShop"]
    assert answer["answer"] == {"shop": SHOP}
    open_doors.ask('mutation { startIntake(shop: "sandbox-one") { position } }')
    open_doors.ask('mutation { linkListing(shop: "sandbox-one", listing: {item: "i"}, sku: "A") { position } }')
    open_doors.ask(
        'mutation { changeListingSettings(shop: "sandbox-one", listings: [{item: "i"}], settings: {reserve: 2, cap: 50}) { facts } }'
    )
    seen = '{item: "i", mallUnitsSeen: 3, wantedUnits: 3}'
    open_doors.ask('mutation { confirmListings(shop: "sandbox-one", listings: [' + seen + "]) { facts } }")
    open_doors.ask('mutation { stopListings(shop: "sandbox-one", listings: [{item: "i"}], showZero: true) { facts } }')
    open_doors.ask('mutation { startListings(shop: "sandbox-one", listings: [{item: "i"}]) { facts } }')
    edges = open_doors.ask("{ shops { edges { node { shop mall intake push settings } } } }")["shops"]["edges"]
    assert [(edge["node"]["shop"], edge["node"]["intake"], edge["node"]["push"]) for edge in edges] == [
        (SHOP, True, False)
    ]
    open_doors.ask('mutation { stopIntake(shop: "sandbox-one") { position } }')
    shown = open_doors.ask("{ shops { edges { node { intake } } } }")["shops"]["edges"]
    assert shown == [{"node": {"intake": False}}]


def test_a_secret_is_not_taken_as_a_setting(open_doors: Doors) -> None:
    query = (
        'mutation { connectShop(mall: "rakuten", mallShopId: "one", settings:'
        ' [{name: "license_key", value: "canary-value"}]) { position } }'
    )
    said = open_doors.post(query)
    assert said.codes == ["REFUSED"]
    assert "canary-value" not in str(said)
