"""Turns by key: one at a time for a key, many keys beside each other, nothing said meanwhile lost, faults tried again."""

import threading
from collections.abc import Callable

from structlog.testing import capture_logs

from api.jobs.turns import NOTHING, Turns
from api.wiring import start_thread
from tests.api.jobs.test_worker import ENOUGH, until


def turns_of(turn: Callable[[str], float], *, at_once_max: int = 16) -> Turns:
    return Turns("push", turn, at_once_max=at_once_max, start_thread=start_thread)


def test_shops_whose_malls_hang_keep_no_other_waiting() -> None:
    go_on, told = threading.Event(), threading.Event()

    def turn(key: str) -> float:
        if key == "well":
            told.set()
        else:
            go_on.wait(ENOUGH)
        return NOTHING

    turns = turns_of(turn)
    assert turns.give([f"hangs-{n}" for n in range(9)]) == 9
    turns.give(["well"])
    assert told.wait(ENOUGH)
    go_on.set()
    assert turns.close()


def test_what_is_said_during_a_turn_is_looked_for_after_it() -> None:
    began, go_on, turns_had, at_once = threading.Event(), threading.Event(), [], []

    def turn(key: str) -> float:
        at_once.append(key)
        assert len(at_once) == 1
        turns_had.append(key)
        began.set()
        go_on.wait(ENOUGH)
        at_once.clear()
        return NOTHING

    turns = turns_of(turn)
    turns.give(["one"])
    assert began.wait(ENOUGH)
    assert [turns.give(["one"]) for _ in range(3)] == [0, 0, 0]
    go_on.set()
    until(lambda: turns_had == ["one", "one"] and not at_once)
    turns.give(["one"])
    until(lambda: turns_had == ["one"] * 3)
    assert turns.close()


def test_a_turn_goes_on_until_nothing_is_left_and_more_keys_than_threads_all_have_theirs() -> None:
    left = {f"shop-{n}": 3 for n in range(7)}

    def turn(key: str) -> float:
        left[key] -= 1
        return 0 if left[key] else NOTHING

    turns = turns_of(turn, at_once_max=2)
    turns.give(left)
    until(lambda: set(left.values()) == {0})
    assert turns.close()


def test_a_turn_that_fails_is_recorded_by_its_class_and_tried_again() -> None:
    calls: list[str] = []

    def turn(key: str) -> float:
        calls.append(key)
        if len(calls) == 1:
            raise RuntimeError("CANARY: what a mall said")
        return NOTHING

    turns = turns_of(turn)
    with capture_logs() as logs:
        turns.give(["one"])
        until(lambda: len(calls) == 2)
        assert turns.close()
    assert [entry["error"] for entry in logs if entry["event"] == "loop_failed"] == ["RuntimeError"]
    assert "CANARY" not in str(logs)


def test_stopping_waits_for_the_turn_that_runs_and_begins_no_other() -> None:
    began, ended = threading.Event(), []

    def turn(key: str) -> float:
        began.set()
        ended.append(key)
        return 0

    turns = turns_of(turn)
    turns.give(["one"])
    assert began.wait(ENOUGH)
    assert turns.close()
    count = len(ended)
    assert turns.give(["two"]) in (0, 1)
    assert len(ended) == count


def test_a_turn_that_may_go_on_soon_is_had_then_and_at_once_when_more_is_said() -> None:
    waits, had = [0.02, 1.5, 60.0], threading.Semaphore(0)

    def turn(key: str) -> float:
        had.release()
        return waits.pop(0) if waits else NOTHING

    turns = turns_of(turn)
    turns.give(["one"])
    for _ in range(2):
        assert had.acquire(timeout=ENOUGH)
    turns.give(["one"])
    assert had.acquire(timeout=1.0), "it waited although more was said"
    until(lambda: turns.give(["one"]) == 1)
    assert had.acquire(timeout=ENOUGH)
    assert turns.close()
