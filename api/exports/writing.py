"""An export as chunks of bytes: which there are, what each may be asked for, and how its table is written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from adapters.kit.table_writing import CP932, UTF_8, TableWriter, TextOrNumber
from api.exports import stock
from api.exports.lists import LISTS
from api.graphql.inputs import aware
from api.reading import listings_of_sku
from api.wiring import House
from projections import drift

ENCODINGS = (UTF_8, CP932)
STOCK, MALL_FILE = "stock", "mall-file"
WHATS = (STOCK, *LISTS, MALL_FILE)
TABLES: Mapping[str, Sequence[str]] = {  # lists that are fed from facts
    "changes": ("change_log",),
    "pushes": ("push_log", "listings"),
    "listings": ("listings",),
    "orders": ("orders",),
    "drift": ("drift",),
    "oversells": ("oversells", "change_log", "orders", "push_log", "listings"),
    MALL_FILE: ("listings",),
}

Kind = Literal["text", "texts", "flag", "moment", "count"]
_PERIOD: Mapping[str, tuple[str, Kind]] = {
    "recordedFrom": ("recorded_from", "moment"),
    "recordedUntil": ("recorded_until", "moment"),
}
# The filters of each export: their names in a URL, which are GraphQL's, the reader's, and what they hold.
FILTERS: Mapping[str, Mapping[str, tuple[str, Kind]]] = {
    STOCK: {"sku": ("skus", "texts")},
    "listings": {
        "shop": ("shop", "text"),
        "sku": ("sku", "text"),
        "states": ("states", "texts"),
        "rejected": ("rejected", "flag"),
        "differing": ("differing", "flag"),
    },
    "changes": {
        "sku": ("sku", "text"),
        "shop": ("shop", "text"),
        "orderNumber": ("order_number", "text"),
        "importId": ("import_id", "text"),
        "kinds": ("kinds", "texts"),
        **_PERIOD,
    },
    "pushes": {"shop": ("shop", "text"), "sku": ("sku", "text"), "outcomes": ("outcomes", "texts"), **_PERIOD},
    "orders": {
        "shop": ("shop", "text"),
        "number": ("number", "text"),
        "sku": ("sku", "text"),
        "search": ("search", "text"),
        "states": ("states", "texts"),
        "short": ("short", "flag"),
        "unlinked": ("unlinked", "flag"),
        "toReview": ("to_review", "flag"),
        **_PERIOD,
    },
    "drift": {
        "shop": ("shop", "text"),
        "run": ("run", "text"),
        "classes": ("classes", "texts"),
        "openOnly": ("open_only", "flag"),
    },
    "oversells": {"sku": ("sku", "text"), "shop": ("shop", "text"), **_PERIOD},
    MALL_FILE: {
        "shop": ("shop", "text"),
        "differing": ("differing", "flag"),
        "rows": ("rows", "count"),
        "part": ("part", "count"),
    },
}
FORM: Mapping[str, tuple[str, Kind]] = {"encoding": ("encoding", "text"), "excel": ("excel", "flag")}
FLAGS = {"true": True, "1": True, "false": False, "0": False}


class ExportRefused(ValueError):
    """What was asked for is not an export, or not one of its filters."""


@dataclass(frozen=True)
class Table:
    """An export on its way. ``writer`` counts rows and replaced characters as ``chunks`` are taken."""

    writer: TableWriter
    chunks: Iterator[bytes]


def table(
    house: House, what: str, filters: Mapping[str, object], *, encoding: str = UTF_8, excel: bool = False
) -> Table:
    """The table of this name with the rows that fit; ``filters`` by the readers' names. Nothing is read yet.

    ``excel``: texts that Excel would change are marked. Raises ExportRefused; taking chunks of ``stock`` raises NotInCp932.
    """
    if encoding not in ENCODINGS:
        raise ExportRefused(f"encoding {encoding!r}; expected {' or '.join(ENCODINGS)}")
    if what == STOCK:
        writer = TableWriter(stock.HEADER, encoding=encoding, excel=excel, exact=True)
        return Table(writer, _chunks(writer, stock.rows(house, **filters)))  # type: ignore[arg-type]
    exported = LISTS[what]
    if what == "pushes":
        filters = _by_listings(house, filters)
    if what == "drift":
        filters = _of_newest_run(house, filters)
    writer = TableWriter(exported.header, encoding=encoding, excel=excel)
    return Table(writer, _chunks(writer, exported.rows(house, filters)))


def asked(what: str, said: Iterable[tuple[str, str]]) -> dict[str, object]:
    """What names and values of a URL ask for, by the readers' names. Raises ExportRefused."""
    if what not in FILTERS:
        raise ExportRefused(f"export {what!r}; expected one of {', '.join(WHATS)}")
    known = FILTERS[what] if what == MALL_FILE else {**FILTERS[what], **FORM}
    found: dict[str, object] = {}
    for name, text in said:
        if name not in known:
            raise ExportRefused(f"{what} has no filter {name!r}; expected one of {', '.join(known)}")
        to, kind = known[name]
        value = _value(name, text, kind)
        if kind == "texts":
            found.setdefault(to, []).append(value)  # type: ignore[attr-defined]
        elif to in found:
            raise ExportRefused(f"{name} stands twice; expected once")
        else:
            found[to] = value
    return found


def _value(name: str, text: str, kind: Kind) -> object:
    match kind:
        case "text" | "texts":
            if "\0" in text:
                raise ExportRefused(f"{name}: a text with NUL; expected none")
            return text
        case "flag":
            if text not in FLAGS:
                raise ExportRefused(f"{name}: {text!r}; expected true or false")
            return FLAGS[text]
        case "count":
            if not (text.isascii() and text.isdecimal() and 0 < len(text) <= 7 and int(text) > 0):
                raise ExportRefused(f"{name}: {text!r}; expected a whole number from 1 to 9,999,999")
            return int(text)
        case "moment":
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                raise ExportRefused(f"{name}: {text!r}; expected a time such as 2026-11-20T10:00:00+09:00") from None
            return aware(moment)


def _chunks(writer: TableWriter, rows: Iterable[Sequence[TextOrNumber]]) -> Iterator[bytes]:
    for row in rows:
        yield from writer.add(row)
    yield writer.rest()


def _by_listings(house: House, filters: Mapping[str, object]) -> dict[str, object]:
    """Pushes of a SKU are those of the listings that sell it now."""
    made = dict(filters)
    sku = made.pop("sku", None)
    if isinstance(sku, str):
        with house.pool.connection() as connection:
            made["listings"] = listings_of_sku(connection, house.database.schema, sku)
    return made


def _of_newest_run(house: House, filters: Mapping[str, object]) -> Mapping[str, object]:
    """Of a shop without a run: its last one."""
    shop = filters.get("shop")
    if not isinstance(shop, str) or "run" in filters:
        return filters
    with house.pool.connection() as connection:
        newest = drift.newest_run(connection, house.database.schema, shop)
    return {**filters, "run": newest.run if newest else ""}
