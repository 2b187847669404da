"""Calls of the Feeds API (2021-06-30): a document is put up, a feed made of it, its state asked for, its report fetched.

Documents lie at addresses that are keys themselves: they are asked without a token, and never logged.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.amazon.access import call, checked_code, error_code, read_failed_of
from adapters.amazon.listings import market
from adapters.kit.answers import json_of, outcome_of_no_answer, read_failed
from adapters.kit.mall import Answer, ReadFailed, ShopAccess
from ledger.terms import Outcome, Result

FEEDS, DOCUMENTS = "/feeds/2021-06-30/feeds", "/feeds/2021-06-30/documents"
FEED_TYPE = "JSON_LISTINGS_FEED"
CONTENT_TYPE = "application/json; charset=UTF-8"
REPORT_BYTES_MAX = 50_000_000
ID_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Feed:
    """Where a feed stands: IN_QUEUE, IN_PROGRESS, DONE, FATAL or CANCELLED. ``report``: the document of its result."""

    feed: str
    state: str
    report: str = ""


def submit(access: ShopAccess, content: bytes) -> str | Outcome:
    """The id of the feed made of this document; else why there is none. Unknown: it may have been made all the same."""
    made = _document(access)
    if isinstance(made, Outcome):
        return _nothing_made(made)
    document, address = made
    reply = access.http.send("PUT", address, headers={"Content-Type": CONTENT_TYPE}, content=content)
    if not isinstance(reply, Answer):
        return _nothing_made(outcome_of_no_answer(reply))
    if reply.status not in (200, 201, 204):
        return Outcome(Result.TRANSIENT, f"document_http_{reply.status}")
    asked = {"feedType": FEED_TYPE, "marketplaceIds": [market(access)], "inputFeedDocumentId": document}
    answer = call(access, "POST", FEEDS, {}, json.dumps(asked).encode("ascii"))
    if isinstance(answer, Outcome):
        return answer
    if answer.status >= 400:
        return Outcome(Result.TRANSIENT, error_code(answer))
    feed = text_in(answer, "feedId")
    return feed or Outcome(Result.UNKNOWN, "answer_not_understood")


def state_of(access: ShopAccess, feed: str) -> Feed | ReadFailed:
    """Where the feed stands now."""
    answer = call(access, "GET", f"{FEEDS}/{feed}", {})
    if isinstance(answer, Outcome):
        return read_failed_of(answer)
    if answer.status >= 400:
        return ReadFailed(Result.TRANSIENT, error_code(answer))
    found = _feed(json_of(answer))
    return found or ReadFailed(Result.TRANSIENT, "answer_not_understood")


def made_since(access: ShopAccess, moment: datetime) -> list[Feed] | ReadFailed:
    """The feeds of our type made since then: one of them is the one whose id was lost."""
    params = {"feedTypes": FEED_TYPE, "createdSince": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "pageSize": "10"}
    answer = call(access, "GET", FEEDS, params)
    if isinstance(answer, Outcome):
        return read_failed_of(answer)
    body = json_of(answer)
    listed = body.get("feeds") if answer.status == 200 and isinstance(body, dict) else None
    found = [_feed(one) for one in listed] if isinstance(listed, list) else [None]
    feeds = [one for one in found if one is not None]
    return feeds if len(feeds) == len(found) else ReadFailed(Result.TRANSIENT, "answer_not_understood")


def report_of(access: ShopAccess, document: str) -> dict[object, object] | ReadFailed:
    """The result report behind the document's id, unpacked."""
    answer = call(access, "GET", f"{DOCUMENTS}/{document}", {})
    if isinstance(answer, Outcome):
        return read_failed_of(answer)
    if answer.status >= 400:
        return ReadFailed(Result.TRANSIENT, error_code(answer))
    address = text_in(answer, "url", characters_max=10_000)
    if not address:
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    reply = access.http.get(address, headers={})
    if not isinstance(reply, Answer) or reply.status != 200:
        return read_failed(reply)
    try:
        content = unpacked(reply.body) if text_in(answer, "compressionAlgorithm") == "GZIP" else reply.body
        body: object = json.loads(content)
    except (ValueError, OSError, EOFError, zlib.error):
        return ReadFailed(Result.TRANSIENT, "report_not_understood")
    return body if isinstance(body, dict) else ReadFailed(Result.TRANSIENT, "report_not_understood")


def errors_in(report: Mapping[object, object]) -> dict[int, str]:
    """The code of each message at fault, by its messageId; the first error of a message stands."""
    issues = report.get("issues")
    found: dict[int, str] = {}
    for issue in issues if isinstance(issues, list) else []:
        if not isinstance(issue, dict) or issue.get("severity") != "ERROR":
            continue
        message = issue.get("messageId")
        if isinstance(message, int) and not isinstance(message, bool):
            found.setdefault(message, checked_code(issue.get("code")))
    return found


def names_all_errors(report: Mapping[object, object], errors: Mapping[int, str]) -> bool:
    """Whether every message that the summary counts as invalid is named by an issue."""
    summary = report.get("summary")
    invalid = summary.get("messagesInvalid") if isinstance(summary, dict) else None
    return not isinstance(invalid, int) or invalid <= len(errors)


def _document(access: ShopAccess) -> tuple[str, str] | Outcome:
    answer = call(access, "POST", DOCUMENTS, {}, json.dumps({"contentType": CONTENT_TYPE}).encode("ascii"))
    if isinstance(answer, Outcome):
        return answer
    if answer.status >= 400:
        return Outcome(Result.TRANSIENT, error_code(answer))
    document, address = text_in(answer, "feedDocumentId"), text_in(answer, "url", characters_max=10_000)
    return (document, address) if document and address else Outcome(Result.TRANSIENT, "answer_not_understood")


def _nothing_made(outcome: Outcome) -> Outcome:
    """Before the feed itself is asked for, no answer means that nothing can be applied."""
    if outcome.result is Result.UNKNOWN:
        return Outcome(Result.TRANSIENT, outcome.code, outcome.wait_seconds)
    return outcome


def _feed(body: object) -> Feed | None:
    if not isinstance(body, dict):
        return None
    feed, state, report = body.get("feedId"), body.get("processingStatus"), body.get("resultFeedDocumentId", "")
    if not isinstance(feed, str) or not isinstance(state, str) or not isinstance(report, str):
        return None
    return Feed(feed, state, report)


def text_in(answer: Answer, name: str, *, characters_max: int = ID_CHARACTERS_MAX) -> str:
    """The text of this name in the answer's object; "" when there is none, or a longer one."""
    body = json_of(answer)
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) and len(value) <= characters_max else ""


def unpacked(content: bytes) -> bytes:
    """The content of a gzipped document. Raises ValueError for one that is larger than any report, or is none."""
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # gzip
    found = unpacking.decompress(content, REPORT_BYTES_MAX)
    if unpacking.unconsumed_tail or not unpacking.eof:
        raise ValueError("the report is too large or cut off")
    return found
