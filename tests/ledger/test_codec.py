"""Facts as bytes: what is written is read again, times are UTC, and a name of a newer version is said to be that."""

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.codec import Envelope, Record, UnknownFact, decode, encode
from ledger.facts import FACTS, FACTS_OF_STREAM, Fact
from ledger.facts.stock import StockAllocated, StockTakenOut

MOMENT = datetime(2026, 7, 1, 3, 4, 5, tzinfo=UTC)
PLAIN = Envelope(MOMENT, "user:1", "trace-1")
OUT = StockTakenOut(before=5, after=3, on_hand=3, reason="sample", units=2)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
BY_HINT = {
    "str": TEXTS,
    "int": NUMBERS,
    "bool": st.booleans(),
    "str | None": st.none() | TEXTS,
    "int | None": st.none() | NUMBERS,
    "list[str]": st.lists(TEXTS, max_size=3),
    "list[int]": st.lists(NUMBERS, max_size=3),
    "list[bool]": st.lists(st.booleans(), max_size=3),
    "list[int | None]": st.lists(st.none() | NUMBERS, max_size=3),
}


def hint_of(fact: type[Fact], field: str) -> str:
    hint = get_type_hints(fact)[field]
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)


FACT_VALUES = st.one_of(
    [st.builds(fact, **{f.name: BY_HINT[hint_of(fact, f.name)] for f in fields(fact)}) for fact in FACTS.values()]
)


@settings(max_examples=300)
@given(
    fact=FACT_VALUES,
    at=st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 30)),
    actor=TEXTS,
    cause=st.none() | TEXTS,
)
def test_what_is_written_is_read_again(fact: Fact, at: datetime, actor: str, cause: str | None) -> None:
    envelope = Envelope(at.replace(tzinfo=UTC), actor, "trace", None, cause)
    name = type(fact).__name__
    assert decode(3, "x:y", 2, name, encode(envelope, fact)) == Record(3, "x:y", 2, name, envelope, fact)


def test_the_state_is_the_envelope_in_one_line_of_json() -> None:
    state = encode(Envelope(MOMENT, "user:1", "trace-1", "key-1", "mail:9"), OUT)
    assert b"\n" not in state
    assert json.loads(state) == {
        "at": "2026-07-01T03:04:05.000000Z",
        "actor": "user:1",
        "trace": "trace-1",
        "command_key": "key-1",
        "cause": "mail:9",
        "fact": {"before": 5, "after": 3, "on_hand": 3, "reason": "sample", "units": 2},
    }


def test_the_same_fact_is_always_the_same_bytes() -> None:
    in_japan = MOMENT.astimezone(timezone(timedelta(hours=9)))
    assert encode(Envelope(in_japan, "user:1", "trace-1"), OUT) == encode(PLAIN, OUT)


def test_texts_of_facts_sort_as_their_moments_do() -> None:
    moments = [MOMENT, MOMENT + timedelta(microseconds=1), MOMENT + timedelta(seconds=1)]
    texts = [json.loads(encode(Envelope(moment, "user:1", "t"), OUT))["at"] for moment in moments]
    assert texts == sorted(texts)


def test_a_moment_without_a_zone_is_refused_before_it_is_written() -> None:
    with pytest.raises(AssertionError, match="zone"):
        encode(Envelope(datetime(2026, 7, 1), "user:1", "t"), OUT)


def test_an_unknown_name_is_said_to_be_of_a_newer_version() -> None:
    with pytest.raises(
        UnknownFact, match="position 8: fact 'StockTeleported' .* newer version of Daicho wrote it: update first"
    ) as error:
        decode(8, "stock:main:A", 1, "StockTeleported", encode(PLAIN, OUT))
    assert (error.value.name, error.value.position) == ("StockTeleported", 8)


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"{}",
        b"null",
        b"\xff\xfe",
        encode(PLAIN, OUT)[:-1],
        encode(PLAIN, OUT).replace(b'"units":2', b'"units":"2"'),
        encode(PLAIN, OUT).replace(b'"units":2', b'"units":2.5'),
        encode(PLAIN, OUT).replace(b'"units":2', b'"unit":2'),
        encode(PLAIN, OUT).replace(b'"on_hand":3,', b""),
        encode(PLAIN, OUT).replace(b"2026-07-01T", b"2026-13-01T"),
    ],
)
def test_damaged_bytes_are_an_error_and_never_another_fact(state: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(1, "stock:main:A", 1, "StockTakenOut", state)


def test_a_field_that_was_added_later_has_its_default_in_older_facts() -> None:
    full = StockAllocated(
        before=3, after=2, on_hand=3, order="s:1", listing="", sku_told="A", units=1, components=[], component_units=[]
    )
    state = json.loads(encode(PLAIN, full))
    del state["fact"]["recipe_version"]
    assert decode(1, "stock:main:A", 1, "StockAllocated", json.dumps(state).encode()).fact == full


def test_none_and_zero_stay_two_things() -> None:
    unregistered = StockTakenOut(before=None, after=None, on_hand=None, reason="sample", units=0)
    assert decode(1, "x", 1, "StockTakenOut", encode(PLAIN, unregistered)).fact == unregistered


def test_a_fact_name_belongs_to_one_kind_of_stream() -> None:
    names = [fact.__name__ for facts in FACTS_OF_STREAM.values() for fact in facts]
    assert len(names) == len(set(names)) == len(FACTS)


def test_facts_hold_only_what_stays_readable_for_ever() -> None:
    hints = {(fact.__name__, f.name): hint_of(fact, f.name) for fact in FACTS.values() for f in fields(fact)}
    assert not {name: hint for name, hint in hints.items() if hint not in BY_HINT}
