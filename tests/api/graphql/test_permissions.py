"""Who may do what: one table for the schema and the routes, kept by every door."""

from pathlib import Path

from fastapi.routing import APIRoute
from starlette.routing import Route
from starlette.testclient import TestClient

from api import keys
from api.database import Database
from api.graphql.schema import schema
from api.permissions import ANY, FIELDS, ROUTES, SCOPES
from api.settings import Settings
from api.threads import Bridge
from tests.api.doors_rig import Doors, doors
from tests.api.intake_rig import TurnedClock


def test_every_root_field_of_the_schema_and_no_other_stands_in_the_table() -> None:
    made = schema(Settings())
    found = set()
    for kind in (made._schema.query_type, made._schema.mutation_type):
        assert kind is not None
        found |= {f"{kind.name}.{name}" for name in kind.fields}
    assert found == set(FIELDS)
    assert set(FIELDS.values()) <= set(SCOPES)


def test_there_are_no_subscriptions_and_so_no_sockets_to_guard() -> None:
    assert schema(Settings())._schema.subscription_type is None


def test_every_route_and_no_other_stands_in_the_table(open_doors: Doors) -> None:
    found = set()
    for route in _routes(open_doors.client):
        assert isinstance(route, Route | APIRoute), f"{route} is not a plain route"
        found |= {(method, route.path) for method in route.methods or () if method != "HEAD"}
    assert found == set(ROUTES)
    assert {scope for scope in ROUTES.values() if scope is not None} <= {*SCOPES, ANY}


def _routes(client: TestClient) -> list[object]:
    found: list[object] = []
    waiting = list(client.app.routes)  # type: ignore[attr-defined]
    for route in waiting:
        inner = getattr(route, "original_router", None)
        found.extend(inner.routes if inner is not None else [route])
    return found


def test_without_a_key_that_is_known_nothing_is_answered(open_doors: Doors) -> None:
    for header in (None, "", "Bearer", "Bearer ", "Basic abc", "Bearer wrong", "Bearer daicho_x_y", "daicho_x_y"):
        headers = {} if header is None else {"Authorization": header}
        for answer in (
            open_doors.client.post("/graphql", json={"query": "{ position { ledger } }"}, headers=headers),
            open_doors.client.put("/files/-/x.csv", content=b"sku\n", headers=headers),
        ):
            assert answer.status_code == 401, header
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "daicho key add" in answer.json()["detail"] or "Authorization" in answer.json()["detail"]


def test_a_key_works_for_at_most_a_few_seconds_after_it_was_revoked(database: Database, tmp_path: Path) -> None:
    clock = TurnedClock()
    with doors(database, tmp_path, clock=clock) as found:
        made = found.with_scopes("read")
        assert found.post("{ position { ledger } }", key=made).status == 200
        keys.revoke(found.house, made.split("_")[1])
        clock.turn(keys.SEEN_SECONDS + 0.1)
        assert found.post("{ position { ledger } }", key=made).status == 401
        fresh = found.with_scopes("read")
        keys.revoke(found.house, fresh.split("_")[1])
        assert found.post("{ position { ledger } }", key=fresh).status == 401


def test_a_key_with_another_secret_is_nobodys(open_doors: Doors) -> None:
    made = open_doors.with_scopes("read")
    assert open_doors.post("{ position { ledger } }", key=made[:-1] + ("a" if made[-1] != "a" else "b")).status == 401


def test_each_field_asks_for_its_own_scope(open_doors: Doors) -> None:
    keys_of = {scope: open_doors.with_scopes(scope) for scope in SCOPES}
    for field, needed in FIELDS.items():
        kind, _, name = field.partition(".")
        query = f"{kind.lower()} {{ {_minimal(kind, name)} }}"
        for scope, key in keys_of.items():
            said = open_doors.post(query, key=key)
            if scope == needed:
                assert said.status in (200, 503), (field, scope, said)
                assert "FORBIDDEN" not in said.codes, (field, scope, said)
            else:
                assert (said.status, said.codes) == (403, ["FORBIDDEN"]), (field, scope, said)
                assert name in said.sentences[0]
                assert needed in said.sentences[0]


def test_a_route_asks_for_its_scope(open_doors: Doors) -> None:
    headers = {"Authorization": f"Bearer {open_doors.with_scopes('read', 'stock')}"}
    answer = open_doors.client.put("/files/-/x.csv", content=b"sku\n", headers=headers)
    assert answer.status_code == 403
    assert "'files'" in answer.json()["detail"]


def test_an_operation_with_one_forbidden_part_does_nothing_at_all(open_doors: Doors) -> None:
    key = open_doors.with_scopes("stock")
    query = (
        'mutation { one: addStock(sku: "A", units: 5) { position } ...more }'
        ' fragment more on Mutation { ... { stopIntake(shop: "x") { position } } }'
    )
    said = open_doors.post(query, key=key)
    assert (said.status, said.codes, said.data) == (403, ["FORBIDDEN"], None)
    assert open_doors.ask('{ stock(skus: ["A"]) { sku } }') == {"stock": []}


def test_only_the_operation_that_runs_is_checked(open_doors: Doors) -> None:
    body = {
        "query": 'query look { position { ledger } } mutation change { addStock(sku: "A", units: 1) { position } }',
        "operationName": "look",
    }
    headers = {"Authorization": f"Bearer {open_doors.with_scopes('read')}"}
    assert open_doors.client.post("/graphql", json=body, headers=headers).status_code == 200
    assert (
        open_doors.client.post("/graphql", json=body | {"operationName": "change"}, headers=headers).status_code == 403
    )


def test_health_asks_for_no_key(open_doors: Doors) -> None:
    assert open_doors.client.get("/healthz").json() == {"status": "ok"}
    ready = open_doors.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "position": 1})


def test_the_bridge_runs_no_more_than_its_threads() -> None:
    assert Bridge(3)._limiter.total_tokens == 3


def _minimal(kind: str, name: str) -> str:
    """The field with the arguments it must have, and as few fields as it can."""
    made = schema(Settings())._schema
    root = made.query_type if kind == "Query" else made.mutation_type
    assert root is not None
    field = root.fields[name]
    given = []
    for argument, what in field.args.items():
        kind_text = str(what.type)
        if kind_text.endswith("!") and "Undefined" in str(what.default_value):
            given.append(f"{argument}: {_value(kind_text)}")
    listed = f"({', '.join(given)})" if given else ""
    return f"{name}{listed} {{ __typename }}"


def _value(kind: str) -> str:
    known = {
        "DateTime!": '"2026-01-01T00:00:00Z"',
        "String!": '"x-x"',
        "Int!": "1",
        "Position!": "1",
        "Count!": "1",
        "MailboxInput!": '{host: "x", user: "x", password: "x"}',
        "ListingKeyInput!": '{item: "x"}',
    }
    return known.get(kind, "[]" if kind.startswith("[") else "{}")
