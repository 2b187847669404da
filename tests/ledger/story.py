"""A small ledger made by hand, commit by commit: in memory, and written to a database as the writer would.

Every commit goes through the view and the seal of the real code; only the decisions are made here, so that a test says
what happens and nothing else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from ledger import keys, stock
from ledger.chain import Commit, Opening, row_of
from ledger.codec import Envelope
from ledger.commit import Statements, finish, lock_head, write
from ledger.counting import Covers, overwrite
from ledger.facts import Fact
from ledger.facts.house import LedgerOpened
from ledger.facts.order import Booked, OrderTold, ShipmentTold
from ledger.facts.push import PushAnswered, PushSent, PushSettled
from ledger.facts.sku import KeptBackSet, SkuRegistered
from ledger.facts.stock import StockFact
from ledger.invariants import LevelRow
from ledger.levels import Effects, Level
from ledger.replay import LEVEL_COLUMNS
from ledger.seal import GENESIS, Seal, StoredFact, sealed
from ledger.stock import Stock
from ledger.verify import verify
from ledger.view import Draft, StreamRead, View

BEGAN = datetime(2026, 7, 1, 0, 0, tzinfo=UTC)
COVERS_ALL = Covers(("*",), ("2026-07-01T00:00:00Z",), (0,))
UNITS = ("on_hand", "allocated", "held", "kept_back", "auction_kept", "defective", "undecided")
LEDGER_ID = "0b5e7a52-6a5d-4f39-9c55-1d0c3c0a9f11"


@dataclass(frozen=True)
class Written:
    """One commit: its facts, its seal, and what it wrote beside them."""

    facts: tuple[StoredFact, ...]
    seal: Seal
    effects: Effects


@dataclass
class Story:
    """A ledger that is told fact by fact; it is a ``chain.Source`` too."""

    ledger_id: str = LEDGER_ID
    written: list[Written] = field(default_factory=list)
    levels_now: dict[tuple[str, str], Level] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    now: datetime = BEGAN
    requests: int = 0

    # -------------------------------------------------------------- a source

    @property
    def position(self) -> int:
        return self.written[-1].seal.last_position if self.written else 0

    @property
    def hash(self) -> bytes:
        return self.written[-1].seal.hash if self.written else GENESIS

    @property
    def opening(self) -> Opening:
        moment = self.written[-1].seal.committed_at if self.written else datetime(1970, 1, 1, tzinfo=UTC)
        return Opening(self.ledger_id, self.position, self.hash, moment)

    def commits(self) -> Iterator[Commit]:
        for one in self.written:
            yield Commit(one.seal, [row_of(fact) for fact in one.facts])

    def unsealed(self) -> int | None:
        return None

    def levels(self) -> Iterator[LevelRow]:
        for (place, sku), level in self.levels_now.items():
            yield (
                place,
                sku,
                (
                    *(
                        getattr(level.stock, f"{name}_units")
                        if name in UNITS
                        else getattr(level.stock if name == "version" else level, name)
                        for name in LEVEL_COLUMNS
                    ),
                ),
            )

    # -------------------------------------------------------------- what happens

    def commit(self, *drafts: Draft) -> Written:
        """These facts are the next commit."""
        self.now += timedelta(seconds=1)
        view = View(self.position, self.now)
        view.levels = self.levels_now
        for draft in drafts:
            if keys.kind_of(draft.stream) == "stock":
                place, sku = keys.parts_of(draft.stream)
                self.levels_now.setdefault((place, sku), Level())
            else:
                view.streams.setdefault(draft.stream, StreamRead(self.versions.get(draft.stream, 0), []))
            if keys.kind_of(draft.stream) == "sku":
                for place in {"main", getattr(draft.fact, "place", "main")}:
                    self.levels_now.setdefault((place, keys.parts_of(draft.stream)[0]), Level())
        view.apply(drafts, Envelope(self.now, "person:1", f"trace-{self.position}"))
        self.versions.update({fact.stream: fact.version for fact in view.facts})
        one = Written(tuple(view.facts), sealed(self.ledger_id, self.hash, self.now, view.facts), view.effects)
        self.written.append(one)
        return one

    def stock(self, sku: str) -> Stock:
        return self.levels_now.get(("main", sku), Level()).stock

    def fact(self, stream: str, fact: Fact) -> Written:
        return self.commit(Draft(stream, fact))

    def overwrite(self, sku: str, units: int) -> Written:
        return self.fact(keys.stock(sku), overwrite(self.stock(sku), units, covers=COVERS_ALL, applied_on_top=0))

    def order(self, shop: str, number: str, **skus: int) -> Written:
        """An order of these SKUs is told and allocated."""
        return self.commit(*self.order_drafts(shop, number, skus))

    def order_drafts(self, shop: str, number: str, skus: dict[str, int]) -> list[Draft]:
        name = keys.order_name(shop, number)
        moves = [
            (s, stock.allocate(self.stock(s), order=name, listing="i:v", sku_told=s, units=n)) for s, n in skus.items()
        ]
        told = order_told(shop, number, skus)
        return [Draft(keys.order(shop, number), booked(told, "allocated", moves)), *stock_drafts(moves)]

    def ship(self, shop: str, number: str, **skus: int) -> Written:
        """The order leaves."""
        name = keys.order_name(shop, number)
        moves = [
            (s, stock.ship(self.stock(s), order=name, sku_told=s, units=n, assumed=False)) for s, n in skus.items()
        ]
        told = ShipmentTold(
            scope="whole",
            skus=[],
            listings=[],
            units=[],
            cumulative=True,
            slip="",
            shipped_on="2026-07-02",
            source="csv",
        )
        return self.commit(Draft(keys.order(shop, number), booked(told, "shipped", moves)), *stock_drafts(moves))

    def push(self, shop: str, units: dict[str, int], *, computed_at: int | None = None, channel: str = "api") -> str:
        """These listings are told these numbers; the answer is the request's id."""
        self.requests += 1
        sent = push_sent(f"r{self.requests}", units, self.position if computed_at is None else computed_at, channel)
        self.fact(keys.push(shop), sent)
        return sent.request

    def answer(self, shop: str, request: str, *outcomes: str) -> Written:
        """The mall answers."""
        moment = "2026-07-01T01:00:00Z"
        answered = PushAnswered(
            request=request,
            outcomes=list(outcomes),
            codes=[""] * len(outcomes),
            sent_at=moment,
            applied_from=moment,
            applied_until=moment,
        )
        return self.fact(keys.push(shop), answered)

    def settle(self, shop: str, request: str, *outcomes: str) -> Written:
        """A file or an unknown answer ends."""
        moment = "2026-07-01T01:00:00Z"
        settled = PushSettled(
            request=request,
            outcomes=list(outcomes),
            codes=[""] * len(outcomes),
            applied_from=moment,
            applied_until=moment,
            evidence_position=0,
        )
        return self.fact(keys.push(shop), settled)

    # -------------------------------------------------------------- what is done to it

    def resealed(self, change: "dict[int, StoredFact]") -> "Story":
        """The same ledger with other facts at these positions, sealed again: a fault of the writer, not of the chain."""
        again = Story(self.ledger_id, levels_now=dict(self.levels_now))
        for one in self.written:
            facts = tuple(change.get(fact.position, fact) for fact in one.facts)
            seal = sealed(self.ledger_id, again.hash, one.seal.committed_at, facts)
            again.written.append(Written(facts, seal, one.effects))
        return again

    def with_state(self, position: int, *parts: tuple[bytes, bytes]) -> "Story":
        """Sealed again with these bytes of the state at ``position`` replaced."""
        fact = next(f for one in self.written for f in one.facts if f.position == position)
        state = fact.state
        for old, new in parts:
            assert old in state, (old, state)
            state = state.replace(old, new, 1)
        return self.resealed({position: fact._replace(state=state)})


