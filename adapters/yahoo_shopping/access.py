"""Calls the store API of Yahoo!ショッピング: the token that expires every hour, its renewal, and the public-key headers.

A person logs in every four weeks; from that come a refresh token and, from it, access tokens. A renewed secret is kept
(``remember``) before it is used, so that a crash between the two loses nothing. Facts and sources: NOTES.md, "Access".
"""

import base64
import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from adapters.kit.answers import json_of, outcome_of_no_answer, throttled_or_transient
from adapters.kit.mall import Answer, DueWarning, Reply, ShopAccess
from adapters.kit.order_mail import JST
from adapters.yahoo_shopping.replies import Refusal, read_reply
from ledger.terms import Outcome, Result, utc_text

API_PATH = "/ShoppingWebService/V1/"
TOKEN_PATH = "/yconnect/v2/token"  # noqa: S105  (a path)
EXPIRED_SESSION = "px-04102"
RELOGIN_NEEDED = "relogin_needed"
WARNING_DAYS = (1, 7, 30)
_FORM, _XML = "application/x-www-form-urlencoded", "application/xml"


def call(access: ShopAccess, operation: str, fields: Mapping[str, str]) -> Answer | Outcome:
    """The mall's answer to one form-encoded call, or the outcome when there is none to look at: see ``_call``."""
    seller_id = access.settings.get("seller_id", "")
    # urlencode writes + as %2B and , and : as they must be; a bare + would reach the mall as a space.
    return _call(access, operation, _FORM, urlencode({"seller_id": seller_id, **fields}).encode("ascii"))


def call_xml(access: ShopAccess, operation: str, request: str) -> Answer | Outcome:
    """The same for one call of the order API: ``request`` is the XML inside ``Req``, before the seller's id."""
    seller_id = escape(access.settings.get("seller_id", ""))
    return _call(access, operation, _XML, f"<Req>{request}<SellerId>{seller_id}</SellerId></Req>".encode())


def call_upload(access: ShopAccess, operation: str, boundary: str, content: bytes) -> Answer | Outcome:
    """The same for one upload: ``content`` is the multipart body whose parts ``boundary`` divides."""
    return _call(access, operation, f"multipart/form-data; boundary={boundary}", content)


def fetch(access: ShopAccess, operation: str, fields: Mapping[str, str]) -> Answer | Outcome:
    """The same for one call by GET."""
    seller_id = access.settings.get("seller_id", "")
    return _with_token(access, lambda token: _get(access, operation, {"seller_id": seller_id, **fields}, token))


def _call(access: ShopAccess, operation: str, content_type: str, content: bytes) -> Answer | Outcome:
    return _with_token(access, lambda token: _post(access, operation, content_type, content, token))


def _with_token(access: ShopAccess, send: Callable[[str], Reply | Outcome]) -> Answer | Outcome:
    """The mall's answer to one call, or the outcome when there is none to look at.

    An access token that has expired is renewed once and the call sent once more; what is still refused then is
    rejected_auth. A call that never got a token was not sent: its outcome is never unknown.
    """
    token = access.secrets.get("access_token", "")
    if token:
        reply = send(token)
        if not _expired(reply, access):
            return _answer_or_outcome(reply, access)
    renewed = _renew(access)
    if isinstance(renewed, Outcome):
        return renewed
    return _answer_or_outcome(send(renewed), access)


def log_in(access: ShopAccess) -> Outcome | None:
    """None when the authorization code of a person's login has become tokens, which are kept with the login's moment.

    The code works once and for minutes only; it is forgotten as soon as it has worked.
    """
    fields = {
        "grant_type": "authorization_code",
        "code": access.secrets.get("authorization_code", ""),
        "redirect_uri": access.settings.get("redirect_uri", ""),
    }
    got = _token(access, fields)
    if isinstance(got, Outcome):
        return got
    access.remember("logged_in_at", utc_text(access.now().replace(microsecond=0)))
    access.remember("authorization_code", "")
    return None


def due_warnings(access: ShopAccess) -> tuple[DueWarning, ...]:
    """What a person has to do and by when: log in again (every 4 weeks), make a new public key (every year).

    Each warning's code ends with the step it is at: 30, 7 or 1 days before, or ``over``.
    """
    login_days, key_days = access.profile.number("api.login_days"), access.profile.number("api.public_key_days")
    found = [
        _due(
            access,
            "relogin",
            access.secrets.get("logged_in_at", ""),
            login_days,
            "Yahoo! JAPAN IDでの再ログイン（4週間ごと）",
        )
    ]
    if access.secrets.get("public_key", ""):
        made = access.settings.get("public_key_made_on", "")
        found.append(_due(access, "public_key", made, key_days, "公開鍵の再発行（1年ごと）"))
    return tuple(warning for warning in found if warning is not None)


def _due(access: ShopAccess, what: str, since: str, days: int, label: str) -> DueWarning | None:
    start = _moment(since)
    if start is None:
        return DueWarning(f"{what}_date_unknown", f"{label}の期限がわかりません。最後に行った日を登録してください。")
    due_at = start + timedelta(days=days)
    left_days = (due_at - access.now()).total_seconds() / 86_400
    step = next((step for step in WARNING_DAYS if left_days <= step), None)
    if step is None:
        return None
    day = due_at.astimezone(JST).strftime("%Y年%m月%d日 %H:%M")
    if left_days <= 0:
        return DueWarning(f"{what}_over", f"{label}の期限（{day}）を過ぎました。在庫を反映できません。", due_at)
    return DueWarning(f"{what}_{step}", f"{label}を{day}までに行ってください（あと{math.ceil(left_days)}日）。", due_at)


