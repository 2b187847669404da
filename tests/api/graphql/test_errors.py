"""Errors: a user's is a sentence, one of ours quotes nothing, a database that is away is 503."""

from concurrent.futures import Future
from dataclasses import replace

import psycopg
import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from api import keys
from api.app import build
from api.wiring import House
from ledger.book import Book, By, Verb
from ledger.writer import Done, LedgerUnavailable, OutcomeUnknown
from tests.api.doors_rig import Doors

CANARY = "山田太郎-secret-canary"
ADD = 'mutation { addStock(sku: "A", units: 1) { position } }'


class FailingBook(Book):
    """A book whose every verb meets the same end."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def submit(self, verb: Verb, by: By, *, key: tuple[str, str] | None = None) -> "Future[Done]":
        raise self._error


def failing(house: House, error: Exception) -> House:
    return replace(house, book=FailingBook(error))


REFUSALS = [
    ('mutation { addStock(sku: "", units: 1) { position } }', "SKU"),
    ('mutation { overwriteStock(sku: "A", units: -1) { position } }', "whole number from 0"),
    ('mutation { overwriteStock(sku: "A", units: 10000000) { position } }', "9,999,999"),
    ('mutation { cancelOrder(shop: "s", number: "1", reason: "mood") { position } }', "expected one"),
    ('mutation { startIntake(shop: "nobody") { position } }', "not connected"),
    ('mutation { connectShop(mall: "nowhere", mallShopId: "x") { position } }', "nowhere"),
    ('{ changes(after: "%%%") { edges { cursor } } }', "expected a cursor"),
    ('{ changes(after: "WyJhIl0") { edges { cursor } } }', "expected a cursor"),
    ('{ changes(recordedFrom: "2026-11-01T00:00:00") { edges { cursor } } }', "expected a zone"),
]


def test_an_error_of_the_user_is_a_sentence(open_doors: Doors) -> None:
    open_doors.feed()
    for query, sentence in REFUSALS:
        said = open_doors.post(query)
        assert (said.status, said.codes) == (200, ["REFUSED"]), said
        assert sentence in said.sentences[0]
        assert said.errors[0]["extensions"]["error"]


def test_more_skus_than_a_page_are_refused(open_doors: Doors) -> None:
    said = open_doors.post("query ($skus: [String!]!) { stock(skus: $skus) { sku } }", {"skus": ["x"] * 101})
    assert said.sentences == ["101 SKUs; expected up to 100"]


def test_a_position_is_a_whole_number(open_doors: Doors) -> None:
    for value in ("-1", "1.5", '"x"', "9223372036854775808", "true"):
        said = open_doors.post(f"{{ changes(atLeast: {value}) {{ edges {{ cursor }} }} }}")
        assert said.status == 400, said
        assert "expected" in said.sentences[0].lower() or "Position" in said.sentences[0]


@pytest.mark.parametrize(
    "error", [RuntimeError(CANARY), KeyError(CANARY), ValueError(CANARY), psycopg.DataError(CANARY)]
)
def test_an_error_of_ours_quotes_nothing_to_the_caller_or_the_log(open_doors: Doors, error: Exception) -> None:
    house = failing(open_doors.house, error)
    with capture_logs() as logs, TestClient(build(house), raise_server_exceptions=False) as client:
        answer = client.post("/graphql", json={"query": ADD}, headers={"Authorization": f"Bearer {open_doors.key}"})
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["message"] == "an error of ours; it is in the log with its time"
    assert CANARY not in answer.text
    assert [entry["error"] for entry in logs] == [type(error).__name__]
    assert CANARY not in str(logs)


@pytest.mark.parametrize("error", [LedgerUnavailable("away"), OutcomeUnknown("lost"), psycopg.OperationalError(CANARY)])
def test_a_database_that_is_away_is_503_and_says_to_send_it_again(open_doors: Doors, error: Exception) -> None:
    house = failing(open_doors.house, error)
    with capture_logs(), TestClient(build(house), raise_server_exceptions=False) as client:
        answer = client.post("/graphql", json={"query": ADD}, headers={"Authorization": f"Bearer {open_doors.key}"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "send it again" in answer.json()["errors"][0]["message"]
    assert CANARY not in answer.text


def test_a_database_that_is_away_when_the_key_is_looked_up_is_503_too(open_doors: Doors) -> None:
    house = open_doors.house
    key = keys.add(house, "later", ("read",))
    house.pool.close()
    with TestClient(build(house), raise_server_exceptions=False) as client:
        answer = client.post(
            "/graphql", json={"query": "{ position { ledger } }"}, headers={"Authorization": f"Bearer {key}"}
        )
        assert answer.status_code == 503
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200


def test_a_document_that_is_not_graphql_is_refused_before_anything_runs(open_doors: Doors) -> None:
    for query in ("{", "{ nothing }", "mutation { addStock(sku: 1) { position } }"):
        said = open_doors.post(query)
        assert (said.status, said.data) == (400, None), (query, said)
        assert said.codes[0] == "REFUSED"