def full_story(ledger_id: str = LEDGER_ID) -> Story:
    """A dozen commits that touch every rule: stock, orders, shipments, pushes by API and by file, another place."""
    story = Story(ledger_id)
    story.fact(keys.LEDGER, LedgerOpened(ledger_id=ledger_id))
    story.fact(keys.sku("カップ-青:大"), SkuRegistered(sku="カップ-青:大", name="カップ 青 大"))
    story.commit(
        *(
            Draft(keys.stock(sku), overwrite(story.stock(sku), units, covers=COVERS_ALL, applied_on_top=0))
            for sku, units in (("カップ-青:大", 10), ("PEN", 3))
        )
    )
    story.fact(keys.sku("PEN"), KeptBackSet(place="main", units=1))
    story.order("rakuten-1", "402853-20261120-0000000001", **{"カップ-青:大": 2, "PEN": 1})
    first = story.push("yahoo-1", {"cup-blue:": 8, "pen:": 1})
    story.answer("yahoo-1", first, "applied", "rejected")
    file = story.push("yahoo-1", {"cup-blue:": 8}, channel="file")
    story.answer("yahoo-1", file, "accepted")
    story.order("yahoo-1", "20000001", PEN=4)
    story.settle("yahoo-1", file, "applied")
    story.ship("rakuten-1", "402853-20261120-0000000001", **{"カップ-青:大": 2, "PEN": 1})
    return story


