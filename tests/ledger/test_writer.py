"""Group commit: what is decided together, who fails alone, and what a writer reads when others write too."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass, replace

import psycopg
import pytest

from api.database import Database
from ledger import failpoint, keys, stock
from ledger.codec import Record
from ledger.commit import COPY_FACTS_MIN
from ledger.facts.sku import AliasAdded, SkuRegistered
from ledger.terms import MAIN_PLACE
from ledger.view import Draft, Fold, View, Wanted
from ledger.writer import ROUNDS_MAX, Command, Decision, LedgerUnavailable, Writer
from tests.ledger.rig import add, envelope, hold, key_of, level, new_writer, running_writer, whole_ledger


def _alias(aliases: tuple[str, ...], record: Record) -> tuple[str, ...]:
    return (*aliases, record.fact.alias) if isinstance(record.fact, AliasAdded) else aliases


ALIASES: Fold[tuple[str, ...]] = Fold((), _alias)


def alias(sku: str, name: str) -> Command:
    """The SKU has one more alias; the answer names those it had before."""

    def decide(view: View) -> Decision:
        before = view.state(keys.sku(sku), ALIASES)
        return Decision([Draft(keys.sku(sku), AliasAdded(name))], {"before": list(before)})

    return Command(decide, envelope())


def broken(error: Exception) -> Command:
    """A command whose decision goes wrong."""

    def decide(view: View) -> Decision:
        raise error

    return Command(decide, envelope())


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    """A writer without its thread: a test says when it commits."""
    made = new_writer(database)
    yield made
    made.close()


@pytest.fixture
def reached() -> Iterator[list[str]]:
    """The named places that were reached, in order."""
    names: list[str] = []
    failpoint.arm(names.append)
    yield names
    failpoint.arm(None)


def test_what_waits_is_committed_together_and_each_caller_gets_its_own_answer(
    database: Database, writer: Writer
) -> None:
    futures = [writer.submit(add("A", units)) for units in (1, 2, 3)]
    assert writer.commit_waiting() == 3
    assert [future.result(0).answer for future in futures] == [{"on_hand": 1}, {"on_hand": 3}, {"on_hand": 6}]
    assert [future.result(0).position for future in futures] == [1, 2, 3]
    assert [record.version for record in whole_ledger(database)] == [1, 2, 3]
    with psycopg.connect(database.conninfo()) as connection:
        assert connection.execute("SELECT first_position, last_position FROM ledger_seals").fetchall() == [(1, 3)]


@dataclass(frozen=True)
class Unwelcome:
    """A command that must fail, and what its caller is told."""

    command: Command
    error: type[Exception]


def _read_on(view: View, n: int) -> Decision:
    view.need(streams=[keys.sku(str(n))])
    return _read_on(view, n + 1)


TOO_MUCH = Command(lambda view: Decision(answer={"text": "x" * 5_000}), envelope(), key=key_of("too much"))
UNWELCOME = {
    "refused": Unwelcome(hold("A", 1_000, "h"), stock.NotEnough),
    "a number out of range": Unwelcome(add("A", 10_000_000), ValueError),
    "a NUL in a SKU": Unwelcome(add("A\0B", 1), psycopg.DataError),
    "half a character": Unwelcome(
        Command(lambda view: Decision([Draft(keys.sku("A"), AliasAdded("\ud800"))]), envelope()), UnicodeEncodeError
    ),
    "a key beyond the index": Unwelcome(
        add("A", 1, key=replace(key_of("k"), name="".join(f"{n:x}" for n in range(9_000)))), psycopg.OperationalError
    ),
    "an assertion": Unwelcome(broken(AssertionError("ours")), AssertionError),
    "a fault of ours": Unwelcome(broken(KeyError("ours")), KeyError),
    "an answer too long to keep": Unwelcome(TOO_MUCH, AssertionError),
    "a fact on a wrong stream": Unwelcome(
        Command(lambda view: Decision([Draft(keys.sku("A"), stock.receive(stock.Stock(), "s", "1", 1))]), envelope()),
        AssertionError,
    ),
    "reading without end": Unwelcome(Command(lambda view: _read_on(view, 1), envelope()), AssertionError),
}


@pytest.mark.parametrize("unwelcome", UNWELCOME.values(), ids=UNWELCOME.keys())
def test_one_bad_command_fails_alone(database: Database, writer: Writer, unwelcome: Unwelcome) -> None:
    before, bad, after = (writer.submit(command) for command in (add("A", 1), unwelcome.command, add("A", 2)))
    assert writer.commit_waiting() == 3
    assert isinstance(bad.exception(0), unwelcome.error)
    assert before.result(0).facts == after.result(0).facts == 1
    assert level(database, "A") == (2, 3, 0)
    assert len(whole_ledger(database)) == 2


def test_a_fault_beyond_commands_ends_the_writer_and_leaves_nobody_waiting(database: Database) -> None:
    """Memory or an interrupt: nothing is guessed, everyone is told, and the thread dies of it where all can see."""
    writer = new_writer(database)
    futures = [
        writer.submit(command) for command in (add("A", 1), broken(MemoryError()), replace(add("A", 1), alone=True))
    ]
    with pytest.raises(MemoryError):
        writer.run()
    assert "same key" in str(futures[0].exception(0))
    assert isinstance(futures[2].exception(0), LedgerUnavailable)
    with pytest.raises(LedgerUnavailable, match="stopping"):
        writer.submit(add("A", 1))
    assert whole_ledger(database) == []


def test_a_command_whose_caller_went_away_before_its_commit_is_not_recorded(database: Database, writer: Writer) -> None:
    gone, stays = writer.submit(add("A", 1)), writer.submit(add("A", 2))
    assert gone.cancel()
    assert writer.commit_waiting() == 1
    with pytest.raises(CancelledError):
        gone.result(0)
    assert stays.result(0).answer == {"on_hand": 2}
    assert not stays.cancel()
    assert level(database, "A") == (1, 2, 0)


def test_where_no_thread_runs_every_caller_commits_what_waits(database: Database, writer: Writer) -> None:
    with ThreadPoolExecutor(8) as callers:
        done = list(callers.map(lambda n: writer.do(add("A", 1, line=str(n))), range(200)))
    assert sorted(str(each.answer["on_hand"]) for each in done) == sorted(str(n) for n in range(1, 201))
    assert level(database, "A") == (200, 200, 0)
    whole_ledger(database)


def test_a_command_that_says_nothing_new_writes_nothing(database: Database, writer: Writer) -> None:
    writer.do(add("A", 1))
    done = writer.do(Command(lambda view: Decision(answer={"said": True}), envelope()))
    assert (done.facts, done.position, done.answer) == (0, 1, {"said": True})
    assert len(whole_ledger(database)) == 1


# ------------------------------------------------------------------ what is read


def test_a_decision_that_asks_for_more_is_asked_again_once_it_is_read(database: Database, writer: Writer) -> None:
    """Each stream names the next, as an order names its listing, the listing its SKU, the SKU its set."""
    asked: list[int] = []

    def decide(view: View) -> Decision:
        asked.append(len(asked))
        name = "first"
        while aliases := view.state(keys.sku(name), ALIASES):
            name = aliases[-1]
        return Decision([Draft(keys.stock(name), stock.receive(view.stock(name), "slip", "1", 7))], {"name": name})

    for name, following in (("first", "second"), ("second", "third"), ("third", "last")):
        writer.do(alias(name, following))
    assert writer.do(Command(decide, envelope())).answer == {"name": "last"}
    assert 1 < len(asked) <= ROUNDS_MAX
    assert level(database, "last") == (1, 7, 0)


def test_everything_a_decision_needs_can_be_read_in_one_round(writer: Writer, reached: list[str]) -> None:
    asked: list[int] = []

    def decide(view: View) -> Decision:
        asked.append(len(asked))
        view.need(skus=["A", "B"], streams=[keys.sku("A")], tails=[keys.push("s")], counts=[("A", "s")])
        assert view.count("A", "s") is None
        assert view.stock("B").on_hand_units is None
        assert view.state(keys.sku("A"), ALIASES) == ()
        assert view.tail(keys.push("s")) == []
        return Decision()

    writer.do(Command(decide, envelope()))
    assert len(asked) == 2
    assert reached == ["commit.locked", "commit.decided", "writer.before_answer", "writer.after_answer"]


def test_what_a_writer_remembers_is_right_when_another_writes_to_the_same_streams(database: Database) -> None:
    """Folded streams stay in memory between commits: only what is newer is read, and it is read."""
    first, second = new_writer(database), new_writer(database)
    told: list[object] = []
    for n in range(12):
        writer = first if n % 3 else second
        told.append(writer.do(alias("A", str(n))).answer["before"])
        writer.do(add("A", 1))
    assert told == [[str(before) for before in range(n)] for n in range(12)]
    assert [record.version for record in whole_ledger(database) if record.stream == "sku:A"] == list(range(1, 13))
    for writer in (first, second):
        writer.close()


def test_a_decision_sees_what_an_earlier_one_of_the_same_commit_wrote_by_another_way(
    database: Database, writer: Writer
) -> None:
    """The first writes to a stream it knows by its tail alone; the second folds the whole stream."""

    def by_tail(view: View) -> Decision:
        tail = view.tail(keys.sku("A"))
        return Decision([Draft(keys.sku("A"), AliasAdded("of the tail"))], {"tail": len(tail)})

    writer.do(alias("A", "before"))
    futures = [
        writer.submit(Command(by_tail, envelope(), Wanted({(MAIN_PLACE, "A")}, tails={keys.sku("A")}))),
        writer.submit(alias("A", "x")),
    ]
    futures.append(writer.submit(Command(by_tail, envelope())))
    writer.commit_waiting()
    assert [future.result(0).answer for future in futures] == [
        {"tail": 1},
        {"before": ["before", "of the tail", "of the tail"]},  # asked again after the third, which had all it needs
        {"tail": 2},
    ]
    assert writer.commits == 2
    assert [record.version for record in whole_ledger(database)] == [1, 2, 3, 4]


def test_a_long_command_goes_by_copy_and_is_sealed_as_any_other(
    database: Database, writer: Writer, reached: list[str]
) -> None:
    names = [f"SKU-{n:05}" for n in range(COPY_FACTS_MIN)]

    def decide(view: View) -> Decision:
        return Decision([Draft(keys.sku(name), SkuRegistered(name)) for name in names])

    writer.do(Command(decide, envelope(), Wanted(streams={keys.sku(name) for name in names}), alone=True))
    assert "commit.copied" in reached
    reached.clear()
    writer.do(replace(add("A", 1), alone=True))
    assert "commit.copied" not in reached
    assert [keys.parts_of(record.stream)[0] for record in whole_ledger(database)[:-1]] == names


def test_a_command_that_commits_alone_keeps_its_place_in_the_row(database: Database, writer: Writer) -> None:
    order = [add("A", 1), add("A", 2), replace(add("A", 3), alone=True), add("A", 4)]
    futures = [writer.submit(command) for command in order]
    assert [writer.commit_waiting() for _ in range(3)] == [2, 1, 1]
    assert [future.result(0).answer["on_hand"] for future in futures] == [1, 3, 6, 10]


# ------------------------------------------------------------------ several writers


def test_two_writers_of_one_process_lose_and_double_nothing(database: Database) -> None:
    with running_writer(database) as first, running_writer(database) as second, ThreadPoolExecutor(16) as callers:
        futures = [
            callers.submit(writer.do, add(sku, 1)) for _ in range(100) for writer in (first, second) for sku in "AB"
        ]
        positions = sorted(future.result(30).position for future in futures)
    assert positions == list(range(1, 401))
    assert level(database, "A") == level(database, "B") == (200, 200, 0)
    assert len(whole_ledger(database)) == 400


def test_a_stopping_writer_does_what_it_took_and_takes_no_more(database: Database) -> None:
    taken: list[Callable[[], object]] = []
    with running_writer(database) as writer:

        def ask() -> None:
            for _ in range(500):
                try:
                    taken.append(writer.submit(add("A", 1)).result)
                except LedgerUnavailable:
                    return

        callers = [threading.Thread(target=ask) for _ in range(4)]
        for caller in callers:
            caller.start()
        taken_first = writer.submit(add("A", 1))
        taken.append(taken_first.result)
        taken_first.result(30)
    for caller in callers:
        caller.join(10)
    for result in taken:
        result()
    assert level(database, "A") == (len(taken), len(taken), 0)


def test_two_merchants_write_to_their_own_ledgers(database: Database, second_database: Database) -> None:
    with running_writer(database) as first, running_writer(second_database) as second:
        for units, writer in ((1, first), (2, second), (3, first)):
            writer.do(add("A", units))
    assert level(database, "A") == (2, 4, 0)
    assert level(second_database, "A") == (1, 2, 0)
    assert {record.stream for record in whole_ledger(second_database)} == {keys.stock("A", MAIN_PLACE)}
