"""Tell SHOPLIST numbers by file: item.csv or select.csv put into the shop's folder over SFTP or FTPS, error files read back.

The mall answers nothing else: a file that was taken is renamed, and its rows at fault are told in an error file beside it
(NOTES.md, "Outbound": assumptions, which stand in profile.toml).
"""

import csv
import io
import re
from datetime import datetime, timedelta

from adapters.kit.folder_push import in_the_way, names_in, put_batch, take_back, tested
from adapters.kit.mall import ConnectionTested, ReadFailed
from adapters.kit.order_mail import JST
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
from adapters.shoplist.files import write_stock
from ledger.terms import ListingKey, Outcome, Result

ERROR_BYTES_MAX = 20_000_000
CLOCKS_APART_SECONDS = 60
ROW_REFUSED, FILE_REFUSED = "csv_row_refused", "csv_file_refused"
FIRST_ROW = 2  # row 1 is the header


def submit(access: BatchAccess, batch: Batch) -> Given:
    """The file of these numbers lies in the folder."""
    profile = access.shop.profile
    return put_batch(access, batch, _folder(profile), name_of(batch), write_stock(batch.levels, profile))


def may_submit(access: BatchAccess) -> str | ReadFailed | None:
    """Not while a stock file waits there."""
    return in_the_way(access, _folder(access.shop.profile), _is_stock_file)


def follow(access: BatchAccess, batch: Batch) -> Followed:
    """Waiting, or taken; then its rows at fault, once an error file would have been written."""
    profile, name = access.shop.profile, name_of(batch)
    names = names_in(access, _folder(profile))
    if isinstance(names, ReadFailed):
        return names
    if name in names:
        return Unfinished("waiting")
    if name + profile.text("push_file.done_suffix") not in names:
        return NotThere(certain=access.shop.profile.text("push_file.keeps_done") == "yes")
    rejected: dict[int, str] = {}
    errors = _error_files(names, batch.sent_at, profile)
    for error in errors:
        got = access.folders().get(_folder(profile), error, bytes_max=ERROR_BYTES_MAX)
        if isinstance(got, ReadFailed):
            return got
        rejected |= _rows_at_fault(got.content, profile)
    if not errors and access.shop.now() < batch.sent_at + timedelta(seconds=profile.number("push_file.errors_seconds")):
        return Unfinished("taken", taken=True)
    if -1 in rejected:
        return _refused(batch)
    return finished_but(batch, rejected)


def withdraw(access: BatchAccess, batch: Batch) -> bool:
    """The file was still waiting and is gone."""
    return take_back(access, _folder(access.shop.profile), name_of(batch))


def test(access: BatchAccess) -> ConnectionTested:
    """Whether the folder can be listed."""
    return tested(access, (_folder(access.shop.profile),))


def kind_of(key: ListingKey) -> str:
    """select.csv has the choices of products, item.csv the products without choices: two files, two batches."""
    return "select" if key.variant else "item"


def name_of(batch: Batch) -> str:
    """The file's name: its beginning says what it is, the request makes it one of a kind."""
    return f"{kind_of(batch.levels[0].key)}_daicho_{batch.request}.csv"


def _refused(batch: Batch) -> Followed:
    return Finished(batch.outcomes(Outcome(Result.TRANSIENT, FILE_REFUSED)))


def _folder(profile: Profile) -> str:
    return profile.text("push_file.folder")


def _is_stock_file(name: str) -> bool:
    lower = name.lower()
    return lower.startswith(("item", "select")) and lower.endswith(".csv")


def _error_files(names: frozenset[str], sent_at: datetime, profile: Profile) -> list[str]:
    """The error files written since the file was put; the mall does not say which file they are about."""
    pattern = re.compile(profile.text("push_file.error_name"))
    since = (sent_at - timedelta(seconds=CLOCKS_APART_SECONDS)).astimezone(JST).strftime("%Y%m%d%H%M%S")
    return sorted(name for name in names if (found := pattern.fullmatch(name)) and found["at"] >= since)


def _rows_at_fault(content: bytes, profile: Profile) -> dict[int, str]:
    """Places in the batch; -1: the header, so the whole file."""
    text = content.decode(profile.text("file.encoding"), "replace")
    rows = [cells[0].strip() for cells in csv.reader(io.StringIO(text, newline="")) if cells]
    numbers = [int(cell) for cell in rows if cell.isascii() and cell.isdecimal()]
    return {max(-1, number - FIRST_ROW): ROW_REFUSED for number in numbers}


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
    group=kind_of,
    over_folder=True,
)
