"""A connected shop: its settings and its switches (受注取込, 在庫反映), and what must be true before each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ledger.codec import Record
from ledger.facts.shop import (
    BacklogChosen,
    DryRunReviewed,
    IntakeProven,
    IntakeStarted,
    IntakeStopped,
    PushStarted,
    PushStopped,
    SendTypeChosen,
    ShopConnected,
    ShopPaused,
    ShopResumed,
    ShopSettingsChanged,
)
from ledger.view import Fold

SHOP_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
SEND_TYPES = ("api", "file")
BACKLOG_CHOICES = ("take", "counted", "skip")


class ShopNotReady(ValueError):
    """The switch cannot be turned now; the message says what is missing and the next step."""


class ShopNotAccepted(ValueError):
    """The shop cannot be connected so; the message says what was seen and what was expected."""


@dataclass(frozen=True)
class Shop:
    """The shop as its stream says. ``intake_proven``: one order or one successful poll since intake was started."""

    mall: str = ""
    mall_shop_id: str = ""
    match_key: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    intake: bool = False
    intake_proven: bool = False
    push: bool = False
    one_way: bool = False
    paused: str | None = None
    send_type: str = "api"
    reviewed_position: int = 0
    reviewed_passed: bool = False
    position: int = 0

    @property
    def connected(self) -> bool:
        return bool(self.mall)

    @property
    def pushing(self) -> bool:
        """Whether numbers may leave now: switched on, not paused, and fed by orders (D22)."""
        return self.push and self.paused is None and (self.one_way or (self.intake and self.intake_proven))


def evolve(shop: Shop, record: Record) -> Shop:
    """The shop after one of its facts."""
    after = replace(shop, position=record.position)
    match record.fact:
        case ShopConnected(mall=mall, mall_shop_id=mall_shop_id, match_key=match_key):
            return replace(after, mall=mall, mall_shop_id=mall_shop_id, match_key=match_key)
        case ShopSettingsChanged(names=names, values=values):
            return replace(after, settings={**shop.settings, **dict(zip(names, values, strict=True))})
        case IntakeStarted():
            return replace(after, intake=True, intake_proven=False)
        case IntakeStopped():
            return replace(after, intake=False, intake_proven=False)
        case IntakeProven():
            return replace(after, intake_proven=True)
        case DryRunReviewed(guard_passed=passed):
            return replace(after, reviewed_position=record.position, reviewed_passed=passed)
        case PushStarted(one_way=one_way):
            return replace(after, push=True, one_way=one_way, paused=None)
        case PushStopped():  # what was reviewed is of that switch-on: the mall's numbers move on while nothing is told
            return replace(after, push=False, one_way=False, reviewed_position=0, reviewed_passed=False)
        case ShopPaused(cause=cause):
            return replace(after, paused=cause)
        case ShopResumed():
            return replace(after, paused=None)
        case SendTypeChosen(send_type=send_type):
            return replace(after, send_type=send_type)
        case _:
            return after


FOLD: Fold[Shop] = Fold(Shop(), evolve)


def code_of(mall: str, mall_shop_id: str) -> str:
    """The shop's code: its identity is (mall, the mall's own shop id), for ever (D29). Raises ShopNotAccepted."""
    if not SHOP_ID.fullmatch(mall_shop_id):
        raise ShopNotAccepted(
            f"shop id of {len(mall_shop_id)} characters; expected the id the mall shows for this account: 1 to 64 letters, digits, . _ -"
        )
    return f"{mall}-{mall_shop_id}"


def connect(shop: Shop, *, mall: str, mall_shop_id: str, match_key: str) -> list[ShopConnected]:
    """The shop is connected; a reconnection of the same account resumes its streams (D29). Raises ShopNotAccepted."""
    code_of(mall, mall_shop_id)
    assert not shop.connected or (shop.mall, shop.mall_shop_id) == (mall, mall_shop_id), (shop, mall, mall_shop_id)
    if (shop.mall, shop.mall_shop_id, shop.match_key) == (mall, mall_shop_id, match_key):
        return []
    return [ShopConnected(mall=mall, mall_shop_id=mall_shop_id, match_key=match_key)]


def change_settings(shop: Shop, settings: Mapping[str, str]) -> list[ShopSettingsChanged]:
    """These settings (never secrets) have these values from here on. No fact when nothing changes."""
    _connected(shop)
    new = {name: value for name, value in settings.items() if shop.settings.get(name) != value}
    return [ShopSettingsChanged(names=list(new), values=list(new.values()))] if new else []


def start_intake(shop: Shop) -> list[IntakeStarted]:
    """受注取込 起動."""
    _connected(shop)
    return [] if shop.intake else [IntakeStarted()]


def stop_intake(shop: Shop, on_their_way: int) -> list[IntakeStopped | PushStopped]:
    """受注取込 停止: what arrives is kept. 在庫反映 stops with it, unless it is the named one-way display (D22)."""
    facts: list[IntakeStopped | PushStopped] = [IntakeStopped()] if shop.intake else []
    if shop.push and not shop.one_way:
        facts.append(PushStopped(on_their_way=on_their_way))
    return facts


def prove_intake(shop: Shop, door: str) -> list[IntakeProven]:
    """The first order or successful poll since intake was started."""
    return [IntakeProven(door=door)] if shop.intake and not shop.intake_proven else []


def choose_backlog(shop: Shop, choice: str, up_to: str) -> list[BacklogChosen]:
    """What happens with what was kept while intake was stopped. Raises ShopNotAccepted, ShopNotReady."""
    _connected(shop)
    if choice not in BACKLOG_CHOICES:
        raise ShopNotAccepted(f"choice {choice!r}; expected one of {', '.join(BACKLOG_CHOICES)}")
    return [BacklogChosen(choice=choice, up_to=up_to)]


def review(shop: Shop, reviewed: DryRunReviewed) -> list[DryRunReviewed]:
    """A person saw the difference between the mall's numbers and ours."""
    _connected(shop)
    return [reviewed]


