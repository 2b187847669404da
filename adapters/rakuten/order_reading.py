"""Read one order of Rakuten's order API (getOrder), and cut the mall's answer down to what is read before it is kept.

A line names its listing by 商品管理番号 and SKU管理番号, which is the listing's own key. An order from before SKUs has no
SKU管理番号: its 商品番号 then stands in ``codes``, as in a mail. Which number of a state or a reason means what: profile.toml.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from adapters.kit.mall import NotUnderstood, OrderReading
from adapters.kit.order_mail import JST
from adapters.kit.profile import Profile
from ledger.terms import (
    CODE_CHARACTERS_MAX,
    UNITS_MAX,
    CancelReason,
    Door,
    OrderState,
    Telling,
    TellingLine,
)

PARSER_VERSION = 1
LINES_MAX = 1_000
NUMBER_CHARACTERS_MAX = 50

PACKAGES, ITEMS, SKUS, CHANGES = "PackageModelList", "ItemModelList", "SkuModelList", "ChangeReasonModelList"
_CHANGE_TIMES = ("changeApplyDatetime", "changeFixDatetime", "changeCmplDatetime")
_TIMES = (
    "orderDatetime",
    "shopOrderCfmDatetime",
    "orderFixDatetime",
    "shippingInstDatetime",
    "shippingCmplRptDatetime",
)
_ORDER_FIELDS = ("orderNumber", "orderProgress", "rakutenConfirmFlag", *_TIMES)
_PACKAGE_FIELDS = ("basketId", "PackageDeleteFlag", "packageDeleteFlag")
# Never the name, the choices or the wishes of a buyer (selectedChoice): a person may have written into them.
_ITEM_FIELDS = ("itemDetailId", "itemNumber", "manageNumber", "units", "deleteItemFlag")
_SKU_FIELDS = ("variantId", "merchantDefinedSkuId")
_CHANGE_FIELDS = ("changeId", "changeType", "changeReasonDetail", *_CHANGE_TIMES)
_CANCEL_CHANGES = (0, 1, 2)  # changeType: キャンセル申請, 確定, 完了

_Json = Mapping[str, object]


def cut(order: _Json) -> bytes:
    """The order with nothing in it but numbers, codes, units, states and times: no buyer, no address, no remark."""
    kept = _only(order, _ORDER_FIELDS)
    if PACKAGES in order:
        kept[PACKAGES] = [_cut_package(one) for one in _each(order[PACKAGES])]
    if CHANGES in order:
        kept[CHANGES] = [_only(one, _CHANGE_FIELDS) for one in _each(order[CHANGES])]
    return json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


def read(body: bytes, profile: Profile) -> OrderReading:
    """What one kept order says. Pure. RMS keeps no time of the last change: the latest of the order's times is taken."""
    try:
        order: object = json.loads(body)
    except (ValueError, RecursionError):
        return NotUnderstood("order")
    if not isinstance(order, Mapping):
        return NotUnderstood("order")
    number = order.get("orderNumber")
    if not isinstance(number, str) or not _is_text(number, NUMBER_CHARACTERS_MAX):
        return NotUnderstood("orderNumber")
    ordered_at = moment(order.get("orderDatetime"))
    if ordered_at is None:
        return NotUnderstood("orderDatetime")
    state = _state(order, profile)
    if state is None:
        return NotUnderstood("orderProgress")
    lines = _lines(order)
    if isinstance(lines, NotUnderstood):
        if state is not OrderState.CANCELLED:
            return lines
        lines = ()  # a cancel counts, whatever its lines have become
    cancelled = state is OrderState.CANCELLED
    return Telling(
        order=number,
        door=Door.API,
        told_at=max((at for at in _times(order) if at is not None), default=ordered_at),
        state=state,
        complete=bool(lines) or not cancelled,
        verified=True,
        lines=lines,
        parser_version=PARSER_VERSION,
        ordered_at=ordered_at,
        reason=_reason(order, profile) if cancelled else None,
    )


def changed_at(order: _Json) -> datetime | None:
    """When the last change or cancel of the order was asked for, fixed or done; None: it says of none."""
    times = (moment(change.get(name)) for change in _each(order.get(CHANGES)) for name in _CHANGE_TIMES)
    return max((at for at in times if at is not None), default=None)


