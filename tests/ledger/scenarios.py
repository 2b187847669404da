"""Histories that every back end must end in the same way: each is told to a ``Ledger``, in memory or on PostgreSQL."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

from ledger.book import Verb, aliases, orders, pushes, shops, stock
from ledger.facts.listing import ListingSettingsChanged
from ledger.facts.push import MallRead
from ledger.facts.shop import DryRunReviewed
from ledger.terms import CancelReason, Door, ListingKey, utc_text
from tests.ledger.given import Ledger
from tests.ledger.test_push import answered, sent, settled
from tests.ledger.words import (
    NUMBER,
    R,
    Y,
    at,
    by_date,
    cancel,
    counted,
    line,
    link,
    mall_file,
    order,
    shipped,
    take,
    telling,
)


def an_order_by_mail_and_api_that_is_cancelled(ledger: Ledger) -> None:
    ledger.when(counted("X", 10))
    ledger.when(link(R, "x", "X"))
    ledger.when(take(R, telling(line("goods-x", 2), verified=False), named=["x"]))
    ledger.when(take(R, telling(line("goods-x", 2), verified=False), named=["x"]))
    ledger.when(take(R, telling(line("x", 3), told="10:10", door=Door.API)))
    ledger.when(take(R, cancel("10:30", verified=False)))
    ledger.when(orders.verify_order(R, NUMBER, "person"))


def lines_that_are_linked_later(ledger: Ledger) -> None:
    ledger.when(counted("X", 10))
    ledger.when(take(R, by_date(line("x", 2), line("y"), told="10:00")))
    ledger.when(link(R, "x", "X", 3))
    ledger.when(orders.link_line(R, NUMBER, "x", "", "", ListingKey("x")))
    ledger.when(link(R, "y", "Y"))
    ledger.when(orders.link_line(R, NUMBER, "y", "", "", ListingKey("y")))
    ledger.when(orders.close_review(R, NUMBER, "date_only", "seen"))


def numbers_that_follow_each_other(ledger: Ledger) -> None:
    for shop in (R, Y):
        ledger.when(link(shop, "x", "X"))
    ledger.when(mall_file(R, "X", 8, "10:00"))
    told = 3
    ledger.when(order(R, "1", line("x"), told="09:55"))
    ledger.when(order(Y, "2", line("x", 2), told="09:50"))
    ledger.when(stock.overwrite("X", 9, covers=stock.everything_read_at(told), counted_at=at("11:00")))
    ledger.when(order(R, "3", line("x"), told="09:40"))
    ledger.when(mall_file(Y, "X", 7, "11:30", told))
    ledger.when(order(R, "4", line("x"), told="09:30"))
    ledger.when(take(R, cancel("09:57", "1")))
    ledger.when(mall_file(Y, "X", 7, "11:40"))
    ledger.when(counted("X", 20, "11:50", target="on_hand"))
    ledger.when(order(Y, "5", line("x"), told="09:30"))
    ledger.when(orders.reverse_counted(R, "3", "X"))


def units_that_are_owed(ledger: Ledger) -> None:
    ledger.when(counted("X", 1))
    ledger.when(link(R, "x", "X"))
    ledger.when(order(R, "1", line("x", 3)))
    ledger.when(order(R, "2", line("x", 1)))
    ledger.when(take(R, cancel("11:00", "1", reason=CancelReason.UNKNOWN)))
    ledger.when(orders.settle_undecided(R, "1", "X", "sale"))
    ledger.when(counted("X", 5, "11:30", owed="before"))
    ledger.when(take(R, cancel("11:40", "2", reason=CancelReason.OUT_OF_STOCK)))


def a_set_of_changing_recipes(ledger: Ledger) -> None:
    for code in ("A", "B"):
        ledger.when(counted(code, 9))
    ledger.when(stock.define_set("SET", ["A", "B"], [2, 1]))
    ledger.when(link(R, "set", "SET"))
    ledger.when(link(R, "a", "A"))
    ledger.when(order(R, "1", line("set", 2), line("a", 1)))
    ledger.when(stock.define_set("SET", ["A", "B"], [3, 1]))
    ledger.when(take(R, telling(line("set", 3), line("a", 1), told="10:30", number="1")))
    ledger.when(shipped("1", scope="sku", skus=["SET"], units=[1], cumulative=False, slip="p1"))
    ledger.when(take(R, cancel("11:00", "1", line("set", 1))))
    ledger.when(orders.assume_shipped(R, "1", 14))
    ledger.when(take(R, cancel("11:30", "1")))


def goods_in_and_out(ledger: Ledger) -> None:
    slip = stock.receive("S-1", [("1", "X", 5), ("2", "X", 2), ("3", "Y", 1)])
    ledger.when(slip)
    ledger.when(slip)
    ledger.when(stock.take_out("X", "sample", 1))
    ledger.when(stock.mark_defective("X", 2))
    ledger.when(stock.clear_defective("X", 1))
    ledger.when(stock.take_back("X", "", 1, "scrap"))
    ledger.when(stock.keep_back("Y", 1))
    ledger.when(aliases.alias("Y", "Y-01"))
    ledger.when(stock.add("Y", -3))
    ledger.when(stock.undo_receipt("S-1"))


def holds_that_are_consumed_and_that_end(ledger: Ledger) -> None:
    ledger.when(counted("X", 9))
    ledger.when(link(R, "x", "X"))
    ends = at("23:30")
    for name, expiry in (("h1", "ask"), ("h2", "release"), ("h3", "ask")):
        ledger.when(stock.place_hold(name, reference="W-1", code="X", units=2, ends_at=ends, on_expiry=expiry))
    ledger.when(take(R, telling(line("x", 3)), strict=True, hold="h1"))
    ledger.when(stock.extend_hold("h3", ends + timedelta(minutes=5)))
    ledger.now = ends
    for name in ("h1", "h2", "h3"):
        ledger.when(stock.end_hold(name, expired=True))
    ledger.when(stock.end_hold("h3", expired=False))


def a_shop_that_is_switched_on_and_its_listings(ledger: Ledger) -> None:
    key = ListingKey("x")
    reviewed = DryRunReviewed(
        read_position=1, listings=1, changed=1, to_zero=0, unregistered=0, sells_at_zero=0, guard_passed=True
    )
    ledger.when(shops.connect_shop(mall="rakuten", mall_shop_id="1", match_key="item", settings={"pace": "1"}))
    ledger.when(link(R, "x", "X", codes=["goods-x"]))
    ledger.when(shops.confirm_listings(R, {key: (4, 3)}))
    ledger.when(shops.change_listing_settings(R, [key], ListingSettingsChanged(reserve=1)))
    for verb in (shops.start_intake(R), shops.prove_intake(R, "mail"), shops.review_dry_run(R, reviewed)):
        ledger.when(verb)
    ledger.when(shops.start_push(R, kept_position=1))
    ledger.when(shops.pause_shop(R, "rejected_auth"))
    ledger.when(shops.resume_shop(R))
    ledger.when(shops.stop_listings(R, [key], show_zero=True))
    ledger.when(shops.start_listings(R, [key]))
    ledger.when(shops.stop_intake(R, 2))


def requests_and_their_answers(ledger: Ledger) -> None:
    for n in range(4):
        ledger.when(counted("X", n))
    ledger.when(pushes.record_push_sent(Y, sent("f1", 2, (10, 5), channel="file")))
    ledger.when(pushes.record_push_answered(Y, answered("f1", "accepted", "unknown")))
    ledger.when(pushes.record_push_sent(Y, sent("r1", 4, (3,))))
    ledger.when(pushes.record_push_answered(Y, answered("r1", "applied")))
    moment = utc_text(at("12:03"))
    read = MallRead(door="api", listings=["x0:"], units=[None], found=[False], sellable=[True], read_at=moment)
    ledger.when(pushes.record_read(Y, read))
    ledger.when(pushes.record_look(Y, door="api", up_to=at("12:00"), found=1))
    ledger.when(pushes.record_push_settled(Y, settled("f1", "applied", "rejected")))


def a_long_day(ledger: Ledger) -> None:
    """A hundred things in an order that nobody chose; what is refused is refused in both."""
    chance = Random(20261120)
    for code in ("A", "B", "C"):
        ledger.when(counted(code, 12))
        for shop in (R, Y):
            ledger.when(link(shop, code.lower(), code))
    ledger.when(stock.define_set("AB", ["A", "B"], [2, 1]))
    ledger.when(link(R, "ab", "AB"))
    for _ in range(100):
        try:
            ledger.when(_any_verb(chance))
        except ValueError:
            continue


def _any_verb(chance: Random) -> Verb:
    number, code, shop, units = (
        chance.choice("123456"),
        chance.choice("ABC"),
        chance.choice((R, Y)),
        chance.randint(1, 4),
    )
    clock = f"{chance.randint(9, 22):02}:{chance.randint(0, 59):02}"
    item = chance.choice(("a", "b", "c", "ab"))
    known = chance.randint(1, 40)
    made: tuple[Callable[[], Verb], ...] = (
        lambda: order(shop, number, line(item, units), told=clock, door=chance.choice((Door.MAIL, Door.API))),
        lambda: order(shop, number, line(item, units), line("a", 1), told=clock),
        lambda: take(shop, cancel(clock, number, reason=chance.choice(list(CancelReason)))),
        lambda: shipped(number, shop, scope="sku", skus=[code], units=[units]),
        lambda: mall_file(shop, code, units * 3, clock, chance.choice((0, known)), owed="after"),
        lambda: counted(code, units * 3, clock, owed="before"),
        lambda: stock.overwrite(
            code, units, covers=stock.everything_read_at(known), counted_at=at(clock), owed="after"
        ),
        lambda: stock.receive(f"S-{number}", [(number, code, units)]),
        lambda: stock.place_hold(f"h{number}", reference="W", code=code, units=units, ends_at=at("23:59")),
        lambda: take(shop, telling(line(item, units), told=clock, number=number), strict=True, hold=f"h{number}"),
        lambda: orders.reverse_counted(shop, number, code),
        lambda: orders.settle_undecided(shop, number, code, "sale"),
        lambda: orders.assume_shipped(shop, number, 14),
    )
    return chance.choice(made)()


SCENARIOS = (
    an_order_by_mail_and_api_that_is_cancelled,
    lines_that_are_linked_later,
    numbers_that_follow_each_other,
    units_that_are_owed,
    a_set_of_changing_recipes,
    goods_in_and_out,
    holds_that_are_consumed_and_that_end,
    a_shop_that_is_switched_on_and_its_listings,
    requests_and_their_answers,
    a_long_day,
)
