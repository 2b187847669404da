"""A plain number made in one step is what the rule, the encoder and the table make of it."""

from datetime import timedelta

from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from ledger import keys, load
from ledger.book.load_rows import How, bring, decide, is_plain
from ledger.codec import Envelope, decode, encode, template
from ledger.facts.stock import StockAdded
from ledger.levels import Effects, Level, replay
from ledger.load import Linked, LoadRow
from ledger.plain import PlainNumbers
from ledger.stock import Stock
from ledger.terms import MAIN_PLACE, UNITS_MAX
from ledger.view import View
from tests.ledger.words import R, at

NOW = at("12:00")
CODE = '50%オフ:"カップ"'
STREAM = f"{keys.listings_of(R)}item:1"

stocks = st.builds(
    Stock,
    st.integers(1, 9),
    st.one_of(st.none(), st.integers(-3, 9)),
    *(st.integers(0, 9) for _ in range(6)),
)
levels = st.builds(
    Level,
    stocks,
    st.integers(1, 50),
    st.integers(0, 50),
    st.sampled_from((None, at("09:00"), at("10:00"), at("11:00"))),
    st.sampled_from(("", R, "other")),
    st.integers(0, 2),
    st.sampled_from((0, 0, 0, 1)),
    st.sampled_from((0, 7)),
    st.booleans(),
)
linked = st.one_of(
    st.none(),
    st.builds(
        Linked, st.sampled_from((CODE, "")), st.sampled_from((1, 2, 9_999)), st.booleans(), st.just(1), st.booleans()
    ),
)
hows = st.builds(
    How,
    st.just("import-1"),
    st.sampled_from((R, None)),
    st.sampled_from(("overwrite", "overwrite", "overwrite", "add")),
    st.just(at("10:00")),
    st.just(50),
)


@st.composite
def rows(draw: st.DrawFn, how: How) -> LoadRow:
    own = how.shop is None
    return LoadRow(
        draw(st.integers(2, 9_999)),
        None if own else STREAM,
        CODE,
        draw(st.one_of(st.none(), st.integers(0, 9), st.just(UNITS_MAX))),
        codes=draw(st.sampled_from(("", "c"))),
        excluded=draw(st.sampled_from((False, False, True))),
        mode=draw(st.sampled_from(("", "", "add"))) if own else "",
        counted_at=draw(st.sampled_from((None, at("08:00")))) if own else None,
        called=draw(st.sampled_from((0, 7))),
        told_position=draw(st.sampled_from((0, 0, 5))),
        moved=draw(st.sampled_from((False, False, True))),
        linked=None if own else draw(linked),
        level=draw(levels),
    )


@settings(max_examples=400)
@over(hows.flatmap(lambda how: st.tuples(st.just(how), rows(how))))
def test_a_plain_number_is_what_deciding_and_recording_it_gives(drawn: tuple[How, LoadRow]) -> None:
    how, row = drawn
    assert row.level is not None
    if not is_plain(how, row, row.level):
        return
    envelope = Envelope(NOW, "user:1", "trace %s", None, "cause")
    view = View(50, NOW)
    bring(view, how, [row])
    decided = decide(view, how, row)
    assert (decided.sku, decided.outcome, len(decided.drafts)) == (CODE, load.CHANGED, 1)
    view.apply(decided.drafts, envelope)
    (fact,) = view.facts

    plain = PlainNumbers(Envelope(how.counted_at, "user:1", "trace %s", None, "cause"), how.plain_covers, "import-1")
    units = (row.units or 0) * (row.linked.units_per_listing if row.linked is not None else 1)
    assert plain.state(row.level.stock, units, row.row) == fact.state
    assert plain.after(row.level, units, fact.position) == view.levels[MAIN_PLACE, CODE]
    assert (plain.name, row.level.stock.version + 1) == (fact.name, fact.version)
    assert view.effects == Effects({(MAIN_PLACE, CODE): view.levels[MAIN_PLACE, CODE]})
    again = {(MAIN_PLACE, CODE): row.level}
    replay(again, decode(fact.position, fact.stream, fact.version, fact.name, fact.state))
    assert again[MAIN_PLACE, CODE] == view.levels[MAIN_PLACE, CODE]


def test_most_rows_of_the_property_are_not_all_of_one_kind() -> None:
    how = How("import-1", R, "overwrite", at("10:00"), 50)
    level = Level(Stock(1, 5), 9, 9, at("10:00") - timedelta(hours=1), R, 1)
    row = LoadRow(2, STREAM, CODE, 4, moved=False, linked=Linked(CODE, 1, False, 1, True), level=level)
    assert is_plain(how, row, level)
    assert not is_plain(how, row._replace(told_position=1), level)
    assert not is_plain(how, row, level._replace(counted_at=at("10:00")))


def test_a_template_filled_with_numbers_is_the_encoded_fact() -> None:
    fact = StockAdded(before=1, after=3, on_hand=3, units=2, shop="100%d", import_id=None, row=7)
    envelope = Envelope(NOW, "user:1", "%d", "50%")
    made = template(envelope, fact, ("before", "after", "units", "row"))
    assert made % (1, 3, 2, 7) == encode(envelope, fact)
