"""Tell the sandbox how many units listings have: one JSON request, one result a listing, in order.

A listing the mall does not know is rejected by itself; the others of the request are applied.
"""

import json
from collections.abc import Sequence

from adapters.kit.answers import json_of, outcome_of_no_answer, throttled_or_transient
from adapters.kit.mall import Answer, Lost, NotSent, Reply, ShopAccess
from adapters.sandbox.files import UNITS_MAX
from ledger.terms import ListingLevel, Outcome, Result

PATH = "/v1/stock"
BATCH_MAX = 50  # NOTES.md, "Outbound"


def push(access: ShopAccess, levels: Sequence[ListingLevel]) -> list[Outcome]:
    """Set absolute units. One outcome a level, in order. Never raises for what the mall says."""
    assert 0 < len(levels) <= BATCH_MAX, len(levels)
    reply = post(access, PATH, {"levels": [_level(level) for level in levels]})
    match reply:
        case NotSent() | Lost():
            return [outcome_of_no_answer(reply)] * len(levels)
        case Answer(status=200):
            return _told(reply, len(levels))
        case Answer():
            return [throttled_or_transient(reply)] * len(levels)


def post(access: ShopAccess, path: str, content: object) -> Reply:
    """One request with the shop's key; every call of the sandbox is a POST of JSON."""
    headers = {
        "Authorization": f"Bearer {access.secrets['api_key']}",
        "Content-Type": "application/json",
        "X-Shop": access.settings["shop_id"],
    }
    return access.http.send(
        "POST", access.host("api") + path, headers=headers, content=json.dumps(content).encode("utf-8")
    )


def _level(level: ListingLevel) -> dict[str, object]:
    assert 0 <= level.units <= UNITS_MAX, level.units
    return {"item": level.key.item, "variant": level.key.variant, "units": level.units}


def _told(answer: Answer, count: int) -> list[Outcome]:
    """The results as the mall lists them; an answer of another form is unknown, for it may have been applied."""
    told = json_of(answer)
    results = told.get("results") if isinstance(told, dict) else None
    if not isinstance(results, list) or len(results) != count:
        return [Outcome(Result.UNKNOWN, "answer_not_understood")] * count
    return [_outcome(one) for one in results]


def _outcome(one: object) -> Outcome:
    match one:
        case {"result": "applied"}:
            return Outcome(Result.APPLIED)
        case {"result": "rejected", "code": str(code)}:
            return Outcome(Result.REJECTED, code[:40])
        case _:
            return Outcome(Result.UNKNOWN, "answer_not_understood")
