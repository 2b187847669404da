"""Shops: one account once, and switches that a person turns in the right order (D22)."""

import pytest

from ledger import keys, shop
from ledger.book import Verb, shops
from ledger.facts.shop import DryRunReviewed
from ledger.shop import Shop, ShopNotAccepted, ShopNotReady
from tests.ledger.given import Memory, given
from tests.ledger.words import R, at

REVIEWED = DryRunReviewed(
    read_position=7, listings=100, changed=3, to_zero=1, unregistered=0, sells_at_zero=0, guard_passed=True
)


def connect(mall: str = "rakuten", mall_shop_id: str = "1", match_key: str = "variant") -> Verb:
    return shops.connect_shop(mall=mall, mall_shop_id=mall_shop_id, match_key=match_key, settings={"pace": "1"})


def ready() -> Memory:
    """The shop is connected, its intake runs and is proven, and the difference was reviewed."""
    return given(connect(), shops.start_intake(R), shops.prove_intake(R, "mail"), shops.review_dry_run(R, REVIEWED))


def shop_of(ledger: Memory) -> Shop:
    found = ledger.state(keys.shop(R), shop.FOLD)
    assert isinstance(found, Shop)
    return found


def test_d29_one_account_is_one_shop_and_a_reconnection_resumes_it() -> None:
    ledger = given()
    assert ledger.when(connect()) == {"shop": R}
    assert ledger.names() == ["ShopConnected", "ShopSettingsChanged"]
    assert ledger.when(connect()) == {"shop": R}
    assert ledger.names() == []
    ledger.when(connect(match_key="item"))
    assert ledger.names() == ["ShopConnected"]
    assert ledger.when(connect("yahoo_shopping", "1")) == {"shop": "yahoo_shopping-1"}


def test_a_shop_id_is_what_the_mall_shows_and_nothing_else() -> None:
    for wrong in ("", "a:b", "店", "x" * 65):
        with pytest.raises(ShopNotAccepted):
            connect(mall_shop_id=wrong)


def test_d22_push_starts_only_while_intake_runs_is_proven_and_the_difference_was_reviewed() -> None:
    ledger = given(connect())
    steps = [shops.start_intake(R), shops.prove_intake(R, "mail"), shops.review_dry_run(R, REVIEWED)]
    for step, missing in zip(steps, ("受注取込 is stopped", "is not proven", "nobody reviewed"), strict=True):
        with pytest.raises(ShopNotReady, match=missing):
            ledger.when(shops.start_push(R, kept_position=7))
        ledger.when(step)
    ledger.when(shops.start_push(R, kept_position=7))
    (fact,) = ledger.facts("PushStarted")
    assert (fact.kept_position, fact.reviewed_position, fact.one_way) == (7, ledger.position - 1, False)
    assert shop_of(ledger).pushing
    ledger.when(shops.start_push(R, kept_position=7))
    assert ledger.names() == []


def test_d22_push_stops_with_intake_and_says_what_is_still_on_its_way() -> None:
    ledger = ready()
    ledger.when(shops.start_push(R, kept_position=7))
    ledger.when(shops.stop_intake(R, on_their_way=12))
    assert ledger.names() == ["IntakeStopped", "PushStopped"]
    assert ledger.facts("PushStopped")[0].on_their_way == 12
    assert not shop_of(ledger).pushing


def test_d22_intake_that_was_stopped_is_proven_anew() -> None:
    ledger = ready()
    ledger.when(shops.stop_intake(R))
    ledger.when(shops.start_intake(R))
    with pytest.raises(ShopNotReady, match="not proven"):
        ledger.when(shops.start_push(R, kept_position=7))
    ledger.when(shops.prove_intake(R, "api"))
    ledger.when(shops.prove_intake(R, "api"))
    assert ledger.names() == []


def test_a_review_is_of_one_switch_on_and_not_of_the_next() -> None:
    ledger = ready()
    ledger.when(shops.start_push(R, kept_position=7))
    ledger.when(shops.stop_push(R))
    with pytest.raises(ShopNotReady, match="nobody reviewed"):
        ledger.when(shops.start_push(R, kept_position=7))
    ledger.when(shops.review_dry_run(R, REVIEWED))
    ledger.when(shops.start_push(R, kept_position=9))
    assert shop_of(ledger).pushing


