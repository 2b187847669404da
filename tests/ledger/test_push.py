"""Pushes: the fence, and the life of one request."""

from dataclasses import replace

import pytest

from ledger import push
from ledger.book import pushes
from ledger.facts.push import MallRead, PushAnswered, PushSent, PushSettled
from ledger.push import FenceBroken, FileNotFinished, RequestNotOpen
from ledger.terms import utc_text
from tests.ledger.given import Memory, given
from tests.ledger.words import Y, at, counted


def sent(request: str = "r1", computed_at: int = 1, units: tuple[int, ...] = (5,), **more: object) -> PushSent:
    listings = [f"x{n}:" for n in range(len(units))]
    usual = PushSent(
        request=request,
        channel="api",
        triggers=["changed"] * len(units),
        listings=listings,
        units=list(units),
        computed_at=computed_at,
        expected_before=[None] * len(units),
        look_position=0,
        look_at=None,
        dead_after=utc_text(at("12:01")),
        attempt=1,
        sync=None,
        parent_request=None,
    )
    return replace(usual, **more)  # type: ignore[arg-type]


def answered(request: str, *outcomes: str) -> PushAnswered:
    moment = utc_text(at("12:00"))
    return PushAnswered(
        request=request,
        outcomes=list(outcomes),
        codes=[""] * len(outcomes),
        sent_at=moment,
        applied_from=moment,
        applied_until=moment,
    )


def settled(request: str, *outcomes: str) -> PushSettled:
    moment = utc_text(at("12:05"))
    return PushSettled(
        request=request,
        outcomes=list(outcomes),
        codes=[""] * len(outcomes),
        applied_from=moment,
        applied_until=moment,
        evidence_position=1,
    )


def ledger_at(position: int) -> Memory:
    """A ledger that has so many facts."""
    ledger = given(counted("X", 1), now=at("12:00"))
    while ledger.position < position:
        ledger.when(counted("X", 1))
    return ledger


def test_a_request_is_a_fact_before_it_leaves_and_the_same_again_is_none() -> None:
    ledger = ledger_at(4)
    assert ledger.when(pushes.record_push_sent(Y, sent("r1", 4))) == {"position": 5}
    ledger.when(pushes.record_push_sent(Y, sent("r1", 4)))
    assert ledger.names() == []


def test_an_older_number_never_follows_a_newer_one() -> None:
    ledger = ledger_at(9)
    ledger.when(pushes.record_push_sent(Y, sent("r1", 7)))
    with pytest.raises(FenceBroken, match="numbers of position 6; expected position 7 or newer"):
        ledger.when(pushes.record_push_sent(Y, sent("r2", 6)))
    ledger.when(pushes.record_push_sent(Y, sent("r3", 7)))
    ledger.when(pushes.record_push_sent("rakuten-1", sent("r1", 2)))
    assert ledger.names() == ["PushSent"], "every shop has its own fence"


def test_numbers_are_never_computed_at_a_position_that_is_yet_to_come() -> None:
    ledger = ledger_at(4)
    with pytest.raises(AssertionError):
        ledger.when(pushes.record_push_sent(Y, sent("r1", 99)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"units": [-1]},
        {"triggers": []},
        {"listings": ["x0:", "x0:"], "units": [1, 1], "triggers": ["", ""], "expected_before": [None, None]},
        {"listings": [], "units": [], "triggers": [], "expected_before": []},
    ],
)
def test_a_request_that_would_say_nonsense_never_leaves(wrong: dict[str, object]) -> None:
    with pytest.raises(AssertionError):
        push.send([], sent(**wrong))  # type: ignore[arg-type]


def test_a_request_of_400_listings_with_one_row_at_fault_is_one_answer() -> None:
    ledger = ledger_at(4)
    ledger.when(pushes.record_push_sent(Y, sent("r1", 4, tuple(range(400)))))
    outcomes = ["refused"] * 399 + ["rejected"]
    ledger.when(pushes.record_push_answered(Y, answered("r1", *outcomes)))
    assert ledger.facts(PushAnswered)[0].outcomes.count("refused") == 399
    again = sent("r2", 4, tuple(range(399)), attempt=2, parent_request="r1")
    ledger.when(pushes.record_push_sent(Y, again))
    ledger.when(pushes.record_push_answered(Y, answered("r2", *["applied"] * 399)))
    assert ledger.names() == ["PushAnswered"]


