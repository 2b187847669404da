"""What a proven and an unproven mail may do to stock, from the door to the ledger: only a proven one raises it (D7)."""

import smtplib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from adapters.kit.mail import write_mail
from api.database import Database
from api.inbound.arrivals import Arrivals
from api.jobs.intake import drain
from api.mail.dns import AWAY_SECONDS, NONE_KEPT_SECONDS, TxtRecords
from api.mail.smtp import receiving
from api.tables import inbox
from api.wiring import House
from ledger import keys
from ledger import order as orders
from ledger.book import shops
from tests.adapters.rakuten.mail_bodies import Item, order_text
from tests.api.intake_rig import (
    RAKUTEN,
    KnownListings,
    TurnedClock,
    address,
    connect_shops,
    deliver,
    link,
    nothing_waits,
    opened,
    rows,
    set_stock,
    stock_of,
)
from tests.api.mail.signing import Dns, sealed, signed

NUMBER = "402853-20261120-0000000001"
SENDER, DOMAIN = "order@mail.rms.rakuten.co.jp", "rakuten.co.jp"
OWN, FORWARDER = "mx.shop.example", "forwarder.example"
SENT = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


@pytest.fixture
def dns() -> Dns:
    return Dns().knows(DOMAIN).knows(FORWARDER)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def house(database: Database, tmp_path: Path, clock: TurnedClock, dns: Dns) -> Iterator[House]:
    settings = {"mail_authserv_id": OWN, "mail_arc_sealers": f"other.example, {FORWARDER}"}
    with opened(database, tmp_path, clock, dns=dns, **settings) as house:
        connect_shops(house)
        set_stock(house, "MUG", 10)
        yield house


@pytest.fixture
def listings(house: House) -> KnownListings:
    known = KnownListings()
    known.codes[RAKUTEN, "abc-001"] = [link(house, RAKUTEN, "mug", "", "MUG", codes=("abc-001",))]
    return known


def order(units: int = 3, *, sender: str = SENDER, minutes: int = 0) -> bytes:
    text = order_text(NUMBER, [Item("マグ", "abc-001", quantity=str(units))])
    return mail("【楽天市場】注文内容ご確認（自動配信メール）", text, sender=sender, minutes=minutes)


def cancel(*, sender: str = SENDER, minutes: int = 5) -> bytes:
    text = f"[受注番号] {NUMBER}\nキャンセル理由 お客様都合\n"
    return mail("【楽天市場】ご注文のキャンセルについて", text, sender=sender, minutes=minutes)


def mail(subject: str, text: str, *, sender: str, minutes: int) -> bytes:
    return write_mail(
        subject=subject,
        sender=sender,
        recipient="shop@example.jp",
        sent_at=SENT + timedelta(minutes=minutes),
        text=text,
        message_id=f"<{minutes}@rakuten.co.jp>",
    )


def take(house: House, listings: KnownListings, *raws: bytes) -> list[str]:
    """The mails are taken one after another; how each was proven, or why not."""
    for raw in raws:
        deliver(house, raw)
        nothing_waits(house, partial(drain, house, listings))
    return [row.proof for row in rows(house)]


def test_a_proven_order_lowers_and_a_proven_cancel_raises(house: House, listings: KnownListings) -> None:
    assert take(house, listings, signed(order(), DOMAIN)) == ["dkim"]
    assert stock_of(house, "MUG") == (10, 3)
    assert take(house, listings, signed(cancel(), DOMAIN)) == ["dkim", "dkim"]
    assert stock_of(house, "MUG") == (10, 0)


