"""Read everything a Yahoo! store has: its stock CSV is asked for (downloadRequest) and fetched when the mall has made it.

The CSV is the one a merchant downloads, so it is read as that. While it is being made, downloadSubmit answers with
``api.download_not_ready_code`` (NOTES.md, "Stock CSV by API").
"""

import re

from adapters.kit.answers import read_failed
from adapters.kit.file_form import FileRow, NotThisFormat, RowProblem
from adapters.kit.mall import Answer, ReadFailed, ShopAccess, StockPage
from adapters.kit.table import TableRefused, open_table
from adapters.yahoo_shopping.access import call, fetch
from adapters.yahoo_shopping.files import STOCK_CSV
from adapters.yahoo_shopping.read_back import failed_read
from adapters.yahoo_shopping.refusals import outcome_of
from adapters.yahoo_shopping.replies import Refusal, Unreadable, read_reply
from ledger.terms import Outcome, Result

STOCK = "2"  # ``type``: 1 products, 2 stock
ASKED = "asked"
ANSWER_HEAD_BYTES = 4_000

_OK = re.compile(rb"<Status>\s*OK\s*</Status>")


def read_all(access: ShopAccess, cursor: str) -> StockPage | ReadFailed:
    """First the CSV is asked for, then fetched; until it is there the page is empty and says how long to wait."""
    wait = float(access.profile.number("api.download_wait_seconds"))
    if not cursor:
        asked = call(access, "downloadRequest", {"type": STOCK})
        if isinstance(asked, Outcome):
            return failed_read(asked)
        said = _said(access, asked)
        if isinstance(said, ReadFailed):
            return said
        accepted = asked.status == 200 and _OK.search(asked.body[:ANSWER_HEAD_BYTES]) is not None
        return StockPage((), ASKED, wait) if accepted else ReadFailed(Result.TRANSIENT, "answer_not_understood")
    answer = fetch(access, "downloadSubmit", {"type": STOCK})
    if isinstance(answer, Outcome):
        return failed_read(answer)
    said = _said(access, answer)
    if isinstance(said, ReadFailed):
        return StockPage((), ASKED, wait) if said.code == access.profile.text("api.download_not_ready_code") else said
    rows = _rows(access, answer.body) if answer.status == 200 else None
    return ReadFailed(Result.TRANSIENT, "answer_not_understood") if rows is None else StockPage(rows)


def _said(access: ShopAccess, answer: Answer) -> ReadFailed | Unreadable | None:
    """Why the mall refuses, Unreadable when it does not speak XML (a CSV), None when it says that all is well."""
    if answer.status == 429 or answer.status >= 500:
        return read_failed(answer)
    is_xml = answer.body[:100].lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<")
    reply = (
        read_reply(answer.body, busy_message=access.profile.text("api.busy_message")) if is_xml else Unreadable("csv")
    )
    match reply:
        case Refusal():
            return failed_read(outcome_of(reply, access.profile) or Outcome(Result.TRANSIENT, reply.code))
        case Unreadable():
            return reply
        case _:
            return None


def _rows(access: ShopAccess, body: bytes) -> tuple[FileRow | RowProblem, ...] | None:
    """The rows of the CSV; None when it is none."""
    try:
        table = open_table([body], delimiter=STOCK_CSV.delimiter, encodings=STOCK_CSV.encodings)
        reader = STOCK_CSV.open(table.header, access.profile)
        if isinstance(reader, NotThisFormat):
            return None
        return tuple(reader(table.rows))
    except TableRefused:
        return None
