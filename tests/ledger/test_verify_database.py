"""What verify finds in PostgreSQL after somebody with every right was there, and after a write past the lock."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from api.database import Database
from ledger.chain import Unreadable
from ledger.snapshot import DatabaseLedger, snapshot
from ledger.verify import head_text, heads_of, verify
from tests.ledger.story import Story, full_story, ledger_id_of, record

Damaging = Callable[..., list[str]]


@pytest.fixture
def story(database: Database) -> Story:
    """A dozen commits in the database."""
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        story = full_story(ledger_id_of(connection, database.schema))
        record(connection, database.schema, story)
    return story


@pytest.fixture
def damaging(database: Database, story: Story) -> Iterator[Damaging]:
    """Runs a statement as the superuser, says what verify finds, and takes the damage back."""
    with psycopg.connect(database.conninfo(role="none")) as connection:

        def judge(statement: str, *values: Any, **how: Any) -> list[str]:
            with connection.transaction(force_rollback=True):
                connection.execute(statement.encode(), values)
                return [str(finding) for finding in verify(DatabaseLedger(connection, database.schema), **how).findings]

        yield judge


def checked(database: Database, **how: Any) -> list[str]:
    with (
        psycopg.connect(database.conninfo(), autocommit=True) as connection,
        snapshot(connection, database.schema) as ledger,
    ):
        return [str(finding) for finding in verify(ledger, **how).findings]


def test_a_recorded_ledger_is_sound_as_the_application_s_role_reads_it(database: Database, story: Story) -> None:
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        with snapshot(connection, database.schema) as ledger:
            report = verify(ledger, heads=heads_of([head_text(story.opening)]))
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert report.sound
    assert (report.position, report.commits) == (story.position, len(story.written))


def test_a_new_schema_has_an_empty_sound_ledger(database: Database) -> None:
    assert checked(database) == []


def test_two_merchants_in_one_database_are_two_ledgers(
    database: Database, second_database: Database, story: Story
) -> None:
    with psycopg.connect(second_database.conninfo(), autocommit=True) as connection:
        assert ledger_id_of(connection, second_database.schema) != story.ledger_id
        with snapshot(connection, second_database.schema) as ledger:
            assert (verify(ledger).sound, ledger.opening.position) == (True, 0)


def test_pages_of_any_size_read_the_same(database: Database, story: Story) -> None:
    with (
        psycopg.connect(database.conninfo(), autocommit=True) as connection,
        snapshot(connection, database.schema) as ledger,
    ):
        small = DatabaseLedger(connection, database.schema, page=2)
        assert list(small.commits()) == list(ledger.commits()) == list(story.commits())
        assert list(small.levels()) == sorted(story.levels())


def test_a_ledger_that_grows_meanwhile_is_judged_as_it_was(database: Database, story: Story) -> None:
    with psycopg.connect(database.conninfo(), autocommit=True) as reading, snapshot(reading, database.schema) as ledger:
        more = Story(story.ledger_id, story.written[-1:], story.levels_now, story.versions, story.now)
        more.overwrite("カップ-青:大", 100)
        more.written.pop(0)
        with psycopg.connect(database.conninfo(), autocommit=True) as writing:
            record(writing, database.schema, more)
        report = verify(ledger)
        assert (report.sound, report.position) == (True, story.position)
    assert checked(database) == []


# ------------------------------------------------------------------ written past the lock


EVENT = "INSERT INTO ledger_events (originator_id, originator_version, topic, state, notification_id) VALUES (%s, %s, 'AliasAdded', '{}', %s)"


@pytest.mark.parametrize("position", [19, 20, 10**12, 0, -5])
def test_a_fact_that_the_application_writes_without_a_seal_is_found(
    database: Database, story: Story, position: int
) -> None:
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        connection.execute(EVENT, ("sku:NEW", 1, position))
    assert checked(database) == [
        f"I4: position {position} in commit 19: the fact is not sealed: it was written past the lock"
    ]


def test_a_seal_that_the_application_writes_without_the_head_is_found(database: Database, story: Story) -> None:
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ledger_seals (first_position, last_position, committed_at, digest, hash, fact_digests)"
            " VALUES (19, 19, now(), '\\x00', '\\x00', '\\x0000000000000000')"
        )
    assert checked(database) == ["I4: commit 19: reaches to position 19; the head says that 18 is the last"]


def test_a_head_that_the_application_moves_is_found(database: Database, story: Story) -> None:
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        connection.execute("UPDATE ledger_head SET position = 25")
    assert checked(database) == ["I4: commit 19: no seal follows position 18; the head says 25"]


# ------------------------------------------------------------------ damage by somebody with every right


def test_a_hole_is_named(damaging: Damaging) -> None:
    assert damaging("DELETE FROM ledger_events WHERE notification_id = 7") == [
        "I4: position 7 in commit 6: the fact is missing"
    ]


def test_a_seal_that_was_taken_away_is_named(damaging: Damaging) -> None:
    assert damaging("DELETE FROM ledger_seals WHERE first_position = 6") == [
        "I4: commit 9: begins at position 9; expected 6"
    ]


def test_two_facts_that_changed_places_are_found(damaging: Damaging) -> None:
    swap = "UPDATE ledger_events SET notification_id = -notification_id WHERE notification_id IN (3, 4)"
    back = "UPDATE ledger_events SET notification_id = 7 + notification_id WHERE notification_id < 0"
    assert damaging(f"{swap}; {back}")[0] == "I4: position 3 in commit 3: the fact is not the one that was sealed"


def test_a_last_commit_that_was_taken_away_is_found_only_with_a_head_kept_elsewhere(
    damaging: Damaging, story: Story
) -> None:
    last, before = story.written[-1], story.written[-2]
    first = last.seal.first_position
    cut = (
        f"DELETE FROM ledger_events WHERE notification_id >= {first};"
        f"DELETE FROM ledger_seals WHERE first_position >= {first};"
        f"UPDATE ledger_head SET position = {before.seal.last_position}, hash = '\\x{before.seal.hash.hex()}',"
        f" committed_at = '{before.seal.committed_at.isoformat()}'"
    )
    assert damaging(cut, chain_only=True) == []
    assert damaging(cut, chain_only=True, heads=heads_of([head_text(story.opening)])) == [
        "I4: commit 16: the ledger ends at 15; a head kept elsewhere says 18: its tail was cut"
    ]


def test_a_head_that_is_gone_or_doubled_is_said(damaging: Damaging) -> None:
    with pytest.raises(Unreadable, match="the ledger's head has 0 rows; expected exactly one"):
        damaging("DELETE FROM ledger_head")


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "294000-01-01", "0001-01-01 BC"])
def test_a_time_that_no_clock_shows_is_damage_and_no_crash(damaging: Damaging, moment: str) -> None:
    assert damaging(f"UPDATE ledger_seals SET committed_at = '{moment}' WHERE first_position = 6")[0].startswith(
        "I4: commit 6: "
    )
    assert damaging(f"UPDATE ledger_head SET committed_at = '{moment}'")[0].startswith(
        "I4: commit 19: the head's time is"
    )


def test_a_seal_that_claims_a_million_facts_costs_nothing(damaging: Damaging) -> None:
    assert "bytes of fact digests" in damaging("UPDATE ledger_seals SET last_position = 18 WHERE first_position = 6")[0]


def byte_columns(table: str, key: str, column: str, lengths: dict[int, int]) -> Iterator[str]:
    """One UPDATE for every byte of a bytea column, a bit of it turned."""
    for row, length in lengths.items():
        for at in range(length):
            turned = f"set_byte({column}, {at}, get_byte({column}, {at}) # {1 << (at % 8)})"
            yield f"UPDATE {table} SET {column} = {turned} WHERE {key} = {row}"


def text_column(table: str, key: str, column: str, values: dict[int, str]) -> Iterator[str]:
    """One UPDATE for every character of a text column."""
    for row, value in values.items():
        for at in range(len(value)):
            other = value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
            yield f"UPDATE {table} SET {column} = '{other}' WHERE {key} = {row}"


def number_column(table: str, key: str, column: str, rows: tuple[int, ...], bits: int = 62) -> Iterator[str]:
    """One UPDATE for every bit of a number."""
    for row in rows:
        for bit in range(0, bits, 3):
            yield f"UPDATE {table} SET {column} = {column} # (1::bigint << {bit}) WHERE {key} = {row}"


def time_column(table: str, key: str, rows: tuple[int, ...]) -> Iterator[str]:
    for row in rows:
        for bit in range(0, 50, 5):
            moved = f"committed_at + {1 << bit} * interval '1 microsecond'"
            yield f"UPDATE {table} SET committed_at = {moved} WHERE {key} = {row}"


def test_every_byte_that_somebody_turns_is_found(damaging: Damaging, story: Story) -> None:
    facts = {fact.position: fact for one in story.written for fact in one.facts if fact.position in (1, 6, 8, 18)}
    seals = {one.seal.first_position: one.seal for one in story.written if one.seal.first_position in (1, 6, 16)}
    events, seal_rows = ("ledger_events", "notification_id"), ("ledger_seals", "first_position")
    turned = [
        *byte_columns(*events, "state", {position: len(fact.state) for position, fact in facts.items()}),
        *text_column(*events, "originator_id", {position: fact.stream for position, fact in facts.items()}),
        *text_column(*events, "topic", {position: fact.name for position, fact in facts.items()}),
        *number_column(*events, "originator_version", tuple(facts)),
        *number_column(*events, "notification_id", (1, 18), 60),
        *byte_columns(*seal_rows, "digest", dict.fromkeys(seals, 32)),
        *byte_columns(*seal_rows, "hash", dict.fromkeys(seals, 32)),
        *byte_columns(*seal_rows, "fact_digests", {first: len(seal.fact_digests) for first, seal in seals.items()}),
        *number_column(*seal_rows, "first_position", (1, 16)),
        *number_column(*seal_rows, "last_position", (1, 6, 16)),
        *time_column(*seal_rows, tuple(seals)),
        *byte_columns("ledger_head", "1", "hash", {1: 32}),
        *text_column("ledger_head", "1", "ledger_id", {1: story.ledger_id}),
        *number_column("ledger_head", "1", "position", (1,)),
        *time_column("ledger_head", "1", (1,)),
    ]
    assert len(turned) > 1_000
    missed = []
    for statement in turned:
        try:
            found = damaging(statement, chain_only=True)
        except psycopg.errors.IntegrityError:
            continue  # PostgreSQL itself refuses it: another row stands there, or its last position before its first
        if not found:
            missed.append(statement)
    assert missed == []


def test_a_stock_table_that_was_changed_is_found_in_every_column(damaging: Damaging, story: Story) -> None:
    numbers = ("version", "on_hand", "allocated", "held", "kept_back", "auction_kept", "defective", "undecided")
    changes = [f"{name} = {name} + 1" for name in (*numbers, "counted_position", "position")]
    changes += [
        "on_hand = NULL",
        "counted_at = counted_at + interval '1 microsecond'",
        "counted_at = NULL",
        "counted_by = 'x'",
    ]
    for change in changes:
        (found,) = damaging(f"UPDATE stock_levels SET {change} WHERE sku = 'PEN'")
        assert found.startswith(f"I1: stock_levels says {change.split()[0]} "), found
    assert damaging("DELETE FROM stock_levels WHERE sku = 'PEN'") == [
        "I1: stock_levels has no row for stock:main:PEN, of which there are facts"
    ]
    (moved, _) = damaging("UPDATE stock_levels SET sku = '', place = '' WHERE sku = 'PEN'")
    assert moved == "I1: stock_levels has a row for stock::, of which there is no fact"


def test_what_is_deleted_from_the_application_s_hands_stays_out_of_them(database: Database, story: Story) -> None:
    with psycopg.connect(database.conninfo(), autocommit=True) as connection:
        for statement in ("UPDATE ledger_events SET state = ''", "DELETE FROM ledger_seals", "TRUNCATE ledger_events"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(sql.SQL(statement))
    assert checked(database) == []
