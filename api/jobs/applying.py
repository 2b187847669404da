"""A staged file into stock: applied chunk by chunk, and gone on with where it stopped.

While a chunk is committed the next one is decided ahead; it is sized so that the ledger's lock is held at most
LOCK_SECONDS_AIM, and orders pass between chunks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from api.jobs import set_up
from api.jobs.imports import FileRefused, Progress, ready, staged
from api.tables import import_pages, imports
from api.tables.imports import ImportFile
from api.wiring import House
from ledger import keys, load
from ledger.book import By, loads
from ledger.codec import Envelope
from ledger.counting import Covers
from ledger.facts.load import ImportStarted
from ledger.failpoint import reach
from ledger.load import CHUNK_ROWS_MAX
from ledger.reading import look
from ledger.terms import utc_text
from ledger.writer import Done

CHUNK_ROWS_FIRST, CHUNK_ROWS_MIN = 500, 50
LOCK_SECONDS_AIM, CHUNK_GROWTH_MAX = 0.03, 1.25
MOVED_TRIES_MAX = 5  # of deciding one chunk ahead, when the ledger moves on faster than we decide


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person was shown before: numbers that would change and go to 0, as the ledger stood at ``position``; whether it was
    ``confirmed`` by naming these counts.
    """

    position: int
    changed: int
    to_zero: int
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did. ``skipped`` counts rows by reason code; ``stale``: rows decided again because their SKU moved meanwhile."""

    import_id: str
    rows: int
    changed: int
    unchanged: int
    skipped: Mapping[str, int]
    problems: int
    position: int
    stale: int = 0


def apply(
    house: House,
    import_id: str,
    by: By,
    progress: Progress | None = None,
    *,
    chunk_rows: int = CHUNK_ROWS_FIRST,
    seen: Seen | None = None,
) -> Applied:
    """Every understood row is applied or skipped with a reason. Stopped in the middle, the same call goes on behind the last chunk.

    ``chunk_rows`` are those of the first chunk; what it took decides the size of the next ones. ``seen``: what the person was
    shown, which the first fact keeps. Raises ImportNotKnown, FileRefused, and what ``book.loads`` raises.
    """
    file = staged(house, import_id)
    ready(house)
    running = house.look(keys.load(import_id), load.FOLD)
    begun_as = running.started if running.state == load.RUNNING else None
    begun = house.book.do(loads.start_import(import_id, begun_as or started(file, seen)), by)
    chunk, last_row = _number(begun.answer, "chunk"), _number(begun.answer, "last_row")
    with house.pool.connection() as connection:
        imports.forget_skips(connection, import_id, last_row)
    how = how_of(file, _number(begun.answer, "since"), beside=set_up.lies_beside(house, file))
    bulk = _Bulk(house, file, how, by, chunk_rows)
    done_rows, position, stale = 0, begun.position, 0
    ahead = bulk.ahead(last_row)
    while ahead.rows:
        reach("bulk.before_chunk")
        chunk, last_row = chunk + 1, ahead.rows[-1].row
        done, following = bulk.commit(chunk, ahead)
        reach("bulk.after_chunk")
        position, done_rows, ahead = done.position, done_rows + len(ahead.rows), following
        stale += _number(done.answer, "stale")
        if progress is not None:
            progress(min(done_rows, file.rows), file.rows)
    return replace(_finish(house, file, by, position), stale=stale)


class _Bulk:
    """Chunks of one import: while one is committed by the writer, the next is decided here. Mutable: its chunks grow and shrink."""

    def __init__(self, house: House, file: ImportFile, how: loads.How, by: By, rows: int) -> None:
        self._house, self._file, self._how, self._by = house, file, how, by
        self._rows = rows
        self._before = loads.Before()

    def ahead(self, after_row: int, *, full: bool = False) -> loads.Ahead:
        """The next chunk behind the row, decided as the ledger stands now; without rows at the end. ``full``: each row from
        all that it says.
        """
        now = self._house.clock.now()
        envelope = Envelope(now, self._by.actor, self._by.trace, None, self._by.cause)
        with (
            self._house.pool.connection() as connection,
            look(connection, self._house.database.schema, now) as seen,
        ):
            rows = import_pages.page(connection, self._file, self._how, after_row, self._rows, full=full)
            try:
                return loads.decide_ahead(seen, self._how, rows, envelope)
            except loads.MovedTooMuch:
                rows = import_pages.in_full(connection, self._file, rows)
                return loads.decide_ahead(seen.again(), self._how, rows, envelope)

    def commit(self, chunk: int, ahead: loads.Ahead) -> tuple[Done, loads.Ahead]:
        """The chunk is durable; the second value is the next one. Raises what ``apply_chunk`` raises."""
        first_row, last_row = ahead.rows[0].row, ahead.rows[-1].row
        for tries in range(1, MOVED_TRIES_MAX + 1):
            verb = loads.apply_chunk(chunk, ahead, self._how, self._before)
            future = self._house.book.submit(verb, self._by)
            following = self.ahead(last_row)
            try:
                done = self._house.book.result(future)
                break
            except loads.MovedTooMuch:
                if tries == MOVED_TRIES_MAX:
                    raise
                ahead = self.ahead(first_row - 1, full=True)
                last_row = ahead.rows[-1].row
        self._before = ahead.before(done.position - done.facts + 1, done.position)
        self._rows = _next_size(len(ahead.rows), self._house.writer.alone_seconds)
        skipped = done.answer["skipped"]
        assert isinstance(skipped, list), skipped
        if skipped:
            with self._house.pool.connection() as connection:
                imports.note_skips(connection, self._file.import_id, skipped)
        return done, following


# ------------------------------------------------------------------ how


def started(file: ImportFile, seen: Seen | None = None) -> ImportStarted:
    """The fact that this file's rows are being applied."""
    covers = Covers((file.shop or "*",), (utc_text(file.counted_at),), (0,))
    return ImportStarted(
        shop=file.shop,
        kind=file.kind,
        mode=file.mode,
        format=f"{file.mall}:{file.format}",
        encoding=file.encoding,
        file_digest=file.file_digest,
        rows=file.rows,
        counted_at=utc_text(file.counted_at),
        covers_shops=list(covers.shops),
        covers_up_to=list(covers.up_to),
        covers_up_to_position=list(covers.up_to_position),
        seen_position=seen.position if seen else None,
        seen_changed=seen.changed if seen else None,
        seen_to_zero=seen.to_zero if seen else None,
        confirmed=seen.confirmed if seen else False,
    )


