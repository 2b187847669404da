"""Any mixture of listings, mall texts and processing errors: what is told as applied is what the mall shows."""

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.kit.mall import ReadFailed
from adapters.qoo10.codes import Option
from adapters.qoo10.push import push
from adapters.qoo10.read_back import READ_BATCH_MAX, read_back
from ledger.terms import ListingKey, Result
from tests.adapters.qoo10.seller import World, level, world

VARIANTS = ("", "RED_S", "BLUE_S", "色$$赤", "色||*サイズ$$赤||*S", "色$$黒$$BLACK")
ITEMS = ("1234567890", "1234567891", "A-01", "000123")

keys = st.builds(ListingKey, st.sampled_from(ITEMS), st.sampled_from(VARIANTS))
levels = st.dictionaries(keys, st.integers(0, 9_999), min_size=1, max_size=10)


def prepared(found: World, known: set[ListingKey], renamed: set[ListingKey]) -> None:
    """The mall has these listings, some options under texts of its own, each with a price."""
    found.shop.stock.clear()
    for at, key in enumerate(sorted(known, key=str)):
        found.shop.set_stock(key, 7)
        if not key.variant:
            found.state.expires_on[key.item] = "2030-12-31"
        else:
            found.state.prices[key] = str(at * 10)
        if key in renamed and key.variant and "$$" not in key.variant:
            found.state.texts[key] = Option("名", f"値{at}", key.variant)


@settings(max_examples=60, deadline=None)
@given(
    wanted=levels,
    missing=st.sets(keys, max_size=2),
    renamed=st.sets(keys, max_size=4),
    broken_every=st.sampled_from((0, 2, 3, 5)),
    names_lines=st.booleans(),
)
def test_what_is_told_as_applied_is_what_the_mall_shows(
    wanted: dict[ListingKey, int],
    missing: set[ListingKey],
    renamed: set[ListingKey],
    broken_every: int,
    *,
    names_lines: bool,
) -> None:
    with world() as found:
        prepared(found, set(wanted) - missing, renamed)
        prices, ends = dict(found.state.prices), dict(found.state.expires_on)
        found.state.broken_every, found.state.names_lines = broken_every, names_lines
        outcomes = push(found.access, [level(key, units) for key, units in wanted.items()])
        for (key, units), outcome in zip(wanted.items(), outcomes, strict=True):
            if outcome.result is Result.APPLIED:
                shown = found.shop.stock.get(key)
                assert shown == units or (not key.variant and key not in found.shop.stock), (key, outcome)
            if key not in missing and not broken_every:
                assert outcome.result is Result.APPLIED, (key, outcome)
        assert (found.state.prices, found.state.expires_on) == (prices, ends)


@settings(max_examples=30, deadline=None)
@given(wanted=st.dictionaries(keys, st.integers(0, 9_999), min_size=1, max_size=READ_BATCH_MAX), renamed=st.sets(keys))
def test_what_was_told_is_what_is_read_back(wanted: dict[ListingKey, int], renamed: set[ListingKey]) -> None:
    with world() as found:
        prepared(found, set(wanted), renamed)
        push(found.access, [level(key, units) for key, units in wanted.items()])
        reads = read_back(found.access, list(wanted))
        assert not isinstance(reads, ReadFailed), reads
        assert [(one.key, one.units) for one in reads] == list(wanted.items())
