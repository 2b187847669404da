"""ショップ商品: one row a listing with what it should show, was told, should show by itself, and showed. Written here;
``listing_queue.py`` reads it.

Beside it stands what a replay of these rows needs: free units of each SKU, sets by component, codes, how each shop's mall
counts, and requests whose answer is open.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from ledger import keys
from ledger.facts.listing import ListingLinked
from ledger.facts.order import Booked
from ledger.facts.push import MallRead, PushAnswered, PushSent, PushSettled
from ledger.facts.shop import ShopSettingsChanged
from ledger.facts.sku import SetDefined
from ledger.terms import ListingKey
from projections.listing_columns import (
    CODE_FIELDS,
    FIELDS,
    REQUEST_FIELDS,
    SET_FIELDS,
    SHOP_FIELDS,
    SKU_FIELDS,
    WANTED_FIELDS,
    code_rows,
    codes_of,
    request_of,
    row_of,
    sku_of,
    sku_values,
    told_of,
    values_of,
    wanted_of,
)
from projections.listing_fold import MAIN_STOCK, TAKES, UNITS_MAX_SETTING, key_of_stream
from projections.listing_state import IN_NO_SET, NO_SET, Key, ListingFold, ListingRow, SkuState, Traits
from projections.page import Page
from projections.table import (
    Connection,
    FoldingWriter,
    Index,
    Inserts,
    Names,
    Relation,
    Table,
    Updates,
    Upserts,
    select,
    texts,
)

ROWS_KEPT_MAX = 60_000  # in memory, below 1 kB each; beyond it all are read again
REPLAY_ROWS_KEPT_MAX = (
    330_000  # a replay keeps 100,000 SKUs with two listings each, so that their rows are written once
)

DDL = """
CREATE TABLE {listings} (
    shop                text COLLATE "C" NOT NULL,
    item                text COLLATE "C" NOT NULL,
    variant             text COLLATE "C" NOT NULL,
    sku                 text COLLATE "C" NOT NULL, -- '' is 未紐付
    units_per_listing   bigint NOT NULL,
    state               text COLLATE "C" NOT NULL,
    show_zero           boolean NOT NULL,
    sells_at_zero       boolean NOT NULL,
    codes               text COLLATE "C" NOT NULL, -- tab-separated; to find by, see listing_codes
    rules               text COLLATE "C", -- the listing's settings as JSON; NULL: none were ever set
    resend_position     bigint NOT NULL,
    version             bigint NOT NULL, -- of the listing's own stream
    wanted_units        bigint,
    wanted_unseen_units bigint,
    wanted_position     bigint NOT NULL,
    stopped_since       timestamptz,
    batch_request       text COLLATE "C",
    unseen_units        bigint NOT NULL,
    position            bigint NOT NULL,
    told_units          bigint,
    told_position       bigint NOT NULL,
    sent_at             timestamptz,
    applied_until       timestamptz,
    expected_units      bigint,
    uncertain_position  bigint NOT NULL,
    uncertain_since     timestamptz,
    read_units          bigint,
    read_found          boolean NOT NULL,
    read_at             timestamptz,
    read_position       bigint NOT NULL,
    read_known_position bigint NOT NULL, -- orders told up to there are inside the number that was read
    taken_back_position bigint NOT NULL, -- of the newest cancel of an own sale
    pending_request     text COLLATE "C",
    pending_units       bigint,
    pending_position    bigint NOT NULL,
    rejected_code       text COLLATE "C",
    sales               text COLLATE "C", -- own sales since the number that was told, as JSON
    queue_rank          integer, -- NULL: nothing is to be told
    PRIMARY KEY (shop, item, variant)
) WITH (fillfactor = 70);
CREATE INDEX ON {listings} (sku) WHERE sku <> '';
CREATE TABLE {listing_codes} (
    shop    text COLLATE "C" NOT NULL,
    code    text COLLATE "C" NOT NULL,
    item    text COLLATE "C" NOT NULL,
    variant text COLLATE "C" NOT NULL,
    PRIMARY KEY (shop, code, item, variant)
);
CREATE INDEX ON {listing_codes} (shop, item, variant);
CREATE TABLE {listing_skus} (
    sku             text COLLATE "C" PRIMARY KEY,
    available       bigint,
    kept_back       bigint NOT NULL,
    held            bigint NOT NULL,
    auction_kept    bigint NOT NULL,
    recipe          text COLLATE "C", -- of a set, as JSON: version, components, units
    free            bigint
) WITH (fillfactor = 70);
CREATE TABLE {listing_sets} (
    component text COLLATE "C" NOT NULL,
    sku       text COLLATE "C" NOT NULL,
    PRIMARY KEY (component, sku)
);
CREATE TABLE {listing_shops} (
    shop       text COLLATE "C" PRIMARY KEY,
    lowers_at  text COLLATE "C" NOT NULL,
    restores   text COLLATE "C" NOT NULL,
    units_max  bigint NOT NULL
);
CREATE TABLE {listing_requests} (
    shop    text COLLATE "C" NOT NULL,
    request text COLLATE "C" NOT NULL,
    told    text COLLATE "C" NOT NULL,
    PRIMARY KEY (shop, request)
);
"""


class Needs:
    """What the facts of a page touch. Mutable while it is gathered."""

    def __init__(self, page: Page) -> None:
        self.skus: set[str] = set()
        self.keys: set[Key] = set()
        self.requests: set[tuple[str, str]] = set()
        self.shops: set[str] = set()
        self.whole_shops: set[str] = set()
        add_sku = self.skus.add
        for record in page.records:
            stream = record.stream
            if stream.startswith(MAIN_STOCK):  # most of them
                add_sku(keys.unpart(stream[len(MAIN_STOCK) :]))
            elif not stream.startswith("stock:"):
                self._add(stream, record.fact)

    def _add(self, stream: str, fact: object) -> None:
        kind, _, rest = stream.partition(":")
        if kind == "sku":
            self.skus.add(keys.unpart(rest))
            if isinstance(fact, SetDefined):
                self.skus.update(fact.components)
        elif kind == "listing":
            self.keys.add(key_of_stream(stream))
            if isinstance(fact, ListingLinked):
                self.skus.add(fact.sku)
        else:
            self._add_of_shop(keys.parts_of(stream)[0], fact)

    def _add_of_shop(self, shop: str, fact: object) -> None:
        match fact:
            case Booked(sold_listings=listings) | MallRead(listings=listings):
                for text in listings:
                    self.keys.add((shop, text))
            case PushSent(request=request, listings=listings):
                self.keys.update([(shop, text) for text in listings])
                self.requests.add((shop, request))
            case PushAnswered(request=request) | PushSettled(request=request):
                self.requests.add((shop, request))
            case ShopSettingsChanged(names=names):
                if UNITS_MAX_SETTING in names:
                    self.whole_shops.add(shop)
            case _:
                pass
        self.shops.add(shop)


class _Writer:
    def __init__(self, names: Names, kept_max: int | None = None) -> None:
        self._fold = ListingFold()
        self._kept_max = kept_max or (REPLAY_ROWS_KEPT_MAX if names.suffix else ROWS_KEPT_MAX)
        self._read_requests = names.sql(
            "SELECT r.shop, r.request, r.told FROM unnest(%s::text[], %s::text[]) AS w (shop, request)"
            " JOIN {listing_requests} AS r ON r.shop = w.shop AND r.request = w.request"
        )
        found = "(shop, item, variant) IN (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]))"
        self._read_rows = select(names, "listings", FIELDS, found)
        self._read_members = select(names, "listings", FIELDS, "sku = ANY (%s)")
        self._read_shop = select(names, "listings", FIELDS, "shop = ANY (%s)")
        self._read_skus = select(names, "listing_skus", SKU_FIELDS, "sku = ANY (%s)")
        self._read_sets = select(names, "listing_sets", ("component", "sku"), "component = ANY (%s)")
        self._read_shops = select(names, "listing_shops", SHOP_FIELDS, "shop = ANY (%s)")
        relations = {relation.name: relation for relation in TABLE.relations}
        # A row that is there is updated, a new one copied: each a third of what an upsert costs.
        self._new_rows = Inserts(names, "listings", FIELDS)
        self._save_rows = Updates(names, relations["listings"], FIELDS)
        self._save_wanted = Updates(names, relations["listings"], WANTED_FIELDS)
        self._new_skus = Inserts(names, "listing_skus", SKU_FIELDS)
        self._save_skus = Updates(names, relations["listing_skus"], SKU_FIELDS)
        self._save_shops = Upserts(names, relations["listing_shops"], SHOP_FIELDS)
        self._save_requests = Upserts(names, relations["listing_requests"], REQUEST_FIELDS)
        self._drop_requests = names.sql(
            "DELETE FROM {listing_requests} AS r USING unnest(%s::text[], %s::text[]) AS w (shop, request)"
            " WHERE r.shop = w.shop AND r.request = w.request"
        )
        self._drop_codes = names.sql(
            "DELETE FROM {listing_codes} AS c USING unnest(%s::text[], %s::text[], %s::text[]) AS w (shop, item, variant)"
            " WHERE c.shop = w.shop AND c.item = w.item AND c.variant = w.variant"
        )
        self._save_codes = Inserts(names, "listing_codes", CODE_FIELDS)
        self._drop_sets = names.sql("DELETE FROM {listing_sets} WHERE sku = ANY (%s)")
        self._save_sets = Inserts(names, "listing_sets", SET_FIELDS)

    def forget(self) -> None:
        self._fold = ListingFold()

    def write(self, connection: Connection, page: Page) -> None:
        self.take(connection, page)
        self.save(connection)

    def take(self, connection: Connection, page: Page) -> None:
        if self.is_full and not self._fold.changed:
            self.forget()
        fold = self._fold
        self._load(connection, Needs(page))
        for record, time in page.pairs():
            TAKES[record.name](fold, record, time)

    def save(self, connection: Connection) -> None:
        self._save(connection)
        self._fold.saved()

    @property
    def is_full(self) -> bool:
        return len(self._fold.rows) + len(self._fold.skus) > self._kept_max

    # -------------------------------------------------------------- load

    def _load(self, connection: Connection, needs: Needs) -> None:
        """Everything the facts touch is in memory: their listings and SKUs, sets of those, components of these."""
        fold = self._fold
        self._load_requests(connection, needs)
        if needs.whole_shops:
            self._take_rows(connection.execute(self._read_shop, (sorted(needs.whole_shops),)).fetchall())
            needs.skus |= {row.listing.sku for row in fold.rows.values() if row.shop in needs.whole_shops}
        missing = sorted(key for key in needs.keys if key not in fold.rows)  # a difference would walk through all rows
        if missing:
            parts = [(shop, *codes_of(text)) for shop, text in missing]
            self._take_rows(connection.execute(self._read_rows, texts(parts), prepare=True).fetchall())
            for (shop, text), (_, item, variant) in zip(missing, parts, strict=True):
                fold.rows.setdefault((shop, text), ListingRow(shop, item, variant))
                fold.shops.add(shop)
        skus = needs.skus
        skus.update([fold.rows[key].listing.sku for key in needs.keys])
        skus.discard("")
        self._load_skus(connection, skus, sets=True)
        sets = {each for sku in skus if (known := fold.sets_of[sku]) for each in known}
        self._load_skus(connection, sets, sets=True)
        components = {
            c for sku in skus | sets if (recipe := fold.skus[sku].recipe) is not NO_SET for c in recipe.components
        }
        self._load_skus(connection, components, sets=False)
        self._load_shops(connection, needs.shops | fold.shops)

    def _load_requests(self, connection: Connection, needs: Needs) -> None:
        fold = self._fold
        missing = sorted(each for each in needs.requests if each not in fold.requests)
        if missing:
            fold.requests.update(dict.fromkeys(missing))
            rows: list[Any] = connection.execute(self._read_requests, texts(missing), prepare=True).fetchall()
            fold.requests.update({(shop, request): request_of(told) for shop, request, told in rows})
        for shop, request in needs.requests:
            known = fold.requests[shop, request]
            if known is not None:
                needs.keys.update((shop, text) for text in known.listings)

    def _load_skus(self, connection: Connection, wanted: Collection[str], *, sets: bool) -> None:
        """The SKUs are known; with ``sets`` their listings too, and the sets that contain them."""
        fold = self._fold
        missing = [sku for sku in wanted if sku not in fold.skus]
        alone = [sku for sku in wanted if sku not in fold.members] if sets else []
        if not missing and not alone:
            return
        with connection.pipeline():
            states = connection.execute(self._read_skus, (missing,), prepare=True)
            listed = connection.execute(self._read_members, (alone,), prepare=True)
            inside = connection.execute(self._read_sets, (alone,), prepare=True)
        fold.skus.update({sku: SkuState(sku) for sku in missing})
        for values in states.fetchall():
            state = sku_of(values)
            fold.skus[state.sku] = state
        for sku in alone:
            fold.members[sku], fold.sets_of[sku] = {}, IN_NO_SET
        for key in self._take_rows(listed.fetchall()):
            row = fold.rows[key]
            fold.members[row.listing.sku][key] = row
        for values in inside.fetchall():
            component, set_sku = str(values[0]), str(values[1])
            known = fold.skus.get(set_sku)  # what a replay folded and did not write yet is newer than the row
            if known is None or component in known.recipe.components:
                fold.sets_of[component] |= {set_sku}

    def _take_rows(self, rows: Sequence[Any]) -> list[Key]:
        """The rows are in memory, where they were not; their keys."""
        found = []
        for values in rows:
            key = (values[0], keys.listing_text(ListingKey(values[1], values[2])))
            found.append(key)
            if key not in self._fold.rows:
                self._fold.rows[key] = row_of(values)
                self._fold.shops.add(key[0])
        return found

    def _load_shops(self, connection: Connection, wanted: Iterable[str]) -> None:
        missing = sorted(set(wanted) - self._fold.traits.keys())
        if missing:
            self._fold.traits.update({shop: Traits() for shop in missing})
            rows: list[Any] = connection.execute(self._read_shops, (missing,), prepare=True).fetchall()
            self._fold.traits.update({row[0]: Traits(*row[1:]) for row in rows})

    # -------------------------------------------------------------- save

    def _save(self, connection: Connection) -> None:
        fold = self._fold
        skus, rows = fold.changed_skus, fold.changed_rows
        self._new_skus.write_each(connection, [state for state in skus if not state.stored], sku_values)
        self._save_skus.write_each(connection, [state for state in skus if state.stored], sku_values)
        self._new_rows.write_each(connection, [row for row in rows if not row.stored], values_of)
        self._save_rows.write_each(connection, [row for row in rows if row.stored], values_of)
        self._save_wanted.write_each(connection, fold.changed_wanted - rows, wanted_of)
        self._save_shops.write(
            connection,
            [(s, t.lowers_at, t.restores, t.units_max) for s in sorted(fold.changed_traits) for t in (fold.traits[s],)],
        )
        open_requests = [(key, fold.requests[key]) for key in sorted(fold.changed_requests)]
        self._save_requests.write(connection, [(*k, told_of(r)) for k, r in open_requests if r is not None])
        closed = [key for key, request in open_requests if request is None]
        if closed:
            connection.execute(self._drop_requests, texts(closed), prepare=True)
            for key in closed:
                del fold.requests[key]
        if fold.changed_codes:
            linked = [fold.rows[key] for key in sorted(fold.changed_codes)]
            named = [(row.shop, row.item, row.variant) for row in linked]
            connection.execute(self._drop_codes, texts(named), prepare=True)
            self._save_codes.write(connection, [values for row in linked for values in code_rows(row)])
        if fold.changed_recipes:
            sets = sorted(fold.changed_recipes)
            connection.execute(self._drop_sets, (sets,))
            self._save_sets.write(
                connection, [(each, sku) for sku in sets for each in fold.skus[sku].recipe.components]
            )


def keeping(rows_max: int) -> Callable[[Names], FoldingWriter]:
    """Writers that keep about this many rows in memory."""
    return lambda names: _Writer(names, rows_max)


TABLE = Table(
    name="listings",
    version=3,
    relations=(
        Relation("listings", ("shop", "item", "variant")),
        Relation("listing_codes", ("shop", "code", "item", "variant")),
        Relation("listing_skus", ("sku",)),
        Relation("listing_sets", ("component", "sku")),
        Relation("listing_shops", ("shop",)),
        Relation("listing_requests", ("shop", "request")),
    ),
    ddl=DDL,
    facts=frozenset(TAKES),
    open=_Writer,
    indexes=(
        Index("listings", "(shop, queue_rank, item, variant) WHERE queue_rank IS NOT NULL"),
        Index("listings", "(shop, item, variant) WHERE rejected_code IS NOT NULL"),
    ),
)
