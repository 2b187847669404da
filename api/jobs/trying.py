"""What verbs would record now, decided by their own rules without the lock, and nothing recorded: for previews."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from api.wiring import House
from ledger.book import Verb
from ledger.facts.stock import Left
from ledger.keys import parts_of
from ledger.reading import Look, look
from ledger.view import Draft, NotReadYet, Wanted
from ledger.writer import ROUNDS_MAX, Decision

PAGE_VERBS = 200


def tried(house: House, verbs: Iterable[Verb]) -> Iterator[Decision | ValueError]:
    """What each verb would record, or how it would be refused; each as the ledger stands now, none seeing the others."""
    with house.pool.connection() as connection, look(connection, house.database.schema, house.clock.now()) as seen:
        left = iter(verbs)
        while page := list(islice(left, PAGE_VERBS)):
            yield from _page(seen.again(), page)


def available_changes(drafts: Sequence[Draft]) -> Counter[str]:
    """By how much the facts would change available_units, by SKU; a SKU without a number is left out."""
    changes: Counter[str] = Counter()
    for draft in drafts:
        if isinstance(draft.fact, Left) and draft.fact.before is not None and draft.fact.after is not None:
            changes[parts_of(draft.stream)[1]] += draft.fact.after - draft.fact.before
    return changes


def _page(seen: Look, verbs: Sequence[Verb]) -> list[Decision | ValueError]:
    wanted = Wanted()
    for verb in verbs:
        wanted.add(verb.wanted)
    if wanted:
        seen.read(wanted)
    return [_decided(seen, verb) for verb in verbs]


def _decided(seen: Look, verb: Verb) -> Decision | ValueError:
    for _ in range(ROUNDS_MAX):
        try:
            return verb.decide(seen.view)
        except NotReadYet as more:
            seen.read(more.wanted)
        except ValueError as refused:
            return refused
    raise AssertionError(f"{verb.name} asked for more than {ROUNDS_MAX} times")
