"""Verbs of shops and listings: connected, switched, linked, confirmed, stopped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ledger import keys, listing, shop
from ledger.book import Verb
from ledger.facts.listing import ListingFact, ListingRetired, ListingSettingsChanged, ResendAsked
from ledger.facts.shop import DryRunReviewed, NumbersPutBack, ShopFact, SyncSkipped
from ledger.listing import Listing
from ledger.shop import Shop
from ledger.terms import CODE_CHARACTERS_MAX, ListingKey, utc_text
from ledger.view import Draft, View, Wanted
from ledger.writer import Decision

LISTINGS_PAGE_MAX = 2_000


def _shop(name: str, code: str, says: object, facts_of: Callable[[Shop], Sequence[ShopFact]]) -> Verb:
    stream = keys.shop(code)

    def decide(view: View) -> Decision:
        return Decision([Draft(stream, fact) for fact in facts_of(view.state(stream, shop.FOLD))])

    return Verb(name, decide, (code, says), Wanted(streams={stream}))


def connect_shop(*, mall: str, mall_shop_id: str, match_key: str, settings: Mapping[str, str]) -> Verb:
    """The shop ``shop.code_of(mall, mall_shop_id)`` is connected with these settings (never secrets).

    The code is made of the account, so one account is never two shops, and the same again resumes (D29). The answer
    has ``shop``. Raises ShopNotAccepted.
    """
    code = shop.code_of(mall, mall_shop_id)
    stream = keys.shop(code)

    def decide(view: View) -> Decision:
        now = view.state(stream, shop.FOLD)
        facts: list[ShopFact] = [*shop.connect(now, mall=mall, mall_shop_id=mall_shop_id, match_key=match_key)]
        facts.extend(shop.change_settings(now if now.connected else replace(now, mall=mall), settings))
        return Decision([Draft(stream, fact) for fact in facts], {"shop": code})

    return Verb("connect_shop", decide, (mall, mall_shop_id, match_key, dict(settings)), Wanted(streams={stream}))


def change_shop_settings(code: str, settings: Mapping[str, str]) -> Verb:
    """These settings (never secrets) have these values from here on. Raises ShopNotReady."""
    return _shop("change_shop_settings", code, dict(settings), lambda now: shop.change_settings(now, settings))


def start_intake(code: str, *, backlog: str | None = None, up_to: datetime | None = None) -> Verb:
    """受注取込 起動. ``backlog``: take, counted (計上済) or skip what was kept while it was stopped, and what comes late of that
    time, up to ``up_to`` (now when not said). Raises ShopNotReady, ShopNotAccepted.
    """
    stream = keys.shop(code)

    def decide(view: View) -> Decision:
        said = "" if up_to is None else utc_text(up_to)
        facts = shop.start_intake(view.state(stream, shop.FOLD), backlog=backlog, up_to=said, now=utc_text(view.now))
        return Decision([Draft(stream, fact) for fact in facts])

    return Verb("start_intake", decide, (code, (), backlog, up_to), Wanted(streams={stream}))


def stop_intake(code: str, on_their_way: int = 0) -> Verb:
    """受注取込 停止; 在庫反映 stops with it (D22)."""
    return _shop("stop_intake", code, on_their_way, lambda now: shop.stop_intake(now, on_their_way))


def prove_intake(code: str, door: str) -> Verb:
    """The first order or successful poll since intake was started."""
    return _shop("prove_intake", code, door, lambda now: shop.prove_intake(now, door))


def review_dry_run(code: str, reviewed: DryRunReviewed) -> Verb:
    """A person saw the difference. Raises ShopNotReady."""
    return _shop("review_dry_run", code, reviewed, lambda now: shop.review(now, reviewed))


def start_push(
    code: str, *, kept_position: int, one_way: bool = False, settings: Mapping[str, str] | None = None
) -> Verb:
    """在庫反映 起動. ``settings`` that the shop does not have yet begin with it (its schedule). Raises ShopNotReady."""
    given = dict(settings or {})

    def facts(now: Shop) -> Sequence[ShopFact]:
        started = shop.start_push(now, kept_position=kept_position, one_way=one_way)
        new = {name: value for name, value in given.items() if name not in now.settings}
        return [*started, *(shop.change_settings(now, new) if started else [])]

    return _shop("start_push", code, (kept_position, one_way, given), facts)


def stop_push(code: str, on_their_way: int = 0) -> Verb:
    """在庫反映 停止."""
    return _shop("stop_push", code, on_their_way, lambda now: shop.stop_push(now, on_their_way))


def put_back(code: str, fact: NumbersPutBack) -> Verb:
    """The mall shows the kept numbers again."""
    return _shop("put_back", code, fact, lambda _: [fact])


def pause_shop(code: str, cause: str) -> Verb:
    """自動停止 with a cause code."""
    return _shop("pause_shop", code, cause, lambda now: shop.pause(now, cause))


def resume_shop(code: str) -> Verb:
    """The cause of the pause is gone."""
    return _shop("resume_shop", code, (), shop.resume)


def skip_sync(code: str, due_at: str, reason: str) -> Verb:
    """The scheduled full sync did not begin; ``reason`` is a code."""
    return _shop("skip_sync", code, (due_at, reason), lambda _: [SyncSkipped(due_at=due_at, reason=reason)])


def choose_send_type(code: str, send_type: str) -> Verb:
    """送信タイプ. Raises ShopNotAccepted."""
    return _shop("choose_send_type", code, send_type, lambda now: shop.choose_send_type(now, send_type))


# ------------------------------------------------------------------ listings


def _listings(
    name: str,
    code: str,
    found: Sequence[ListingKey],
    says: object,
    facts_of: Callable[[ListingKey, Listing], Sequence[ListingFact]],
) -> Verb:
    if len(found) > LISTINGS_PAGE_MAX:
        raise listing.ListingNotAccepted(f"{len(found)} listings at once; expected up to {LISTINGS_PAGE_MAX}")
    for key in found:
        if not 1 <= len(key.item) <= CODE_CHARACTERS_MAX or len(key.variant) > CODE_CHARACTERS_MAX:
            raise listing.ListingNotAccepted(f"listing {key}: expected codes of 1 to {CODE_CHARACTERS_MAX} characters")
    streams = [keys.listing(code, key) for key in found]

    def decide(view: View) -> Decision:
        view.need(streams=streams)
        drafts = [
            Draft(stream, fact)
            for stream, key in zip(streams, found, strict=True)
            for fact in facts_of(key, view.state(stream, listing.FOLD))
        ]
        return Decision(drafts, {"listings": len(found), "changed": len({d.stream for d in drafts})})

    return Verb(name, decide, (code, [(k.item, k.variant) for k in found], says), Wanted(streams=set(streams)))


def link_listing(
    code: str,
    key: ListingKey,
    sku: str,
    *,
    units_per_listing: int = 1,
    excluded: bool = False,
    codes: Sequence[str] = (),
) -> Verb:
    """The listing sells ``units_per_listing`` of the SKU; it is 確認待ち first (D21). Raises ListingNotAccepted, SkuNotAccepted."""
    says = (sku, units_per_listing, excluded, list(codes))
    return _listings(
        "link_listing",
        code,
        [key],
        says,
        lambda _, now: listing.link(now, sku, units_per_listing=units_per_listing, excluded=excluded, codes=codes),
    )


def confirm_listings(code: str, seen: Mapping[ListingKey, tuple[int | None, int | None]]) -> Verb:
    """確認待ち becomes 連動 for each: ``seen`` gives (the mall's number, wanted). Raises ListingNotAccepted."""
    says = [(k.item, k.variant, *v) for k, v in seen.items()]
    return _listings(
        "confirm_listings",
        code,
        list(seen),
        says,
        lambda key, now: listing.confirm(now, mall_units_seen=seen[key][0], wanted=seen[key][1]),
    )


def stop_listings(code: str, found: Sequence[ListingKey], *, show_zero: bool) -> Verb:
    """停止. Raises ListingNotAccepted."""
    return _listings("stop_listings", code, found, show_zero, lambda _, now: listing.stop(now, show_zero=show_zero))


def start_listings(code: str, found: Sequence[ListingKey]) -> Verb:
    """連動 again. Raises ListingNotAccepted."""
    return _listings("start_listings", code, found, (), lambda _, now: listing.start(now))


def change_listing_settings(code: str, found: Sequence[ListingKey], settings: ListingSettingsChanged) -> Verb:
    """These listings have these rules from here on. Raises ListingNotAccepted."""
    return _listings(
        "change_listing_settings", code, found, settings, lambda _, now: listing.change_settings(now, settings)
    )


def retire_listings(code: str, found: Sequence[ListingKey], reason: str) -> Verb:
    """販売終了: history stays, nothing is told any more."""
    return _listings(
        "retire_listings",
        code,
        found,
        reason,
        lambda _, now: [] if now.state == listing.RETIRED or not now.sku else [ListingRetired(reason=reason)],
    )


def ask_resend(code: str, found: Sequence[ListingKey]) -> Verb:
    """A person asks that these numbers are sent again."""
    return _listings("ask_resend", code, found, (), lambda _, now: [ResendAsked()] if now.sku else [])
