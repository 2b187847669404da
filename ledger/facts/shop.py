"""Facts of ``shop:<shop>``: a connected shop, its settings, and its switches."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class ShopConnected:
    """連携ショップ. Its identity is (mall, the mall's own shop id), for ever (D29)."""

    mall: str
    mall_shop_id: str
    match_key: str


@dataclass(frozen=True, kw_only=True)
class ShopSettingsChanged:
    """Settings that are no secrets, as codes and values; a name not listed keeps its value."""

    names: list[str]
    values: list[str]


@dataclass(frozen=True, kw_only=True)
class IntakeStarted:
    """受注取込 起動."""


@dataclass(frozen=True, kw_only=True)
class IntakeStopped:
    """受注取込 停止: what arrives is kept, not applied."""


@dataclass(frozen=True, kw_only=True)
class IntakeProven:
    """The first order or the first successful poll since intake was started. ``door`` says by which way."""

    door: str


@dataclass(frozen=True, kw_only=True)
class BacklogChosen:
    """What happens with what was kept while intake was stopped: take, counted (計上済) or skip."""

    choice: str
    up_to: str


@dataclass(frozen=True, kw_only=True)
class DryRunReviewed:
    """A person saw the difference. ``read_position``: the MallRead or import it was made from."""

    read_position: int
    listings: int
    changed: int
    to_zero: int
    unregistered: int
    sells_at_zero: int
    guard_passed: bool


@dataclass(frozen=True, kw_only=True)
class PushStarted:
    """在庫反映 起動. ``kept_position``: the read whose numbers can be put back; ``one_way`` the named exception (D22)."""

    reviewed_position: int
    kept_position: int
    one_way: bool = False


@dataclass(frozen=True, kw_only=True)
class PushStopped:
    """在庫反映 停止. ``on_their_way``: numbers whose answer is still open."""

    on_their_way: int


@dataclass(frozen=True, kw_only=True)
class ShopPaused:
    """自動停止, by a breaker or a rejected key. ``cause`` is a code."""

    cause: str


@dataclass(frozen=True, kw_only=True)
class ShopResumed:
    cause: str


@dataclass(frozen=True, kw_only=True)
class SendTypeChosen:
    """送信タイプ: api or file."""

    send_type: str


@dataclass(frozen=True, kw_only=True)
class SyncStarted:
    """一括同期 began. ``sync`` is its id; ``trigger`` is schedule or person."""

    sync: str
    trigger: str
    listings: int


@dataclass(frozen=True, kw_only=True)
class SyncFinished:
    sync: str
    sent: int
    same: int
    rejected: int
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class SyncPaused:
    """一括同期 waits where it is, until a person lets it go on."""

    sync: str


@dataclass(frozen=True, kw_only=True)
class SyncResumed:
    """一括同期 goes on where it was."""

    sync: str


@dataclass(frozen=True, kw_only=True)
class SyncSkipped:
    """A scheduled 一括同期 did not begin. ``reason`` is a code: maintenance, paused, not_pushing, missed, running."""

    due_at: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class NumbersPutBack:
    """The mall shows the numbers again that were kept from ``kept_position`` on: ``sent`` were told, ``same`` it showed still.

    ``rejected``: the mall did not take them; ``unlimited``: it showed no number then, which cannot be told.
    """

    kept_position: int
    listings: int
    sent: int
    same: int
    rejected: int
    unlimited: int


ShopFact: TypeAlias = (
    ShopConnected
    | ShopSettingsChanged
    | IntakeStarted
    | IntakeStopped
    | IntakeProven
    | BacklogChosen
    | DryRunReviewed
    | PushStarted
    | PushStopped
    | ShopPaused
    | ShopResumed
    | SendTypeChosen
    | SyncStarted
    | SyncFinished
    | SyncPaused
    | SyncResumed
    | SyncSkipped
    | NumbersPutBack
)