@pytest.mark.parametrize(
    "forged",
    [
        cancel(),
        cancel(sender="someone@else.example"),
        signed(cancel(), "else.example"),
        signed(cancel(), DOMAIN, l="10"),
        signed(cancel(), DOMAIN).replace(b"0000000001", b"0000000009"),
        b"Authentication-Results: mx.shop.example; dkim=pass header.d=rakuten.co.jp\r\n" + cancel(),
        sealed(cancel(), "else.example", results="dmarc=pass header.from=mail.rms.rakuten.co.jp"),
        b"Subject: =?utf-8?b?44CQ5qW95aSp5biC5aC044CR44GU5rOo5paH44Gu44Kt44Oj44Oz44K744Or44Gr44Gk44GE44Gm?=\r\n"
        + signed(order(minutes=9), DOMAIN),
    ],
    ids=[
        "unsigned",
        "other-sender",
        "other-signer",
        "length",
        "changed",
        "forged-results",
        "other-sealer",
        "second-subject",
    ],
)
def test_a_forged_cancel_raises_nothing(house: House, listings: KnownListings, forged: bytes) -> None:
    take(house, listings, signed(order(), DOMAIN), forged)
    assert stock_of(house, "MUG") == (10, 3)
    assert rows(house)[1].proof not in ("", "dkim", "authentication_results", "arc")


def test_an_unproven_order_lowers_at_once_and_is_not_verified(house: House, listings: KnownListings) -> None:
    assert take(house, listings, order()) == ["no_signature"]
    assert stock_of(house, "MUG") == (10, 3)
    assert not verified(house)
    take(house, listings, signed(order(), DOMAIN))  # the same order, told by a proven mail
    assert verified(house)
    assert stock_of(house, "MUG") == (10, 3)


def test_an_unproven_change_adds_units_and_takes_none_away(house: House, listings: KnownListings) -> None:
    take(house, listings, signed(order(3), DOMAIN), order(1, minutes=3))
    assert stock_of(house, "MUG") == (10, 3)
    take(house, listings, order(5, minutes=4))
    assert stock_of(house, "MUG") == (10, 5)


def test_a_cancel_quoted_inside_a_mail_that_the_mall_signed_raises_nothing(
    house: House, listings: KnownListings
) -> None:
    """A buyer's question comes signed by the mall, with the buyer's own words in it."""
    quoted = (
        f"From: {SENDER}\nDate: 2026-11-20\nSubject: 【楽天市場】ご注文のキャンセルについて\n\n[受注番号] {NUMBER}\n"
    )
    question = mail("お問い合わせ", f"---------- Forwarded message ----------\n{quoted}", sender=SENDER, minutes=7)
    assert take(house, listings, signed(order(), DOMAIN), signed(question, DOMAIN)) == ["dkim", "forwarded_inside"]
    assert rows(house)[1].state == "read"  # it was taken for a cancel
    assert stock_of(house, "MUG") == (10, 3)


def attached(raw: bytes, header: bytes = b"") -> bytes:
    """The mail inside one of the shop's own."""
    part = b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + raw + b"\r\n--b--\r\n"
    own = b"From: staff@shop.example\r\nSubject: Fw\r\nMIME-Version: 1.0\r\n"
    return header + own + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + part


def test_a_mail_that_was_forwarded_as_an_attachment_is_proven_by_its_own_signature(
    house: House, listings: KnownListings
) -> None:
    take(house, listings, signed(order(), DOMAIN))
    results = f"Authentication-Results: {OWN}; dmarc=pass header.from=mail.rms.rakuten.co.jp\r\n".encode()
    Arrivals(house, lambda run: run()).store([RAKUTEN], "mail", attached(results + cancel()), vouched_by=OWN).result(9)
    nothing_waits(house, partial(drain, house, listings))
    assert (rows(house)[-1].proof, stock_of(house, "MUG")) == ("no_signature", (10, 3))
    changed = signed(cancel(), DOMAIN).replace(b"0000000001", b"0000000002")
    assert take(house, listings, attached(changed))[-1] == "body_changed"
    assert take(house, listings, attached(signed(cancel(), DOMAIN)))[-1] == "dkim"
    assert stock_of(house, "MUG") == (10, 0)


def test_a_cancel_that_came_through_a_listed_forwarder_raises(house: House, listings: KnownListings) -> None:
    footed = signed(cancel(), DOMAIN) + b"-- \r\nlist\r\n"
    through = sealed(footed, FORWARDER, results="dkim=pass header.d=rakuten.co.jp")
    assert take(house, listings, signed(order(), DOMAIN), through) == ["dkim", "arc"]
    assert stock_of(house, "MUG") == (10, 0)


