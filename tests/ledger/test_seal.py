"""The seal: what exactly is hashed, for ever, and that nothing of it can change unnoticed."""

import hashlib
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain import Chain, Commit, Opening, row_of, stored_fact
from ledger.export import FileLedger
from ledger.seal import GENESIS, SHORT_DIGEST_BYTES, Seal, StoredFact, check, committed_text, fact_digest, link, sealed
from ledger.verify import verify

PAGE = (Path(__file__).parents[2] / "docs" / "ledger-format.md").read_text(encoding="utf-8")
LEDGER_ID = "0b5e7a52-6a5d-4f39-9c55-1d0c3c0a9f11"
MOMENT = datetime(2026, 7, 1, 0, 0, 2, tzinfo=UTC)
STATE = (
    '{"at":"2026-07-01T00:00:01.000000Z","actor":"user:1","trace":"t2","command_key":"k1","cause":null,'
    '"fact":{"alias":"カップ青"}}'
).encode()
ADDED = StoredFact(2, "sku:カップ-青", 1, "AliasAdded", STATE)
REMOVED = StoredFact(3, "sku:カップ-青", 2, "AliasRemoved", STATE)
FIRST_LINK = bytes.fromhex("9310d306c56a19ad3a7b23325228119c4059ead2671b3beceb2736528a97245e")
HEAD = "3:9fb9a409f07e65ac70ec2acc85bbd80e346a53a445c88100526615c767dd59a6"

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FACTS = st.builds(StoredFact, st.integers(1, 2**62), TEXTS, st.integers(1, 2**62), TEXTS, st.binary(max_size=40))


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_test_vectors_are_for_ever() -> None:
    seal = sealed(LEDGER_ID, FIRST_LINK, MOMENT, [ADDED, REMOVED])
    assert (
        fact_digest(LEDGER_ID.encode(), ADDED).hex()
        == "450322a414bd8f821608e98de8a62dc0332ec036843dd00dd04759dad427e5e8"
    )
    assert (
        fact_digest(LEDGER_ID.encode(), REMOVED).hex()
        == "8a5d7aa0473cfa052e2f36b9d20a44c7f79df973095eba465840ef54adee7fec"
    )
    assert seal.digest.hex() == "4307672b5b18f547b9e657114643493cfaf46e7218368155e7366c5dffe937b6"
    assert seal.fact_digests.hex() == "450322a414bd8f828a5d7aa0473cfa05"
    assert f"{seal.last_position}:{seal.hash.hex()}" == HEAD
    assert (seal.first_position, seal.last_position, seal.committed_at) == (2, 3, MOMENT)


def test_the_page_s_example_is_a_sound_ledger_with_the_head_the_page_names() -> None:
    report = verify(FileLedger(BytesIO(block("jsonl").encode())))
    assert report.sound
    assert (report.position, report.commits) == (3, 2)
    assert HEAD in PAGE


def test_the_page_s_own_program_proves_the_page_s_example() -> None:
    done = subprocess.run(
        [sys.executable, "-c", block("python")],
        input=block("jsonl"),
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )
    assert (done.stdout.strip(), done.stderr) == (HEAD, "")


def test_the_page_s_own_program_refuses_what_was_changed() -> None:
    changed = block("jsonl").replace("カップ青", "カップ赤", 1)
    done = subprocess.run(
        [sys.executable, "-c", block("python")],
        input=changed,
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )
    assert "commit 2: not what was sealed" in done.stderr


@given(TEXTS, FACTS)
def test_the_digest_is_over_length_prefixed_fields(ledger_id: str, fact: StoredFact) -> None:
    def field(raw: bytes) -> bytes:
        return len(raw).to_bytes(8, "big") + raw

    def number(count: int) -> bytes:
        return count.to_bytes(8, "big", signed=True)

    parts = [
        ledger_id.encode(),
        number(fact.position),
        fact.stream.encode(),
        number(fact.version),
        fact.name.encode(),
        fact.state,
    ]
    assert fact_digest(ledger_id.encode(), fact) == hashlib.sha256(b"".join(map(field, parts))).digest()


