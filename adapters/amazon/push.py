"""Tell Amazon how many units listings have: one PATCH a listing, refused with 200, taken long before it is applied.

``replace`` wipes the lead time and the restock date it does not repeat; ``merge`` keeps them. A number for our own shipping
turns an FBA listing into one of ours, so unless a merchant chose otherwise a listing is looked at before it is told.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from enum import StrEnum

from adapters.amazon.access import call, checked_code, error_code, is_late
from adapters.amazon.codes import in_path, is_sku, sku_of
from adapters.amazon.listings import LEAD_TIME_DAYS_MAX, OWN_SHIPPING, ListingSeen, entry_of, market, see, seller_path
from adapters.kit.answers import json_of
from adapters.kit.mall import Answer, ReadFailed, ShopAccess
from ledger.terms import ListingKey, ListingLevel, Outcome, Result

JAPAN = timezone(timedelta(hours=9))
BATCH_MAX = 5  # PATCHes that may leave at once (burst 5); NOTES.md, "Outbound"
UNITS_MAX = 99_999
NOT_SENT = "not_sent"


class UpdateWay(StrEnum):
    """How a number is told: the setting ``update_way``. ``merge`` alone does not look for FBA first."""

    LOOK_AND_MERGE = "look_and_merge"
    MERGE = "merge"
    LOOK_AND_REPLACE = "look_and_replace"


def push(access: ShopAccess, levels: Sequence[ListingLevel]) -> list[Outcome]:
    """Set absolute units. One outcome a level, in order. Never raises for what Amazon says.

    ACCEPTED is not applied: a listing that shows its number right afterwards is applied, any other accepted. A listing
    named twice is sent once, with its last number. After a call that failed as such the rest is not sent.
    """
    assert 0 < len(levels) <= BATCH_MAX, len(levels)
    assert all(0 <= level.units <= UNITS_MAX for level in levels), "absolute units only"
    last = {level.key: level for level in levels}
    outcomes: dict[ListingKey, Outcome] = {
        key: Outcome(Result.REJECTED, "code_format") for key in last if not is_sku(sku_of(key))
    }
    way, began = way_of(access), access.now()
    entries = entries_for(access, way, [level for level in last.values() if level.key not in outcomes])
    if isinstance(entries, ReadFailed):
        failed = Outcome(entries.result, entries.code, entries.wait_seconds)
        return [outcomes.get(level.key, failed) for level in levels]
    outcomes |= {key: entry for key, entry in entries.items() if isinstance(entry, Outcome)}
    told = _told(access, way, {key: entry for key, entry in entries.items() if not isinstance(entry, Outcome)}, began)
    accepted = {key: last[key].units for key in told if told[key].result is Result.ACCEPTED}
    outcomes |= told if is_late(access, began) else _shown(access, accepted, told)
    return [outcomes[level.key] for level in levels]


def way_of(access: ShopAccess) -> UpdateWay:
    """The way the merchant chose; the careful one when it is blank or none of ours."""
    said = access.settings.get("update_way", "")
    return next((way for way in UpdateWay if way == said), UpdateWay.LOOK_AND_MERGE)


# ------------------------------------------------------------------ before


def entries_for(
    access: ShopAccess, way: UpdateWay, levels: Sequence[ListingLevel]
) -> dict[ListingKey, dict[str, object] | Outcome] | ReadFailed:
    """What each listing is to be told, or why it is told nothing."""
    if way is UpdateWay.MERGE or not levels:
        return {level.key: _entry_of(access, level) for level in levels}
    replaces = way is UpdateWay.LOOK_AND_REPLACE
    seen = see(access, [sku_of(level.key) for level in levels], entries=replaces)
    if isinstance(seen, ReadFailed):
        return seen
    return {level.key: _entry(access, seen.get(sku_of(level.key)), level, replaces) for level in levels}


def _entry(
    access: ShopAccess, listing: ListingSeen | None, level: ListingLevel, replaces: bool
) -> dict[str, object] | Outcome:
    if listing is None:
        return Outcome(Result.REJECTED, "NOT_FOUND")
    if listing.by_amazon:
        return Outcome(Result.REJECTED, "fulfilled_by_amazon")
    if OWN_SHIPPING not in listing.channels:
        return Outcome(Result.REJECTED, "fulfilment_unknown")
    said = _entry_of(access, level)
    if not replaces:
        return said
    if listing.own_entry is None:
        days = level.lead_time_days if level.lead_time_days is not None else _lead_time_days(access)
        # Replacing would wipe a lead time nobody knows.
        unknown = Outcome(Result.REJECTED, "lead_time_unknown")
        return unknown if days is None else {**said, **entry_of(level.units, lead_time_days=days)}
    kept = {
        name: value for name, value in listing.own_entry.items() if name not in ("quantity", "is_inventory_available")
    }
    return {**kept, **said}


def _entry_of(access: ShopAccess, level: ListingLevel) -> dict[str, object]:
    """The number, with the lead time and the restock date of the listing where they are set; a day that is past says nothing."""
    to_come = level.restock_on > access.now().astimezone(JAPAN).date().isoformat()
    restock_on = level.restock_on if to_come else ""
    return entry_of(level.units, lead_time_days=level.lead_time_days, restock_on=restock_on)


def _lead_time_days(access: ShopAccess) -> int | None:
    """The lead time the merchant entered for the shop; None when it is blank or not 0 to 30 days."""
    said = access.settings.get("lead_time_days", "").strip()
    days = int(said) if said.isascii() and said.isdecimal() and len(said) <= 2 else None
    return days if days is not None and days <= LEAD_TIME_DAYS_MAX else None


# ------------------------------------------------------------------ telling


def _told(
    access: ShopAccess, way: UpdateWay, entries: Mapping[ListingKey, Mapping[str, object]], began: datetime
) -> dict[ListingKey, Outcome]:
    """What Amazon answered for each; from the first call that failed as such, nothing more is sent."""
    told: dict[ListingKey, Outcome] = {}
    rest: Outcome | None = None
    for key, entry in entries.items():
        if rest is None and is_late(access, began):
            rest = Outcome(Result.TRANSIENT, NOT_SENT)
        if rest is not None:
            told[key] = rest
            continue
        told[key] = _patch(access, key, entry, replaces=way is UpdateWay.LOOK_AND_REPLACE)
        if told[key].result in (Result.THROTTLED, Result.REJECTED_AUTH):
            rest = told[key]
        elif told[key].result in (Result.TRANSIENT, Result.UNKNOWN):
            rest = Outcome(Result.TRANSIENT, NOT_SENT, told[key].wait_seconds)
    return told


def _patch(access: ShopAccess, key: ListingKey, entry: Mapping[str, object], *, replaces: bool) -> Outcome:
    body = patch_of(entry, replaces=replaces)
    answer = call(
        access,
        "PATCH",
        f"{seller_path(access)}/{in_path(sku_of(key))}",
        {"marketplaceIds": market(access), "issueLocale": "ja_JP"},
        json.dumps(body).encode("ascii"),
    )
    return answer if isinstance(answer, Outcome) else _outcome(answer)


def patch_of(entry: Mapping[str, object], *, replaces: bool) -> dict[str, object]:
    """The patch of one listing, as a PATCH and a feed's message both take it."""
    op = "replace" if replaces else "merge"
    # PRODUCT stands for whatever type the listing has.
    patches = [{"op": op, "path": "/attributes/fulfillment_availability", "value": [entry]}]
    return {"productType": "PRODUCT", "patches": patches}


