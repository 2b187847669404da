"""Calls the Selling Partner API: the access token that lives an hour, its renewal by Login with Amazon, and the dates a person keeps.

A renewed secret is kept (``remember``) before it is used. Facts and sources: NOTES.md, "Access".
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil
from urllib.parse import quote, urlencode

from adapters.kit.answers import WAIT_SECONDS_DEFAULT, json_of, outcome_of_no_answer, throttled_or_transient
from adapters.kit.answers import WAIT_SECONDS_MAX as _WAIT_SECONDS_MAX
from adapters.kit.mall import Answer, DueWarning, ReadFailed, Reply, ShopAccess
from adapters.kit.order_mail import JST
from ledger.terms import Outcome, Result

TOKEN_PATH = "/auth/o2/token"  # noqa: S105  (a path)
AUTHORIZATION_GONE = "invalid_grant"
CLIENT_NOT_ACCEPTED = "invalid_client"
WARNING_DAYS = (1, 7, 30)
REQUEST_SECONDS_MAX = 20.0
START_SECONDS_MAX = 90.0  # no call starts later than this after the first of one push, look or page
CALL_SECONDS_MAX = START_SECONDS_MAX + 3 * REQUEST_SECONDS_MAX  # the last call, a token, and the call once more
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_RATE = re.compile(r"\d{1,6}(?:\.\d{1,9})?")


def call(
    access: ShopAccess, method: str, path: str, params: Mapping[str, str], content: bytes | None = None
) -> Answer | Outcome:
    """The mall's answer below 500, or the outcome when there is none to look at.

    An access token that is not accepted is renewed once and the call sent once more; what is refused then is
    rejected_auth. A call that never got a token was not sent: its outcome is never unknown.
    """
    token = access.secrets.get("access_token", "")
    if token:
        reply = _exchange(access, method, path, params, content, token)
        if not (isinstance(reply, Answer) and reply.status in (401, 403)):
            return _answer_or_outcome(reply)
    renewed = _renew(access)
    if isinstance(renewed, Outcome):
        return renewed
    return _answer_or_outcome(_exchange(access, method, path, params, content, renewed))


def is_late(access: ShopAccess, began: datetime) -> bool:
    """Whether no further call may start: the caller would take this one for dead while it still runs."""
    return (access.now() - began).total_seconds() > START_SECONDS_MAX


def read_failed_of(outcome: Outcome) -> ReadFailed:
    """Why a reading call gave nothing: throttled, rejected_auth, else transient (a read changes nothing)."""
    keeps = outcome.result in (Result.THROTTLED, Result.REJECTED_AUTH)
    return ReadFailed(outcome.result if keeps else Result.TRANSIENT, outcome.code, outcome.wait_seconds)


def error_code(answer: Answer) -> str:
    """The code of the first error in the answer's list, ``http_<status>`` when there is none."""
    body = json_of(answer)
    errors = body.get("errors") if isinstance(body, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    code = first.get("code") if isinstance(first, dict) else None
    return checked_code(code) if code else f"http_{answer.status}"


def checked_code(code: object) -> str:
    """The mall's code; a text that is none is not passed on, it could say anything."""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else "code_not_understood"


def due_warnings(access: ShopAccess) -> tuple[DueWarning, ...]:
    """What a person has to do and by when: rotate the client secret (180 days), renew the authorization (a year).

    Each warning's code ends with the step it is at: 30, 7 or 1 days before, or ``over``. A date that was not entered
    is asked for: without it nobody is warned.
    """
    found = (
        _due(
            access,
            "client_secret",
            access.profile.number("access.client_secret_days"),
            "クライアントシークレットの更新（180日ごと）",
        ),
        _due(
            access, "authorization", access.profile.number("access.authorization_days"), "アプリ認可の更新（1年ごと）"
        ),
    )
    return tuple(warning for warning in found if warning is not None)


_SETTING_OF = {"client_secret": "client_secret_made_on", "authorization": "authorized_on"}


def _due(access: ShopAccess, what: str, days: int, label: str) -> DueWarning | None:
    start = _day(access.settings.get(_SETTING_OF[what], ""))
    if start is None:
        return DueWarning(f"{what}_date_unknown", f"{label}の期限がわかりません。最後に行った日を登録してください。")
    due_at = start + timedelta(days=days)
    left_days = (due_at - access.now()).total_seconds() / 86_400
    step = next((step for step in WARNING_DAYS if left_days <= step), None)
    if step is None:
        return None
    day = due_at.astimezone(JST).strftime("%Y年%m月%d日")
    if left_days <= 0:
        return DueWarning(f"{what}_over", f"{label}の期限（{day}）を過ぎました。Amazonに接続できなくなります。", due_at)
    return DueWarning(f"{what}_{step}", f"{label}を{day}までに行ってください（あと{ceil(left_days)}日）。", due_at)


def _day(text: str) -> datetime | None:
    """Midnight in Japan of a date typed by a person."""
    try:
        moment = datetime.fromisoformat(text.strip().replace("/", "-"))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=JST)


