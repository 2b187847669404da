"""Facts of ``ledger``: the ledger itself was opened, or goes on in a new era after a restore."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class LedgerOpened:
    """The first fact. ``ledger_id`` is part of every digest."""

    ledger_id: str


@dataclass(frozen=True, kw_only=True)
class EraStarted:
    """A restore to a moment happened; cursors and fences of the era before are void. ``why`` is a code."""

    era: int
    why: str


LedgerFact: TypeAlias = LedgerOpened | EraStarted
