"""Read everything a seller has: the listings report (出品詳細レポート) is asked for (Reports API 2021-06-30) and read as the file.

A report takes minutes. Its document lies at an address that is a key itself: it is asked without a token, and never logged.
"""

import json
import zlib

from adapters.amazon.access import call, checked_code, error_code, read_failed_of
from adapters.amazon.feeds import text_in, unpacked
from adapters.amazon.files import LISTINGS
from adapters.amazon.listings import market
from adapters.kit.answers import json_of, read_failed
from adapters.kit.file_form import NotThisFormat
from adapters.kit.mall import Answer, ReadFailed, ShopAccess, StockPage
from adapters.kit.table import TableRefused, open_table
from ledger.terms import Outcome, Result

REPORTS, DOCUMENTS = "/reports/2021-06-30/reports", "/reports/2021-06-30/documents"
REPORT_TYPE = "GET_MERCHANT_LISTINGS_ALL_DATA"
WORKING, DONE = ("IN_QUEUE", "IN_PROGRESS"), "DONE"


def read_all(access: ShopAccess, cursor: str) -> StockPage | ReadFailed:
    """First the report is asked for; the cursor is its id, until it is there. FBA rows are 対象外, as in the file."""
    if not cursor:
        asked = {"reportType": REPORT_TYPE, "marketplaceIds": [market(access)]}
        made = _body(call(access, "POST", REPORTS, {}, json.dumps(asked).encode("ascii")))
        if isinstance(made, ReadFailed):
            return made
        report = text_in(made, "reportId")
        return StockPage((), report, _wait(access)) if report else _not_understood()
    answer = _body(call(access, "GET", f"{REPORTS}/{cursor}", {}))
    if isinstance(answer, ReadFailed):
        return answer
    state = text_in(answer, "processingStatus")
    if state in WORKING:
        return StockPage((), cursor, _wait(access))
    if state != DONE:
        return ReadFailed(Result.REJECTED, f"report_{checked_code(state).lower()}") if state else _not_understood()
    return _rows(access, text_in(answer, "reportDocumentId"))


def _wait(access: ShopAccess) -> float:
    return float(access.profile.number("api.report_wait_seconds"))


def _rows(access: ShopAccess, document: str) -> StockPage | ReadFailed:
    answer = _body(call(access, "GET", f"{DOCUMENTS}/{document}", {})) if document else _not_understood()
    if isinstance(answer, ReadFailed):
        return answer
    reply = access.http.get(text_in(answer, "url", characters_max=10_000), headers={})
    if not isinstance(reply, Answer) or reply.status != 200:
        return read_failed(reply)
    try:
        content = unpacked(reply.body) if text_in(answer, "compressionAlgorithm") == "GZIP" else reply.body
        table = open_table([content], delimiter=LISTINGS.delimiter, encodings=LISTINGS.encodings)
        reader = LISTINGS.open(table.header, access.profile)
        return _not_understood() if isinstance(reader, NotThisFormat) else StockPage(tuple(reader(table.rows)))
    except (TableRefused, ValueError, zlib.error):
        return _not_understood()


def _body(answer: Answer | Outcome) -> Answer | ReadFailed:
    if isinstance(answer, Outcome):
        return read_failed_of(answer)
    if answer.status >= 400:
        return ReadFailed(Result.TRANSIENT, error_code(answer))
    return answer if isinstance(json_of(answer), dict) else _not_understood()


def _not_understood() -> ReadFailed:
    return ReadFailed(Result.TRANSIENT, "answer_not_understood")
