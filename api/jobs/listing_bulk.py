"""Lists that change listings in bulk: read through once and decided without recording, then decided page by page for good.

The first pass reads the whole file, so that a damaged one changes nothing, and says by the very rules of the second what each
row would do. Rows fail alone, with column, value and expectation. Stopped in the middle, the same file is sent again: what is
done already says nothing new. Memory is a page of rows and some hundred bytes a row for finding those that stand twice.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from typing import Any, Generic, TypeAlias, TypeVar

from adapters.kit.file_form import NotThisFormat, RowProblem
from adapters.kit.table import TableRefused, cell_of, columns_of, open_table
from adapters.kit.table_writing import TableWriter, unmarked
from adapters.kit.workbook import as_table
from api.jobs import runs
from api.jobs.imports import FileRefused, Progress
from api.jobs.listing_bulk_rows import SHOWN_MAX, Columns, Said
from api.wiring import House
from ledger.book import By, Verb
from ledger.book.list_rows import RowNotAccepted
from ledger.codec import Envelope
from ledger.reading import Look, look
from ledger.terms import SkuNotAccepted
from ledger.view import NotReadYet, View, Wanted
from ledger.writer import ROUNDS_MAX

PAGE_ROWS = 512  # two commits
ROWS_MAX = 1_000_000
PROBLEMS_SHOWN_MAX = 20
ERROR_COLUMNS = ("エラー行", "エラー列", "エラーの値", "正しい値")  # added to the rows of the error list

Asked = TypeVar("Asked")
Answer: TypeAlias = Mapping[str, object]
Line: TypeAlias = tuple[int, Sequence[str]]
Chunks: TypeAlias = Callable[[], Iterable[bytes]]  # the file from its beginning, as often as it is called
Sink: TypeAlias = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Item(Generic[Asked]):
    """What is done whole: one row, or the rows of one set. ``name`` stands once in a file; "" : it may stand again."""

    lines: Sequence[Line]
    asked: Asked | RowProblem
    name: str = ""


@dataclass(frozen=True)
class Task(Generic[Asked]):
    """One kind of list. ``items`` makes of lines what is done whole, ``verbs`` of a page of those what the ledger is asked.

    ``saying``: a file without one of these columns says nothing. ``effects`` counts what a decided row does to numbers, for
    the preview. ``apart``: pages do not rest on each other, so that a preview need not remember them. ``what`` and ``shop``
    name the run in the list of runs. A task is for one pass.
    """

    columns: Columns
    required: Sequence[str]
    items: Callable[[Iterable[Line], Callable[[Sequence[str]], Said], "Outcome"], Iterator[Item[Asked]]]
    verbs: Callable[[Sequence[tuple[int, Asked]]], Sequence[Verb | RowProblem]]
    saying: Sequence[str] = ()
    effects: Callable[[View, Asked], Mapping[str, int]] = lambda _view, _asked: {}
    apart: bool = True
    what: str = ""
    shop: str | None = None


@dataclass
class Outcome:
    """Rows of one pass by what became of them. Mutable: counted page by page.

    ``blank``: rows that say nothing. ``problems``: rows that were refused, the first of them in ``shown``. ``became`` counts
    what was done whole; ``states`` listings whose state changed, by the new one; ``effects``: see Task. ``unknown_columns``
    were passed over.
    """

    rows: int = 0
    blank: int = 0
    problems: int = 0
    shown: list[RowProblem] = field(default_factory=list)
    became: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    effects: Counter[str] = field(default_factory=Counter)
    unknown_columns: Sequence[str] = ()
    position: int = 0


@dataclass(frozen=True)
class File:
    """The list a person sent. ``name`` is only shown."""

    name: str
    chunks: Chunks


def preview(
    house: House, file: File, task: Task[Any], by: By, *, errors: Sink | None = None, progress: Progress | None = None
) -> Outcome:
    """What sending the list would do now, by the very rules of ``apply``; nothing is recorded. Raises FileRefused.

    ``errors`` is given the error list: the refused rows as they stand, with what is wrong, to be corrected and sent again.
    """
    now = house.clock.now()
    envelope = Envelope(now, by.actor, by.trace, None, by.cause)
    with house.pool.connection() as connection, look(connection, house.database.schema, now) as seen:
        ahead = _Ahead(seen, envelope, task)
        return _Pass(file, task, ahead.decide, errors, progress).run()


def apply(
    house: House, file: File, task: Task[Any], by: By, *, errors: Sink | None = None, progress: Progress | None = None
) -> Outcome:
    """Every row that the rules take is done and durable; the others are refused, each alone. Raises FileRefused."""

    def decide(verbs: Sequence[Verb], _asked: Sequence[Any], outcome: Outcome) -> list[Answer | Exception]:
        answers: list[Answer | Exception] = []
        for done in house.book.do_page([(verb, by) for verb in verbs]):
            if isinstance(done, Exception):
                answers.append(done)
            else:
                outcome.position = max(outcome.position, done.position)
                answers.append(done.answer)
        return answers

    kind = runs.LISTINGS if task.shop is not None else runs.SETS
    run_id = runs.begin(house, by, kind=kind, what=task.what, file_name=file.name, shop=task.shop)
    whole = _Pass(file, task, decide, errors, progress)
    state = runs.STOPPED
    try:
        outcome = whole.run()
        state = runs.FINISHED
    finally:
        done = whole.outcome
        runs.end(house, run_id, state=state, rows=done.rows, problems=done.problems, counts=dict(done.became))
    return outcome


def one_by_one(
    columns: Columns,
    read: Callable[[int, Said], Asked | RowProblem | None],
    name_of: Callable[[Asked], str],
) -> Callable[[Iterable[Line], Callable[[Sequence[str]], Said], Outcome], Iterator[Item[Asked]]]:
    """Each row is done by itself; of two that name the same thing the second is the mistake, as in our own stock form."""

    def items(
        lines: Iterable[Line], said_of: Callable[[Sequence[str]], Said], outcome: Outcome
    ) -> Iterator[Item[Asked]]:
        stood: dict[bytes, int] = {}
        for line, cells in lines:
            said = said_of(cells)
            asked = read(line, said)
            if asked is None:
                outcome.blank += 1
                continue
            if not isinstance(asked, RowProblem):
                digest = blake2b(name_of(asked).encode("utf-8", "surrogatepass"), digest_size=8).digest()
                before = stood.setdefault(digest, line)
                if before != line:
                    first = "item" if said.get("item") else "sku"
                    expected = f"one row for each; this one stood in row {before}"
                    asked = RowProblem(line, columns[first][0], said.get(first, "")[:SHOWN_MAX], expected)
            yield Item([(line, cells)], asked)

    return items


# ------------------------------------------------------------------ one pass over the file


class _Pass(Generic[Asked]):
    """One reading of the file. Mutable: the outcome and the error list grow."""

    def __init__(
        self,
        file: File,
        task: Task[Asked],
        decide: Callable[[Sequence[Verb], Sequence[Asked], Outcome], list[Answer | Exception]],
        errors: Sink | None,
        progress: Progress | None,
    ) -> None:
        self._file, self._task, self._decide, self._errors, self._progress = file, task, decide, errors, progress
        self._outcome = Outcome()
        self._header: Sequence[str] = ()
        self._places: Mapping[str, int] = {}
        self._kept: Sequence[int] = ()
        self._writer: TableWriter | None = None

    @property
    def outcome(self) -> Outcome:
        """What became of the rows so far."""
        return self._outcome

    def run(self) -> Outcome:
        """All rows are done. Raises FileRefused for what is no such list; a row's own fault is only counted."""
        try:
            table = open_table(as_table(self._file.chunks()))
            self._open(table.header)
            lines = self._counted(table.rows)
            items = self._task.items(lines, self._said, self._outcome)
            while page := list(islice(items, PAGE_ROWS)):
                self._page(page)
                if self._progress is not None:
                    self._progress(self._outcome.rows, 0)
        except TableRefused as refused:
            raise FileRefused(f"{self._file.name}: {refused}") from None
        if self._writer is not None and self._errors is not None:
            self._errors(self._writer.rest())
        return self._outcome

    def _open(self, header: Sequence[str]) -> None:
        task = self._task
        places = columns_of(header, task.columns, required=task.required)
        if isinstance(places, NotThisFormat):
            raise FileRefused(f"{self._file.name}: {places.reason}; expected the columns {_names(task.columns)}")
        if task.saying and not any(column in places for column in task.saying):
            said = _names({column: task.columns[column] for column in task.saying})
            raise FileRefused(f"{self._file.name}: none of its columns says what to change; expected one of {said}")
        self._header, self._places = header, places
        self._kept = [at for at, name in enumerate(header) if name not in ERROR_COLUMNS]
        known = set(places.values())
        self._outcome.unknown_columns = [header[at] for at in self._kept if at not in known and header[at]]

    def _counted(self, rows: Iterable[Line]) -> Iterator[Line]:
        for line, cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            self._outcome.rows += 1
            if self._outcome.rows > ROWS_MAX:
                raise FileRefused(
                    f"{self._file.name}: more than {ROWS_MAX:,} rows; expected lists of at most so many: split it"
                )
            yield line, cells

    def _said(self, cells: Sequence[str]) -> Said:
        return {column: unmarked(cell_of(cells, place)) for column, place in self._places.items()}

    def _page(self, page: Sequence[Item[Asked]]) -> None:
        understood = [(n, one.asked) for n, one in enumerate(page) if not isinstance(one.asked, RowProblem)]
        wrong = {n: one.asked for n, one in enumerate(page) if isinstance(one.asked, RowProblem)}
        asked: list[tuple[int, Asked]] = []
        verbs: list[Verb] = []
        for (n, row), verb in zip(
            understood, self._task.verbs([(page[n].lines[0][0], row) for n, row in understood]), strict=True
        ):
            if isinstance(verb, RowProblem):
                wrong[n] = verb
            else:
                asked.append((n, row))
                verbs.append(verb)
        answers = self._decide(verbs, [row for _, row in asked], self._outcome)
        for (n, _), answer in zip(asked, answers, strict=True):
            if isinstance(answer, Exception):
                wrong[n] = self._problem(page[n], answer)
            else:
                self._take(answer)
        for n in sorted(wrong):
            self._refuse(page[n], wrong[n])

    def _take(self, answer: Answer) -> None:
        self._outcome.became[str(answer["became"])] += 1
        states = answer.get("states", ())
        assert isinstance(states, list | tuple), states
        self._outcome.states.update(str(state) for state in states)

    def _problem(self, item: Item[Asked], refused: Exception) -> RowProblem:
        """The refusal of the ledger as a problem of the row's cell. Raises what is no refusal of a row."""
        line, cells = item.lines[0]
        if isinstance(refused, RowNotAccepted):
            column, expected = refused.column, refused.expected
        elif isinstance(refused, SkuNotAccepted):
            column, expected = "sku", str(refused)
        else:
            raise refused
        shown = self._said(cells).get(column, "")[:SHOWN_MAX]
        name = self._header[self._places[column]] if column in self._places else self._task.columns[column][0]
        return RowProblem(line, name, shown, expected)

    def _refuse(self, item: Item[Asked], problem: RowProblem) -> None:
        self._outcome.problems += len(item.lines)
        if len(self._outcome.shown) < PROBLEMS_SHOWN_MAX:
            self._outcome.shown.append(problem)
        if self._errors is None:
            return
        if self._writer is None:
            self._writer = TableWriter([*(self._header[at] for at in self._kept), *ERROR_COLUMNS])
        for line, cells in item.lines:
            here = problem.row == line
            said = (problem.column, problem.value, problem.expected)
            beside = ("", "", f"row {problem.row} put right: its rows are done together")
            own = [unmarked(cell_of(cells, at)) for at in self._kept]
            for chunk in self._writer.add([*own, line, *(said if here else beside)]):
                self._errors(chunk)


