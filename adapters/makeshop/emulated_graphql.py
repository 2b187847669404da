"""What the emulated MakeShop makes of a GraphQL request: operation, aliases and inputs, and the errors it answers.

Not a GraphQL server: it understands the documents of ``profile.toml`` and whatever else a shop's correction makes of
them, as far as the names in them are ones this mall has.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# The names this emulated mall has. What a working client uses, and what profile.toml assumes beside it.
SEEN_NAMES = frozenset(
    (
        *("searchedCount", "page", "orders", "displayOrderNumber", "orderDate", "memberId", "sumPrice"),
        *("deliveryInfos", "basketInfos", "productCode", "productName", "price", "amount"),
    )
)
ASSUMED_NAMES = frozenset(
    (
        *("updateDate", "isTemporaryOrder", "productCustomCode", "variationId", "variationCustomCode"),
        *("systemCode", "quantity", "products", "variations", "__typename"),
    )
)
OPERATIONS = frozenset(["searchOrder", "searchProductQuantity", "updateProductQuantity", "updateVariationQuantity"])

_CALL = re.compile(r"(?:(\w+)\s*:\s*)?(\w+)\s*\(\s*input\s*:\s*\$(\w+)\s*\)")
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Call:
    """One field of the root: what the answer calls it, the operation, and its input."""

    alias: str
    operation: str
    input: Mapping[str, object]


def calls_in(document: str, variables: Mapping[str, object], unknown: frozenset[str]) -> list[Call] | dict[str, object]:
    """The calls of a document, or the error that no part of it was carried out. ``unknown``: names this mall lacks."""
    found = _CALL.findall(document)
    if not found:
        return error("Syntax Error: expected a field with an input.", "GRAPHQL_PARSE_FAILED")
    for _, operation, _ in found:
        if operation not in OPERATIONS:
            return error(f'Cannot query field "{operation}" on type "Query".', "GRAPHQL_VALIDATION_FAILED")
    names = (SEEN_NAMES | ASSUMED_NAMES) - unknown
    for word in _WORD.findall(_selections(document)):
        if word not in names:
            return error(f'Cannot query field "{word}" on type "Object".', "GRAPHQL_VALIDATION_FAILED")
    calls: list[Call] = []
    for alias, operation, variable in found:
        stated = variables.get(variable)
        if not isinstance(stated, dict):
            return error(f'Variable "${variable}" got invalid value.', "BAD_USER_INPUT")
        calls.append(Call(alias or operation, operation, stated))
    return calls


def error(message: str, code: str, path: Sequence[str] = ()) -> dict[str, object]:
    """One error of an answer."""
    return {"message": message, **({"path": list(path)} if path else {}), "extensions": {"code": code}}


def selected(document: str, row: Mapping[str, object]) -> dict[str, object]:
    """The row with only the fields the document asks for, at every depth."""
    names = frozenset(_WORD.findall(document))
    return {name: _selected(value, names) for name, value in row.items() if name in names}


def _selected(value: object, names: frozenset[str]) -> object:
    if isinstance(value, dict):
        return {name: _selected(one, names) for name, one in value.items() if name in names}
    if isinstance(value, list):
        return [_selected(one, names) for one in value]
    return value


def _selections(document: str) -> str:
    """The document without its head and its calls: only the names of fields are left."""
    _, _, body = document.partition("{")
    return _CALL.sub(" ", body)