@pytest.mark.parametrize("lmtp", [False, True])
def test_our_own_server_s_results_are_believed_of_what_it_delivered(
    house: House, listings: KnownListings, lmtp: bool
) -> None:
    take(house, listings, signed(order(), DOMAIN))
    passed = f"Authentication-Results: {OWN}; dmarc=pass header.from=mail.rms.rakuten.co.jp\r\n".encode() + cancel()
    protocol = smtplib.LMTP if lmtp else smtplib.SMTP
    with receiving(house, host="127.0.0.1", port=0, lmtp=lmtp) as receiver, protocol("127.0.0.1", receiver.port) as one:
        one.sendmail("mx@shop.example", [address(house, RAKUTEN)], passed)
    nothing_waits(house, partial(drain, house, listings))
    assert [row.proof for row in rows(house)] == ["dkim", "authentication_results"]
    assert stock_of(house, "MUG") == (10, 0)


def test_results_in_a_mail_that_came_over_http_are_nobody_s(house: House, listings: KnownListings) -> None:
    passed = f"Authentication-Results: {OWN}; dmarc=pass header.from=mail.rms.rakuten.co.jp\r\n".encode() + cancel()
    Arrivals(house, lambda function: function()).store([RAKUTEN], "mail", passed).result(10)
    nothing_waits(house, partial(drain, house, listings))
    assert [row.proof for row in rows(house)] == ["no_signature"]


def test_while_dns_is_away_nothing_is_lost_and_a_mail_read_again_is_proven(
    house: House, listings: KnownListings, dns: Dns, clock: TurnedClock
) -> None:
    dns.away = True
    assert take(house, listings, signed(order(), DOMAIN)) == ["dns_away"]
    assert (stock_of(house, "MUG"), verified(house)) == ((10, 3), False)
    dns.away = False
    clock.turn(AWAY_SECONDS + 1)
    with house.pool.connection() as connection:
        inbox.resend(connection, house.database.schema, rows(house)[0].id)
    nothing_waits(house, partial(drain, house, listings))
    assert ([row.proof for row in rows(house)], verified(house)) == (["dkim"], True)


def test_a_merchant_s_own_domain_is_believed_once_it_is_told(house: House, listings: KnownListings, dns: Dns) -> None:
    dns.knows("new.example")
    assert take(house, listings, signed(order(sender="order@new.example"), "new.example")) == [
        "sender_of_another_domain"
    ]
    told = {"profile.mail.sending_domains": '["new.example"]', "profile.mail.signing_domains": '["NEW.example"]'}
    house.book.do(shops.change_shop_settings(RAKUTEN, told), house.by())
    raw = signed(cancel(sender="order@new.example"), "new.example")
    assert take(house, listings, raw) == ["sender_of_another_domain", "dkim"]
    assert stock_of(house, "MUG") == (10, 0)


def verified(house: House) -> bool:
    """Whether every order is (未検証 otherwise)."""

    return orders.stated(house.look(keys.order(RAKUTEN, NUMBER), orders.FOLD)).verified


# ------------------------------------------------------------------ who is asked for keys


def test_records_are_asked_for_once_in_a_while_and_not_at_all_while_dns_is_away(clock: TurnedClock) -> None:
    dns = Dns().knows("a.example")
    look_up = TxtRecords(dns, clock.monotonic)
    assert [len(look_up("s1._domainkey.a.example") or ()) for _ in range(3)] == [1, 1, 1]
    assert [look_up("none.example") for _ in range(3)] == [(), (), ()]
    assert len(dns.asked) == 2
    clock.turn(NONE_KEPT_SECONDS + 1)
    dns.away = True
    assert [look_up("none.example"), look_up("other.example")] == [None, None]
    assert len(dns.asked) == 3  # the second was not asked
    assert look_up("s1._domainkey.a.example")  # what is known is
    clock.turn(AWAY_SECONDS + 1)
    dns.away = False
    assert look_up("other.example") == ()
    assert look_up("x" * 300) == ()
