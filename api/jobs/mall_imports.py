"""Reads a mall directly as an import: its answer is staged like a file, previewed and applied like one.

Where a mall lists everything (``read_all``) products and listings come with it; where it only answers for listings that are
named (``read_back``), those that are linked here are read, and that is said. The numbers count as of the moment the first answer was
asked for: in doubt the earlier time (D2). A reading that broke off goes on behind its last stored page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import TypeAlias

from adapters.kit.file_form import FileRow, RowProblem
from adapters.kit.mall import Mall, ReadFailed, StockPage
from api.jobs.counted_times import surely_counted_at
from api.jobs.imports import Progress, ready
from api.jobs.mall_reading import MallNotRead, wait_for_pace
from api.projecting import catch_up
from api.shop_access import ConnectedShop, ShopAccesses, TurnNotGot
from api.tables import import_parts, imports, mall_paces, mall_readings
from api.tables.imports import ImportFile
from api.tables.mall_readings import MallReading
from api.wiring import House
from ledger.failpoint import reach
from ledger.terms import ListingKey, ListingRead, Result

EVERYTHING, LISTINGS = "api-everything", "api-listings"
GOES_ON = timedelta(hours=1)  # a reading that broke off longer ago is begun anew
FAILURES_MAX = 8  # one after the other
BACK_OFF_SECONDS, BACK_OFF_SECONDS_MAX = 2.0, 60.0
WAITS_MAX = 360  # for an answer that the mall is still making
ROWS_MAX = 5_000_000

_KNOWN_ONLY = (
    "only listings that are linked here were read: {} does not list what else it has; import its file for that"
)

Ask: TypeAlias = Callable[[ConnectedShop, str], "_Page | ReadFailed"]


def read_mall(
    house: House,
    code: str,
    mode: str,
    actor: str,
    progress: Progress | None = None,
    *,
    owed: str | None = None,
    accesses: ShopAccesses | None = None,
) -> ImportFile:
    """What the mall answers is staged. Called again after it broke off, it goes on.

    Raises ShopNotReady (the mall cannot be read, or the shop has no linked listings), MallNotRead.
    """
    used = accesses or ShopAccesses(house)
    try:
        return _Reading(house, used, code, Asked(mode, owed, actor), progress).run()
    finally:
        if accesses is None:
            used.close()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked for: ``mode`` overwrite or add, ``owed`` as for a file."""

    mode: str
    owed: str | None
    actor: str


@dataclass(frozen=True, slots=True)
class _Page:
    rows: Sequence[FileRow | RowProblem]
    cursor: str
    wait_seconds: float = 0.0


