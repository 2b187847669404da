"""What one operation may cost, and which forms of request there are."""

import asyncio
import time
from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect

from api.database import Database
from api.graphql.context import Context
from api.graphql.router import BODY_BYTES_MAX
from api.graphql.schema import schema
from api.keys import Caller
from api.permissions import FIELDS
from api.settings import Settings
from api.threads import Bridge
from projections.reading import PAGE_ROWS_MAX
from tests.api.doors_rig import Doors, doors

ROWS_A_REQUEST_MAX = 5_000


def test_an_operation_of_more_tokens_than_allowed_is_refused(open_doors: Doors) -> None:
    said = open_doors.post("{ position { " + "ledger " * 1_000 + "} }")
    assert (said.status, said.data) == (400, None)
    assert "1000" in said.sentences[0]


def test_an_operation_of_more_aliases_than_allowed_is_refused(open_doors: Doors) -> None:
    fields = " ".join(f"a{number}: position {{ ledger }}" for number in range(16))
    said = open_doors.post(f"{{ {fields} }}")
    assert (said.status, said.data) == (400, None)
    assert open_doors.post("{ " + fields[: fields.rindex("a15")] + "}").status == 200


def test_an_operation_deeper_than_allowed_is_refused(database: Database, tmp_path: Path) -> None:
    with doors(database, tmp_path, graphql_depth_max=3) as found:
        found.feed()
        assert found.post("{ shops { edges { node { shop } } } }").status == 200
    with doors(database, tmp_path, graphql_depth_max=2) as found:
        for query in (
            "{ shops { edges { node { shop } } } }",
            "{ ... on Query { ... { shops { edges { ... { node { shop } } } } } } }",
            "{ ...a } fragment a on Query { shops { edges { node { shop } } } }",
        ):
            said = found.post(query)
            assert (said.status, said.data, said.codes) == (400, None, ["REFUSED"]), query
        assert found.post("{ shops { pageInfo { hasNextPage } } }").status == 200


def test_a_page_has_one_to_a_hundred_rows(open_doors: Doors) -> None:
    open_doors.feed()
    for first in (0, -1, 101, 2_000_000_000):
        for name in ("changes", "pushes", "shops", "imports", "listings", "orders"):
            said = open_doors.post(f"{{ {name}(first: {first}) {{ edges {{ cursor }} }} }}")
            assert said.sentences == [f"first: {first}; expected 1 to 100"], name


def test_no_operation_can_ask_for_more_rows_than_a_request_may_cost() -> None:
    lists = sum(field.startswith("Query.") for field in FIELDS)
    assert (lists + Settings().graphql_aliases_max) * PAGE_ROWS_MAX <= ROWS_A_REQUEST_MAX


def test_a_megabyte_of_nesting_is_refused_within_fifty_milliseconds() -> None:
    made = schema(Settings())
    query = "{ a " * 250_000 + "}" * 250_000
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        result = asyncio.run(made.execute(query, context_value=None))
        seconds.append(time.perf_counter() - began)
        assert result.errors
    assert min(seconds) < 0.05, seconds


def test_a_body_larger_than_allowed_is_refused_whether_announced_or_not(open_doors: Doors) -> None:
    headers = {"Authorization": f"Bearer {open_doors.key}", "Content-Type": "application/json"}
    body = b'{"query": "' + b" " * BODY_BYTES_MAX + b'"}'
    assert open_doors.client.post("/graphql", content=body, headers=headers).status_code == 413
    pieces = (body[at : at + 100_000] for at in range(0, len(body), 100_000))
    assert open_doors.client.post("/graphql", content=pieces, headers=headers).status_code == 413


def test_a_body_that_is_no_operation_is_refused_with_a_sentence(open_doors: Doors) -> None:
    headers = {"Authorization": f"Bearer {open_doors.key}", "Content-Type": "application/json"}
    for body in (
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"query": 1}',
        b'{"query": "{a}", "variables": []}',
        b"\xff",
    ):
        answer = open_doors.client.post("/graphql", content=body, headers=headers)
        assert answer.status_code == 400, body[:50]
        assert "expected JSON" in answer.json()["errors"][0]["message"]


def test_only_json_is_taken_so_that_no_other_sites_form_can_send_one(open_doors: Doors) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        headers = {"Authorization": f"Bearer {open_doors.key}", "Content-Type": kind}
        assert open_doors.client.post("/graphql", content=b'{"query":"{a}"}', headers=headers).status_code == 415


def test_nothing_is_read_or_changed_over_get(open_doors: Doors) -> None:
    headers = {"Authorization": f"Bearer {open_doors.key}"}
    query = 'mutation { addStock(sku: "A", units: 1) { position } }'
    for method in ("GET", "HEAD"):
        answer = open_doors.client.request(method, "/graphql", params={"query": query}, headers=headers)
        assert answer.status_code == 405
    assert open_doors.ask('{ stock(skus: ["A"]) { sku } }') == {"stock": []}


def test_a_websocket_is_not_opened(open_doors: Doors) -> None:
    for protocol in ("graphql-transport-ws", "graphql-ws"):
        with (
            pytest.raises(WebSocketDisconnect),
            open_doors.client.websocket_connect("/graphql", subprotocols=[protocol]),
        ):
            raise AssertionError("opened")


def test_the_schema_is_told_only_where_the_settings_say_so(database: Database, tmp_path: Path) -> None:
    query = "{ __schema { queryType { name } } __typename }"
    with doors(database, tmp_path) as found:
        said = found.post(query)
        assert (said.status, said.codes) == (403, ["FORBIDDEN"])
        assert found.post("{ __typename }").data == {"__typename": "Query"}
    with doors(database, tmp_path, graphql_introspection=True) as found:
        assert found.post(query).data["__schema"] == {"queryType": {"name": "Query"}}


def test_a_resolver_knows_who_called_and_nothing_of_the_request(open_doors: Doors) -> None:
    context = Context(open_doors.house, Caller("k", frozenset()), Bridge())
    assert context.caller.actor == "key:k"
