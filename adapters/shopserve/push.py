"""Tell ショップサーブ how many units listings have: one PUT a row, absolute, and "without limit" switched off with it.

A variation is named by the display texts of its choices. Each row is answered alone; a text the item does not have is
refused. The body of a good answer was not seen: where it says a number, that number is compared.
"""

from collections.abc import Mapping, Sequence

from adapters.kit.answers import json_of, outcome_of_no_answer
from adapters.kit.mall import Answer, Lost, NotSent, Reply, ShopAccess
from adapters.kit.one_by_one import DIFFERS, one_by_one
from adapters.shopserve.access import error_code, refusal, send, stock_path
from adapters.shopserve.codes import is_listing, names_of
from adapters.shopserve.stock import stock_of
from ledger.terms import ListingKey, ListingLevel, Outcome, Result

BATCH_MAX = 3  # a longer batch would let an order wait longer for its turn
UNITS_MAX = 9_999_999  # NOTES.md, "Outbound"
REQUEST_SECONDS_MAX = 15.0
LAST_REQUEST_SECONDS_MAX = 50.0  # no row is begun later in a call; one row is two requests at most


def push(access: ShopAccess, levels: Sequence[ListingLevel]) -> list[Outcome]:
    """Set absolute units. One outcome a level, in order; of a listing named twice the last number is sent, once."""
    assert 0 < len(levels) <= BATCH_MAX, len(levels)
    assert all(0 <= level.units <= UNITS_MAX for level in levels), "absolute units only"
    last = {level.key: level.units for level in levels if is_listing(level.key)}
    outcomes = one_by_one(
        list(last.items()),
        keys_of=lambda row: (row[0],),
        send=lambda row: {row[0]: _tell(access, row[0], row[1])},
        now=access.now,
        began=access.now(),
        last_after_seconds=LAST_REQUEST_SECONDS_MAX,
    )
    return [outcomes.get(level.key, Outcome(Result.REJECTED, "code_format")) for level in levels]


def _tell(access: ShopAccess, key: ListingKey, units: int) -> Outcome:
    """The number is told as text, as was seen to work; refused with 400, it is told once more in the other form."""
    forms: list[int | str] = (
        [str(units), units] if access.profile.text("stock.quantity_form") == "text" else [units, str(units)]
    )
    reply = _put(access, key, forms[0])
    if isinstance(reply, Answer) and reply.status == 400:
        reply = _put(access, key, forms[1])
    match reply:
        case NotSent() | Lost():
            return outcome_of_no_answer(reply)
        case Answer(status=status) if 200 <= status < 300:
            return _accepted(access, reply, key, units)
        case Answer():
            return refusal(reply)


def _put(access: ShopAccess, key: ListingKey, quantity: int | str) -> Reply:
    return send(access, "PUT", stock_path(key.item), _content(access, key, quantity))


def _content(access: ShopAccess, key: ListingKey, quantity: int | str) -> Mapping[str, object]:
    profile = access.profile
    name = profile.text("stock.variation_name")
    choices = {f"{name}{place}": text for place, text in enumerate(names_of(key.variant), start=1)}
    alert = access.settings.get("alert_threshold", "").strip()
    more: dict[str, object] = {}
    if alert.isascii() and alert.isdigit():
        more[profile.text("stock.alert_threshold")] = int(alert) if isinstance(quantity, int) else alert
    return {
        **choices,
        profile.text("stock.unlimited"): profile.text("stock.unlimited_no"),
        profile.text("stock.quantity"): quantity,
        **more,
    }


def _accepted(access: ShopAccess, answer: Answer, key: ListingKey, units: int) -> Outcome:
    """2xx without a body, or with JSON that names no error, is applied; a number in it must be the one that was sent."""
    if not answer.body.strip():
        return Outcome(Result.APPLIED)
    if not isinstance(json_of(answer), dict):
        return Outcome(Result.UNKNOWN, "answer_not_understood")
    code = error_code(answer)
    if code:
        return Outcome(Result.REJECTED, code)
    shown = (stock_of(answer, access.profile) or {}).get(key.variant)
    if shown is not None and shown.units != units:
        return Outcome(Result.UNKNOWN, DIFFERS)
    return Outcome(Result.APPLIED)
