"""Files into stock: applied chunk by chunk, resumed where it stopped.

Staging (``staging.py``) stores every row before anything is decided; preview and apply decide those very rows by the same
rules. While a chunk is committed the next one is decided ahead; it is sized so that the ledger's lock is held at most
LOCK_SECONDS_AIM, and orders pass between chunks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import adapters
from adapters.kit.mall import Mall
from adapters.kit.profile import Profile, corrected
from api.tables import import_pages, imports
from api.tables.imports import ImportFile
from api.wiring import House
from ledger import keys, load
from ledger import shop as shops
from ledger.book import By, loads
from ledger.codec import Envelope
from ledger.counting import Covers
from ledger.facts.load import ImportStarted
from ledger.failpoint import reach
from ledger.load import CHUNK_ROWS_MAX
from ledger.reading import look
from ledger.shop import Shop
from ledger.terms import utc_text
from ledger.writer import Done
from projections import listings
from projections.checkpoint import create_missing

CHUNK_ROWS_FIRST, CHUNK_ROWS_MIN = 500, 50
LOCK_SECONDS_AIM, CHUNK_GROWTH_MAX = 0.03, 1.25
MOVED_TRIES_MAX = 5  # of deciding one chunk ahead, when the ledger moves on faster than we decide
OUR_FORM = "house"
PROBLEMS_SHOWN_MAX = 20

Progress = Callable[[int, int], None]  # rows done, rows in all (0: not known yet)


class FileRefused(ValueError):
    """The file is not taken: what was seen, what was expected, and what to do."""


class ImportNotKnown(ValueError):
    """There is no staged file of this import id."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person asked for. ``shop`` None: our own form. ``counted_at`` None: the time that the file's name carries,
    else that at which the file on disk was ``changed_at``, else now. ``format`` and ``encoding``: a person names what the
    file is, instead of what it looks like.
    """

    shop: str | None
    mode: str
    file_name: str
    counted_at: datetime | None = None
    owed: str | None = None
    changed_at: datetime | None = None
    format: str = ""
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did. ``skipped`` counts rows by reason code."""

    import_id: str
    rows: int
    changed: int
    unchanged: int
    skipped: Mapping[str, int]
    problems: int
    position: int


def apply(
    house: House, import_id: str, by: By, progress: Progress | None = None, *, chunk_rows: int = CHUNK_ROWS_FIRST
) -> Applied:
    """Every understood row is applied or skipped with a reason. Stopped in the middle, the same call goes on behind the last chunk.

    ``chunk_rows`` are those of the first chunk; what it took decides the size of the next ones. Raises ImportNotKnown,
    FileRefused, and what ``book.loads`` raises.
    """
    file = staged(house, import_id)
    ready(house)
    begun = house.book.do(loads.start_import(import_id, started(file)), by)
    chunk, last_row = _number(begun.answer, "chunk"), _number(begun.answer, "last_row")
    with house.pool.connection() as connection:
        imports.forget_skips(connection, import_id, last_row)
    bulk = _Bulk(house, file, how_of(file, _number(begun.answer, "since")), by, chunk_rows)
    done_rows, position = 0, begun.position
    ahead = bulk.ahead(last_row)
    while ahead.rows:
        reach("bulk.before_chunk")
        chunk, last_row = chunk + 1, ahead.rows[-1].row
        done, following = bulk.commit(chunk, ahead)
        reach("bulk.after_chunk")
        position, done_rows, ahead = done.position, done_rows + len(ahead.rows), following
        if progress is not None:
            progress(min(done_rows, file.rows), file.rows)
    return _finish(house, file, by, position)


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


def staged(house: House, import_id: str) -> ImportFile:
    """The staged file. Raises ImportNotKnown, FileRefused."""
    with house.pool.connection() as connection:
        file = imports.read(connection, import_id)
    if file is None:
        raise ImportNotKnown(f"import {import_id!r} is not known; expected an id that `daicho imports` shows")
    if file.state != imports.STAGED:
        raise FileRefused(
            f"import {import_id} is {file.state}: {file.refused or 'its rows are not all here'}; send the file again"
        )
    return file


def profile_of(mall: Mall, shop: Shop | None) -> Profile:
    """The mall's profile with the shop's corrections (settings ``profile.<name>``) laid over."""
    changes: dict[str, object] = {}
    for name, value in (shop.settings if shop else {}).items():
        if name.startswith("profile."):
            changes[name.removeprefix("profile.")] = value
    return corrected(adapters.profile(mall.code), changes)


# ------------------------------------------------------------------ applying


def started(file: ImportFile) -> ImportStarted:
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
    )


def how_of(file: ImportFile, since: int) -> loads.How:
    """How this file's rows are applied by an import that started at position ``since``."""
    registers = file.kind != "stock" or file.shop is None
    return loads.How(file.import_id, file.shop, file.mode, file.counted_at, since, registers=registers, owed=file.owed)


def ready(house: House) -> None:
    """The listings table is there to be asked, also where no worker ever ran."""
    with house.pool.connection() as connection:
        create_missing(connection, house.database.schema, [listings.TABLE])


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
    done = house.book.do(loads.finish_import(file.import_id, rows=file.rows, unchanged=unchanged), by)
    return Applied(
        file.import_id, file.rows, state.changed, unchanged, skipped, file.problems, max(position, done.position)
    )


def _number(answer: Mapping[str, object], name: str) -> int:
    value = answer[name]
    assert isinstance(value, int), (name, value)
    return value


def shop_of(house: House, code: str) -> Shop:
    """The connected shop as it is now. Raises ShopNotReady when it is not connected."""
    found = house.look(keys.shop(code), shops.FOLD)
    if not found.connected:
        raise shops.ShopNotReady(f"shop {code!r} is not connected; expected one that `daicho shop show` lists")
    return found
