"""What every call of Rakuten's InventoryAPI 2.0 shares: address, ESA header, and the codes of an error body.

Two error envelopes exist: ``{"errors":[{"code","message","metadata":{"propertyPath"}}]}`` of the inventory functions,
and ``{"Results":{"errorCode","message"}}`` of the gate before them (NOTES.md, "Errors").
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.kit.answers import json_of
from adapters.kit.mall import Answer, Reply, ShopAccess
from ledger.terms import ListingKey

NOT_FOUND = "GE0014"

_CODE = re.compile(r"[A-Za-z0-9_-]{1,20}")
_ROW = re.compile(r"inventories\[(\d{1,6})\]")
_NAMED = re.compile(r"manageNumber=([^,\s]+),\s*variantId=(\S+)")


@dataclass(frozen=True, slots=True)
class MallError:
    """One error: the mall's code, the row of the request it is about, and the listing that its message names."""

    code: str
    row: int | None = None
    named: ListingKey | None = None


def post(access: ShopAccess, path: str, body: object) -> Reply:
    """The reply to a JSON request at the profile's path ``api.<path>``."""
    headers = {**authorization(access), "content-type": access.profile.text("api.content_type")}
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return access.http.send(
        "POST", access.host("api") + access.profile.text(f"api.{path}"), headers=headers, content=content
    )


def authorization(access: ShopAccess) -> dict[str, str]:
    """The ESA header. There is no token; the licence key itself ends about every three months."""
    pair = f"{access.secrets['service_secret']}:{access.secrets['license_key']}"
    return {"authorization": "ESA " + base64.b64encode(pair.encode("utf-8")).decode("ascii")}


def named(key: ListingKey) -> dict[str, str]:
    """The listing as the mall writes it: manageNumber in lower case, variantId exactly as it is."""
    return {"manageNumber": key.item.lower(), "variantId": key.variant}


def errors_of(answer: Answer) -> tuple[MallError, ...]:
    """The errors of an answer in either envelope; none when the body is not one of them. Free text is never kept."""
    body = json_of(answer)
    if not isinstance(body, dict):
        return ()
    gate = body.get("Results")
    if isinstance(gate, dict):
        return (MallError(_code(gate.get("errorCode"))),)
    found = body.get("errors")
    return tuple(_error(error) for error in found if isinstance(error, dict)) if isinstance(found, list) else ()


def refused_key(answer: Answer, errors: Sequence[MallError], auth_codes: Sequence[str]) -> str | None:
    """The code with which the key, or the function's switch in RMS, was refused; None when it was not."""
    code = next((error.code for error in errors if error.code in auth_codes), None)
    if code is None and answer.status in (401, 403):
        return errors[0].code if errors else f"http_{answer.status}"
    return code


def _error(error: Mapping[object, object]) -> MallError:
    metadata = error.get("metadata")
    path = metadata.get("propertyPath") if isinstance(metadata, dict) else None
    row = _ROW.search(path) if isinstance(path, str) else None
    message = error.get("message")
    listing = _NAMED.search(message) if isinstance(message, str) else None
    return MallError(
        _code(error.get("code")),
        int(row[1]) if row else None,
        ListingKey(listing[1].lower(), listing[2]) if listing else None,
    )


def _code(value: object) -> str:
    return value if isinstance(value, str) and _CODE.fullmatch(value) else "code_not_understood"
