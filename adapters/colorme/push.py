"""Tell カラーミーショップ how many units listings have: one read of the products, then one PUT a product.

The PUT of a product names every variant when all were read within READ_SECONDS_MAX (D27): told ones with their new
number, absolute, and the others with a difference of 0, so that they stay what they are. A number read a moment ago and
sent back would undo a sale in between, and a PUT that arrives late would undo a newer push of that variant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.colorme.access import TOKEN_MISSING, has_token, put, refusal
from adapters.colorme.codes import is_product, listing_of, options_of
from adapters.colorme.products import Product, Variant, ask, product_of, products_of
from adapters.kit.answers import outcome_of_no_answer
from adapters.kit.mall import Answer, Lost, NotSent, Reply, ShopAccess
from adapters.kit.one_by_one import DIFFERS, one_by_one
from ledger.terms import ListingKey, ListingLevel, Outcome, Result

BATCH_MAX = 3  # at worst four requests: the reading and a PUT for each product
UNITS_MAX = 999_999_999  # NOTES.md, "Outbound"
REQUEST_SECONDS_MAX = 30.0
READ_SECONDS_MAX = 60.0  # D27: with an older reading only the variants that are told are named
UNCHANGED, AS_READ, LEFT_OUT = "increment_zero", "as_read", "left_out"  # what a PUT says of variants it does not tell
LAST_REQUEST_SECONDS_MAX = 2 * REQUEST_SECONDS_MAX  # no product is begun later in a call; one is two PUTs at most


@dataclass(frozen=True, slots=True)
class _Read:
    """The products as they were at ``at``; None: what the mall has was not to be read, and nobody refused us."""

    products: Mapping[str, Product] | None
    at: datetime


def push(access: ShopAccess, levels: Sequence[ListingLevel]) -> list[Outcome]:
    """Set absolute units. One outcome a level, in order. Never raises for what the mall says."""
    assert 0 < len(levels) <= BATCH_MAX, len(levels)
    assert all(0 <= level.units <= UNITS_MAX for level in levels), "absolute units only"
    if not has_token(access):
        return [Outcome(Result.REJECTED_AUTH, TOKEN_MISSING)] * len(levels)
    began = access.now()
    outcomes = {level.key: Outcome(Result.REJECTED, "code_format") for level in levels}
    wanted: dict[str, dict[ListingKey, int]] = {}
    for level in levels:  # a listing named twice keeps its last number
        if is_product(level.key.item):
            wanted.setdefault(level.key.item, {})[level.key] = level.units
    if wanted:
        read = _read(access, list(wanted))
        if isinstance(read, Outcome):
            return [read if is_product(level.key.item) else outcomes[level.key] for level in levels]
        told = one_by_one(
            list(wanted.items()),
            keys_of=lambda part: part[1],
            send=lambda part: _tell(access, read, part[0], part[1]),
            now=access.now,
            began=began,
            last_after_seconds=LAST_REQUEST_SECONDS_MAX,
        )
        outcomes.update(told)
    return [outcomes[level.key] for level in levels]


def _read(access: ShopAccess, numbers: Sequence[str]) -> _Read | Outcome:
    """The products now; an outcome when the mall refused us or is busy, so that nothing is written either."""
    reply = ask(access, numbers)
    match reply:
        case NotSent():
            return outcome_of_no_answer(reply)
        case Lost():
            return _Read(None, access.now())
        case Answer(status=200):
            return _Read(products_of(reply), reply.applied_from)
        case Answer():
            refused = refusal(reply)
            # Reading writes nothing, so a refused reading is no fault of a listing.
            keeps = refused.result in (Result.REJECTED_AUTH, Result.THROTTLED)
            return refused if keeps else Outcome(Result.TRANSIENT, refused.code, refused.wait_seconds)


def _tell(access: ShopAccess, read: _Read, number: str, units: Mapping[ListingKey, int]) -> dict[ListingKey, Outcome]:
    """One product's PUT, and what became of each of its listings."""
    fresh = read.products is not None and access.now() - read.at <= timedelta(seconds=READ_SECONDS_MAX)
    if read.products is not None and number not in read.products:
        return dict.fromkeys(units, Outcome(Result.REJECTED, "product_not_found"))
    product = None if read.products is None else read.products[number]
    told = {} if product is None else {key: bad for key in units if (bad := _unfit(product, key)) is not None}
    sent = {key: count for key, count in units.items() if key not in told}
    if not sent:
        return told
    if product is None and access.profile.text("api.unread_variants") != "alone":
        return dict.fromkeys(units, Outcome(Result.TRANSIENT, "variants_not_read"))
    others = access.profile.text("api.other_variants")
    reply = _put(access, number, sent, product if fresh and others != LEFT_OUT else None, others)
    if fresh and others == UNCHANGED and isinstance(reply, Answer) and reply.status in (400, 422):
        reply = _put(access, number, sent, None, others)  # a refused PUT has written nothing
    match reply:
        case NotSent() | Lost():
            return told | dict.fromkeys(sent, outcome_of_no_answer(reply))
        case Answer(status=200):
            return told | _applied(reply, sent)
        case Answer():
            return told | dict.fromkeys(sent, _refused(reply, len(sent)))