@given(FACTS, FACTS)
def test_different_facts_have_different_digests(one: StoredFact, other: StoredFact) -> None:
    assert (fact_digest(b"id", one) == fact_digest(b"id", other)) == (one == other)


def test_a_byte_that_moves_from_one_field_to_the_next_changes_the_digest() -> None:
    shifted = ADDED._replace(stream=ADDED.stream + "A", name=ADDED.name[1:])
    assert fact_digest(b"id", shifted) != fact_digest(b"id", ADDED)


@given(FACTS)
def test_a_row_says_the_same_as_the_fact_it_is_of(fact: StoredFact) -> None:
    assert stored_fact(row_of(fact)) == fact


def test_the_time_of_a_commit_is_utc_with_six_digits_wherever_it_was_made() -> None:
    in_japan = MOMENT.astimezone(timezone(timedelta(hours=9)))
    assert committed_text(in_japan) == committed_text(MOMENT) == b"2026-07-01T00:00:02.000000Z"


def test_every_part_of_a_link_counts() -> None:
    plain = link(FIRST_LINK, 2, 3, MOMENT, b"d" * 32)
    others = [
        link(GENESIS, 2, 3, MOMENT, b"d" * 32),
        link(FIRST_LINK, 1, 3, MOMENT, b"d" * 32),
        link(FIRST_LINK, 2, 4, MOMENT, b"d" * 32),
        link(FIRST_LINK, 2, 3, MOMENT + timedelta(microseconds=1), b"d" * 32),
        link(FIRST_LINK, 2, 3, MOMENT, b"e" * 32),
    ]
    assert len({plain, *others}) == 6


def test_a_commit_without_facts_or_with_a_gap_is_never_sealed() -> None:
    with pytest.raises(AssertionError):
        sealed(LEDGER_ID, GENESIS, MOMENT, [])
    with pytest.raises(AssertionError):
        sealed(LEDGER_ID, GENESIS, MOMENT, [ADDED, REMOVED._replace(position=4)])


def judged(seal: Seal, *facts: StoredFact) -> str:
    return str(check(LEDGER_ID.encode(), FIRST_LINK, 2, seal, facts))


def test_the_first_thing_wrong_is_named() -> None:
    seal = sealed(LEDGER_ID, FIRST_LINK, MOMENT, [ADDED, REMOVED])
    assert judged(seal, ADDED, REMOVED) == "None"
    assert judged(seal, ADDED) == "position 3 in commit 2: the fact is missing"
    assert (
        judged(seal, ADDED, REMOVED._replace(state=STATE + b" "))
        == "position 3 in commit 2: the fact is not the one that was sealed"
    )
    assert "commit 3: begins at position 3; expected 2" in judged(replace(seal, first_position=3), ADDED, REMOVED)
    assert "bytes of fact digests" in judged(replace(seal, fact_digests=b""), ADDED, REMOVED)
    assert "commit's digest" in judged(replace(seal, digest=b"x" * 32), ADDED, REMOVED)
    assert "link does not follow" in judged(replace(seal, committed_at=MOMENT + timedelta(seconds=1)), ADDED, REMOVED)


def test_a_seal_keeps_eight_bytes_of_every_fact() -> None:
    facts = [ADDED._replace(position=n, version=n) for n in range(1, 6)]
    seal = sealed(LEDGER_ID, GENESIS, MOMENT, facts)
    assert len(seal.fact_digests) == 5 * SHORT_DIGEST_BYTES


def test_a_state_longer_than_the_sizes_at_hand_is_hashed_the_same() -> None:
    fact = StoredFact(1, "sku:A", 1, "AliasAdded", b"x" * 70_000)
    seal = sealed(LEDGER_ID, GENESIS, MOMENT, [fact])

    chain = Chain(Opening(LEDGER_ID, 1, seal.hash, MOMENT))
    assert chain.follow(Commit(seal, [row_of(fact)])) is None
    assert chain.ends(None) is None
