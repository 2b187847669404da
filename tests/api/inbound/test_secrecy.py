"""What arrives, and the secrets of shops, can be found in no table, no log and no error: canaries are looked for in all."""

import logging
import smtplib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from adapters.kit.mail import write_mail
from api.connecting import Connecting, connect_shop
from api.database import Database
from api.jobs.intake import drain
from api.mail.smtp import receiving
from api.sealing import CannotOpen, Seals
from api.tables import addresses, secrets
from api.wiring import House
from tests.adapters.rakuten.mail_bodies import ORDER_SENDER, ORDER_SUBJECT, Item, order_text
from tests.api.intake_rig import RAKUTEN, KnownListings, address, connect_shops, nothing_waits, opened, rows

BUYER = "CANARY-BUYER-7f3a"
LICENCE = "CANARY-LICENCE-91c2"


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with opened(database, tmp_path) as house:
        connect_shops(house)
        yield house


def everything_stored(database: Database) -> str:
    """Every row of every table as text, and what its bytes say when they are text."""
    found = []
    with psycopg.connect(database.url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = to_regnamespace(%s)",
            (database.schema,),
        ).fetchall()
        for (name,) in tables:
            table = sql.Identifier(database.schema, name)
            for (text,) in connection.execute(sql.SQL("SELECT t::text FROM {} AS t").format(table)):
                found.append(text)
    return "\n".join(found)


def hidden(stored: str, canary: str) -> bool:
    return canary.lower() not in stored.lower() and canary.encode().hex() not in stored


def test_no_canary_is_in_a_table_or_in_a_log(
    house: House, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    asked = Connecting("rakuten", "samplestore", "", {}, {"license_key": LICENCE, "service_secret": f"{LICENCE}-2"})
    assert connect_shop(house, asked, house.by()).code == RAKUTEN
    token = address(house, RAKUTEN).partition("@")[0]
    body = order_text("402853-20261120-0000000001", [Item("マグ", "abc-001")]).replace("（省略）", BUYER)
    wrong = order_text("402853-20261120-0000000002", [Item("マグ", "abc-001", quantity="0")]).replace("（省略）", BUYER)
    with receiving(house, host="127.0.0.1", port=0) as receiver, smtplib.SMTP("127.0.0.1", receiver.port) as smtp:
        for n, text in enumerate((body, wrong)):
            raw = write_mail(
                subject=ORDER_SUBJECT,
                sender=ORDER_SENDER,
                recipient=f"{BUYER}@example.com",
                sent_at=house.clock.now(),
                text=text,
                message_id=f"<{n}@example.com>",
            )
            assert BUYER.encode() in raw
            smtp.sendmail(f"{BUYER}@example.com", [f"{token}@mail.test"], raw)
        assert smtp.docmd(BUYER)[0] == 500
    nothing_waits(house, lambda: drain(house, KnownListings()))
    assert [row.state for row in rows(house)] == ["read", "quarantined"]
    stored, said = everything_stored(house.database), caplog.text + "".join(capfd.readouterr())
    assert "402853-20261120-0000000001" in stored  # so the search does find what is there
    for canary in (BUYER, LICENCE, token):
        assert hidden(stored, canary), canary
        assert canary.lower() not in said.lower(), canary


def test_sealed_rows_open_only_with_the_key_and_only_for_their_own_row(house: House, tmp_path: Path) -> None:
    with house.pool.connection() as connection:
        given = {"changed_at": house.clock.now()}
        secrets.put(connection, house.seals, shop=RAKUTEN, name="license_key", value="one", **given)
        secrets.put(connection, house.seals, shop=RAKUTEN, name="service_secret", value="two", **given)
        assert secrets.of_shop(connection, house.seals, RAKUTEN) == {"license_key": "one", "service_secret": "two"}
        assert list(secrets.names_of_shop(connection, RAKUTEN)) == ["license_key", "service_secret"]
        with pytest.raises(CannotOpen) as wrong_key:
            secrets.of_shop(connection, Seals(lambda: [b"A" * 43 + b"="]), RAKUTEN)
        assert "one" not in str(wrong_key.value)
        connection.execute(
            "UPDATE shop_secrets SET sealed = (SELECT sealed FROM shop_secrets WHERE name = 'license_key')"
            " WHERE name = 'service_secret'"
        )
        with pytest.raises(CannotOpen, match="another row"):
            secrets.of_shop(connection, house.seals, RAKUTEN)
        assert secrets.delete(connection, shop=RAKUTEN, names=["service_secret"]) == 1
        assert secrets.delete(connection, shop=RAKUTEN) == 1
        assert secrets.of_shop(connection, house.seals, RAKUTEN) == {}


def test_a_secret_that_is_none_is_refused_without_being_said(house: House) -> None:
    with house.pool.connection() as connection:
        for value in ("", f"{LICENCE}\x00", LICENCE * 2_000):
            with pytest.raises(secrets.SecretNotAccepted) as refused:
                secrets.put(
                    connection, house.seals, shop=RAKUTEN, name="license_key", value=value, changed_at=house.clock.now()
                )
            assert LICENCE not in str(refused.value)


def test_an_address_is_one_a_shop_and_unguessable(house: House) -> None:
    with house.pool.connection() as connection:
        made = {"new_secret": house.new_secret, "made_at": house.clock.now()}
        tokens = {
            addresses.ensure(connection, house.seals, shop=f"shop-{n}", **made)  # type: ignore[arg-type]
            for n in range(50)
        }
        assert len(tokens) == 50
        assert all(len(token) == 26 and addresses.token_of(token.upper()) == token for token in tokens)
        first = addresses.ensure(connection, house.seals, shop="shop-0", **made)  # type: ignore[arg-type]
        assert addresses.shop_of(connection, first) == "shop-0"
        renewed = addresses.renew(connection, house.seals, shop="shop-0", **made)  # type: ignore[arg-type]
        assert renewed != first
        assert addresses.shop_of(connection, first) is None
        assert addresses.shop_of(connection, renewed) == "shop-0"