def moment(value: object) -> datetime | None:
    """A time of RMS (``2026-11-20T10:00:00+0900``) as UTC; one without a zone is Japan's."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        return (found if found.tzinfo is not None else found.replace(tzinfo=JST)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


# ------------------------------------------------------------------ cutting


def _only(model: _Json, fields: Iterable[str]) -> dict[str, object]:
    return {name: model[name] for name in fields if name in model and not isinstance(model[name], dict | list)}


def _cut_package(package: _Json) -> dict[str, object]:
    items = [
        {**_only(item, _ITEM_FIELDS), SKUS: [_only(sku, _SKU_FIELDS) for sku in _each(item.get(SKUS))]}
        for item in _each(package.get(ITEMS))
    ]
    return {**_only(package, _PACKAGE_FIELDS), ITEMS: items}


def _each(models: object) -> list[_Json]:
    return [one for one in models if isinstance(one, Mapping)] if isinstance(models, list) else []


# ------------------------------------------------------------------ the order


def _state(order: _Json, profile: Profile) -> OrderState | None:
    """What orderProgress means; an open order that 楽天 still looks at is モール確認待ち. None: a number nobody knows."""
    progress = order.get("orderProgress")
    if not isinstance(progress, int) or isinstance(progress, bool):
        return None
    found = next((one for one in OrderState if str(progress) in profile.texts(f"orders.progress_{one.value}")), None)
    looked_at = order.get("rakutenConfirmFlag") == 1
    if looked_at and found in (OrderState.PROVISIONAL, OrderState.CONFIRMED):
        return OrderState.MALL_CHECKING
    return found


def _times(order: _Json) -> Iterable[datetime | None]:
    yield from (moment(order.get(name)) for name in _TIMES)
    yield changed_at(order)


def _reason(order: _Json, profile: Profile) -> CancelReason:
    """The reason of the newest cancel in the list of changes."""
    cancels = [one for one in _each(order.get(CHANGES)) if one.get("changeType") in _CANCEL_CHANGES]
    newest = max(cancels, key=lambda one: _whole(one.get("changeId")), default=None)
    detail = None if newest is None else newest.get("changeReasonDetail")
    if not isinstance(detail, int) or isinstance(detail, bool):
        return CancelReason.UNKNOWN
    return next(
        (
            one
            for one in CancelReason
            if one is not CancelReason.UNKNOWN and str(detail) in profile.texts(f"orders.cancel_{one.value}")
        ),
        CancelReason.UNKNOWN,
    )


def _lines(order: _Json) -> tuple[TellingLine, ...] | NotUnderstood:
    """The lines of every destination that are not deleted; ``line_id`` is basketId and itemDetailId."""
    packages = order.get(PACKAGES)
    if not isinstance(packages, list) or not packages:
        return NotUnderstood(PACKAGES)
    lines: list[TellingLine] = []
    seen = 0
    for package in packages:
        items = package.get(ITEMS) if isinstance(package, Mapping) else None
        if not isinstance(items, list):
            return NotUnderstood(ITEMS)
        gone = 1 in (package.get("PackageDeleteFlag"), package.get("packageDeleteFlag"))
        for item in items:
            seen += 1
            if seen > LINES_MAX:
                return NotUnderstood(ITEMS, seen)
            read = _line(item, package.get("basketId")) if isinstance(item, Mapping) else NotUnderstood(ITEMS)
            if isinstance(read, NotUnderstood):
                return NotUnderstood(read.rule, seen)
            if read is not None and not gone:
                lines.append(read)
    return tuple(lines) if seen else NotUnderstood(ITEMS)


def _line(item: _Json, basket: object) -> TellingLine | NotUnderstood | None:
    """One item as a line; None for one that was deleted or of which none are bought any more."""
    if item.get("deleteItemFlag") == 1:
        return None
    units = item.get("units")
    if not isinstance(units, int) or isinstance(units, bool) or not 0 <= units <= UNITS_MAX:
        return NotUnderstood("units")
    if units == 0:
        return None
    manage, number = _code(item.get("manageNumber")).lower(), _code(item.get("itemNumber"))
    skus = _each(item.get(SKUS))
    variants = {_code(sku.get("variantId")) for sku in skus}
    if len(variants) > 1:  # units are of the item: whose they are is not said
        return NotUnderstood(SKUS)
    variant = next(iter(variants), "")
    if not manage and not number:
        return NotUnderstood("manageNumber")
    own = next((code for sku in skus if (code := _code(sku.get("merchantDefinedSkuId")))), "")
    # The key is exact; another code may be shared by two pages and would then name none of them.
    codes = () if manage and variant else tuple(dict.fromkeys(code for code in (number or manage, own) if code))
    if not manage and variant:
        codes = (f"{number}/{variant}",)
    line_id = "-".join(str(_whole(one)) for one in (basket, item.get("itemDetailId")))
    return TellingLine(manage or number, variant, units, line_id=line_id, codes=codes)


def _code(value: object) -> str:
    text = value.strip() if isinstance(value, str) else ""
    return text if _is_text(text, CODE_CHARACTERS_MAX) else ""


def _is_text(text: str, characters_max: int) -> bool:
    return 0 < len(text) <= characters_max and text.isprintable()


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
