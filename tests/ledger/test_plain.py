"""A plain row made in one step is what the rule, the encoder and the tables make of it."""

from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from ledger import keys, listing, load
from ledger.book.load_rows import How, bring, decide
from ledger.codec import Envelope, decode, encode, template, text
from ledger.facts.sku import SkuRegistered
from ledger.facts.stock import StockAdded
from ledger.levels import Effects, Level, Number, called_by, replay
from ledger.load import Linked, LoadRow, NewRow, PlainRow
from ledger.plain import PlainRows
from ledger.stock import Stock
from ledger.terms import MAIN_PLACE, UNITS_MAX
from ledger.view import Made, StreamRead, View
from tests.ledger.words import R, at

NOW = at("12:00")
CODE = '50%オフ:"カップ"'
STREAM = f"{keys.listings_of(R)}item:1"
BY = Envelope(NOW, "user:1", "trace %s", None, "cause")
COUNTED = Envelope(at("10:00"), "user:1", "trace %s", None, "cause")
PAIR = (MAIN_PLACE, CODE)

texts = st.sampled_from(("", "c", 'C-1/"赤"\tc%d', "\u2028\\"))
stocks = st.builds(
    lambda version, allocated, over, *others: Stock(version, allocated + over, allocated, *others),
    st.integers(1, 9),
    *(st.integers(0, 9) for _ in range(7)),
)
levels = st.builds(
    Level,
    stocks,
    st.integers(1, 50),
    st.integers(0, 50),
    st.sampled_from((None, at("09:00"))),
    st.sampled_from(("", R, "other")),
    st.integers(1, 2),
    st.just(0),
    st.sampled_from((0, 7)),
    st.booleans(),
)
hows = st.builds(
    How,
    st.just("import-1"),
    st.sampled_from((R, None)),
    st.just("overwrite"),
    st.just(at("10:00")),
    st.just(50),
    owed=st.sampled_from((None, "before", "after")),
)


def made(how: How, row: PlainRow | NewRow) -> View:
    """What the row makes in one step."""
    view = View(50, NOW)
    plain = PlainRows(BY, COUNTED, how.plain_covers, "import-1")
    if isinstance(row, PlainRow):
        plain.number(view, row)
    else:
        plain.first(view, row)
    return view


@settings(max_examples=300)
@over(hows, levels, st.sampled_from((1, 2, 9)), st.sampled_from((0, 7, UNITS_MAX // 9)), st.sampled_from(("", "c")))
def test_a_plain_number_is_what_deciding_and_recording_it_gives(
    how: How, level: Level, units_per_listing: int, units: int, codes: str
) -> None:
    own = how.shop is None
    linked = None if own else Linked(CODE, units_per_listing, False, 1, True)
    full = LoadRow(7, None if own else STREAM, CODE, units, codes=codes, moved=False, linked=linked, level=level)
    view = View(50, NOW)
    bring(view, how, [full])
    decided = decide(view, how, full)
    assert (decided.sku, decided.outcome, len(decided.drafts)) == (CODE, load.CHANGED, 1)
    view.apply(decided.drafts, BY)
    after = view.levels[PAIR]

    stock, stated = level.stock, units * (1 if own else units_per_listing)
    assert stock.on_hand_units is not None
    row = PlainRow(7, full.stream, CODE, stated, stock.version, stock.on_hand_units, stock.allocated_units)
    fast = made(how, row)
    assert (fast.facts, fast.position) == (view.facts, view.position)
    number = Number(CODE, after.stock.version, after.stock.on_hand_units or 0, 51, at("10:00"), how.shop or "")
    assert fast.effects == Effects(numbers=[number])
    changed = stock._replace(version=number.version, on_hand_units=number.on_hand_units)
    assert after == Level(changed, 51, 51, number.counted_at, number.counted_by, *level[5:8], True)
    again = {PAIR: level}
    for fact in fast.facts:
        replay(again, decode(*fact))
    assert again[PAIR] == after


@settings(max_examples=200)
@over(st.sampled_from((0, 7, UNITS_MAX)), texts, texts, texts, texts)
def test_a_first_number_is_what_deciding_and_recording_it_gives(
    units: int, name: str, jan: str, product: str, codes: str
) -> None:
    how = How("import-1", R, "overwrite", at("10:00"), 50)
    row = NewRow(7, STREAM, CODE, units, name, jan, product, codes, called_by(name, jan, product))
    full = row.unread()._replace(level=Level(), moved=False)
    assert (full.row, full.stream, full.sku, full.units, full.codes, full.called) == (
        7,
        STREAM,
        CODE,
        units,
        codes,
        row.called,
    )
    view = View(50, NOW)
    view.streams[STREAM] = StreamRead(0, [])
    bring(view, how, [full])
    decided = decide(view, how, full)
    assert (decided.sku, decided.outcome, len(decided.drafts)) == (CODE, load.CHANGED, 3)
    view.apply(decided.drafts, BY)
    assert view.state(STREAM, listing.FOLD).sku == CODE

    fast = made(how, row)
    assert (fast.facts, fast.position) == (view.facts, view.position)
    assert fast.effects == view.effects


def test_facts_made_ahead_are_adopted_less_those_of_skus_that_moved() -> None:
    how = How("import-1", R, "overwrite", at("10:00"), 50)
    ahead = View(50, NOW)
    plain = PlainRows(BY, COUNTED, how.plain_covers, "import-1")
    plain.number(ahead, PlainRow(2, STREAM, "A", 5, 1, 3, 0))
    plain.first(ahead, NewRow(3, STREAM, "B", 6, "", "", "", "", 0))
    plain.number(ahead, PlainRow(4, STREAM, "C", 7, 8, 3, 1))
    skus = ["A", "B", "B", "B", "C"]
    for without, positions in (
        (frozenset("A"), [61, 62, 63, 64]),
        (frozenset("B"), [61, 62]),
        (frozenset(), [*range(61, 66)]),
    ):
        view = View(60, NOW)
        view.adopt(Made(50, ahead.facts, skus, ahead.effects), without)
        assert [fact.position for fact in view.facts] == positions
        kept = [fact for fact, sku in zip(ahead.facts, skus, strict=True) if sku not in without]
        assert [fact[1:] for fact in view.facts] == [fact[1:] for fact in kept]
        assert [(n.sku, n.position) for n in view.effects.numbers] == [
            (sku, at_) for sku, at_ in (("A", positions[0]), ("C", positions[-1])) if sku not in without
        ]
        level = view.effects.levels.get((MAIN_PLACE, "B"))
        assert (level is None) == ("B" in without)
        if level is not None:
            assert level.position == level.counted_position == positions[-2]


def test_a_template_filled_with_numbers_is_the_encoded_fact() -> None:
    fact = StockAdded(before=1, after=3, on_hand=3, units=2, shop="100%d", import_id=None, row=7)
    envelope = Envelope(NOW, "user:1", "%d", "50%")
    made = template(envelope, fact, ("before", "after", "units", "row"))
    assert made % (1, 3, 2, 7) == encode(envelope, fact)


def test_a_template_filled_with_texts_and_lists_is_the_encoded_fact() -> None:
    made = template(BY, SkuRegistered("", "", "7", ""), ("sku", "name", "product"))
    fact = SkuRegistered(CODE, '"%b', "7", "")
    assert made % (text(CODE), text('"%b'), text("")) == encode(BY, fact)
