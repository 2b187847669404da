"""The net under the whole suite: a secret that leaks into a table is found in text, in bytes and under odd characters."""

from pathlib import Path

import psycopg
import pytest

from api.database import Database
from api.tables import secrets
from tests import canaries
from tests.api.intake_rig import opened

SECRET = "SP_100%\\canary-漢"


def test_a_secret_in_a_text_and_in_bytes_is_found(database: Database, tmp_path: Path) -> None:
    with opened(database, tmp_path) as house, house.pool.connection() as connection:
        secrets.put(
            connection, house.seals, shop="rakuten-a", name="license_key", value=SECRET, changed_at=house.clock.now()
        )
    assert canaries.secrets_kept(database.url, tmp_path) == [SECRET]
    assert canaries.tables_holding(database.url, [SECRET]) == []
    with psycopg.connect(database.url) as connection:
        connection.execute("CREATE TABLE daicho.leaks (said text)")
        connection.execute("CREATE TABLE daicho.leaking (said bytea)")
        connection.execute("INSERT INTO daicho.leaks VALUES (%s)", (f"key={SECRET}.",))
        connection.execute("INSERT INTO daicho.leaking VALUES (%s)", (f"key={SECRET}.".encode(),))
    assert canaries.tables_holding(database.url, [SECRET]) == ["daicho.leaks", "daicho.leaking"]
    assert canaries.tables_holding(database.url, [SECRET.upper()]) == []
    with psycopg.connect(database.url) as connection:
        connection.execute("DROP TABLE daicho.leaks, daicho.leaking")


def test_a_secret_that_is_printed_fails_its_test(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "from tests import canaries\n"
        "def pytest_configure(config): config.pluginmanager.register(canaries)\n"
        "def pytest_runtest_setup(item): item.stash[canaries.CANARIES] = ['a-long-secret']\n"
    )
    pytester.makepyfile("def test_a(): print('a-long-secret')\ndef test_b(): print('a-long')")
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2, errors=1)