def how_of(file: ImportFile, since: int, *, beside: bool = False) -> loads.How:
    """How this file's rows are applied by an import that started at position ``since``; ``beside``: in set-up (D5)."""
    return loads.How(
        file.import_id,
        file.shop,
        file.mode,
        file.counted_at,
        since,
        registers=file.kind != "stock" or file.shop is None,
        owed=file.owed,
        beside=beside,
    )


def _next_size(size: int, lock_seconds: float) -> int:
    """So many rows as would have held the lock for the time aimed at, grown slowly: one quick chunk says little of the next."""
    factor = min(CHUNK_GROWTH_MAX, max(0.5, LOCK_SECONDS_AIM / max(lock_seconds, 0.001)))
    return max(CHUNK_ROWS_MIN, min(CHUNK_ROWS_MAX, int(size * factor)))


def _finish(house: House, file: ImportFile, by: By, position: int) -> Applied:
    reach("bulk.before_finish")
    with house.pool.connection() as connection:
        skipped = imports.skips_of(connection, file.import_id)
    state = house.look(keys.load(file.import_id), load.FOLD)
    understood = file.rows - file.problems
    if state.rows < understood and state.state == load.RUNNING:
        raise FileRefused(
            f"import {file.import_id}: {state.rows} of {understood} rows were found; the others are no longer kept: send the file again"
        )
    unchanged = max(0, understood - state.changed - state.skipped)
    done = house.book.do(
        loads.finish_import(file.import_id, rows=file.rows, unchanged=unchanged, beside=skipped.get(load.BESIDE, 0)), by
    )
    return Applied(
        file.import_id, file.rows, state.changed, unchanged, skipped, file.problems, max(position, done.position)
    )


def _number(answer: Mapping[str, object], name: str) -> int:
    value = answer[name]
    assert isinstance(value, int), (name, value)
    return value
