"""Calls the API of カラーミーショップ with the shop's token, and gets that token once from a person's login (OAuth 2).

A token does not expire by itself; it ends when the shop removes the app. Facts and sources: NOTES.md, "Access".
"""

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from adapters.kit.answers import json_of, throttled_or_transient
from adapters.kit.mall import Answer, Reply, ShopAccess
from ledger.terms import Outcome, Result

TOKEN_PATH = "/oauth/token"  # noqa: S105  (a path)
TOKEN_MISSING = "token_missing"  # noqa: S105  (a code)
_CODE_DIGITS_MAX = 9


def get(access: ShopAccess, path: str, params: Mapping[str, str]) -> Reply:
    """The mall's reply to one GET below /v1."""
    return access.http.get(f"{access.host('api')}/v1{path}", headers=_headers(access), params=params)


def put(access: ShopAccess, path: str, content: Mapping[str, object]) -> Reply:
    """The mall's reply to one PUT of JSON below /v1."""
    headers = {**_headers(access), "Content-Type": "application/json"}
    body = json.dumps(content, ensure_ascii=False).encode("utf-8")
    return access.http.send("PUT", f"{access.host('api')}/v1{path}", headers=headers, content=body)


def log_in(access: ShopAccess) -> Outcome | None:
    """None when the authorization code of a person's login has become a token, which is kept; the code works once."""
    fields = {
        "client_id": access.settings.get("client_id", ""),
        "client_secret": access.secrets.get("client_secret", ""),
        "code": access.secrets.get("authorization_code", "").strip(),
        "grant_type": "authorization_code",
        "redirect_uri": access.settings.get("redirect_uri", ""),
    }
    reply = access.http.send(
        "POST",
        access.host("api") + TOKEN_PATH,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        content=urlencode(fields).encode("ascii"),
    )
    if not isinstance(reply, Answer):
        return Outcome(Result.TRANSIENT, reply.reason)
    said = json_of(reply)
    token = said.get("access_token") if isinstance(said, dict) else None
    if reply.status == 200 and isinstance(token, str) and token:
        access.remember("access_token", token)
        access.remember("authorization_code", "")
        return None
    if reply.status in (400, 401, 403):
        return Outcome(Result.REJECTED_AUTH, "authorization_code_refused")
    outcome = throttled_or_transient(reply)
    keeps = outcome.result is Result.THROTTLED
    return outcome if keeps else Outcome(Result.TRANSIENT, "token_not_given", outcome.wait_seconds)


def has_token(access: ShopAccess) -> bool:
    """Whether a token was entered or got by a login."""
    return bool(access.secrets.get("access_token", "").strip())


def refusal(answer: Answer) -> Outcome:
    """What an answer other than 200 means; its code is the mall's own number where the body says one."""
    outcome = throttled_or_transient(answer)
    code = _error_code(answer)
    if answer.status == 403:
        return Outcome(Result.REJECTED_AUTH, code or "http_403")
    if outcome.result in (Result.REJECTED, Result.REJECTED_AUTH):
        return Outcome(outcome.result, code or outcome.code)
    return outcome


def _headers(access: ShopAccess) -> dict[str, str]:
    return {"Authorization": f"Bearer {access.secrets.get('access_token', '').strip()}", "Accept": "application/json"}


def _error_code(answer: Answer) -> str:
    """``errors[0].code`` as the mall numbers it; "" for a body of another form. Its messages are never passed on."""
    said = json_of(answer)
    match said:
        case {"errors": [{"code": int(code)}, *_]} if not isinstance(code, bool):
            return str(code) if len(str(code)) <= _CODE_DIGITS_MAX else ""
        case _:
            return ""
