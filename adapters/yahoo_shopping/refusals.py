"""What the store API's error codes mean for us: not now, nobody knows, the store is at fault, or the request is."""

from adapters.kit.answers import throttled_or_transient
from adapters.kit.mall import Answer
from adapters.kit.profile import Profile
from adapters.yahoo_shopping.replies import Refusal
from ledger.terms import Outcome, Result

_MAINTENANCE = frozenset({"st-02000", "st-01000", "ed-00002"})
_BUSY = frozenset({"ed-00006"})
# "Updated, but reading back failed", and system errors: nobody says that nothing was written.
_MAYBE_WRITTEN = frozenset({"ed-10002", "ed-00001", "st-02999", "st-01999"})
# The store or its account is at fault, not a listing: the shop stops and says so.
_STORE_AT_FAULT = frozenset({"st-02100", "st-01100", "ed-00003", "ed-00004", "ed-00005"})


def outcome_of(refusal: Refusal, profile: Profile) -> Outcome | None:
    """The outcome when the code alone decides it; None when a listing of the request, or the request itself, is at fault."""
    if refusal.code in _MAINTENANCE:
        return Outcome(Result.TRANSIENT, refusal.code, profile.number("api.maintenance_wait_seconds"))
    if refusal.names_busy or refusal.code in _BUSY:
        return Outcome(Result.TRANSIENT, refusal.code or "busy", profile.number("api.busy_wait_seconds"))
    if refusal.code in _STORE_AT_FAULT:
        return Outcome(Result.REJECTED_AUTH, refusal.code)
    if refusal.code in _MAYBE_WRITTEN:
        return Outcome(Result.UNKNOWN, refusal.code)
    return None


def outcome_of_status(answer: Answer) -> Outcome:
    """A status without a code of this API: a 4xx is the door's (a proxy, a wrong path), no listing is guilty of it."""
    outcome = throttled_or_transient(answer)
    if outcome.result is Result.REJECTED:
        return Outcome(Result.TRANSIENT, outcome.code)
    return outcome
