"""``daicho mailbox`` as a person meets it, against Debian's own Dovecot; what is wrong is a sentence."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import cli
from api.database import Database
from tests.api.dovecot import PASSWORD, USER, Dovecot, dovecot
from tests.api.inbound.test_inbox_commands import environment
from tests.api.intake_rig import RAKUTEN, connect_shops, opened


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as server:
        server.deliver(b"Subject: x\r\n\r\n")
        yield server


class Person:
    """Types commands; ``said`` is what was written beside the answer."""

    def __init__(self, database: Database, home: Path, capsys: pytest.CaptureFixture[str], ca: Path | None) -> None:
        self._settings = {
            "DAICHO_DATABASE_URL": database.url,
            "DAICHO_SCHEMA": database.schema,
            "DAICHO_HOME": str(home),
            **({} if ca is None else {"DAICHO_MAILBOX_CA_FILE": str(ca)}),
        }
        self._capsys = capsys
        self.said = ""
        with opened(database, home) as house:
            connect_shops(house)
        capsys.readouterr()

    def types(self, *arguments: str, code: int = 0, then: str = "") -> Any:
        keyboard, sys.stdin = sys.stdin, io.StringIO(then)
        try:
            with environment(**self._settings):
                assert cli.run(["mailbox", *arguments, "--json"]) == code
        finally:
            sys.stdin = keyboard
        shown = self._capsys.readouterr()
        self.said = shown.err
        return json.loads(shown.out)


@pytest.mark.needs_programs("dovecot")
def test_a_person_adds_a_mailbox_looks_at_it_and_removes_it(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str], server: Dovecot
) -> None:
    person = Person(database, tmp_path, capsys, server.certificate)
    where = ("add", RAKUTEN, "--host", "localhost", "--port", str(server.tls_port), "--user", USER)
    added = person.types(*where, then=f"{PASSWORD}\n")
    assert (added["readable"], added["messages"], added["toTake"], added["after"]) == (True, 1, 1, "leave")
    assert USER not in json.dumps(added)
    wrong = person.types(*where, "--after", "seen", code=1, then="CANARY-5c1e\n")
    assert (wrong["readable"], wrong["problem"]) == (False, "login_refused")
    assert "パスワード" in person.said
    assert "CANARY" not in person.said
    (shown,) = person.types("show")
    assert (shown["shop"], shown["after"], shown["readAt"]) == (RAKUTEN, "seen", None)
    person.types(*where, then=f"{PASSWORD}\n")
    assert "INBOX" in person.types("test", RAKUTEN)["folders"]
    assert person.types("remove", RAKUTEN) == {"shop": RAKUTEN, "removed": True}
    assert "has no mailbox" in person.types("remove", RAKUTEN, code=2)["error"]
    assert "has no mailbox" in person.types("test", RAKUTEN, code=2)["error"]
    assert person.types("show") == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--tls", "none"), "for all to read"),
        (("--tls", "ssl"), "tls 'ssl'; expected one of tls, starttls, none"),
        (("--after", "delete"), "after 'delete'; expected one of leave, seen, move"),
        (("--after", "move"), "belong together"),
        (("--after", "move", "--move-to", "INBOX"), "expected another folder"),
        (("--port", "0"), "port 0; expected 1 to 65535"),
        (("--folder", ""), "folder: ''"),
    ],
)
def test_a_mailbox_that_cannot_be_is_refused_with_a_sentence(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], sentence: str
) -> None:
    person = Person(database, tmp_path, capsys, None)
    where = ("add", RAKUTEN, "--host", "imap.example.com", "--user", "u", "--password", "p")
    assert sentence in person.types(*where, *options, code=2)["error"]
    assert "not connected" in person.types("add", "nobody", *where[2:], code=2)["error"]
