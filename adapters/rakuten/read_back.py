"""Read the numbers Rakuten shows (bulk-get), and test a connection by calls that change nothing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from adapters.kit.answers import json_of, read_failed
from adapters.kit.mall import Answer, ConnectionTested, DueWarning, ReadFailed, Reply, ShopAccess
from adapters.kit.order_mail import JST
from adapters.rakuten.inventory_api import NOT_FOUND, authorization, errors_of, named, post, refused_key
from adapters.rakuten.orders import warnings as order_warnings
from ledger.terms import ListingKey, ListingRead, Result

READ_BATCH_MAX = 1_000  # NOTES.md, "Outbound"
WARN_DAYS = (1, 7, 30)  # before the licence key ends, the nearest first

# A listing that no shop has: asking for it shows that key and function are accepted, and reads nothing.
_NOBODY = ListingKey("daicho-connection-test", "daicho-connection-test")

_REFUSED = {
    "GE0011": (
        "ライセンスキーまたはserviceSecretが受け付けられませんでした。キーは約3か月で切れます。RMSで確認し、新しいキーを登録してください。"
        " / The service secret or licence key was not accepted; a key ends after about 3 months. Renew it in RMS and enter it here."
    ),
    "ES04-01": (
        "RMSの「利用機能編集」で「在庫API 2.0」が有効になっていません。有効にしてからもう一度お試しください。"
        " / The function 在庫API 2.0 is not enabled in RMS 利用機能編集. Enable it and test again."
    ),
}


def read_back(access: ShopAccess, keys: Sequence[ListingKey]) -> list[ListingRead] | ReadFailed:
    """The number of each listing, in order; one that the mall did not return is not found.

    A listing that only we made up by pushing it (an orphan) is found for a day: the mall keeps its number.
    """
    assert 0 < len(keys) <= READ_BATCH_MAX, len(keys)
    reply = post(access, "bulk_get", {"inventories": [named(key) for key in keys]})
    failed = _failed(access, reply)
    if failed is not None and failed.code != NOT_FOUND:
        return failed
    shown = _shown(reply) if failed is None else {}
    if shown is None:
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    return [_read(key, shown.get((key.item.lower(), key.variant))) for key in keys]


def connection_test(access: ShopAccess) -> ConnectionTested:
    """Whether key and function are accepted, with a warning 30, 7 and 1 days before the licence key ends, and when orders
    cannot be asked for.
    """
    reply = _key_expiry(access)
    failed = _failed(access, reply)
    if failed is None or failed.result is not Result.REJECTED_AUTH:
        read = read_back(access, [_NOBODY])
        found = read if isinstance(read, ReadFailed) else None
        if found is None:
            warnings = _expiry_warnings(reply, access.now()) + order_warnings(access)
            return ConnectionTested(True, "接続できました。 / Connected.", warnings)
        failed = found
    if failed.result is Result.REJECTED_AUTH:
        message = _REFUSED.get(failed.code, _REFUSED["GE0011"])
    else:
        message = (
            f"楽天に接続できませんでした（{failed.code}）。しばらくしてからもう一度お試しください。"
            f" / Rakuten could not be reached or did not answer as expected ({failed.code}). Try again later."
        )
    return ConnectionTested(False, message)


def _key_expiry(access: ShopAccess) -> Reply:
    address = access.host("api") + access.profile.text("api.key_expiry")
    return access.http.get(address, headers=authorization(access), params={"licenseKey": access.secrets["license_key"]})


def _failed(access: ShopAccess, reply: Reply) -> ReadFailed | None:
    """Why the reply holds no numbers; None when it is a 200."""
    if isinstance(reply, Answer):
        if reply.status == 200:
            return None
        errors = errors_of(reply)
        refused = refused_key(reply, errors, access.profile.texts("api.auth_codes"))
        if refused is not None:
            return ReadFailed(Result.REJECTED_AUTH, refused)
        if errors and reply.status < 500 and reply.status != 429:
            return ReadFailed(Result.TRANSIENT, errors[0].code)
    return read_failed(reply)


def _shown(reply: Reply) -> dict[tuple[str, str], int] | None:
    """The numbers of a bulk-get by listing; None when one of them is not as the reference says."""
    body = json_of(reply) if isinstance(reply, Answer) else None
    rows = body.get("inventories") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        return None
    shown: dict[tuple[str, str], int] = {}
    for row in rows:
        if not isinstance(row, dict):
            return None
        item, variant, units = row.get("manageNumber"), row.get("variantId"), row.get("quantity")
        if not isinstance(item, str) or not isinstance(variant, str):
            return None
        if not isinstance(units, int) or isinstance(units, bool) or units < 0:
            return None
        shown[item.lower(), variant] = units
    return shown


def _read(key: ListingKey, units: int | None) -> ListingRead:
    return ListingRead(key, units, found=units is not None)


def _expiry_warnings(reply: Reply, now: datetime) -> tuple[DueWarning, ...]:
    due_at = _due_at(reply)
    if due_at is None:
        text = "ライセンスキーの有効期限を確認できませんでした。 / The date on which the licence key ends could not be read."
        return (DueWarning("license_key_expiry_unknown", text),)
    days = next((days for days in WARN_DAYS if due_at - now <= timedelta(days=days)), None)
    if days is None:
        return ()
    day = due_at.astimezone(JST).date().isoformat()
    text = f"ライセンスキーは{day}に切れます。RMSで更新してください。 / The licence key ends on {day} (Japan). Renew it in RMS."
    return (DueWarning(f"license_key_ends_within_{days}_days", text, due_at),)


def _due_at(reply: Reply) -> datetime | None:
    body: object = json_of(reply) if isinstance(reply, Answer) and reply.status == 200 else None
    stated = body.get("expiryDate") if isinstance(body, Mapping) else None
    if not isinstance(stated, str):
        return None
    try:
        moment = datetime.fromisoformat(stated)
    except ValueError:
        return None
    # A date or time without a zone is Japan's; of a date alone its beginning, so that we warn early rather than late.
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=JST)).astimezone(UTC)
