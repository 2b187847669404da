"""Calls Qoo10's QAPI: the seller's key (SAK) and its renewal, and answers that are HTTP 200 whatever they say.

The SAK is made from the seller's password and an API key that Qoo10 gives for a year. Facts and sources: NOTES.md, "Access".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from adapters.kit.answers import json_of, outcome_of_no_answer, throttled_or_transient
from adapters.kit.mall import Answer, DueWarning, Lost, NotSent, Reply, ShopAccess
from adapters.kit.order_mail import JST
from ledger.terms import Outcome, Result

PATH = "/GMKT.INC.Front.QAPIService/ebayjapan.qapi"
KEY_HEADER = "GiosisCertificationKey"
SAK = "seller_auth_key"
ISSUE = "CertificationAPI.CreateCertificationKey"
VERSIONS = {"ItemsOrder.SetGoodsPriceQtyBulk": "1.1", "ItemsLookup.GetItemDetailInfo": "1.2"}
VERSION = "1.0"

SUCCESS = 0
NOT_FOUND = -10001
PROCESSING_ERROR = -10101

TURN_SECONDS_MAX = 40.0  # after this no further call of one push or read begins
WARNING_DAYS = (1, 7, 30)
_DOOR_STATUSES = (404, 405, 406, 408, 415)  # no row is guilty of these: the call is tried again, and seen


@dataclass(frozen=True, slots=True)
class Said:
    """What QAPI itself answered: its result code, and ResultObject as it came."""

    code: int
    result: object = None


@dataclass
class Turn:
    """The calls of one push or one read, which together have to end in time. Mutable: it counts them.

    The first call may renew the SAK; the first that gave no answer of QAPI ends the turn.
    """

    access: ShopAccess
    began: datetime
    calls: int = 0
    stopped: Outcome | None = None

    def call(self, method: str, fields: Mapping[str, str]) -> Said | Outcome:
        """The answer, or the outcome of a call that has none; one that was not sent is never unknown."""
        if self.stopped is not None:
            return not_sent(self.stopped)
        if self.calls and (self.access.now() - self.began).total_seconds() > TURN_SECONDS_MAX:
            return Outcome(Result.THROTTLED, "no_time_left", 1.0)
        found = call(self.access, method, fields, may_renew=self.calls == 0)
        self.calls += 1
        if isinstance(found, Outcome):
            self.stopped = found
        return found


def begin(access: ShopAccess) -> Turn:
    """A turn that begins now."""
    return Turn(access, access.now())


def not_sent(stopped: Outcome) -> Outcome:
    """The outcome of what was not sent because an earlier call of the turn ended so."""
    keeps = stopped.result in (Result.REJECTED_AUTH, Result.THROTTLED, Result.TRANSIENT)
    return stopped if keeps else Outcome(Result.TRANSIENT, "not_sent")


def call(access: ShopAccess, method: str, fields: Mapping[str, str], *, may_renew: bool = True) -> Said | Outcome:
    """QAPI's answer to one call, or the outcome when there is none to look at.

    A SAK that is missing or has expired is issued once and the call sent once more; what is refused then is rejected_auth.
    """
    key = access.secrets.get(SAK, "")
    if key:
        found = _read(access, _post(access, method, fields, key))
        if not _expired(access, found):
            return found
        if not may_renew:
            return Outcome(Result.TRANSIENT, "key_renewal_waits")
    issued = _issue(access)
    if isinstance(issued, Outcome):
        return issued
    return _read(access, _post(access, method, fields, issued))


def due_warnings(access: ShopAccess) -> tuple[DueWarning, ...]:
    """That the API key, which lives a year and whose end Qoo10 does not announce, is to be applied for again: 30, 7, 1 days before."""
    last_day = _day(access.settings.get("key_expires_on", ""))
    if last_day is None:
        return (
            DueWarning(
                "api_key_date_unknown", "APIキーの有効期限がわかりません。発行のお知らせにある日付を登録してください。"
            ),
        )
    left_days = (last_day - access.now().astimezone(JST).date()).days
    step = next((step for step in WARNING_DAYS if left_days <= step), None)
    if step is None:
        return ()
    until = datetime(last_day.year, last_day.month, last_day.day, tzinfo=JST).astimezone(UTC) + timedelta(days=1)
    said_day = f"{last_day.year}年{last_day.month:02d}月{last_day.day:02d}日"
    if left_days < 0:
        return (
            DueWarning(
                "api_key_over", f"APIキーの有効期限（{said_day}）を過ぎました。Qoo10に再申請してください。", until
            ),
        )
    said = f"APIキーの有効期限は{said_day}です（あと{left_days}日）。再発行には5営業日ほどかかります。"
    return (DueWarning(f"api_key_{step}", said, until),)


# ------------------------------------------------------------------ one request


def _post(access: ShopAccess, method: str, fields: Mapping[str, str], key: str) -> Reply:
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        KEY_HEADER: key,
        "QAPIVersion": VERSIONS.get(method, VERSION),
    }
    content = urlencode({"returnType": "application/json", **fields}).encode("ascii")
    return access.http.send("POST", f"{access.host('api')}{PATH}/{method}", headers=headers, content=content)


def _read(access: ShopAccess, reply: Reply) -> Said | Outcome:
    if isinstance(reply, NotSent | Lost):
        return outcome_of_no_answer(reply)
    if reply.status in (401, 403):
        return Outcome(Result.REJECTED_AUTH, f"http_{reply.status}")
    if reply.status in _DOOR_STATUSES:
        return Outcome(Result.TRANSIENT, f"http_{reply.status}")
    if reply.status != 200:
        return throttled_or_transient(reply)
    return _said(access, reply)


def _said(access: ShopAccess, answer: Answer) -> Said | Outcome:
    body = json_of(answer)
    if not isinstance(body, dict):
        text = answer.body[:200].decode("utf-8", "replace")
        if any(words in text for words in access.profile.texts("api.no_such_method_texts")):
            return Outcome(Result.TRANSIENT, "no_such_method")
        return Outcome(Result.UNKNOWN, "answer_not_understood")
    code = next((found for name in ("ErrorCode", "ResultCode") if (found := number_of(body.get(name)))), None)
    if code is None and number_of(body.get("ResultCode")) is None:
        return Outcome(Result.UNKNOWN, "answer_not_understood")
    if str(code) in access.profile.texts("api.auth_codes"):
        return Outcome(Result.REJECTED_AUTH, str(code))
    return Said(code or SUCCESS, body.get("ResultObject"))


def number_of(value: object) -> int | None:
    """A whole number as QAPI writes them, as a number, as text or as 12.0000; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if not isinstance(value, str):
        return None
    whole, _, fraction = value.strip().partition(".")
    digits = whole.removeprefix("-")
    plain = digits.isascii() and digits.isdigit() and len(digits) <= 18 and not fraction.strip("0")
    return int(whole) if plain else None


