"""What the emulated Qoo10 keeps of one seller beside the stock, and how it finds the listing a call names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.kit.emulator import EmulatedShop
from adapters.qoo10.codes import Option, option_of
from ledger.terms import ListingKey

UNKNOWN_NAME = "オプション"
NOT_FOUND_TEXT = "Fail to find Item information with 'ItemCode','SellerCode'."

Said = dict[str, object]
Fields = Mapping[str, str]


@dataclass
class Qoo10State:
    """What goes wrong and what the mall knows of the seller. Mutable: it plays the world outside.

    ``texts``: an option's own texts where its listing's variant says others. ``expires_on``: 販売終了日 by item, "+1 year"
    after a null. ``broken_every``: every n-th line is a processing error. ``names_lines`` False: a bulk that failed in part
    says no line. ``asked``: every call with its fields.
    """

    sak: str
    expired: bool = False
    keys_made: int = 0
    seller_codes: dict[str, str] = field(default_factory=dict)
    texts: dict[ListingKey, Option] = field(default_factory=dict)
    prices: dict[ListingKey, str] = field(default_factory=dict)
    expires_on: dict[str, str] = field(default_factory=dict)
    item_statuses: dict[str, str] = field(default_factory=dict)
    order_states: dict[str, str] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    broken_every: int = 0
    lines_seen: int = 0
    names_lines: bool = True
    visible_after_seconds: float = 0.0
    shown_before: dict[ListingKey, tuple[datetime, int | None]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


def state_of(shop: EmulatedShop) -> Qoo10State:
    """The state of a shop whose emulator was made."""
    state = shop.extra["qoo10"]
    assert isinstance(state, Qoo10State), state
    return state


def new_key(state: Qoo10State) -> str:
    """A SAK that was never given before."""
    state.keys_made += 1
    return f"emulated-seller-auth-key-{state.keys_made:06d}"


def said(result: object = None, code: int = 0, message: str = "SUCCESS") -> Said:
    """The envelope of an answer."""
    return {"ResultCode": code, "ResultMsg": message} | ({} if result is None else {"ResultObject": result})


def refusal(code: int, message: str) -> Said:
    """The envelope of a refusal."""
    return said(code=code, message=message)


def not_found() -> Said:
    """The refusal of a code the seller does not have."""
    return refusal(-10001, NOT_FOUND_TEXT)


def item_of(shop: EmulatedShop, fields: Mapping[str, object]) -> str | None:
    """The item a call names by ItemCode, SellerCode or both, which then have to agree; None: there is none."""
    state = state_of(shop)
    item_code, seller_code = str(fields.get("ItemCode") or ""), str(fields.get("SellerCode") or "")
    items = {key.item for key in shop.stock}
    if item_code:
        agrees = not seller_code or state.seller_codes.get(item_code, seller_code) == seller_code
        return item_code if item_code in items and agrees else None
    if seller_code in items:
        return seller_code
    return next((item for item in items if seller_code and state.seller_codes.get(item) == seller_code), None)


def options_of(shop: EmulatedShop, item: str) -> list[tuple[ListingKey, Option]]:
    """The item's options with their texts, as the mall has them."""
    keys = [key for key in shop.stock if key.item == item and key.variant]
    return [(key, option_text(shop, key)) for key in keys]


def option_text(shop: EmulatedShop, key: ListingKey) -> Option:
    """The texts and the code the mall has for an option."""
    return state_of(shop).texts.get(key) or option_of(key.variant, unknown_name=UNKNOWN_NAME)


def broken(state: Qoo10State) -> bool:
    """Whether this line is one of those that meet a processing error."""
    state.lines_seen += 1
    return bool(state.broken_every) and state.lines_seen % state.broken_every == 0


def set_levels(shop: EmulatedShop, levels: Sequence[tuple[ListingKey, int]]) -> None:
    """The mall takes the numbers; pages show them after the delay."""
    state = state_of(shop)
    if state.visible_after_seconds:
        until = shop.clock.now() + timedelta(seconds=state.visible_after_seconds)
        state.shown_before |= {key: (until, shop.stock.get(key)) for key, _ in levels}
    if levels:
        shop.pushed(levels)


def shown(shop: EmulatedShop, key: ListingKey) -> int | None:
    """The number the mall's pages show now."""
    until, before = state_of(shop).shown_before.get(key, (None, None))
    return before if until is not None and shop.clock.now() < until else shop.stock.get(key)
