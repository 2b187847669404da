"""What each mall believed at a moment: what its page showed, which push and which orders made it so, as known then and now.

"Why did Rakuten show 5 at 14:03 on the 2nd?" is one question with one answer. Looks only.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from api.as_of import AsOf, listings_at
from api.projecting import catch_up
from api.wiring import House
from ledger import keys
from ledger.codec import Record
from ledger.facts.order import Booked, OrderTold
from ledger.facts.push import MallRead, PushAnswered, PushSent, PushSettled
from ledger.terms import ListingKey, utc_moment, utc_text
from projections import change_log
from projections.change_log import Change
from projections.listing_state import ListingRow
from projections.reading import position_at

EVENTS_MAX = 50  # a listing, newest last


class NothingBelieved(ValueError):
    """No listing sells the SKU, or the moment lies before everything that is known."""


@dataclass(frozen=True, slots=True)
class Event:
    """One fact that made the number so. ``kind``: push, answer, order, cancel, read. ``units`` count listings, less at a sale.

    ``name``: the request or the order; ``code``: the trigger, outcome or the mall's code. ``later``: recorded after the moment.
    """

    position: int
    at: datetime
    kind: str
    units: int | None
    name: str
    code: str
    trace: str
    later: bool = False


@dataclass(frozen=True, slots=True)
class Believed:
    """One listing at ``moment`` (``position``). ``expected_units``: what it showed as known then, None: uncertain;
    ``expected_now_units``: as known now. ``cause``: the newest change of stock inside the number it had been told.
    """

    shop: str
    key: ListingKey
    sku: str
    moment: datetime
    position: int
    state: str
    wanted_units: int | None
    told_units: int | None
    told_position: int
    sent_at: datetime | None
    applied_until: datetime | None
    expected_units: int | None
    expected_now_units: int | None
    read_units: int | None
    read_at: datetime | None
    pending_units: int | None
    cause: Change | None
    events: Sequence[Event]

    @property
    def sentence(self) -> str:
        """The answer in words."""
        if self.expected_units is None:
            shown = "what it showed was not certain" if self.told_units is not None else "it had never been told"
        else:
            shown = f"it showed {self.expected_units}"
        told = (
            ""
            if self.told_units is None
            else f"; told {self.told_units} by the numbers of position {self.told_position}"
        )
        why = ""
        if self.cause is not None:
            of = f" of order {self.cause.order_number}" if self.cause.order_number else ""
            why = f" ({self.cause.kind}{of}: {self.cause.before} to {self.cause.after})"
        changed = self.expected_now_units != self.expected_units
        now = (
            f"; as known now it showed {self.expected_now_units}"
            if changed and self.expected_now_units is not None
            else ""
        )
        return f"{self.shop} {self.key}: {shown}{told}{why}{now}"


def believed(house: House, sku: str, at: datetime, *, shop: str | None = None) -> list[Believed]:
    """Every listing of the SKU (of the shop) as its mall showed it at that moment. Raises NothingBelieved."""
    catch_up(house)
    moment, schema = at.astimezone(UTC), house.database.schema
    if moment > house.clock.now():
        raise NothingBelieved(f"at {utc_text(moment)}; expected a moment before now")
    with house.pool.connection() as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        position = position_at(connection, schema, moment)
        found = listings_at(connection, schema, [sku], position, moment=moment)
        rows = [
            (key, row)
            for key, row in sorted(found.rows.items())
            if row.listing.sku == sku and (shop is None or row.shop == shop)
        ]
        if not rows:
            raise NothingBelieved(
                f"no listing{f' of shop {shop}' if shop else ''} sold SKU {sku!r} at {utc_text(moment)};"
                " expected one that was linked by then: `daicho listings --sku` shows those of now"
            )
        answers = []
        for key, row in rows:
            told = row.numbers.told_position
            changes = change_log.page(connection, schema, first=1, sku=sku, before=told + 1).rows if told else ()
            answers.append(_believed(found, key, row, moment, changes[0] if changes else None))
    return answers


def _believed(found: AsOf, key: tuple[str, str], row: ListingRow, moment: datetime, cause: Change | None) -> Believed:
    numbers = row.numbers
    now = numbers if found.now_rows is None else found.now_rows[key].numbers
    places = {
        fact.request: fact.listings.index(key[1])
        for record in found.records
        if isinstance(fact := record.fact, PushSent) and key[1] in fact.listings and _shop_of(record) == key[0]
    }
    events = [event for record in found.records for event in _events(record, key, places, later=False)]
    events += [event for record in found.later for event in _events(record, key, places, later=True)]
    return Believed(
        shop=row.shop,
        key=ListingKey(row.item, row.variant),
        sku=row.listing.sku,
        moment=moment,
        position=found.position,
        state=row.listing.state,
        wanted_units=row.wanted,
        told_units=numbers.told_units,
        told_position=numbers.told_position,
        sent_at=numbers.sent_at,
        applied_until=numbers.applied_until,
        expected_units=numbers.expected_units,
        expected_now_units=now.expected_units,
        read_units=numbers.read_units,
        read_at=numbers.read_at,
        pending_units=numbers.pending_units,
        cause=cause,
        events=sorted(events, key=lambda event: event.position)[-EVENTS_MAX:],
    )


def _shop_of(record: Record) -> str:
    return keys.parts_of(record.stream)[0]


def _events(record: Record, key: tuple[str, str], places: Mapping[str, int], *, later: bool) -> Iterator[Event]:
    """What the fact says of the listing. ``places``: where it stands in the requests that hold it."""
    shop, text = key
    if keys.kind_of(record.stream) not in ("push", "read", "order") or _shop_of(record) != shop:
        return
    position, at, trace = record.position, record.envelope.at, record.envelope.trace
    match record.fact:
        case PushSent(request=request) as fact if request in places:
            place = places[request]
            yield Event(position, at, "push", fact.units[place], request, fact.triggers[place], trace, later)
        case (PushAnswered(request=request) | PushSettled(request=request)) as told if request in places:
            place = places[request]
            code = f"{told.outcomes[place]} {told.codes[place]}".rstrip()
            yield Event(position, utc_moment(told.applied_until), "answer", None, request, code, trace, later)
        case MallRead(listings=listings) as fact if text in listings:
            place = listings.index(text)
            code = fact.door if fact.found[place] else "not_found"
            yield Event(position, utc_moment(fact.read_at), "read", fact.units[place], "", code, trace, later)
        case Booked(sold_listings=sold) as booked if text in sold:
            quantity = sum(q for one, q in zip(sold, booked.sold_quantities, strict=True) if one == text)
            sold_at = at if booked.sold_at is None else utc_moment(booked.sold_at)
            door = booked.door if isinstance(booked, OrderTold) else record.name
            number = keys.parts_of(record.stream)[1]
            yield Event(position, sold_at, "order" if quantity > 0 else "cancel", -quantity, number, door, trace, later)
        case _:
            return
