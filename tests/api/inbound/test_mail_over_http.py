"""Mail over HTTP: stored before 202, refused at nobody's address, bounded while it streams."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from psycopg import sql

from api.database import Database
from api.inbound.mail import router
from api.wiring import House
from tests.api.intake_rig import RAKUTEN, address, connect_shops, opened, rows, sample


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with opened(database, tmp_path, mail_bytes_max=100_000) as house:
        connect_shops(house)
        yield house


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(router(house))
    with TestClient(app) as client:
        yield client


@pytest.fixture
def path(house: House) -> str:
    return f"/inbound/mail/{address(house, RAKUTEN).partition('@')[0]}"


def test_a_mail_is_stored_before_it_is_accepted(house: House, client: TestClient, path: str) -> None:
    raw = sample("rakuten", "order_iso2022jp")
    answer = client.post(path, content=raw)
    assert (answer.status_code, answer.json()) == (202, {"stored": True})
    assert [(row.shop, row.size_bytes, row.state) for row in rows(house)] == [(RAKUTEN, len(raw), "received")]


@pytest.mark.parametrize("token", ["a" * 26, "short", "%00", "a" * 26 + "%0a", "'--"])
def test_nobodys_address_is_not_found(house: House, client: TestClient, token: str) -> None:
    assert client.post(f"/inbound/mail/{token}", content=b"Subject: x\r\n\r\n").status_code == 404
    assert rows(house) == []


def test_a_mail_that_is_too_large_is_refused_announced_or_not(house: House, client: TestClient, path: str) -> None:
    assert client.post(path, content=b"x" * 100_001).status_code == 413
    assert client.post(path, content=(b"x" * 1_000 for _ in range(101))).status_code == 413
    assert client.post(path, content=(b"x" * 1_000 for _ in range(100))).status_code == 202
    assert [row.size_bytes for row in rows(house)] == [100_000]


def test_an_empty_body_is_refused(house: House, client: TestClient, path: str) -> None:
    assert client.post(path, content=b" \r\n").status_code == 400
    assert rows(house) == []


def test_a_database_that_refuses_is_answered_with_try_again(house: House, client: TestClient, path: str) -> None:
    with psycopg.connect(house.database.url, autocommit=True) as owner:
        table = sql.Identifier(house.database.schema, "inbox")
        owner.execute(sql.SQL("REVOKE INSERT ON {} FROM daicho_app").format(table))
        try:
            answer = client.post(path, content=b"Subject: x\r\n\r\n")
        finally:
            owner.execute(sql.SQL("GRANT INSERT ON {} TO daicho_app").format(table))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert client.post(path, content=b"Subject: x\r\n\r\n").status_code == 202
