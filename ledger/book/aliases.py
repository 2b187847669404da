"""Verbs of further codes of a SKU (商品SKU統一コード)."""

from ledger import codes, keys, sku
from ledger.book import Verb
from ledger.facts.sku import AliasAdded, AliasRemoved, BecameAlias, CeasedAlias
from ledger.terms import MAIN_PLACE, checked_sku
from ledger.view import Draft, View, Wanted
from ledger.writer import Decision


class AliasRefused(ValueError):
    """The code cannot be another code of the SKU; the message names what it is now and what to do first."""


def alias(code: str, other: str, *, remove: bool = False) -> Verb:
    """商品SKU統一コード: ``other`` is another code of the SKU, wherever it is named; or no longer. Twice is harmless.

    Raises AliasRefused, SkuIsAnother, SkuNotAccepted.
    """
    stream, onto = keys.sku(checked_sku(other)), keys.sku(checked_sku(code))

    def decide(view: View) -> Decision:
        view.need(skus=[code, other], streams=[stream, onto])
        known, its = view.state(onto, sku.FOLD), view.state(stream, sku.FOLD)
        if remove:
            return Decision(_removed(code, other, known, its))
        if known.stands_for is not None:
            raise sku.is_another(code, known)
        if its.stands_for is not None and codes.meant_by(view, other) == code:
            return Decision([] if other in known.aliases else [Draft(onto, AliasAdded(other))])
        _check(code, other, its, moved=view.stock(other).version > 0)
        new = sku.register(known, code, name="", jan="", product="")
        drafts = [Draft(onto, fact) for fact in new]
        if other not in known.aliases:
            drafts.append(Draft(onto, AliasAdded(other)))
        return Decision([*drafts, Draft(stream, BecameAlias(code))])

    wanted = Wanted(stocks={(MAIN_PLACE, code), (MAIN_PLACE, other)}, streams={stream, onto})
    return Verb("alias", decide, (code, other, remove), wanted)


def _removed(code: str, other: str, known: sku.SkuState, its: sku.SkuState) -> list[Draft]:
    if its.unified_into == code:
        raise AliasRefused(f"{other} was made one with {code}; expected `daicho sku undo-unify {other}` to part them")
    drafts = [Draft(keys.sku(code), AliasRemoved(other))] if other in known.aliases else []
    return [*drafts, *([Draft(keys.sku(other), CeasedAlias(code))] if its.alias_of == code else [])]


def _check(code: str, other: str, its: sku.SkuState, *, moved: bool) -> None:
    """Raises AliasRefused for a code that means something else."""
    if code == other:
        raise AliasRefused(f"{other} is the SKU itself; expected another code of it")
    if its.stands_for is not None:
        raise AliasRefused(
            f"{other} means {its.stands_for} already; expected a code that is free: take it from that SKU first"
        )
    if its.registered or moved or its.sets or its.recipe.components:
        raise AliasRefused(
            f"{other} is a SKU of its own; expected a code that is free: `daicho sku unify {other} {code}` makes them one"
        )
