"""What a mall's file is to us: formats with readers, and the rows they understand or do not."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from adapters.kit.profile import Profile
from ledger.terms import ListingKey


@dataclass(frozen=True, slots=True)
class OwnColumns:
    """What a row of our own CSV form says beside its number; no mall's file says these.

    ``target`` is what the number of this row sets: available (想定) or on_hand (実). None and "": the cell was blank.
    ``mode``: overwrite or add. ``linked``: 連動 True, 停止 False. ``known_position``: the last fact that the number knows; what
    is recorded behind it comes on top, whenever it happened.
    """

    target: str
    kept_back_units: int | None = None
    linked: bool | None = None
    place: str = ""
    counted_at: datetime | None = None
    mode: str = ""
    known_position: int | None = None


@dataclass(frozen=True, slots=True)
class FileRow:
    """One understood row of a product or stock file.

    ``row`` is the line number in the file where the row begins (header = 1). ``units`` None: the row states no number
    (blank, unlimited: ``unlimited``), which is not zero. ``matches`` gives for each match key's name the row's value.
    ``codes``: further codes by which the mall names the listing elsewhere (mails). ``flags`` names what the mall's own
    flags say: "sells_at_zero", "restores_on_cancel", "excluded", "preorder".
    """

    row: int
    key: ListingKey
    units: int | None
    unlimited: bool = False
    matches: Mapping[str, str] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    name: str = ""
    jan: str = ""
    product: str = ""
    flags: frozenset[str] = frozenset()
    own: OwnColumns | None = None


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One row that is not understood: which cell, what it says, what was expected. Quotes cells of stock files only.

    ``item``: the product that the row is certainly of, "" when that is not said; its other rows are read knowing that this
    one is there. ``file``: which file, where several were sent together.
    """

    row: int
    column: str
    value: str
    expected: str
    item: str = ""
    file: str = ""

    def __str__(self) -> str:
        where = f"row {self.row}, column {self.column}" if self.column else f"row {self.row}"
        where = f"{self.file}, {where}" if self.file else where
        seen = f": {self.value!r}" if self.column or self.value else ""
        return f"{where}{seen}; expected {self.expected}"


@dataclass(frozen=True, slots=True)
class NotThisFormat:
    """The header or name is not of this format. ``reason`` names the first thing that does not fit."""

    reason: str


# Reads cells (without the header row) into rows; the header decides where each column stands.
# Each element of the input is (line number, cells).
RowReader: TypeAlias = Callable[[Iterable[tuple[int, Sequence[str]]]], Iterator[FileRow | RowProblem]]


@dataclass(frozen=True, slots=True)
class Parent:
    """What the file of products says of one product, for the rows of the file of its variants.

    ``key`` is the item of the listings' keys. ``number`` is the merchant's own code of the product; ``divided``: its stock
    stands with its variants, in the other file.
    """

    key: str
    number: str = ""
    name: str = ""
    divided: bool = False
    preorder: bool = False


# What one row of the file of products says, cell by cell; None: nothing of a product.
ReadParent: TypeAlias = Callable[[Sequence[str]], Parent | None]


def named_after(row: FileRow, parent: Parent, _profile: Profile) -> FileRow:
    """The variant's row with its product's name before its own, where it does not say it itself."""
    if not parent.name or row.name.startswith(parent.name):
        return row
    return replace(row, name=f"{parent.name} {row.name}".strip())


@dataclass(frozen=True, slots=True)
class Joined:
    """What rows of this form leave to another form of the same mall: the files are sent in one import.

    ``form`` is the other form's name, ``by`` the column in which both name the product. ``fill`` adds what is known there.
    ``without``: what cannot be done with this file alone, as a person is told; "" nothing is lacking.
    """

    form: str
    by: str
    fill: Callable[[FileRow, Parent, Profile], FileRow] = named_after
    without: str = ""


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One kind of file a mall gives out.

    ``open`` takes the header cells and the settings of the shop's profile; it answers a reader or why the file is
    not of this format. ``target`` is what the numbers set: available (想定) for a mall's own file. ``name_time``: a
    pattern whose group is the time in Japan, yyyymmddhhmm or with seconds, at which a file so named was made.
    ``tell_apart``: the profile's list of columns of which a file has one, or is another mall's; a person may overrule it.
    ``parents`` and ``joined``: for a file of products and the file of their variants, which are one import.
    ``guided``: rows below the header may explain the columns, in every part of a file.
    """

    name: str
    label: str
    kind: str  # "stock", "products" or "both"
    file_name_patterns: tuple[str, ...]
    delimiter: str
    encodings: tuple[str, ...]
    open: Callable[[Sequence[str], Profile], RowReader | NotThisFormat]
    target: str = "available"
    name_time: str | None = None
    tell_apart: str = ""
    parents: Callable[[Sequence[str], Profile], ReadParent | NotThisFormat] | None = None
    joined: Joined | None = None
    guided: bool = False
