"""A staged file is applied as a person saw it: previewed first, guarded against surprises, and what moved since is said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.cli.output import Cell
from api.jobs import applying
from api.jobs.applying import Applied, Seen
from api.jobs.imports import Progress, shop_of, staged
from api.jobs.preview import preview
from api.tables import import_differences
from api.tables.import_differences import Moved, Review
from api.tables.imports import ImportFile
from api.wiring import House
from ledger import keys, load
from ledger.book import By
from ledger.terms import MAIN_PLACE

GUARDED_FROM = 50  # numbers that change; of a small file a share says little, unless the shop sets its own
MOVED_MAX = 200  # more SKUs that moved since the preview make it a thing of the past
MOVED_SHOWN_MAX = 20


class NotConfirmed(ValueError):
    """The file changes more than the guard lets pass, and nobody said that this was seen."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The counts a person saw and names: numbers that change, and those that go to 0."""

    changed: int
    to_zero: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was applied; ``moved``: SKUs whose stock had moved since they were shown, first MOVED_SHOWN_MAX, of
    ``moved_count``; ``note``: what follows from it, for the person.
    """

    applied: Applied
    moved: Sequence[Moved]
    moved_count: int
    note: str = ""

    def cells(self) -> dict[str, Cell]:
        """As the command line and the doors show it."""
        done = self.applied
        cells: dict[str, Cell] = {
            "changed": done.changed,
            "unchanged": done.unchanged,
            "skipped": dict(done.skipped),
            "position": done.position,
            "movedSincePreview": self.moved_count,
            "decidedAgain": done.stale,
        }
        if self.moved:
            cells["moved"] = [
                {"sku": one.sku, "shownBefore": one.before, "shownAfter": one.after, "stoodAt": one.now}
                for one in self.moved
            ]
        if self.note:
            cells["note"] = self.note
        return cells


def confirmation(text: str) -> Confirmed:
    """What ``--confirm 412,120`` names. Raises NotConfirmed."""
    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isascii() and part.strip().isdecimal() for part in parts):
        raise NotConfirmed(f"confirmation {text!r}; expected the two counts that the preview shows, as in 412,120")
    return Confirmed(int(parts[0]), int(parts[1]))


def apply(
    house: House,
    import_id: str,
    by: By,
    progress: Progress | None = None,
    *,
    confirmed: Confirmed | None = None,
) -> Outcome:
    """The previewed rows are applied, by the numbers as they stand now. Stopped in the middle, the same call goes on.

    A file that was not previewed is previewed first. Raises NotConfirmed, and what ``applying.apply`` raises.
    """
    file = staged(house, import_id)
    if house.look(keys.load(import_id), load.FOLD).state == load.RUNNING:
        return Outcome(applying.apply(house, import_id, by, progress), (), 0)
    review, moved = _reviewed(house, import_id)
    changed, to_zero = _count(review, "numbersChanged"), _count(review, "toZero")
    passes = _within_guard(house, file, review.counts, changed=changed, to_zero=to_zero)
    if not passes and confirmed != Confirmed(changed, to_zero):
        raise NotConfirmed(_sentence(house, file, review, confirmed))
    seen = Seen(review.position, changed, to_zero, confirmed=not passes)
    done = applying.apply(house, import_id, by, progress, seen=seen)
    return Outcome(done, moved[:MOVED_SHOWN_MAX], len(moved), _note(file, done))


def guarded(house: House, import_id: str) -> bool:
    """Whether applying the previewed file needs a person's word."""
    file = staged(house, import_id)
    review, _ = _reviewed(house, import_id)
    changed, to_zero = _count(review, "numbersChanged"), _count(review, "toZero")
    return not _within_guard(house, file, review.counts, changed=changed, to_zero=to_zero)


def _note(file: ImportFile, done: Applied) -> str:
    if file.shop is not None and file.mode == "add" and done.changed:
        return (
            "追加: 在庫反映を起動すると、すべてのモールに合計の在庫数が表示されます (every mall will now show the sum)"
        )
    if done.skipped.get(load.BESIDE):
        return (
            f"{done.skipped[load.BESIDE]}件は別のモールの在庫数と違うため保留中です (they wait for a choice): `daicho setup show`,"
            " `daicho setup choose`"
        )
    return ""


def _reviewed(house: House, import_id: str) -> tuple[Review, list[Moved]]:
    """The last preview, made anew when there is none or too much moved since, and what moved since."""
    with house.pool.connection() as connection:
        review = import_differences.review_of(connection, import_id)
        moved = import_differences.moved(connection, review, MAIN_PLACE) if review else []
    if review is not None and len(moved) <= MOVED_MAX:
        return review, moved
    preview(house, import_id)
    with house.pool.connection() as connection:
        made = import_differences.review_of(connection, import_id)
    assert made is not None, import_id
    return made, []


def _within_guard(house: House, file: ImportFile, counts: Mapping[str, Any], *, changed: int, to_zero: int) -> bool:
    percent, zeroes, own = _limits(house, file)
    if to_zero > zeroes:
        return False
    if changed < GUARDED_FROM and not own:
        return True
    return changed * 100 <= percent * int(counts["numbers"])


def _limits(house: House, file: ImportFile) -> tuple[int, int, bool]:
    """Percent of numbers changed, numbers to 0, and whether the percentage is the shop's own."""
    said = shop_of(house, file.shop).settings if file.shop else {}
    percent = said.get("guard.changed_percent")
    zeroes = said.get("guard.to_zero", house.settings.import_to_zero)
    return int(percent or house.settings.import_changed_percent), int(zeroes), percent is not None


def _sentence(house: House, file: ImportFile, review: Review, confirmed: Confirmed | None) -> str:
    percent, zeroes, _ = _limits(house, file)
    changed, to_zero = _count(review, "numbersChanged"), _count(review, "toZero")
    whose = f"shop {file.shop}" if file.shop else "our own"
    named = f" (confirmed were {confirmed.changed},{confirmed.to_zero})" if confirmed else ""
    return (
        f"import {file.import_id}: {changed} of {review.counts['numbers']} numbers of {whose} would change and {to_zero} would go to 0"
        f"{named}; expected at most {percent} % and {zeroes}, or these counts confirmed: look at"
        f" `daicho imports differences {file.import_id}`, then say --confirm {changed},{to_zero}"
    )


def _count(review: Review, name: str) -> int:
    value = review.counts[name]
    assert isinstance(value, int), (name, value)
    return value
