"""Reading Amazon's numbers back, and testing a connection."""

from dataclasses import replace

from adapters.amazon.read_back import connection_test, read_back
from adapters.kit.mall import NotSent, ReadFailed
from ledger.terms import ListingKey, ListingRead, Result
from tests.adapters.amazon.seller import CUP, SHIRT, LaidDown, access_to, answer, error, seller


def test_each_listing_is_read_with_its_own_number() -> None:
    with seller() as shop:
        shop.shop.set_stock(SHIRT, 0)
        missing = ListingKey("sku-001")
        read = read_back(shop.access, [SHIRT, missing, CUP, SHIRT])
        expected = [
            ListingRead(SHIRT, 0),
            ListingRead(missing, None, found=False, sellable=False),
            ListingRead(CUP, 9),
            ListingRead(SHIRT, 0),
        ]
        assert read == expected


def test_one_listing_is_read_by_its_own_address() -> None:
    with seller() as shop:
        assert read_back(shop.access, [CUP]) == [ListingRead(CUP, 9)]
        assert read_back(shop.access, [ListingKey("x/y")]) == [
            ListingRead(ListingKey("x/y"), None, found=False, sellable=False)
        ]


def test_an_fba_listing_has_no_number_of_ours() -> None:
    with seller() as shop:
        shop.state.listings.by_amazon[SHIRT] = "AMAZON_JP"
        assert read_back(shop.access, [SHIRT, CUP]) == [ListingRead(SHIRT, None, sellable=False), ListingRead(CUP, 9)]


def test_a_suppressed_listing_with_units_is_not_sellable_and_one_without_is_only_sold_out() -> None:
    with seller() as shop:
        shop.state.listings.suppressed |= {SHIRT, CUP}
        shop.shop.set_stock(CUP, 0)
        assert read_back(shop.access, [SHIRT, CUP]) == [ListingRead(SHIRT, 9, sellable=False), ListingRead(CUP, 0)]


def test_a_code_amazon_cannot_have_is_not_found_without_a_call() -> None:
    long = ListingKey("A" * 41)
    assert read_back(access_to(LaidDown([])), [long]) == [ListingRead(long, None, found=False, sellable=False)]


def test_an_answer_that_is_not_understood_gives_no_number() -> None:
    def item(**more: object) -> dict[str, object]:
        return {"sku": "SKU-001", **more}

    bodies: tuple[object, ...] = (
        item(fulfillmentAvailability=[{"fulfillmentChannelCode": "DEFAULT", "quantity": -1}]),
        item(fulfillmentAvailability=[{"fulfillmentChannelCode": "DEFAULT", "quantity": "9"}]),
        item(fulfillmentAvailability=[{"fulfillmentChannelCode": "DEFAULT", "quantity": True}]),
        item(fulfillmentAvailability=[{"quantity": 9}]),
        {"sku": ""},
        [],
    )
    for body in bodies:
        found = read_back(access_to(LaidDown([answer(200, body)])), [SHIRT])
        assert found == ReadFailed(Result.TRANSIENT, "answer_not_understood"), body


def test_a_connection_is_tested_without_changing_anything() -> None:
    with seller() as shop:
        tested = connection_test(shop.access)
        assert tested.ok
        assert tested.warnings == ()
        assert not shop.shop.pushes


def test_an_application_that_may_not_ask_for_orders_is_warned_of() -> None:
    for version in ("", "v0"):
        with seller(settings={"order_api_version": version}) as shop:
            shop.state.orders_allowed = False
            tested = connection_test(shop.access)
            assert tested.ok
            assert [warning.code for warning in tested.warnings] == ["orders_not_allowed"]


def test_a_connection_that_fails_says_what_to_do() -> None:
    cases = (
        (error(400, "InvalidInput"), "マーケットプレイスID"),
        (answer(200, {"things": []}), "answer_not_understood"),
        (NotSent("connection_refused"), "しばらくしてから"),
        (error(429, "QuotaExceeded"), "しばらくしてから"),
    )
    for reply, words in cases:
        tested = connection_test(access_to(LaidDown([reply])))
        assert not tested.ok
        assert words in tested.message


def test_a_wrong_seller_and_a_wrong_secret_are_told_apart() -> None:
    with seller() as shop:
        other = replace(shop.access, settings={**shop.access.settings, "seller_id": "A2OTHER"})
        assert "出品者ID" in connection_test(other).message
        shop.state.login.expire_access()
        other = replace(shop.access, secrets={**shop.secrets, "client_secret": "old"})
        assert "180日" in connection_test(other).message
        shop.state.login.revoke()
        assert "認可し直し" in connection_test(shop.access).message
