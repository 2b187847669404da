"""Random histories: everything that happens to a small merchant, as hypothesis draws it, through the ledger's own verbs."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from ledger.book import drift, loads, orders, pushes, returns, serving, shops, stock
from ledger.book.aliases import alias
from ledger.book.unify import undo_unify, unify
from ledger.codec import decode
from ledger.facts.listing import ListingSettingsChanged
from ledger.facts.load import ImportStarted
from ledger.facts.push import DriftFound, MallRead, MallReconciled, PushAnswered, PushSent, PushSettled
from ledger.facts.shop import DryRunReviewed
from ledger.terms import CancelReason, Door, ListingKey, OrderState, utc_text
from ledger.unify import Open, open_of
from tests.ledger.words import R, Y, at, cancel, counted, line, link, shipped, take, telling
from tests.projections.rig import Ledger, Step

SHOPS = (R, Y)
SKUS = ("A", "B", "C", "SET")
ITEMS = ("a", "b", "c", "set", "pair", "unknown")
OUTCOMES = ("applied", "accepted", "rejected", "refused", "throttled", "transient", "unknown", "rejected_auth")

shop_codes = st.sampled_from(SHOPS)
skus = st.sampled_from(SKUS)
items = st.sampled_from(ITEMS)
units = st.integers(0, 12)
numbers = st.sampled_from(("1", "2", "3"))
clocks = st.sampled_from(("09:30", "10:00", "10:00:20", "11:00", "11:59:59"))


def beginning(ledger: Ledger) -> None:
    """Two shops, three SKUs and a set, and their listings."""
    for shop, lowers, restores in ((R, "order", "no"), (Y, "payment", "yes")):
        mall, _, shop_id = shop.partition("-")
        settings = {"mall.lowers_at": lowers, "mall.restores_on_cancel": restores, "mall.units_max": "9"}
        ledger.must(
            shops.connect_shop(mall=mall, mall_shop_id=shop_id, match_key="sku", settings=settings),
            shops.start_intake(shop),
        )
    ledger.must(*(counted(sku, 5) for sku in ("A", "B")), stock.define_set("SET", ["A", "B"], [1, 2]))
    for shop in SHOPS:
        ledger.must(*(link(shop, item, sku) for item, sku in (("a", "A"), ("b", "B"), ("c", "C"), ("set", "SET"))))
        ledger.must(link(shop, "pair", "A", 2, codes=("PAIR-1",)))
        ledger.must(
            shops.confirm_listings(shop, {ListingKey(item): (None, None) for item in ("a", "b", "set", "pair")})
        )


def _tried(make: Any, *values: object) -> Step:
    """A verb whose making already refuses some inputs."""

    def step(ledger: Ledger) -> object:
        try:
            return ledger.do(make(*values))
        except ValueError as refused:
            return refused

    return step


@st.composite
def told(draw: st.DrawFn) -> Step:
    """One telling of an order, by any door."""
    lines = draw(st.lists(st.tuples(items, st.integers(1, 3), st.booleans()), min_size=1, max_size=3))
    exact = draw(st.booleans())
    said = telling(
        *(line(item, count, quantity_known=known) for item, count, known in lines),
        told=draw(clocks),
        number=draw(numbers),
        door=draw(st.sampled_from((Door.MAIL, Door.API, Door.CSV))),
        state=draw(st.sampled_from((OrderState.PROVISIONAL, OrderState.CONFIRMED, OrderState.SHIPPED))),
        verified=draw(st.booleans()),
        complete=draw(st.booleans()),
        **({} if exact else {"ordered_at": None, "ordered_on": at("10:00").date()}),
    )
    shop, unnamed = draw(shop_codes), draw(st.booleans())
    return _tried(lambda: take(shop, said, unnamed=unnamed))


@st.composite
def cancelled(draw: st.DrawFn) -> Step:
    """A cancel, of the whole order or of a line."""
    lines = [line(draw(items), 1)] if draw(st.booleans()) else []
    said = cancel(draw(clocks), draw(numbers), *lines, reason=draw(st.sampled_from(list(CancelReason))))
    return _tried(take, draw(shop_codes), said)


@st.composite
def reconciled(draw: st.DrawFn) -> Step:
    """A run of 在庫照合 finds something, ends, and some of it is mended."""
    shop, run = draw(shop_codes), draw(numbers)
    listings = draw(st.lists(st.sampled_from(ITEMS[:5]), min_size=1, max_size=3, unique=True))
    how, steps = draw(st.sampled_from(("push_again", "take_mall_number"))), draw(st.integers(1, 3))

    def step(ledger: Ledger) -> object:
        made, count = f"{run}-{ledger.clock.now().timestamp()}", len(listings)
        nothing: list[int | None] = [None] * count
        found = DriftFound(
            run=made,
            listings=[f"{item}:" for item in listings],
            read_units=nothing,
            told_units=nothing,
            expected_units=nothing,
            wanted_units=[1] * count,
            classes=["edit"] * count,
            evidence=["gap:+1\tpush:1"] * count,
            sure=[True] * count,
            read_positions=[1] * count,
            known_positions=[1] * count,
        )
        over = MallReconciled(
            run=made, door="api", trigger="person", listings=9, same=8, agree=8, classes=["edit"], counts=[count]
        )
        mended = drift.mended(shop, made, how, [ListingKey(item) for item in listings[:1]])
        return ledger.do(*(drift.record_drift(shop, found), drift.record_reconciled(shop, over), mended)[:steps])

    return step


@st.composite
def pushed(draw: st.DrawFn) -> Step:
    """A request is sent, and perhaps answered, and perhaps settled."""
    shop, channel = draw(shop_codes), draw(st.sampled_from(("api", "file")))
    listings = draw(st.lists(st.sampled_from(ITEMS[:5]), min_size=1, max_size=3, unique=True))
    numbers_told = draw(st.lists(units, min_size=len(listings), max_size=len(listings)))
    answers = draw(st.lists(st.sampled_from(OUTCOMES), min_size=len(listings), max_size=len(listings)))
    ends = draw(st.lists(st.sampled_from(OUTCOMES), min_size=len(listings), max_size=len(listings)))
    steps = draw(st.integers(1, 3))

    def step(ledger: Ledger) -> object:
        request = f"{shop}-{ledger.clock.now().timestamp()}"
        position = ledger.rows("SELECT position FROM ledger_head")[0][0]
        moment = ledger.clock.now()
        sent = _sent(request, channel, listings, numbers_told, position, utc_text(moment + timedelta(minutes=5)))
        begun, ended = utc_text(moment), utc_text(moment + timedelta(seconds=2))
        codes = ["E-1"] * len(listings)
        answered = PushAnswered(
            request=request, outcomes=answers, codes=codes, sent_at=begun, applied_from=begun, applied_until=ended
        )
        settled = PushSettled(
            request=request, outcomes=ends, codes=codes, applied_from=begun, applied_until=ended, evidence_position=0
        )
        verbs = (
            pushes.record_push_sent(shop, sent),
            pushes.record_push_answered(shop, answered),
            pushes.record_push_settled(shop, settled),
        )
        return ledger.do(*verbs[:steps])

    return step


def _sent(
    request: str, channel: str, listings: Sequence[str], told_units: Sequence[int], position: int, dead_after: str
) -> PushSent:
    return PushSent(
        request=request,
        channel=channel,
        triggers=["changed"] * len(listings),
        listings=[f"{item}:" for item in listings],
        units=list(told_units),
        computed_at=position,
        expected_before=[None] * len(listings),
        look_position=0,
        look_at=None,
        dead_after=dead_after,
        attempt=1,
        sync=None,
        parent_request=None,
    )


@st.composite
def read(draw: st.DrawFn) -> Step:
    """A mall's numbers are read."""
    listings = draw(st.lists(st.sampled_from(ITEMS[:5]), min_size=1, max_size=3, unique=True))
    seen = draw(st.lists(st.none() | units, min_size=len(listings), max_size=len(listings)))
    shop = draw(shop_codes)
    yes = [True] * len(listings)

    def step(ledger: Ledger) -> object:
        moment = utc_text(ledger.clock.now())
        shown = MallRead(
            door="api", listings=[f"{i}:" for i in listings], units=seen, found=yes, sellable=yes, read_at=moment
        )
        return ledger.do(pushes.record_read(shop, shown))

    return step


