"""Tell Yahoo!ショッピング how many units listings have, over setStock (在庫更新API).

One request carries up to 1,000 codes. Each row has its own result, in an order of the mall's own; a request is refused
as a whole for one bad or double code. An unknown code is *accepted* and kept until such an item appears (NOTES.md).
"""

from collections.abc import Sequence

from adapters.kit.mall import Answer, ShopAccess
from adapters.yahoo_shopping.access import call
from adapters.yahoo_shopping.codes import is_listing, joined
from adapters.yahoo_shopping.refusals import outcome_of, outcome_of_status
from adapters.yahoo_shopping.replies import Refusal, StockResult, Unreadable, read_reply
from ledger.terms import ListingKey, ListingLevel, Outcome, Result

BATCH_MAX = 1_000  # setStock: codes in one request
UNITS_MAX = 999_999_999  # setStock: -999999999 to 999999999


def push(access: ShopAccess, levels: Sequence[ListingLevel]) -> list[Outcome]:
    """Set absolute units. One outcome a level, in order. Never raises for what Yahoo! says.

    A listing named twice is sent once, with its last number: one code twice refuses the whole request (st-02103). One
    whose codes Yahoo! cannot have is rejected here (``code_format``): sent, it would refuse the whole request too.
    """
    assert 0 < len(levels) <= BATCH_MAX, len(levels)
    assert all(0 <= level.units <= UNITS_MAX for level in levels), "absolute units only"
    sent = list({level.key: level for level in levels if is_listing(level.key)}.values())
    outcomes = dict(zip((level.key for level in sent), _push(access, sent) if sent else [], strict=True))
    return [outcomes.get(level.key, Outcome(Result.REJECTED, "code_format")) for level in levels]


def _push(access: ShopAccess, levels: Sequence[ListingLevel]) -> list[Outcome]:
    fields = {
        "item_code": ",".join(joined(level.key) for level in levels),
        "quantity": ",".join(str(level.units) for level in levels),  # A sign would make it a difference.
    }
    answer = call(access, "setStock", fields)
    if isinstance(answer, Outcome):
        return [answer] * len(levels)
    reply = read_reply(answer.body, busy_message=access.profile.text("api.busy_message"))
    if isinstance(reply, Refusal):
        return _refused(access, answer, reply, levels)
    if answer.status not in (200, 207):
        return [outcome_of_status(answer)] * len(levels)
    if isinstance(reply, Unreadable):
        return [Outcome(Result.UNKNOWN, reply.reason)] * len(levels)
    return _by_result(access, reply, levels)


def _by_result(access: ShopAccess, results: Sequence[StockResult], levels: Sequence[ListingLevel]) -> list[Outcome]:
    """Each level's own result by its codes; what the answer does not name, or names twice, is unknown."""
    by_key: dict[ListingKey, list[StockResult]] = {}
    for result in results:
        by_key.setdefault(result.key, []).append(result)
    return [_row(access, level, by_key.get(level.key, [])) for level in levels]


def _row(access: ShopAccess, level: ListingLevel, results: Sequence[StockResult]) -> Outcome:
    if len(results) != 1:
        return Outcome(Result.UNKNOWN, "result_missing" if not results else "result_twice")
    result = results[0]
    if not result.error:
        same = result.units is None or result.units == level.units
        # Another number: sold between writing and reading, or not understood as we meant it. Reading back decides.
        return Outcome(Result.APPLIED) if same else Outcome(Result.UNKNOWN, "quantity_differs")
    return outcome_of(Refusal(result.error), access.profile) or Outcome(Result.REJECTED, result.error)


def _refused(access: ShopAccess, answer: Answer, refusal: Refusal, levels: Sequence[ListingLevel]) -> list[Outcome]:
    """The whole request was refused: nothing was written, unless the code says that nobody knows."""
    whole = len(levels)
    decided = outcome_of(refusal, access.profile)
    if decided is not None:
        return [decided] * whole
    if not refusal.code or answer.status == 429 or answer.status >= 500:
        return [outcome_of_status(answer)] * whole
    guilty = {i for i, level in enumerate(levels) if whole == 1 or (refusal.item and refusal.item == joined(level.key))}
    return [Outcome(Result.REJECTED if i in guilty else Result.REFUSED, refusal.code) for i in range(whole)]
