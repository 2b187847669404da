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

_CODE = re.compile(r"[!-~]+")  # what can stand in a code: no space, nothing of full width


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
    branches = [code for code in (branch.vertical, branch.horizontal) if code]
    return _is_code(key.item, ITEM_BYTES_MAX) and all(_is_code(code, BRANCH_BYTES_MAX) for code in branches)


def sku_names(key: ListingKey) -> tuple[str, ...]:
    """What the mall may call this listing in orders and mails: both orders of two branches, since the order is not known."""
    branch = branch_of(key.variant)
    orders = (branch.horizontal + branch.vertical, branch.vertical + branch.horizontal)
    mark = PREORDER if branch.preorder else ""
    return tuple(dict.fromkeys(f"{key.item}{both}{mark}" for both in orders))


def _is_code(text: str, bytes_max: int) -> bool:
    return len(text) <= bytes_max and _CODE.fullmatch(text) is not None and SEPARATOR not in text