class _Reading:
    """One reading under way. Mutable: it counts pages and failures."""

    def __init__(
        self,
        house: House,
        accesses: ShopAccesses,
        code: str,
        asked: Asked,
        progress: Progress | None,
    ) -> None:
        self._house, self._accesses, self._wanted, self._progress = house, accesses, asked, progress
        self._one = accesses.connected(code)
        self._ask, self._form = self._way()

    def run(self) -> ImportFile:
        ready(self._house)
        catch_up(self._house)
        file, reading = self._begin()
        failures = waits = 0
        while not reading.done:
            wait_for_pace(self._house, self._one)
            page = self._asked(reading.cursor)
            if isinstance(page, ReadFailed):
                failures += 1
                if page.result is Result.REJECTED:
                    self._end(file, page)
                self._wait_after(page, failures)
                continue
            failures = 0
            if page.wait_seconds:
                waits += 1
                if waits > WAITS_MAX:
                    raise MallNotRead(f"{self._mall.name} is still making its answer; start the reading again later")
                self._house.clock.sleep(page.wait_seconds)
            reading = self._store(file, reading, page)
        return self._finish(file, reading)

    @property
    def _mall(self) -> Mall:
        return self._one.mall

    def _way(self) -> tuple[Ask, str]:
        """How the mall is read."""
        if callable(self._mall.read_all):
            return self._page_of_everything, EVERYTHING
        if callable(self._mall.read_back):
            return self._page_of_listings, LISTINGS
        forms = self._mall.stock_in if isinstance(self._mall.stock_in, tuple) else ()
        labels = ", ".join(form.label for form in forms)
        raise MallNotRead(f"{self._mall.name} cannot be read by API; expected its file to be imported: {labels}")

    # -------------------------------------------------------------- asking

    def _asked(self, cursor: str) -> _Page | ReadFailed:
        try:
            return self._ask(self._one, cursor)
        except TurnNotGot:
            return ReadFailed(Result.TRANSIENT, "turn_not_got")

    def _page_of_everything(self, one: ConnectedShop, cursor: str) -> _Page | ReadFailed:
        assert callable(self._mall.read_all)
        with self._accesses.of(one) as access:
            found = self._mall.read_all(access, cursor)
        return _Page(found.rows, found.cursor, found.wait_seconds) if isinstance(found, StockPage) else found

    def _page_of_listings(self, one: ConnectedShop, cursor: str) -> _Page | ReadFailed:
        assert callable(self._mall.read_back)
        keys = self._listings_after(cursor)
        if not keys:
            return _Page((), "")
        with self._accesses.of(one) as access:
            found = self._mall.read_back(access, keys)
        if isinstance(found, ReadFailed):
            return found
        more = len(keys) == self._mall.read_batch_max
        return _Page([_row(read) for read in found], _cursor_of(keys[-1]) if more else "")

    def _listings_after(self, cursor: str) -> list[ListingKey]:
        item, _, variant = cursor.partition("\t")
        with self._house.pool.connection() as connection:
            rows = connection.execute(
                "SELECT item, variant FROM listings WHERE shop = %s AND sku <> '' AND state NOT IN ('retired', 'excluded')"
                " AND (item, variant) > (%s, %s) ORDER BY item, variant LIMIT %s",
                (self._one.code, item, variant, self._mall.read_batch_max),
            )
            return [ListingKey(*row) for row in rows]

    def _end(self, file: ImportFile, failed: ReadFailed) -> None:
        """What was read is forgotten. Raises MallNotRead."""
        why = f"{self._mall.name} gave up its answer (code {failed.code or 'none'}); read it again later, or import its file"
        with self._house.pool.connection() as connection:
            imports.refuse(connection, file.import_id, why)
            mall_readings.forget(connection, file.import_id)
        raise MallNotRead(why)

    def _wait_after(self, failed: ReadFailed, failures: int) -> None:
        """The same page is asked for again after a while. Raises MallNotRead when that is of no use."""
        if failed.result is Result.REJECTED_AUTH or failures >= FAILURES_MAX:
            raise MallNotRead(
                f"{self._mall.name} did not say its numbers ({failed.result}, code {failed.code or 'none'}); what was read is kept:"
                " check the shop's keys and that the mall answers, then start the reading again within an hour"
            )
        wait = max(failed.wait_seconds, min(BACK_OFF_SECONDS * 2 ** (failures - 1), BACK_OFF_SECONDS_MAX))
        if failed.result is Result.THROTTLED:
            pace, kind = (
                mall_paces.pace_of(self._mall.reads_per_second),
                mall_paces.counted_as(self._mall, mall_paces.READ),
            )
            with self._house.pool.connection() as connection:
                mall_paces.hold_back(
                    connection,
                    self._one.code,
                    kind,
                    pace,
                    now=self._house.clock.now(),
                    wait_seconds=failed.wait_seconds,
                )
        self._house.clock.sleep(wait)

    # -------------------------------------------------------------- storing

    def _begin(self) -> tuple[ImportFile, MallReading]:
        """A new import, or the one that broke off."""
        now, match_key = self._house.clock.now(), self._one.shop.match_key
        with self._house.pool.connection() as connection:
            known = mall_readings.broken_off(connection, self._one.code, self._wanted.mode, match_key, now - GOES_ON)
            file = imports.read(connection, known.import_id) if known else None
            if known is not None and file is not None and file.state == imports.STAGING:
                return replace(file, rows=known.rows, problems=known.problems), known
            file = self._file()
            reading = MallReading(file.import_id, self._one.code, self._wanted.mode, match_key, now, now, "")
            imports.begin(connection, file)
            mall_readings.keep(connection, reading)
            return file, reading

    def _store(self, file: ImportFile, reading: MallReading, page: _Page) -> MallReading:
        """The page's rows and how far the reading came are one commit."""
        rows = [replace(row, row=reading.rows + at) for at, row in enumerate(page.rows, start=1)]
        if reading.rows + len(rows) > ROWS_MAX:
            raise MallNotRead(f"more than {ROWS_MAX:,} listings; expected fewer: import the mall's files")
        with self._house.pool.connection() as connection:
            problems = imports.append(connection, file, rows, reading.match_key) if rows else 0
            reading = replace(
                reading,
                rows=reading.rows + len(rows),
                problems=reading.problems + problems,
                read_at=self._house.clock.now(),
                cursor=page.cursor,
                done=not page.cursor,
            )
            mall_readings.keep(connection, reading)
        reach("mall_reading.page_stored")
        if self._progress is not None:
            self._progress(reading.rows, 0)
        return reading

    def _finish(self, file: ImportFile, reading: MallReading) -> ImportFile:
        known_only = self._form == LISTINGS
        notes = (_KNOWN_ONLY.format(self._mall.name),) if known_only else ()
        file = replace(file, rows=reading.rows, problems=reading.problems, notes=notes)
        said = f"{file.import_id} {reading.begun_at.isoformat()} {reading.rows}"
        with self._house.pool.connection() as connection:
            file = replace(file, rows=file.rows - import_parts.without_read_twice(connection, file.import_id))
            return imports.stage(connection, file, digest=sha256(said.encode()).hexdigest(), size=0)

    def _file(self) -> ImportFile:
        now = self._house.clock.now()
        return ImportFile(
            import_id=self._house.new_id(),
            shop=self._one.code,
            mall=self._mall.code,
            kind="both" if self._form == EVERYTHING else "stock",
            format=self._form,
            encoding="utf-8",
            reason="read from the mall",
            mode=self._wanted.mode,
            owed=self._wanted.owed,
            file_name=f"{self._mall.code} {now:%Y-%m-%dT%H:%M:%SZ}",
            file_digest="",
            file_bytes=0,
            rows=0,
            problems=0,
            counted_at=surely_counted_at(now),
            made_at=now,
            actor=self._wanted.actor,
            state=imports.STAGING,
            refused=None,
            counted_from="the mall's answer",
        )


def _row(read: ListingRead) -> FileRow | RowProblem:
    if not read.found:
        text = f"{read.key.item}/{read.key.variant}" if read.key.variant else read.key.item
        return RowProblem(0, "", text, "a listing that the mall knows: see `daicho listing check`", item=read.key.item)
    return FileRow(row=0, key=read.key, units=read.units)


def _cursor_of(key: ListingKey) -> str:
    return f"{key.item}\t{key.variant}"
