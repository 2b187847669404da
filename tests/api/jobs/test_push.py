"""Pushing a shop at an emulated mall over real HTTP: what it is told when, and what every answer of the mall leads to."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import adapters
from adapters.kit.mall import ShopAccess
from api.database import Database
from api.jobs import push
from api.jobs.push import Pushing
from api.shop_access import ShopAccesses
from ledger import failpoint, keys
from ledger.book import By, shops, stock
from ledger.facts.push import PushAnswered, PushSent, PushSettled
from ledger.terms import ListingKey, ListingLevel, Outcome, Result
from tests.api.jobs.pushing import Stage, outcomes, selling_at, sent, stage, switch_on

CUP = ListingKey("cup", "blue")
PEN = ListingKey("pen", "red")


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Stage]:
    with stage(database, tmp_path) as found:
        yield found


@pytest.fixture
def sandbox(scene: Stage) -> Iterator[str]:
    with selling_at(scene, "sandbox", "one") as code:
        yield code


def test_a_lower_number_reaches_the_mall_as_two_facts(scene: Stage, sandbox: str) -> None:
    scene.stock("CUP", 3)
    scene.listing(sandbox, CUP, "CUP", shown=50)
    assert scene.push() > 0
    assert scene.shows(sandbox, CUP) == 3
    request, answered = scene.facts(sandbox)
    assert isinstance(request, PushSent)
    assert isinstance(answered, PushAnswered)
    assert (request.listings, request.units) == (["cup:blue"], [3])
    assert answered.outcomes == ["applied"]
    assert scene.push() == 0


# ------------------------------------------------------------------ the way of one order


def test_an_order_elsewhere_lowers_the_shop_and_its_own_order_tells_it_nothing(scene: Stage, sandbox: str) -> None:
    scene.stock("CUP", 20)
    scene.listing(sandbox, CUP, "CUP", shown=20)
    scene.push_until(lambda: not scene.push())
    with selling_at(scene, "sandbox", "two") as other:
        scene.listing(other, CUP, "CUP", shown=20)
        scene.push_until(lambda: scene.shows(other, CUP) == 20)
        pushed = len(sent(scene, sandbox)), len(sent(scene, other))
        scene.clock.sleep(60)
        scene.malls[sandbox].sell(CUP, 1)
        scene.order(sandbox, CUP, "CUP")
        scene.push()
        assert (scene.shows(sandbox, CUP), scene.shows(other, CUP)) == (19, 19)
        assert (len(sent(scene, sandbox)), len(sent(scene, other))) == (pushed[0], pushed[1] + 1)


def test_a_push_goes_on_with_the_trace_of_what_changed_the_number(scene: Stage, sandbox: str) -> None:
    scene.told(sandbox, CUP, "CUP", 20)
    scene.house.book.do(stock.take_out("CUP", "sample", 3), By("user:1", "the-way-of-this-one"))
    scene.push()
    facts = scene.records(keys.push(sandbox))[-2:]
    assert [record.name for record in facts] == ["PushSent", "PushAnswered"]
    assert [record.envelope.trace for record in facts] == ["the-way-of-this-one"] * 2


def test_while_the_mall_cannot_be_read_a_raise_waits_and_a_lower_number_goes(scene: Stage, sandbox: str) -> None:
    scene.told(sandbox, CUP, "CUP", 5)
    scene.meets(sandbox, "garbage", times=1_000, path="/v1/stock/read")
    scene.do(stock.receive("slip-1", [("1", "CUP", 3)]))
    scene.push()
    scene.push(wait=30)
    assert scene.shows(sandbox, CUP) == 5
    scene.do(stock.take_out("CUP", "sample", 6))
    scene.push(wait=1)
    assert scene.shows(sandbox, CUP) == 2
    scene.malls[sandbox].faults.clear()
    scene.do(stock.receive("slip-2", [("1", "CUP", 1)]))
    scene.push_until(lambda: scene.shows(sandbox, CUP) == 3, seconds=400)


def test_a_raise_looks_first_and_leaves_out_what_the_look_found(scene: Stage, sandbox: str) -> None:
    scene.stock("CUP", 5)
    scene.listing(sandbox, CUP, "CUP", shown=5)
    scene.push_until(lambda: not scene.push())
    scene.clock.sleep(60)
    scene.malls[sandbox].sell(CUP, 1)  # its mail is late
    scene.do(stock.receive("slip-1", [("1", "CUP", 3)]))
    scene.push()
    assert scene.shows(sandbox, CUP) == 7  # 8 less the one that the look found sold
    assert sent(scene, sandbox)[-1].look_position > 0
    scene.order(sandbox, CUP, "CUP", ordered_at=scene.clock.now() - timedelta(seconds=40))
    scene.push_until(lambda: not scene.push(), seconds=30)
    assert scene.shows(sandbox, CUP) == 7
    scene.clock.sleep(700)
    scene.push_until(lambda: not scene.push(), seconds=30)
    assert scene.shows(sandbox, CUP) == 7


def test_units_whose_order_never_comes_are_sold_again_after_ten_minutes(scene: Stage, sandbox: str) -> None:
    scene.stock("CUP", 5)
    scene.listing(sandbox, CUP, "CUP", shown=5)
    scene.push_until(lambda: not scene.push())
    scene.clock.sleep(60)
    scene.malls[sandbox].set_stock(CUP, 4)  # a person at the mall
    scene.do(stock.receive("slip-1", [("1", "CUP", 3)]))
    scene.push()
    assert scene.shows(sandbox, CUP) == 7
    scene.clock.sleep(599)
    scene.push_until(lambda: scene.shows(sandbox, CUP) == 8, seconds=30)


def test_nothing_is_sent_for_a_listing_to_be_confirmed_or_a_shop_that_does_not_push(scene: Stage) -> None:
    with selling_at(scene, "sandbox", "one", push_now=False) as code:
        scene.stock("CUP", 3)
        scene.listing(code, CUP, "CUP", shown=50)
        assert scene.push() == 0
        switch_on(scene, code)
        scene.malls[code].set_stock(PEN, 9)
        scene.do(shops.link_listing(code, PEN, "CUP"))
        scene.push()
        assert (scene.shows(code, CUP), scene.shows(code, PEN)) == (3, 9)


def test_after_stop_no_request_leaves(scene: Stage, sandbox: str) -> None:
    scene.stock("CUP", 3)
    scene.listing(sandbox, CUP, "CUP", shown=50)
    scene.do(shops.stop_push(sandbox))
    assert scene.push() == 0
    assert scene.shows(sandbox, CUP) == 50


def test_a_stop_between_reading_and_sending_is_seen_under_the_lock(scene: Stage, sandbox: str) -> None:
    scene.told(sandbox, CUP, "CUP", 50)
    scene.stock("CUP", 3)
    requests = len(sent(scene, sandbox))

    def stop_comes(name: str) -> None:
        if name == "push.computed":
            scene.do(shops.stop_push(sandbox))

    failpoint.arm(stop_comes)
    try:
        scene.push()
    finally:
        failpoint.arm(None)
    assert len(sent(scene, sandbox)) == requests
    assert scene.shows(sandbox, CUP) == 50


def test_an_order_told_between_reading_and_sending_holds_a_raise_back(scene: Stage, sandbox: str) -> None:
    scene.told(sandbox, CUP, "CUP", 3)
    scene.do(stock.receive("slip-1", [("1", "CUP", 2)]))
    told: list[str] = []

    def order_comes(name: str) -> None:
        if name == "push.computed" and not told:
            told.append(scene.order(sandbox, PEN, "CUP"))

    scene.do(shops.link_listing(sandbox, PEN, "CUP"))
    failpoint.arm(order_comes)
    try:
        scene.push()
    finally:
        failpoint.arm(None)
    assert told
    assert [one.units for one in sent(scene, sandbox)][-1] == [4]
    assert scene.shows(sandbox, CUP) == 4


# ------------------------------------------------------------------ answers


def test_a_busy_mall_is_tried_again_when_it_says(scene: Stage, sandbox: str) -> None:
    scene.told(sandbox, CUP, "CUP", 50)
    scene.stock("CUP", 3)
    scene.meets(sandbox, "status", status=429, retry_after=7)
    scene.push()
    assert scene.push(wait=5) == 0
    scene.push(wait=2.1)
    assert scene.shows(sandbox, CUP) == 3
    assert outcomes(scene, sandbox)[-2:] == [["throttled"], ["applied"]]


def test_a_failing_mall_is_left_alone_for_longer_each_time(scene: Stage, sandbox: str) -> None:
    scene.told(sandbox, CUP, "CUP", 50)
    scene.stock("CUP", 3)
    scene.meets(sandbox, "status", times=6, status=500)
    moments = []
    for _ in range(400):
        before = len(sent(scene, sandbox))
        scene.push(wait=0.25)
        if len(sent(scene, sandbox)) > before:
            moments.append(scene.clock.monotonic())
        if scene.shows(sandbox, CUP) == 3:
            break
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    assert len(moments) == 7
    assert gaps[3] > gaps[0]
    assert gaps[4] > 4  # the breaker rests
    assert outcomes(scene, sandbox)[-1] == ["applied"]


def test_a_refused_key_stops_the_shop_and_says_so(scene: Stage, sandbox: str) -> None:
    scene.told(sandbox, CUP, "CUP", 50)
    scene.stock("CUP", 3)
    scene.meets(sandbox, "status", status=401)
    scene.push()
    assert scene.shop(sandbox).paused == "http_401"
    assert scene.push(wait=60) == 0
    scene.do(shops.resume_shop(sandbox))
    scene.push(wait=60)
    assert scene.shows(sandbox, CUP) == 3


@pytest.mark.parametrize("kind", ["garbage", "garbage_after", "half", "drop", "drop_before"])
def test_an_answer_nobody_understands_is_read_back_once_it_can_no_longer_apply(
    scene: Stage, sandbox: str, kind: str
) -> None:
    scene.told(sandbox, CUP, "CUP", 50)
    scene.stock("CUP", 3)
    before = len(scene.malls[sandbox].pushes)
    scene.meets(sandbox, kind)
    scene.push()
    assert outcomes(scene, sandbox)[-1] == ["unknown"]
    assert scene.push(wait=3) == 0

    def settled() -> list[PushSettled]:
        return [fact for fact in scene.facts(sandbox) if isinstance(fact, PushSettled)]

    scene.push_until(lambda: len(settled()) == 1 and not scene.push(), seconds=30)
    assert scene.shows(sandbox, CUP) == 3
    assert settled()[0].evidence_position > 0
    assert scene.push(wait=600) == 0
    assert len(scene.malls[sandbox].pushes) <= before + 2


@pytest.mark.parametrize("applies", [True, False])
def test_a_number_that_was_only_accepted_is_read_back_and_settled(scene: Stage, sandbox: str, applies: bool) -> None:
    scene.told(sandbox, CUP, "CUP", 50)
    scene.stock("CUP", 3)
    accepting = accepts(scene, applies=applies, times=1)
    push.push_due(accepting)
    assert outcomes(scene, sandbox)[-1] == ["accepted"]
    assert not any(isinstance(fact, PushSettled) for fact in scene.facts(sandbox)), "accepted is not applied"
    for _ in range(60):
        scene.clock.sleep(1)
        push.push_due(accepting)
    (settled,) = [fact for fact in scene.facts(sandbox) if isinstance(fact, PushSettled)]
    assert settled.outcomes == ["applied" if applies else "transient"]
    assert scene.shows(sandbox, CUP) == 3
    assert len([one for one in scene.malls[sandbox].pushes if one.levels == ((CUP, 3),)]) == 1
    scene.stock("CUP", 2)
    push.push_due(accepting)
    assert scene.shows(sandbox, CUP) == 2, "nothing is in flight any more"


def accepts(scene: Stage, *, applies: bool, times: int) -> Pushing:
    """Pushing to a mall that says "accepted" so often, and applies those numbers or loses them."""
    mall, left = adapters.mall("sandbox"), [times]
    push_api = mall.push_api
    assert callable(push_api)

    def accepted(access: ShopAccess, levels: Sequence[ListingLevel]) -> list[Outcome]:
        if left[0] == 0:
            return push_api(access, levels)
        left[0] -= 1
        if applies:
            push_api(access, levels)
        return [Outcome(Result.ACCEPTED)] * len(levels)

    accesses = ShopAccesses(scene.house, mall_of=lambda _: replace(mall, push_api=accepted))
    scene.opened.append(accesses)
    return replace(scene.pushing, accesses=accesses)


def test_a_lower_number_does_not_wait_for_a_lost_answer(scene: Stage, sandbox: str) -> None:
    scene.told(sandbox, CUP, "CUP", 50)
    scene.stock("CUP", 20)
    scene.meets(sandbox, "drop")
    scene.push()
    scene.stock("CUP", 0)
    scene.push(wait=2)
    assert scene.shows(sandbox, CUP) == 0


def test_a_listing_the_mall_refuses_waits_on_the_work_list_and_the_others_are_told(scene: Stage, sandbox: str) -> None:
    scene.told(sandbox, CUP, "CUP", 50)
    scene.told(sandbox, PEN, "PEN", 50)
    scene.stock("CUP", 3)
    scene.stock("PEN", 4)
    del scene.malls[sandbox].stock[PEN]
    scene.push()
    assert outcomes(scene, sandbox)[-1] == ["applied", "rejected"]
    assert scene.push(wait=600) == 0
    scene.malls[sandbox].set_stock(PEN, 50)
    scene.do(shops.ask_resend(sandbox, [PEN]))
    scene.push_until(lambda: scene.shows(sandbox, PEN) == 4, seconds=30)


def test_a_rejected_zero_is_tried_again_once_an_hour(scene: Stage, sandbox: str) -> None:
    scene.stock("PEN", 0)
    scene.listing(sandbox, PEN, "PEN", shown=50)
    del scene.malls[sandbox].stock[PEN]
    scene.push()
    assert outcomes(scene, sandbox) == [["rejected"]]
    scene.push_until(lambda: len(sent(scene, sandbox)) == 2, seconds=3_700, step=60)
    assert scene.clock.monotonic() > 3_600


def test_listings_the_mall_does_not_know_keep_nobody_waiting_and_are_asked_for_again(
    scene: Stage, sandbox: str
) -> None:
    scene.told(sandbox, PEN, "PEN", 20)
    scene.stock("CUP", 3)
    scene.listing(sandbox, CUP, "CUP", shown=50)
    del scene.malls[sandbox].stock[CUP]
    scene.push()
    scene.stock("PEN", 15)
    scene.push(wait=1)
    assert scene.shows(sandbox, PEN) == 15
    requests = scene.malls[sandbox].requests_seen
    scene.push(wait=300)
    assert scene.malls[sandbox].requests_seen == requests
    scene.malls[sandbox].set_stock(CUP, 50)
    scene.push_until(lambda: scene.shows(sandbox, CUP) == 3, seconds=700, step=20)


def test_a_number_is_sent_in_as_many_requests_as_the_mall_wants(scene: Stage, sandbox: str) -> None:
    for number in range(120):
        scene.stock(f"SKU-{number}", 1)
        scene.listing(sandbox, ListingKey(f"item-{number}", "v"), f"SKU-{number}", shown=50)
    scene.push_until(lambda: not scene.push())
    assert [len(one.listings) for one in sent(scene, sandbox)] == [50, 50, 20]
    assert scene.malls[sandbox].requests_seen == 5  # two looks before the first numbers


# ------------------------------------------------------------------ workers and crashes


def test_of_two_workers_one_pushes_a_shop(scene: Stage, sandbox: str) -> None:
    scene.stock("CUP", 3)
    scene.listing(sandbox, CUP, "CUP", shown=50)
    other, meanwhile = scene.another_worker(), []

    def other_tries(name: str) -> None:
        if name == "push.sent_recorded":
            meanwhile.append(push.push_shop(other, sandbox))

    failpoint.arm(other_tries)
    try:
        scene.push()
    finally:
        failpoint.arm(None)
    assert meanwhile == [0]
    assert len(sent(scene, sandbox)) == 1
