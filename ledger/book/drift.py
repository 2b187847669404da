"""Verbs of 在庫照合: what a reading showed beside what the ledger says, and what a person decided about it."""

from collections.abc import Sequence

from ledger import keys, listing
from ledger.book import Verb
from ledger.book.shops import LISTINGS_PAGE_MAX
from ledger.facts.listing import ResendAsked
from ledger.facts.push import DriftFound, DriftMended, MallReconciled
from ledger.listing import ListingNotAccepted
from ledger.terms import ListingKey
from ledger.view import Draft, View, Wanted
from ledger.writer import Decision

PUSH_AGAIN, TAKE_MALL_NUMBER = "push_again", "take_mall_number"


def record_drift(shop: str, found: DriftFound) -> Verb:
    """The differences are recorded."""
    count = len(found.listings)
    assert count == len(found.classes) == len(found.read_units) == len(found.evidence) == len(found.sure), shop
    return _on_read("record_drift", shop, found)


def record_reconciled(shop: str, done: MallReconciled) -> Verb:
    """The run is over."""
    assert len(done.classes) == len(done.counts), shop
    return _on_read("record_reconciled", shop, done)


def push_again(shop: str, run: str, found: Sequence[ListingKey]) -> Verb:
    """The mall is told the listings' numbers again, as the run's mending. The answer has ``listings``. Raises ListingNotAccepted."""
    if len(found) > LISTINGS_PAGE_MAX:
        raise ListingNotAccepted(f"{len(found)} listings at once; expected up to {LISTINGS_PAGE_MAX}")
    streams = [keys.listing(shop, key) for key in found]
    read = keys.read(shop)

    def decide(view: View) -> Decision:
        view.need(streams=streams, tails=[read])
        linked = [
            (stream, key)
            for stream, key in zip(streams, found, strict=True)
            if view.state(stream, listing.FOLD).state == listing.LINKED
        ]
        drafts = [Draft(stream, ResendAsked()) for stream, _ in linked]
        if linked:
            names = [keys.listing_text(key) for _, key in linked]
            drafts.append(Draft(read, DriftMended(run=run, how=PUSH_AGAIN, listings=names)))
        return Decision(drafts, {"listings": len(linked)})

    says = (shop, run, [(key.item, key.variant) for key in found])
    return Verb("push_again", decide, says, Wanted(streams=set(streams), tails={read}))


def mended(shop: str, run: str, how: str, found: Sequence[ListingKey]) -> Verb:
    """These differences of the run were mended so."""
    fact = DriftMended(run=run, how=how, listings=[keys.listing_text(key) for key in found])
    return _on_read("mended", shop, fact)


def _on_read(name: str, shop: str, fact: DriftFound | MallReconciled | DriftMended) -> Verb:
    stream = keys.read(shop)
    return Verb(name, lambda _view: Decision([Draft(stream, fact)]), (shop, fact), Wanted(tails={stream}))
