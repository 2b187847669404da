"""How futureshop names a listing: 商品番号 and two branch numbers (縦軸, 横軸), and which stock of it, 通常 or 予約.

A listing's variant is ``vertical`` or ``vertical:horizontal``; ``~preorder`` behind it is the 予約 stock of the same
goods, which the mall keeps in a bucket of its own and sells by its own number. A SKU of the mall's (``skuNo``) is the
three codes in one, so that the parts cannot be read out of it: listings carry it among their ``codes``.
"""

import re
from dataclasses import dataclass

from ledger.terms import ListingKey

PREORDER = "~preorder"
SEPARATOR = ":"
ITEM_BYTES_MAX = 32  # 在庫更新API: productNo
BRANCH_BYTES_MAX = 9  # 在庫更新API: verticalNo, horizontalNo
ORDER_NUMBER = re.compile(r"1[0-9]{11}")  # NOTES.md, "Orders"


@dataclass(frozen=True, slots=True)
class Branch:
    """One stock of one product at the mall; "" where an axis is not used."""

    vertical: str
    horizontal: str
    preorder: bool


def branch_of(variant: str) -> Branch:
    """The stock a listing's variant means."""
    plain = variant.removesuffix(PREORDER)
    vertical, _, horizontal = plain.partition(SEPARATOR)
    return Branch(vertical, horizontal, variant.endswith(PREORDER))


def key_of(item: str, vertical: str, horizontal: str, *, preorder: bool = False) -> ListingKey:
    """The listing of one stock."""
    variant = f"{vertical}{SEPARATOR}{horizontal}" if horizontal else vertical
    return ListingKey(item, variant + (PREORDER if preorder else ""))


def is_listing(key: ListingKey) -> bool:
    """Whether futureshop could have these codes; one that is none could spoil a whole request."""
    branch = branch_of(key.variant)
    return is_item(key.item) and is_branch(branch.vertical) and is_branch(branch.horizontal)


def is_item(text: str) -> bool:
    """Whether the text can be a 商品番号."""
    return 0 < len(text) <= ITEM_BYTES_MAX and _is_code(text)


def is_branch(text: str) -> bool:
    """Whether the text can be a branch number; "" is the axis that is not used."""
    return len(text) <= BRANCH_BYTES_MAX and _is_code(text)


def sku_names(item: str, vertical: str, horizontal: str, *, preorder: bool = False) -> tuple[str, ...]:
    """What the mall may call this listing in orders and mails: both orders of two branches, since the order is not known."""
    mark = PREORDER if preorder else ""
    if not vertical or not horizontal or vertical == horizontal:
        return (f"{item}{horizontal or vertical}{horizontal if vertical == horizontal else ''}{mark}",)
    return f"{item}{horizontal}{vertical}{mark}", f"{item}{vertical}{horizontal}{mark}"


def _is_code(text: str) -> bool:
    """ASCII without spaces, controls and our own separators."""
    return text.isascii() and text.isprintable() and " " not in text and SEPARATOR not in text and "~" not in text
