"""Numbers after any history: late orders around counts, commands joined into one commit, and long random days of stock."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as some

from ledger.book import Verb, orders, stock
from ledger.levels import Effects, Level, book
from ledger.replay import Units
from ledger.terms import MAIN_PLACE, CancelReason
from tests.ledger.given import Memory, given, held_units
from tests.ledger.words import R, Y, at, cancel, counted, line, link, mall_file, order, take, telling

# ------------------------------------------------------------------ late orders around counts


@dataclass(frozen=True)
class Sale:
    """An order of some units of X at a minute of the day, and when it was cancelled, if it was."""

    shop: str
    minute: int
    units: int
    cancelled: int | None


def clock(minute: int) -> str:
    return f"{9 + minute // 60:02}:{minute % 60:02}"


sales = some.builds(
    lambda shop, minute, units, after: Sale(shop, minute, units, None if after is None else minute + after),
    some.sampled_from([R, Y]),
    some.integers(0, 179),
    some.integers(1, 3),
    some.none() | some.integers(1, 120),
)


def day(told: list[Sale]) -> list[tuple[str, Verb]]:
    """Every telling of the day's orders."""
    steps = []
    for number, sale in enumerate(told):
        name = f"{sale.shop}-{number}"
        said = telling(line("x", sale.units), told=clock(sale.minute), number=name)
        steps.append((name, take(sale.shop, said)))
        if sale.cancelled is not None:
            steps.append((name, take(sale.shop, cancel(clock(sale.cancelled), name))))
    return steps


def sold(told: list[Sale], shop: str, since: int = -1) -> int:
    """Units of the shop that were sold after this minute, less those given back after it."""
    return sum(
        sale.units * ((sale.minute > since) - (sale.cancelled is not None and sale.cancelled > since))
        for sale in told
        if sale.shop == shop
    )


@settings(max_examples=150)
@over(some.lists(sales, max_size=5), some.randoms(use_true_random=False))
def test_a_malls_file_is_worth_the_same_whether_its_orders_are_told_before_or_after_it(
    told: list[Sale], chance: Any
) -> None:
    """Rakuten's file of 10:00 says 50 and knows its own sales alone."""
    steps = [*day(told), ("file", mall_file(R, "X", 50, "10:00"))]
    chance.shuffle(steps)
    ledger = given(link(R, "x", "X"), link(Y, "x", "X"), *(verb for _, verb in steps), now=at("23:00"))
    assert ledger.available("X") == 50 - sold(told, R, 60) - sold(told, Y)


@settings(max_examples=150)
@over(some.lists(sales, max_size=5), some.randoms(use_true_random=False))
def test_a_second_malls_file_that_was_told_nothing_has_every_sale_of_the_first_on_top(
    told: list[Sale], chance: Any
) -> None:
    """Rakuten's file of 10:00, then Yahoo!'s of 11:00, which Rakuten's number never reached."""
    early, late = mall_file(R, "X", 50, "10:00"), mall_file(Y, "X", 40, "11:00")
    steps = day(told)
    chance.shuffle(steps)
    first, second = sorted((chance.randint(0, len(steps)), chance.randint(0, len(steps))))
    verbs = [verb for _, verb in steps]
    ledger = given(
        link(R, "x", "X"),
        link(Y, "x", "X"),
        *verbs[:first],
        early,
        *verbs[first:second],
        late,
        *verbs[second:],
        now=at("23:00"),
    )
    assert ledger.available("X") == 40 - sold(told, Y, 120) - sold(told, R)


@settings(max_examples=150)
@over(some.lists(sales, max_size=5), some.randoms(use_true_random=False))
def test_a_second_malls_file_that_was_told_the_first_number_takes_over_what_it_knew(
    told: list[Sale], chance: Any
) -> None:
    """Rakuten's file of 10:00; Yahoo! is told that number; Yahoo!'s file of 11:00."""
    steps = day(told)
    chance.shuffle(steps)
    cut = chance.randint(0, len(steps))
    ledger = given(link(R, "x", "X"), link(Y, "x", "X"), mall_file(R, "X", 50, "10:00"), now=at("23:00"))
    told_position = ledger.position
    for _, verb in steps[:cut]:
        ledger.when(verb)
    ledger.when(mall_file(Y, "X", 40, "11:00", told_position))
    for _, verb in steps[cut:]:
        ledger.when(verb)
    assert ledger.available("X") == 40 - sold(told, Y, 120) - sold(told, R, 60)


# ------------------------------------------------------------------ one commit, or many (R2)

CODES = ("A", "B", "C")
ITEMS = {"a": "A", "b": "B", "ab": "AB", "ac": "AC"}  # two sets that share a component


def shelf(units: int) -> Memory:
    """So many of A, B and C; sets AB and AC of two A and one of the other."""
    ledger = given(*(counted(code, units) for code in CODES), now=at("23:00"))
    for other in "BC":
        ledger.when(stock.define_set(f"A{other}", ["A", other], [2, 1]))
    for item, sku in ITEMS.items():
        ledger.when(link(R, item, sku))
    return ledger


