"""Runs in bulk over GraphQL: previewed, applied as they were seen, stopped, taken back; and the set-up, mall beside mall."""

from datetime import datetime
from itertools import islice
from typing import Any

import strawberry

from adapters.kit.file_form import RowProblem
from api.graphql.context import Asked
from api.graphql.paging import Connection, connection, key_of
from api.graphql.run_nodes import (
    BesideNode,
    ConfirmInput,
    DifferenceNode,
    ImportApplied,
    ImportPreview,
    ImportProblem,
    ImportStopped,
    ImportUndoing,
    MallNumber,
    MovedNode,
    ReasonCount,
    RunNode,
    SetUpBooked,
    ToldShop,
)
from api.graphql.scalars import Count, Position
from api.jobs import answering, preview, reviewed, runs, set_up, undoing
from api.jobs.preview import Preview
from api.jobs.reviewed import Confirmed
from api.jobs.set_up import Beside
from api.jobs.undoing import MOVED_SHOWN_MAX
from api.tables import import_differences
from projections.reading import Found


@strawberry.type
class RunQueries:
    """Runs in bulk, and what waits for a choice."""

    @strawberry.field
    async def runs(self, info: Asked, first: int = 100, before: str | None = None) -> list[RunNode]:
        """Runs, newest first, those before the run ``before``: files of stock and products, choices, lists of listings and sets."""
        house = info.context.house
        return [_run(cells) for cells in await info.context.in_thread(runs.listed, house, first=first, before=before)]

    @strawberry.field
    async def run(self, info: Asked, import_id: str) -> RunNode:
        """One run, how far it came (``lastRow``, ``changed``), and the counts of its preview."""
        return _run(await info.context.in_thread(runs.shown, info.context.house, import_id))

    @strawberry.field
    async def import_differences(
        self, info: Asked, import_id: str, only: str = "all", first: int = 100, after: str | None = None
    ) -> Connection[DifferenceNode]:
        """Numbers that would change, as the last preview found them, by SKU. ``only``: all, to_zero, or first."""
        house = info.context.house
        begin = key_of(after, tuple[int, int]) or (0, 0)

        def read() -> Found[import_differences.Difference]:
            with house.pool.connection() as database:
                rows, more = import_differences.page(database, import_id, first=first, after=begin, kind=only)
            return Found(tuple(rows), more)

        found = await info.context.in_thread(read)
        return connection(
            found,
            lambda one: one.key,
            lambda one: DifferenceNode(sku=one.sku, row=Count(one.row), before=one.before, after=one.after),
            after=after,
        )

    @strawberry.field
    async def set_up(self, info: Asked, first: int = 100, after: str | None = None) -> Connection[BesideNode]:
        """SKUs whose malls disagree before any of them is pushed, with every number."""
        house = info.context.house
        behind = (key_of(after, tuple[str]) or ("",))[0]
        size = min(max(first, 1), 100)
        rows = await info.context.in_thread(lambda: list(islice(set_up.waiting(house, behind), size + 1)))
        return connection(Found(tuple(rows[:size]), len(rows) > size), lambda one: (one.sku,), _beside, after=after)


