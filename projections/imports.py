"""取込の一覧: one row an import: which file, how far it is, what it changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from ledger.codec import Record
from ledger.facts import FACTS_OF_STREAM
from ledger.facts.load import (
    ImportCancelled,
    ImportChunkApplied,
    ImportFinished,
    ImportLaidBeside,
    ImportStarted,
    ImportUndone,
    SetUpChosen,
)
from ledger.keys import parts_of
from ledger.terms import utc_moment
from projections.page import Page
from projections.reading import Found, Query, page_of
from projections.table import Connection, Names, Relation, Table, Upserts, names_of, select

DDL = """
CREATE TABLE {imports} (
    import_id       text COLLATE "C" PRIMARY KEY,
    first_position  bigint NOT NULL,
    position        bigint NOT NULL,
    state           text COLLATE "C" NOT NULL,
    shop            text COLLATE "C",
    kind            text COLLATE "C" NOT NULL,
    mode            text COLLATE "C" NOT NULL,
    format          text COLLATE "C" NOT NULL,
    encoding        text COLLATE "C" NOT NULL,
    file_digest     text COLLATE "C" NOT NULL,
    rows            bigint NOT NULL,
    counted_at      timestamptz,
    started_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    actor           text COLLATE "C" NOT NULL,
    chunks          bigint NOT NULL,
    last_row        bigint NOT NULL,
    rows_applied    bigint NOT NULL,
    rows_changed    bigint NOT NULL,
    rows_unchanged  bigint NOT NULL,
    rows_skipped    bigint NOT NULL,
    skus_beside     bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX ON {imports} (first_position);
CREATE INDEX ON {imports} (shop, first_position);
CREATE INDEX ON {imports} (file_digest);
"""

FIELDS = {
    "import_id": "text",
    "first_position": "int8",
    "position": "int8",
    "state": "text",
    "shop": "text",
    "kind": "text",
    "mode": "text",
    "format": "text",
    "encoding": "text",
    "file_digest": "text",
    "rows": "int8",
    "counted_at": "timestamptz",
    "started_at": "timestamptz",
    "ended_at": "timestamptz",
    "actor": "text",
    "chunks": "int8",
    "last_row": "int8",
    "rows_applied": "int8",
    "rows_changed": "int8",
    "rows_unchanged": "int8",
    "rows_skipped": "int8",
    "skus_beside": "int8",
}


@dataclass(slots=True)
class ImportRow:
    """One import. ``state``: running, beside (waits for a choice), finished, cancelled or undone. Times are of recording.

    Mutable: every chunk of an import changes its row.
    """

    import_id: str
    first_position: int
    position: int
    state: str
    shop: str | None
    kind: str
    mode: str
    format: str
    encoding: str
    file_digest: str
    rows: int
    counted_at: datetime | None
    started_at: datetime
    ended_at: datetime | None
    actor: str
    chunks: int = 0
    last_row: int = 0
    rows_applied: int = 0
    rows_changed: int = 0
    rows_unchanged: int = 0
    rows_skipped: int = 0
    skus_beside: int = 0


def _new(import_id: str, record: Record, time: datetime) -> ImportRow:
    fact, actor = record.fact, record.envelope.actor
    if not isinstance(fact, ImportStarted):  # a choice among several files is an import of its own, without a file
        kind = "set_up" if isinstance(fact, SetUpChosen) else ""
        return ImportRow(
            import_id,
            record.position,
            record.position,
            "running",
            None,
            kind,
            "overwrite",
            "",
            "",
            "",
            0,
            None,
            time,
            None,
            actor,
        )
    return ImportRow(
        import_id=import_id,
        first_position=record.position,
        position=record.position,
        state="running",
        shop=fact.shop,
        kind=fact.kind,
        mode=fact.mode,
        format=fact.format,
        encoding=fact.encoding,
        file_digest=fact.file_digest,
        rows=fact.rows,
        counted_at=utc_moment(fact.counted_at) if fact.counted_at else None,
        started_at=time,
        ended_at=None,
        actor=actor,
    )


def _take(row: ImportRow, record: Record, time: datetime) -> None:
    """The row has taken in the fact."""
    row.position = record.position
    match record.fact:
        case ImportChunkApplied(last_row=last_row, rows=rows, changed=changed, skipped=skipped):
            row.chunks += 1
            row.last_row = last_row
            row.rows_applied += rows
            row.rows_changed += changed
            row.rows_skipped += skipped
        case ImportLaidBeside(skus=skus):
            row.state, row.skus_beside = "beside", skus
        case ImportFinished() as fact:
            row.state, row.ended_at = "finished", time
            row.rows_applied, row.rows_changed = fact.rows, fact.changed
            row.rows_unchanged, row.rows_skipped = fact.unchanged, fact.skipped
        case ImportCancelled(rows_applied=rows):
            row.state, row.ended_at, row.rows_applied = "cancelled", time, rows
        case ImportUndone():
            row.state, row.ended_at = "undone", time
        case _:
            pass


VALUES = attrgetter(*FIELDS)  # of a row, in their order


class _Writer:
    def __init__(self, names: Names) -> None:
        self._read = select(names, "imports", FIELDS, "import_id = ANY (%s)")
        self._save = Upserts(names, TABLE.relations[0], FIELDS)

    def forget(self) -> None:
        """Imports are few: nothing is kept between pages."""

    def write(self, connection: Connection, page: Page) -> None:
        records = list(page.pairs())
        rows = self._load(connection, {parts_of(record.stream)[0] for record, _ in records})
        for record, time in records:
            import_id = parts_of(record.stream)[0]
            if import_id not in rows:
                rows[import_id] = _new(import_id, record, time)
            _take(rows[import_id], record, time)
        self._save.write(connection, [VALUES(rows[name]) for name in sorted(rows)])

    def _load(self, connection: Connection, wanted: Iterable[str]) -> dict[str, ImportRow]:
        names = sorted(wanted)
        if not names:
            return {}
        rows: list[Any] = connection.execute(self._read, (names,), prepare=True).fetchall()
        return {row[0]: ImportRow(*row) for row in rows}


TABLE = Table(
    name="imports",
    version=1,
    relations=(Relation("imports", ("import_id",)),),
    ddl=DDL,
    facts=names_of(FACTS_OF_STREAM["import"]),
    open=_Writer,
)


# ------------------------------------------------------------------ readers


def page(
    connection: Connection, schema: str, *, first: int, before: int | None = None, shop: str | None = None
) -> Found[ImportRow]:
    """Up to ``first`` imports, newest first, begun before position ``before``. Raises PageNotAccepted."""
    query = Query(schema, "imports", FIELDS, order="first_position DESC")
    query.where("shop = %s", shop)
    query.where("first_position < %s", before)
    return page_of(connection, query, first, ImportRow)


def one(connection: Connection, schema: str, import_id: str) -> ImportRow | None:
    """The import of this id; None when there is none."""
    query = Query(schema, "imports", FIELDS, order="import_id")
    query.where("import_id = %s", import_id)
    rows = query.rows(connection, 1)
    return ImportRow(*rows[0]) if rows else None


def same_file(connection: Connection, schema: str, file_digest: str) -> list[ImportRow]:
    """Imports of a file with the same digest, oldest first: what a second upload of it is shown."""
    query = Query(schema, "imports", FIELDS, order="first_position")
    query.where("file_digest = %s", file_digest)
    return [ImportRow(*row) for row in query.rows(connection, 10)]
