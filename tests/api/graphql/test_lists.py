"""Lists in bulk over GraphQL: previewed, sent, refused row by row, guarded; each by its own scope."""

from tests.api.doors_rig import Doors

CONNECT = """mutation { connectShop(mall: "sandbox", mallShopId: "one") { position } }"""
LINK = """mutation ($csv: String!, $dry: Boolean!) {
  sendListingList(shop: "sandbox-one", kind: "link", csv: $csv, dryRun: $dry) {
    rows blank refused position unknownColumns errorsCsv
    became { name count } states { name count } effects { name count } problems { row column value expected }
  }
}"""
SET = """mutation ($csv: String!, $confirm: Boolean!) {
  sendListingList(shop: "sandbox-one", kind: "set", csv: $csv, confirm: $confirm) { states { name count } effects { name count } }
}"""


def test_a_list_is_previewed_and_sent_and_its_refused_rows_come_back(open_doors: Doors) -> None:
    open_doors.ask(CONNECT)
    open_doors.ask('mutation { registerSku(sku: "A") { position } }')
    csv = "商品SKU,モール商品コード,備考\nA,a,x\nB,b,y\n"
    head = open_doors.ask("{ position { ledger } }")
    seen = open_doors.ask(LINK, csv=csv, dry=True)["sendListingList"]
    assert open_doors.ask("{ position { ledger } }") == head
    assert (seen["rows"], seen["refused"], seen["position"]) == (2, 1, None)
    done = open_doors.ask(LINK, csv=csv, dry=False)["sendListingList"]
    assert (done["became"], done["unknownColumns"]) == ([{"name": "new", "count": 1}], ["備考"])
    assert done["position"] > 0
    problem = {
        "row": 3,
        "column": "商品SKU",
        "value": "B",
        "expected": "a SKU that is registered: import its product or register it first",
    }
    assert done["problems"] == seen["problems"] == [problem]
    assert done["errorsCsv"].splitlines()[1].startswith("B,b,y,3,商品SKU,B,")
    again = open_doors.ask(LINK, csv=csv, dry=False)["sendListingList"]
    assert again["became"] == [{"name": "same", "count": 1}]


def test_pages_that_would_show_zero_are_guarded_until_a_person_confirms(open_doors: Doors) -> None:
    open_doors.ask(CONNECT)
    for call in (
        'addStock(sku: "A", units: 5)',
        'linkListing(shop: "sandbox-one", listing: {item: "a"}, sku: "A")',
        'confirmListings(shop: "sandbox-one", listings: [{item: "a", mallUnitsSeen: 5, wantedUnits: 5}])',
        'changeShopSettings(shop: "sandbox-one", settings: [{name: "guard.to_zero", value: "0"}])',
    ):
        open_doors.ask(f"mutation {{ {call} {{ position }} }}")
    csv = "item,state\na,stopped_zero\n"
    refused = open_doors.post(SET, {"csv": csv, "confirm": False})
    assert (refused.codes, refused.errors[0]["extensions"]["error"]) == (["REFUSED"], "NotConfirmed")
    done = open_doors.ask(SET, csv=csv, confirm=True)["sendListingList"]
    assert done["states"] == [{"name": "stopped", "count": 1}]
    assert {"name": "toZero", "count": 1} in done["effects"]


def test_sets_are_defined_by_text_and_a_list_that_is_none_is_refused(open_doors: Doors) -> None:
    open_doors.ask('mutation { registerSku(sku: "A") { position } }')
    query = "mutation ($csv: String!) { sendSetList(csv: $csv) { refused became { name count } } }"
    done = open_doors.ask(query, csv="set_sku,component,units\nS,A,2\n")["sendSetList"]
    assert done == {"refused": 0, "became": [{"name": "new", "count": 1}]}
    for csv in ("", "a,b\n1,2\n", "x" * 600_000):
        assert open_doors.post(query, {"csv": csv}).codes == ["REFUSED"]
    unknown = 'mutation { sendListingList(shop: "sandbox-one", kind: "unlink", csv: "x") { refused } }'
    assert "expected one of link, replace, set" in open_doors.post(unknown).sentences[0]


def test_each_list_needs_its_own_scope(open_doors: Doors) -> None:
    read = open_doors.with_scopes("read")
    for call in ('sendSetList(csv: "x")', 'sendListingList(shop: "s", kind: "link", csv: "x")'):
        assert open_doors.post(f"mutation {{ {call} {{ refused }} }}", key=read).codes == ["FORBIDDEN"]
