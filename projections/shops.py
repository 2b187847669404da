"""連携ショップ: one row a shop: its switches, its settings, when it was last told of an order and last pushed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec

from ledger import shop as shops
from ledger.codec import Record
from ledger.facts import FACTS_OF_STREAM
from ledger.facts.order import OrderTold
from ledger.facts.push import MallRead, OrdersLooked, PushAnswered, PushSent
from ledger.facts.shop import SyncFinished, SyncStarted
from ledger.keys import kind_of, parts_of
from ledger.shop import Shop
from projections.page import Page
from projections.reading import Found, Query, page_of
from projections.table import Connection, Names, Relation, Table, Upserts, names_of, select

DDL = """
CREATE TABLE {shops} (
    shop                text COLLATE "C" PRIMARY KEY,
    mall                text COLLATE "C" NOT NULL,
    mall_shop_id        text COLLATE "C" NOT NULL,
    match_key           text COLLATE "C" NOT NULL,
    settings            text COLLATE "C" NOT NULL,
    intake              boolean NOT NULL,
    intake_proven       boolean NOT NULL,
    push                boolean NOT NULL,
    one_way             boolean NOT NULL,
    paused              text COLLATE "C",
    send_type           text COLLATE "C" NOT NULL,
    reviewed_position   bigint NOT NULL,
    reviewed_passed     boolean NOT NULL,
    position            bigint NOT NULL,
    paused_at           timestamptz,
    sync                text COLLATE "C",
    sync_started_at     timestamptz,
    last_sync_at        timestamptz,
    orders              bigint NOT NULL,
    last_order_at       timestamptz,
    last_order_position bigint NOT NULL,
    last_looked_at      timestamptz,
    last_read_at        timestamptz,
    last_sent_at        timestamptz,
    last_answered_at    timestamptz
) WITH (fillfactor = 50);
"""

FIELDS = {
    "shop": "text",
    "mall": "text",
    "mall_shop_id": "text",
    "match_key": "text",
    "settings": "text",
    "intake": "bool",
    "intake_proven": "bool",
    "push": "bool",
    "one_way": "bool",
    "paused": "text",
    "send_type": "text",
    "reviewed_position": "int8",
    "reviewed_passed": "bool",
    "position": "int8",
    "paused_at": "timestamptz",
    "sync": "text",
    "sync_started_at": "timestamptz",
    "last_sync_at": "timestamptz",
    "orders": "int8",
    "last_order_at": "timestamptz",
    "last_order_position": "int8",
    "last_looked_at": "timestamptz",
    "last_read_at": "timestamptz",
    "last_sent_at": "timestamptz",
    "last_answered_at": "timestamptz",
}


@dataclass(slots=True)
class ShopRow:
    """One shop. ``last_order_at``: when an order of it was last recorded; ``orders``: how many were told, ever.

    ``position`` is that of the last fact of its own stream; ``last_looked_at``: up to when its orders were asked for.
    Mutable: one page may change the same row thousands of times.
    """

    shop: str
    mall: str = ""
    mall_shop_id: str = ""
    match_key: str = ""
    settings: str = "{}"
    intake: bool = False
    intake_proven: bool = False
    push: bool = False
    one_way: bool = False
    paused: str | None = None
    send_type: str = "api"
    reviewed_position: int = 0
    reviewed_passed: bool = False
    position: int = 0
    paused_at: datetime | None = None
    sync: str | None = None
    sync_started_at: datetime | None = None
    last_sync_at: datetime | None = None
    orders: int = 0
    last_order_at: datetime | None = None
    last_order_position: int = 0
    last_looked_at: datetime | None = None
    last_read_at: datetime | None = None
    last_sent_at: datetime | None = None
    last_answered_at: datetime | None = None

    @property
    def chosen(self) -> Mapping[str, str]:
        """The settings that are no secrets, by name."""
        return msgspec.json.decode(self.settings, type=dict[str, str])

    @property
    def as_shop(self) -> Shop:
        """The shop as the rules of the ledger know it."""
        return Shop(settings=self.chosen, **{name: getattr(self, name) for name in OF_SHOP})


# What the row has as the ledger's own Shop has it, less the settings.
OF_SHOP = (
    "mall",
    "mall_shop_id",
    "match_key",
    "intake",
    "intake_proven",
    "push",
    "one_way",
    "paused",
    "send_type",
    "reviewed_position",
    "reviewed_passed",
    "position",
)


def _switched(row: ShopRow, record: Record, time: datetime) -> ShopRow:
    """The row after a fact of the shop's own stream."""
    after = shops.evolve(row.as_shop, record)
    paused_at = None if after.paused is None else row.paused_at if row.paused == after.paused else time
    row = replace(row, **{name: getattr(after, name) for name in OF_SHOP})
    row.paused_at = paused_at
    row.settings = msgspec.json.encode(dict(after.settings), order="sorted").decode()
    match record.fact:
        case SyncStarted(sync=sync):
            row.sync, row.sync_started_at = sync, time
        case SyncFinished():
            row.sync, row.sync_started_at, row.last_sync_at = None, None, time
        case _:
            pass
    return row


