"""The ledger as a file: the same proof without a database, from a disk or a pipe, whole or cut anywhere."""

import json
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import psycopg
import pytest

from api.database import Database
from ledger.chain import Commit, Opening
from ledger.export import FORMAT, FileLedger, FileNotUnderstood, export
from ledger.snapshot import snapshot
from ledger.verify import head_text, heads_of, verify
from tests.ledger.story import Held, Story, full_story, held, ledger_id_of, record

PROGRAM = Path(sys.executable).parent / "daicho"


class Pipe(BytesIO):
    """Bytes that can be read once, from the first to the last."""

    def seekable(self) -> bool:
        return False

    def seek(self, offset: int, whence: int = 0) -> int:
        raise OSError("a pipe does not go back")


def exported(ledger: Story | Held) -> bytes:
    file = BytesIO()
    export(ledger, file)
    return file.getvalue()


def judged(raw: bytes, **how: object) -> list[str]:
    """What is wrong with these bytes, whichever way it is said."""
    try:
        report = verify(FileLedger(BytesIO(raw)), **how)  # type: ignore[arg-type]
    except FileNotUnderstood as error:
        return [str(error)]
    return [str(finding) for finding in report.findings]


@pytest.fixture
def small() -> Story:
    """Three commits, so that every byte of their file can be tried."""
    story = Story()
    story.overwrite("カップ", 5)
    story.order("rakuten-1", "1", カップ=2)
    story.overwrite("PEN", 3)
    return story


def test_a_file_says_what_the_ledger_says() -> None:
    story = full_story()
    file = FileLedger(BytesIO(exported(story)))
    assert list(file.commits()) == list(story.commits()) == list(file.commits())
    assert file.opening == replace(story.opening, committed_at=None)
    report = verify(file, heads=heads_of([head_text(story.opening)]))
    assert (report.sound, report.position, report.commits) == (True, story.position, len(story.written))
    assert report.rules == ("I1", "I2", "I4", "I5")


def test_an_empty_ledger_is_one_line() -> None:
    raw = exported(Story())
    assert raw.count(b"\n") == 1
    assert judged(raw) == []


def test_each_seal_stands_before_its_facts_and_every_line_is_json(small: Story) -> None:
    lines = [json.loads(line) for line in exported(small).splitlines()]
    assert [line["line"] for line in lines] == ["ledger", "seal", "fact", "seal", "fact", "fact", "seal", "fact"]
    assert lines[0] == {
        "line": "ledger",
        "format": FORMAT,
        "ledger_id": small.ledger_id,
        "position": 4,
        "hash": small.hash.hex(),
    }
    assert json.loads(lines[2]["state"])["fact"]["units"] == 5


def test_the_file_can_be_written_again_by_another_program(small: Story) -> None:
    lines = [json.loads(line) for line in exported(small).splitlines()]
    again = "".join(
        json.dumps(dict(reversed(line.items())), indent=None, separators=(" , ", " : ")) + "\n" for line in lines
    )
    assert judged(again.encode()) == []


def test_every_changed_byte_of_a_file_is_found(small: Story) -> None:
    raw = exported(small)
    missed = []
    for at in range(len(raw)):
        for bit in (at % 8, 5):  # the fifth makes small letters of capitals
            changed = raw[:at] + bytes([raw[at] ^ (1 << bit)]) + raw[at + 1 :]
            if not judged(changed):
                missed.append((at, bit, raw[at - 20 : at + 20]))
    assert missed == []


def test_a_file_that_was_cut_anywhere_is_found(small: Story) -> None:
    raw = exported(small)
    missed = [length for length in range(len(raw)) if not judged(raw[:length])]
    assert missed == []


def test_a_cut_says_where_the_file_ends_and_where_it_should(small: Story) -> None:
    lines = exported(small).splitlines(keepends=True)
    assert judged(b"".join(lines[:-1])) == ["I4: position 4 in commit 4: the fact is missing"]
    assert judged(b"".join(lines[:-2])) == ["I4: commit 4: no seal follows position 3; the head says 4"]
    assert judged(b"".join(lines)[:-9]) == ["I4: the file ends inside a line: it was cut"]


