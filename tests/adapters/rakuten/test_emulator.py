"""The emulated RMS behaves as NOTES.md says: it sells from its own number, mails late, limits, refuses and forgets orphans."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

import adapters
from adapters.kit.emulator import EmulatedShop, EmulatorClock, Fault, InProcess
from adapters.kit.file_form import FileRow, NotThisFormat
from adapters.kit.mail import read_mail
from adapters.kit.mall import Answer, MailText, ShopAccess
from adapters.kit.table import open_table
from adapters.rakuten.emulated_catalogue import own_sku
from adapters.rakuten.emulator import BULK_UPSERT, GET_ORDER, SEARCH_ORDER, emulator, fill_catalogue, state_of
from adapters.rakuten.files import NORMAL_ITEM
from adapters.rakuten.mail import read_order_mail
from adapters.rakuten.push import push
from adapters.rakuten.read_back import connection_test, read_back
from ledger.terms import CancelReason, ListingKey, ListingLevel, ListingRead, OrderState, Outcome, Result, Telling

KEY, OTHER, NOBODY = ListingKey("shirt", "M"), ListingKey("cup", "normal-inventory"), ListingKey("nobody", "x")
PROFILE = adapters.profile("rakuten")


@dataclass
class Mall:
    """The emulated shop on a clock of its own, with an access to it."""

    moment: datetime = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
    shop: EmulatedShop = field(init=False)
    access: ShopAccess = field(init=False)
    http: InProcess = field(init=False)

    def __post_init__(self) -> None:
        secrets = {"service_secret": "SP1", "license_key": "SL1"}
        self.shop = EmulatedShop(
            "rakuten", {"shop_number": "402853"}, dict(secrets), EmulatorClock(lambda: self.moment, asyncio.sleep)
        )
        self.http = InProcess(emulator(self.shop), now=lambda: self.moment)
        self.access = ShopAccess(
            self.http, {}, secrets, secrets.__setitem__, lambda: self.moment, {"*": "http://127.0.0.1"}, PROFILE
        )
        self.shop.set_stock(KEY, 5)
        self.shop.set_stock(OTHER, 9)

    def pass_seconds(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def push(self, *levels: tuple[ListingKey, int]) -> list[Outcome]:
        self.pass_seconds(1)
        return push(self.access, [ListingLevel(key, units) for key, units in levels])

    def read(self, *keys: ListingKey) -> list[int | None]:
        self.pass_seconds(1)
        found = read_back(self.access, keys)
        assert isinstance(found, list), found
        return [one.units for one in found]

    def control(self, path: str, body: object) -> object:
        answer = self.http.send(
            "POST", f"http://127.0.0.1/_emulator/{path}", headers={}, content=json.dumps(body).encode()
        )
        assert isinstance(answer, Answer)
        return json.loads(answer.body)

    def mails(self) -> list[MailText]:
        sent: list[bytes] = []
        self.shop.deliver_due(sent.append)
        read = [read_mail(raw, received_at=self.moment) for raw in sent]
        return [mail for mail in read if isinstance(mail, MailText)]


@pytest.fixture
def mall() -> Iterator[Mall]:
    found = Mall()
    yield found
    found.http.close()


def test_a_push_sets_the_number_and_its_own_sale_lowers_it(mall: Mall) -> None:
    assert mall.push((KEY, 7)) == [Outcome(Result.APPLIED)]
    assert mall.shop.sell(KEY, 2) is not None
    assert mall.read(KEY, OTHER) == [5, 9]
    assert mall.shop.sell(KEY, 6) is None


def test_the_order_mail_comes_late_and_names_item_number_and_sku(mall: Mall) -> None:
    for units in (1, 2):
        order = mall.shop.sell(KEY, units, delay_seconds=300)
        assert order is not None
        assert order.number == f"402853-20261120-{units:010d}"
    assert mall.mails() == []
    mall.pass_seconds(300)
    told = [read_order_mail(mail, PROFILE) for mail in mall.mails()]
    assert [(one.order, one.lines[0].codes, one.lines[0].quantity) for one in told if isinstance(one, Telling)] == [
        ("402853-20261120-0000000001", ("shirt/M",), 1),
        ("402853-20261120-0000000002", ("shirt/M",), 2),
    ]
    assert [one.ordered_at for one in told if isinstance(one, Telling)] == [datetime(2026, 11, 20, tzinfo=UTC)] * 2


def test_a_cancel_mail_names_the_order_and_no_reason(mall: Mall) -> None:
    order = mall.shop.sell(KEY)
    assert order is not None
    mall.mails()
    mall.shop.cancel(order.number)
    told = [read_order_mail(mail, PROFILE) for mail in mall.mails()]
    assert [(one.order, one.state, one.complete, one.reason) for one in told if isinstance(one, Telling)] == [
        (order.number, OrderState.CANCELLED, False, CancelReason.UNKNOWN)
    ]


def test_an_unknown_listing_is_taken_kept_for_a_day_and_never_for_sale(mall: Mall) -> None:
    assert mall.push((NOBODY, 3), (KEY, 4)) == [Outcome(Result.APPLIED)] * 2
    assert mall.read(NOBODY, KEY) == [3, 4]
    assert mall.shop.sell(NOBODY) is None
    mall.pass_seconds(24 * 3600)
    assert mall.read(NOBODY, KEY) == [None, 4]


def test_one_bad_row_and_nothing_is_written(mall: Mall) -> None:
    state_of(mall.shop).preorders.add(OTHER)
    outcomes = mall.push((KEY, 1), (OTHER, 1), (ListingKey("x" * 33, "1"), 1))
    assert outcomes == [
        Outcome(Result.REFUSED, "IE1101"),
        Outcome(Result.REJECTED, "IE1101"),
        Outcome(Result.REJECTED, "IE0004"),
    ]
    assert mall.read(KEY, OTHER) == [5, 9]
    state_of(mall.shop).subscriptions.add(KEY)
    assert mall.push((KEY, 1)) == [Outcome(Result.REJECTED, "IE1102")]


def test_a_second_push_within_the_second_is_throttled(mall: Mall) -> None:
    levels = [ListingLevel(KEY, 1)]
    mall.push((KEY, 2))
    assert [outcome.result for outcome in push(mall.access, levels)] == [Result.THROTTLED]
    assert [outcome.result for outcome in mall.push((KEY, 1))] == [Result.APPLIED]
    reads = [isinstance(read_back(mall.access, [KEY]), list) for _ in range(2)]
    assert reads == [True, False]


def test_a_wrong_or_ended_key_and_a_function_that_is_off_are_refused(mall: Mall) -> None:
    assert connection_test(mall.access).ok
    mall.control("rakuten", {"inventory_enabled": False})
    assert mall.push((KEY, 1)) == [Outcome(Result.REJECTED_AUTH, "ES04-01")]
    mall.control("rakuten", {"inventory_enabled": True, "key_ends_in_days": 5})
    mall.pass_seconds(1)
    assert [warning.code for warning in connection_test(mall.access).warnings] == ["license_key_ends_within_7_days"]
    mall.pass_seconds(5 * 86_400)
    assert mall.push((KEY, 1)) == [Outcome(Result.REJECTED_AUTH, "GE0011")]
    assert not connection_test(mall.access).ok
    mall.control("rakuten", {"key_ends_in_days": 90})
    mall.access.remember("license_key", "SL2")
    assert mall.push((KEY, 1)) == [Outcome(Result.REJECTED_AUTH, "GE0011")]


@pytest.mark.parametrize(
    ("status", "result"), [(401, Result.REJECTED_AUTH), (429, Result.THROTTLED), (503, Result.TRANSIENT)]
)
def test_a_fault_of_the_mall_writes_nothing(mall: Mall, status: int, result: Result) -> None:
    mall.shop.faults.append(Fault("status", status=status))
    assert [outcome.result for outcome in mall.push((KEY, 1))] == [result]
    assert mall.read(KEY) == [5]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "IE0105"),
        (b'{"inventories":[]}', "IE0105"),
        (b'{"inventories":[{"manageNumber":"shirt","variantId":"M","mode":"ABSOLUTE","quantity":"a"}]}', "IE0002"),
        (b'{"inventories":[{"manageNumber":"shirt","variantId":"M","mode":"ADD","quantity":1}]}', "IE0002"),
        (b'{"inventories":[{"manageNumber":"shirt","variantId":"M","mode":"ABSOLUTE","quantity":100000}]}', "IE0003"),
        (b'{"inventories":[{"manageNumber":"shirt","variantId":"M","mode":"RELATIVE","quantity":-6}]}', "IE0003"),
        (b'{"inventories":[{"manageNumber":"nobody","variantId":"M","mode":"RELATIVE","quantity":1}]}', "GE0014"),
        (b'{"inventories":[{"manageNumber":"shirt","mode":"ABSOLUTE","quantity":1}]}', "IE0002"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_whole(mall: Mall, body: bytes, code: str) -> None:
    reply = mall.http.send("POST", "http://127.0.0.1" + BULK_UPSERT, headers=_headers(mall), content=body)
    assert isinstance(reply, Answer)
    assert reply.status == 400
    assert json.loads(reply.body)["errors"][0]["code"] == code
    assert mall.read(KEY) == [5]


def test_another_content_type_is_refused(mall: Mall) -> None:
    reply = mall.http.send(
        "POST",
        "http://127.0.0.1" + BULK_UPSERT,
        headers={**_headers(mall), "content-type": "text/plain"},
        content=b"{}",
    )
    assert isinstance(reply, Answer)
    assert reply.status == 415


def test_the_catalogue_is_given_out_as_the_file_the_reader_takes(mall: Mall) -> None:
    mall.shop.stock.clear()
    fill_catalogue(mall.shop, 25)
    key = next(iter(mall.shop.stock))
    mall.shop.set_stock(key, 77)
    reply = mall.http.get("http://127.0.0.1/_emulator/dl-normal-item.csv", headers={})
    assert isinstance(reply, Answer)
    opened = open_table([reply.body])
    reader = NORMAL_ITEM.open(opened.header, PROFILE)
    assert not isinstance(reader, NotThisFormat)
    rows = [row for row in reader(opened.rows) if isinstance(row, FileRow)]
    assert opened.encoding == "cp932"
    assert {row.key: row.units for row in rows} == mall.shop.stock
    assert [row.matches["own_code"] for row in rows] == [own_sku(serial) for serial in range(1, 26)]
    order = mall.shop.sell(rows[4].key)
    assert order is not None
    told = read_order_mail(mall.mails()[0], PROFILE)
    assert isinstance(told, Telling)
    assert set(told.lines[0].codes) <= set(rows[4].codes), (
        "the mail's code is one of the file's codes of that listing only"
    )
    assert [row.key for row in rows if set(told.lines[0].codes) & set(row.codes)] == [rows[4].key]


def test_what_was_pushed_is_what_is_read(mall: Mall) -> None:
    mall.push((KEY, 3), (KEY, 4))
    mall.pass_seconds(1)
    assert read_back(mall.access, [KEY, OTHER]) == [ListingRead(KEY, 4), ListingRead(OTHER, 9)]


SEARCH: dict[str, object] = {
    "dateType": 1,
    "startDatetime": "2026-11-20T00:00:00+0900",
    "endDatetime": "2026-11-21T00:00:00+0900",
}


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (SEARCH_ORDER, {**SEARCH, "dateType": 9}, "SEARCH_ORDER_ERROR_009"),
        (SEARCH_ORDER, {**SEARCH, "startDatetime": "2026-11-20T00:00:00+09:00"}, "SEARCH_ORDER_ERROR_011"),
        (SEARCH_ORDER, {**SEARCH, "startDatetime": "2026-09-01T00:00:00+0900"}, "SEARCH_ORDER_ERROR_012"),
        (SEARCH_ORDER, {**SEARCH, "startDatetime": "2026-11-22T00:00:00+0900"}, "SEARCH_ORDER_ERROR_012"),
        (SEARCH_ORDER, {**SEARCH, "PaginationRequestModel": {"requestRecordsAmount": 1_001}}, "SEARCH_ORDER_ERROR_013"),
        (GET_ORDER, {"orderNumberList": [], "version": 7}, "GET_ORDER_ERROR_009"),
        (GET_ORDER, {"orderNumberList": ["402853-20261120-1"] * 101, "version": 7}, "GET_ORDER_ERROR_009"),
        (GET_ORDER, {"orderNumberList": ["402853-20261120-1"], "version": 3}, "GET_ORDER_ERROR_010"),
    ],
)
def test_a_request_for_orders_that_does_not_fit_is_refused(
    mall: Mall, path: str, body: dict[str, object], code: str
) -> None:
    content = json.dumps(body).encode()
    reply = mall.http.send("POST", "http://127.0.0.1" + path, headers=_headers(mall), content=content)
    assert isinstance(reply, Answer)
    assert reply.status == 400
    assert json.loads(reply.body)["MessageModelList"][0]["messageCode"] == f"ORDER_EXT_API_{code}"


def test_a_search_gives_thirty_numbers_unless_more_are_asked_for_and_nulls_for_none(mall: Mall) -> None:
    def search(**more: object) -> dict[str, object]:
        mall.pass_seconds(1)
        content = json.dumps({**SEARCH, **more}).encode()
        reply = mall.http.send("POST", "http://127.0.0.1" + SEARCH_ORDER, headers=_headers(mall), content=content)
        assert isinstance(reply, Answer)
        found: dict[str, object] = json.loads(reply.body)
        return found

    nothing = {"totalRecordsAmount": None, "totalPages": None, "requestPage": None}
    assert (search()["orderNumberList"], search()["PaginationResponseModel"]) == ([], nothing)
    mall.shop.set_stock(KEY, 100)
    numbers = [order.number for _ in range(35) if (order := mall.shop.sell(KEY)) is not None]
    assert search()["orderNumberList"] == numbers[:30]
    assert search(PaginationRequestModel={"requestPage": 2})["orderNumberList"] == numbers[30:]
    assert search(PaginationRequestModel={"requestRecordsAmount": 1_000})["orderNumberList"] == numbers


def _headers(mall: Mall) -> dict[str, str]:
    return {"authorization": "ESA U1AxOlNMMQ==", "content-type": "application/json"}
