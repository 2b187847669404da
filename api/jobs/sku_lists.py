"""The lists people send to repair SKUs: aliases (商品SKU統一コード), names and JANs, SKUs made one. They run as ``listing_bulk`` runs them."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.kit.file_form import RowProblem
from adapters.kit.japanese import label_key
from api.jobs import alike, unify
from api.jobs.listing_bulk import Task, one_by_one
from api.jobs.listing_bulk_rows import SHOWN_MAX, SKU, YES_OR_NO, Columns, Said
from api.projecting import catch_up
from api.wiring import House
from ledger.book import Verb
from ledger.book.sku_rows import alias_row, register_row, unify_row
from ledger.terms import SKU_CHARACTERS_MAX, SkuNotAccepted, checked_sku
from ledger.unify import CHOICES, FROM, INTO, SUM, UnifyRefused

NAME_CHARACTERS_MAX = 500

ALIAS: Columns = {
    "alias": ("商品SKU統一コード", "統一コード", "別コード", "alias"),
    "sku": SKU,
    "remove": ("削除", "解除", "remove"),
}
REGISTER: Columns = {
    "sku": SKU,
    "name": ("商品名", "name"),
    "jan": ("JANコード", "JAN", "jan"),
    "product": ("商品コード", "product"),
    "confirm": ("別商品", "confirm"),
}
UNIFY: Columns = {
    "sku": ("統一元SKU", "from", "from_sku"),
    "into": ("統一先SKU", "into", "into_sku"),
    "stock": ("在庫", "stock"),
}
STOCK_WORDS = {"合計": SUM, "足す": SUM, "統一元": FROM, "統一先": INTO, **{choice: choice for choice in CHOICES}}


@dataclass(frozen=True, slots=True)
class AliasAsked:
    """The code is another code of the SKU, or no more."""

    sku: str
    alias: str
    remove: bool


@dataclass(frozen=True, slots=True)
class RegisterAsked:
    """The SKU exists by this name. ``confirm``: a person said that it is not what it looks like."""

    sku: str
    name: str
    jan: str
    product: str
    confirm: bool


@dataclass(frozen=True, slots=True)
class UnifyAsked:
    """The first SKU is one with the second; ``stock``: whose units on hand count."""

    sku: str
    into: str
    stock: str


def naming() -> Task[AliasAsked]:
    """商品SKU統一コード by CSV; the same code twice is the mistake of the second row."""

    def verbs(rows: Sequence[tuple[int, AliasAsked]]) -> list[Verb | RowProblem]:
        return [alias_row(row.sku, row.alias, remove=row.remove) for _, row in rows]

    return Task(ALIAS, ("alias", "sku"), one_by_one(ALIAS, read_alias, lambda row: row.alias), verbs, apart=False)


def registering(house: House) -> Task[RegisterAsked]:
    """SKUs by CSV, new or renamed; one that looks like a registered one has to be confirmed (D30). The lists have caught up before."""

    def verbs(rows: Sequence[tuple[int, RegisterAsked]]) -> list[Verb | RowProblem]:
        like = alike.like(house, [row.sku for _, row in rows if not row.confirm])
        return [
            register_row(row.sku, name=row.name, jan=row.jan, product=row.product, alike=like.get(row.sku, ()))
            for _, row in rows
        ]

    return Task(REGISTER, ("sku",), one_by_one(REGISTER, read_register, lambda row: row.sku), verbs)


def unifying(house: House) -> Task[UnifyAsked]:
    """SKUs made one by CSV, row by row: the list ``daicho sku alike --csv`` writes, with 在庫 filled in."""
    catch_up(house)

    def verbs(rows: Sequence[tuple[int, UnifyAsked]]) -> list[Verb | RowProblem]:
        return [_unify(house, line, row) for line, row in rows]

    return Task(UNIFY, ("sku", "into", "stock"), one_by_one(UNIFY, read_unify, lambda row: row.sku), verbs, apart=False)


def _unify(house: House, line: int, row: UnifyAsked) -> Verb | RowProblem:
    try:
        return unify_row(unify.row_verb(house, row.sku, row.into, row.stock))
    except UnifyRefused as refused:
        return RowProblem(line, UNIFY["sku"][0], row.sku[:SHOWN_MAX], str(refused))


# ------------------------------------------------------------------ rows


def read_alias(line: int, said: Said) -> AliasAsked | RowProblem | None:
    """None: the row names no code."""
    if not said.get("alias", "").strip():
        return None
    problem = _wrong_code(line, said, ALIAS, "alias") or _wrong_code(line, said, ALIAS, "sku")
    remove = _yes(line, said, ALIAS, "remove")
    if problem is not None or isinstance(remove, RowProblem):
        return problem or remove  # type: ignore[return-value]
    return AliasAsked(said["sku"], said["alias"], remove)


def read_register(line: int, said: Said) -> RegisterAsked | RowProblem | None:
    """None: the row names no SKU."""
    if not said.get("sku", "").strip():
        return None
    confirm = _yes(line, said, REGISTER, "confirm")
    problem = _wrong_code(line, said, REGISTER, "sku") or (confirm if isinstance(confirm, RowProblem) else None)
    for column in ("name", "jan", "product"):
        if problem is None and len(said.get(column, "")) > NAME_CHARACTERS_MAX:
            problem = RowProblem(
                line, REGISTER[column][0], said[column][:SHOWN_MAX], f"at most {NAME_CHARACTERS_MAX} characters"
            )
    if problem is not None:
        return problem
    name, jan, product = (said.get(column, "").strip() for column in ("name", "jan", "product"))
    return RegisterAsked(said["sku"], name, jan, product, confirm is True)


def read_unify(line: int, said: Said) -> UnifyAsked | RowProblem | None:
    """None: 在庫 is blank, so the two stay as they are."""
    if not said.get("stock", "").strip():
        return None
    problem = _wrong_code(line, said, UNIFY, "sku") or _wrong_code(line, said, UNIFY, "into")
    if problem is not None:
        return problem
    choice = STOCK_WORDS.get(label_key(said["stock"]))
    if choice is None:
        expected = "合計 (sum), 統一元 (from), 統一先 (into), or blank to leave the two as they are"
        return RowProblem(line, UNIFY["stock"][0], said["stock"][:SHOWN_MAX], expected)
    return UnifyAsked(said["sku"], said["into"], choice)


def _wrong_code(line: int, said: Said, columns: Columns, name: str) -> RowProblem | None:
    text = said.get(name, "")
    try:
        checked_sku(text if text.strip() else "")
    except SkuNotAccepted as refused:
        expected = f"a code of 1 to {SKU_CHARACTERS_MAX} characters ({refused})"
        return RowProblem(line, columns[name][0], text[:SHOWN_MAX], expected)
    return None


def _yes(line: int, said: Said, columns: Columns, name: str) -> bool | RowProblem:
    cell = label_key(said.get(name, ""))
    if not cell:
        return False
    if cell not in YES_OR_NO:
        return RowProblem(line, columns[name][0], cell[:SHOWN_MAX], f"one of {', '.join(YES_OR_NO)}, or blank")
    return YES_OR_NO[cell]
