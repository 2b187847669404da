"""The emulated seller: its rates, its gates, its pages, its mail, and what it does to a listing."""

import json
from datetime import timedelta

import pytest

from adapters.amazon.mail import read_order_mail
from adapters.amazon.read_back import read_back
from adapters.kit.emulator import Fault
from adapters.kit.mail import read_mail
from adapters.kit.mall import Answer, MailText, ReadFailed
from ledger.terms import ListingRead, Outcome, Result, Telling
from tests.adapters.amazon.seller import CUP, NOW, SHIRT, Seller, seller

ITEMS = "http://127.0.0.1/listings/2021-08-01/items/A2EXAMPLE0SHOP"
MARKET = "marketplaceIds=A1VC38T7YXB528"
TOKEN = {"x-amz-access-token": "Atza|access-1"}


def send(shop: Seller, method: str, url: str, body: object = None, *, token: dict[str, str] | None = None) -> Answer:
    headers = TOKEN if token is None else token
    http = shop.access.http
    reply = (
        http.get(url, headers=headers)
        if method == "GET"
        else http.send(method, url, headers=headers, content=json.dumps(body).encode())
    )
    assert isinstance(reply, Answer)
    return reply


def patch(*values: object, op: str = "merge", path: str = "/attributes/fulfillment_availability") -> dict[str, object]:
    return {"productType": "PRODUCT", "patches": [{"op": op, "path": path, "value": list(values)}]}


def code_of(reply: Answer) -> str:
    return str(json.loads(reply.body)["errors"][0]["code"])


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"fulfillment_channel_code": "DEFAULT", "quantity": -1}, "99022"),
        ({"fulfillment_channel_code": "DEFAULT", "quantity": "3"}, "99022"),
        ({"fulfillment_channel_code": "DEFAULT", "quantity": 1, "lead_time_to_ship_max_days": 31}, "99010"),
        ({"fulfillment_channel_code": "DEFAULT", "lead_time_to_ship_max_days": 3}, "90220"),
        ({"quantity": 1}, "90000900"),
        ({"fulfillment_channel_code": "DEFAULT", "quantity": 1, "price": 3}, "90000900"),
    ],
)
def test_a_wrong_value_is_refused_with_status_200(value: object, code: str) -> None:
    with seller() as shop:
        reply = send(shop, "PATCH", f"{ITEMS}/SKU-001?{MARKET}", patch(value))
        said = json.loads(reply.body)
        assert (reply.status, said["status"], said["issues"][0]["code"]) == (200, "INVALID", code)
        assert shop.shop.stock[SHIRT] == 9


def test_a_path_below_an_attribute_cannot_be_patched() -> None:
    with seller() as shop:
        wrong = patch(
            {"fulfillment_channel_code": "DEFAULT", "quantity": 1},
            path="/attributes/fulfillment_availability/0/quantity",
        )
        assert json.loads(send(shop, "PATCH", f"{ITEMS}/SKU-001?{MARKET}", wrong).body)["status"] == "INVALID"


def test_a_number_of_ours_takes_a_listing_away_from_fba() -> None:
    with seller() as shop:
        shop.state.listings.by_amazon[SHIRT] = "AMAZON_JP"
        send(shop, "PATCH", f"{ITEMS}/SKU-001?{MARKET}", patch({"fulfillment_channel_code": "DEFAULT", "quantity": 3}))
        assert not shop.state.listings.by_amazon
        assert shop.shop.stock[SHIRT] == 3


def test_each_gate_answers_with_its_own_code() -> None:
    with seller() as shop:
        cases = (
            (send(shop, "GET", f"{ITEMS}/SKU-001?{MARKET}", token={}), 403, "Unauthorized"),
            (send(shop, "GET", f"{ITEMS.replace('A2EXAMPLE0SHOP', 'A2OTHER')}/SKU-001?{MARKET}"), 403, "Unauthorized"),
            (send(shop, "GET", f"{ITEMS}/SKU-001?marketplaceIds=ATVPDKIKX0DER"), 400, "InvalidInput"),
            (send(shop, "GET", f"{ITEMS}/sku-001?{MARKET}"), 404, "NOT_FOUND"),
            (send(shop, "PATCH", f"{ITEMS}/none?{MARKET}", patch({})), 404, "NOT_FOUND"),
            (send(shop, "PATCH", f"{ITEMS}/SKU-001?{MARKET}", {"patches": []}), 400, "InvalidInput"),
            (send(shop, "PATCH", f"{ITEMS}/SKU-001?{MARKET}", []), 400, "InvalidInput"),
            (send(shop, "GET", f"{ITEMS}?{MARKET}&pageSize=21"), 400, "InvalidInput"),
            (send(shop, "GET", f"http://127.0.0.1/orders/2026-01-01/orders?{MARKET}"), 400, "InvalidInput"),
            (send(shop, "GET", "http://127.0.0.1/orders/v0/orders?LastUpdatedAfter=x"), 400, "InvalidInput"),
            (send(shop, "GET", "http://127.0.0.1/orders/v0/orders/1/orderItems"), 404, "NotFound"),
        )
        assert [(reply.status, code_of(reply)) for reply, *_ in cases] == [(status, code) for _, status, code in cases]


