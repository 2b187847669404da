"""SKUs made one and parted again in the midst of any day: units are kept, I1 and I2 hold, and a replay gives the same levels.

I1, I2 and I4 are checked after every commit (``given.Memory``).
"""

from collections.abc import Callable
from typing import Any

from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as some

from ledger.book import Verb, orders, returns, stock
from ledger.levels import Level, replay
from ledger.terms import CancelReason, Door
from ledger.unify import CHOICES
from tests.ledger.given import Memory, given
from tests.ledger.unified import make_one, part_again
from tests.ledger.words import R, Y, at, cancel, counted, line, link, shipped, take, telling

CODES = ("A", "B", "C")
ITEMS = {"a": "A", "b": "B", "c": "C", "set": "SET"}
NUMBERS = tuple("12345")

Step = Verb | Callable[[Memory], Any]


def shelf() -> Memory:
    """Twenty of A, B and C, a set of two A and one C; all of them sold at both shops."""
    ledger = given(*(counted(code, 20) for code in CODES), stock.define_set("SET", ["A", "C"], [2, 1]), now=at("20:00"))
    for shop in (R, Y):
        for item, sku in ITEMS.items():
            ledger.when(link(shop, item, sku))
    return ledger


def told(number: str, item: str, quantity: int, minute: int, door: Door) -> Verb:
    shop = R if number in "123" else Y
    said = telling(line(item, quantity), number=number, told=f"10:{minute:02}", ordered="09:30", door=door)
    return take(shop, said)


numbers = some.sampled_from(NUMBERS)
orders_told = some.builds(
    told,
    numbers,
    some.sampled_from(sorted(ITEMS)),
    some.integers(1, 3),
    some.integers(0, 59),
    some.sampled_from([Door.MAIL, Door.API]),
)
moves = some.one_of(
    orders_told,
    orders_told,
    some.builds(
        lambda n, reason: take(R if n in "123" else Y, cancel("11:00", n, reason=reason)),
        numbers,
        some.sampled_from([CancelReason.BUYER, CancelReason.UNKNOWN, CancelReason.OUT_OF_STOCK]),
    ),
    some.builds(lambda n: shipped(n, R if n in "123" else Y), numbers),
    some.builds(
        lambda n, c, to: orders.settle_undecided(R, n, c, to), numbers, some.sampled_from(CODES), some.just("sale")
    ),
    some.builds(lambda n, c: returns.take_return(R, n, c, 1, "good"), numbers, some.sampled_from(CODES)),
    some.builds(
        lambda name, c: stock.place_hold(name, reference="W", code=c, units=1, ends_at=at("23:00")),
        some.sampled_from("hk"),
        some.sampled_from(CODES),
    ),
    some.builds(lambda name: stock.end_hold(name, expired=False), some.sampled_from("hk")),
    some.builds(lambda c, n: counted(c, n, "10:30"), some.sampled_from(CODES), some.integers(0, 30)),
    some.builds(lambda c, n: stock.add(c, n), some.sampled_from(CODES), some.integers(1, 3)),
    some.builds(lambda c, n: stock.keep_back(c, n), some.sampled_from(CODES), some.integers(0, 3)),
)
pairs = some.sampled_from([("A", "B"), ("B", "A"), ("A", "C"), ("B", "C")])


def making_one(pair: tuple[str, str], choice: str) -> Step:
    return lambda ledger: make_one(ledger, pair[0], pair[1], choice)


def parting(pair: tuple[str, str]) -> Step:
    return lambda ledger: part_again(ledger, pair[0], pair[1])


unites = some.builds(making_one, pairs, some.sampled_from(CHOICES))
parts = some.builds(parting, pairs)
steps = some.one_of(moves, moves, moves, unites, parts)


def totals(ledger: Memory) -> tuple[int, ...]:
    """On hand, allocated, held, defective, undecided of all SKUs together."""
    all_ = [ledger.stock(code) for code in CODES]
    return (
        sum(one.on_hand_units or 0 for one in all_),
        sum(one.allocated_units for one in all_),
        sum(one.held_units for one in all_),
        sum(one.defective_units for one in all_),
        sum(one.undecided_units for one in all_),
    )


def do(ledger: Memory, step: Step) -> bool:
    """The step is done, or refused without a fact; whether it was done."""
    try:
        if isinstance(step, Verb):
            ledger.when(step)
        else:
            step(ledger)
    except ValueError:
        return False
    return True


@settings(max_examples=150, deadline=None)
@over(some.lists(steps, min_size=5, max_size=40))
def test_units_are_kept_whatever_is_made_one_and_parted(day: list[Step]) -> None:
    ledger = shelf()
    for step in day:
        before, facts = totals(ledger), len(ledger.records)
        done = do(ledger, step)
        if not done:
            assert len(ledger.records) == facts, "what is refused records nothing"
        if isinstance(step, Verb) or not done:
            continue
        after = totals(ledger)
        assert after[1:] == before[1:], "what is promised, defective or waits is moved, and none is lost"
        unified = [r.fact for r in ledger.last if r.name == "SkusUnified"]
        if not unified or unified[0].choice == "sum":  # type: ignore[union-attr]
            assert after[0] == before[0]
    replayed: dict[tuple[str, str], Level] = {}
    for record in ledger.records:
        replay(replayed, record)
    for code in CODES:
        assert replayed["main", code] == ledger.levels["main", code]
    allocated = dict.fromkeys(CODES, 0)
    waiting = dict.fromkeys(CODES, 0)
    for number in NUMBERS:
        holding = ledger.order(R if number in "123" else Y, number).holding
        for entry in holding.entries:
            for part in entry.parts:
                allocated[part.sku] += part.each * entry.open_units
        for code, units in holding.undecided.items():
            waiting[code] += units
    assert allocated == {code: ledger.stock(code).allocated_units for code in CODES}
    assert waiting == {code: ledger.stock(code).undecided_units for code in CODES}


plain = some.lists(
    some.one_of(orders_told, some.builds(lambda n: take(R if n in "123" else Y, cancel("11:00", n)), numbers)),
    max_size=25,
)


@settings(max_examples=100, deadline=None)
@over(plain, some.integers(0, 25), some.integers(0, 25))
def test_a_sum_is_worth_the_same_whenever_it_is_made_and_parting_it_leaves_the_sum(
    day: list[Verb], first: int, second: int
) -> None:
    """B into A at any moment of the day, in one of the ledgers parted again: together they have what was never made one has."""
    alone, one, parted = shelf(), shelf(), shelf()
    begins, ends = sorted((min(first, len(day)), min(second, len(day))))
    for n, verb in enumerate([*day, None]):
        for ledger in (one, parted):
            if n == begins:
                make_one(ledger, "B", "A")
        if n == ends:
            part_again(parted, "B", "A")
        if verb is not None:
            for ledger in (alone, one, parted):
                ledger.when(verb)

    def together(ledger: Memory) -> int:
        return sum(ledger.available(code) or 0 for code in ("A", "B"))

    assert together(alone) == together(one) == together(parted)
    assert [alone.available("C")] == [one.available("C")] == [parted.available("C")]