def order_told(shop: str, number: str, skus: dict[str, int]) -> OrderTold:
    count = len(skus)
    return OrderTold(
        order=number,
        shop=shop,
        door="mail",
        revision=None,
        ordered_at="2026-07-01T00:00:00Z",
        ordered_precision="second",
        told_at="2026-07-01T00:00:30Z",
        complete=True,
        verified=True,
        state="confirmed",
        reason=None,
        parser_version=1,
        inbox_id=None,
        items=[f"item-{n}" for n in range(count)],
        variants=[""] * count,
        codes=[""] * count,
        quantities=list(skus.values()),
        units_known=[True] * count,
        listings=[f"item-{n}:" for n in range(count)],
        skus=list(skus),
        units=list(skus.values()),
        marks=[""] * count,
        line_ids=[""] * count,
    )


def booked(fact: Any, how: str, moves: Sequence[tuple[str, Any]]) -> Any:
    """The order's fact, carrying the booking of these stock facts."""
    assert isinstance(fact, Booked)
    return replace(
        fact,
        booked_how=[how] * len(moves),
        booked_told=[move.sku_told for _, move in moves],
        booked_told_units=[move.units for _, move in moves],
        booked_skus=[sku for sku, _ in moves],
        booked_units=[move.units for _, move in moves],
        booked_recipes=[0] * len(moves),
        booked_to=[getattr(move, "to", "") for _, move in moves],
    )


def stock_drafts(moves: Sequence[tuple[str, StockFact]]) -> list[Draft]:
    return [Draft(keys.stock(sku), move) for sku, move in moves]


def push_sent(request: str, units: dict[str, int], computed_at: int, channel: str = "api") -> PushSent:
    return PushSent(
        request=request,
        channel=channel,
        triggers=["changed"],
        listings=list(units),
        units=list(units.values()),
        computed_at=computed_at,
        expected_before=[None] * len(units),
        look_position=0,
        look_at=None,
        dead_after="2026-07-01T00:05:00Z",
        attempt=1,
        sync=None,
        parent_request=None,
    )


def record(connection: psycopg.Connection[Any], schema: str, story: Story) -> None:
    """The story is in the database, commit by commit, as the writer writes it. The database's ledger must be empty."""
    statements = Statements(schema)
    for one in story.written:
        connection.execute("BEGIN")
        head = lock_head(connection, statements)
        assert head.ledger_id == story.ledger_id, "tell the story with the id of the database's ledger"
        write(connection, statements, head, one.facts, one.effects, (), one.seal.committed_at)
        finish(connection)


def ledger_id_of(connection: psycopg.Connection[Any], schema: str) -> str:
    """The id that the migrations gave this ledger."""
    row = connection.execute(
        psycopg.sql.SQL("SELECT ledger_id FROM {}").format(psycopg.sql.Identifier(schema, "ledger_head"))
    ).fetchone()
    assert row is not None
    return str(row[0])


@dataclass(frozen=True)
class Held:
    """A ledger held in memory as rows, to be damaged at will."""

    opening: Opening
    held: tuple[Commit, ...]
    rows_of_levels: tuple[LevelRow, ...] | None = None
    past: int | None = None

    def commits(self) -> Iterator[Commit]:
        return iter(self.held)

    def unsealed(self) -> int | None:
        return self.past

    def levels(self) -> Iterator[LevelRow] | None:
        return None if self.rows_of_levels is None else iter(self.rows_of_levels)


def held(story: Story) -> Held:
    """The story's rows, its stock table too."""
    return Held(story.opening, tuple(story.commits()), tuple(story.levels()))


def wrong(ledger: Story | Held, **how: object) -> list[str]:
    """What verify says of it."""
    return [str(finding) for finding in verify(ledger, **how).findings]  # type: ignore[arg-type]
