"""在庫照合の結果: one row for each listing that a run found different or explained by a rule, and one row a run.

``daicho reconcile`` makes the runs; what a person decided about a difference stands beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.facts.push import DriftFound, DriftMended, MallReconciled
from ledger.keys import listing_key, parts_of
from ledger.terms import ListingKey, utc_moment
from projections.page import Page
from projections.reading import Found, Query, page_of
from projections.table import Connection, Index, Inserts, Names, Relation, Table, names_of

FIELDS = {
    "shop": "text",
    "run": "text",
    "item": "text",
    "variant": "text",
    "position": "int8",
    "found_at": "timestamptz",
    "drift": "text",
    "sure": "bool",
    "evidence": "text",
    "read_units": "int8",
    "told_units": "int8",
    "expected_units": "int8",
    "wanted_units": "int8",
    "read_position": "int8",
    "known_position": "int8",
    "mended": "text",
    "mended_position": "int8",
}
RUN_FIELDS = {
    "shop": "text",
    "run": "text",
    "position": "int8",
    "door": "text",
    "trigger": "text",
    "began_at": "timestamptz",
    "ended_at": "timestamptz",
    "listings": "int8",
    "same": "int8",
    "agree": "int8",
    "counts": "text",
    "actor": "text",
}

DDL = """
CREATE TABLE {drift} (
    shop            text COLLATE "C" NOT NULL,
    run             text COLLATE "C" NOT NULL,
    item            text COLLATE "C" NOT NULL,
    variant         text COLLATE "C" NOT NULL,
    position        bigint NOT NULL,
    found_at        timestamptz NOT NULL,
    drift           text COLLATE "C" NOT NULL,
    sure            boolean NOT NULL,
    evidence        text COLLATE "C" NOT NULL, -- tab-separated codes
    read_units      bigint,
    told_units      bigint,
    expected_units  bigint,
    wanted_units    bigint,
    read_position   bigint NOT NULL,
    known_position  bigint NOT NULL,
    mended          text COLLATE "C",
    mended_position bigint,
    PRIMARY KEY (shop, run, item, variant)
);
CREATE TABLE {drift_runs} (
    shop     text COLLATE "C" NOT NULL,
    run      text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    door     text COLLATE "C" NOT NULL,
    trigger  text COLLATE "C" NOT NULL,
    began_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    listings bigint NOT NULL,
    same     bigint NOT NULL,
    agree    bigint NOT NULL,
    counts   text COLLATE "C" NOT NULL, -- class=count, tab-separated
    actor    text COLLATE "C" NOT NULL,
    PRIMARY KEY (shop, run)
);
"""

# So many unexplained numbers in one run are not a person's edits.
OTHER_TOOL_MIN, OTHER_TOOL_PERCENT = 5, 20


class _Writer:
    def __init__(self, names: Names) -> None:
        self._rows = Inserts(names, "drift", FIELDS)
        self._runs = Inserts(names, "drift_runs", RUN_FIELDS)
        self._mend = names.sql(
            "UPDATE {drift} AS d SET mended = w.how, mended_position = w.position"
            " FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[])"
            " AS w (shop, run, item, variant, how, position)"
            " WHERE d.shop = w.shop AND d.run = w.run AND d.item = w.item AND d.variant = w.variant"
        )

    def forget(self) -> None:
        """Nothing is kept."""

    def write(self, connection: Connection, page: Page) -> None:
        rows: dict[tuple[str, str, str, str], list[object]] = {}
        runs: dict[tuple[str, str], tuple[object, ...]] = {}
        mends: dict[tuple[str, str, str, str], tuple[str, int]] = {}
        for record, time in page.pairs():
            shop = parts_of(record.stream)[0]
            match record.fact:
                case DriftFound() as found:
                    for row in _rows(shop, found, record.position, time):
                        rows[str(row[0]), str(row[1]), str(row[2]), str(row[3])] = row
                case MallReconciled() as done:
                    counts = "\t".join(f"{name}={count}" for name, count in zip(done.classes, done.counts, strict=True))
                    began = utc_moment(done.began_at) if done.began_at else time
                    numbers = (done.listings, done.same, done.agree, counts, record.envelope.actor)
                    runs[shop, done.run] = (
                        *(shop, done.run, record.position, done.door, done.trigger, began, time),
                        *numbers,
                    )
                case DriftMended(run=run, how=how, listings=listings):
                    for text in listings:
                        key = listing_key(text)
                        place = (shop, run, key.item, key.variant)
                        if place in rows:
                            rows[place][-2:] = [how, record.position]
                        else:
                            mends[place] = (how, record.position)
                case _:
                    raise AssertionError(record.name)
        self._rows.write(connection, [tuple(row) for row in rows.values()])
        self._runs.write(connection, list(runs.values()))
        if mends:
            values = [(*place, *mend) for place, mend in mends.items()]
            connection.execute(self._mend, tuple([row[n] for row in values] for n in range(6)), prepare=True)


def _rows(shop: str, found: DriftFound, position: int, time: datetime) -> list[list[object]]:
    rows: list[list[object]] = []
    for place, text in enumerate(found.listings):
        key = listing_key(text)
        numbers = [found.read_units, found.told_units, found.expected_units, found.wanted_units]
        positions = [found.read_positions[place], found.known_positions[place]]
        what = [found.classes[place], found.sure[place], found.evidence[place]]
        units = [each[place] for each in numbers]
        rows.append([shop, found.run, key.item, key.variant, position, time, *what, *units, *positions, None, None])
    return rows


TABLE = Table(
    name="drift",
    version=1,
    relations=(Relation("drift", ("shop", "run", "item", "variant")), Relation("drift_runs", ("shop", "run"))),
    ddl=DDL,
    facts=names_of((DriftFound, MallReconciled, DriftMended)),
    open=_Writer,
    indexes=(Index("drift", "(shop, item, variant, position)"), Index("drift_runs", "(shop, position)")),
)


# ------------------------------------------------------------------ readers


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One listing of one run. ``mended`` None: nobody decided yet."""

    shop: str
    run: str
    item: str
    variant: str
    position: int
    found_at: datetime
    drift: str
    sure: bool
    evidence: str
    read_units: int | None
    told_units: int | None
    expected_units: int | None
    wanted_units: int | None
    read_position: int
    known_position: int
    mended: str | None
    mended_position: int | None

    @property
    def key(self) -> ListingKey:
        return ListingKey(self.item, self.variant)

    @property
    def place(self) -> tuple[str, str, str, str]:
        """The cursor of the row."""
        return (self.shop, self.run, self.item, self.variant)

    @property
    def shown(self) -> Sequence[str]:
        """The evidence, code by code."""
        return self.evidence.split("\t") if self.evidence else ()


