"""Intake: mails of the samples become orders, whatever order they come in, whatever is wrong with them, whoever dies."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from adapters.kit.mail import write_mail
from api.database import Database
from api.jobs.intake import drain
from api.jobs.message_reading import NOT_UNDERSTOOD
from api.tables import inbox
from api.tables.inbox import InboxRowUnknown
from api.wiring import House
from ledger import keys, shop
from ledger.book import shops
from ledger.order import FOLD, stated
from tests.adapters.rakuten.mail_bodies import ORDER_SENDER, ORDER_SUBJECT, Item, order_text
from tests.api.intake_rig import (
    RAKUTEN,
    YAHOO,
    KnownListings,
    TurnedClock,
    connect_shops,
    deliver,
    facts,
    link,
    nothing_waits,
    opened,
    rows,
    sample,
    set_stock,
    states,
    stock_of,
)

NUMBER = "402853-20261120-0000000001"  # of order_iso2022jp


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def house(database: Database, tmp_path: Path, clock: TurnedClock) -> Iterator[House]:
    with opened(database, tmp_path, clock) as house:
        connect_shops(house)
        yield house


@pytest.fixture
def listings(house: House) -> KnownListings:
    """Both lines of the sample mails are linked, by the codes that the mails say; 10 units of each are there."""
    known = KnownListings()
    known.codes[RAKUTEN, "c3ps390/11"] = [link(house, RAKUTEN, "page-1", "11", "SHIRT-11", codes=["c3ps390/11"])]
    known.codes[RAKUTEN, "abc-001"] = [link(house, RAKUTEN, "page-2", "x", "MUG", codes=["abc-001"])]
    link(house, YAHOO, "item-01", "blue", "SHIRT-11")
    link(house, YAHOO, "test1234", "", "MUG")
    for sku in ("SHIRT-11", "MUG"):
        set_stock(house, sku, 10)
    return known


def take(house: House, listings: KnownListings) -> int:
    return nothing_waits(house, partial(drain, house, listings))


def order_mail(house: House, number: str, items: list[Item]) -> bytes:
    return write_mail(
        subject=ORDER_SUBJECT,
        sender=ORDER_SENDER,
        recipient="shop@mail.test",
        sent_at=house.clock.now(),
        text=order_text(number, items),
        message_id=f"<{number}@example.com>",
    )


# ------------------------------------------------------------------ the way


def test_an_order_mail_lowers_the_stock_and_proves_that_intake_works(house: House, listings: KnownListings) -> None:
    deliver(house, sample("rakuten", "order_iso2022jp"))
    take(house, listings)
    assert states(house) == [("read", "")]
    row = rows(house)[0]
    assert (row.order_number, row.parser_version) == (NUMBER, 1)
    assert stock_of(house, "SHIRT-11") == (10, 2)
    assert stock_of(house, "MUG") == (10, 1)
    told = house.look(keys.order(RAKUTEN, NUMBER), FOLD).kept[0].told
    assert (told.inbox_id, told.verified) == (str(row.id), False)
    assert row.position is not None
    assert row.position >= facts(house, "OrderTold")[0][0]
    assert house.look(keys.shop(RAKUTEN), shop.FOLD).intake_proven
    assert not house.look(keys.shop(YAHOO), shop.FOLD).intake_proven


def test_a_mail_of_yahoo_names_its_listings_by_their_own_keys(house: House, listings: KnownListings) -> None:
    deliver(house, sample("yahoo_shopping", "order-iso-2022-jp-7bit"), YAHOO)
    take(house, listings)
    assert states(house) == [("read", "")]
    assert (stock_of(house, "SHIRT-11"), stock_of(house, "MUG")) == ((10, 2), (10, 1))


def test_one_page_is_one_commit_of_facts(house: House, listings: KnownListings) -> None:
    for n in range(1, 31):
        deliver(house, order_mail(house, f"402853-20261120-00000001{n:02}", [Item("マグ", "abc-001")]))
    before = house.writer.commits
    take(house, listings)
    assert house.writer.commits - before <= 3  # what stands in the queue when the writer looks is one commit
    assert stock_of(house, "MUG") == (10, 30)
    assert states(house) == [("read", "")] * 30


def test_every_fact_of_a_mail_has_the_trace_of_its_row(house: House, listings: KnownListings) -> None:
    deliver(house, sample("rakuten", "order_iso2022jp"))
    take(house, listings)
    with house.pool.connection() as connection:
        found = connection.execute(
            "SELECT count(*) FROM ledger_events WHERE position(convert_to(%s, 'UTF8') IN state) > 0",
            (rows(house)[0].trace,),
        ).fetchone()
    assert found == (4,)  # the order, both SKUs, and that intake is proven


# ------------------------------------------------------------------ names of lines


def test_a_code_that_two_listings_share_names_none(house: House, listings: KnownListings) -> None:
    twin = link(house, RAKUTEN, "page-9", "x", "OTHER", codes=["abc-001"])
    listings.codes[RAKUTEN, "abc-001"].append(twin)
    deliver(house, order_mail(house, NUMBER, [Item("マグ", "abc-001")]))
    take(house, listings)
    assert states(house) == [("read", "")]
    assert [line.sku for line in stated(house.look(keys.order(RAKUTEN, NUMBER), FOLD)).lines] == [""]
    assert stock_of(house, "MUG") == (10, 0)


def test_the_codes_of_a_line_come_before_its_own_key(house: House, listings: KnownListings) -> None:
    link(house, RAKUTEN, "abc-001", "", "ANOTHER")  # its 商品管理番号 is the 商品番号 of the mug
    deliver(house, order_mail(house, NUMBER, [Item("マグ", "abc-001")]))
    take(house, listings)
    assert stock_of(house, "MUG") == (10, 1)
    assert stock_of(house, "ANOTHER") == (None, 0)


def test_a_line_that_nothing_names_waits_on_its_order(house: House, listings: KnownListings) -> None:
    deliver(house, order_mail(house, NUMBER, [Item("新しい品", "new-1"), Item("マグ", "abc-001")]))
    take(house, listings)
    assert [line.sku for line in stated(house.look(keys.order(RAKUTEN, NUMBER), FOLD)).lines] == ["", "MUG"]


def test_listings_that_lag_are_waited_for_and_hold_no_other_order_back(
    house: House, listings: KnownListings, clock: TurnedClock
) -> None:
    listings.behind = 5
    deliver(house, sample("rakuten", "order_iso2022jp"))
    deliver(house, sample("yahoo_shopping", "order-iso-2022-jp-7bit"), YAHOO)
    drain(house, listings)
    assert states(house) == [("received", ""), ("read", "")]
    take(house, listings)
    assert states(house) == [("read", ""), ("read", "")]
    assert sum(clock.slept) < 1
    assert (stock_of(house, "SHIRT-11"), stock_of(house, "MUG")) == ((10, 4), (10, 2))


def test_listings_that_lag_for_long_do_not_hold_the_order_back(
    house: House, listings: KnownListings, clock: TurnedClock
) -> None:
    listings.behind = 1_000_000
    deliver(house, sample("rakuten", "order_iso2022jp"))
    take(house, listings)
    assert 0 < sum(clock.slept) < 2.1  # real time passes too: on a busy machine less of it is slept
    assert [(row.state, row.tries) for row in rows(house)] == [("read", 1)]
    assert [line.sku for line in stated(house.look(keys.order(RAKUTEN, NUMBER), FOLD)).lines] == ["", ""]


# ------------------------------------------------------------------ bad input


def test_the_same_mail_twice_counts_once(house: House, listings: KnownListings) -> None:
    first = deliver(house, sample("rakuten", "order_iso2022jp"))
    deliver(house, sample("rakuten", "order_iso2022jp"))
    take(house, listings)
    assert states(house) == [("read", ""), ("ignored", "duplicate")]
    assert rows(house)[1].same_as == first
    assert stock_of(house, "SHIRT-11") == (10, 2)


def test_the_same_mail_forwarded_again_has_no_effect(house: House, listings: KnownListings) -> None:
    raw = sample("rakuten", "order_iso2022jp")
    deliver(house, raw)
    deliver(house, b"Received: from relay.example (relay.example [192.0.2.1]) by mx.example\r\n" + raw)
    take(house, listings)
    assert states(house) == [("read", ""), ("read", "nothing_new")]
    assert stock_of(house, "SHIRT-11") == (10, 2)
    assert len(facts(house, "OrderTold")) == 1


@pytest.mark.parametrize(
    ("mall", "name", "shop_code", "rule"),
    [
        ("yahoo_shopping", "order-utf-8-base64", RAKUTEN, "subject"),  # a mail of another mall
        ("rakuten", "broken_cut_short", RAKUTEN, "items_end"),
        ("rakuten", "broken_encoding", RAKUTEN, "mail_text_not_readable"),
        ("rakuten", "cancel_of_two_orders", RAKUTEN, "several_orders"),
        ("rakuten", "broken_quantity_zero", RAKUTEN, "quantity"),
    ],
)
def test_what_is_not_understood_waits_with_its_rule(
    house: House, listings: KnownListings, mall: str, name: str, shop_code: str, rule: str
) -> None:
    deliver(house, sample(mall, name), shop_code)
    take(house, listings)
    row = rows(house)[0]
    assert (row.state, row.reason, row.rule) == ("quarantined", NOT_UNDERSTOOD, rule)
    assert facts(house, "OrderTold") == []


def test_a_mail_of_another_shop_of_the_same_mall_waits(house: House, listings: KnownListings) -> None:
    deliver(house, order_mail(house, "999999-20261120-0000000001", [Item("マグ", "abc-001")]))
    raw = sample("yahoo_shopping", "order-iso-2022-jp-7bit").replace(b"samplestore", b"otherstore")
    assert b"otherstore" in raw
    deliver(house, raw, YAHOO)
    take(house, listings)
    assert [row.state for row in rows(house)] == ["quarantined", "quarantined"]
    assert [row.rule for row in rows(house)] == ["order_of_another_shop"] * 2
    assert stock_of(house, "MUG") == (10, 0)


def test_a_notice_without_an_order_is_ignored_by_name(house: House, listings: KnownListings) -> None:
    deliver(house, sample("rakuten", "ignored_bid_won"))
    take(house, listings)
    assert states(house) == [("ignored", "bid_won")]


def test_a_cancel_before_its_order_waits_on_the_order(house: House, listings: KnownListings) -> None:
    number = "402853-20261120-0000000041"  # of the sample cancel
    deliver(house, sample("rakuten", "cancel"))
    take(house, listings)
    assert states(house) == [("read", "")]
    assert not house.look(keys.shop(RAKUTEN), shop.FOLD).intake_proven  # a cancel proves nothing
    deliver(house, order_mail(house, number, [Item("マグ", "abc-001")]))
    take(house, listings)
    said = stated(house.look(keys.order(RAKUTEN, number), FOLD))
    assert "unverified_cancel" in said.reviews
    assert stock_of(house, "MUG") == (10, 1)  # an unverified cancel never raises stock


def test_a_mail_of_eleven_megabytes_is_kept_and_not_read(house: House, listings: KnownListings) -> None:
    deliver(house, sample("rakuten", "order_iso2022jp") + b"\r\n" + b"x" * 11_000_000)
    take(house, listings)
    row = rows(house)[0]
    assert (row.state, row.rule) == ("quarantined", "mail_too_large")


# ------------------------------------------------------------------ switches


def test_while_intake_is_stopped_mails_are_kept_and_taken_afterwards(house: House, listings: KnownListings) -> None:
    house.book.do(shops.stop_intake(RAKUTEN), house.by())
    deliver(house, sample("rakuten", "order_iso2022jp"))
    deliver(house, sample("yahoo_shopping", "order-iso-2022-jp-7bit"), YAHOO)
    take(house, listings)
    assert states(house) == [("waiting", "intake_stopped"), ("read", "")]
    assert stock_of(house, "SHIRT-11") == (10, 2)
    house.book.do(shops.start_intake(RAKUTEN), house.by())
    take(house, listings)
    assert states(house) == [("read", ""), ("read", "")]
    assert stock_of(house, "SHIRT-11") == (10, 4)


def test_mail_for_a_shop_that_is_not_connected_yet_is_kept(house: House, listings: KnownListings) -> None:
    deliver(house, sample("rakuten", "order_iso2022jp"), "rakuten-later")
    take(house, listings)
    assert states(house) == [("waiting", "shop_not_connected")]


def test_a_person_sends_a_row_again_or_ignores_it(house: House, listings: KnownListings) -> None:
    waits = deliver(house, order_mail(house, "999999-20261120-0000000001", [Item("マグ", "abc-001")]))
    other = deliver(house, sample("rakuten", "broken_cut_short"))
    take(house, listings)
    schema = house.database.schema
    house.book.do(shops.change_shop_settings(RAKUTEN, {"shop_number": "999999"}), house.by())
    with house.pool.connection() as connection:
        inbox.resend(connection, schema, waits)
        inbox.ignore(connection, other)
    take(house, listings)
    assert states(house) == [("read", ""), ("ignored", "person")]
    assert stock_of(house, "MUG") == (10, 1)
    with house.pool.connection() as connection, pytest.raises(InboxRowUnknown):
        inbox.ignore(connection, waits)
    with house.pool.connection() as connection, pytest.raises(InboxRowUnknown):
        inbox.resend(connection, schema, 999_999)


# ------------------------------------------------------------------ faults


def test_a_poisonous_row_is_quarantined_after_five_tries_and_others_go_on(
    house: House, listings: KnownListings, clock: TurnedClock
) -> None:
    listings.poison = "poison-1"
    poison = deliver(house, order_mail(house, "402853-20261120-0000000002", [Item("毒", "poison-1")]))
    for n in range(3, 6):
        deliver(house, order_mail(house, f"402853-20261120-000000000{n}", [Item("マグ", "abc-001")]))
    take(house, listings)
    assert stock_of(house, "MUG") == (10, 3)  # at once
    for tries in range(1, 5):
        row = next(row for row in rows(house) if row.id == poison)
        assert (row.state, row.tries, row.reason) == ("received", tries, "failed")
        clock.turn(40)
        take(house, listings)
    row = next(row for row in rows(house) if row.id == poison)
    assert (row.state, row.tries, row.reason, row.rule) == ("quarantined", 5, "failed", "KeyError")
    listings.poison = ""
    with house.pool.connection() as connection:
        inbox.resend(connection, house.database.schema, poison)
    take(house, listings)
    assert states(house) == [("read", "")] * 4


def test_a_row_that_no_try_finished_is_quarantined(house: House, listings: KnownListings, clock: TurnedClock) -> None:
    deliver(house, sample("rakuten", "order_iso2022jp"))
    for _ in range(5):  # five workers died with it
        with house.pool.connection() as connection:
            given = {"now": clock.now(), "rows_max": 200, "claim_seconds": 15.0}
            claimed = inbox.claim_new(connection, **given) or inbox.claim_again(connection, **given)  # type: ignore[arg-type]
            assert len(claimed) == 1
        clock.turn(16)
    take(house, listings)
    assert states(house) == [("quarantined", "tries_used_up")]


def test_a_page_of_a_worker_that_died_comes_back(house: House, listings: KnownListings, clock: TurnedClock) -> None:
    for n in range(1, 4):
        deliver(house, order_mail(house, f"402853-20261120-000000000{n}", [Item("マグ", "abc-001")]))
    with house.pool.connection() as connection:
        assert len(inbox.claim_new(connection, now=clock.now(), rows_max=200, claim_seconds=15.0)) == 3
    assert take(house, listings) == 0  # another worker's
    clock.turn(16)
    take(house, listings)
    assert states(house) == [("read", "")] * 3
    assert stock_of(house, "MUG") == (10, 3)


def test_a_message_that_no_key_opens_waits_and_others_are_taken(
    house: House, listings: KnownListings, clock: TurnedClock
) -> None:
    sealed = deliver(house, sample("rakuten", "order_utf8_base64"))
    deliver(house, sample("rakuten", "order_iso2022jp"))
    with house.pool.connection() as connection:
        connection.execute("UPDATE inbox_messages SET sealed = %b WHERE inbox_id = %s", (b"spoilt" * 20, sealed))
    take(house, listings)
    assert [(row.state, row.reason, row.rule) for row in rows(house)] == [
        ("received", "failed", "CannotOpen"),
        ("read", "", ""),
    ]


def confirmation_mail(sender: str = "forwarding-noreply@google.com", subject: str = "") -> bytes:
    """As Gmail asks whether mails may be forwarded to an address; invented code and persons."""
    return write_mail(
        subject=subject or "(#123456789) Gmail の転送の確認 - owner@example.com からのメールを受信",
        sender=sender,
        recipient="token@mail.test",
        sent_at=datetime(2026, 11, 20, tzinfo=UTC),
        text="確認コード: 123456789\nhttps://mail.example/confirm\n",
        message_id="<f@example.com>",
    )


@pytest.mark.parametrize("running", [True, False])
def test_a_forwarder_s_confirmation_mail_waits_for_a_person_also_before_the_intake_runs(
    house: House, listings: KnownListings, running: bool
) -> None:
    if not running:
        house.book.do(shops.stop_intake(RAKUTEN), house.by())
    deliver(house, confirmation_mail())
    deliver(house, confirmation_mail("noreply@mail.example", "転送先メールアドレスのご確認"))
    deliver(house, sample("rakuten", "order_iso2022jp"))
    take(house, listings)
    asked = ("quarantined", "forwarding_confirmation")
    assert states(house)[:2] == [asked, asked]
    assert states(house)[2] == (("read", "") if running else ("waiting", "intake_stopped"))


def test_an_order_mail_that_was_forwarded_is_no_confirmation_mail(house: House, listings: KnownListings) -> None:
    deliver(house, confirmation_mail("owner@example.com", "転送: ご注文の確認"))
    take(house, listings)
    assert states(house) == [("quarantined", "not_understood")]
