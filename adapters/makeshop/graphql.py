"""Speaks GraphQL with MakeShop: the three headers of every call, and what an answer's data and errors are.

Documents and error codes are data (``profile.toml``). An error's message is looked at, never passed on.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.kit.answers import json_of, retry_after_seconds, throttled_or_transient
from adapters.kit.mall import Answer, Reply, ShopAccess
from adapters.kit.profile import Profile
from ledger.terms import Outcome, Result

REQUEST_BYTES_MAX = 5_000_000  # NOTES.md, "Access": a larger request may be refused
DOCUMENT_AT_FAULT = "document_not_accepted"

_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,40}")
_TOKEN_KIND = "PAT."  # noqa: S105  (how every permanent token begins)


@dataclass(frozen=True, slots=True)
class GraphqlError:
    """One entry of ``errors``. ``field`` is the alias or field at fault, "" when it names none; ``result`` what it means."""

    code: str
    field: str
    result: Result


@dataclass(frozen=True, slots=True)
class Said:
    """A GraphQL answer: ``fields`` that are there (null ones left out) and errors; both may be there at once."""

    fields: Mapping[str, object]
    errors: tuple[GraphqlError, ...]

    @property
    def document_at_fault(self) -> bool:
        return not self.fields and any(error.code == DOCUMENT_AT_FAULT for error in self.errors)


def post(access: ShopAccess, document: str, variables: Mapping[str, object]) -> Reply:
    """One call. The time stamp is made for each: it is good for an hour, so a clock that is wrong by more fails all."""
    token = access.secrets["token"]
    headers = {
        "Authorization": f"Bearer {token if token.startswith(_TOKEN_KIND) else _TOKEN_KIND + token}",
        "Content-Type": "application/json",
        "X-Api-Key": access.secrets["api_key"],
        "X-Timestamp": str(int(access.now().timestamp())),
    }
    content = json.dumps({"query": document, "variables": variables}, ensure_ascii=False).encode("utf-8")
    assert len(content) <= REQUEST_BYTES_MAX, len(content)
    return access.http.send("POST", _address(access), headers=headers, content=content)


def said_in(answer: Answer, profile: Profile) -> Said | Outcome:
    """What the answer says, or the outcome of one that is no GraphQL answer (busy, broken, key not accepted).

    A status of 400 may carry errors like a 200; 401, 403, 429 and 5xx speak for themselves.
    """
    if answer.status in (401, 403):
        return Outcome(Result.REJECTED_AUTH, f"http_{answer.status}")
    if 400 < answer.status < 500 and answer.status != 429:
        return Outcome(
            Result.TRANSIENT, f"http_{answer.status}"
        )  # The door does not fit, which no listing is guilty of.
    if answer.status not in (200, 400):
        return throttled_or_transient(answer)
    body = json_of(answer)
    if not isinstance(body, dict) or not ({"data", "errors"} & body.keys()):
        return throttled_or_transient(answer)
    data = body.get("data")
    fields = {name: value for name, value in data.items() if value is not None} if isinstance(data, dict) else {}
    errors = body.get("errors")
    listed = errors if isinstance(errors, list) else []
    return Said(fields, tuple(_error(error, profile) for error in listed))


def outcome_of(error: GraphqlError, answer: Answer, profile: Profile) -> Outcome:
    """The outcome of an error by its code, with the seconds to wait."""
    match error.result:
        case Result.THROTTLED:
            wait = retry_after_seconds(answer) or float(profile.number("api.busy_wait_seconds"))
        case Result.TRANSIENT:
            wait = retry_after_seconds(answer) or float(profile.number("api.later_wait_seconds"))
        case _:
            wait = 0.0
    return Outcome(error.result, error.code, wait)


def worst(errors: Sequence[GraphqlError]) -> GraphqlError | None:
    """The error that decides about a whole request: keys first, then busy, then later, then the rest."""
    order = (Result.REJECTED_AUTH, Result.THROTTLED, Result.TRANSIENT, Result.UNKNOWN, Result.REJECTED)
    return min(errors, key=lambda error: order.index(error.result), default=None)


# ------------------------------------------------------------------ private


def _address(access: ShopAccess) -> str:
    """The address from the contract mail, or the profile's; the host alone may be overridden (emulators)."""
    stated = access.settings.get("endpoint", "").strip()
    if stated and not access.base:
        return stated
    return access.host("api") + access.profile.text("api.path")


def _error(error: object, profile: Profile) -> GraphqlError:
    found = error if isinstance(error, dict) else {}
    extensions = found.get("extensions")
    stated = extensions.get("code") if isinstance(extensions, dict) else None
    code = stated if isinstance(stated, str) and _CODE.fullmatch(stated) else "error_without_code"
    path = found.get("path")
    field = path[0] if isinstance(path, list) and path and isinstance(path[0], str) else ""
    message = found.get("message")
    begins = isinstance(message, str) and message.startswith(profile.texts("api.document_messages"))
    if code in profile.texts("api.document_codes") or (begins and not field):
        return GraphqlError(DOCUMENT_AT_FAULT, field, Result.TRANSIENT)
    return GraphqlError(code, field, _result(code, profile))


def _result(code: str, profile: Profile) -> Result:
    kinds = (
        ("api.auth_codes", Result.REJECTED_AUTH),
        ("api.busy_codes", Result.THROTTLED),
        ("api.later_codes", Result.TRANSIENT),
        ("api.unknown_codes", Result.UNKNOWN),
    )
    return next((result for name, result in kinds if code in profile.texts(name)), Result.REJECTED)
