"""Reads what a file of products says of each product, by its columns: for the file of their variants (``Joined``)."""

from collections.abc import Collection, Sequence

from adapters.kit.file_form import NotThisFormat, Parent, ReadParent
from adapters.kit.japanese import label_key
from adapters.kit.table import cell_of


def parents_by(
    header: Sequence[str],
    *,
    key: Sequence[str],
    number: Sequence[str] = (),
    name: Sequence[str] = (),
    divided: Sequence[str] = (),
    divided_values: Collection[str] = (),
) -> ReadParent | NotThisFormat:
    """A reader of rows whose columns have these spellings, of which the first that is there counts.

    A product without ``key`` is known by its ``number``; one with one of ``divided_values`` in ``divided`` has its stock with
    its variants. NotThisFormat when neither is there.
    """
    places = [_place(header, spellings) for spellings in (key, number, name, divided)]
    if places[0] is None and places[1] is None:
        return NotThisFormat(f"column {key[0]} is missing")

    def parent(cells: Sequence[str]) -> Parent | None:
        found, own, called, kind = (cell_of(cells, at).strip() for at in places)
        if not found and not own:
            return None
        return Parent(found or own, own, " ".join(called.split()), divided=kind != "" and kind in divided_values)

    return parent


def _place(header: Sequence[str], spellings: Sequence[str]) -> int | None:
    keys = [label_key(cell) for cell in header]
    return next((keys.index(label_key(one)) for one in spellings if label_key(one) in keys), None)
