"""What a mall's file is to us: formats with readers, and the rows they understand or do not."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
    """One row that is not understood: which cell, what it says, what was expected. Quotes cells of stock files only."""

    row: int
    column: str
    value: str
    expected: str

    def __str__(self) -> str:
        where = f"row {self.row}, column {self.column}" if self.column else f"row {self.row}"
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
class FileFormat:
    """One kind of file a mall gives out.

    ``open`` takes the header cells and the settings of the shop's profile; it answers a reader or why the file is
    not of this format. ``target`` is what the numbers set: available (想定) for a mall's own file. ``name_time``: a
    pattern whose group is the time in Japan, yyyymmddhhmm or with seconds, at which a file so named was made.
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
