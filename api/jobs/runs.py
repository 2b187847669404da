"""Every run that changed something in bulk, in one list: stock and product files, choices of the set-up, lists of listings and sets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.kit.table_writing import UTF_8, TableWriter
from api.cli.output import Cell
from api.jobs.imports import ImportNotKnown
from api.jobs.undoing import numbers_set
from api.tables import import_differences, imports
from api.tables.import_differences import Review
from api.tables.imports import ImportFile
from api.wiring import House
from ledger import keys, load
from ledger.book import By, loads
from ledger.writer import Done

LISTED_MAX = 100
LISTINGS, SETS, SET_UP = "listings", "sets", "set_up"  # kinds of runs that are no stock or product file
FINISHED, STOPPED = "finished", "stopped"  # of a run that is no import
APPLIED_COLUMNS = ("商品SKU", "前の想定在庫数", "後の想定在庫数", "行", "台帳位置")

_COLUMNS = (
    "import_id, shop, kind, mall || ':' || format, mode, state, rows, problems, made_at, actor, file_name, refused"
)
_NAMES = ("import", "shop", "kind", "format", "mode", "state", "rows", "problems", "madeAt", "actor", "file", "refused")


def listed(house: House, *, first: int = LISTED_MAX, before: str | None = None) -> list[dict[str, Cell]]:
    """Up to ``first`` runs, newest first, those before the run ``before``, with how far each came."""
    with house.pool.connection() as connection:
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM import_files WHERE %(before)s::text IS NULL OR (made_at, import_id) <"
            " (SELECT made_at, import_id FROM import_files WHERE import_id = %(before)s)"
            " ORDER BY made_at DESC, import_id DESC LIMIT %(first)s",
            {"before": before, "first": min(first, LISTED_MAX)},
        ).fetchall()
    return [_cells(house, row) for row in rows]


def shown(house: House, import_id: str) -> dict[str, Cell]:
    """One run with the counts of its last preview, or of what a list did. Raises ImportNotKnown."""
    with house.pool.connection() as connection:
        row = connection.execute(f"SELECT {_COLUMNS} FROM import_files WHERE import_id = %s", (import_id,)).fetchone()
        review = import_differences.review_of(connection, import_id)
        skipped = imports.skips_of(connection, import_id)
    if row is None:
        raise ImportNotKnown(f"import {import_id!r} is not known; expected an id that `daicho imports` shows")
    cells = _cells(house, row)
    if skipped:
        cells["skippedRows"] = skipped
    if review is not None:
        cells["counts"] = {str(name): value for name, value in review.counts.items()}
    return cells


def file_of(house: House, import_id: str) -> ImportFile:
    """The file of the import. Raises ImportNotKnown."""
    with house.pool.connection() as connection:
        file = imports.read(connection, import_id)
    if file is None:
        raise ImportNotKnown(f"import {import_id!r} is not known; expected an id that `daicho imports` shows")
    return file


def cancel(house: House, import_id: str, by: By) -> Done:
    """The running import stops behind the chunk that is being applied; what is applied stays. Raises ImportNotAccepted."""
    return house.book.do(loads.cancel_import(import_id), by)


def applied(house: House, import_id: str) -> Iterator[bytes]:
    """What the import set, as CSV in the order it was set: SKU, number before and after, row. Raises ImportNotKnown."""
    state = house.look(keys.load(import_id), load.FOLD)
    if state.state == load.NOT_STARTED:
        raise ImportNotKnown(
            f"import {import_id!r} changed nothing; expected one that `daicho imports` shows as applied"
        )

    def chunks() -> Iterator[bytes]:
        writer = TableWriter(APPLIED_COLUMNS, encoding=UTF_8)
        for page in numbers_set(house, import_id, state):
            for one in page:
                yield from writer.add([one.sku, one.before, one.after, one.row, one.position])
        yield writer.rest()

    return chunks()


# ------------------------------------------------------------------ runs that are no file of stock or products


def begin(house: House, by: By, *, kind: str, what: str, file_name: str, shop: str | None) -> str:
    """The run is in the list; the answer is its id."""
    file = ImportFile(
        import_id=house.new_id(),
        shop=shop,
        mall="house",
        kind=kind,
        format=what,
        encoding="",
        reason="",
        mode="",
        owed=None,
        file_name=file_name,
        file_digest="",
        file_bytes=0,
        rows=0,
        problems=0,
        counted_at=house.clock.now(),
        made_at=house.clock.now(),
        actor=by.actor,
        state=imports.STAGING,
        refused=None,
    )
    with house.pool.connection() as connection:
        imports.begin(connection, file)
    return file.import_id


def end(house: House, run_id: str, *, state: str, rows: int, problems: int, counts: Mapping[str, Any]) -> None:
    """The run ended so."""
    with house.pool.connection() as connection:
        connection.execute(
            "UPDATE import_files SET state = %s, rows = %s, problems = %s WHERE import_id = %s",
            (state, rows, problems, run_id),
        )
        import_differences.end(connection, Review(run_id, 0, house.clock.now(), counts))


def _cells(house: House, row: Sequence[Any]) -> dict[str, Cell]:
    cells: dict[str, Cell] = dict(zip(_NAMES, row, strict=True))
    cells["madeAt"] = row[8].isoformat()
    state = house.look(keys.load(row[0]), load.FOLD)
    if state.state == load.NOT_STARTED:
        return cells
    cells |= {"state": state.state, "lastRow": state.last_row, "changed": state.changed, "skipped": state.skipped}
    if state.state == load.UNDONE:
        cells |= {"undone": state.rows_undone, "kept": state.rows_kept}
    return cells
