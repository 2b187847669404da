"""What verify finds in a ledger, without a database: every changed byte, and every fact that does not follow."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from ledger import keys
from ledger.chain import Commit, Opening, Row
from ledger.facts.house import EraStarted
from ledger.invariants import Finding
from ledger.seal import StoredFact
from ledger.verify import FINDINGS_MAX, Further, HeadNotUnderstood, head_text, heads_of, verify
from tests.ledger.story import Story, full_story, held, push_sent, wrong


def test_a_sound_ledger_is_sound_by_every_rule() -> None:
    story = full_story()
    report = verify(story)
    assert report.sound
    assert (report.position, report.commits, report.findings) == (story.position, len(story.written), ())
    assert report.rules == ("I1", "I2", "I4", "I5")


def test_an_empty_ledger_is_sound() -> None:
    report = verify(Story())
    assert report.sound
    assert head_text(report.opening) == f"0:{'0' * 64}"


# ------------------------------------------------------------------ I4: the chain


def flips(raw: bytes) -> Iterator[bytes]:
    for at in range(len(raw)):
        yield raw[:at] + bytes([raw[at] ^ (1 << (at % 8))]) + raw[at + 1 :]


def damaged_rows(row: Row) -> Iterator[Row]:
    for column, raw in enumerate(row):
        for flipped in flips(raw):
            yield (*row[:column], flipped, *row[column + 1 :])  # type: ignore[misc]


def damaged_seals(commit: Commit) -> Iterator[Commit]:
    seal = commit.seal
    yield from (replace(commit, seal=replace(seal, digest=flipped)) for flipped in flips(seal.digest))
    yield from (replace(commit, seal=replace(seal, hash=flipped)) for flipped in flips(seal.hash))
    yield from (replace(commit, seal=replace(seal, fact_digests=flipped)) for flipped in flips(seal.fact_digests))
    for bit in range(63):
        yield replace(commit, seal=replace(seal, first_position=seal.first_position ^ (1 << bit)))
        yield replace(commit, seal=replace(seal, last_position=seal.last_position ^ (1 << bit)))
    for bit in range(44):
        yield replace(commit, seal=replace(seal, committed_at=seal.committed_at + timedelta(microseconds=1 << bit)))


def test_every_flipped_byte_of_every_fact_is_found_and_its_position_named() -> None:
    whole = held(full_story())
    tried = 0
    for n, commit in enumerate(whole.held):
        for m, row in enumerate(commit.rows):
            for flipped in damaged_rows(row):
                rows = [*commit.rows[:m], flipped, *commit.rows[m + 1 :]]
                damaged = replace(whole, held=(*whole.held[:n], replace(commit, rows=rows), *whole.held[n + 1 :]))
                (first, *_) = verify(damaged, chain_only=True).findings
                assert (first.rule, first.commit, first.position) == (
                    "I4",
                    commit.seal.first_position,
                    commit.seal.first_position + m,
                )
                tried += 1
    assert tried > 5_000


def test_every_flipped_byte_of_every_seal_is_found() -> None:
    whole = held(full_story())
    for n, commit in enumerate(whole.held):
        for flipped in damaged_seals(commit):
            damaged = replace(whole, held=(*whole.held[:n], flipped, *whole.held[n + 1 :]))
            assert not verify(damaged, chain_only=True).sound, flipped.seal


def test_every_flipped_byte_of_the_head_is_found() -> None:
    whole = held(full_story())
    opening = whole.opening
    assert opening.committed_at is not None
    heads = [replace(opening, hash=flipped) for flipped in flips(opening.hash)]
    heads += [replace(opening, ledger_id=flipped.decode("latin-1")) for flipped in flips(opening.ledger_id.encode())]
    heads += [replace(opening, position=opening.position ^ (1 << bit)) for bit in range(63)]
    heads += [
        replace(opening, committed_at=opening.committed_at + timedelta(microseconds=1 << bit)) for bit in range(44)
    ]
    for head in heads:
        assert not verify(replace(whole, opening=head), chain_only=True).sound, head


def test_a_fact_that_is_missing_is_named() -> None:
    whole = held(full_story())
    commit = whole.held[2]
    damaged = replace(whole, held=(*whole.held[:2], replace(commit, rows=commit.rows[:1]), *whole.held[3:]))
    assert wrong(damaged) == ["I4: position 4 in commit 3: the fact is missing"]


def test_a_commit_that_is_missing_is_named() -> None:
    whole = held(full_story())
    damaged = replace(whole, held=(*whole.held[:2], *whole.held[3:]))
    assert wrong(damaged) == ["I4: commit 5: begins at position 5; expected 3"]


def test_facts_in_another_order_or_one_too_many_are_found() -> None:
    whole = held(full_story())
    commit = whole.held[2]
    for rows in ([*reversed(commit.rows)], [*commit.rows, commit.rows[0]]):
        damaged = replace(whole, held=(*whole.held[:2], replace(commit, rows=rows), *whole.held[3:]))
        assert wrong(damaged) == ["I4: commit 3: its facts do not stand there each once and in order"]


def test_a_fact_past_the_lock_is_found() -> None:
    whole = held(full_story())
    assert wrong(replace(whole, past=19)) == [
        "I4: position 19 in commit 19: the fact is not sealed: it was written past the lock"
    ]


def test_a_version_that_is_left_out_is_found_on_every_kind_of_stream() -> None:
    story = full_story()
    for position in (2, 4, 12):
        fact = stored(story, position)
        again = story.resealed({position: fact._replace(version=fact.version + 1)})
        first = verify(again).findings[0]
        assert (first.rule, first.position) == ("I4", position)
        assert f"version {fact.version + 1} of {fact.stream}; expected {fact.version}" in first.what


def stored(story: Story, position: int) -> StoredFact:
    return next(f for one in story.written for f in one.facts if f.position == position)


def test_a_fact_on_a_stream_of_another_kind_is_found() -> None:
    story = full_story()
    fact = stored(story, 1)
    assert (
        "LedgerOpened stands on order:a:b, where it may not"
        in wrong(story.resealed({1: fact._replace(stream="order:a:b")}))[0]
    )
    assert (
        "which is no name of a stock stream"
        in wrong(story.resealed({3: stored(story, 3)._replace(stream="stock:A")}))[0]
    )


def test_a_fact_that_was_sealed_unreadable_is_found() -> None:
    story = full_story().with_state(3, (b'"units":10', b'"units":"x"'))
    assert (
        wrong(story)[0]
        == "I4: position 3 in commit 3: StockOverwritten is sealed as it was written, but cannot be read: ValidationError"
    )


def test_a_fact_of_a_newer_version_stops_and_says_so() -> None:
    story = full_story()
    report = verify(story.resealed({6: stored(story, 6)._replace(name="OrderTeleported")}))
    assert not report.sound
    assert report.findings == ()
    assert "position 6: fact 'OrderTeleported' is not known here; a newer version of Daicho wrote it" in str(
        report.stopped
    )
    assert verify(story.resealed({6: stored(story, 6)._replace(name="OrderTeleported")}), chain_only=True).sound


# ------------------------------------------------------------------ heads kept elsewhere


def test_a_head_kept_elsewhere_is_found_at_every_commit_and_nowhere_else() -> None:
    story = full_story()
    ends = {one.seal.last_position: one.seal.hash for one in story.written}
    assert verify(story, heads={0: bytes(32), **ends}).sound
    for position in range(1, story.position + 1):
        other = bytes(32) if position in ends else ends[max(p for p in ends if p <= story.position)]
        assert wrong(story, heads={position: other}) == [
            f"I4: commit {position}: no commit ends here with the hash of the head kept elsewhere: this is not that ledger"
        ]


def test_a_cut_tail_is_found_only_with_a_head_kept_elsewhere() -> None:
    story = full_story()
    kept = heads_of([head_text(story.opening)])
    story.written.pop()
    assert verify(story, chain_only=True).sound
    assert wrong(story, heads=kept) == [
        "I4: commit 16: the ledger ends at 15; a head kept elsewhere says 18: its tail was cut"
    ]


def test_a_ledger_written_again_from_some_commit_on_is_found_only_with_a_head_kept_elsewhere() -> None:
    story = full_story()
    kept = heads_of([head_text(story.opening)])
    forged = story.with_state(3, (b'"trace-2"', b'"trace-9"'))
    assert verify(forged).sound
    assert "no commit ends here" in wrong(forged, heads=kept)[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "5:",
        ":" + "0" * 64,
        "x:" + "0" * 64,
        "5:" + "0" * 63,
        "5:" + "g" * 64,
        "-1:" + "0" * 64,
        "５:" + "0" * 64,
    ],
)
def test_a_head_that_is_no_head_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(HeadNotUnderstood, match="expected .*64 hexadecimal digits"):
        heads_of([text])


def test_two_heads_of_one_position_must_agree() -> None:
    with pytest.raises(HeadNotUnderstood, match="two heads of position 5"):
        heads_of([f"5:{'0' * 64}", f"5:{'1' * 64}"])


# ------------------------------------------------------------------ the reading itself


def test_a_large_ledger_is_read_in_passes_that_find_the_same() -> None:
    stories = [
        full_story(),
        full_story().with_state(7, (b'"before":10', b'"before":11')),
        full_story().with_state(11, (b'"r2"', b'"r7"')),
    ]
    for story in stories:
        once = sorted(wrong(story))
        for most in (1, 2, 5):
            assert sorted(wrong(story, pass_facts_max=most)) == once


def test_further_checks_are_run_and_reported() -> None:
    story = full_story()

    def projections(opening: Opening) -> Iterator[Finding]:
        yield Finding("I3", f"orders differs from its replay at {opening.position}")

    report = verify(story, further=[Further("I3", projections), Further("I6", lambda opening: ())])
    assert [str(finding) for finding in report.findings] == ["I3: orders differs from its replay at 18"]
    assert report.rules == ("I1", "I2", "I3", "I4", "I5", "I6")


def test_after_a_break_of_the_chain_nothing_further_is_believed() -> None:
    whole = held(full_story())
    asked: list[int] = []

    def never(opening: Opening) -> Iterator[Finding]:
        asked.append(opening.position)
        yield Finding("I3", "asked")

    report = verify(replace(whole, held=whole.held[:-1]), further=[Further("I3", never)])
    assert [finding.rule for finding in report.findings] == ["I4"]
    assert (asked, report.rules) == ([], ())


def test_not_more_is_listed_than_a_person_reads() -> None:
    story = Story()
    for _ in range(FINDINGS_MAX + 5):
        story.fact(keys.push("s"), push_sent("r", {"a:": 1}, 10_000))
    assert len(verify(story).findings) == FINDINGS_MAX


def test_progress_is_told_now_and_then() -> None:
    story = Story()
    for era in range(3):
        story.fact(keys.LEDGER, EraStarted(era=era, why="restore"))
    told: list[int] = []
    assert verify(story, progress=told.append, progress_facts=2).sound
    assert told == [2]
