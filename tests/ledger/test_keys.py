"""Names of streams: different things never share a stream, whatever characters a mall puts into a code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import keys
from ledger.terms import CODE_CHARACTERS_MAX, SKU_CHARACTERS_MAX, ListingKey

AWKWARD = st.text(
    st.sampled_from("%:aA0\x00\x1f\x7f\n\té①髙～-/ 2F5") | st.characters(exclude_categories=["Cs"]), max_size=30
)
CODES = st.text(st.characters(exclude_categories=["Cs"]), max_size=CODE_CHARACTERS_MAX)


@given(AWKWARD)
def test_a_part_is_read_back_as_it_was(text: str) -> None:
    assert keys.unpart(keys.part(text)) == text


@given(CODES)
def test_a_code_of_any_length_a_mall_allows_is_never_hashed(text: str) -> None:
    assert not keys.part(text).startswith("%%")
    assert keys.unpart(keys.part(text)) == text


@given(AWKWARD, AWKWARD)
def test_different_texts_are_different_parts(one: str, other: str) -> None:
    assert (keys.part(one) == keys.part(other)) == (one == other)


@given(st.lists(AWKWARD, min_size=1, max_size=3), st.lists(AWKWARD, min_size=1, max_size=3))
def test_parts_joined_never_meet(one: list[str], other: list[str]) -> None:
    joined = [":".join(keys.part(text) for text in texts) for texts in (one, other)]
    assert (joined[0] == joined[1]) == (one == other)


@given(AWKWARD)
def test_a_part_has_no_separator_and_no_control_character(text: str) -> None:
    assert not [c for c in keys.part(text) if c == ":" or ord(c) < 0x20 or ord(c) == 0x7F]


@given(AWKWARD, AWKWARD, AWKWARD)
def test_a_stream_gives_its_parts_back(shop: str, item: str, variant: str) -> None:
    stream = keys.listing(shop, ListingKey(item, variant))
    assert keys.kind_of(stream) == "listing"
    assert keys.parts_of(stream) == [shop, item, variant]


@given(AWKWARD, AWKWARD)
def test_a_listing_in_a_parallel_list_is_read_back(item: str, variant: str) -> None:
    assert keys.listing_key(keys.listing_text(ListingKey(item, variant))) == ListingKey(item, variant)


@given(AWKWARD, AWKWARD)
def test_stock_facts_name_an_order_as_its_stream_does(shop: str, number: str) -> None:
    assert keys.order(shop, number) == f"order:{keys.order_name(shop, number)}"


@pytest.mark.parametrize(
    ("stream", "name"),
    [
        (keys.sku("A:1"), "sku:A%3A1"),
        (keys.stock("A%1"), "stock:main:A%251"),
        (keys.stock("A", "osaka"), "stock:osaka:A"),
        (keys.order("rakuten-1", "402853-20261120-0220534167"), "order:rakuten-1:402853-20261120-0220534167"),
        (keys.listing("yahoo-1", ListingKey("cup", "")), "listing:yahoo-1:cup:"),
        (keys.shop("s"), "shop:s"),
        (keys.push("s"), "push:s"),
        (keys.read("s"), "read:s"),
        (keys.load("i"), "import:i"),
        (keys.receipt("slip 1"), "receipt:slip 1"),
        (keys.hold("h"), "hold:h"),
        (keys.stocktake("t"), "stocktake:t"),
        (keys.LEDGER, "ledger"),
        (keys.sku("カップ\t青"), "sku:カップ%09青"),
    ],
)
def test_names_of_streams_are_for_ever(stream: str, name: str) -> None:
    assert stream == name


def test_a_text_that_is_too_long_for_a_key_becomes_its_hash_and_never_meets_a_text() -> None:
    long, longer = "髙" * (keys.PART_BYTES_MAX // 3 + 1), "髙" * (keys.PART_BYTES_MAX // 3 + 2)
    assert keys.part(long).startswith("%%")
    assert len(keys.part(long)) == 66
    assert keys.part(long) != keys.part(longer)
    assert keys.part(keys.part(long)) != keys.part(long)


def test_the_longest_sku_fits_into_a_key_of_the_database() -> None:
    assert len(keys.stock("\U00029e3d" * SKU_CHARACTERS_MAX).encode()) <= 2_700  # a b-tree entry of PostgreSQL
