"""Connections begin in the merchant's schema as the role that may not change history, and survive a restart."""

import time

import psycopg
import pytest

from api.database import Database, open_pool, wait_for
from api.unavailable import Unavailable
from tests.postgres import OwnServer


def test_a_connection_is_the_application_role_in_its_schema(database: Database) -> None:
    with open_pool(database, name="test", size_max=2) as pool, pool.connection() as connection:
        row = connection.execute("SELECT current_user, current_schema(), current_setting('TimeZone')").fetchone()
        assert row == ("daicho_app", "daicho", "UTC")
        connection.execute("RESET ROLE")
        assert connection.execute("SELECT current_user").fetchone() == ("daicho_app",)


def test_two_merchants_in_one_database_do_not_see_each_other(database: Database, second_database: Database) -> None:
    with psycopg.connect(database.conninfo()) as one, psycopg.connect(second_database.conninfo()) as two:
        one.execute("CREATE TABLE only_mine ()")
        assert two.execute("SELECT to_regclass('only_mine')").fetchone() == (None,)


def test_a_pool_does_not_feel_a_restarted_server(own_server: OwnServer) -> None:
    with open_pool(own_server.database, name="test", size_max=2) as pool:
        with pool.connection() as connection:
            connection.execute("SELECT 1")
        own_server.kill()
        own_server.start()
        with pool.connection() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_waiting_ends_when_the_database_answers(own_server: OwnServer) -> None:
    own_server.stop()
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        own_server.start()

    assert wait_for(own_server.database.url, sleep=sleep, wait_seconds_max=5) >= 150_000
    assert len(waits) == 1


def test_a_database_that_never_answers_is_said_without_its_password() -> None:
    url = "postgresql://merchant:hunter2@127.0.0.1:1/daicho"
    with pytest.raises(Unavailable, match="does not answer after 0 s") as raised:
        wait_for(url, sleep=time.sleep, wait_seconds_max=0)
    assert "hunter2" not in str(raised.value)
    assert "hunter2" not in repr(Database(url, "daicho"))
    with pytest.raises(Unavailable, match="not a connection string") as raised:
        wait_for("postgres:hunter2", sleep=time.sleep, wait_seconds_max=0)
    assert "hunter2" not in str(raised.value)
