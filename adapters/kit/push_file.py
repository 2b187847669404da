"""How numbers reach a mall in one batch that it takes now and applies later: a file in a folder, an upload, a feed.

A batch is named by its request: 24 hexadecimal digits that stand in the name of its file, so that it is found again by
whoever goes on after a crash. ``submit`` hands it over, ``follow`` asks what became of it until it is finished.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from adapters.kit.files_over import MallFiles
from adapters.kit.mall import ConnectionTested, ReadFailed, ShopAccess
from ledger.terms import ListingKey, ListingLevel, Outcome, Result

BATCH_LISTINGS_MAX = 5_000  # one fact a batch


@dataclass(frozen=True, slots=True)
class BatchAccess:
    """What a batch needs: the shop's access, its folders (None: the mall takes batches over HTTP) and a wait in seconds."""

    shop: ShopAccess
    files: MallFiles | None
    sleep: Callable[[float], None]

    def folders(self) -> MallFiles:
        """The shop's folders, of a mall that takes files."""
        assert self.files is not None, "this mall's batches are files: its shop has folders"
        return self.files


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch. ``sent_at``: it left no earlier. ``ticket``: the mall's own name of it; "": it has none, or it was lost."""

    request: str
    levels: tuple[ListingLevel, ...]
    sent_at: datetime
    ticket: str = ""

    def outcomes(self, outcome: Outcome) -> tuple[Outcome, ...]:
        """The same outcome for every listing."""
        return (outcome,) * len(self.levels)


@dataclass(frozen=True, slots=True)
class Given:
    """One outcome a listing, in order: accepted where the mall has yet to apply it, unknown where it may have the batch."""

    outcomes: tuple[Outcome, ...]
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The mall has the batch. ``taken``: it may be applying it or have applied it. ``code``: where it stands."""

    code: str
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """The end as the mall tells it: one outcome a listing, in order. Accepted: it took the number and shows it later; unknown:
    it does not tell.
    """

    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class NotThere:
    """Nothing of the batch is to be seen: it never arrived, or it was taken and left no trace. ``certain``: it never arrived."""

    certain: bool = False


Followed: TypeAlias = Unfinished | Finished | NotThere | ReadFailed


def _one_group(_key: ListingKey) -> str:
    return ""


def _never_withdrawn(_access: BatchAccess, _batch: Batch) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class PushFile:
    """Batches to one mall. No function raises for what the mall does.

    ``channel``: file, upload or feed. ``may_submit`` None: the mall would take one now; else the code of what is in the
    way. ``withdraw``: the mall no longer has the batch and never took it up. ``test``: a reading call that shows whether
    batches could be handed over. ``rows_max`` listings a batch; ``group``: only listings of one group are in one batch.
    ``per_second``: how often one may be handed over. ``call_seconds_max``: the longest one of these calls takes.
    ``look_seconds``: between two askings. ``unknown_after_seconds``: from then on a batch of which nothing is known can no
    longer be applied. ``from_rows``: also of a shop that sends by API, from so many listings at once; None: never.
    ``over_folder``: it needs the settings of ``kit/file_settings.py``.
    """

    channel: str
    submit: Callable[[BatchAccess, Batch], Given]
    follow: Callable[[BatchAccess, Batch], Followed]
    may_submit: Callable[[BatchAccess], str | ReadFailed | None]
    test: Callable[[BatchAccess], ConnectionTested]
    rows_max: int
    per_second: float
    call_seconds_max: float
    look_seconds: float
    unknown_after_seconds: float
    withdraw: Callable[[BatchAccess, Batch], bool] = _never_withdrawn
    group: Callable[[ListingKey], str] = _one_group
    from_rows: int | None = None
    over_folder: bool = False

    def __post_init__(self) -> None:
        assert self.channel in ("file", "upload", "feed"), self.channel
        assert 0 < self.rows_max <= BATCH_LISTINGS_MAX, self.rows_max


def finished_but(batch: Batch, rejected: dict[int, str]) -> Finished:
    """Applied, except the listings at these places, which were rejected with these codes."""
    applied = Outcome(Result.APPLIED)
    return Finished(
        tuple(Outcome(Result.REJECTED, rejected[at]) if at in rejected else applied for at in range(len(batch.levels)))
    )


def places_of(batch: Batch, keys: Iterable[ListingKey]) -> set[int]:
    """Where these listings stand in the batch."""
    wanted = set(keys)
    return {at for at, level in enumerate(batch.levels) if level.key in wanted}
