"""``daicho inbox`` as a person meets it: the list, a message read, ignored, read again, a shop's address."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from api import cli
from api.database import Database
from api.jobs.intake import drain
from tests.api.intake_rig import RAKUTEN, KnownListings, connect_shops, deliver, nothing_waits, opened, sample


@contextmanager
def environment(**settings: str) -> Iterator[None]:
    """The process's environment has these settings, and no other of ours."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("DAICHO_")]:
        del os.environ[name]
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_a_person_looks_after_the_inbox(database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def daicho(*arguments: str, code: int = 0) -> Any:
        settings = {"DAICHO_DATABASE_URL": database.url, "DAICHO_SCHEMA": database.schema, "DAICHO_HOME": str(tmp_path)}
        with environment(**settings):
            assert cli.run(["inbox", *arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    with opened(database, tmp_path) as house:
        connect_shops(house)
        deliver(house, sample("rakuten", "order_iso2022jp"))
        waits = deliver(house, sample("rakuten", "broken_cut_short"))
        nothing_waits(house, partial(drain, house, KnownListings()))
    capsys.readouterr()
    newest = daicho()[0]
    assert (newest["id"], newest["state"], newest["reason"]) == (waits, "quarantined", "not_understood")
    assert [row["state"] for row in daicho("--state", "read")] == ["read"]
    assert "402853-20261120-" in daicho("read", str(waits))["text"]
    assert daicho("ignore", str(waits)) == {"ignored": [waits]}
    assert [row["reason"] for row in daicho("--state", "ignored")] == ["person"]
    assert daicho("resend", str(waits)) == {"resent": [waits]}
    assert "there is none" in daicho("resend", "999", code=2)["error"]
    first = daicho("address", "--shop", RAKUTEN)["mail"]
    assert daicho("address", "--shop", RAKUTEN)["mail"] == first
    assert daicho("address", "--shop", RAKUTEN, "--renew")["mail"] != first
    assert "not connected" in daicho("address", "--shop", "nobody", code=2)["error"]