def test_an_answer_is_of_a_request_that_was_sent_and_counts_once() -> None:
    ledger = ledger_at(4)
    with pytest.raises(RequestNotOpen, match="was not sent"):
        ledger.when(pushes.record_push_answered(Y, answered("r1", "applied")))
    ledger.when(pushes.record_push_sent(Y, sent("r1", 4)))
    with pytest.raises(RequestNotOpen, match="2 outcomes; expected 1"):
        ledger.when(pushes.record_push_answered(Y, answered("r1", "applied", "applied")))
    ledger.when(pushes.record_push_answered(Y, answered("r1", "applied")))
    ledger.when(pushes.record_push_answered(Y, answered("r1", "applied")))
    assert ledger.names() == []
    with pytest.raises(RequestNotOpen, match="answered before"):
        ledger.when(pushes.record_push_answered(Y, answered("r1", "unknown")))


def test_an_outcome_that_no_mall_can_give_is_ours_to_mend() -> None:
    ledger = ledger_at(4)
    ledger.when(pushes.record_push_sent(Y, sent("r1", 4)))
    with pytest.raises(ValueError, match="perhaps"):
        ledger.when(pushes.record_push_answered(Y, answered("r1", "perhaps")))


def test_an_unknown_push_is_settled_by_reading_it_back() -> None:
    ledger = ledger_at(4)
    ledger.when(pushes.record_push_sent(Y, sent("r1", 4)))
    ledger.when(pushes.record_push_answered(Y, answered("r1", "unknown")))
    moment = utc_text(at("12:03"))
    read = MallRead(door="api", listings=["x0:"], units=[5], found=[True], sellable=[True], read_at=moment)
    position = ledger.when(pushes.record_read(Y, read))["position"]
    assert position == ledger.position
    ledger.when(pushes.record_push_settled(Y, replace(settled("r1", "applied"), evidence_position=position)))
    assert ledger.names() == ["PushSettled"]
    ledger.when(pushes.record_push_settled(Y, settled("r1", "applied")))
    assert ledger.names() == []


def test_a_file_is_accepted_and_ends_later_with_one_outcome_a_listing() -> None:
    ledger = ledger_at(4)
    ledger.when(pushes.record_push_sent(Y, sent("f1", 4, (5, 6), channel="file")))
    ledger.when(pushes.record_push_answered(Y, answered("f1", "accepted", "accepted")))
    with pytest.raises(RequestNotOpen, match="1 outcomes; expected 2"):
        ledger.when(pushes.record_push_settled(Y, settled("f1", "applied")))
    ledger.when(pushes.record_push_settled(Y, settled("f1", "applied", "rejected")))
    assert ledger.names() == ["PushSettled"]


def test_a_listing_is_never_in_two_unfinished_files_and_a_lowering_goes_beside_one() -> None:
    ledger = ledger_at(4)
    ledger.when(pushes.record_push_sent(Y, sent("f1", 4, (10, 6), channel="file")))
    ledger.when(pushes.record_push_answered(Y, answered("f1", "accepted", "accepted")))
    with pytest.raises(FileNotFinished, match="1 listings are in request f1"):
        ledger.when(pushes.record_push_sent(Y, sent("f2", 4, (3,), channel="file")))
    ledger.when(pushes.record_push_sent(Y, sent("r1", 4, (3,))))
    ledger.when(pushes.record_push_answered(Y, answered("r1", "applied")))
    ledger.when(pushes.record_push_settled(Y, settled("f1", "applied", "applied")))
    ledger.when(pushes.record_push_sent(Y, sent("r2", 4, (3,))))
    ledger.when(pushes.record_push_sent(Y, sent("f2", 4, (3,), channel="file")))
    assert ledger.names() == ["PushSent"]


def test_a_file_that_got_no_answer_is_waited_for_until_it_can_no_longer_apply() -> None:
    ledger = ledger_at(4)
    ledger.when(pushes.record_push_sent(Y, sent("f1", 4, (10,), channel="file")))
    with pytest.raises(FileNotFinished):
        ledger.when(pushes.record_push_sent(Y, sent("f2", 4, (3,), channel="file")))
    ledger.now = at("12:01")
    ledger.when(pushes.record_push_sent(Y, sent("f2", 4, (3,), channel="file")))
    assert ledger.names() == ["PushSent"]


def test_a_look_says_up_to_when_orders_were_asked_for() -> None:
    ledger = ledger_at(4)
    assert ledger.when(pushes.record_look(Y, door="api", up_to=at("11:59"), found=2)) == {"position": 5}
    (looked,) = ledger.facts("OrdersLooked")
    assert (looked.up_to, looked.found) == (utc_text(at("11:59")), 2)