@st.composite
def ruled(draw: st.DrawFn) -> Step:
    """A listing's own rules change."""
    threshold = draw(st.none() | st.integers(0, 3))
    settings = ListingSettingsChanged(
        reserve=draw(st.integers(0, 2)),
        share_percent=draw(st.sampled_from((10, 50, 100))),
        cap=draw(st.none() | st.integers(0, 5)),
        stop_threshold=threshold,
        resume_level=None if threshold is None else threshold + draw(st.integers(1, 3)),
        first_choice=draw(st.booleans()),
    )
    return _tried(shops.change_listing_settings, draw(shop_codes), [ListingKey(draw(items))], settings)


@st.composite
def switched(draw: st.DrawFn) -> Step:
    """A listing or a shop is switched, linked again, or set."""
    shop, key = draw(shop_codes), ListingKey(draw(items))
    flag, sku, most = draw(st.booleans()), draw(skus), draw(st.integers(1, 9))
    reviewed = DryRunReviewed(
        read_position=1, listings=1, changed=0, to_zero=0, unregistered=0, sells_at_zero=0, guard_passed=True
    )
    verbs = (
        lambda: shops.stop_listings(shop, [key], show_zero=flag),
        lambda: shops.start_listings(shop, [key]),
        lambda: shops.confirm_listings(shop, {key: (1, 1)}),
        lambda: shops.ask_resend(shop, [key]),
        lambda: shops.retire_listings(shop, [key], "ended"),
        lambda: link(shop, key.item, sku, 1 + flag),
        lambda: shops.change_shop_settings(shop, {"mall.units_max": str(most)}),
        lambda: shops.start_intake(shop),
        lambda: shops.stop_intake(shop),
        lambda: shops.prove_intake(shop, "mail"),
        lambda: shops.review_dry_run(shop, reviewed),
        lambda: shops.start_push(shop, kept_position=0),
        lambda: shops.pause_shop(shop, "breaker"),
        lambda: shops.resume_shop(shop),
    )
    return _tried(draw(st.sampled_from(verbs)))


