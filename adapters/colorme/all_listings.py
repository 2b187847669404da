"""Read everything カラーミーショップ has (GET /v1/stocks): every product and option with its number and 型番, a page after the other."""

from collections.abc import Mapping

from adapters.colorme.access import TOKEN_MISSING, get, has_token
from adapters.colorme.codes import is_product, listing_of
from adapters.colorme.read_back import failed_read
from adapters.kit.answers import json_of
from adapters.kit.file_form import FileRow
from adapters.kit.mall import Answer, ReadFailed, ShopAccess, StockPage
from ledger.terms import CODE_CHARACTERS_MAX, UNITS_MAX, Result

PAGE_ROWS = 50  # ``limit`` of GET /v1/stocks


def read_all(access: ShopAccess, cursor: str) -> StockPage | ReadFailed:
    """The next page; the cursor is how many rows were read. A row without a number is sold without limit."""
    if not has_token(access):
        return ReadFailed(Result.REJECTED_AUTH, TOKEN_MISSING)
    offset = int(cursor or "0")
    reply = get(access, "/stocks", {"limit": str(PAGE_ROWS), "offset": str(offset)})
    if not isinstance(reply, Answer) or reply.status != 200:
        return failed_read(reply)
    said = json_of(reply)
    listed = said.get("stocks") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(listed, list):
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    rows = [_row(one) for one in listed]
    if any(row is None for row in rows):
        return ReadFailed(Result.TRANSIENT, "answer_not_understood")
    read = offset + len(rows)
    return StockPage(tuple(row for row in rows if row), str(read) if rows and read < _total(said, read + 1) else "")


def _total(said: Mapping[str, object], unknown: int) -> int:
    meta = said.get("meta")
    total = meta.get("total") if isinstance(meta, Mapping) else None
    return total if isinstance(total, int) and not isinstance(total, bool) else unknown


def _row(said: object) -> FileRow | None:
    """One row as the mall writes it; None when it is not of this API."""
    if not isinstance(said, Mapping):
        return None
    product, units = said.get("product_id"), said.get("stocks")
    option1, option2 = (said.get(f"option{axis}_value") or "" for axis in (1, 2))
    if isinstance(product, bool) or not isinstance(product, (int, str)) or not is_product(str(product)):
        return None
    if not isinstance(option1, str) or not isinstance(option2, str):
        return None
    if units is not None and (isinstance(units, bool) or not isinstance(units, int) or units > UNITS_MAX):
        return None
    key = listing_of(str(product), option1, option2)
    model = _text(said, "variant_model_number") if key.variant else _text(said, "model_number")
    matches = {"own_code": model, "product": key.item, "product_and_options": str(key)}
    return FileRow(
        row=0,
        key=key,
        units=None if units is None else max(0, units),
        unlimited=units is None,
        matches={match: value for match, value in matches.items() if value},
        codes=(model,) if 0 < len(model) <= CODE_CHARACTERS_MAX else (),
        name=" ".join(_text(said, "name").split()),
        product=key.item,
    )


def _text(said: Mapping[str, object], name: str) -> str:
    value = said.get(name)
    return value.strip() if isinstance(value, str) else ""
