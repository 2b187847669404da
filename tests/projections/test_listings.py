"""Listings: what each should show, was told, should show by itself and showed; the push queue; codes for intake."""

from datetime import timedelta

from ledger.book import pushes, shops, stock
from ledger.facts.listing import ListingSettingsChanged
from ledger.facts.push import MallRead, PushAnswered, PushSent, PushSettled
from ledger.terms import ListingKey, utc_text
from projections import listing_list
from projections.listing_list import ListingNow
from tests.ledger.words import R, Y, counted, line, link, order
from tests.projections.happenings import beginning
from tests.projections.rig import Ledger


def _now(ledger: Ledger, item: str = "a", shop: str = R) -> ListingNow:
    ledger.caught_up()
    return listing_list.of_keys(ledger.reader, ledger.schema, shop, [ListingKey(item)])[ListingKey(item)]


def _queue(ledger: Ledger, shop: str = R) -> list[str]:
    ledger.caught_up()
    return [row.key.item for row in listing_list.push_queue(ledger.reader, ledger.schema, shop, limit=100)]


def _tell(
    ledger: Ledger, units: dict[str, int], *outcomes: str, shop: str = R, channel: str = "api", request: str = ""
) -> str:
    """A request is sent with these numbers, and answered unless no outcome is given."""
    position = int(ledger.rows("SELECT position FROM ledger_head")[0][0])
    request = request or f"{shop}-{position}"
    moment = ledger.clock.now()
    sent = PushSent(
        request=request,
        channel=channel,
        triggers=["changed"] * len(units),
        listings=[f"{item}:" for item in units],
        units=list(units.values()),
        computed_at=position,
        expected_before=[None] * len(units),
        look_position=0,
        look_at=None,
        dead_after=utc_text(moment + timedelta(minutes=5)),
        attempt=1,
        sync=None,
        parent_request=None,
    )
    ledger.must(pushes.record_push_sent(shop, sent))
    if outcomes:
        begun, ended = utc_text(moment), utc_text(ledger.clock.now())
        answered = PushAnswered(
            request=request,
            outcomes=list(outcomes),
            codes=["E-9" if o == "rejected" else "" for o in outcomes],
            sent_at=begun,
            applied_from=begun,
            applied_until=ended,
        )
        ledger.must(pushes.record_push_answered(shop, answered))
    return request


def _settle(ledger: Ledger, request: str, *outcomes: str, shop: str = R) -> None:
    moment = utc_text(ledger.clock.now())
    settled = PushSettled(
        request=request,
        outcomes=list(outcomes),
        codes=[""] * len(outcomes),
        applied_from=moment,
        applied_until=moment,
        evidence_position=0,
    )
    ledger.must(pushes.record_push_settled(shop, settled))


def _see(ledger: Ledger, units: dict[str, int | None], shop: str = R) -> None:
    yes = [True] * len(units)
    read = MallRead(
        door="api",
        listings=[f"{item}:" for item in units],
        units=list(units.values()),
        found=yes,
        sellable=yes,
        read_at=utc_text(ledger.clock.now()),
    )
    ledger.must(pushes.record_read(shop, read))


def test_wanted_follows_the_free_units_of_the_sku_and_of_the_components_of_a_set(ledger: Ledger) -> None:
    beginning(ledger)  # A 5, B 5, C none; SET is A and 2 B; pair is 2 A
    assert [_now(ledger, item).wanted_units for item in ("a", "b", "c", "set", "pair")] == [5, 5, None, 2, 2]
    ledger.must(
        stock.keep_back("A", 2),
        stock.place_hold("h-1", reference="r-1", code="A", units=1, ends_at=ledger.clock.now() + timedelta(days=1)),
    )
    assert [(_now(ledger, item).free_units, _now(ledger, item).wanted_units) for item in ("a", "set", "pair")] == [
        (2, 2),
        (2, 2),
        (2, 1),
    ]
    ledger.must(order(Y, "N-1", line("set", 2)))
    assert [_now(ledger, item).wanted_units for item in ("a", "b", "set", "pair")] == [0, 1, 0, 0]
    ledger.must(stock.define_set("SET", ["B"], [1]))
    assert _now(ledger, "set").wanted_units == 1


def test_the_malls_own_maximum_is_a_setting_of_the_shop_that_reaches_every_listing(ledger: Ledger) -> None:
    beginning(ledger)
    ledger.must(stock.add("A", 100))
    assert _now(ledger).wanted_units == 9
    ledger.must(shops.change_shop_settings(R, {"mall.units_max": "20"}))
    assert (_now(ledger).wanted_units, _now(ledger, shop=Y).wanted_units) == (20, 9)


