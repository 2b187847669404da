"""Facts of ``push:<shop>`` and ``read:<shop>``: what a mall was told, what it answered, what it showed.

Lists are parallel; ``listings`` are ListingKeys as ``keys.listing_text`` writes them.
"""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class PushSent:
    """One request, durable before its first byte leaves. Its id is ``request``.

    ``units`` count listings (divided by 入数). ``computed_at`` is the ledger position the numbers were computed at.
    ``expected_before`` None: it was uncertain. ``look_position``: the read that came first (0: none was needed).
    ``dead_after``: the time from which the request can no longer apply when no answer was seen.
    """

    request: str
    channel: str
    triggers: list[str]
    listings: list[str]
    units: list[int]
    computed_at: int
    expected_before: list[int | None]
    look_position: int
    look_at: str | None
    dead_after: str
    attempt: int
    sync: str | None
    parent_request: str | None


@dataclass(frozen=True, kw_only=True)
class PushAnswered:
    """``outcomes`` are Result codes. The mall applied it between ``applied_from`` and ``applied_until`` when it did."""

    request: str
    outcomes: list[str]
    codes: list[str]
    sent_at: str
    applied_from: str
    applied_until: str


@dataclass(frozen=True, kw_only=True)
class PushSettled:
    """The end of a file or feed, or of an unknown answer, by the evidence of ``evidence_position``."""

    request: str
    outcomes: list[str]
    codes: list[str]
    applied_from: str
    applied_until: str
    evidence_position: int


@dataclass(frozen=True, kw_only=True)
class MallRead:
    """What a mall showed. ``units`` None: unlimited or not set, which is not zero. ``found`` False: it does not know it.

    ``known_position``: the ledger position up to which orders were known when it was asked (0: not stated): what they sold
    is inside ``units``, whatever the clocks say. An order told after it may be inside or not.
    """

    door: str
    listings: list[str]
    units: list[int | None]
    found: list[bool]
    sellable: list[bool]
    read_at: str
    known_position: int = 0


@dataclass(frozen=True, kw_only=True)
class OrdersLooked:
    """The shop's orders up to ``up_to`` were asked for; ``found`` orders were new."""

    door: str
    up_to: str
    found: int


@dataclass(frozen=True, kw_only=True)
class DriftFound:
    """在庫照合: listings of the run whose mall's number is not what the ledger says, or that a rule explains.

    ``classes`` say why, ``evidence`` which facts and orders show it (codes such as ``push:123``, tab-separated). ``known_positions``
    is the position as of which told, expected and wanted are; ``read_positions`` that of the reading.
    """

    run: str
    listings: list[str]
    read_units: list[int | None]
    told_units: list[int | None]
    expected_units: list[int | None]
    wanted_units: list[int | None]
    classes: list[str]
    evidence: list[str]
    sure: list[bool]
    read_positions: list[int]
    known_positions: list[int]


@dataclass(frozen=True, kw_only=True)
class MallReconciled:
    """A shop was read back and held against what it was told. ``trigger``: person, shadow. ``listings`` were looked at, of
    which ``same`` show what we know and want; ``agree`` show what we want, whoever set it. ``classes`` and ``counts`` are parallel.
    """

    run: str
    door: str
    trigger: str
    listings: int
    same: int
    agree: int
    classes: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    began_at: str = ""


@dataclass(frozen=True, kw_only=True)
class DriftMended:
    """A person decided what to do about differences. ``how``: push_again or take_mall_number."""

    run: str
    how: str
    listings: list[str]


PushFact: TypeAlias = PushSent | PushAnswered | PushSettled
ReadFact: TypeAlias = MallRead | OrdersLooked | DriftFound | MallReconciled | DriftMended
