"""Tell Rakuten numbers by file: normal-item CSVs put into /ritem/batch over SFTP, and the log that RMS writes about each.

A put always "succeeds"; what became of it stands only in the log, which may be late, or missing when all went well
(NOTES.md, "Outbound by file"). While a file waits in the folder none is added.
"""

import csv
import io
import re
from itertools import product

from adapters.kit.folder_push import in_the_way, names_in, put_batch, take_back, tested
from adapters.kit.mall import ConnectionTested, ReadFailed
from adapters.kit.profile import Profile
from adapters.kit.push_file import (
    Batch,
    BatchAccess,
    Finished,
    Followed,
    Given,
    NotThere,
    PushFile,
    Unfinished,
    finished_but,
)
from adapters.rakuten.files import write_stock
from ledger.terms import Outcome, Result

LOG_BYTES_MAX = 20_000_000
ROW_REFUSED = "csv_row_refused"
HEADER_ROW = 1
ENCODING = "cp932"


def submit(access: BatchAccess, batch: Batch) -> Given:
    """The file of these numbers lies in the batch folder."""
    profile = access.shop.profile
    folder, name = profile.text("push_file.folder"), name_of(batch, profile)
    return put_batch(access, batch, folder, name, write_stock(batch.levels, profile))


def may_submit(access: BatchAccess) -> str | ReadFailed | None:
    """Not while a file of ours, or of another tool, waits there."""
    profile = access.shop.profile
    begin = profile.text("push_file.name_begin")
    return in_the_way(access, profile.text("push_file.folder"), lambda name: name.lower().startswith(begin))


def follow(access: BatchAccess, batch: Batch) -> Followed:
    """Waiting in the folder, or what its log says. A file that is gone and has no log yet was taken up."""
    profile = access.shop.profile
    name = name_of(batch, profile)
    waiting = names_in(access, profile.text("push_file.folder"))
    if isinstance(waiting, ReadFailed):
        return waiting
    if name in waiting:
        return Unfinished("waiting")
    logs = names_in(access, profile.text("push_file.log_folder"))
    if isinstance(logs, ReadFailed):
        return logs
    stem = name.removesuffix(".csv")
    mine = sorted(log for log in logs if log.startswith(stem + "."))
    if not mine:
        return NotThere()
    got = access.folders().get(profile.text("push_file.log_folder"), mine[-1], bytes_max=LOG_BYTES_MAX)
    if isinstance(got, ReadFailed):
        return got
    return read_log(batch, got.content.decode(ENCODING, "replace"), profile)


def withdraw(access: BatchAccess, batch: Batch) -> bool:
    """The file was still waiting and is gone."""
    profile = access.shop.profile
    return take_back(access, profile.text("push_file.folder"), name_of(batch, profile))


def test(access: BatchAccess) -> ConnectionTested:
    """Whether both folders can be listed."""
    profile = access.shop.profile
    return tested(access, (profile.text("push_file.folder"), profile.text("push_file.log_folder")))


def name_of(batch: Batch, profile: Profile) -> str:
    """The file's name: its beginning makes RMS take it, the request makes it one of a kind."""
    return f"{profile.text('push_file.name_begin')}_daicho_{batch.request}.csv"


def read_log(batch: Batch, log: str, profile: Profile) -> Finished:
    """What the log says of each listing. Lines at fault name a row or the codes; where one names neither, what became of
    the listings it does not name is not known.
    """
    if any(said in log for said in profile.texts("push_file.log_no_errors")):
        return finished_but(batch, {})
    word, row_pattern = profile.text("push_file.log_error_word"), re.compile(profile.text("push_file.log_row"))
    rejected: dict[int, str] = {}
    by_codes = {(level.key.item.lower(), level.key.variant): at for at, level in enumerate(batch.levels)}
    unclear = word not in log
    for cells in csv.reader(io.StringIO(log, newline="")):
        line = ",".join(cells)
        if word not in line:
            continue
        place = _place(cells, line, row_pattern, by_codes)
        if place is None or not 0 <= place < len(batch.levels):
            unclear = True  # the header, the whole file, or a row in words we do not know
        else:
            rejected[place] = ROW_REFUSED
    found = finished_but(batch, rejected)
    if not unclear:
        return found
    unknown = Outcome(Result.UNKNOWN, "log_not_understood")
    return Finished(tuple(one if one.result is Result.REJECTED else unknown for one in found.outcomes))


def _place(
    cells: list[str], line: str, row_pattern: re.Pattern[str], by_codes: dict[tuple[str, str], int]
) -> int | None:
    said = {cell.strip() for cell in cells}
    pairs = product({cell.lower() for cell in said}, said | {""})
    named = {by_codes[pair] for pair in pairs if pair in by_codes}
    if len(named) == 1:
        return named.pop()
    row = row_pattern.search(line)
    return int(row["row"]) - HEADER_ROW - 1 if row else None


PUSH_FILE = PushFile(
    channel="file",
    submit=submit,
    follow=follow,
    may_submit=may_submit,
    withdraw=withdraw,
    test=test,
    rows_max=5_000,
    per_second=0.1,
    call_seconds_max=60.0,
    look_seconds=20.0,
    unknown_after_seconds=1_800.0,
    over_folder=True,
)