def test_a_cut_whose_first_line_was_changed_too_is_found_only_with_a_head_kept_elsewhere(small: Story) -> None:
    shorter = replace_head(
        exported(small).splitlines(keepends=True)[:-2],
        small.written[-2].seal.last_position,
        small.written[-2].seal.hash,
    )
    assert judged(shorter) == []
    assert judged(shorter, heads=heads_of([head_text(small.opening)])) == [
        "I4: commit 4: the ledger ends at 3; a head kept elsewhere says 4: its tail was cut"
    ]


def replace_head(lines: list[bytes], position: int, link: bytes) -> bytes:
    first = json.loads(lines[0]) | {"position": position, "hash": link.hex()}
    return json.dumps(first).encode() + b"\n" + b"".join(lines[1:])


def test_what_is_not_an_export_is_refused_with_what_was_expected() -> None:
    for raw in (b"", b"\n", b"{}\n", b"\x1f\x8b\x08\x00", "商品,在庫\n".encode("cp932"), exported(Story())[:-1]):
        assert judged(raw) == [
            "line 1 is not the first line of an export; expected one of format 'daicho-ledger-1', from `daicho export`"
        ]


def test_lines_that_do_not_belong_there_are_named(small: Story) -> None:
    lines = exported(small).splitlines(keepends=True)
    assert judged(lines[0] + lines[2]) == ["I4: line 2: a fact; expected the seal of its commit before it"]
    assert judged(b"".join(lines) + lines[0]) == ["I4: line 9: another export begins; expected one ledger in a file"]
    assert judged(b"".join(lines) + b"nonsense\n") == [
        "I4: line 9: not a line of an export; expected a seal or a fact in JSON"
    ]
    assert judged(b"".join(lines[:4]) + b"\n" + b"".join(lines[4:])) == [
        "I4: line 5: not a line of an export; expected a seal or a fact in JSON"
    ]
    assert judged(b"".join([*lines, lines[-1]])) == [
        "I4: commit 4: its facts do not stand there each once and in order"
    ]
    upper = lines[1].replace(
        small.written[0].seal.hash.hex().encode(), small.written[0].seal.hash.hex().upper().encode()
    )
    assert judged(lines[0] + upper + b"".join(lines[2:])) == [
        "I4: line 2: a seal with a time or digest that no export writes"
    ]


def test_a_state_that_is_no_text_is_carried_too(small: Story) -> None:
    whole = held(small)
    (row,) = whole.held[0].rows
    damaged = replace(whole, held=(replace(whole.held[0], rows=[(*row[:4], b"\xff\xfe\x00")]), *whole.held[1:]))
    raw = exported(damaged)
    assert b'"state_hex":"fffe00"' in raw
    assert list(FileLedger(BytesIO(raw)).commits()) == list(damaged.commits())
    assert judged(raw) == ["I4: position 1 in commit 1: the fact is not the one that was sealed"]
    both = raw.replace(b'"state_hex"', b'"state":"","state_hex"')
    assert judged(both) == ["I4: line 3: a fact without one readable state"]


def test_a_pipe_is_read_once_and_kept_only_when_it_must_be_read_again() -> None:
    story = full_story()
    raw = exported(story)
    assert verify(FileLedger(Pipe(raw))).sound
    with closing(FileLedger(Pipe(raw), pass_facts_max=5)) as file:
        assert verify(file, pass_facts_max=5).sound
    wrong = exported(story.with_state(7, (b'"before":10', b'"before":11')))
    for most in (1_000, 5):
        with closing(FileLedger(Pipe(wrong), pass_facts_max=most)) as file:
            (first, *_) = verify(file, pass_facts_max=most).findings
        assert (first.rule, first.position) == ("I1", 7)


def test_lines_longer_than_a_block_and_blocks_of_many_lines_are_read_the_same() -> None:
    class Slow(Pipe):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(7)

    story = full_story()
    assert list(FileLedger(Slow(exported(story))).commits()) == list(story.commits())


def test_a_seal_that_claims_more_than_it_has_costs_no_memory(small: Story) -> None:
    lines = exported(small).splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"last_position":1', b'"last_position":4')
    assert "bytes of fact digests; expected 32" in judged(b"".join(lines))[0]


# ------------------------------------------------------------------ from and to a database


@pytest.fixture
def recorded(database: Database) -> tuple[Database, Story]:
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        story = full_story(ledger_id_of(connection, database.schema))
        record(connection, database.schema, story)
    return database, story