def _names(columns: Columns) -> str:
    return ", ".join(f"{spellings[0]} ({name})" for name, spellings in columns.items())


# ------------------------------------------------------------------ deciding without recording


class _Ahead:
    """Decides verbs as the ledger stands at the look's position, each seeing what those before it would have done."""

    def __init__(self, seen: Look, envelope: Envelope, task: Task[Any]) -> None:
        self._seen, self._envelope, self._task = seen, envelope, task

    def decide(self, verbs: Sequence[Verb], asked: Sequence[Any], outcome: Outcome) -> list[Answer | Exception]:
        """The answer or refusal of each."""
        seen = self._seen.again() if self._task.apart else self._seen
        wanted = Wanted()
        for verb in verbs:
            wanted.add(verb.wanted)
        if wanted:
            seen.read(wanted)
        answers: dict[int, Answer | Exception] = {}
        left: Sequence[int] = range(len(verbs))
        for _ in range(ROUNDS_MAX):
            wanted, again = Wanted(), []
            for n in left:  # as the writer does: what needs more to be read waits, so that all of it is read at once
                try:
                    answers[n] = self._one(seen.view, verbs[n], asked[n], outcome)
                except NotReadYet as more:
                    wanted.add(more.wanted)
                    again.append(n)
            if not again:
                return [answers[n] for n in range(len(verbs))]
            seen.read(wanted)
            left = again
        raise AssertionError(f"{verbs[left[0]].name} asked for more than {ROUNDS_MAX} times")

    def _one(self, view: View, verb: Verb, asked: Any, outcome: Outcome) -> Answer | Exception:
        try:
            decided = verb.decide(view)
            view.apply(decided.drafts, self._envelope)
        except ValueError as refused:
            return refused
        outcome.effects.update(self._task.effects(view, asked))
        return decided.answer
