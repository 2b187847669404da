"""Files on their way in: every row of every file of an import is stored before anything is decided.

Parts of one form with one header are read as one table, so that what a row says of the rows below it holds over the border of
two files. Rows of variants are filled with what the file of products says, a page at a time, through the database.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import Any

from psycopg import Connection

import adapters
from adapters.kit.file_form import FileRow, Joined, NotThisFormat, Parent, ReadParent, RowProblem
from adapters.kit.japanese import label_key
from adapters.kit.mall import Mall
from adapters.kit.profile import Profile
from adapters.kit.recognise import Recognised
from adapters.kit.table import TableRefused, open_table
from api.jobs import error_list
from api.jobs.counted_times import counted_of
from api.jobs.imports import OUR_FORM, FileRefused, Progress, Wish, profile_of, ready, staged
from api.jobs.sent_files import OpenedFile, Sent, digest_of, opened_files
from api.tables import import_parts, import_pieces, imports
from api.tables.import_parts import EXTRA_ROWS, PART_ROWS, PARTS_MAX, ImportPart
from api.tables.imports import ImportFile
from api.wiring import House
from ledger import keys, load
from ledger.book.stock import check_counted_at
from ledger.failpoint import reach
from ledger.shop import Shop

STAGE_ROWS = 5_000


def stage(
    house: House, chunks: Iterable[bytes], wish: Wish, actor: str, shop: Shop | None, progress: Progress | None = None
) -> ImportFile:
    """Every row of the file is in ``import_rows``, the bad ones with their problem. Memory stays that of a page of rows.

    Raises FileRefused (another mall's file, not a table, no such format), CountTooOld.
    """
    return stage_files(house, [Sent(wish.file_name, chunks, wish.changed_at)], wish, actor, shop, progress)


def stage_files(
    house: House,
    sent: Sequence[Sent],
    wish: Wish,
    actor: str,
    shop: Shop | None,
    progress: Progress | None = None,
) -> ImportFile:
    """The same for several files of one import, or a zip of them. Raises as ``stage``."""
    mall = adapters.declared(shop.mall if shop else OUR_FORM)
    profile = profile_of(mall, shop)
    ready(house)
    with opened_files(sent, wish, mall, profile) as opened:
        files, corrected = error_list.corrects(house, opened, shop=wish.shop, mode=wish.mode)
        if corrected is not None:
            wish = replace(wish, counted_at=wish.counted_at or corrected.counted_at, owed=wish.owed or corrected.owed)
        file = _file(house, wish, files, mall, actor)
        if corrected is not None:
            file = replace(file, counted_from="corrected", corrects=corrected.import_id)
        check_counted_at(file.counted_at, house.clock.now())
        with house.pool.connection() as connection:
            imports.begin(connection, file)
        return _Stage(house, file, profile, shop, progress).take(files)


def stage_beside(house: House, import_id: str, chunks: Iterable[bytes], wish: Wish, shop: Shop | None) -> ImportFile:
    """One more file of an import that was not applied yet: products come first, then their variants. What was there stays
    when this one is refused.

    Raises ImportNotKnown, FileRefused, CountTooOld.
    """
    before = staged(house, import_id)
    if house.look(keys.load(import_id), load.FOLD).state != load.NOT_STARTED:
        raise FileRefused(
            f"import {import_id} is being applied; expected one that was only sent: send all files as a new one"
        )
    if before.format.startswith("api-"):
        raise FileRefused(
            f"import {import_id} was read from the mall; expected one of files: send this file as a new one"
        )
    if (before.shop, before.mode) != (wish.shop, wish.mode):
        raise FileRefused(
            f"import {import_id} is of {before.shop or 'our own form'}, {before.mode}; expected the same of every file"
        )
    mall = adapters.declared(before.mall)
    profile = profile_of(mall, shop)
    with opened_files([Sent(wish.file_name, chunks)], wish, mall, profile) as files:
        file = _with_time(before, wish, files, house.clock.now())
        check_counted_at(file.counted_at, house.clock.now())
        return _Stage(house, file, profile, shop, None, before=before).take(files)


# ------------------------------------------------------------------ one staging


class _Stage:
    """The files of one import being stored. Mutable: it counts rows, problems and what is to be noted."""

    def __init__(
        self,
        house: House,
        file: ImportFile,
        profile: Profile,
        shop: Shop | None,
        progress: Progress | None,
        *,
        before: ImportFile | None = None,
    ) -> None:
        self._house, self._file, self._profile, self._before = house, file, profile, before
        self._match_key = shop.match_key if shop else "sku"
        self._progress = progress
        self._mall = adapters.declared(file.mall)
        self._forms = {one.format.name: one.format for one in adapters.candidates() if one.mall == file.mall}
        with house.pool.connection() as connection:
            self._parts = import_parts.of(connection, file.import_id) if before else []
        self._first_part = len(self._parts)
        self._orphans, self._last_line, self._extras = 0, -1, 0

    def take(self, files: Sequence[OpenedFile]) -> ImportFile:
        """Every row is there, or nothing of these files. Raises FileRefused."""
        why, done = "it did not come to its end", False
        try:
            self._check(files)
            for group in _groups(files):
                self._read(group)
            staged = self._finish(files)
            done = True
        except (TableRefused, FileRefused) as refused:
            why = str(refused)
            raise FileRefused(why) from None
        finally:
            if not done:
                with self._house.pool.connection() as connection:
                    if self._before is None:
                        imports.refuse(connection, self._file.import_id, why)
                    else:
                        import_parts.forget(connection, self._file.import_id, self._first_part)
        return staged

    def _check(self, files: Sequence[OpenedFile]) -> None:
        if len(self._parts) + len(files) > PARTS_MAX:
            raise FileRefused(f"more than {PARTS_MAX} files; expected at most {PARTS_MAX} in one import")
        known = {part.format for part in self._parts}
        if not known:
            return
        for file in files:
            form = file.found.format
            if form.name in known or (form.joined and form.joined.form in known):
                continue
            waiting = [name for name in known if (joined := self._forms[name].joined) and joined.form == form.name]
            if waiting:
                raise FileRefused(
                    f"{file.name} is to be sent before {waiting[0]}, which it explains: send it first, in a new import"
                )
            raise FileRefused(
                f"{file.name} ({form.label}) does not belong to the files of this import ({', '.join(sorted(known))}); "
                "expected a part of one of them: import it by itself"
            )

    def _read(self, group: Sequence[OpenedFile]) -> None:
        found = group[0].found
        reader = found.format.open(found.header, self._profile)
        assert not isinstance(reader, NotThisFormat), reader
        parents: list[Parent] = []
        rows = reader(self._lines(group, _parents_of(found, self._profile), parents))
        named = self._mall.sells_at_zero
        flag_stated = named is not None and label_key(named) in map(label_key, found.header)
        import_id, joined = self._file.import_id, found.format.joined
        while page := list(islice(rows, STAGE_ROWS)):
            page, lines = self._numbered(page)
            with self._house.pool.connection() as connection:
                if parents:
                    import_parts.add_parents(connection, import_id, parents)
                if lines:
                    import_parts.note_lines(connection, import_id, lines)
                if joined:
                    known = import_parts.parents_of(connection, import_id, sorted(_items(page)))
                    page = [self._filled(row, joined, known) for row in page]
                problems = imports.append(connection, self._file, page, self._match_key, flag_stated=flag_stated)
            parents.clear()
            reach("upload.row_page_stored")
            self._count(len(page), problems)
        if parents:
            with self._house.pool.connection() as connection:
                import_parts.add_parents(connection, import_id, parents)

    def _numbered(self, page: Sequence[FileRow | RowProblem]) -> tuple[list[FileRow | RowProblem], dict[int, int]]:
        """The rows, each with a number of its own, and the lines of those that are not the first of theirs."""
        numbered: list[FileRow | RowProblem] = []
        lines: dict[int, int] = {}
        for row in page:
            line = row.row
            if line == self._last_line:
                self._extras += 1
                number = line - line % PART_ROWS + EXTRA_ROWS + self._extras
                if line % PART_ROWS >= EXTRA_ROWS or self._extras >= EXTRA_ROWS:
                    raise FileRefused(
                        f"row {line % PART_ROWS}: expected a file of at most {EXTRA_ROWS:,} lines: send it in parts"
                    )
                lines[number] = line
                row = replace(row, row=number)
            self._last_line = line
            numbered.append(row)
        return numbered, lines

    def _count(self, rows: int, problems: int) -> None:
        self._file = replace(self._file, rows=self._file.rows + rows, problems=self._file.problems + problems)
        if self._progress is not None:
            self._progress(self._file.rows, 0)

    def _filled(self, row: FileRow | RowProblem, joined: Joined, known: Mapping[str, Parent]) -> FileRow | RowProblem:
        if isinstance(row, RowProblem):
            return row
        parent = known.get(row.key.item)
        self._orphans += parent is None
        return row if parent is None else joined.fill(row, parent, self._profile)

    def _lines(
        self, group: Sequence[OpenedFile], read_parent: ReadParent | None, parents: list[Parent]
    ) -> Iterator[tuple[int, Sequence[str]]]:
        """The rows of the files one behind the other, numbered over all files of the import. Raises FileRefused."""
        for file in group:
            part = ImportPart(
                len(self._parts), file.name, "", file.found.format.name, file.found.encoding, file.found.why
            )
            self._parts.append(part)
            begin = part.rows[0]
            try:
                kept = import_pieces.keeping(self._house.pool, self._file.import_id, part.part, file.body)
                table = _opened(replace(file, body=kept))
                for line, cells in table:
                    if line >= PART_ROWS:
                        raise FileRefused(f"{file.name}: more than {PART_ROWS:,} lines; expected the file in parts")
                    if read_parent is not None and (parent := read_parent(cells)) is not None:
                        parents.append(parent)
                    yield begin + line, cells
            except TableRefused as refused:
                raise FileRefused(f"{file.name}: {refused}") from None

    # -------------------------------------------------------------- the end

    def _finish(self, files: Sequence[OpenedFile]) -> ImportFile:
        import_id = self._file.import_id
        digest, size = digest_of(files)
        if self._before is not None:
            both = f"{self._before.file_digest}{digest}"
            digest, size = sha256(both.encode()).hexdigest(), self._before.file_bytes + size
        with self._house.pool.connection() as connection:
            for part, file in zip(self._parts[self._first_part :], files, strict=True):
                import_parts.add(connection, import_id, replace(part, file_digest=file.hashed.digest()))
            if len(self._parts) > 1:
                self._fit_together(connection)
            notes = self._notes(connection)
            file_now = replace(self._file, notes=notes)
            return imports.stage(connection, file_now, digest=digest, size=size)

    def _fit_together(self, connection: Connection[Any]) -> None:
        import_id, removed = self._file.import_id, 0
        for variants in self._parts:
            joined = self._forms[variants.format].joined
            for products in self._parts if joined else ():
                if joined and products.format == joined.form:
                    removed += import_parts.without_products_of(connection, import_id, products, variants)
        twice = import_parts.in_two_files(connection, import_id)
        self._file = replace(self._file, rows=self._file.rows - removed, problems=self._file.problems + twice)

    def _notes(self, connection: Connection[Any]) -> tuple[str, ...]:
        """What a person is told: a file that is missing beside these, rows whose product is in none of them."""
        there, notes = {part.format for part in self._parts}, list[str]()
        for name in sorted(there):
            joined = self._forms[name].joined
            if joined and joined.form not in there and joined.without:
                notes.append(
                    f"{self._forms[joined.form].label} is not among the files: {joined.without}; send both in one import"
                )
            if joined and joined.form in there and self._orphans:
                notes.append(
                    f"{self._orphans:,} rows are of products that {self._forms[joined.form].label} does not have ({joined.by})"
                )
        children = [form for form in self._forms.values() if form.joined and form.joined.form in there]
        missing = import_parts.divided_without_rows(connection, self._file.import_id) if children else 0
        if missing:
            labels = ", ".join(form.label for form in children)
            notes.append(
                f"{missing:,} products have their stock in {labels}, of which no row came; send both in one import"
            )
        return tuple(notes)


# ------------------------------------------------------------------ the files


def _groups(files: Sequence[OpenedFile]) -> Iterator[list[OpenedFile]]:
    """Files that are read as one table: the same form and the same header, in the order they are in."""
    group: list[OpenedFile] = []
    for file in files:
        found = file.found
        if group and (found.format.name, found.header) != (group[0].found.format.name, group[0].found.header):
            yield group
            group = []
        if group and found.format.guided:
            yield group
            group = []
        group.append(file)
    yield group


def _opened(file: OpenedFile) -> Iterator[tuple[int, Sequence[str]]]:
    found = file.found
    table = open_table(
        file.body,
        delimiter=found.format.delimiter,
        encodings=found.format.encodings,
        encoding=found.asked_encoding,
    )
    return table.rows


def _parents_of(found: Recognised, profile: Profile) -> ReadParent | None:
    if found.format.parents is None:
        return None
    read = found.format.parents(found.header, profile)
    return None if isinstance(read, NotThisFormat) else read


def _items(page: Iterable[FileRow | RowProblem]) -> set[str]:
    return {row.key.item for row in page if isinstance(row, FileRow)}


# ------------------------------------------------------------------ what is kept of the files


def _with_time(before: ImportFile, wish: Wish, files: Sequence[OpenedFile], now: datetime) -> ImportFile:
    counted_at, counted_from = counted_of(wish, files, now)
    forms = sorted({*before.format.split("+"), *(file.found.format.name for file in files)})
    kind = "both" if any(file.found.format.kind != "stock" for file in files) else before.kind
    earlier = counted_at < before.counted_at
    return replace(
        before,
        kind=kind,
        format="+".join(forms),
        file_name=_names([before.file_name, *(file.name for file in files)]),
        counted_at=counted_at if earlier else before.counted_at,
        counted_from=counted_from if earlier else before.counted_from,
    )


def _file(house: House, wish: Wish, files: Sequence[OpenedFile], mall: Mall, actor: str) -> ImportFile:
    kinds = {file.found.format.kind for file in files}
    counted_at, counted_from = counted_of(wish, files, house.clock.now())
    return ImportFile(
        import_id=house.new_id(),
        shop=wish.shop,
        mall=mall.code,
        kind=kinds.pop() if len(kinds) == 1 else "both",
        format="+".join(dict.fromkeys(file.found.format.name for file in files)),
        encoding="+".join(dict.fromkeys(file.found.encoding for file in files)),
        reason="; ".join(dict.fromkeys(file.found.why for file in files)),
        mode=wish.mode,
        owed=wish.owed,
        file_name=_names([file.name for file in files]),
        file_digest="",
        file_bytes=0,
        rows=0,
        problems=0,
        counted_at=counted_at,
        made_at=house.clock.now(),
        actor=actor,
        state=imports.STAGING,
        refused=None,
        together=wish.together,
        counted_from=counted_from,
    )


def _names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else " + ".join(names)[:500]