def test_a_file_from_the_database_is_the_ledger(recorded: tuple[Database, Story]) -> None:
    database, story = recorded
    file = BytesIO()
    with (
        psycopg.connect(database.conninfo(), autocommit=True) as connection,
        snapshot(connection, database.schema) as ledger,
    ):
        assert export(ledger, file) == story.position
    assert file.getvalue() == exported(story)


def test_a_file_is_verified_without_a_driver_or_the_event_sourcing_library(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_bytes(exported(full_story()))
    script = (
        "import sys; from api.cli import run; code = run(['verify', '--json', '--file', sys.argv[1]]);"
        "print([name for name in ('psycopg', 'eventsourcing') if name in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "ledger.jsonl"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer, modules = done.stdout.splitlines()
    assert json.loads(answer)["sound"] is True
    assert modules == "[]"


def daicho(
    recorded: tuple[Database, Story] | None, *arguments: str, given: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    settings = {}
    if recorded is not None:
        settings = {"DAICHO_DATABASE_URL": recorded[0].url, "DAICHO_SCHEMA": recorded[0].schema}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DAICHO_")}
    return subprocess.run([PROGRAM, *arguments], env=clean | settings, input=given, capture_output=True, check=False)


def test_the_command_line_proves_exports_and_keeps_heads(recorded: tuple[Database, Story], tmp_path: Path) -> None:
    _, story = recorded
    head = daicho(recorded, "seal-head").stdout.decode().strip()
    assert head == head_text(story.opening)

    verified = daicho(recorded, "verify", "--json", "--head", head)
    assert (verified.returncode, verified.stderr) == (0, b"")
    assert json.loads(verified.stdout) | {
        "sound": True,
        "facts": 18,
        "commits": 12,
        "heads_found": 1,
        "findings": [],
    } == json.loads(verified.stdout)

    piped = daicho(recorded, "export").stdout
    assert piped == exported(story)
    from_pipe = daicho(recorded, "verify", "--file", "-", "--head", head, given=piped)
    assert (from_pipe.returncode, from_pipe.stderr) == (0, b"")

    file = tmp_path / "ledger.jsonl"
    written = daicho(recorded, "export", "--to", str(file), "--json")
    assert json.loads(written.stdout) == {"file": str(file), "facts": 18, "bytes": len(piped), "head": head}
    assert (file.read_bytes(), list(tmp_path.iterdir())) == (piped, [file])


def test_the_command_line_names_what_is_wrong_and_exits_with_one(recorded: tuple[Database, Story]) -> None:
    database, story = recorded
    other = f"{story.position}:{'0' * 64}"
    refused = daicho(recorded, "verify", "--head", other, "--json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["findings"] == [
        {
            "rule": "I4",
            "commit": 18,
            "position": None,
            "what": "no commit ends here with the hash of the head kept elsewhere: this is not that ledger",
        }
    ]
    with psycopg.connect(database.conninfo(role="none"), autocommit=True) as connection:
        connection.execute("UPDATE ledger_events SET state = set_byte(state, 20, 0) WHERE notification_id = 8")
    found = daicho(recorded, "verify")
    assert found.returncode == 1
    assert found.stderr == b"wrong: I4: position 8 in commit 6: the fact is not the one that was sealed\n"
    assert daicho(recorded, "verify", "--head", "5:xyz").returncode == 2
    assert daicho(recorded, "verify", "--file", "/nowhere/at/all").returncode == 2
    assert daicho(recorded, "verify", "--file", "-", given=b"nothing").returncode == 2


def test_a_fact_of_a_newer_version_is_said_to_be_that_and_exits_with_three() -> None:
    story = full_story()
    fact = story.written[1].facts[0]
    newer = story.resealed({fact.position: fact._replace(name="SkuTeleported")})
    done = daicho(None, "verify", "--file", "-", given=exported(newer))
    assert done.returncode == 3
    assert b"a newer version of Daicho wrote it: update first" in done.stderr


def test_rows_of_a_hole_are_exported_as_they_are() -> None:
    story = full_story()
    commits = list(story.commits())
    holed = Held(
        Opening(story.ledger_id, story.position, story.hash, None), (Commit(commits[0].seal, ()), *commits[1:])
    )
    assert judged(exported(holed)) == ["I4: position 1 in commit 1: the fact is missing"]
