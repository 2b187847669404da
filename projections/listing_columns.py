"""Rows of the listings table and its side relations, to and from what is in memory."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from ledger import keys
from ledger.booking import Recipe
from ledger.expected import Numbers, Sale
from ledger.facts.listing import ListingSettingsChanged
from ledger.listing import NO_RULES, Listing
from projections.listing_state import NO_SET, ListingRow, Request, SkuState
from projections.table import Row

FIELDS = {
    "shop": "text",
    "item": "text",
    "variant": "text",
    "sku": "text",
    "units_per_listing": "int8",
    "state": "text",
    "show_zero": "bool",
    "sells_at_zero": "bool",
    "codes": "text",
    "rules": "text",
    "resend_position": "int8",
    "version": "int8",
    "wanted_units": "int8",
    "wanted_unseen_units": "int8",
    "wanted_position": "int8",
    "stopped_since": "timestamptz",
    "batch_request": "text",
    "unseen_units": "int8",
    "position": "int8",
    "told_units": "int8",
    "told_position": "int8",
    "sent_at": "timestamptz",
    "applied_until": "timestamptz",
    "expected_units": "int8",
    "uncertain_position": "int8",
    "uncertain_since": "timestamptz",
    "read_units": "int8",
    "read_found": "bool",
    "read_at": "timestamptz",
    "read_position": "int8",
    "read_known_position": "int8",
    "taken_back_position": "int8",
    "pending_request": "text",
    "pending_units": "int8",
    "pending_position": "int8",
    "rejected_code": "text",
    "sales": "text",
    "queue_rank": "int4",
}

# What a change of stock alone changes of a listing.
WANTED_FIELDS = {
    name: FIELDS[name]
    for name in (
        "shop",
        "item",
        "variant",
        "wanted_units",
        "wanted_unseen_units",
        "wanted_position",
        "stopped_since",
        "queue_rank",
    )
}
SKU_FIELDS = {
    "sku": "text",
    "available": "int8",
    "kept_back": "int8",
    "held": "int8",
    "auction_kept": "int8",
    "recipe": "text",
    "free": "int8",
}
SHOP_FIELDS = {"shop": "text", "lowers_at": "text", "restores": "text", "units_max": "int8"}
CODE_FIELDS = {"shop": "text", "code": "text", "item": "text", "variant": "text"}
REQUEST_FIELDS = {"shop": "text", "request": "text", "told": "text"}
SET_FIELDS = {"component": "text", "sku": "text"}

_encode = msgspec.json.Encoder(order="deterministic").encode
_sales = msgspec.json.Decoder(tuple[Sale, ...]).decode
_rules = msgspec.json.Decoder(ListingSettingsChanged).decode
_recipe = msgspec.json.Decoder(Recipe).decode
_request = msgspec.json.Decoder(Request).decode


def row_of(values: Any) -> ListingRow:
    """The listing behind the columns of FIELDS."""
    shop, item, variant, sku, units_per_listing, state, show_zero, sells_at_zero, *more = values
    codes, rules, resend_position, version, *rest = more
    wanted, wanted_unseen, wanted_position, stopped_since, batch_request, unseen_units, position, *numbers = rest
    *plain, sales, _ = numbers
    listing = Listing(
        sku=sku,
        units_per_listing=units_per_listing,
        state=state,
        show_zero=show_zero,
        codes=tuple(codes.split("\t")) if codes else (),
        settings=NO_RULES if rules is None else _rules(rules),
        resend_position=resend_position,
        sells_at_zero=sells_at_zero,
    )
    return ListingRow(
        shop=shop,
        item=item,
        variant=variant,
        listing=listing,
        version=version,
        numbers=replace(Numbers(*plain), sales=() if sales is None else _sales(sales)),
        wanted=wanted,
        wanted_unseen=wanted_unseen,
        wanted_position=wanted_position,
        stopped_since=stopped_since,
        batch_request=batch_request,
        unseen_units=unseen_units,
        position=position,
        stored=True,
    )


def values_of(row: ListingRow) -> Row:
    """The columns of FIELDS."""
    listing, numbers = row.listing, row.numbers
    return (
        row.shop,
        row.item,
        row.variant,
        listing.sku,
        listing.units_per_listing,
        listing.state,
        listing.show_zero,
        listing.sells_at_zero,
        "\t".join(listing.codes),
        None if listing.settings is NO_RULES or listing.settings == NO_RULES else _encode(listing.settings).decode(),
        listing.resend_position,
        row.version,
        row.wanted,
        row.wanted_unseen,
        row.wanted_position,
        row.stopped_since,
        row.batch_request,
        row.unseen_units,
        row.position,
        numbers.told_units,
        numbers.told_position,
        numbers.sent_at,
        numbers.applied_until,
        numbers.expected_units,
        numbers.uncertain_position,
        numbers.uncertain_since,
        numbers.read_units,
        numbers.read_found,
        numbers.read_at,
        numbers.read_position,
        numbers.read_known_position,
        numbers.taken_back_position,
        numbers.pending_request,
        numbers.pending_units,
        numbers.pending_position,
        numbers.rejected_code,
        _encode(numbers.sales).decode() if numbers.sales else None,
        row.queue_rank,
    )


def wanted_of(row: ListingRow) -> Row:
    """The columns of WANTED_FIELDS."""
    wanted = (row.wanted, row.wanted_unseen, row.wanted_position, row.stopped_since)
    return (row.shop, row.item, row.variant, *wanted, row.queue_rank)


def sku_of(values: Any) -> SkuState:
    """The SKU behind the columns of SKU_FIELDS."""
    sku, available, kept_back, held, auction_kept, recipe, free = values
    known = NO_SET if recipe is None else _recipe(recipe)
    return SkuState(sku, available, kept_back, held, auction_kept, known, free, stored=True)


def sku_values(state: SkuState) -> Row:
    """The columns of SKU_FIELDS."""
    recipe = None if state.recipe == NO_SET else _encode(state.recipe).decode()
    units = (state.available, state.kept_back, state.held, state.auction_kept)
    return (state.sku, *units, recipe, state.free)


def code_rows(row: ListingRow) -> Iterable[Row]:
    """The further codes by which an order may name the listing; its own item and variant are its key."""
    names = set(row.listing.codes) - {""} if row.listing.sku else set[str]()
    return [(row.shop, code, row.item, row.variant) for code in sorted(names)]


def request_of(told: str) -> Request:
    """The request behind its column."""
    return _request(told)


def told_of(request: Request) -> str:
    """The column of an open request."""
    return _encode(request).decode()


def codes_of(text: str) -> tuple[str, str]:
    """Item and variant behind ``keys.listing_text``."""
    key = keys.listing_key(text)
    return key.item, key.variant
