"""Mail over GraphQL: what a message says is shown to those who may alone; mailboxes are declared, tried, removed."""

from functools import partial

import pytest

from adapters.kit.mail import write_mail
from api.jobs.intake import drain
from tests.api.doors_rig import Doors
from tests.api.intake_rig import RAKUTEN, KnownListings, connect_shops, deliver, nothing_waits

CANARY = "CANARY-CODE-8812"
MESSAGE = "query ($id: Count!) { message(id: $id) { shop door rule subject sender sentAt text } }"
DECLARE = "mutation ($shop: String!, $mailbox: MailboxInput!) { declareMailbox(shop: $shop, mailbox: $mailbox) { readable code problem } }"
MAILBOXES = "{ mailboxes { shop host port tls folder afterReading code problem taken readAt } }"


@pytest.fixture
def confirmation(open_doors: Doors) -> int:
    """A confirmation mail that waits; its row."""
    house = open_doors.house
    connect_shops(house)
    raw = write_mail(
        subject="(#1) Gmail Forwarding Confirmation - Receive Mail from owner@example.com",
        sender="Gmail Team <forwarding-noreply@google.com>",
        recipient="token@mail.test",
        sent_at=house.clock.now(),
        text=f"Confirmation code: {CANARY}\n",
        message_id="<f@example.com>",
    )
    row = deliver(house, raw)
    nothing_waits(house, partial(drain, house, KnownListings()))
    return row


def test_a_confirmation_mail_waits_in_the_list_and_is_read_by_who_may(open_doors: Doors, confirmation: int) -> None:
    listed = open_doors.ask('{ inbox(state: "quarantined") { edges { node { id reason proof } } } }')
    assert [edge["node"]["reason"] for edge in listed["inbox"]["edges"]] == ["forwarding_confirmation"]
    found = open_doors.post(MESSAGE, {"id": confirmation}, key=open_doors.with_scopes("messages"))
    assert (found.data["message"]["sender"], CANARY in found.data["message"]["text"]) == (
        "forwarding-noreply@google.com",
        True,
    )
    diagnosed = open_doors.ask(
        "query ($shop: String!) { diagnosis(shop: $shop) { code level nextStep } }", shop=RAKUTEN
    )
    steps = {one["code"]: one for one in diagnosed["diagnosis"]}
    assert steps["forwarding_confirmation"]["level"] == "problem"
    assert f"daicho inbox read {confirmation}" in steps["forwarding_confirmation"]["nextStep"]
    assert "quarantined" not in steps


def test_no_other_scope_shows_what_a_message_says(open_doors: Doors, confirmation: int) -> None:
    key = open_doors.with_scopes("read", "stock", "orders", "listings", "shops", "files")
    refused = open_doors.post(MESSAGE, {"id": confirmation}, key=key)
    assert (refused.data, refused.codes) == (None, ["FORBIDDEN"])
    assert "'messages'" in refused.sentences[0]
    listed = open_doors.post("{ inbox { edges { node { id state reason rule } } } }", key=key)
    assert CANARY not in str(listed)


def test_a_message_that_is_not_there_is_a_sentence(open_doors: Doors) -> None:
    assert "there is none" in open_doors.post(MESSAGE, {"id": 999}).sentences[0]


def test_a_mailbox_is_declared_seen_and_removed(open_doors: Doors) -> None:
    connect_shops(open_doors.house)
    box = {"host": "127.0.0.1", "port": 1, "user": "u", "password": CANARY}
    tried = open_doors.ask(DECLARE, shop=RAKUTEN, mailbox=box)["declareMailbox"]
    assert (tried["readable"], tried["code"]) == (False, "cannot_connect")
    assert "メールサーバー" in tried["problem"]
    shown = open_doors.ask(MAILBOXES)
    assert CANARY not in str(shown)
    assert [(one["shop"], one["tls"], one["folder"], one["afterReading"]) for one in shown["mailboxes"]] == [
        (RAKUTEN, "tls", "INBOX", "leave")
    ]
    again = "mutation ($shop: String!) { tryMailbox(shop: $shop) { code toTake } }"
    assert open_doors.ask(again, shop=RAKUTEN)["tryMailbox"] == {"code": "cannot_connect", "toTake": 0}
    gone = "mutation ($shop: String!) { removeMailbox(shop: $shop) { shop } }"
    assert open_doors.ask(gone, shop=RAKUTEN) == {"removeMailbox": {"shop": RAKUTEN}}
    assert open_doors.ask(MAILBOXES) == {"mailboxes": []}
    wrong = open_doors.post(DECLARE, {"shop": RAKUTEN, "mailbox": {**box, "tls": "none", "host": "imap.example.com"}})
    assert "for all to read" in wrong.sentences[0]
    assert open_doors.post(MAILBOXES, key=open_doors.with_scopes("read")).codes == ["FORBIDDEN"]