def _happened(row: ShopRow, record: Record, time: datetime) -> None:
    """The row has taken in a fact of one of the shop's other streams."""
    match record.fact:
        case OrderTold():
            row.orders += record.version == 1
            row.last_order_at, row.last_order_position = time, record.position
        case PushSent():
            row.last_sent_at = time
        case PushAnswered():
            row.last_answered_at = time
        case MallRead():
            row.last_read_at = record.envelope.at
        case OrdersLooked():
            row.last_looked_at = record.envelope.at
        case _:
            pass


VALUES = attrgetter(*FIELDS)  # of a row, in their order


class _Writer:
    def __init__(self, names: Names) -> None:
        self._read = select(names, "shops", FIELDS, "shop = ANY (%s)")
        self._save = Upserts(names, TABLE.relations[0], FIELDS)
        self._rows: dict[str, ShopRow] = {}

    def forget(self) -> None:
        self._rows.clear()

    def write(self, connection: Connection, page: Page) -> None:
        records = list(page.pairs())
        shops_of = [parts_of(record.stream)[0] for record, _ in records]
        self._load(connection, set(shops_of) - self._rows.keys())
        for (record, time), shop in zip(records, shops_of, strict=True):
            if kind_of(record.stream) == "shop":
                self._rows[shop] = _switched(self._rows[shop], record, time)
            else:
                _happened(self._rows[shop], record, time)
        self._save.write(connection, [VALUES(self._rows[shop]) for shop in sorted(set(shops_of))])

    def _load(self, connection: Connection, missing: Iterable[str]) -> None:
        wanted = sorted(missing)
        if wanted:
            self._rows.update({shop: ShopRow(shop) for shop in wanted})
            rows: list[Any] = connection.execute(self._read, (wanted,), prepare=True).fetchall()
            self._rows.update({row[0]: ShopRow(*row) for row in rows})


TABLE = Table(
    name="shops",
    version=1,
    relations=(Relation("shops", ("shop",)),),
    ddl=DDL,
    facts=names_of(FACTS_OF_STREAM["shop"]) | names_of((OrderTold, PushSent, PushAnswered, MallRead, OrdersLooked)),
    open=_Writer,
)


# ------------------------------------------------------------------ readers


def page(connection: Connection, schema: str, *, first: int, after: str = "") -> Found[ShopRow]:
    """Up to ``first`` connected shops behind the code ``after``, in order of their code. Raises PageNotAccepted."""
    query = Query(schema, "shops", FIELDS, order="shop")
    query.where("shop > %s", after)
    query.where("mall <> %s", "")
    return page_of(connection, query, first, ShopRow)


def one(connection: Connection, schema: str, shop: str) -> ShopRow | None:
    """The shop of this code; None when it was never connected."""
    query = Query(schema, "shops", FIELDS, order="shop")
    query.where("shop = %s", shop)
    rows = query.rows(connection, 1)
    return ShopRow(*rows[0]) if rows and rows[0][1] else None
