"""Pushing to Amazon: what is sent, what keeps lead times and FBA safe, and what each answer means."""

import pytest

from adapters.amazon.push import push
from adapters.kit.mall import Answer, Lost, NotSent
from ledger.terms import ListingKey, ListingLevel, Outcome, Result
from tests.adapters.amazon.seller import CUP, SHIRT, LaidDown, access_to, answer, error, seller

ACCEPTED = answer(200, {"sku": "SKU-001", "status": "ACCEPTED", "submissionId": "1", "issues": []})
MERGE = {"update_way": "merge"}
REPLACE = {"update_way": "look_and_replace"}
TWO = [ListingLevel(SHIRT, 3), ListingLevel(CUP, 6)]
PATH = "/listings/2021-08-01/items/A2EXAMPLE0SHOP"


def told(reply: Answer | Lost | NotSent) -> Outcome:
    """What one reply to one PATCH means; nothing is looked at afterwards."""
    later = NotSent("connection_refused")
    return push(access_to(LaidDown([reply, later]), settings=MERGE), TWO[:1])[0]


def shown(*items: tuple[str, str, int | None]) -> Answer:
    rows = [
        {
            "sku": sku,
            "fulfillmentAvailability": [
                {"fulfillmentChannelCode": channel} | ({} if units is None else {"quantity": units})
            ],
        }
        for sku, channel, units in items
    ]
    return answer(200, {"numberOfResults": len(rows), "items": rows})


# ------------------------------------------------------------------ what is sent


def test_a_number_is_merged_after_a_look_at_who_ships() -> None:
    before = shown(("カップ 01/白", "DEFAULT", 9), ("SKU-001", "DEFAULT", 9))
    after = shown(("SKU-001", "DEFAULT", 3), ("カップ 01/白", "DEFAULT", 9))
    http = LaidDown([before, ACCEPTED, ACCEPTED, after])
    assert push(access_to(http), TWO) == [Outcome(Result.APPLIED), Outcome(Result.ACCEPTED)]
    looked, first, second, again = http.asked
    assert [(one.method, one.path) for one in (looked, again)] == [("GET", PATH)] * 2
    assert looked.query["identifiers"] == "SKU-001,カップ 01/白"
    assert (first.method, first.path) == ("PATCH", f"{PATH}/SKU-001")
    assert second.path == f"{PATH}/%E3%82%AB%E3%83%83%E3%83%97%2001%2F%E7%99%BD"
    assert first.query == {"marketplaceIds": "A1VC38T7YXB528", "issueLocale": "ja_JP"}
    assert first.headers["x-amz-access-token"] == "Atza|access-1"
    assert first.body == {
        "productType": "PRODUCT",
        "patches": [
            {
                "op": "merge",
                "path": "/attributes/fulfillment_availability",
                "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 3}],
            }
        ],
    }


def test_lead_time_and_restock_date_stay_when_a_number_is_told() -> None:
    for settings in ({}, MERGE, REPLACE):
        with seller(settings=settings) as shop:
            entry = {"lead_time_to_ship_max_days": 5, "restock_date": "2026-12-31"}
            shop.state.listings.entries[SHIRT] = dict(entry)
            assert shop.push((SHIRT, 4)) == [Outcome(Result.APPLIED)]
            assert shop.shop.stock[SHIRT] == 4
            kept = shop.state.listings.entries[SHIRT]
            assert {name: kept[name] for name in entry} == entry


def test_the_emulated_mall_wipes_what_a_replace_does_not_repeat() -> None:
    with seller() as shop:
        shop.state.listings.entries[SHIRT] = {"lead_time_to_ship_max_days": 5}
        patch = {
            "op": "replace",
            "path": "/attributes/fulfillment_availability",
            "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 4}],
        }
        shop.state.listings.patch(shop.shop, "SKU-001", patch, shop.clock.now())
        assert "lead_time_to_ship_max_days" not in shop.state.listings.entries[SHIRT]