@st.composite
def moved(draw: st.DrawFn) -> Step:
    """Units move: counted, received, kept back, held, taken out, a recipe changed."""
    sku, count, hold = draw(skus), draw(units), draw(st.sampled_from(("h1", "h2")))
    clock, slip = draw(clocks), draw(st.sampled_from(("s1", "s2", "s3")))
    verbs = (
        lambda: counted(sku, count, clock, owed="after"),
        lambda: stock.add(sku, count),
        lambda: stock.receive(slip, [("1", sku, count + 1)]),
        lambda: stock.take_out(sku, "sample", count),
        lambda: stock.take_back(sku, "", count, "good"),
        lambda: stock.mark_defective(sku, count),
        lambda: stock.keep_back(sku, count),
        lambda: stock.place_hold(hold, reference="r-1", code=sku, units=1, ends_at=at("23:00")),
        lambda: stock.end_hold(hold, expired=False),
        lambda: stock.define_set("SET", ["A", "C"] if count % 2 else ["B"], [1, 2] if count % 2 else [1]),
    )
    return _tried(draw(st.sampled_from(verbs)))


@st.composite
def tended(draw: st.DrawFn) -> Step:
    """A person or a carrier says something of an order."""
    shop, number, sku, item = draw(shop_codes), draw(numbers), draw(skus), draw(items)
    verbs = (
        lambda: shipped(number, shop),
        lambda: shipped(number, shop, scope="sku", skus=[sku], units=[1], slip="p-1", cumulative=False),
        lambda: orders.verify_order(shop, number, "person"),
        lambda: orders.link_line(shop, number, item, "", "", ListingKey(item)),
        lambda: serving.set_priority(shop, number, 2),
        lambda: serving.move_served(shop, number, sku, 1, shop, "2"),
        lambda: returns.take_return(shop, number, sku, 1, "good"),
        lambda: orders.close_review(shop, number, "quantity_unknown", "seen"),
        lambda: orders.settle_undecided(shop, number, sku, "sale"),
        lambda: orders.assume_shipped(shop, number, 14),
    )
    return _tried(draw(st.sampled_from(verbs)))


@st.composite
def imported(draw: st.DrawFn) -> Step:
    """A file's import begins and ends."""
    name = draw(st.sampled_from(("i1", "i2")))
    ends = draw(st.booleans())
    started = ImportStarted(
        shop=R,
        kind="stock",
        mode="overwrite",
        format="dl-normal-item",
        encoding="cp932",
        file_digest="00",
        rows=3,
        counted_at=utc_text(at("09:00")),
    )
    end = loads.finish_import(name, rows=3, unchanged=3) if ends else loads.cancel_import(name)
    return lambda ledger: ledger.do(loads.start_import(name, started), end)


def happenings() -> st.SearchStrategy[Step]:
    """Anything that may happen."""
    return st.one_of(
        told(),
        told(),
        cancelled(),
        pushed(),
        pushed(),
        read(),
        reconciled(),
        ruled(),
        switched(),
        moved(),
        tended(),
        imported(),
        unified(),
    )


def unified() -> st.SearchStrategy[Step]:
    """Two SKUs are made one, or parted again; a code becomes an alias."""
    pairs = st.sampled_from((("A", "B"), ("B", "A"), ("C", "A")))

    def promised(ledger: Ledger, code: str) -> Open:
        rows = ledger.rows(
            "SELECT notification_id, originator_id, originator_version, topic, state FROM ledger_events"
            f" WHERE originator_id = 'stock:main:{code}' ORDER BY originator_version"
        )
        return open_of(decode(row[0], row[1], row[2], row[3], bytes(row[4])) for row in rows)

    def make_one(pair: tuple[str, str], choice: str) -> Step:
        pages = [(shop, ListingKey(item)) for shop in SHOPS for item in ("a", "b", "c", "pair")]
        return lambda ledger: _tried(unify, *pair, choice, promised(ledger, pair[0]), pages)(ledger)

    def part(pair: tuple[str, str]) -> Step:
        return lambda ledger: _tried(undo_unify, pair[0], promised(ledger, pair[1]))(ledger)

    return st.one_of(
        st.builds(make_one, pairs, st.sampled_from(("sum", "from", "into"))),
        st.builds(part, pairs),
        st.builds(lambda code, gone: _tried(lambda: alias(code, "x-1", remove=gone)), skus, st.booleans()),
    )