def _outcome(answer: Answer) -> Outcome:
    """A refusal comes with status 200 as well: only the word ACCEPTED says that the number was taken."""
    if 400 <= answer.status < 500:
        return Outcome(Result.REJECTED, error_code(answer))
    body = json_of(answer)
    status = body.get("status") if answer.status == 200 and isinstance(body, dict) else None
    if status == "ACCEPTED":
        return Outcome(Result.ACCEPTED)
    if status == "INVALID" and isinstance(body, dict):
        return Outcome(Result.REJECTED, issue_code(body.get("issues")))
    return Outcome(Result.UNKNOWN, "answer_not_understood")


def issue_code(issues: object) -> str:
    """The code of the first error among the issues."""
    rows = [one for one in issues if isinstance(one, dict)] if isinstance(issues, list) else []
    errors = [one for one in rows if one.get("severity") == "ERROR"] or rows
    return checked_code(errors[0].get("code")) if errors else "INVALID"


# ------------------------------------------------------------------ after


def _shown(
    access: ShopAccess, units: Mapping[ListingKey, int], told: dict[ListingKey, Outcome]
) -> dict[ListingKey, Outcome]:
    """The outcomes, accepted ones as applied where Amazon shows the number already."""
    seen = see(access, [sku_of(key) for key in units]) if units else {}
    if isinstance(seen, ReadFailed):
        return told
    applied = {key for key, wanted in units.items() if (one := seen.get(sku_of(key))) and one.units == wanted}
    return {key: Outcome(Result.APPLIED) if key in applied else outcome for key, outcome in told.items()}