def test_d22_the_one_way_display_is_the_one_exception_and_is_named() -> None:
    ledger = given(connect(), shops.review_dry_run(R, REVIEWED))
    ledger.when(shops.start_push(R, kept_position=7, one_way=True))
    assert shop_of(ledger).pushing
    ledger.when(shops.start_intake(R))
    ledger.when(shops.stop_intake(R))
    assert ledger.names() == ["IntakeStopped"]
    assert shop_of(ledger).pushing


def test_a_review_that_the_guard_stopped_starts_nothing() -> None:
    ledger = ready()
    ledger.when(
        shops.review_dry_run(
            R,
            DryRunReviewed(
                read_position=9,
                listings=100,
                changed=90,
                to_zero=80,
                unregistered=0,
                sells_at_zero=0,
                guard_passed=False,
            ),
        )
    )
    with pytest.raises(ShopNotReady, match="guard"):
        ledger.when(shops.start_push(R, kept_position=7))


def test_a_paused_shop_sends_nothing_until_its_cause_is_gone() -> None:
    ledger = ready()
    ledger.when(shops.pause_shop(R, "rejected_auth"))
    assert ledger.names() == [], "a shop that does not push needs no pause"
    ledger.when(shops.start_push(R, kept_position=7))
    ledger.when(shops.pause_shop(R, "rejected_auth"))
    assert (shop_of(ledger).pushing, shop_of(ledger).paused) == (False, "rejected_auth")
    ledger.when(shops.pause_shop(R, "rejected_auth"))
    assert ledger.names() == []
    ledger.when(shops.resume_shop(R))
    assert shop_of(ledger).pushing


def test_nothing_is_switched_on_a_shop_that_is_not_connected() -> None:
    for verb in (
        shops.start_intake(R),
        shops.start_push(R, kept_position=1),
        shops.review_dry_run(R, REVIEWED),
        shops.change_shop_settings(R, {"pace": "2"}),
        shops.start_intake(R, backlog="take"),
        shops.choose_send_type(R, "file"),
    ):
        with pytest.raises(ShopNotReady):
            given(verb)


def test_choices_that_are_none_are_refused() -> None:
    with pytest.raises(ShopNotAccepted):
        ready().when(shops.choose_send_type(R, "fax"))
    with pytest.raises(ShopNotAccepted, match="take, counted, skip"):
        given(connect()).when(shops.start_intake(R, backlog="all"))


def test_what_happens_with_kept_orders_is_chosen_at_the_start_for_the_time_since_the_stop() -> None:
    ledger = given(connect(), now=at("09:00"))
    ledger.when(shops.start_intake(R, backlog="counted"))
    ledger.now = at("10:00")
    ledger.when(shops.stop_intake(R))
    ledger.now = at("12:00")
    for late in (at("09:59"), at("12:01")):
        with pytest.raises(ShopNotAccepted, match="backlog up to"):
            ledger.when(shops.start_intake(R, backlog="skip", up_to=late))
    ledger.when(shops.start_intake(R, backlog="skip", up_to=at("11:30")))
    assert ledger.names() == ["BacklogChosen", "IntakeStarted"]
    with pytest.raises(ShopNotReady, match="runs already"):
        ledger.when(shops.start_intake(R, backlog="take"))
    now = shop_of(ledger)

    def chosen(received: str, placed: str) -> str | None:
        backlog = now.backlog_of(at(received), at(placed))
        return None if backlog is None else backlog.choice

    assert chosen("08:00", "08:00") == chosen("12:30", "08:59") == "counted", "before the very first start"
    assert chosen("10:30", "09:30") == "skip", "it came while intake stood still"
    assert chosen("12:30", "11:15") == "skip", "it comes late, and was placed then"
    assert chosen("12:30", "11:31") is None
    assert chosen("09:40", "09:30") is None


def test_settings_keep_what_is_not_named_and_say_nothing_twice() -> None:
    ledger = given(connect())
    ledger.when(shops.change_shop_settings(R, {"lowers_at": "order"}))
    ledger.when(shops.change_shop_settings(R, {"lowers_at": "order", "pace": "1"}))
    assert ledger.names() == []
    assert shop_of(ledger).settings == {"pace": "1", "lowers_at": "order"}
    ledger.when(shops.choose_send_type(R, "file"))
    ledger.when(shops.choose_send_type(R, "file"))
    assert (ledger.names(), shop_of(ledger).send_type) == ([], "file")
