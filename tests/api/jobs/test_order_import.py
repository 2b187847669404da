"""受注CSV取込: orders of a file meet what other doors told, once; previewed before, harmless twice, kept when intake stands still."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.kit.mail import write_mail
from adapters.kit.order_file import OrdersRead
from api.database import Database
from api.jobs import order_import
from api.jobs.intake import drain
from api.jobs.intake_start import start_intake
from api.jobs.relink import ProjectedListings
from api.projecting import catch_up
from api.tables import inbox
from api.wiring import House
from ledger import keys
from ledger.book import shops
from ledger.order import FOLD, stated
from tests.adapters.order_rows import BUYER, RAKUTEN_ROW, STREET, file_of
from tests.adapters.rakuten.mail_bodies import ORDER_SENDER, ORDER_SUBJECT, Item, order_text
from tests.api.intake_rig import (
    RAKUTEN,
    TurnedClock,
    connect_shops,
    deliver,
    facts,
    link,
    nothing_waits,
    opened,
    rows,
    set_stock,
    states,
    stock_of,
)

NUMBER = RAKUTEN_ROW["注文番号"]
OTHER = "402853-20261120-0000000002"


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with opened(database, tmp_path, TurnedClock()) as house:
        connect_shops(house)
        link(house, RAKUTEN, "page-1", "11", "SHIRT-11", codes=["c3ps390/11"])
        set_stock(house, "SHIRT-11", 10)
        yield house


def file(house: House, *changes: Mapping[str, str]) -> OrdersRead:
    data = file_of([{**RAKUTEN_ROW, **change} for change in changes or ({},)])
    return order_import.read_file(house, RAKUTEN, "orders.csv", [data])


def order_mail(house: House, number: str = NUMBER, quantity: str = "2") -> bytes:
    return write_mail(
        subject=ORDER_SUBJECT,
        sender=ORDER_SENDER,
        recipient="shop@mail.test",
        sent_at=house.clock.now(),
        text=order_text(number, [Item("シャツ", "c3ps390", variant="11", quantity=quantity)]),
        message_id=f"<{number}@example.com>",
    )


def by_mail(house: House, raw: bytes) -> None:
    catch_up(house)
    deliver(house, raw)
    nothing_waits(house, partial(drain, house, ProjectedListings(house.database.schema)))


def test_a_file_is_previewed_and_then_taken_as_the_preview_said(house: House) -> None:
    read = file(house, {}, {"注文番号": OTHER, "個数": "1", "商品合計金額": "2980"})
    seen = order_import.preview(house, RAKUTEN, read)
    assert (dict(seen.orders), dict(seen.changes), seen.unlinked) == ({"new": 2}, {"SHIRT-11": -3}, 0)
    assert (stock_of(house, "SHIRT-11"), rows(house)) == ((10, 0), [])
    settled = order_import.take(house, RAKUTEN, read)
    assert dict(settled.states) == {("read", ""): 2}
    assert stock_of(house, "SHIRT-11") == (10, 3)
    told = house.look(keys.order(RAKUTEN, NUMBER), FOLD).kept[0].told
    assert (told.door, told.complete, told.verified) == ("csv", True, True)


def test_the_same_file_twice_is_harmless(house: House) -> None:
    order_import.take(house, RAKUTEN, file(house))
    told = len(facts(house, "OrderTold"))
    again = file(house)
    assert dict(order_import.preview(house, RAKUTEN, again).orders) == {"same": 1}
    assert order_import.take(house, RAKUTEN, again).states.total() == 0
    assert (len(facts(house, "OrderTold")), len(rows(house)), stock_of(house, "SHIRT-11")) == (told, 1, (10, 2))


def test_a_changed_order_of_a_later_file_books_the_difference_and_a_cancel_gives_back(house: House) -> None:
    order_import.take(house, RAKUTEN, file(house))
    fewer = file(house, {"個数": "1", "商品合計金額": "2980"})
    assert dict(order_import.preview(house, RAKUTEN, fewer).orders) == {"changed": 1}
    order_import.take(house, RAKUTEN, fewer)
    assert stock_of(house, "SHIRT-11") == (10, 1)
    order_import.take(house, RAKUTEN, file(house, {"ステータス": "キャンセル確定"}))
    assert stock_of(house, "SHIRT-11") == (10, 0)


def test_what_a_mail_told_of_the_order_is_not_taken_twice(house: House) -> None:
    by_mail(house, order_mail(house))
    order_import.take(house, RAKUTEN, file(house))
    assert stock_of(house, "SHIRT-11") == (10, 2)
    by_mail(house, order_mail(house, OTHER, "3"))
    order_import.take(house, RAKUTEN, file(house, {"注文番号": OTHER, "個数": "1", "商品合計金額": "2980"}))
    assert stock_of(house, "SHIRT-11") == (10, 3), "the file is richer than the mail"


def test_while_intake_stands_still_the_orders_are_kept_and_then_handled_as_chosen(house: House) -> None:
    house.book.do(shops.stop_intake(RAKUTEN), house.by())
    settled = order_import.take(house, RAKUTEN, file(house))
    assert dict(settled.states) == {("waiting", "intake_stopped"): 1}
    start_intake(house, RAKUTEN, house.by(), backlog="counted")
    nothing_waits(house, partial(drain, house, ProjectedListings(house.database.schema)))
    assert stock_of(house, "SHIRT-11") == (12, 2)


def test_a_code_that_is_not_linked_waits_for_its_listing(house: House) -> None:
    read = file(house, {"商品管理番号": "page-9", "SKU管理番号": "z"})
    assert order_import.preview(house, RAKUTEN, read).unlinked == 1
    order_import.take(house, RAKUTEN, read)
    assert [line.sku for line in stated(house.look(keys.order(RAKUTEN, NUMBER), FOLD)).lines] == [""]


def test_nothing_of_a_buyer_is_in_the_database_in_clear_nor_sealed(house: House) -> None:
    order_import.take(house, RAKUTEN, file(house))
    with house.pool.connection() as connection:
        row = inbox.page(connection)[0]
        raw = inbox.raw_of(connection, house.seals, [row])[row.id].decode()
        sealed = connection.execute("SELECT string_agg(encode(sealed, 'escape'), '') FROM inbox_messages").fetchone()
    assert NUMBER in raw
    assert sealed is not None
    for text in (BUYER, STREET):
        assert text not in raw
    assert NUMBER not in sealed[0]


def test_an_order_that_once_was_not_understood_is_read_again_when_it_is_sent_again(house: House) -> None:
    order_import.take(house, RAKUTEN, file(house))
    with house.pool.connection() as connection:
        connection.execute("UPDATE inbox SET state = 'quarantined', reason = 'not_understood'")
    order_import.take(house, RAKUTEN, file(house))
    assert states(house) == [("read", "nothing_new")]


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(["csv", "mail", "csv_again", "mail_again"]), serial=st.integers(10, 10**6))
def test_file_and_mail_in_any_order_end_in_one_state(house: House, order: list[str], serial: int) -> None:
    number = f"402853-20261120-{serial:010}"
    before = stock_of(house, "SHIRT-11")[1]
    for door in order:
        if door.startswith("csv"):
            order_import.take(house, RAKUTEN, file(house, {"注文番号": number}))
        else:
            by_mail(house, order_mail(house, number))
    said = stated(house.look(keys.order(RAKUTEN, number), FOLD))
    assert said.units == {"SHIRT-11": 2}
    assert stock_of(house, "SHIRT-11")[1] - before in (0, 2)  # 0: this number was drawn before


def test_an_import_that_is_broken_off_is_gone_on_with_by_the_workers(house: House) -> None:
    def broken_off(_done: int, _whole: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        order_import.take(house, RAKUTEN, file(house, {}, {"注文番号": OTHER}), progress=broken_off)
    nothing_waits(house, partial(drain, house, ProjectedListings(house.database.schema)))
    assert states(house) == [("read", "")] * 2
    assert order_import.take(house, RAKUTEN, file(house, {}, {"注文番号": OTHER})).states.total() == 0
    assert stock_of(house, "SHIRT-11") == (10, 4)


def test_two_people_who_send_the_same_file_at_once_take_its_orders_once(house: House) -> None:
    catch_up(house)
    read = file(house, {}, {"注文番号": OTHER})
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(order_import.take, house, RAKUTEN, read) for _ in range(2)]
        assert all(one.result().open == 0 for one in done)
    assert stock_of(house, "SHIRT-11") == (10, 4)