def _unfit(product: Product, key: ListingKey) -> Outcome | None:
    """Why this listing of a product that was read cannot be told a number."""
    if not key.variant:
        return Outcome(Result.REJECTED, "stock_kept_by_variant") if product.by_variant else None
    same = [one for one in product.variants if key == _key(product.number, one)]
    if len(same) != 1:
        return Outcome(Result.REJECTED, "variant_twice" if same else "variant_not_found")
    if not product.managed:
        # Switching it on here would give the product's other variants numbers that nobody stated.
        return Outcome(Result.REJECTED, "stock_not_managed")
    return None


def _put(
    access: ShopAccess, number: str, sent: Mapping[ListingKey, int], product: Product | None, others: str
) -> Reply:
    return put(access, f"/products/{number}", {"product": _content(sent, product, others)})


def _content(sent: Mapping[ListingKey, int], product: Product | None, others: str) -> dict[str, object]:
    """The product of a PUT: its own number, or its variants; never a picture or a text, which a PUT would break.

    ``product`` None: only the variants that are told. A variant without a number is not given one.
    """
    own = next((count for key, count in sent.items() if not key.variant), None)
    if own is not None:
        return {"stock_managed": True, "stocks": own}
    if product is None:
        return {"variants": [_named(*options_of(key.variant), count) for key, count in sent.items()]}
    variants: list[dict[str, object]] = []
    for one in product.variants:
        told = sent.get(_key(product.number, one))
        if told is not None:
            variants.append(_named(one.option1, one.option2, told))
        elif one.units is not None:
            kept = one.units if others == AS_READ else {"increment": 0}
            variants.append(_named(one.option1, one.option2, kept))
    return {"variants": variants}


def _named(option1: str, option2: str, stocks: int | Mapping[str, int]) -> dict[str, object]:
    second = {"option2_value": option2} if option2 else {}
    return {"option1_value": option1, **second, "stocks": stocks}


def _applied(answer: Answer, sent: Mapping[ListingKey, int]) -> dict[ListingKey, Outcome]:
    """The mall answers the product as it is now: each number is compared with the one sent."""
    product = product_of(answer)
    if product is None:
        return dict.fromkeys(sent, Outcome(Result.UNKNOWN, "answer_not_understood"))
    shown = product.levels()
    return {key: _shown(shown, key, count) for key, count in sent.items()}


def _shown(shown: Mapping[ListingKey, int | None], key: ListingKey, count: int) -> Outcome:
    if key not in shown:
        return Outcome(Result.UNKNOWN, "answer_not_understood")
    # Another number: sold between writing and reading, or not understood as we meant it. Reading back decides.
    return Outcome(Result.APPLIED) if shown[key] == count else Outcome(Result.UNKNOWN, DIFFERS)


def _refused(answer: Answer, count: int) -> Outcome:
    """A refused PUT writes nothing; with several listings in it nobody knows which one is at fault."""
    outcome = refusal(answer)
    if outcome.result is Result.REJECTED and count > 1:
        return Outcome(Result.REFUSED, outcome.code)
    return outcome


def _key(number: str, variant: Variant) -> ListingKey:
    return listing_of(number, variant.option1, variant.option2)
