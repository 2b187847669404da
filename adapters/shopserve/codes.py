"""How ショップサーブ names a listing: 商品番号, and the texts of the chosen variations as the shop shows them.

A variation has no code: it is addressed by the display texts of up to three choices, so a renamed choice is another
listing (D27). The texts are joined by a mark that no shop writes.
"""

from collections.abc import Sequence

from ledger.terms import CODE_CHARACTERS_MAX, ListingKey

JOINT = "　／　"
CHOICES_MAX = 3


def variant_text(names: Sequence[str]) -> str:
    """The variant code of a listing: the texts of its choices, exactly as the mall keeps them, without empty ones behind."""
    kept = list(names)
    while kept and not kept[-1]:
        kept.pop()
    return JOINT.join(kept)


def names_of(variant: str) -> tuple[str, ...]:
    """The texts of the choices of a variant code."""
    return tuple(variant.split(JOINT)) if variant else ()


def is_listing(key: ListingKey) -> bool:
    """Whether the mall can have such a listing: a 商品番号 on one line, and at most three choices."""
    return (
        0 < len(key.item) <= CODE_CHARACTERS_MAX
        and key.item.isprintable()
        and len(names_of(key.variant)) <= CHOICES_MAX
    )