def test_a_lead_time_nobody_knows_blocks_a_replace_unless_the_shop_has_one() -> None:
    unknown = answer(200, {"sku": "SKU-001", "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT"}]})
    http = LaidDown([unknown])
    assert push(access_to(http, settings=REPLACE), TWO[:1]) == [Outcome(Result.REJECTED, "lead_time_unknown")]
    assert len(http.asked) == 1, "nothing is told"
    for said in ("31", "three", "-1"):
        access = access_to(LaidDown([unknown]), settings=REPLACE | {"lead_time_days": said})
        assert push(access, TWO[:1]) == [Outcome(Result.REJECTED, "lead_time_unknown")]
    http = LaidDown([unknown, ACCEPTED, NotSent("connection_refused")])
    access = access_to(http, settings=REPLACE | {"lead_time_days": "2"})
    assert push(access, TWO[:1]) == [Outcome(Result.ACCEPTED)]
    body = http.asked[1].body
    assert isinstance(body, dict)
    assert body["patches"][0]["op"] == "replace"
    assert body["patches"][0]["value"] == [
        {"fulfillment_channel_code": "DEFAULT", "quantity": 3, "lead_time_to_ship_max_days": 2}
    ]


def test_fba_is_never_told_a_number() -> None:
    for settings in ({}, REPLACE):
        with seller(settings=settings) as shop:
            shop.state.listings.by_amazon[CUP] = "AMAZON_JP"
            outcomes = shop.push((SHIRT, 4), (CUP, 5))
            assert outcomes == [Outcome(Result.APPLIED), Outcome(Result.REJECTED, "fulfilled_by_amazon")]
            assert shop.state.listings.by_amazon == {CUP: "AMAZON_JP"}
            assert shop.shop.stock[CUP] == 9


def test_a_listing_with_entries_of_both_or_of_nobody_is_not_told_a_number() -> None:
    both = answer(
        200,
        {
            "sku": "SKU-001",
            "fulfillmentAvailability": [
                {"fulfillmentChannelCode": "DEFAULT", "quantity": 3},
                {"fulfillmentChannelCode": "AMAZON_JP"},
            ],
        },
    )
    nobody = answer(200, {"sku": "SKU-001", "fulfillmentAvailability": []})
    for reply, code in (
        (both, "fulfilled_by_amazon"),
        (nobody, "fulfilment_unknown"),
        (error(404, "NOT_FOUND"), "NOT_FOUND"),
    ):
        assert push(access_to(LaidDown([reply])), TWO[:1]) == [Outcome(Result.REJECTED, code)]


def test_a_look_that_fails_tells_nothing() -> None:
    for reply, outcome in (
        (Lost("answer_cut"), Outcome(Result.TRANSIENT, "answer_cut")),
        (NotSent("connection_refused"), Outcome(Result.TRANSIENT, "connection_refused")),
        (error(503, "ServiceUnavailable"), Outcome(Result.TRANSIENT, "http_503")),
        (answer(200, b"<html>"), Outcome(Result.TRANSIENT, "answer_not_understood")),
        (answer(200, {"items": [{"sku": ""}]}), Outcome(Result.TRANSIENT, "answer_not_understood")),
    ):
        http = LaidDown([reply])
        assert push(access_to(http), TWO) == [outcome] * 2
        assert len(http.asked) == 1


def test_a_sku_with_a_comma_is_looked_at_alone() -> None:
    comma = ListingKey("A,B")
    one = answer(200, {"sku": "A,B", "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": 1}]})
    http = LaidDown([shown(("SKU-001", "DEFAULT", 3)), one, ACCEPTED, ACCEPTED, shown(("SKU-001", "DEFAULT", 3)), one])
    levels = [ListingLevel(SHIRT, 3), ListingLevel(comma, 1)]
    assert push(access_to(http), levels) == [Outcome(Result.APPLIED)] * 2
    assert http.asked[0].query["identifiers"] == "SKU-001"
    assert http.asked[1].path == f"{PATH}/A%2CB"


