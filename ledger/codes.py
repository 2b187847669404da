"""Which SKU a code means: itself, the SKU whose alias it is (商品SKU統一コード), or the one it was made one with."""

from collections.abc import Iterable

from ledger import keys, sku
from ledger.booking import Recipe
from ledger.levels import STANDS_FOR_ANOTHER
from ledger.terms import MAIN_PLACE
from ledger.view import View

CHAIN_MAX = 50  # of SKUs made one after the other


def meant_by(view: View, code: str) -> str:
    """The SKU that the code means. Raises NotReadYet."""
    for _ in range(CHAIN_MAX):
        other = view.state(keys.sku(code), sku.FOLD).stands_for
        if other is None:
            return code
        code = other
    return code


def meant_by_level(view: View, code: str) -> str:
    """The same for a code whose level is in the view: its stream is read only where it means another. Raises NotReadYet."""
    found = view.levels.get((MAIN_PLACE, code))
    if found is None or found.recipe_version != STANDS_FOR_ANOTHER:
        return code
    other = meant_by(view, code)
    view.level(other)
    return other


def recipe_of(view: View, code: str) -> Recipe:
    """What one of the code takes: the components of a set; one of the SKU it means; of a SKU as it is no recipe. Raises NotReadYet."""
    meant = meant_by(view, code)
    own = view.state(keys.sku(meant), sku.FOLD).recipe
    return own if own.components or meant == code else Recipe(0, (meant,), (1,))


def as_told(view: View, code: str, told: Iterable[str]) -> str:
    """The one of the SKUs ``told`` that means the same SKU as the code; the SKU it means where none does. Raises NotReadYet."""
    known = set(told)
    if code in known:
        return code
    meant = meant_by(view, code)
    once = view.state(keys.sku(meant), sku.FOLD).once_into
    for one in sorted(known):
        if one in once or meant_by(view, one) == meant:
            return one
    return meant
