"""Tell Amazon many numbers at once: a JSON_LISTINGS_FEED of the same patches that ``push.py`` sends one by one.

A feed takes minutes to hours; a PATCH meanwhile and the feed must not undo each other, which is the sender's to keep (D8).
FBA listings are looked for first, as for a PATCH, and never told.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

from adapters.amazon import feeds
from adapters.amazon.codes import is_sku, sku_of
from adapters.amazon.listings import SEARCH_MAX
from adapters.amazon.push import UpdateWay, entries_for, patch_of, way_of
from adapters.amazon.read_back import connection_test
from adapters.kit.mall import ConnectionTested, ReadFailed
from adapters.kit.push_file import Batch, BatchAccess, Finished, Followed, Given, NotThere, PushFile, Unfinished
from ledger.terms import ListingLevel, Outcome, Result

ROWS_MAX = 1_000
FROM_ROWS = 300
SEARCH_PAUSE_SECONDS = 0.25  # searchListingsItems: 5 calls a second
SEARCH_TRIES_MAX = 5
CLOCKS_APART = timedelta(seconds=60)

_Entry = dict[str, object] | Outcome


def submit(access: BatchAccess, batch: Batch) -> Given:
    """A feed of these numbers was made; listings that are FBA, unknown or without a known lead time are rejected and not in it."""
    entries = _entries(access, batch.levels)
    if isinstance(entries, ReadFailed):
        return Given(batch.outcomes(Outcome(entries.result, entries.code, entries.wait_seconds)))
    content = _document(access, batch, entries)
    if content is None:
        return Given(tuple(entry for entry in entries if isinstance(entry, Outcome)))
    made = feeds.submit(access.shop, content)
    outcome = made if isinstance(made, Outcome) else Outcome(Result.ACCEPTED)
    ticket = "" if isinstance(made, Outcome) else made
    return Given(tuple(entry if isinstance(entry, Outcome) else outcome for entry in entries), ticket)


def follow(access: BatchAccess, batch: Batch) -> Followed:
    """Where the feed stands; its report says which listings were refused. One whose id was lost is looked for."""
    feed = feeds.state_of(access.shop, batch.ticket) if batch.ticket else _found(access, batch)
    if feed is None:
        return NotThere()
    if isinstance(feed, ReadFailed):
        return feed
    match feed.state:
        case "DONE":
            return _finished(access, batch, feed)
        case "FATAL":
            return Finished(batch.outcomes(Outcome(Result.UNKNOWN, "feed_fatal")))
        case "CANCELLED":
            return Finished(batch.outcomes(Outcome(Result.TRANSIENT, "feed_cancelled")))
        case _:
            return Unfinished(feed.state.lower()[:40], taken=feed.state != "IN_QUEUE")


def may_submit(_access: BatchAccess) -> str | ReadFailed | None:
    """Amazon queues feeds by itself."""
    return None


def test(access: BatchAccess) -> ConnectionTested:
    """Feeds use the same key and role as the listings."""
    return connection_test(access.shop)


# ------------------------------------------------------------------ what goes into it


def _entries(access: BatchAccess, levels: Sequence[ListingLevel]) -> list[_Entry] | ReadFailed:
    way = way_of(access.shop)
    found: list[_Entry] = []
    for start in range(0, len(levels), SEARCH_MAX):
        if start and way is not UpdateWay.MERGE:
            access.sleep(SEARCH_PAUSE_SECONDS)
        page = levels[start : start + SEARCH_MAX]
        entries = _looked(access, way, [level for level in page if is_sku(sku_of(level.key))])
        if isinstance(entries, ReadFailed):
            return entries
        bad = Outcome(Result.REJECTED, "code_format")
        found += [entries.get(sku_of(level.key), bad) for level in page]
    return found


def _looked(access: BatchAccess, way: UpdateWay, levels: Sequence[ListingLevel]) -> Mapping[str, _Entry] | ReadFailed:
    entries = entries_for(access.shop, way, levels)
    for _ in range(SEARCH_TRIES_MAX - 1):
        if not isinstance(entries, ReadFailed) or entries.result is not Result.THROTTLED:
            break
        access.sleep(max(entries.wait_seconds, SEARCH_PAUSE_SECONDS))
        entries = entries_for(access.shop, way, levels)
    return entries if isinstance(entries, ReadFailed) else {sku_of(key): entry for key, entry in entries.items()}


def _document(access: BatchAccess, batch: Batch, entries: Sequence[_Entry]) -> bytes | None:
    """The feed's document; a message's id is its listing's place in the batch, from 1. None: nothing is left to tell."""
    replaces = way_of(access.shop) is UpdateWay.LOOK_AND_REPLACE
    messages = [
        {
            "messageId": place,
            "sku": sku_of(level.key),
            "operationType": "PATCH",
            **patch_of(entry, replaces=replaces),
        }
        for place, (level, entry) in enumerate(zip(batch.levels, entries, strict=True), start=1)
        if not isinstance(entry, Outcome)
    ]
    seller = access.shop.settings.get("seller_id", "")
    header = {"sellerId": seller, "version": "2.0", "issueLocale": "ja_JP"}
    return json.dumps({"header": header, "messages": messages}).encode("ascii") if messages else None


# ------------------------------------------------------------------ what became of it


def _found(access: BatchAccess, batch: Batch) -> feeds.Feed | ReadFailed | None:
    """The only feed made since the batch left; None: there is none, or several, and which is ours nobody can say."""
    made = feeds.made_since(access.shop, batch.sent_at - CLOCKS_APART)
    if isinstance(made, ReadFailed):
        return made
    return made[0] if len(made) == 1 else None


def _finished(access: BatchAccess, batch: Batch, feed: feeds.Feed) -> Followed:
    if not feed.report:
        return Finished(batch.outcomes(Outcome(Result.UNKNOWN, "feed_without_report")))
    report = feeds.report_of(access.shop, feed.report)
    if isinstance(report, ReadFailed):
        return report
    errors = feeds.errors_in(report)
    # Of a feed that was found again nobody knows which listings were left out of it.
    sure = bool(batch.ticket) and feeds.names_all_errors(report, errors)
    # DONE is what ACCEPTED is to a PATCH: the number shows some time later.
    rest = Outcome(Result.ACCEPTED) if sure else Outcome(Result.UNKNOWN, "feed_found_again")
    return Finished(
        tuple(
            Outcome(Result.REJECTED, errors[place]) if place in errors else rest
            for place in range(1, len(batch.levels) + 1)
        )
    )


PUSH_FILE = PushFile(
    channel="feed",
    submit=submit,
    follow=follow,
    may_submit=may_submit,
    test=test,
    rows_max=ROWS_MAX,
    per_second=1 / 120,
    call_seconds_max=240.0,
    look_seconds=30.0,
    unknown_after_seconds=3_600.0,
    from_rows=FROM_ROWS,
)