# ------------------------------------------------------------------ tokens


def _renew(access: ShopAccess) -> str | Outcome:
    """A new access token by the refresh token. A refresh token that comes with it replaces ours before either is used."""
    refresh_token = access.secrets.get("refresh_token", "")
    if not refresh_token:
        return Outcome(Result.REJECTED_AUTH, AUTHORIZATION_GONE)
    fields = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": access.settings.get("client_id", ""),
        "client_secret": access.secrets.get("client_secret", ""),
    }
    reply = access.http.send(
        "POST",
        access.host("auth") + TOKEN_PATH,
        headers={"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"},
        content=urlencode(fields).encode("ascii"),
    )
    if not isinstance(reply, Answer):
        # Whatever became of this call, the one it was for was not sent: nothing was applied.
        return Outcome(Result.TRANSIENT, outcome_of_no_answer(reply).code)
    body = json_of(reply)
    said: dict[object, object] = body if isinstance(body, dict) else {}
    token = said.get("access_token")
    if reply.status == 200 and isinstance(token, str) and token:
        rotated = said.get("refresh_token")
        if isinstance(rotated, str) and rotated and rotated != refresh_token:
            access.remember("refresh_token", rotated)
        access.remember("access_token", token)
        return token
    if reply.status in (400, 401, 403):
        return Outcome(Result.REJECTED_AUTH, checked_code(said.get("error") or AUTHORIZATION_GONE))
    outcome = throttled_or_transient(reply)
    if outcome.result is Result.THROTTLED:
        return outcome
    return Outcome(Result.TRANSIENT, "token_not_given", outcome.wait_seconds)


# ------------------------------------------------------------------ one request


def _exchange(
    access: ShopAccess, method: str, path: str, params: Mapping[str, str], content: bytes | None, token: str
) -> Reply:
    # A comma parts the values of a list; the mall cannot tell an escaped one from it (NOTES.md, "Listings").
    query = "&".join(f"{name}={quote(value, safe=',')}" for name, value in params.items())
    url = f"{access.host('api')}{path}{'?' if query else ''}{query}"
    headers = {"x-amz-access-token": token, "x-amz-date": access.now().strftime("%Y%m%dT%H%M%SZ")}
    if content is None:
        return access.http.get(url, headers=headers)
    return access.http.send(method, url, headers={**headers, "Content-Type": "application/json"}, content=content)


def _answer_or_outcome(reply: Reply) -> Answer | Outcome:
    """The answer, unless our key was not accepted, the mall is busy or broken, or there is none."""
    if not isinstance(reply, Answer):
        return outcome_of_no_answer(reply)
    if reply.status in (401, 403):
        return Outcome(Result.REJECTED_AUTH, error_code(reply))
    if reply.status == 429:
        outcome = throttled_or_transient(reply)
        wait = outcome.wait_seconds if "retry-after" in reply.headers else _seconds_between_calls(reply)
        return Outcome(Result.THROTTLED, error_code(reply), wait)
    if reply.status >= 500:
        return throttled_or_transient(reply)
    return reply


def _seconds_between_calls(answer: Answer) -> float:
    """A 429 has no Retry-After; the rate the mall says for the operation gives the time until one more call may pass."""
    said = answer.headers.get("x-amzn-ratelimit-limit", "").strip()
    rate = float(said) if _RATE.fullmatch(said) else 0.0
    return min(1.0 / rate, _WAIT_SECONDS_MAX) if rate > 0 else WAIT_SECONDS_DEFAULT
