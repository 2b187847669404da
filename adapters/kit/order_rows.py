"""Cells of order files, as forms read them: times, quantities, words of a state; and the telling they make."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from adapters.kit.japanese import label_key
from adapters.kit.order_form import CellProblem, OrderRow
from adapters.kit.order_mail import JST, count_in, moment_jst
from adapters.kit.profile import Profile
from ledger.terms import CancelReason, Door, OrderState, Telling, TellingLine

TIME_EXPECTED = "a date with a time of day, such as 2026-11-20 08:55:46"
QUANTITY_MAX = 999_999  # of one line: the most that the ledger takes
QUANTITY_EXPECTED = f"a whole number from 0 to {QUANTITY_MAX:,}"


def moment_of(cell: str) -> datetime | None:
    """A date with a time of day, as UTC: with its zone, else in Japan; None for anything else."""
    text = cell.strip()
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        written = None
    try:
        if written is not None and written.tzinfo is not None:
            return written.astimezone(UTC)
        if written is not None and len(text) > len("2026-11-20"):
            return written.replace(tzinfo=JST).astimezone(UTC)
    except OverflowError:
        return None
    return moment_jst(text)


def latest_moment(rows: Sequence[OrderRow], columns: Iterable[str]) -> datetime | None:
    """The latest time that these columns of the rows say."""
    found = (moment_of(row.get(column, "")) for row in rows for column in columns)
    return max((at for at in found if at is not None), default=None)


def state_named(word: str, profile: Profile) -> OrderState | None:
    """The state a word of the file means, by the profile's ``order_file.state_…``; None: nobody knows the word."""
    key = label_key(word)
    return next(
        (
            one
            for one in OrderState
            if any(key == label_key(known) for known in profile.texts(f"order_file.state_{one.value}"))
        ),
        None,
    )


def states_expected(profile: Profile) -> str:
    """The words of a state that are known, and where to add one."""
    known = [word for one in OrderState for word in profile.texts(f"order_file.state_{one.value}")]
    return f"one of {', '.join(known)}; another word is added by the shop's setting profile.order_file.state_…"


def quantity_of(cell: str) -> int | None:
    """The count in the cell; None for what is none."""
    units = count_in(cell)
    return units if units is not None and units <= QUANTITY_MAX else None


def telling_of(
    rows: Sequence[OrderRow],
    number: str,
    state: OrderState,
    line_of: Callable[[OrderRow], TellingLine | CellProblem | None],
    *,
    ordered_at: datetime | None,
    told_at: datetime,
    complete: bool,
    parser_version: int,
    reason: CancelReason = CancelReason.UNKNOWN,
) -> Telling | CellProblem:
    """What the rows tell of the order. Of a cancelled order no line is needed: all of it is cancelled."""
    cancelled = state is OrderState.CANCELLED
    lines: list[TellingLine] = []
    for place, row in enumerate(rows):
        line = line_of(row)
        if isinstance(line, CellProblem):
            if cancelled:
                lines = []
                break
            return CellProblem(place, line.column, line.expected)
        if line is not None:
            lines.append(line)
    return Telling(
        order=number,
        door=Door.CSV,
        told_at=told_at,
        state=state,
        complete=bool(lines) and (complete or cancelled),
        verified=True,
        lines=tuple(lines),
        parser_version=parser_version,
        ordered_at=ordered_at,
        reason=reason if cancelled else None,
    )