def _moment(text: str) -> datetime | None:
    """The moment of a kept login, or of a date typed by a person (midnight in Japan)."""
    try:
        moment = datetime.fromisoformat(text.strip().replace("/", "-"))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=JST)


# ------------------------------------------------------------------ tokens


def _renew(access: ShopAccess) -> str | Outcome:
    """A new access token by the refresh token; the token endpoint usually gives no new refresh token, one that comes is kept."""
    refresh_token = access.secrets.get("refresh_token", "")
    if not refresh_token:
        return Outcome(Result.REJECTED_AUTH, RELOGIN_NEEDED)
    return _token(access, {"grant_type": "refresh_token", "refresh_token": refresh_token})


def _token(access: ShopAccess, fields: Mapping[str, str]) -> str | Outcome:
    """The access token given for a grant, kept together with the refresh token when one came."""
    client = f"{access.settings.get('client_id', '')}:{access.secrets.get('client_secret', '')}"
    headers = {
        "Authorization": "Basic " + base64.b64encode(client.encode()).decode("ascii"),
        "Content-Type": _FORM,
    }
    reply = access.http.send(
        "POST", access.host("auth") + TOKEN_PATH, headers=headers, content=urlencode(fields).encode("ascii")
    )
    if not isinstance(reply, Answer):
        # Whatever became of this call, the one it was for was not sent: nothing was applied.
        return Outcome(Result.TRANSIENT, outcome_of_no_answer(reply).code)
    body = json_of(reply)
    said: dict[object, object] = body if isinstance(body, dict) else {}
    access_token = said.get("access_token")
    if reply.status == 200 and isinstance(access_token, str) and access_token:
        refresh_token = said.get("refresh_token")
        if isinstance(refresh_token, str) and refresh_token and refresh_token != access.secrets.get("refresh_token"):
            access.remember("refresh_token", refresh_token)
        access.remember("access_token", access_token)
        return access_token
    if reply.status in (400, 401, 403):
        return Outcome(
            Result.REJECTED_AUTH, "client_not_accepted" if said.get("error") == "invalid_client" else RELOGIN_NEEDED
        )
    outcome = throttled_or_transient(reply)
    if outcome.result is Result.THROTTLED:
        return outcome
    return Outcome(Result.TRANSIENT, "token_not_given", outcome.wait_seconds)


# ------------------------------------------------------------------ one request


def _post(access: ShopAccess, operation: str, content_type: str, content: bytes, token: str) -> Reply | Outcome:
    headers = _headers(access, token)
    if isinstance(headers, Outcome):
        return headers
    headers["Content-Type"] = content_type
    return access.http.send("POST", _address(access, operation), headers=headers, content=content)


def _get(access: ShopAccess, operation: str, params: Mapping[str, str], token: str) -> Reply | Outcome:
    headers = _headers(access, token)
    if isinstance(headers, Outcome):
        return headers
    return access.http.get(_address(access, operation), headers=headers, params=params)


def _address(access: ShopAccess, operation: str) -> str:
    test_store = access.settings.get("seller_id", "").startswith(access.profile.text("api.test_store_prefix"))
    return access.host("api_test" if test_store else "api") + API_PATH + operation


def _headers(access: ShopAccess, token: str) -> dict[str, str] | Outcome:
    signature = _signature(access, access.settings.get("seller_id", ""))
    return signature if isinstance(signature, Outcome) else {"Authorization": f"Bearer {token}", **signature}


def _signature(access: ShopAccess, seller_id: str) -> dict[str, str] | Outcome:
    """The public-key headers, none when the shop has no public key; without them a login lasts 12 hours for order calls."""
    pem = access.secrets.get("public_key", "")
    if not pem:
        return {}
    try:
        key = load_pem_public_key(pem.strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        return Outcome(Result.REJECTED_AUTH, "public_key_unreadable")
    if not isinstance(key, RSAPublicKey):
        return Outcome(Result.REJECTED_AUTH, "public_key_unreadable")
    plain = f"{seller_id}:{int(access.now().timestamp())}".encode()
    return {
        "X-sws-signature": base64.b64encode(key.encrypt(plain, PKCS1v15())).decode("ascii"),
        "X-sws-signature-version": access.settings.get("public_key_version", "") or "1",
    }


def _expired(reply: Reply | Outcome, access: ShopAccess) -> bool:
    if not isinstance(reply, Answer):
        return False
    return reply.status == 401 or _refused(reply, access) == EXPIRED_SESSION


def _answer_or_outcome(reply: Reply | Outcome, access: ShopAccess) -> Answer | Outcome:
    """The answer, unless our key was not accepted or there is none."""
    if isinstance(reply, Outcome):
        return reply
    if not isinstance(reply, Answer):
        return outcome_of_no_answer(reply)
    code = _refused(reply, access)
    if code == EXPIRED_SESSION:
        return Outcome(Result.REJECTED_AUTH, RELOGIN_NEEDED)
    if reply.status in (401, 403) or code.startswith("px-"):
        return Outcome(Result.REJECTED_AUTH, code or f"http_{reply.status}")
    return reply


def _refused(answer: Answer, access: ShopAccess) -> str:
    if answer.status < 400:
        return ""
    read = read_reply(answer.body, busy_message=access.profile.text("api.busy_message"))
    return read.code if isinstance(read, Refusal) else ""
