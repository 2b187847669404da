"""Tell futureshop how many units listings have, over 在庫更新API: up to 100 products a request, one result a product.

A count is sent as a number, which sets. As text with a sign it would be a difference, so text is never sent. The 予約
stock of a product is a bucket of its own beside the 通常 one; a listing names which one it is (``codes.py``).
"""

import re
from collections.abc import Mapping, Sequence

from adapters.futureshop.access import Refusal, post, refusals_in
from adapters.futureshop.codes import branch_of, is_listing
from adapters.kit.answers import json_of, throttled_or_transient
from adapters.kit.mall import Answer, ShopAccess
from ledger.terms import ListingKey, ListingLevel, Outcome, Result

PATH = "inventory"
BATCH_MAX = 100  # 在庫更新API: productList
UNITS_MAX = 999_999_999  # 在庫更新API: count has at most 9 bytes
REGULAR, PREORDER_BUCKET = "regular", "preorder"

# Where a refused value stands: productList[0].inventoryInfo.regular.inventoryList[1].count
_PLACE = re.compile(r"productList\[(\d{1,3})\](?:.*?(regular|preorder)\.inventoryList\[(\d{1,3})\])?")


def push(access: ShopAccess, levels: Sequence[ListingLevel]) -> list[Outcome]:
    """Set absolute units. One outcome a level, in order; of a listing named twice the last number is sent, once.

    A listing whose codes futureshop cannot have is rejected here (``code_format``). Never raises for what the mall says.
    """
    assert 0 < len(levels) <= BATCH_MAX, len(levels)
    assert all(0 <= level.units <= UNITS_MAX for level in levels), "absolute units only"
    sent = {level.key: level.units for level in levels if is_listing(level.key)}
    outcomes = _push(access, sent) if sent else {}
    return [outcomes.get(level.key, Outcome(Result.REJECTED, "code_format")) for level in levels]


def _push(access: ShopAccess, units: Mapping[ListingKey, int]) -> dict[ListingKey, Outcome]:
    products: dict[str, dict[str, list[ListingKey]]] = {}
    for key in units:
        bucket = PREORDER_BUCKET if branch_of(key.variant).preorder else REGULAR
        products.setdefault(key.item, {}).setdefault(bucket, []).append(key)
    content = {"productList": [_product(item, buckets, units) for item, buckets in products.items()]}
    answer = post(access, PATH, content)
    if isinstance(answer, Outcome):
        return dict.fromkeys(units, answer)
    body = json_of(answer)
    results = body.get("results") if isinstance(body, Mapping) else None
    if answer.status == 200 and isinstance(results, list) and results:
        by_item = _by_item(results)
        return {key: _told(by_item.get(key.item, []), key, products[key.item]) for key in units}
    return _refused(answer, body, products)


def _product(
    item: str, buckets: Mapping[str, Sequence[ListingKey]], units: Mapping[ListingKey, int]
) -> dict[str, object]:
    stocks: dict[str, object] = {}
    for bucket, keys in buckets.items():
        rows = [
            {"verticalNo": branch.vertical, "horizontalNo": branch.horizontal, "count": units[key]}
            for key in keys
            for branch in [branch_of(key.variant)]
        ]
        stocks[bucket] = {"inventoryList": rows}
    return {"productNo": item, "inventoryInfo": stocks}


def _by_item(results: Sequence[object]) -> dict[str, list[Mapping[str, object]]]:
    found: dict[str, list[Mapping[str, object]]] = {}
    for result in results:
        item = result.get("productNo") if isinstance(result, Mapping) else None
        if isinstance(result, Mapping) and isinstance(item, str):
            found.setdefault(item, []).append(result)
    return found


def _told(
    results: Sequence[Mapping[str, object]], key: ListingKey, buckets: Mapping[str, Sequence[ListingKey]]
) -> Outcome:
    """The outcome of one listing by the result of its product, which speaks for all listings of it."""
    if len(results) != 1:
        return Outcome(Result.UNKNOWN, "result_missing" if not results else "result_twice")
    match results[0].get("status"):
        case "success":
            return Outcome(Result.APPLIED)
        case "failed":
            return _failed(refusals_in(results[0]), key, buckets)
        case _:
            return Outcome(Result.UNKNOWN, "answer_not_understood")


def _failed(refusals: Sequence[Refusal], key: ListingKey, buckets: Mapping[str, Sequence[ListingKey]]) -> Outcome:
    """Of a product with one listing that one is at fault; of several the sender has to find out, unless the mall says."""
    code = refusals[0].code if refusals else "failed_without_code"
    guilty = {found for refusal in refusals for found in _place(refusal.path, [buckets])}
    alone = sum(len(keys) for keys in buckets.values()) == 1
    return Outcome(Result.REJECTED if alone or key in guilty else Result.REFUSED, code)


def _refused(
    answer: Answer, body: object, products: Mapping[str, Mapping[str, Sequence[ListingKey]]]
) -> dict[ListingKey, Outcome]:
    """No results: the request was refused as a whole, or the answer is of another form."""
    keys = [key for buckets in products.values() for found in buckets.values() for key in found]
    refusals = refusals_in(body)
    if not refusals and not 400 <= answer.status < 500:
        return dict.fromkeys(keys, Outcome(Result.UNKNOWN, "answer_not_understood"))
    if not refusals and answer.status != 400:
        return dict.fromkeys(keys, Outcome(Result.TRANSIENT, throttled_or_transient(answer).code))
    code = refusals[0].code if refusals else f"http_{answer.status}"
    guilty = {found: one.code for one in refusals for found in _place(one.path, list(products.values()))}
    if len(keys) == 1:
        guilty = {keys[0]: code}
    return {
        key: Outcome(Result.REJECTED, guilty[key]) if key in guilty else Outcome(Result.REFUSED, code) for key in keys
    }


def _place(path: str, products: Sequence[Mapping[str, Sequence[ListingKey]]]) -> list[ListingKey]:
    """The listings an error's path names; of a product as a whole only when it has one listing."""
    found = _PLACE.search(path)
    if found is None:
        return []
    at = int(found[1]) if len(products) > 1 else 0
    if at >= len(products):
        return []
    if found[2] is None:
        keys = [key for bucket in products[at].values() for key in bucket]
        return keys if len(keys) == 1 else []
    bucket = products[at].get(found[2], ())
    row = int(found[3])
    return [bucket[row]] if row < len(bucket) else []
