"""The lists read: keyset pages of the change log, push log, imports and shops; stock as of a position."""

import pytest

from ledger.book import loads, pushes, shops, stock
from ledger.facts.load import ImportStarted
from ledger.facts.push import PushAnswered, PushSent, PushSettled
from ledger.terms import utc_text
from projections import change_log, imports, push_log
from projections import shops as shop_list
from projections.reading import PageNotAccepted, position_at
from tests.ledger.words import R, Y, at, counted, line, link, order, shipped
from tests.projections.happenings import beginning
from tests.projections.rig import BY, Ledger


def _head(ledger: Ledger) -> int:
    return int(ledger.rows("SELECT position FROM ledger_head")[0][0])


def test_every_change_is_explained_by_its_order_file_or_person(ledger: Ledger) -> None:
    ledger.must(counted("A", 5), link(R, "a", "A"), order(R, "N-1", line("a", 2)), shipped("N-1"))
    ledger.must(stock.receive("slip-9", [("1", "A", 4)]), stock.take_out("A", "sample", 1))
    ledger.caught_up()
    rows = change_log.page(ledger.reader, ledger.schema, first=10).rows
    assert [(r.kind, r.units, r.delta, r.before, r.after, r.on_hand) for r in reversed(rows)] == [
        ("StockOverwritten", 5, 5, None, 5, 5),
        ("StockAllocated", 2, -2, 5, 3, 5),
        ("StockShipped", 2, 0, 3, 3, 3),
        ("StockReceived", 4, 4, 3, 7, 7),
        ("StockTakenOut", 1, -1, 7, 6, 6),
    ]
    taken, received, left, allocated, _ = rows
    assert (allocated.shop, allocated.order_number) == (left.shop, left.order_number) == (R, "N-1")
    assert allocated.happened_at == at("10:00")
    assert (received.reference, taken.reference, taken.actor, taken.trace) == ("slip-9", "sample", BY.actor, BY.trace)
    assert all(row.recorded_at.year == at("10:00").year for row in rows)


def test_pages_go_on_behind_their_last_row_and_filters_hold_for_every_row(ledger: Ledger) -> None:
    beginning(ledger)
    for n in range(7):
        ledger.must(order(R if n % 2 else Y, f"N-{n}", line("a"), line("b")))
    ledger.caught_up()

    def every(**filters: object) -> list[int]:
        found: list[int] = []
        before = None
        while True:
            page = change_log.page(ledger.reader, ledger.schema, first=3, before=before, **filters)  # type: ignore[arg-type]
            found += [row.position for row in page.rows]
            if not page.more:
                return found
            before = page.rows[-1].position

    everything = every()
    assert everything == sorted(everything, reverse=True)
    assert len(everything) == 2 + 14
    assert len(every(sku="A")) == 1 + 7
    assert len(every(shop=R)) == 6
    assert len(every(shop=Y, sku="B")) == 4
    assert len(every(order_number="N-3")) == 2
    assert len(every(kinds=["StockOverwritten"])) == 2
    moment = ledger.rows("SELECT committed_at FROM ledger_seals WHERE last_position >= %s ORDER BY 1", everything[3])[
        0
    ][0]
    later, earlier = every(recorded_from=moment), every(recorded_until=moment)
    assert set(later) | set(earlier) == set(everything)
    assert set(later) & set(earlier) == {
        p for p in everything if p <= position_at(ledger.reader, ledger.schema, moment)
    } & set(later)
    for first in (0, 101):
        with pytest.raises(PageNotAccepted, match="expected 1 to 100"):
            change_log.page(ledger.reader, ledger.schema, first=first)


def test_stock_as_of_a_position_is_what_was_known_then(ledger: Ledger) -> None:
    positions = [0]
    for verb in (counted("A", 5), link(R, "a", "A"), order(R, "N-1", line("a", 2)), shipped("N-1"), stock.add("B", 1)):
        ledger.must(verb)
        positions.append(_head(ledger))
    ledger.caught_up()
    then = [change_log.stock_as_of(ledger.reader, ledger.schema, "A", position) for position in positions]
    assert [(t.available, t.on_hand, t.allocated) for t in then] == [
        (None, None, None),
        (5, 5, 0),
        (5, 5, 0),
        (3, 5, 2),
        (3, 3, 0),
        (3, 3, 0),
    ]
    known = change_log.all_stock_as_of(ledger.reader, ledger.schema, positions[3], first=100)
    assert [(row.sku, row.available, row.on_hand) for row in known] == [("A", 3, 5)]
    now = change_log.all_stock_as_of(ledger.reader, ledger.schema, positions[-1], first=100)
    assert [row.sku for row in now] == ["A", "B"]
    assert change_log.all_stock_as_of(ledger.reader, ledger.schema, positions[-1], after_sku="A", first=100) == now[1:]


def _sent(ledger: Ledger, request: str, channel: str, listings: list[str]) -> PushSent:
    count = len(listings)
    return PushSent(
        request=request,
        channel=channel,
        triggers=["order"] * count,
        listings=listings,
        units=list(range(count)),
        computed_at=_head(ledger),
        expected_before=[None] * count,
        look_position=0,
        look_at=None,
        dead_after=utc_text(at("13:00")),
        attempt=1,
        sync=None,
        parent_request=None,
    )