def test_the_queue_is_what_differs_with_lowerings_first(ledger: Ledger) -> None:
    beginning(ledger)
    assert _queue(ledger) == ["a", "b", "pair", "set"]
    _tell(ledger, {"a": 5, "b": 5, "pair": 2, "set": 2}, "applied", "applied", "applied", "applied")
    assert _queue(ledger) == []
    ledger.must(stock.add("B", 3), order(Y, "N-1", line("a", 2)))
    rows = listing_list.push_queue(ledger.reader, ledger.schema, R, limit=100)
    assert _queue(ledger) == ["a", "pair", "b", "set"]  # B rose by 3, so SET may be raised
    rows = listing_list.push_queue(ledger.reader, ledger.schema, R, limit=100)
    assert [(row.key.item, row.wanted_units, row.numbers.expected_units, row.lowers) for row in rows] == [
        ("a", 3, 5, True),
        ("pair", 1, 2, True),
        ("b", 8, 5, False),
        ("set", 3, 2, False),
    ]
    second = listing_list.push_queue(ledger.reader, ledger.schema, R, limit=100, after=(0, "pair", ""))
    assert [row.key.item for row in second] == ["b", "set"]
    assert listing_list.waiting(ledger.reader, ledger.schema)[R] == (2, 2)


def test_a_sale_of_the_mall_itself_lowers_what_it_should_show_and_needs_no_push(ledger: Ledger) -> None:
    beginning(ledger)
    _tell(ledger, {"a": 5, "b": 5, "pair": 2, "set": 2}, "applied", "applied", "applied", "applied")
    ledger.clock.sleep(3_600)  # well after the push
    moment = ledger.clock.now()
    hour = moment.strftime("%H:%M:%S")
    ledger.must(order(R, "N-1", line("b", 2), told=hour, ordered=hour))
    now = _now(ledger, "b")
    assert (now.wanted_units, now.numbers.expected_units, now.queued) == (3, 3, False)
    assert _queue(ledger) == ["set"]  # its components fell, and the mall does not know
    assert "b" in _queue(ledger, Y)


def test_a_rejected_listing_leaves_the_queue_until_something_of_it_changes(ledger: Ledger) -> None:
    beginning(ledger)
    _tell(ledger, {"a": 5}, "rejected")
    assert "a" not in _queue(ledger)
    work = listing_list.page(ledger.reader, ledger.schema, first=10, rejected=True)
    assert [(row.key.item, row.numbers.rejected_code) for row in work.rows] == [("a", "E-9")]
    ledger.must(shops.ask_resend(R, [ListingKey("a")]))
    assert "a" in _queue(ledger)
    _tell(ledger, {"a": 5}, "rejected")
    assert "a" not in _queue(ledger)
    ledger.must(stock.take_out("A", "sample", 5))
    assert "a" in _queue(ledger)  # 0 is tried again, once an hour


def test_a_resend_is_queued_although_nothing_differs_until_it_was_told(ledger: Ledger) -> None:
    beginning(ledger)
    _tell(ledger, {"a": 5}, "applied")
    assert "a" not in _queue(ledger)
    ledger.must(shops.ask_resend(R, [ListingKey("a")]))
    assert "a" in _queue(ledger)
    _tell(ledger, {"a": 5}, "applied")
    assert "a" not in _queue(ledger)


def test_a_file_holds_its_listings_until_it_is_settled_and_a_newer_number_stays_unknown(ledger: Ledger) -> None:
    beginning(ledger)
    file = _tell(ledger, {"a": 5, "b": 5}, "accepted", "accepted", channel="file")
    assert _now(ledger).batch_request == file
    assert _now(ledger).numbers.pending_request == file
    ledger.must(order(Y, "N-1", line("a", 2)))
    _tell(ledger, {"a": 3}, "applied")
    now = _now(ledger)
    assert (now.numbers.told_units, now.numbers.expected_units, now.batch_request) == (3, 3, file)
    _settle(ledger, file, "applied", "applied")
    now = _now(ledger)
    assert (now.batch_request, now.numbers.expected_units, now.queued) == (None, None, True)  # which one stands?
    assert _now(ledger, "b").numbers.told_units == 5
    assert ledger.rows("SELECT count(*) FROM listing_requests") == [(0,)]


def test_units_that_a_look_found_missing_are_wanted_less_by_every_listing_of_the_sku(ledger: Ledger) -> None:
    beginning(ledger)
    _tell(ledger, {"a": 5, "pair": 2}, "applied", "applied")
    _tell(ledger, {"a": 5}, "applied", shop=Y)
    ledger.clock.sleep(60)
    sold = ledger.clock.now().strftime("%H:%M:%S")  # two are sold, and nobody tells us
    ledger.clock.sleep(60)
    _see(ledger, {"a": 3})
    here, there = _now(ledger), _now(ledger, shop=Y)
    assert (here.unseen_units, here.wanted_units, here.wanted_unseen_units) == (2, 5, 3)
    assert (there.unseen_units, there.wanted_units, there.wanted_unseen_units, there.lowers) == (0, 5, 3, True)
    assert _now(ledger, "pair").wanted_unseen_units == 1
    told = ledger.clock.now().strftime("%H:%M:%S")
    ledger.must(order(R, "N-1", line("a", 2), told=told, ordered=sold))  # there they are
    here, there = _now(ledger), _now(ledger, shop=Y)
    assert (here.unseen_units, here.wanted_units, here.wanted_unseen_units, here.queued) == (0, 3, 3, False)
    assert (there.wanted_units, there.lowers) == (3, True)


