"""R7: the same command under the same key is done once and answered alike, however often and wherever it is sent."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from api.database import Database
from ledger.stock import NotEnough
from ledger.view import View, Wanted
from ledger.writer import Command, Decision, Done, KeyReused, Writer
from tests.ledger.rig import add, envelope, hold, key_of, level, new_writer, running_writer, whole_ledger

SENT = 100


def _sent_at_once(writers: list[Writer], key: str) -> list[Done]:
    """The same command a hundred times in parallel, over all of the writers."""
    together = threading.Barrier(SENT)

    def send(n: int) -> Done:
        together.wait(30)
        return writers[n % len(writers)].do(add("A", 5, key=key_of(key, "five of A")))

    with ThreadPoolExecutor(SENT) as callers:
        return list(callers.map(send, range(SENT)))


def test_one_key_sent_a_hundred_times_in_parallel_has_one_effect_and_one_answer(database: Database) -> None:
    with running_writer(database) as first, running_writer(database) as second:
        for round_number, writers in enumerate(([first], [first, second]), start=1):
            done = _sent_at_once(writers, f"k{round_number}")
            assert {(each.position, json.dumps(each.answer)) for each in done} == {
                (round_number, json.dumps({"on_hand": 5 * round_number}))
            }
            assert [each.facts for each in done if not each.replayed] == [1]
            assert {each.facts for each in done if each.replayed} == {0}
    assert level(database, "A") == (2, 10, 0)
    assert len(whole_ledger(database)) == 2


def test_a_key_used_with_another_input_is_refused_and_the_first_answer_stays(database: Database) -> None:
    with running_writer(database) as writer:
        first = writer.do(add("A", 5, key=key_of("k", "five")))
        with pytest.raises(KeyReused, match="key 'k' of tests was used with another input"):
            writer.do(add("A", 6, key=key_of("k", "six")))
        again = writer.do(add("A", 5, key=key_of("k", "five")))
    assert (again.position, again.answer, again.replayed) == (first.position, first.answer, True)
    assert level(database, "A") == (1, 5, 0)


def test_one_key_twice_in_one_commit_counts_once_and_another_input_is_refused(database: Database) -> None:
    writer = new_writer(database)
    commands = [
        add("A", 5, key=key_of("k", "five")),
        add("A", 5, key=key_of("k", "five")),
        add("A", 6, key=key_of("k")),
    ]
    futures = [writer.submit(command) for command in commands]
    assert writer.commit_waiting() == 3
    assert [future.result(0).replayed for future in futures[:2]] == [False, True]
    assert isinstance(futures[2].exception(0), KeyReused)
    assert level(database, "A") == (1, 5, 0)
    writer.close()


def test_scopes_keep_their_keys_apart(database: Database) -> None:
    writer = new_writer(database)
    from_one = Command(lambda view: Decision(answer={"scope": 1}), envelope(), key=key_of("k"))
    other = Command(
        lambda view: Decision(answer={"scope": 2}), envelope(), key=key_of("k").__class__("other", "k", b"d")
    )
    assert [writer.do(command).answer for command in (from_one, other, from_one)] == [
        {"scope": 1},
        {"scope": 2},
        {"scope": 1},
    ]
    writer.close()


def test_an_answer_is_kept_also_when_nothing_was_recorded(database: Database) -> None:
    """The first answer stays the answer, whatever has become true since."""
    writer = new_writer(database)

    def how_many(view: View) -> Decision:
        return Decision(answer={"on_hand": view.stock("A").on_hand_units})

    asked = Command(how_many, envelope(), Wanted(stocks={("main", "A")}), key_of("asked"))
    assert writer.do(asked).answer == {"on_hand": None}
    writer.do(add("A", 1))
    assert writer.do(asked).answer == {"on_hand": None}
    writer.close()
    another = new_writer(database)
    assert another.do(asked).replayed
    another.close()


def test_a_refused_command_keeps_no_key_and_may_be_sent_again(database: Database) -> None:
    writer = new_writer(database)
    strict = hold("A", 3, "h")
    keyed = Command(strict.decide, strict.envelope, strict.wanted, key_of("h"))
    writer.do(add("A", 2))
    with pytest.raises(NotEnough):
        writer.do(keyed)
    writer.do(add("A", 1))
    assert not writer.do(keyed).replayed
    assert writer.do(keyed).replayed
    assert level(database, "A") == (3, 3, 3)
    writer.close()


def test_answers_are_kept_with_the_time_they_were_given(database: Database) -> None:
    writer = new_writer(database)
    writer.do(add("A", 1, key=key_of("k")))
    writer.close()
    with psycopg.connect(database.conninfo()) as connection:
        statement = "SELECT k.kept_at = s.committed_at, k.position FROM command_keys k, ledger_seals s"
        assert connection.execute(statement).fetchall() == [(True, 1)]
