"""Every fact ever recorded stays readable: the golden lines decode, and say the same when they are written again.

``facts-N.jsonl`` is never edited, only added to: a new fact class gets its two lines (one full, one bare) in the newest file.
"""

import json
from pathlib import Path

import pytest

from ledger.codec import Envelope, decode, encode
from ledger.facts import FACTS, FACTS_OF_STREAM
from ledger.terms import utc_moment
from tests.ledger.samples import MOMENT, sample

FOLDER = Path(__file__).parent
LINES = [
    json.loads(line) for file in sorted(FOLDER.glob("facts-*.jsonl")) for line in file.read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["name"])
def test_an_old_fact_is_read_and_says_the_same_when_written_again(line: dict[str, str]) -> None:
    state = line["state"].encode()
    read = decode(1, f"{line['stream']}:x", 1, line["name"], state)
    assert type(read.fact) in FACTS_OF_STREAM[line["stream"]]
    again = decode(1, read.stream, 1, read.name, encode(read.envelope, read.fact))
    assert again == read
    assert json.loads(state)["fact"].items() <= json.loads(encode(read.envelope, read.fact))["fact"].items()


def test_every_fact_class_has_its_golden_lines() -> None:
    known = {line["name"] for line in LINES}
    missing = [
        _lines_of(kind, name)
        for kind, facts in FACTS_OF_STREAM.items()
        for name in (f.__name__ for f in facts)
        if name not in known
    ]
    assert not missing, "add to the newest facts-N.jsonl:\n" + "\n".join(missing)


def test_no_fact_class_was_ever_taken_away() -> None:
    assert {line["name"] for line in LINES} <= FACTS.keys()


def test_the_golden_lines_are_facts_as_they_were_and_not_only_empty_ones() -> None:
    for name, fact in FACTS.items():
        reads = [decode(1, "x", 1, name, line["state"].encode()).fact for line in LINES if line["name"] == name]
        assert sample(fact, full=True) in reads or len(reads) > 2, name


def _lines_of(kind: str, name: str) -> str:
    lines = []
    for full in (True, False):
        envelope = Envelope(
            utc_moment(MOMENT), "user:1", "trace-1", "key-1" if full else None, "mail:1" if full else None
        )
        state = encode(envelope, sample(FACTS[name], full=full)).decode()
        lines.append(json.dumps({"stream": kind, "name": name, "state": state}, ensure_ascii=False))
    return "\n".join(lines)
