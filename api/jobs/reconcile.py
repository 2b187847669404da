"""在庫照合: a mall is read back and held against what it was told, should show and is to show at that moment; each difference
has a class and its evidence. What was found are facts; nothing is mended here (``api/mending.py``).

A listing that is pushed while it is read is read once more. Where the mall lists its orders, they are asked for when something
differs: they tell an order that never reached us from an edit at the mall.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from api.jobs import drift_evidence, mall_reading
from api.jobs.drift_classes import Case, Drift, Verdict, explain, plainly
from api.jobs.drift_evidence import Evidence, Named
from api.jobs.mall_reading import Reading
from api.jobs.switching import would_want
from api.projecting import catch_up
from api.shop_access import ConnectedShop, ShopAccesses
from api.wiring import House
from ledger import keys, listing
from ledger.book import By
from ledger.book.drift import record_drift, record_reconciled
from ledger.expected import Numbers
from ledger.facts.push import DriftFound, MallReconciled
from ledger.listing import Listing
from ledger.terms import ListingKey, ListingRead, Telling, utc_text
from projections import listing_list
from projections.listing_list import ListingNow

PERSON, SHADOW = "person", "shadow"
API, FILE = "api", "file"
LOOKED_AT = (listing.LINKED, listing.STOPPED, listing.TO_CONFIRM)
AGAIN_ROUNDS = 2  # readings of listings that were pushed meanwhile
CHUNK_LISTINGS = 200
WATCH_SECONDS = 60.0
WATCHED_MAX = 200
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Suspect:
    """One listing that does not plainly show what it should: as the ledger had it, and as the mall showed it."""

    key: ListingKey
    rules: Listing
    numbers: Numbers
    wanted_units: int | None
    free_units: int | None
    shown: ListingRead
    read_at: datetime
    known_position: int
    read_position: int
    moved: bool = False


@dataclass
class Tally:
    """How many of each class. Mutable: counted listing by listing. ``agree``: the mall shows what we want, whoever set it."""

    listings: int = 0
    agree: int = 0
    counts: dict[Drift, int] = field(default_factory=dict)

    def add(self, drift: Drift) -> None:
        """One listing of this class."""
        self.counts[drift] = self.counts.get(drift, 0) + 1


@dataclass(frozen=True)
class Ran:
    """A run that is over. ``counts`` by class; ``position`` of its last fact."""

    run: str
    listings: int
    same: int
    agree: int
    counts: Mapping[str, int]
    position: int

    @property
    def differing(self) -> int:
        """Listings that a person may have to do something about."""
        quiet = (Drift.SAME, Drift.RULE, Drift.MOVING, Drift.NOT_TOLD, Drift.ORDER_COMING)
        return sum(count for name, count in self.counts.items() if name not in quiet)


def reconcile(
    house: House,
    code: str,
    by: By,
    *,
    only: Sequence[ListingKey] = (),
    trigger: str = PERSON,
    watch_minutes: int = 0,
    progress: Progress | None = None,
) -> Ran:
    """The shop (or ``only`` these listings of it) is read by API and every difference is explained.

    ``watch_minutes``: what differs is read again every minute for so long, which shows another tool that writes there.
    Raises ShopNotReady, MallNotRead.
    """
    accesses = ShopAccesses(house)
    try:
        one = accesses.connected(code)
        catch_up(house)
        wanted = list(only) or list(mall_reading.keys_of(house, code, LOOKED_AT))
        run = begin(house, one, by, trigger=trigger, door=API)
        run.read(accesses, wanted, progress)
        for _ in range(watch_minutes):
            if not run.watch(accesses):
                break
        run.ask_orders(accesses)
        return run.finish()
    finally:
        accesses.close()


def begin(house: House, one: ConnectedShop, by: By, *, trigger: str, door: str) -> "Run":
    """A run that has looked at nothing yet."""
    return Run(house, one, by, house.new_id(), trigger, door)


class Run:
    """One run while it goes on."""

    def __init__(self, house: House, one: ConnectedShop, by: By, run: str, trigger: str, door: str) -> None:
        self.house, self.one, self.by = house, one, by
        self.run, self.trigger, self.door = run, trigger, door
        self.began_at = house.clock.now()
        self.tally = Tally()
        self.suspects: dict[ListingKey, Suspect] = {}
        self.at_mall: Sequence[Telling] | None = None

    # -------------------------------------------------------------- reading

    def read(self, accesses: ShopAccesses, wanted: Sequence[ListingKey], progress: Progress | None) -> None:
        """Every listing was read; those that were pushed meanwhile once more."""
        left = list(wanted)
        for round_number in range(AGAIN_ROUNDS + 1):
            moved: list[ListingKey] = []
            for reading in mall_reading.read_listings(self.house, accesses, self.one, left, self.by):
                busy = self.moved(reading)
                last = round_number == AGAIN_ROUNDS
                self.take(suspects_of(reading, self.one.mall.units_max, busy), again=set() if last else busy)
                moved += [] if last else sorted(busy, key=str)
                if progress is not None:
                    progress(self.tally.listings, len(wanted))
            if not moved:
                return
            left = moved

    def take(self, found: Iterable[Suspect], *, again: set[ListingKey] | frozenset[ListingKey] = frozenset()) -> None:
        """Each is counted, or kept to be explained; those ``again`` are read once more and not counted yet."""
        for one in found:
            if one.key in again:
                continue
            self.tally.listings += 1
            self.tally.agree += one.shown.found and one.shown.units == one.wanted_units
            plain = plainly(self._case(one))
            if plain is not None and plain.drift is Drift.SAME:
                self.tally.add(Drift.SAME)
            else:
                self.suspects[one.key] = one

    def watch(self, accesses: ShopAccesses) -> bool:
        """A minute later, what differs was read again. False: nothing differs."""
        differs = [key for key, one in self.suspects.items() if plainly(self._case(one)) is None][:WATCHED_MAX]
        if not differs:
            return False
        self.house.clock.sleep(WATCH_SECONDS)
        for reading in mall_reading.read_listings(self.house, accesses, self.one, differs, self.by):
            busy = self.moved(reading)
            for one in suspects_of(reading, self.one.mall.units_max, busy):
                self.suspects[one.key] = one
        return True

    def moved(self, reading: Reading) -> set[ListingKey]:
        """Those of the reading that were pushed, or on their way, while the mall was asked."""
        catch_up(self.house)
        wanted = [row.key for row in reading.rows]
        with self.house.pool.connection() as connection:
            now = listing_list.of_keys(connection, self.house.database.schema, self.one.code, wanted)
        return {row.key for row in reading.rows if _pushed(row.numbers) != _pushed(now[row.key].numbers)}

    # -------------------------------------------------------------- explaining

    def ask_orders(self, accesses: ShopAccesses) -> None:
        """Where something differs and the mall lists its orders, they are known."""
        differs = [one for one in self.suspects.values() if plainly(self._case(one)) is None]
        if differs:
            since = min(one.numbers.sent_at or one.numbers.read_at or one.read_at for one in differs)
            self.at_mall = drift_evidence.orders_at_mall(self.house, accesses, self.one, since)

    def finish(self) -> Ran:
        """Every suspect is explained; what was found are facts."""
        found = [self.suspects[key] for key in sorted(self.suspects, key=lambda key: (key.item, key.variant))]
        with_sku = {one.key: one.rules.sku for one in found}
        for start in range(0, len(found), CHUNK_LISTINGS):
            chunk = found[start : start + CHUNK_LISTINGS]
            known, read_at = max(o.known_position for o in chunk), max(o.read_at for o in chunk)
            wanted = {one.key: with_sku[one.key] for one in chunk}
            evidence = drift_evidence.evidence_of(
                self.house, self.one.code, wanted, known_position=known, read_at=read_at
            )
            self._record([(one, explain(self._case(one, evidence))) for one in chunk])
        return self._over()

    def _case(self, one: Suspect, evidence: Evidence | None = None) -> Case:
        known = one.known_position
        pushes = [p for p in evidence.pushes.get(one.key, ()) if p.position <= known] if evidence else []
        orders = [o for o in evidence.orders.get(one.key, ()) if o.position <= known] if evidence else []
        at_mall = None
        if evidence and self.at_mall is not None:
            named = Named(one.key, frozenset(one.rules.codes))
            at_mall = drift_evidence.of_listing(self.at_mall, named, {order.number for order in orders})
        return Case(
            rules=one.rules,
            numbers=one.numbers,
            wanted_units=one.wanted_units,
            free_units=one.free_units,
            units_max=self.one.mall.units_max,
            read_units=one.shown.units,
            found=one.shown.found,
            read_at=one.read_at,
            pushes=pushes,
            reads=evidence.reads.get(one.key, ()) if evidence else (),
            orders=orders,
            at_mall=at_mall,
            restores=self.one.shop.settings.get("mall.restores_on_cancel", "unknown"),
            moved=one.moved,
        )

    def _record(self, explained: Sequence[tuple[Suspect, Verdict]]) -> None:
        for _, verdict in explained:
            self.tally.add(verdict.drift)
        told = [(one, verdict) for one, verdict in explained if verdict.drift is not Drift.SAME]
        if not told:
            return
        fact = DriftFound(
            run=self.run,
            listings=[keys.listing_text(one.key) for one, _ in told],
            read_units=[one.shown.units if one.shown.found else None for one, _ in told],
            told_units=[one.numbers.told_units for one, _ in told],
            expected_units=[one.numbers.expected_units for one, _ in told],
            wanted_units=[one.wanted_units for one, _ in told],
            classes=[str(verdict.drift) for _, verdict in told],
            evidence=["\t".join(verdict.evidence) for _, verdict in told],
            sure=[verdict.sure for _, verdict in told],
            read_positions=[one.read_position for one, _ in told],
            known_positions=[one.known_position for one, _ in told],
        )
        self.house.book.do(record_drift(self.one.code, fact), self.by)

    def _over(self) -> Ran:
        counts = {str(drift): count for drift, count in sorted(self.tally.counts.items())}
        same = counts.get(Drift.SAME, 0)
        done = MallReconciled(
            run=self.run,
            door=self.door,
            trigger=self.trigger,
            listings=self.tally.listings,
            same=same,
            agree=self.tally.agree,
            classes=list(counts),
            counts=list(counts.values()),
            began_at=utc_text(self.began_at),
        )
        position = self.house.book.do(record_reconciled(self.one.code, done), self.by).position
        return Ran(self.run, self.tally.listings, same, self.tally.agree, counts, position)


def suspects_of(reading: Reading, units_max: int, moved: set[ListingKey]) -> Iterable[Suspect]:
    """The reading, listing by listing."""
    for row, shown in zip(reading.rows, reading.found, strict=True):
        yield Suspect(
            key=row.key,
            rules=rules_of(row),
            numbers=row.numbers,
            wanted_units=would_want(row, units_max),
            free_units=row.free_units,
            shown=shown,
            read_at=reading.read_at,
            known_position=reading.known_position,
            read_position=reading.position,
            moved=row.key in moved,
        )


def rules_of(row: ListingNow) -> Listing:
    """The listing's own rules and state."""
    return Listing(
        row.sku, row.units_per_listing, row.state, row.show_zero, row.codes, row.settings, row.resend_position
    )


def _pushed(numbers: Numbers) -> tuple[object, ...]:
    return (numbers.told_position, numbers.pending_request, numbers.pending_position)
