"""Tell MakeShop how many units listings have: one mutation field a listing, several under aliases in one request.

Fields of a mutation are carried out one after the other (GraphQL, 6.2.2), so each row has its own result. When one
fails and the mall's types let ``data`` become null as a whole, nobody knows what the others did: they are unknown.
"""

from collections.abc import Mapping, Sequence

from adapters.kit.answers import outcome_of_no_answer
from adapters.kit.mall import Answer, ShopAccess
from adapters.kit.profile import Profile
from adapters.makeshop.graphql import DOCUMENT_AT_FAULT, GraphqlError, Said, outcome_of, post, said_in, worst
from ledger.terms import ListingLevel, Outcome, Result

BATCH_MAX = 20  # Ours: no limit of the mall was found (NOTES.md, "Outbound")
UNITS_MAX = 999_999  # NOTES.md, "Outbound"


def push(access: ShopAccess, levels: Sequence[ListingLevel]) -> list[Outcome]:
    """Set absolute units. One outcome a level, in order; of a listing named twice the last number is sent, once.

    Never raises for what the mall says.
    """
    assert 0 < len(levels) <= BATCH_MAX, len(levels)
    assert all(0 <= level.units <= UNITS_MAX for level in levels), "absolute units only"
    last = {level.key: level for level in levels}
    outcomes = dict(zip(last, _push(access, list(last.values())), strict=True))
    return [outcomes[level.key] for level in levels]


def _push(access: ShopAccess, levels: Sequence[ListingLevel]) -> list[Outcome]:
    document, variables = _mutation(levels, access.profile)
    reply = post(access, document, variables)
    if not isinstance(reply, Answer):
        return [outcome_of_no_answer(reply)] * len(levels)
    said = said_in(reply, access.profile)
    if isinstance(said, Outcome):
        several = said.result is Result.REJECTED and len(levels) > 1
        return [Outcome(Result.REFUSED, said.code) if several else said] * len(levels)
    if not said.fields:
        return _nothing_said(said, reply, len(levels), access.profile)
    return [_row(said, _alias(row), level, reply, access.profile) for row, level in enumerate(levels)]


def _mutation(levels: Sequence[ListingLevel], profile: Profile) -> tuple[str, dict[str, object]]:
    """The document with one aliased field a listing, and its variables."""
    declared: list[str] = []
    fields: list[str] = []
    variables: dict[str, object] = {}
    for row, level in enumerate(levels):
        kind = "push_variation" if level.key.variant else "push_product"
        named = {profile.text(f"{kind}.item_field"): level.key.item}
        if level.key.variant:
            named[profile.text(f"{kind}.variant_field")] = level.key.variant
        variables[f"i{row}"] = {**named, profile.text(f"{kind}.units_field"): level.units}
        declared.append(f"$i{row}: {profile.text(f'{kind}.input_type')}")
        operation, selection = profile.text(f"{kind}.operation"), profile.text(f"{kind}.selection")
        fields.append(f"  {_alias(row)}: {operation}(input: $i{row}) {{ {selection} }}")
    return f"mutation setQuantities({', '.join(declared)}) {{\n" + "\n".join(fields) + "\n}", variables


def _alias(row: int) -> str:
    return f"r{row}"


def _row(said: Said, alias: str, level: ListingLevel, answer: Answer, profile: Profile) -> Outcome:
    """One row of an answer in which at least one row was carried out."""
    told = said.fields.get(alias)
    error = next((error for error in said.errors if error.field == alias), None)
    if error is not None:
        # A key that is good for the other rows is good: this row is refused for itself.
        own = GraphqlError(error.code, alias, Result.REJECTED) if error.result is Result.REJECTED_AUTH else error
        return outcome_of(own, answer, profile)
    if told is None:
        return Outcome(Result.UNKNOWN, "result_missing")
    kind = "push_variation" if level.key.variant else "push_product"
    shown = told.get(profile.text(f"{kind}.units_field")) if isinstance(told, Mapping) else None
    if shown is not None and str(shown) != str(level.units):
        return Outcome(Result.UNKNOWN, "quantity_differs")  # Reading back decides.
    return Outcome(Result.APPLIED)


def _nothing_said(said: Said, answer: Answer, count: int, profile: Profile) -> list[Outcome]:
    """No field has a value: the whole request was refused, or one failing row made all of ``data`` null."""
    first = worst(said.errors)
    if first is None:
        return [Outcome(Result.UNKNOWN, "answer_not_understood")] * count
    at_fault = {error.field: error for error in said.errors if error.field}
    if first.result is not Result.REJECTED or first.code == DOCUMENT_AT_FAULT:
        return [outcome_of(first, answer, profile)] * count
    if at_fault:
        return [
            outcome_of(at_fault[_alias(row)], answer, profile)
            if _alias(row) in at_fault
            else Outcome(Result.UNKNOWN, "answer_without_rows")
            for row in range(count)
        ]
    # No row is named: variables are checked before anything is carried out, so nothing was written.
    return [Outcome(Result.REJECTED if count == 1 else Result.REFUSED, first.code)] * count
