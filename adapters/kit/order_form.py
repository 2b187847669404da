"""What a mall's order file (受注CSV) is to us: which of its columns are kept, and what the rows of one order tell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from adapters.kit.profile import Profile
from ledger.terms import Telling

NUMBER = "number"  # every form has this column: the mall's order number

OrderRow: TypeAlias = Mapping[str, str]  # kept column to cell; a blank cell is left out


@dataclass(frozen=True, slots=True)
class CellProblem:
    """A cell that is not understood: which row of the order, from 0, which kept column, what was expected."""

    place: int
    column: str
    expected: str


@dataclass(frozen=True, slots=True)
class NotOurs:
    """The order takes nothing from our stock. ``kind`` is a code (fulfilled_by_amazon…)."""

    kind: str


# (the order's rows, the profile, when the file was made at the latest) to what they tell; pure
ReadOrderRows: TypeAlias = Callable[[Sequence[OrderRow], Profile, datetime], "Telling | NotOurs | CellProblem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderForm:
    """One kind of order file. ``columns`` are those that are kept, none that says anything of a person, by the names under
    which ``read`` and the profile (``order_file.<column>``: its spellings) know them; all else is dropped at the door.

    A file that has all ``required`` is of this form, unless it has those of a form that requires more. ``where`` says how the
    mall gives it out, in Japanese.
    """

    name: str
    label: str
    where: str
    delimiter: str
    encodings: tuple[str, ...]
    columns: tuple[str, ...]
    required: tuple[str, ...]
    read: ReadOrderRows