@dataclass(frozen=True, slots=True)
class DriftRun:
    """One run of one shop."""

    shop: str
    run: str
    position: int
    door: str
    trigger: str
    began_at: datetime
    ended_at: datetime
    listings: int
    same: int
    agree: int
    counts: str
    actor: str

    @property
    def by_class(self) -> dict[str, int]:
        """How many listings of each class."""
        pairs = (each.partition("=") for each in self.counts.split("\t") if each)
        return {name: int(count) for name, _, count in pairs}

    @property
    def other_tool(self) -> bool:
        """Whether something else seems to write this shop's numbers: some were set again and again, or very many by nobody we know."""
        found = self.by_class
        many = max(OTHER_TOOL_MIN, self.listings * OTHER_TOOL_PERCENT // 100)
        return found.get("other_tool", 0) > 0 or found.get("edit", 0) >= many


def page(
    connection: Connection,
    schema: str,
    *,
    first: int,
    after: tuple[str, str, str, str] = ("", "", "", ""),
    shop: str | None = None,
    run: str | None = None,
    classes: Sequence[str] = (),
    open_only: bool = False,
) -> Found[DriftRow]:
    """Up to ``first`` rows behind (shop, run, item, variant). ``open_only``: those nobody decided about. Raises PageNotAccepted."""
    query = Query(schema, "drift", FIELDS, order="shop, run, item, variant")
    query.where("shop = %s", shop)
    query.where("run = %s", run)
    query.where("(shop, run, item, variant) > (%s, %s, %s, %s)", *after)
    query.where("drift = ANY (%s)", list(classes) or None)
    query.where("mended IS NULL AND %s", open_only or None)
    return page_of(connection, query, first, DriftRow)


def runs(
    connection: Connection,
    schema: str,
    *,
    first: int,
    before: int | None = None,
    shop: str | None = None,
    trigger: str | None = None,
) -> Found[DriftRun]:
    """Up to ``first`` runs, newest first, older than the position ``before``. Raises PageNotAccepted."""
    query = Query(schema, "drift_runs", RUN_FIELDS, order="position DESC")
    query.where("position < %s", before)
    query.where("shop = %s", shop)
    query.where("trigger = %s", trigger)
    return page_of(connection, query, first, DriftRun)


def newest_run(connection: Connection, schema: str, shop: str) -> DriftRun | None:
    """The last run of the shop; None: there was none."""
    rows: Any = runs(connection, schema, first=1, shop=shop).rows
    return rows[0] if rows else None