def start_push(shop: Shop, *, kept_position: int, one_way: bool = False) -> list[PushStarted]:
    """在庫反映 起動. Never by surprise: intake runs and is proven, and a person reviewed the difference. Raises ShopNotReady."""
    _connected(shop)
    if shop.push:
        return []
    if not one_way and not shop.intake:
        raise ShopNotReady(
            "受注取込 is stopped; expected it to run first: start intake, or name it one-way display (order intake)"
        )
    if not one_way and not shop.intake_proven:
        raise ShopNotReady(
            "受注取込 is not proven; expected one order told or one successful poll since it was started"
        )
    if shop.reviewed_position == 0:
        raise ShopNotReady("nobody reviewed the difference; expected a dry run first: review it, then start 在庫反映")
    if not shop.reviewed_passed:
        raise ShopNotReady(
            "the guard stopped the reviewed dry run; expected it to be confirmed: review again and confirm"
        )
    return [PushStarted(reviewed_position=shop.reviewed_position, kept_position=kept_position, one_way=one_way)]


def stop_push(shop: Shop, on_their_way: int) -> list[PushStopped]:
    """在庫反映 停止; says how many numbers are still on their way."""
    return [PushStopped(on_their_way=on_their_way)] if shop.push else []


def pause(shop: Shop, cause: str) -> list[ShopPaused]:
    """自動停止 with a code; a shop that is not pushing, or is paused for the same cause, needs none."""
    return [ShopPaused(cause=cause)] if shop.push and shop.paused != cause else []


def resume(shop: Shop) -> list[ShopResumed]:
    """The cause of the pause is gone."""
    return [] if shop.paused is None else [ShopResumed(cause=shop.paused)]


def choose_send_type(shop: Shop, send_type: str) -> list[SendTypeChosen]:
    """送信タイプ: api or file. Raises ShopNotAccepted, ShopNotReady."""
    _connected(shop)
    if send_type not in SEND_TYPES:
        raise ShopNotAccepted(f"send type {send_type!r}; expected api or file")
    return [] if shop.send_type == send_type else [SendTypeChosen(send_type=send_type)]


def _connected(shop: Shop) -> None:
    if not shop.connected:
        raise ShopNotReady("the shop is not connected; expected `daicho shop add` first")