def test_one_listing_is_never_sent_twice_in_a_push() -> None:
    http = LaidDown([ACCEPTED, NotSent("connection_refused")])
    levels = [ListingLevel(SHIRT, 2), ListingLevel(SHIRT, 6)]
    assert push(access_to(http, settings=MERGE), levels) == [Outcome(Result.ACCEPTED)] * 2
    assert [one.method for one in http.asked] == ["PATCH", "GET"]


def test_a_code_amazon_cannot_have_is_rejected_without_a_call() -> None:
    for bad in ("", "A" * 41, " A", "A\tB"):
        assert push(access_to(LaidDown([])), [ListingLevel(ListingKey(bad), 1)]) == [
            Outcome(Result.REJECTED, "code_format")
        ]


# ------------------------------------------------------------------ what the answers mean


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (ACCEPTED, Outcome(Result.ACCEPTED)),
        (answer(200, {"status": "VALID", "issues": []}), Outcome(Result.UNKNOWN, "answer_not_understood")),
        (answer(200, {"status": "INVALID", "issues": []}), Outcome(Result.REJECTED, "INVALID")),
        (answer(200, b"<html>"), Outcome(Result.UNKNOWN, "answer_not_understood")),
        (answer(200, []), Outcome(Result.UNKNOWN, "answer_not_understood")),
        (answer(302, b""), Outcome(Result.UNKNOWN, "answer_not_understood")),
        (error(400, "InvalidInput"), Outcome(Result.REJECTED, "InvalidInput")),
        (error(400, "山田様のご注文"), Outcome(Result.REJECTED, "code_not_understood")),
        (error(404, "NOT_FOUND"), Outcome(Result.REJECTED, "NOT_FOUND")),
        (answer(413, b""), Outcome(Result.REJECTED, "http_413")),
        (answer(500, b""), Outcome(Result.TRANSIENT, "http_500")),
        (Lost("answer_cut"), Outcome(Result.UNKNOWN, "answer_cut")),
        (NotSent("connection_refused"), Outcome(Result.TRANSIENT, "connection_refused")),
    ],
)
def test_only_the_word_accepted_is_taken_for_accepted(reply: Answer | Lost | NotSent, outcome: Outcome) -> None:
    assert told(reply) == outcome


def test_a_refusal_with_status_200_is_rejected_with_the_first_error() -> None:
    issues = [
        {"code": "18027", "severity": "WARNING", "message": "…"},
        {"code": "90000900", "severity": "ERROR", "message": "The attributes are invalid."},
    ]
    assert told(answer(200, {"status": "INVALID", "issues": issues})) == Outcome(Result.REJECTED, "90000900")
    assert told(answer(200, {"status": "INVALID", "issues": issues[:1]})) == Outcome(Result.REJECTED, "18027")
    assert told(answer(200, {"status": "INVALID", "issues": [{}]})) == Outcome(Result.REJECTED, "code_not_understood")


def test_one_refused_listing_does_not_spoil_the_others() -> None:
    with seller() as shop:
        shop.state.listings.invalid["SKU-001"] = "99022"
        assert shop.push((SHIRT, 4), (CUP, 5)) == [Outcome(Result.REJECTED, "99022"), Outcome(Result.APPLIED)]
        assert (shop.shop.stock[SHIRT], shop.shop.stock[CUP]) == (9, 5)


def test_accepted_is_not_applied_until_the_mall_shows_it() -> None:
    with seller() as shop:
        shop.state.listings.apply_seconds = 300
        assert shop.push((SHIRT, 4)) == [Outcome(Result.ACCEPTED)]
        assert shop.shop.stock[SHIRT] == 9
        shop.clock.passes(seconds=300)
        assert shop.push((SHIRT, 4)) == [Outcome(Result.APPLIED)]


