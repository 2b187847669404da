"""Calls the manager API of ショップサーブ: Basic with the shop's ID and its manager key, which has no end of its own.

What its answers look like was seen only in part (NOTES.md, "Outbound"): names of fields stand in profile.toml.
"""

import base64
import json
from collections.abc import Mapping
from urllib.parse import quote

from adapters.kit.answers import json_of, throttled_or_transient
from adapters.kit.mall import Answer, Reply, ShopAccess
from ledger.terms import Outcome, Result

_CODE_CHARACTERS_MAX = 40


def stock_path(item: str) -> str:
    """Where the stock of a 商品番号 stands."""
    return f"/items/{quote(item, safe='')}/stock"


def get(access: ShopAccess, path: str) -> Reply:
    """The mall's reply to one GET."""
    return access.http.get(access.host("api") + path, headers=_headers(access))


def send(access: ShopAccess, method: str, path: str, content: Mapping[str, object]) -> Reply:
    """The mall's reply to one request with JSON."""
    headers = {**_headers(access), "Content-Type": "application/json"}
    body = json.dumps(content, ensure_ascii=False).encode("utf-8")
    return access.http.send(method, access.host("api") + path, headers=headers, content=body)


def refusal(answer: Answer) -> Outcome:
    """What an answer other than 2xx means; its code is the mall's own where the body says one."""
    outcome = throttled_or_transient(answer)
    code = error_code(answer)
    if answer.status in (401, 403):
        return Outcome(Result.REJECTED_AUTH, code or f"http_{answer.status}")
    if outcome.result is Result.REJECTED:
        return Outcome(Result.REJECTED, code or outcome.code)
    return outcome


def error_code(answer: Answer) -> str:
    """``errors[0].code`` when it is a code; "" for a body of another form. Its messages are never passed on."""
    match json_of(answer):
        case {"errors": [{"code": str() | int() as code}, *_]} if not isinstance(code, bool):
            text = str(code)
            plain = text.isascii() and text.replace("_", "").replace("-", "").isalnum()
            return text if plain and len(text) <= _CODE_CHARACTERS_MAX else "code_not_understood"
        case {"errors": [_, *_]}:
            return "code_not_understood"
        case _:
            return ""


def _headers(access: ShopAccess) -> dict[str, str]:
    pair = f"{access.settings.get('shop_id', '').strip()}:{access.secrets.get('manager_key', '').strip()}"
    return {
        "Authorization": "Basic " + base64.b64encode(pair.encode("utf-8")).decode("ascii"),
        "Accept": "application/json",
    }
