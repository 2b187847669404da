"""The emulated shop: it sells from its own number, lowers it, tells late, and breaks when told to."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from adapters.kit.emulator import EmulatedOrder, EmulatedShop, EmulatorClock, Fault, InProcess, emulator_app, serve
from adapters.kit.mall import Answer, Lost
from ledger.terms import ListingKey
from tests.adapters.emulated import start_thread

STARTED_AT = datetime(2026, 11, 20, tzinfo=UTC)
SHIRT = ListingKey("shirt", "blue")


class Moment:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = STARTED_AT

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def shop(moment: Moment) -> EmulatedShop:
    found = EmulatedShop("test", {}, {}, EmulatorClock(moment.now, moment.sleep))
    found.write_order_mail = lambda _, order: f"order {order.number}".encode()
    found.write_cancel_mail = lambda _, order: f"cancel {order.number}".encode()
    found.set_stock(SHIRT, 3)
    return found


@pytest.fixture
def http(shop: EmulatedShop, moment: Moment) -> Iterator[InProcess]:
    app = emulator_app(shop, "test")

    @app.post("/push")
    async def push() -> dict[str, str]:
        shop.pushed([(SHIRT, 8)])
        return {"result": "applied"}

    found = InProcess(app, now=moment.now)
    yield found
    found.close()


def test_a_sale_lowers_the_mall_s_own_number_and_stops_at_zero(shop: EmulatedShop) -> None:
    order = shop.sell(SHIRT, 2)
    assert isinstance(order, EmulatedOrder)
    assert (order.number, order.lines, order.before) == ("order-00000001", ((SHIRT, 2),), (3,))
    assert shop.stock[SHIRT] == 1
    assert shop.sell(SHIRT, 2) is None
    assert shop.sell(ListingKey("unknown")) is None
    assert shop.stock[SHIRT] == 1


def test_an_unlimited_listing_always_sells(shop: EmulatedShop) -> None:
    shop.set_stock(SHIRT, None)
    assert shop.sell(SHIRT, 1000) is not None
    assert shop.stock[SHIRT] is None


def test_a_mall_that_does_not_lower_keeps_its_number(shop: EmulatedShop) -> None:
    shop.lowers_own_number = False
    shop.sell(SHIRT)
    assert shop.stock[SHIRT] == 3


def test_an_order_of_several_lines_is_taken_whole_or_not_at_all(shop: EmulatedShop) -> None:
    cap = ListingKey("cap")
    shop.set_stock(cap, 1)
    assert shop.sell_lines(((SHIRT, 1), (cap, 2))) is None
    assert shop.stock == {SHIRT: 3, cap: 1}
    assert shop.sell_lines(((SHIRT, 1), (cap, 1))) is not None
    assert shop.stock == {SHIRT: 2, cap: 0}


def test_a_mail_is_told_late_and_once(shop: EmulatedShop, moment: Moment) -> None:
    shop.sell(SHIRT, delay_seconds=300)
    shop.sell(SHIRT, delay_seconds=10)
    told: list[bytes] = []
    assert shop.deliver_due(told.append) == 0
    moment.at += timedelta(seconds=10)
    assert shop.deliver_due(told.append) == 1
    moment.at += timedelta(seconds=290)
    assert shop.deliver_due(told.append) == 1
    assert told == [b"order order-00000002", b"order order-00000001"]
    assert shop.deliver_due(told.append) == 0


def test_a_mail_that_could_not_be_given_away_stays(shop: EmulatedShop) -> None:
    def fails(_: bytes) -> None:
        raise ConnectionError

    shop.sell(SHIRT)
    with pytest.raises(ConnectionError):
        shop.deliver_due(fails)
    assert len(shop.outbox) == 1


def test_a_cancel_puts_units_back_only_where_the_mall_does(shop: EmulatedShop, moment: Moment) -> None:
    order = shop.sell(SHIRT, 2)
    assert order is not None
    assert shop.cancel(order.number).cancelled_at == moment.at
    assert shop.stock[SHIRT] == 1
    shop.restores_on_cancel = True
    shop.cancel(order.number)
    assert shop.stock[SHIRT] == 3


def test_a_push_is_kept_with_the_numbers_it_replaced(shop: EmulatedShop) -> None:
    shop.pushed([(SHIRT, 7), (ListingKey("new"), 1)])
    assert shop.stock[SHIRT] == 7
    assert (shop.pushes[0].levels, shop.pushes[0].before) == (((SHIRT, 7), (ListingKey("new"), 1)), (3, None))


def test_a_rate_limit_lets_through_what_the_mall_allows(shop: EmulatedShop, moment: Moment) -> None:
    assert [shop.take_token("push", per_second=1.0, burst=2) for _ in range(3)] == [0.0, 0.0, 1.0]
    assert shop.take_token("read", per_second=1.0) == 0.0
    moment.at += timedelta(seconds=1)
    assert shop.take_token("push", per_second=1.0, burst=2) == 0.0


def test_without_sockets_a_request_is_answered_on_the_shop_s_clock(
    shop: EmulatedShop, http: InProcess, moment: Moment
) -> None:
    shop.faults.append(Fault("slow", seconds=12.0))
    reply = http.send("POST", "http://mall/push", headers={"Authorization": "x"}, content=b"")
    assert isinstance(reply, Answer)
    assert (reply.status, reply.body) == (200, b'{"result":"applied"}')
    assert (reply.applied_from, reply.applied_until) == (STARTED_AT, STARTED_AT + timedelta(seconds=12))
    assert moment.at == STARTED_AT + timedelta(seconds=12)


@pytest.mark.parametrize(("kind", "shown"), [("drop", 8), ("half", 8), ("drop_before", 3)])
def test_without_sockets_a_cut_connection_is_lost(shop: EmulatedShop, http: InProcess, kind: str, shown: int) -> None:
    shop.faults.append(Fault(kind))
    assert isinstance(http.send("POST", "http://mall/push", headers={}, content=b""), Lost)
    assert shop.stock[SHIRT] == shown


def test_a_fault_meets_only_its_path_and_only_as_often_as_said(shop: EmulatedShop) -> None:
    shop.faults[:] = [Fault("status", status=500, times=2, path="/push")]
    assert shop.fault_for("/read") is None
    assert [shop.fault_for("/push") is not None for _ in range(3)] == [True, True, False]
    with pytest.raises(ValueError, match="expected one of status"):
        Fault("explode")


def test_the_control_pages_sell_cancel_show_and_break(shop: EmulatedShop) -> None:
    shop.clock = EmulatorClock(shop.clock.now, asyncio.sleep)
    app = emulator_app(shop, "test")
    with (
        serve(app, start_thread=start_thread) as base,
        httpx.Client(base_url=base + "/_emulator", trust_env=False) as client,
    ):
        client.post("/stock", json={"stock": [{"item": "cap", "units": 2}]})
        order = client.post("/sell", json={"item": "cap", "units": 1, "delay_seconds": 60}).json()["order"]
        assert client.post("/sell", json={"item": "cap", "units": 5}).json() == {"order": None}
        assert client.post("/cancel", json={"order": order["number"]}).json()["order"]["cancelled_at"]
        assert client.post("/cancel", json={"order": "none"}).status_code == 404
        assert client.post("/faults", json={"faults": [{"kind": "status", "status": 503}]}).json() == {"faults": 1}
        state = client.get("/state").json()
        assert {"item": "cap", "variant": "", "units": 1} in state["stock"]
        assert (state["outbox"], len(state["orders"])) == (2, 1)
        shop.pushed([(SHIRT, 5)])
        assert client.get("/requests").json()["pushes"][0]["levels"] == [
            {"item": "shirt", "variant": "blue", "units": 5}
        ]
        with httpx.Client(base_url=base, trust_env=False) as mall:
            assert mall.post("/anything").status_code == 503
            assert mall.post("/anything").status_code == 404