def test_after_a_call_that_failed_as_such_nothing_more_is_sent() -> None:
    for reply, first, second in (
        (Lost("answer_cut"), Outcome(Result.UNKNOWN, "answer_cut"), Outcome(Result.TRANSIENT, "not_sent")),
        (answer(503, b""), Outcome(Result.TRANSIENT, "http_503"), Outcome(Result.TRANSIENT, "not_sent")),
    ):
        http = LaidDown([reply])
        assert push(access_to(http, settings=MERGE), TWO) == [first, second]
        assert len(http.asked) == 1


def test_a_throttled_call_waits_as_long_as_the_rate_says() -> None:
    headers = {"x-amzn-ratelimit-limit": "0.5"}
    reply = answer(429, {"errors": [{"code": "QuotaExceeded"}]}, headers)
    outcomes = push(access_to(LaidDown([reply]), settings=MERGE), TWO)
    assert outcomes == [Outcome(Result.THROTTLED, "QuotaExceeded", 2.0)] * 2
    assert told(answer(429, b"", {"x-amzn-ratelimit-limit": "nan"})).wait_seconds == 1.0
    assert told(answer(429, b"", {"retry-after": "7", "x-amzn-ratelimit-limit": "5"})).wait_seconds == 7.0


def test_five_listings_go_in_one_push_within_the_malls_rates() -> None:
    with seller() as shop:
        levels = [(ListingKey(f"SKU-{n}"), n) for n in range(5)]
        for key, _ in levels:
            shop.shop.set_stock(key, 1)
        for _ in range(20):
            assert shop.push(*levels) == [Outcome(Result.APPLIED)] * 5
            shop.clock.passes(seconds=-1)  # a push a second
        with pytest.raises(AssertionError):
            shop.push(*levels, (SHIRT, 1))


# ------------------------------------------------------------------ what is told beside the number


def patched(http: LaidDown) -> list[dict[str, object]]:
    """What the one PATCH sets."""
    body = next(one.body for one in http.asked if one.method == "PATCH")
    assert isinstance(body, dict)
    value: list[dict[str, object]] = body["patches"][0]["value"]
    return value


def alone(units: int) -> Answer:
    """One listing of our own shipping, asked for by itself."""
    return answer(
        200, {"sku": "SKU-001", "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": units}]}
    )


def test_a_lead_time_and_a_restock_date_that_were_set_go_with_the_number() -> None:
    level = ListingLevel(SHIRT, 3, lead_time_days=4, restock_on="2099-12-24")
    http = LaidDown([alone(9), ACCEPTED, alone(3)])
    assert push(access_to(http), [level]) == [Outcome(Result.APPLIED)]
    (entry,) = patched(http)
    assert (entry["quantity"], entry["lead_time_to_ship_max_days"], entry["restock_date"]) == (3, 4, "2099-12-24")


def test_a_restock_date_that_is_over_is_not_told() -> None:
    level = ListingLevel(SHIRT, 3, restock_on="2001-01-01")
    http = LaidDown([alone(9), ACCEPTED, alone(3)])
    push(access_to(http), [level])
    (entry,) = patched(http)
    assert entry == {"fulfillment_channel_code": "DEFAULT", "quantity": 3}


def test_where_replacing_would_wipe_an_unknown_lead_time_the_one_of_the_listing_stands_in() -> None:
    before = alone(9)
    refused = push(access_to(LaidDown([before]), settings=REPLACE), [ListingLevel(SHIRT, 3)])
    assert refused == [Outcome(Result.REJECTED, "lead_time_unknown")]
    http = LaidDown([before, ACCEPTED, alone(3)])
    assert push(access_to(http, settings=REPLACE), [ListingLevel(SHIRT, 3, lead_time_days=7)]) == [
        Outcome(Result.APPLIED)
    ]
    (entry,) = patched(http)
    assert entry["lead_time_to_ship_max_days"] == 7
