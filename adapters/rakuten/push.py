"""Tell Rakuten how many units listings have, over the RMS inventory API (InventoryAPI 2.0, bulk-upsert).

One request carries up to BATCH_MAX listings and is applied or refused as a whole: a 400 names the rows at fault and
nothing was written. An unknown item is *accepted*: an orphan row is kept for a day and is never for sale.
"""

from collections.abc import Sequence

from adapters.kit.answers import outcome_of_no_answer, throttled_or_transient
from adapters.kit.mall import Answer, Lost, NotSent, ShopAccess
from adapters.kit.own_items import OwnItem
from adapters.rakuten.files import UNITS_MAX
from adapters.rakuten.inventory_api import NOT_FOUND, MallError, errors_of, named, post, refused_key
from ledger.terms import ListingKey, ListingLevel, Outcome, Result

BATCH_MAX = 400  # NOTES.md, "Outbound"
LEAD_TIME_ID_MAX = 999_999
LEAD_TIMES = {
    "normal_delivery_time_id": "normalDeliveryTimeId",
    "back_order_delivery_time_id": "backOrderDeliveryTimeId",
}
OWN_ITEMS = (
    OwnItem("normal_delivery_time_id", "在庫あり時納期管理番号", 1, LEAD_TIME_ID_MAX),
    OwnItem("back_order_delivery_time_id", "在庫切れ時納期管理番号", 1, LEAD_TIME_ID_MAX),
)

# The request as a whole does not fit the mall's door, which no row is guilty of: it is tried again, and seen.
_DOOR_STATUSES = (404, 405, 406, 408, 415)
_WAIT_SECONDS_MIN = 1.0  # the mall's limit is one request a second


def push(access: ShopAccess, levels: Sequence[ListingLevel]) -> list[Outcome]:
    """Set absolute units. One outcome a level, in order; of a listing named twice the last number is sent, once.

    Never raises for what Rakuten says.
    """
    assert 0 < len(levels) <= BATCH_MAX, len(levels)
    # Whether RMS takes one listing twice in a request is not known, so it never gets it twice.
    last = {(level.key.item.lower(), level.key.variant): level for level in levels}
    outcomes = dict(zip(last, _push(access, list(last.values())), strict=True))
    return [outcomes[level.key.item.lower(), level.key.variant] for level in levels]


def _push(access: ShopAccess, levels: Sequence[ListingLevel]) -> list[Outcome]:
    # 2.1 takes the same rows, and 納期管理番号 beside them; without one nothing but 2.0 is needed.
    path = "bulk_upsert_with_lead_times" if any(level.own_items for level in levels) else "bulk_upsert"
    reply = post(access, path, {"inventories": [_inventory(level) for level in levels]})
    if isinstance(reply, NotSent | Lost):
        return [outcome_of_no_answer(reply)] * len(levels)
    if reply.status == 204:
        return [Outcome(Result.APPLIED)] * len(levels)
    return _not_applied(reply, levels, access.profile.texts("api.auth_codes"))


def _inventory(level: ListingLevel) -> dict[str, object]:
    assert 0 <= level.units <= UNITS_MAX, level.units
    row: dict[str, object] = {**named(level.key), "mode": "ABSOLUTE", "quantity": level.units}
    said = dict(level.own_items)
    times = {theirs: int(said[name]) for name, theirs in LEAD_TIMES.items() if name in said}
    return {**row, "operationLeadTime": times} if times else row


def _not_applied(answer: Answer, levels: Sequence[ListingLevel], auth_codes: Sequence[str]) -> list[Outcome]:
    errors = errors_of(answer)
    refused = refused_key(answer, errors, auth_codes)
    if refused is not None:
        return [Outcome(Result.REJECTED_AUTH, refused)] * len(levels)
    code = errors[0].code if errors else f"http_{answer.status}"
    faults = _faults(errors, [level.key for level in levels])
    if 400 <= answer.status < 500 and answer.status != 429 and faults:
        return [
            Outcome(Result.REJECTED, faults[row]) if row in faults else Outcome(Result.REFUSED, code)
            for row in range(len(levels))
        ]
    if answer.status in _DOOR_STATUSES:
        return [Outcome(Result.TRANSIENT, code)] * len(levels)
    if 400 <= answer.status < 500 and answer.status != 429:
        # Refused without a row: of one listing it is that one; of several the sender has to find out which.
        return [Outcome(Result.REJECTED if len(levels) == 1 else Result.REFUSED, code)] * len(levels)
    outcome = throttled_or_transient(answer)
    if outcome.result in (Result.THROTTLED, Result.TRANSIENT):
        outcome = Outcome(outcome.result, outcome.code, max(outcome.wait_seconds, _WAIT_SECONDS_MIN))
    return [outcome] * len(levels)


def _faults(errors: Sequence[MallError], keys: Sequence[ListingKey]) -> dict[int, str]:
    """The rows at fault with the code of each: by propertyPath, else (GE0014) by the listing the message names."""
    faults: dict[int, str] = {}
    rows = {(key.item.lower(), key.variant): row for row, key in enumerate(keys)}
    for error in errors:
        row = error.row
        if row is None and error.code == NOT_FOUND and error.named is not None:
            row = rows.get((error.named.item, error.named.variant))
        if row is not None and row < len(keys):
            faults.setdefault(row, error.code)
    return faults
