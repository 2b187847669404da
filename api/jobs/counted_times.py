"""When a file's numbers were surely true: as a person said, as the name of the file says, or as its time on disk says."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.kit.file_form import FileFormat
from adapters.kit.recognise import made_at
from api.jobs.imports import Wish
from api.jobs.sent_files import OpenedFile


def counted(wish: Wish, file_format: FileFormat, now: datetime) -> tuple[datetime, str]:
    """When the file's numbers were surely true, and where that is from: given, name, file or now.

    A name that says a time to come is wrong, and is passed over.
    """
    named = None if wish.counted_at else made_at(wish.file_name, file_format)
    if named is not None and named > now:
        named = None
    for moment, source in ((wish.counted_at, "given"), (named, "name"), (wish.changed_at, "file")):
        if moment is not None:
            return surely_counted_at(moment if source == "given" else min(moment, now)), source
    return surely_counted_at(now), "now"


def surely_counted_at(moment: datetime) -> datetime:
    """The last whole second that is surely inside the number: malls tell an order's time by the second, so one of the
    same second may have come after the file was made, and in doubt the earlier time is taken (D2).
    """
    return moment if moment.microsecond == 0 else moment.replace(microsecond=0) - timedelta(seconds=1)


def counted_of(wish: Wish, files: Sequence[OpenedFile], now: datetime) -> tuple[datetime, str]:
    """The same of several files: the earliest time, which is inside all of them."""
    found = [
        counted(replace(wish, file_name=file.name, changed_at=file.sent.changed_at), file.found.format, now)
        for file in files
    ]
    return min(found)
