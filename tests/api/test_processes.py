"""``daicho up``, ``serve``, ``work`` and ``mail`` as an operator runs them: addresses, stops, kills, ports that are taken."""

import json
import signal
import smtplib
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api import keys
from api.connecting import Connecting, connect_shop
from api.database import Database
from api.settings import Settings
from api.wiring import open_house
from ledger.book import shops
from tests.api.intake_rig import sample
from tests.api.running import Process, answered, run, settings_of, started
from tests.postgres import OwnServer

WAIT_SECONDS_MAX = 30.0
ORDERS = "{ orders { edges { node { number lines { quantity } } } } }"


@pytest.fixture
def environment(database: Database, tmp_path: Path) -> dict[str, str]:
    return settings_of(database, tmp_path / "home")


def ask(process: Process, key: str, query: str) -> Any:
    request = urllib.request.Request(
        process.said["graphql"],
        json.dumps({"query": query}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())["data"]


def healthy(process: Process) -> bool:
    try:
        with urllib.request.urlopen(process.said["health"], timeout=10) as answer:
            return bool(json.loads(answer.read())["status"] == "ok")
    except urllib.error.HTTPError as error:
        error.close()
        return False


def within(look: Callable[[], Any]) -> Any:
    until = time.monotonic() + WAIT_SECONDS_MAX
    while not (found := look()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


def send(process: Process, address: str, raw: bytes, *, lmtp: bool = False) -> None:
    kind = smtplib.LMTP if lmtp else smtplib.SMTP
    where = process.said["lmtp" if lmtp else "mail"].partition("://")[2]
    host, _, port = where.partition(" ")[0].rpartition(":")
    with kind(host, int(port)) as one:
        one.sendmail("shop@example.jp", [address], raw)


def prepared(database: Database, home: Path) -> tuple[str, str]:
    """(an API key, the order-mail address of a Rakuten shop whose intake runs)"""
    with open_house(Settings(home=home, mail_domain="mail.test"), database=database) as house:
        settings = {"shop_number": "402853"}
        shop = connect_shop(house, Connecting("rakuten", "one", "", settings, {}), house.by())
        house.book.do(shops.start_intake(shop.code), house.by())
        return keys.add(house, "test", ("read",)), shop.mail_address


def test_everything_runs_in_one_process_and_stops_in_seconds_when_it_is_told(
    environment: dict[str, str], database: Database, tmp_path: Path
) -> None:
    key, address = prepared(database, tmp_path / "home")
    with started(environment, tmp_path, "up") as up:
        assert healthy(up)
        send(up, address, sample("rakuten", "order_five_lines"))
        edges = within(lambda: ask(up, key, ORDERS)["orders"]["edges"])
        began = time.monotonic()
        assert up.stop(signal.SIGINT) == 0
        assert time.monotonic() - began < 8
        assert up.events()[-2:] == ["told_to_stop", "stopping"]
        assert {"started", "mail_receiver_listens"} <= set(up.events())
        text = up.errors.read_text(encoding="utf-8")
    assert len(edges) == 1
    for secret in (key, address.partition("@")[0], edges[0]["node"]["number"]):
        assert secret not in text
    assert answered(environment, "verify")["sound"] is True


def test_each_part_runs_alone_and_they_work_together(
    environment: dict[str, str], database: Database, tmp_path: Path
) -> None:
    key, address = prepared(database, tmp_path / "home")
    with (
        started(environment, tmp_path, "serve") as serve,
        started(environment | {"DAICHO_LMTP_PORT": "0"}, tmp_path, "mail") as mail,
        started(environment, tmp_path, "work") as work,
        started(environment, tmp_path, "work") as second,
    ):
        assert set(serve.said) == {"graphql", "health"}
        assert set(mail.said) == {"mail", "lmtp"}
        assert set(work.said) == {"loops"}
        send(mail, address, sample("rakuten", "order_five_lines"), lmtp=True)
        within(lambda: ask(serve, key, ORDERS)["orders"]["edges"])
        work.process.kill()
        second.process.send_signal(signal.SIGTERM)
        assert ask(serve, key, "{ position { ledger } }")["position"]["ledger"] > 1
        for process in (serve, mail, second):
            assert process.stop() == 0, process.errors.read_text(encoding="utf-8")


def test_an_embedded_server_that_was_killed_runs_again_and_one_that_was_stopped_is_left_alone(
    own_server: OwnServer, environment: dict[str, str], tmp_path: Path
) -> None:
    own = environment | {"DAICHO_HOME": str(own_server.home), "DAICHO_DATABASE_URL": ""}
    with started(own, tmp_path, "serve") as serve:
        assert healthy(serve)
        own_server.kill()
        within(lambda: "database_revived" in serve.events())
        within(lambda: healthy(serve))
        own_server.stop()
        within(lambda: not healthy(serve))
        assert serve.stop() == 0
        assert serve.events().count("database_revived") == 1
    assert run(own, "db", "status").returncode == 1


def test_a_port_that_is_taken_is_a_sentence_that_names_the_setting(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command, setting in (("serve", "DAICHO_HTTP_PORT"), ("mail", "DAICHO_SMTP_PORT")):
            done = run(environment | {setting: port}, command)
            assert done.returncode == 3
            last = done.stderr.splitlines()[-1]
            assert last.startswith("daicho: cannot listen for ")
            assert f"127.0.0.1:{port}" in last
            assert setting in last
            assert "Traceback" not in done.stderr
