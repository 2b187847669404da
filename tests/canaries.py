"""Every secret that a test gives to a shop is a canary: after the test no table, log line or printed word may hold it.

Where a test's database has sealed secrets, they are opened with the key file in the test's folder and looked for in every
column of every table (as text and as bytes) and in all that the test printed and logged. Values under CHARACTERS_MIN are too
common to be told apart.
"""

from collections.abc import Generator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.key_file import KeyFile
from api.sealing import CannotOpen, Seals
from api.tables import secrets
from tests.postgres import SCHEMAS

CHARACTERS_MIN = 8
KEY_FILES = ("secret.key", "*/secret.key", "*/*/secret.key")
CANARIES = pytest.StashKey[list[str]]()


def secrets_kept(url: str, folder: Path) -> list[str]:
    """The opened secrets of every shop, where a key file of this folder opens them."""
    keys = [path for pattern in KEY_FILES for path in folder.glob(pattern)]
    if not keys:
        return []
    found: set[str] = set()
    with psycopg.connect(url) as connection:
        for schema in SCHEMAS:
            connection.execute("SELECT set_config('search_path', %s, false)", (schema,))
            for (shop,) in connection.execute("SELECT DISTINCT shop FROM shop_secrets").fetchall():
                for path in keys:
                    try:
                        found.update(secrets.of_shop(connection, Seals(KeyFile(path).keys), shop).values())
                    except CannotOpen:
                        continue
    return sorted(value for value in found if len(value) >= CHARACTERS_MIN and not _is_moment(value))


def _is_moment(value: str) -> bool:
    """When somebody logged in is kept beside the tokens, and is no secret."""
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def tables_holding(url: str, canaries: Sequence[str]) -> list[str]:
    """The tables with a row that holds one of them."""
    with psycopg.connect(url) as connection:
        return [str(name) for (name,) in connection.execute("SELECT * FROM baseline.holding(%s)", (list(canaries),))]


def look(url: str, folder: Path, item: pytest.Item) -> None:
    """Fails when a table of the test's database holds a secret; what was printed is looked at when the test is reported."""
    canaries = secrets_kept(url, folder)
    if not canaries:
        return
    item.stash[CANARIES] = canaries
    held = tables_holding(url, canaries)
    assert not held, f"a secret of a shop stands in clear in {', '.join(held)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "teardown" and report.passed:
        said = "".join(text for _, text in report.sections)
        if any(canary in said for canary in item.stash.get(CANARIES, [])):
            report.outcome = "failed"
            report.longrepr = "a secret of a shop was printed or logged in clear"
            report.sections = []
    return report
