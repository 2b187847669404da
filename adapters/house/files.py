"""Our own CSV: one row says the stock of one SKU, what is kept back of it, and whether its listings are linked.

A row sets 想定在庫数 or 実在庫数, never both: which of the two a number means is named by its column (D14). The listing
key of a row is the SKU itself. Blank cells say nothing and leave things as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.kit.file_form import FileFormat, FileRow, NotThisFormat, OwnColumns, RowProblem, RowReader
from adapters.kit.japanese import label_key
from adapters.kit.order_mail import moment_jst
from adapters.kit.profile import Profile
from adapters.kit.table import NotUnits, cell_of, columns_of, units_of
from adapters.kit.table_writing import unmarked
from ledger.terms import MAIN_PLACE, ListingKey, SkuNotAccepted, checked_sku

SHOWN_MAX = 50  # characters of a cell that a problem quotes

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "sku": ("商品SKU", "sku"),
    "available": ("想定在庫数", "available_units"),
    "on_hand": ("実在庫数", "実在庫数(良品)", "on_hand_units"),
    "kept_back": ("保留在庫数", "kept_back_units"),
    "linked": ("連動", "linked"),
    "place": ("倉庫", "place"),
    "counted_at": ("時点", "counted_at"),
    "position": ("台帳位置", "position"),
    "mode": ("更新方法", "mode"),
    "name": ("商品名", "name"),
    "jan": ("JANコード", "jan"),
}
SAYING = ("available", "on_hand", "kept_back", "linked")  # without one of these a file says nothing about stock

LINKED = {"連動": True, "する": True, "1": True, "on": True, "停止": False, "しない": False, "0": False, "off": False}
MODES = {"上書き": "overwrite", "overwrite": "overwrite", "追加": "add", "add": "add"}


@dataclass(frozen=True, slots=True)
class _Wrong:
    """What a cell should have said."""

    expected: str


def open_stock(header: Sequence[str], _profile: Profile) -> RowReader | NotThisFormat:
    """A reader of the rows below this header, or the first thing about it that does not fit."""
    places = columns_of(header, COLUMNS, required=("sku",))
    if isinstance(places, NotThisFormat):
        return places
    if not any(column in places for column in SAYING):
        return NotThisFormat(f"none of the columns {', '.join(COLUMNS[column][0] for column in SAYING)} is there")
    return lambda rows: (_row(line, cells, places) for line, cells in rows)


STOCK = FileFormat(
    name="house-stock",
    label="自社CSV（在庫）",
    kind="both",
    file_name_patterns=("daicho*.csv", "zaiko*.csv", "在庫*.csv"),
    delimiter=",",
    encodings=("utf-8", "cp932"),
    open=open_stock,
)


def _row(line: int, cells: Sequence[str], places: Mapping[str, int]) -> FileRow | RowProblem:
    said = {column: unmarked(cell_of(cells, place)) for column, place in places.items()}
    sku = said["sku"]
    try:
        checked_sku(sku if sku.strip() else "")
    except SkuNotAccepted as problem:
        return RowProblem(line, COLUMNS["sku"][0], sku[:SHOWN_MAX], f"a SKU of 1 to 200 characters ({problem})")
    if said.get("available", "").strip() and said.get("on_hand", "").strip():
        shown = f"{said['available']} / {said['on_hand']}"[:SHOWN_MAX]
        return RowProblem(line, "想定在庫数 / 実在庫数", shown, "one of the two in a row, not both")
    read = {
        "available": units_of(said.get("available", "")),
        "on_hand": units_of(said.get("on_hand", "")),
        "kept_back": units_of(said.get("kept_back", "")),
        "linked": _chosen(said.get("linked", ""), LINKED),
        "place": _place(said.get("place", "")),
        "counted_at": _moment(said.get("counted_at", "")),
        "position": _position(said.get("position", "")),
        "mode": _chosen(said.get("mode", ""), MODES),
    }
    for column, value in read.items():
        if isinstance(value, NotUnits | _Wrong):
            return RowProblem(line, COLUMNS[column][0], said[column][:SHOWN_MAX], value.expected)
    if read["position"] is not None and read["counted_at"] is None:
        return RowProblem(line, COLUMNS["counted_at"][0], "", "the time of that 台帳位置, as the export wrote it")
    return _understood(line, said, read)


def _understood(line: int, said: Mapping[str, str], read: Mapping[str, object]) -> FileRow:
    available, on_hand, kept_back = (_units(read[column]) for column in ("available", "on_hand", "kept_back"))
    linked, counted_at, mode = read["linked"], read["counted_at"], read["mode"]
    target = "on_hand" if on_hand is not None else "available" if available is not None else ""
    own = OwnColumns(
        target=target,
        kept_back_units=kept_back,
        linked=linked if isinstance(linked, bool) else None,
        place=MAIN_PLACE if read["place"] else "",
        counted_at=counted_at if isinstance(counted_at, datetime) else None,
        mode=mode if isinstance(mode, str) else "",
        known_position=_units(read["position"]),
    )
    return FileRow(
        row=line,
        key=ListingKey(said["sku"]),
        units=on_hand if on_hand is not None else available,
        matches={"sku": said["sku"]},
        name=said.get("name", ""),
        jan=said.get("jan", "").strip(),
        own=own,
    )


def _units(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _chosen(cell: str, words: Mapping[str, bool] | Mapping[str, str]) -> bool | str | _Wrong | None:
    key = label_key(cell)
    if not key:
        return None
    return words[key] if key in words else _Wrong(f"one of {', '.join(words)}, or blank")


def _place(cell: str) -> str | _Wrong:
    key = label_key(cell)
    return key if key in ("", MAIN_PLACE) else _Wrong(f"{MAIN_PLACE} (the only place so far), or blank")


def _position(cell: str) -> int | _Wrong | None:
    text = cell.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 18 and int(text) > 0):
        return _Wrong("a position of the ledger as `daicho export stock` writes it, or blank")
    return int(text)


def _moment(cell: str) -> datetime | _Wrong | None:
    """A date with a time of day: with its zone, else in Japan. A date alone does not say before or after its orders."""
    text = cell.strip()
    if not text:
        return None
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        written = None
    if written is not None and written.tzinfo is not None:
        return written.astimezone(UTC)
    return moment_jst(text) or _Wrong("a date and a time such as 2026-11-20 08:55, or blank")
