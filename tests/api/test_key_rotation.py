"""The key that seals is exchanged while processes run: nothing is lost, every sealed column is found, old keys go last."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from api.database import Database
from api.key_file import KeyFile
from api.sealing import CannotOpen, Seals
from api.tables import addresses, inbox, sealed_rows, secrets
from api.wiring import House
from tests.api.intake_rig import opened

SHOP = "rakuten-samplestore"


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with opened(database, tmp_path / "home") as house:
        yield house


def _nothing(table: str, looked: int, sealed: int) -> None:
    assert table and looked >= sealed


def _stored(house: House, seals: Seals) -> None:
    now = house.clock.now()
    with house.pool.connection() as connection:
        secrets.put(connection, seals, shop=SHOP, name="license_key", value="one", changed_at=now)
        addresses.ensure(connection, seals, shop=SHOP, new_secret=house.new_secret, made_at=now)
        raws = (b"small", b"x" * 2_500_000)
        arrivals = [
            inbox.Arrival(SHOP, "mail", now + timedelta(seconds=n), house.new_id(), raw) for n, raw in enumerate(raws)
        ]
        inbox.store(connection, house.database.schema, seals, arrivals)


def test_after_a_rotation_the_newest_key_alone_opens_everything(house: House, tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "secret.key")
    seals = Seals(file.keys)
    _stored(house, seals)
    file.put_in_front()
    with house.pool.connection() as connection:
        assert sum(sealed_rows.not_with_newest(connection, seals).values()) == 6
        counts = sealed_rows.seal_again(connection, seals, _nothing)
        assert {name: count for name, count in counts.items() if count} == {
            "inbox_messages": 4,
            "mail_addresses": 1,
            "shop_secrets": 1,
        }
        assert file.keep_newest() == 1
        assert secrets.of_shop(connection, seals, SHOP) == {"license_key": "one"}
        assert addresses.token_of_shop(connection, seals, SHOP) is not None
        found = inbox.raw_of(connection, seals, inbox.page(connection))
        assert sorted(found.values()) == [b"small", b"x" * 2_500_000]


def test_a_rotation_that_was_stopped_goes_on_and_the_same_again_is_harmless(house: House, tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "secret.key")
    seals = Seals(file.keys)
    _stored(house, seals)
    file.put_in_front()
    with house.pool.connection() as connection:

        def stop(table: str, looked: int, sealed: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt), connection.transaction():
            sealed_rows.seal_again(connection, seals, stop)
        sealed_rows.seal_again(connection, seals, _nothing)
        assert set(sealed_rows.seal_again(connection, seals, _nothing).values()) == {0}
        assert sealed_rows.not_with_newest(connection, seals) == {}


def test_a_process_that_was_there_before_sees_the_new_key(tmp_path: Path) -> None:
    mine, others = KeyFile(tmp_path / "secret.key"), KeyFile(tmp_path / "secret.key")
    running = Seals(mine.keys)
    before = running.seal("p", b"one")
    others.put_in_front()
    elsewhere = Seals(others.keys)
    assert running.open("p", elsewhere.seal("p", b"two")) == b"two"
    assert elsewhere.with_newest(running.seal("p", b"three"))
    assert running.open("p", before) == b"one"


def test_a_row_that_no_key_opens_is_named_and_nothing_of_it_is_said(house: House, tmp_path: Path) -> None:
    _stored(house, Seals(KeyFile(tmp_path / "lost.key").keys))
    file = KeyFile(tmp_path / "secret.key")
    with house.pool.connection() as connection, pytest.raises(sealed_rows.NotEverySealOpens) as said:
        sealed_rows.seal_again(connection, Seals(file.keys), _nothing)
    assert "inbox_messages, inbox_id" in str(said.value)
    with pytest.raises(CannotOpen):
        Seals(file.keys).rotated(b"\x80" + b"0" * 80)


def test_every_sealed_table_is_found_by_its_column(house: House) -> None:
    with house.pool.connection() as connection:
        names = {table.name for table in sealed_rows.sealed_tables(connection)}
        columns = connection.execute(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = current_schema() AND column_name LIKE '%%sealed%%'"
        ).fetchall()
    assert {"inbox_messages", "mail_addresses", "shop_secrets"} <= names
    assert {name for (name,) in columns} == names