commands = some.one_of(
    some.builds(
        lambda number, lines, minute: order(R, number, *(line(item, n) for item, n in lines), told=f"10:{minute:02}"),
        some.sampled_from("12"),
        some.lists(some.tuples(some.sampled_from(sorted(ITEMS)), some.integers(1, 3)), min_size=1, max_size=5),
        some.integers(0, 5),
    ),
    some.builds(lambda number: take(R, cancel("11:00", number)), some.sampled_from("12")),
    some.builds(
        lambda number, strict, n: take(R, telling(line("a", n), line("ab", n), number=number), strict=strict),
        some.sampled_from("34"),
        some.booleans(),
        some.integers(1, 3),
    ),
    some.builds(
        lambda name, n: stock.place_hold(name, reference="W-1", code="A", units=n, ends_at=at("23:30")),
        some.sampled_from("hk"),
        some.integers(1, 4),
    ),
    some.builds(
        lambda slip, units: stock.receive(slip, [(str(k), "A", n) for k, n in enumerate(units)]),
        some.sampled_from("st"),
        some.lists(some.integers(1, 3), min_size=1, max_size=3),
    ),
    some.builds(lambda code, n: stock.add(code, n), some.sampled_from(CODES), some.integers(-2, 2)),
    some.builds(lambda n: stock.take_out("A", "sample", n), some.integers(1, 2)),
)


@settings(max_examples=200)
@over(some.lists(commands, min_size=2, max_size=8), some.integers(0, 12))
def test_commands_of_one_commit_see_each_other_as_if_each_had_its_own(verbs: list[Verb], units: int) -> None:
    joined, single = shelf(units), shelf(units)
    answers = joined.together(*verbs)
    for verb, answer in zip(verbs, answers, strict=True):
        (alone,) = single.together(verb)
        assert str(alone) == str(answer)
    assert [joined.stock(code) for code in CODES] == [single.stock(code) for code in CODES]
    assert [record.fact for record in joined.records] == [record.fact for record in single.records]


@settings(max_examples=100)
@over(some.lists(some.integers(1, 5), min_size=2, max_size=12), some.integers(0, 30))
def test_strict_orders_of_one_commit_take_what_is_free_and_not_one_more(asked: list[int], units: int) -> None:
    ledger = shelf(units)
    verbs = [take(R, telling(line("a", n), number=str(k)), strict=True) for k, n in enumerate(asked)]
    answers = ledger.together(*verbs)
    taken = sum(n for n, answer in zip(asked, answers, strict=True) if not isinstance(answer, Exception))
    assert ledger.available("A") == units - taken >= 0
    refused = [n for n, answer in zip(asked, answers, strict=True) if isinstance(answer, Exception)]
    assert all(n > units - taken for n in refused), "who was refused would not have fitted at the end either"


# ------------------------------------------------------------------ long days


days = some.lists(
    some.one_of(
        commands,
        some.builds(
            lambda number: take(R, cancel("11:00", number, reason=CancelReason.UNKNOWN)), some.sampled_from("12")
        ),
        some.builds(lambda number, n: orders.assume_shipped(R, number, n), some.sampled_from("1234"), some.just(14)),
        some.builds(lambda code, n: counted(code, n, "10:30"), some.sampled_from(CODES), some.integers(0, 20)),
        some.builds(lambda n: counted("A", n, "10:30", target="on_hand"), some.integers(0, 20)),
        some.builds(lambda name: stock.end_hold(name, expired=False), some.sampled_from("hk")),
        some.builds(lambda n: stock.mark_defective("B", n), some.integers(1, 3)),
        some.builds(lambda n: stock.clear_defective("B", n), some.integers(1, 3)),
        some.builds(lambda number: orders.settle_undecided(R, number, "A", "short_pick"), some.sampled_from("1234")),
        some.builds(lambda number: orders.reverse_counted(R, number, "A"), some.sampled_from("1234")),
        some.builds(lambda slip: stock.undo_receipt(slip), some.sampled_from("st")),
    ),
    min_size=15,
    max_size=60,
)


@settings(max_examples=60)
@over(days)
def test_available_is_on_hand_less_allocated_and_both_are_the_sums_of_their_facts_after_any_day(
    verbs: list[Verb],
) -> None:
    ledger = shelf(5)
    for verb in verbs:
        try:
            ledger.when(verb)
        except ValueError:
            assert not ledger.last, "a verb that is refused records nothing"
    assert all(first.position + 1 == second.position for first, second in pairwise(ledger.records))
    for code in CODES:
        now, units, effects, level = ledger.stock(code), Units(), Effects(), Level()
        for record in ledger.streams[f"stock:main:{code}"]:
            assert units.add(MAIN_PLACE, record.fact, record.envelope.at, record.position) is None  # type: ignore[arg-type]
            level = book(effects, level, MAIN_PLACE, code, record.fact, record.envelope.at, record.position)  # type: ignore[arg-type]
        assert now.on_hand_units is not None
        assert now.available_units == now.on_hand_units - now.allocated_units
        assert (units.on_hand, units.allocated, units.held) == (now.on_hand_units, now.allocated_units, now.held_units)
        assert level.stock == now
    allocated = dict.fromkeys(CODES, 0)
    for number in "1234":
        for entry in ledger.order(R, number).holding.entries:
            for part in entry.parts:
                allocated[part.sku] += part.each * entry.open_units
        assert all(units > 0 for units in held_units(ledger.order(R, number)).values())
    assert allocated == {code: ledger.stock(code).allocated_units for code in CODES}