def test_a_stop_threshold_holds_at_zero_from_the_fact_that_reached_it_to_the_resume_level(ledger: Ledger) -> None:
    beginning(ledger)
    rules = ListingSettingsChanged(stop_threshold=2, resume_level=5)
    ledger.must(shops.change_listing_settings(R, [ListingKey("a")], rules))
    assert _now(ledger).stopped_since is None
    ledger.must(stock.take_out("A", "sample", 3))
    stopped = _now(ledger)
    assert stopped.wanted_units == 0
    recorded = ledger.rows("SELECT committed_at FROM ledger_seals ORDER BY first_position DESC LIMIT 1")[0][0]
    assert stopped.stopped_since == recorded
    ledger.must(stock.add("A", 2))
    assert (_now(ledger).wanted_units, _now(ledger).stopped_since) == (0, recorded)
    ledger.must(stock.add("A", 1))
    assert (_now(ledger).wanted_units, _now(ledger).stopped_since) == (5, None)


def test_the_first_choice_shows_the_rest_when_every_share_floors_to_zero(ledger: Ledger) -> None:
    ledger.must(counted("A", 1))
    for shop in (R, Y):
        ledger.do(shops.connect_shop(mall=shop.partition("-")[0], mall_shop_id="1", match_key="sku", settings={}))
        ledger.must(link(shop, "a", "A"), shops.confirm_listings(shop, {ListingKey("a"): (None, None)}))
        half = ListingSettingsChanged(share_percent=50, first_choice=shop == Y)
        ledger.must(shops.change_listing_settings(shop, [ListingKey("a")], half))
    assert (_now(ledger).wanted_units, _now(ledger, shop=Y).wanted_units) == (0, 1)
    ledger.must(stock.add("A", 3))
    assert (_now(ledger).wanted_units, _now(ledger, shop=Y).wanted_units) == (2, 2)


def test_intake_finds_listings_by_every_further_code_they_go_by(ledger: Ledger) -> None:
    beginning(ledger)
    ledger.must(link(R, "shirt", "B", variant="red", codes=("S-RED", "S-ALL")))
    ledger.must(link(R, "shirt", "C", variant="blue", codes=("S-BLUE", "S-ALL")))
    ledger.caught_up()

    def named(*codes: str, shop: str = R) -> dict[str, list[tuple[str, str]]]:
        found = listing_list.listings_named(ledger.reader, ledger.schema, shop, codes)
        return {code: [(each.key.variant, each.sku) for each in linked] for code, linked in found.items()}

    assert named("PAIR-1", "S-RED", "nothing") == {"PAIR-1": [("", "A")], "S-RED": [("red", "B")]}
    assert named("S-ALL") == {"S-ALL": [("blue", "C"), ("red", "B")]}
    assert named("shirt", "a") == {}  # a mall's own item code is a listing's key, and another product's code elsewhere
    assert named("S-RED", shop=Y) == {}
    ledger.must(link(R, "shirt", "B", variant="red", codes=("S-NEW",)))
    ledger.must(shops.retire_listings(R, [ListingKey("shirt", "blue")], "ended"))
    ledger.caught_up()
    assert named("S-RED", "S-NEW", "S-BLUE") == {"S-NEW": [("red", "B")]}


def test_pages_of_listings_are_in_order_of_shop_and_code(ledger: Ledger) -> None:
    beginning(ledger)
    ledger.caught_up()
    first = listing_list.page(ledger.reader, ledger.schema, first=4)
    last = first.rows[-1]
    rest = listing_list.page(
        ledger.reader, ledger.schema, first=100, after=(last.shop, last.key.item, last.key.variant)
    )
    found = [(row.shop, row.key.item) for row in (*first.rows, *rest.rows)]
    assert found == sorted((shop, item) for shop in (R, Y) for item in ("a", "b", "c", "pair", "set"))
    of_a = listing_list.of_skus(ledger.reader, ledger.schema, ["A"])
    assert [(row.shop, row.key.item, row.units_per_listing) for row in of_a] == [
        (R, "a", 1),
        (R, "pair", 2),
        (Y, "a", 1),
        (Y, "pair", 2),
    ]
    waiting = listing_list.page(ledger.reader, ledger.schema, first=10, states=["to_confirm"])
    assert [(row.shop, row.key.item) for row in waiting.rows] == [(R, "c"), (Y, "c")]
    assert len(listing_list.page(ledger.reader, ledger.schema, first=10, shop=Y, sku="A", differing=True).rows) == 2
