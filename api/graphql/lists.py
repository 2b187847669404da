"""Lists that change listings and sets in bulk, as CSV text: the same lists and rules as ``daicho listing`` and ``daicho set``."""

from typing import Any

import strawberry

from adapters.kit.file_form import RowProblem
from api.graphql.context import Asked
from api.graphql.scalars import Count, Position
from api.jobs import listing_bulk
from api.jobs import listing_bulk_tasks as tasks
from api.jobs.listing_bulk import File, Outcome, Task
from api.projecting import catch_up
from api.wiring import House
from ledger.book import By

CSV_CHARACTERS_MAX = 500_000  # longer lists go by the command line
KINDS = ("link", "replace", "set")


class ListTooLong(ValueError):
    """More text than one request may carry."""


class KindNotKnown(ValueError):
    """What a list of listings may do is one of KINDS."""


@strawberry.type
class ListProblem:
    """A cell of a row that was refused: what it says, and what was expected."""

    row: int
    column: str
    value: str
    expected: str


@strawberry.type
class ListCount:
    """How many rows, sets or listings of this outcome there are."""

    name: str
    count: Count


@strawberry.type
class ListSent:
    """What a list did, or with ``dryRun`` would do. ``errorsCsv``: the refused rows, to be corrected and sent again.

    ``became`` counts rows or sets; ``states`` the listings whose state changed; ``effects`` pages that show another number.
    ``position`` is null when nothing was sent.
    """

    rows: Count
    blank: Count
    refused: Count
    became: list[ListCount]
    states: list[ListCount]
    effects: list[ListCount]
    unknown_columns: list[str]
    problems: list[ListProblem]
    errors_csv: str
    position: Position | None


@strawberry.type
class ListMutations:
    """一括更新 by CSV."""

    @strawberry.mutation
    async def send_listing_list(
        self,
        info: Asked,
        shop: str,
        kind: str,
        csv: str,
        dry_run: bool = False,
        relink: bool = False,
        confirm: bool = False,
    ) -> ListSent:
        """``kind``: link SKUs (一括更新:取り扱いショップ), replace the mall's codes, or set rules and states. Twice is harmless.

        ``relink``: rows may give listings another SKU. ``confirm``: you saw the preview, the guard against zeroes lets it pass.
        """
        context = info.context
        if kind not in KINDS:
            raise KindNotKnown(f"kind {kind!r}; expected one of {', '.join(KINDS)}")

        def task(house: House) -> Task[Any]:
            if kind == "link":
                return tasks.linking(house, shop, relink=relink)
            if kind == "replace":
                return tasks.replacing(house, shop)
            catch_up(house)
            return tasks.setting(house, shop)

        guard = shop if kind == "set" and not confirm else None
        by = context.house.by(context.caller.actor)
        return await context.in_thread(send_list, context.house, csv, task, by, dry_run=dry_run, guard=guard)

    @strawberry.mutation
    async def send_set_list(self, info: Asked, csv: str, dry_run: bool = False) -> ListSent:
        """セット商品: all rows of a set are its recipe for orders from here on. Twice is harmless."""
        context = info.context
        by = context.house.by(context.caller.actor)
        return await context.in_thread(
            send_list, context.house, csv, lambda _house: tasks.defining(), by, dry_run=dry_run, guard=None
        )


def send_list(house: House, csv: str, task_of: Any, by: By, *, dry_run: bool, guard: str | None) -> ListSent:
    """What the list did, or would do. Raises ListTooLong, FileRefused, NotConfirmed."""
    if len(csv) > CSV_CHARACTERS_MAX:
        raise ListTooLong(f"{len(csv)} characters; expected at most {CSV_CHARACTERS_MAX}: send it by the command line")
    file, errors = File("csv", lambda: [csv.encode("utf-8", "replace")]), bytearray()
    seen = done = listing_bulk.preview(house, file, task_of(house), by, errors=errors.extend)
    if not dry_run:
        if guard is not None:
            tasks.check_guard(house, guard, seen)
        errors.clear()
        done = listing_bulk.apply(house, file, task_of(house), by, errors=errors.extend)
    return ListSent(
        rows=Count(done.rows),
        blank=Count(done.blank),
        refused=Count(done.problems),
        became=_counts(done.became),
        states=_counts(done.states),
        effects=_counts(seen.effects),
        unknown_columns=list(done.unknown_columns),
        problems=[_problem(one) for one in done.shown],
        errors_csv=errors.decode("utf-8"),
        position=None if dry_run else _position(done),
    )


def _counts(found: dict[str, int]) -> list[ListCount]:
    return [ListCount(name=name, count=Count(count)) for name, count in sorted(found.items())]


def _problem(one: RowProblem) -> ListProblem:
    return ListProblem(row=one.row, column=one.column, value=one.value, expected=one.expected)


def _position(done: Outcome) -> Position | None:
    return Position(done.position) if done.position else None
