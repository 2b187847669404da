"""Calls futureshop's API v2: the token that lives an hour, the shop key, and what an answer's status means.

A token is kept (``remember``) before it is used. A call that never got a token was not sent: never unknown.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from adapters.kit.answers import json_of, outcome_of_no_answer, throttled_or_transient
from adapters.kit.mall import Answer, Reply, ShopAccess
from adapters.kit.profile import Profile
from ledger.terms import Outcome, Result

TOKEN_PATH = "/oauth/token"  # noqa: S105  (a path)
API_PATH = "/admin-api/v1/"
TOKEN_NOT_GIVEN = "token_not_given"  # noqa: S105  (a code)

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,40}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One entry of ``errors``: the mall's code, and where in the request it stands ("" when it does not say)."""

    code: str
    path: str


def get(access: ShopAccess, path: str, params: Mapping[str, str]) -> Answer | Outcome:
    """The answer to one reading call, or the outcome when there is none to look at."""
    return _call(
        access, lambda headers: access.http.get(_host(access) + API_PATH + path, headers=headers, params=params)
    )


def post(access: ShopAccess, path: str, content: object) -> Answer | Outcome:
    """The answer to one writing call, or the outcome when there is none to look at."""
    body = json.dumps(content, ensure_ascii=False).encode("utf-8")
    return _call(
        access,
        lambda headers: access.http.send("POST", _host(access) + API_PATH + path, headers=headers, content=body),
    )


def refusals_in(body: object) -> tuple[Refusal, ...]:
    """The errors of an answer or of one of its results; free text is not looked at."""
    listed = body.get("errors") if isinstance(body, Mapping) else None
    found = listed if isinstance(listed, list) else []
    return tuple(_refusal(one) for one in found if isinstance(one, Mapping))


def outcome_of(code: str, profile: Profile) -> Outcome | None:
    """The outcome of a code that is about the whole shop; None: it is about the request or a row."""
    if code in profile.texts("api.auth_codes"):
        return Outcome(Result.REJECTED_AUTH, code)
    if code in profile.texts("api.busy_codes"):
        return Outcome(Result.THROTTLED, code, float(profile.number("api.busy_wait_seconds")))
    if code in profile.texts("api.unknown_codes"):
        return Outcome(Result.UNKNOWN, code)
    if code in profile.texts("api.later_codes"):
        return Outcome(Result.TRANSIENT, code, float(profile.number("api.later_wait_seconds")))
    return None


# ------------------------------------------------------------------ private


def _call(access: ShopAccess, send: Callable[[Mapping[str, str]], Reply]) -> Answer | Outcome:
    token = access.secrets.get("access_token", "")
    if token:
        reply = send(_headers(access, token))
        if not isinstance(reply, Answer) or reply.status != 401:
            return _looked_at(reply, access)
    renewed = _renew(access)
    if isinstance(renewed, Outcome):
        return renewed
    return _looked_at(send(_headers(access, renewed)), access)


def _renew(access: ShopAccess) -> str | Outcome:
    """A new token, kept before it is used; what hinders it as an outcome that says nothing was applied."""
    pair = f"{access.settings.get('client_id', '')}:{access.secrets.get('client_secret', '')}"
    headers = {
        "Authorization": "Basic " + base64.b64encode(pair.encode("utf-8")).decode("ascii"),
        "X-SHOP-KEY": access.settings.get("shop_key", ""),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    reply = access.http.send(
        "POST", _host(access) + TOKEN_PATH, headers=headers, content=b"grant_type=client_credentials"
    )
    if not isinstance(reply, Answer):
        return Outcome(Result.TRANSIENT, outcome_of_no_answer(reply).code)
    body = json_of(reply)
    token = body.get("access_token") if isinstance(body, dict) else None
    if reply.status == 200 and isinstance(token, str) and token:
        access.remember("access_token", token)
        return token
    if reply.status in (400, 401, 403):
        return Outcome(Result.REJECTED_AUTH, f"token_http_{reply.status}")
    outcome = throttled_or_transient(reply)
    if outcome.result is Result.THROTTLED:
        return outcome
    return Outcome(Result.TRANSIENT, TOKEN_NOT_GIVEN, outcome.wait_seconds)


def _headers(access: ShopAccess, token: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {token}",
        "X-SHOP-KEY": access.settings.get("shop_key", ""),
        "Content-Type": "application/json",
    }


def _host(access: ShopAccess) -> str:
    """The API domain of the contract, with or without https:// as the merchant typed it; emulators override it."""
    override = access.base.get("api") or access.base.get("*")
    if override:
        return override.rstrip("/")
    stated = access.settings.get("api_domain", "").strip().rstrip("/")
    return stated if stated.startswith("https://") else f"https://{stated}"


def _looked_at(reply: Reply, access: ShopAccess) -> Answer | Outcome:
    """The answer, unless our key is not accepted, the mall is busy or broken, or there is none."""
    if not isinstance(reply, Answer):
        return outcome_of_no_answer(reply)
    if reply.status in (401, 403):
        return Outcome(Result.REJECTED_AUTH, f"http_{reply.status}")
    if reply.status == 429 or reply.status >= 500:
        return throttled_or_transient(reply)
    for refusal in refusals_in(json_of(reply)):
        decided = outcome_of(refusal.code, access.profile)
        if decided is not None:
            return decided
    return reply


def _refusal(error: Mapping[object, object]) -> Refusal:
    code, path = error.get("code"), error.get("path")
    known = isinstance(code, str) and _CODE.fullmatch(code) is not None
    return Refusal(str(code) if known else "error_without_code", path[:200] if isinstance(path, str) else "")
