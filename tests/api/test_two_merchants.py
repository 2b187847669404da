"""Two merchants in one database, through the doors: neither sees, changes or hears anything of the other."""

from pathlib import Path
from typing import Any

from api.connecting import mail_address
from api.database import Database
from api.jobs import intake
from tests.api.doors_rig import Doors, doors
from tests.api.intake_rig import RAKUTEN, connect_shops, nothing_waits, sample

EVERYTHING = """{ stock(skus: ["A"]) { availableUnits } changes { edges { node { sku trace } } }
    shops { edges { node { shop } } } orders { edges { node { number } } } listings { edges { node { item } } }
    imports { edges { node { importId } } } pushes { edges { node { request } } } }"""
NOTHING: dict[str, Any] = {"stock": []} | {
    name: {"edges": []} for name in ("changes", "shops", "orders", "listings", "imports", "pushes")
}


def test_what_one_merchant_does_the_other_does_not_see(
    database: Database, second_database: Database, tmp_path: Path
) -> None:
    with doors(database, tmp_path / "one") as one, doors(second_database, tmp_path / "two") as two:
        fill(one)
        assert two.ask(EVERYTHING) == NOTHING
        two.ask('mutation { addStock(sku: "A", units: 7) { position } }')
        assert one.ask('{ stock(skus: ["A"]) { availableUnits } }')["stock"] == [{"availableUnits": 5}]
        assert two.ask('{ stock(skus: ["A"]) { availableUnits } }')["stock"] == [{"availableUnits": 7}]
        positions = [each.ask("{ position { ledger lists } }")["position"] for each in (one, two)]
        assert positions[1] == {"ledger": 3, "lists": 3}
        assert positions[0]["ledger"] > 10


def test_a_key_or_an_address_of_one_merchant_is_nobodys_at_the_other(
    database: Database, second_database: Database, tmp_path: Path
) -> None:
    with doors(database, tmp_path / "one") as one, doors(second_database, tmp_path / "two") as two:
        fill(one)
        assert two.post("{ position { ledger } }", key=one.key).status == 401
        token = mail_address(one.house, RAKUTEN).partition("@")[0]
        raw = sample("rakuten", "order_five_lines")
        assert two.client.post(f"/inbound/mail/{token}", content=raw).status_code == 404
        assert one.client.post(f"/inbound/mail/{token}", content=raw).status_code == 202


def fill(merchant: Doors) -> None:
    """A shop with an order from a mail, stock of A, and a file."""
    connect_shops(merchant.house)
    merchant.ask('mutation { overwriteStock(sku: "A", units: 5) { position } }')
    merchant.ask(f'mutation {{ linkListing(shop: "{RAKUTEN}", listing: {{item: "a"}}, sku: "A") {{ position }} }}')
    token = mail_address(merchant.house, RAKUTEN).partition("@")[0]
    assert (
        merchant.client.post(f"/inbound/mail/{token}", content=sample("rakuten", "order_iso2022jp")).status_code == 202
    )
    steps = [loop.step for loop in intake.loops(merchant.house)]
    merchant.feed()
    nothing_waits(merchant.house, lambda: sum(step() for step in steps))
    headers = {"Authorization": f"Bearer {merchant.key}"}
    content = (Path(__file__).parents[2] / "adapters/house/samples/daicho-stock.csv").read_bytes()
    answer = merchant.client.put("/files/-/own.csv", content=content, headers=headers, params={"apply": "true"})
    assert answer.status_code == 200, answer.text
    merchant.feed()
    seen = merchant.ask(EVERYTHING)
    assert all(seen[name] != NOTHING[name] for name in NOTHING if name != "pushes"), seen