# ------------------------------------------------------------------ the key


def _expired(access: ShopAccess, found: Said | Outcome) -> bool:
    """Whether a new SAK may help: the mall says it has expired, and there is what it takes to issue one."""
    if not isinstance(found, Outcome) or found.result is not Result.REJECTED_AUTH:
        return False
    return found.code in access.profile.texts("api.expired_codes") and _may_issue(access)


def _may_issue(access: ShopAccess) -> bool:
    return bool(access.secrets.get("api_key", "") and access.secrets.get("password", ""))


def _issue(access: ShopAccess) -> str | Outcome:
    """A new SAK, kept before it is used; nothing of the call it is for was sent yet, so its outcome is never unknown."""
    if not _may_issue(access):
        return Outcome(Result.REJECTED_AUTH, "key_missing")
    fields = {"user_id": access.settings.get("user_id", ""), "pwd": access.secrets["password"]}
    found = _read(access, _post(access, ISSUE, fields, access.secrets["api_key"]))
    if isinstance(found, Outcome):
        return not_sent(found)
    key = found.result if found.code == SUCCESS else None
    if isinstance(key, str) and key and key.isascii() and key.isprintable():
        access.remember(SAK, key)
        return key
    return Outcome(Result.REJECTED_AUTH, "key_not_issued")


def _day(text: str) -> date | None:
    """The date a person typed; None for anything else."""
    try:
        return date.fromisoformat(text.strip().replace("/", "-"))
    except ValueError:
        return None