@strawberry.type
class RunMutations:
    """A file is sent by ``PUT /files/{shop}/{name}``; what becomes of it is said here."""

    @strawberry.mutation
    async def preview_import(self, info: Asked, import_id: str) -> ImportPreview:
        """What applying the staged import would do now; the differences are kept to be paged through."""
        return await info.context.in_thread(_previewed, info, import_id)

    @strawberry.mutation
    async def answer_import(
        self, info: Asked, import_id: str, owed: str | None = None, together: str | None = None
    ) -> ImportPreview:
        """Said once for the whole file: ``owed`` before or after, ``together`` same or divided; and its preview with that."""
        house = info.context.house

        def answered() -> ImportPreview:
            return _shown(info, import_id, answering.answer(house, import_id, owed=owed, together=together))

        return await info.context.in_thread(answered)

    @strawberry.mutation
    async def apply_import(self, info: Asked, import_id: str, confirm: ConfirmInput | None = None) -> ImportApplied:
        """The staged import is applied as it was previewed, or goes on where it stopped. More changes than the guard lets pass
        are refused until their counts are confirmed.
        """
        house, by = info.context.house, info.context.house.by(info.context.caller.actor)
        confirmed = Confirmed(confirm.numbers_changed, confirm.to_zero) if confirm else None
        done = await info.context.in_thread(reviewed.apply, house, import_id, by, confirmed=confirmed)
        return ImportApplied(
            import_id=import_id,
            position=Position(done.applied.position),
            changed=Count(done.applied.changed),
            unchanged=Count(done.applied.unchanged),
            skipped=_reasons(dict(done.applied.skipped)),
            moved_since_preview=Count(done.moved_count),
            moved=[
                MovedNode(sku=one.sku, shown_before=one.before, shown_after=one.after, stood_at=one.now)
                for one in done.moved
            ],
            decided_again=Count(done.applied.stale),
            note=done.note,
        )

    @strawberry.mutation
    async def cancel_import(self, info: Asked, import_id: str) -> ImportStopped:
        """The running import stops behind the chunk being applied; what is applied stays, and ``applied.csv`` lists it."""
        house, by = info.context.house, info.context.house.by(info.context.caller.actor)
        done = await info.context.in_thread(runs.cancel, house, import_id, by)
        return ImportStopped(import_id=import_id, position=Position(done.position))

    @strawberry.mutation
    async def undo_import(self, info: Asked, import_id: str, dry_run: bool = False) -> ImportUndoing:
        """Numbers are as before the import where nothing moved since. SKUs it registered and listings it linked stay."""
        house, by = info.context.house, info.context.house.by(info.context.caller.actor)
        if dry_run:
            done = await info.context.in_thread(undoing.look_back, house, import_id)
        else:
            done = await info.context.in_thread(undoing.undo, house, import_id, by)
        return ImportUndoing(
            import_id=import_id,
            position=Position(done.position),
            undone=Count(done.undone),
            already=Count(done.already),
            left=Count(len(done.moved)),
            moved=done.moved[:MOVED_SHOWN_MAX],
        )

    @strawberry.mutation
    async def choose_set_up(
        self, info: Asked, choice: str = "smallest", start: str | None = None, owed: str | None = None
    ) -> SetUpBooked:
        """One number is booked for every SKU whose malls disagree: smallest, a shop's, or start_minus_sales with the staged import
        ``start`` of our own form.
        """
        house, by = info.context.house, info.context.house.by(info.context.caller.actor)
        done = await info.context.in_thread(set_up.choose, house, choice, by, start=start, owed=owed)
        return SetUpBooked(
            import_id=done.choice_id,
            position=Position(done.position),
            changed=Count(done.changed),
            skipped=_reasons(dict(done.skipped)),
        )


def _previewed(info: Asked, import_id: str) -> ImportPreview:
    return _shown(info, import_id, preview.preview(info.context.house, import_id))


def _shown(info: Asked, import_id: str, seen: Preview) -> ImportPreview:
    house = info.context.house
    return ImportPreview(
        import_id=import_id,
        position=Position(seen.position),
        rows=Count(seen.rows),
        problem_count=Count(seen.problems),
        problems=[_problem(one) for one in preview.problems(house, import_id)],
        would_change=Count(seen.changed),
        same=Count(seen.unchanged),
        would_skip=_reasons(dict(seen.skipped)),
        new_listings=Count(seen.new_listings),
        new_skus=Count(seen.new_skus),
        first_numbers=Count(seen.first_numbers),
        to_zero=Count(seen.to_zero),
        sells_at_zero=Count(seen.sells_at_zero),
        numbers=Count(seen.numbers),
        numbers_changed=Count(seen.numbers_changed),
        switched=Count(seen.switched),
        would_tell=[
            ToldShop(
                shop=shop,
                up=Count(told.up),
                down=Count(told.down),
                to_zero=Count(told.to_zero),
                first=Count(told.first),
            )
            for shop, told in sorted(seen.told.items())
        ],
        same_file_as=seen.same_file,
        guarded=reviewed.guarded(house, import_id),
    )


def _run(cells: dict[str, Any]) -> RunNode:
    return RunNode(
        import_id=cells["import"],
        shop=cells["shop"],
        kind=cells["kind"],
        format=cells["format"],
        mode=cells["mode"],
        state=cells["state"],
        file=cells["file"],
        rows=cells["rows"],
        problems=cells["problems"],
        last_row=cells.get("lastRow"),
        changed=cells.get("changed"),
        skipped=cells.get("skipped"),
        undone=cells.get("undone"),
        kept=cells.get("kept"),
        made_at=datetime.fromisoformat(cells["madeAt"]),
        actor=cells["actor"],
        refused=cells["refused"],
        counts=cells.get("counts"),
    )


def _problem(one: RowProblem) -> ImportProblem:
    return ImportProblem(row=Count(one.row), column=one.column, value=one.value, expected=one.expected)


def _reasons(found: dict[str, int]) -> list[ReasonCount]:
    return [ReasonCount(reason=reason, count=Count(count)) for reason, count in sorted(found.items())]


def _beside(one: Beside) -> BesideNode:
    numbers = [
        MallNumber(shop=number.shop, units=Count(number.units), counted_at=number.counted_at) for number in one.numbers
    ]
    return BesideNode(sku=one.sku, available=one.available, smallest=Count(one.smallest.units), numbers=numbers)