def _answer(request: str, *outcomes: str) -> PushAnswered:
    begun, ended = utc_text(at("12:00:00")), utc_text(at("12:00:02"))
    return PushAnswered(
        request=request,
        outcomes=list(outcomes),
        codes=["E-9" if o == "rejected" else "" for o in outcomes],
        sent_at=begun,
        applied_from=begun,
        applied_until=ended,
    )


def _settle(request: str, *outcomes: str) -> PushSettled:
    moment = utc_text(at("12:30"))
    return PushSettled(
        request=request,
        outcomes=list(outcomes),
        codes=[""] * len(outcomes),
        applied_from=moment,
        applied_until=moment,
        evidence_position=0,
    )


@pytest.mark.parametrize("between", [False, True])
def test_a_push_is_a_row_a_listing_completed_by_its_answer_and_its_settlement(ledger: Ledger, between: bool) -> None:
    beginning(ledger)

    def step() -> None:
        if between:
            ledger.caught_up()

    ledger.must(pushes.record_push_sent(R, _sent(ledger, "q-1", "api", ["a:", "b:"])))
    step()
    ledger.must(pushes.record_push_answered(R, _answer("q-1", "applied", "rejected")))
    step()
    ledger.must(pushes.record_push_sent(R, _sent(ledger, "q-2", "file", ["a:"])))
    step()
    ledger.must(pushes.record_push_answered(R, _answer("q-2", "accepted")))
    step()
    ledger.must(pushes.record_push_settled(R, _settle("q-2", "applied")))
    ledger.caught_up()
    rows = push_log.page(ledger.reader, ledger.schema, first=10).rows
    assert [(r.request, r.item, r.units, r.outcome, r.mall_code, r.answer_milliseconds) for r in rows] == [
        ("q-2", "a", 0, "applied", None, 2_000),
        ("q-1", "b", 1, "rejected", "E-9", 2_000),
        ("q-1", "a", 0, "applied", None, 2_000),
    ]
    assert rows[0].applied_until == at("12:30")
    assert rows[0].sent_at == at("12:00")
    assert ledger.rows("SELECT count(*) FROM push_log_open") == [(0,)]
    first = push_log.page(ledger.reader, ledger.schema, first=1)
    assert first.more
    cursor = (first.rows[-1].position, first.rows[-1].place_in_request)
    rest = push_log.page(ledger.reader, ledger.schema, first=10, before=cursor)
    assert (*first.rows, *rest.rows) == rows
    of_a = push_log.page(ledger.reader, ledger.schema, first=10, listings=[(R, "a", "")])
    assert [row.request for row in of_a.rows] == ["q-2", "q-1"]
    assert len(push_log.page(ledger.reader, ledger.schema, first=10, shop=Y).rows) == 0
    assert [r.item for r in push_log.page(ledger.reader, ledger.schema, first=9, outcomes=["rejected"]).rows] == ["b"]
    assert [row.item for row in push_log.rows_of_request(ledger.reader, ledger.schema, rows[-1].position)] == ["a", "b"]


def test_imports_show_how_far_they_are_and_whether_a_file_came_before(ledger: Ledger) -> None:
    started = ImportStarted(
        shop=R,
        kind="stock",
        mode="overwrite",
        format="dl-normal-item",
        encoding="cp932",
        file_digest="d1",
        rows=0,
        counted_at=utc_text(at("09:00")),
    )
    beginning(ledger)
    ledger.must(loads.start_import("i-1", started), loads.finish_import("i-1", rows=0, unchanged=0))
    ledger.must(loads.start_import("i-2", started))
    ledger.caught_up()
    rows = imports.page(ledger.reader, ledger.schema, first=10).rows
    assert [(r.import_id, r.state, r.shop, r.rows_applied) for r in rows] == [
        ("i-2", "running", R, 0),
        ("i-1", "finished", R, 0),
    ]
    assert rows[1].ended_at is not None
    assert rows[1].started_at <= rows[1].ended_at
    assert [r.import_id for r in imports.same_file(ledger.reader, ledger.schema, "d1")] == ["i-1", "i-2"]
    ledger.must(loads.cancel_import("i-2"))
    ledger.caught_up()
    again = imports.one(ledger.reader, ledger.schema, "i-2")
    assert again is not None
    assert again.state == "cancelled"
    assert imports.one(ledger.reader, ledger.schema, "i-9") is None


def test_shops_show_their_switches_and_when_they_were_last_told_of_an_order(ledger: Ledger) -> None:
    beginning(ledger)
    ledger.must(order(R, "N-1", line("a")), order(R, "N-1", line("a"), told="10:05"), order(R, "N-2", line("b")))
    ledger.must(shops.prove_intake(R, "mail"), shops.change_shop_settings(R, {"mall.units_max": "50"}))
    ledger.caught_up()
    rows = shop_list.page(ledger.reader, ledger.schema, first=10).rows
    assert [(r.shop, r.mall, r.intake, r.intake_proven, r.push, r.orders) for r in rows] == [
        (R, "rakuten", True, True, False, 2),
        (Y, "yahoo_shopping", True, False, False, 0),
    ]
    assert rows[0].chosen["mall.units_max"] == "50"
    assert rows[0].last_order_at is not None
    assert rows[1].last_order_at is None
    assert not rows[0].as_shop.pushing
    assert shop_list.one(ledger.reader, ledger.schema, "nobody") is None
    assert shop_list.page(ledger.reader, ledger.schema, first=1).more
