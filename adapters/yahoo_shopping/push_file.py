"""Tell Yahoo!ショッピング numbers by the stock CSV of ストアクリエイターPro, uploaded over uploadStockFile.

The upload answers only that the file was taken (NOTES.md, "Outbound by file"); what was refused stands in the store's upload
history, which no API gives. So what became of it is read back by getStock.
"""

from urllib.parse import quote

from adapters.kit.mall import Answer, ConnectionTested, ReadFailed
from adapters.kit.push_file import Batch, BatchAccess, Followed, Given, PushFile, Unfinished
from adapters.yahoo_shopping.access import call_upload
from adapters.yahoo_shopping.codes import is_listing
from adapters.yahoo_shopping.files import write_stock
from adapters.yahoo_shopping.order_xml import error_code, parsed, text_of
from adapters.yahoo_shopping.read_back import connection_test
from adapters.yahoo_shopping.refusals import outcome_of, outcome_of_status
from adapters.yahoo_shopping.replies import Refusal, read_reply
from ledger.terms import Outcome, Result

OPERATION = "uploadStockFile"


def submit(access: BatchAccess, batch: Batch) -> Given:
    """The store has the CSV. Listings whose codes Yahoo! cannot have are left out and rejected (``code_format``)."""
    levels = [level for level in batch.levels if is_listing(level.key)]
    bad = Outcome(Result.REJECTED, "code_format")
    if not levels:
        return Given(batch.outcomes(bad))
    content = b"".join(write_stock(levels, access.shop.profile))
    outcome = _outcome(access, f"quantity_daicho_{batch.request}.csv", content, batch.request)
    return Given(tuple(outcome if is_listing(level.key) else bad for level in batch.levels))


def follow(_access: BatchAccess, _batch: Batch) -> Followed:
    """No API says what became of an upload: its numbers are to be read back."""
    return Unfinished("uploaded", taken=True)


def may_submit(_access: BatchAccess) -> str | ReadFailed | None:
    """An upload that runs already refuses the next one by itself."""
    return None


def test(access: BatchAccess) -> ConnectionTested:
    """The upload uses the same key and store as every other call."""
    return connection_test(access.shop)


def _outcome(access: BatchAccess, name: str, content: bytes, boundary: str) -> Outcome:
    field = access.shop.profile.text("push_file.field")
    body = b"".join(
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'.encode("ascii"),
            b"Content-Type: text/csv\r\n\r\n",
            content,
            f"\r\n--{boundary}--\r\n".encode("ascii"),
        )
    )
    seller = quote(access.shop.settings.get("seller_id", ""), safe="")
    answer = call_upload(access.shop, f"{OPERATION}?seller_id={seller}", boundary, body)
    return answer if isinstance(answer, Outcome) else _of_answer(access, answer)


def _of_answer(access: BatchAccess, answer: Answer) -> Outcome:
    root = parsed(answer.body)
    if answer.status == 200 and root is not None and text_of(root, "Status").upper() == "OK":
        return Outcome(Result.ACCEPTED)
    reply = read_reply(answer.body, busy_message=access.shop.profile.text("api.busy_message"))
    if isinstance(reply, Refusal):
        decided = outcome_of(reply, access.shop.profile)
        # The file as a whole was refused: no listing is guilty, nothing was written.
        return decided or Outcome(Result.TRANSIENT, reply.code or error_code(root) or f"http_{answer.status}")
    return Outcome(Result.UNKNOWN, "answer_not_understood") if answer.status == 200 else outcome_of_status(answer)


PUSH_FILE = PushFile(
    channel="upload",
    submit=submit,
    follow=follow,
    may_submit=may_submit,
    test=test,
    rows_max=5_000,
    per_second=0.05,
    call_seconds_max=100.0,
    look_seconds=15.0,
    unknown_after_seconds=1_800.0,
)