def test_an_end_younger_than_two_minutes_is_refused() -> None:
    with seller() as shop:
        url = "http://127.0.0.1/orders/2026-01-01/orders?lastUpdatedAfter=2026-11-19T00:00:00Z&lastUpdatedBefore={}"
        assert send(shop, "GET", url.format("2026-11-19T23:58:00Z")).status == 200
        assert send(shop, "GET", url.format("2026-11-19T23:58:01Z")).status == 400


def test_more_calls_than_the_rate_are_refused_and_say_the_rate() -> None:
    with seller() as shop:
        body = patch({"fulfillment_channel_code": "DEFAULT", "quantity": 3})
        replies = [send(shop, "PATCH", f"{ITEMS}/SKU-001?{MARKET}", body) for _ in range(6)]
        assert [reply.status for reply in replies] == [200] * 5 + [429]
        assert code_of(replies[-1]) == "QuotaExceeded"
        assert replies[-1].headers["x-amzn-ratelimit-limit"] == "5.0"
        shop.clock.passes(seconds=0.2)
        assert send(shop, "PATCH", f"{ITEMS}/SKU-001?{MARKET}", body).status == 200


def test_it_sells_from_its_own_number_and_tells_it_by_a_mail_we_understand() -> None:
    with seller() as shop:
        order = shop.shop.sell_lines(((SHIRT, 2), (CUP, 9)), delay_seconds=600)
        assert order is not None
        assert (shop.shop.stock[SHIRT], shop.shop.stock[CUP]) == (7, 0)
        assert shop.shop.sell(CUP) is None
        told: list[bytes] = []
        assert shop.shop.deliver_due(told.append) == 0
        shop.clock.passes(seconds=600)
        assert shop.shop.deliver_due(told.append) == 1
        mail = read_mail(told[0], received_at=NOW + timedelta(days=1))
        assert isinstance(mail, MailText)
        found = read_order_mail(mail, shop.access.profile)
        assert isinstance(found, Telling)
        assert [(line.item, line.quantity) for line in found.lines] == [(SHIRT.item, 2), (CUP.item, 9)]


def test_a_sale_between_accepted_and_applied_is_overwritten_as_at_the_mall() -> None:
    with seller() as shop:
        shop.state.listings.apply_seconds = 60
        assert shop.push((SHIRT, 5)) == [Outcome(Result.ACCEPTED)]
        shop.shop.sell(SHIRT, 2)
        shop.clock.passes(seconds=60)
        assert read_back(shop.access, [SHIRT]) == [ListingRead(SHIRT, 5)]


def test_the_switches_are_set_over_http_and_faults_are_the_kits() -> None:
    with seller() as shop:
        asked = {
            "apply_seconds": 5,
            "by_amazon": {"SKU-001": "AMAZON_JP"},
            "invalid": {"カップ 01/白": "99022"},
            "expired_token": True,
        }
        reply = send(shop, "POST", "http://127.0.0.1/_emulator/amazon", asked)
        assert json.loads(reply.body) == {"apply_seconds": 5.0, "pending": False, "page_orders": 0}
        outcomes = shop.push((SHIRT, 1), (CUP, 1))
        assert outcomes == [Outcome(Result.REJECTED, "fulfilled_by_amazon"), Outcome(Result.REJECTED, "99022")]
        shop.shop.faults.append(Fault("status", status=429, retry_after=3))
        assert read_back(shop.access, [SHIRT]) == ReadFailed(Result.THROTTLED, "QuotaExceeded", 3.0)
        send(shop, "POST", "http://127.0.0.1/_emulator/amazon", {"revoked": True})
        assert shop.push((SHIRT, 1)) == [Outcome(Result.REJECTED_AUTH, "invalid_grant")]
