"""Verbs of the lists that repair SKUs: further codes, names, SKUs made one. One row is one verb, done whole or refused whole."""

from collections.abc import Collection, Mapping

from ledger.book import Verb
from ledger.book.aliases import AliasRefused, alias
from ledger.book.list_rows import CHANGED, NEW, SAME, RowNotAccepted
from ledger.book.stock import LooksLikeAnother, register_sku
from ledger.facts.sku import SkuRegistered
from ledger.sku import SkuIsAnother
from ledger.unify import UnifyRefused, UnitsMoved
from ledger.view import View
from ledger.writer import Decision

ADDED, REMOVED, UNIFIED = "added", "removed", "unified"


def alias_row(code: str, other: str, *, remove: bool) -> Verb:
    """``other`` is another code of the SKU, or no more. The answer has ``became``. Raises RowNotAccepted, SkuNotAccepted."""
    columns = {AliasRefused: "alias", SkuIsAnother: "sku"}
    return as_row(alias(code, other, remove=remove), columns, REMOVED if remove else ADDED)


def register_row(code: str, *, name: str, jan: str, product: str, alike: Collection[str]) -> Verb:
    """The SKU exists by this name. The answer has ``became``: new, changed or same. Raises RowNotAccepted, SkuNotAccepted."""
    verb = register_sku(code, name=name, jan=jan, product=product, alike=alike)
    return as_row(verb, {LooksLikeAnother: "sku", SkuIsAnother: "sku"}, CHANGED)


def unify_row(verb: Verb) -> Verb:
    """``unify`` as a row of a list. The answer has ``became``. Raises RowNotAccepted, SkuNotAccepted."""
    return as_row(verb, {UnifyRefused: "sku", UnitsMoved: "sku", SkuIsAnother: "into"}, UNIFIED)


def as_row(verb: Verb, columns: Mapping[type[ValueError], str], did: str) -> Verb:
    """The verb, with ``became`` in its answer, and these refusals as ones of a column."""

    def decide(view: View) -> Decision:
        try:
            decided = verb.decide(view)
        except tuple(columns) as refused:
            column = next(name for kind, name in columns.items() if isinstance(refused, kind))
            seen, _, expected = str(refused).partition("; expected ")
            raise RowNotAccepted(column, f"{expected} ({seen})" if expected else seen) from None
        is_new = any(isinstance(draft.fact, SkuRegistered) for draft in decided.drafts) and did == CHANGED
        became = SAME if not decided.drafts else NEW if is_new else did
        return Decision(decided.drafts, {**decided.answer, "became": became})

    return Verb(verb.name, decide, verb.says, verb.wanted)
