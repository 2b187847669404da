"""A connected shop: its settings and its switches (受注取込, 在庫反映), and what must be true before each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

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
from ledger.terms import utc_text
from ledger.view import Fold

SHOP_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
SEND_TYPES = ("api", "file")
TAKE, COUNTED, SKIP = BACKLOG_CHOICES = ("take", "counted", "skip")


class ShopNotReady(ValueError):
    """The switch cannot be turned now; the message says what is missing and the next step."""


class ShopNotAccepted(ValueError):
    """The shop cannot be connected so; the message says what was seen and what was expected."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a person chose for the orders of the time from ``since`` ("": the beginning) to ``up_to``, when intake stood still.

    ``position`` is that of the BacklogChosen, which 計上済 units are counted against.
    """

    choice: str
    since: str
    up_to: str
    position: int

    def holds(self, moment: datetime) -> bool:
        """Whether the moment is of that time."""
        return self.since < utc_text(moment) <= self.up_to


@dataclass(frozen=True)
class Shop:
    """The shop as its stream says. ``intake_proven``: one order or one successful poll since intake was started.

    ``stopped_at``: when intake was stopped last, "" when it never ran; ``backlogs`` what was chosen at each start, oldest first.
    """

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
    stopped_at: str = ""
    backlogs: tuple[Backlog, ...] = ()

    @property
    def connected(self) -> bool:
        return bool(self.mall)

    @property
    def pushing(self) -> bool:
        """Whether numbers may leave now: switched on, not paused, and fed by orders (D22)."""
        return self.push and self.paused is None and (self.one_way or (self.intake and self.intake_proven))

    def backlog_of(self, received_at: datetime, placed_at: datetime) -> Backlog | None:
        """The choice a message falls under: it was kept while intake stood still, or tells of that time and comes late."""
        found = (one for one in reversed(self.backlogs) if one.holds(received_at) or one.holds(placed_at))
        return next(found, None)


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
            return replace(after, intake=False, intake_proven=False, stopped_at=utc_text(record.envelope.at))
        case BacklogChosen(choice=choice, up_to=up_to):
            chosen = Backlog(choice, shop.stopped_at, up_to, record.position)
            return replace(after, backlogs=(*shop.backlogs, chosen))
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


def start_intake(
    shop: Shop, *, backlog: str | None = None, up_to: str = "", now: str = ""
) -> list[BacklogChosen | IntakeStarted]:
    """受注取込 起動. ``backlog``: what happens with what was kept until ``up_to`` (``now`` when not said). Raises ShopNotReady, ShopNotAccepted."""
    _connected(shop)
    if backlog is None:
        return [] if shop.intake else [IntakeStarted()]
    if backlog not in BACKLOG_CHOICES:
        raise ShopNotAccepted(f"backlog {backlog!r}; expected one of {', '.join(BACKLOG_CHOICES)}")
    if shop.intake:
        raise ShopNotReady(
            "受注取込 runs already: what was kept is taken; expected the choice at the start, after a stop"
        )
    if up_to and not shop.stopped_at < up_to <= now:
        since = f"after it was stopped, {shop.stopped_at}" if shop.stopped_at else "a time"
        raise ShopNotAccepted(f"backlog up to {up_to}; expected {since}, and not after now, {now}")
    return [BacklogChosen(choice=backlog, up_to=up_to or now), IntakeStarted()]


def stop_intake(shop: Shop, on_their_way: int) -> list[IntakeStopped | PushStopped]:
    """受注取込 停止: what arrives is kept. 在庫反映 stops with it, unless it is the named one-way display (D22)."""
    facts: list[IntakeStopped | PushStopped] = [IntakeStopped()] if shop.intake else []
    if shop.push and not shop.one_way:
        facts.append(PushStopped(on_their_way=on_their_way))
    return facts


def prove_intake(shop: Shop, door: str) -> list[IntakeProven]:
    """The first order or successful poll since intake was started."""
    return [IntakeProven(door=door)] if shop.intake and not shop.intake_proven else []


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
