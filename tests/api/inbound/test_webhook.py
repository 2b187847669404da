"""Webhooks in: proven before they are kept, stored before 200, and an order follows from them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.connecting import mail_address
from api.database import Database
from api.inbound.webhook import router
from api.jobs import intake
from api.shops import connect
from api.tables import order_polls
from api.wiring import House
from ledger.book import shops
from tests.api.intake_rig import KnownListings, opened, rows

SHOP = "makeshop-one"


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with opened(database, tmp_path) as house:
        house.book.do(connect("makeshop", "one", match_key="", settings={}), house.by())
        house.book.do(connect("rakuten", "two", match_key="", settings={"shop_number": "402853"}), house.by())
        house.book.do(shops.start_intake(SHOP), house.by())
        yield house


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(router(house))
    with TestClient(app) as client:
        yield client


def path(house: House, shop: str = SHOP) -> str:
    return f"/inbound/webhook/{mail_address(house, shop).partition('@')[0]}"


def test_a_notice_is_kept_and_its_orders_are_to_be_fetched_at_once(house: House, client: TestClient) -> None:
    with house.pool.connection() as connection:
        now = house.clock.now()
        order_polls.begin(connection, SHOP, done_until=now, now=now)
    answer = client.post(path(house), json={"displayOrderNumber": "20261123-0000000001"})
    assert (answer.status_code, answer.json()) == (200, {"stored": True})
    assert [(row.shop, row.door, row.state) for row in rows(house)] == [(SHOP, "webhook", "received")]
    intake.drain(house, KnownListings())
    assert [(row.state, row.reason) for row in rows(house)] == [("read", "hint")]


def test_the_same_call_twice_has_no_effect(house: House, client: TestClient) -> None:
    for _ in range(2):
        assert client.post(path(house), json={"a": 1}).status_code == 200
    intake.drain(house, KnownListings())
    assert [(row.state, row.reason) for row in rows(house)] == [("read", "hint"), ("ignored", "duplicate")]


def test_what_is_not_proven_is_refused_and_not_kept(house: House, client: TestClient) -> None:
    answer = client.post(path(house), content=b"not json")
    assert (answer.status_code, answer.json()) == (401, {"detail": "the call is not taken: not_json"})
    assert rows(house) == []


def test_nobodys_address_and_a_mall_without_webhooks_are_not_found(house: House, client: TestClient) -> None:
    body = json.dumps({}).encode()
    assert client.post("/inbound/webhook/" + "a" * 26, content=body).status_code == 404
    assert client.post(path(house, "rakuten-two"), content=body).status_code == 404
    assert rows(house) == []


def test_a_body_over_the_limit_is_refused(house: House, client: TestClient) -> None:
    answer = client.post(path(house), content=b"[" + b"0," * 600_000 + b"0]")
    assert answer.status_code == 413
    assert "larger than 1000000 bytes" in answer.json()["detail"]
    assert rows(house) == []
