"""SKUs: what can be one, how it stands in an address, and that no two listings share one."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.amazon.codes import in_path, is_sku, key_of, sku_of
from ledger.terms import ListingKey

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)


@pytest.mark.parametrize("sku", ["A", "0001", "a b", "カップ 01/白", "全角　空白", "A" * 40, 'x"y,z', "+1", "①㈱"])
def test_these_are_skus(sku: str) -> None:
    assert is_sku(sku)


@pytest.mark.parametrize("sku", ["", " A", "A ", "A" * 41, "A\tB", "A\nB", "A\u2028B", "A\x00", "\x1f\x1f"])
def test_these_are_none(sku: str) -> None:
    assert not is_sku(sku)


@given(TEXTS, TEXTS)
def test_no_two_listings_share_a_sku(item: str, variant: str) -> None:
    key = ListingKey(item, variant)
    assert key_of(sku_of(key)) == key


@given(TEXTS)
def test_a_sku_is_one_part_of_an_address(sku: str) -> None:
    assert not set(in_path(sku)) & set("/?# ,")
    assert unquote(in_path(sku)) == sku
