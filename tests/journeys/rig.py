"""Daicho as it runs, over a test's database, with two emulated malls on loopback: what a journey goes through."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

from adapters.kit.emulator import EmulatedOrder
from api import cli, keys
from api.database import Database
from api.demo.doors import DoorRefused, Doors, environment
from api.demo.malls import RAKUTEN_SECRETS, YAHOO_SECRETS, YAHOO_SETTINGS, EmulatedMall, Malls, emulated_malls
from api.demo.setting_up import nothing_differs
from api.demo.waiting import until
from api.permissions import SCOPES
from api.processes import Parts, running
from api.settings import Settings
from api.wiring import House, SystemClock, open_house
from ledger.terms import ListingKey
from ledger.writer import Clock

SECONDS_MAX = 60.0
STOCK = "query ($skus: [String!]!) { stock(skus: $skus) { availableUnits allocatedUnits } }"


@dataclass
class Journey:
    """A running Daicho, two malls, and the ways in."""

    house: House
    malls: Malls
    doors: Doors
    addresses: dict[str, str]

    def daicho(self, *arguments: str) -> Any:
        """What the command answers; it must go well."""
        code, answer = self.tried(*arguments)
        assert code == 0, answer
        return answer

    def tried(self, *arguments: str) -> tuple[int, Any]:
        """(exit code, what the command answers)"""
        before = dict(os.environ)
        os.environ.update(environment(self.doors.settings) | {"DAICHO_DATABASE_URL": self.house.database.url})
        try:
            with redirect_stdout(StringIO()) as said:
                code = cli.run([*arguments, "--json"])
        finally:
            os.environ.clear()
            os.environ.update(before)
        return code, json.loads(said.getvalue()) if said.getvalue() else None

    def ask(self, query: str, **variables: object) -> Any:
        """The data of an operation; it must go well."""
        return self.doors.graphql(query, **variables)

    def refused(self, query: str, **variables: object) -> str:
        """The sentence with which it is refused."""
        try:
            answer = self.doors.graphql(query, **variables)
        except DoorRefused as refusal:
            return str(refusal)
        raise AssertionError(f"not refused: {answer}")

    def within(self, what: str, look: Callable[[], Any]) -> Any:
        """What ``look`` finds within SECONDS_MAX."""
        return until(self.doors.clock, SECONDS_MAX, what, look)

    # -------------------------------------------------------------- steps of the manual

    def connect(self, *, license_key: str = RAKUTEN_SECRETS["license_key"]) -> None:
        """Step 1: both shops are connected."""
        rakuten, yahoo = self.malls.rakuten, self.malls.yahoo
        secrets = RAKUTEN_SECRETS | {"license_key": license_key}
        self._add(rakuten, {"shop_number": "402853"}, secrets)
        self._add(yahoo, YAHOO_SETTINGS, YAHOO_SECRETS)

    def _add(self, mall: EmulatedMall, settings: dict[str, str], secrets: dict[str, str]) -> None:
        arguments = ["shop", "add", "--mall", mall.shop.mall, "--id", mall.shop_id]
        for name, value in (settings | {"base.*": mall.base}).items():
            arguments += ["--setting", f"{name}={value}"]
        for name, value in secrets.items():
            arguments += ["--secret", f"{name}={value}"]
        self.addresses[mall.code] = self.daicho(*arguments)["mail"]

    def file_of(self, mall: EmulatedMall) -> bytes:
        """The file a person downloads at the mall."""
        from api.demo.doors import fetched

        path = {"rakuten": "/_emulator/dl-normal-item.csv", "yahoo_shopping": "/_emulator/stock.csv"}[mall.shop.mall]
        return fetched(mall.base, "GET", path)

    def import_stock(self) -> None:
        """Step 2: both malls' files, as overwrite."""
        for mall in (self.malls.rakuten, self.malls.yahoo):
            self.doors.put_file(mall.code, "stock.csv", self.file_of(mall), apply="true")

    def sell(self, mall: EmulatedMall, key: ListingKey, units: int = 1) -> EmulatedOrder:
        """An order at the mall, told by a forwarded mail and taken."""
        order = mall.sell(key, units)
        self.forward(mall)
        self.within("the order is taken", lambda: self.order(mall, order.number))
        return order

    def forward(self, mall: EmulatedMall) -> list[bytes]:
        """The mails the mall has sent are forwarded to the shop's address; they are accepted."""
        mails = mall.mails()
        for raw in mails:
            self.doors.send_mail(self.doors.forwarded(raw), self.addresses[mall.code])
        return mails

    def start_intake(self) -> None:
        for mall in (self.malls.rakuten, self.malls.yahoo):
            self.ask("mutation ($s: String!) { startIntake(shop: $s) { position } }", s=mall.code)

    def review(self, mall: EmulatedMall) -> Any:
        """The dry run, looked at by a person; the listings are confirmed by list."""
        query = "mutation ($s: String!, $c: Int, $z: Int) { reviewDryRun(shop: $s, seenChanged: $c, seenToZero: $z) { answer } }"
        seen = self.ask(query, s=mall.code)["reviewDryRun"]["answer"]
        if not seen["guardPassed"]:
            counts = {"c": seen["wouldChange"], "z": seen["toZero"]}
            seen = self.ask(query, s=mall.code, **counts)["reviewDryRun"]["answer"]
        self.daicho("shop", "confirm", mall.code)
        return seen

    def start_push(self, mall: EmulatedMall) -> None:
        self.ask("mutation ($s: String!) { startPush(shop: $s) { position } }", s=mall.code)

    def set_up(self) -> None:
        """All three steps: both shops run, and a first order of each has proved its intake."""
        self.connect()
        self.import_stock()
        self.start_intake()
        self.sell(self.malls.rakuten, self.malls.rakuten_listings["DC-000011"])
        self.sell(self.malls.yahoo, self.malls.yahoo_listing("DC-000013"))
        for mall in (self.malls.rakuten, self.malls.yahoo):
            self.review(mall)
            self.start_push(mall)
        self.settled()

    # -------------------------------------------------------------- what is seen

    def settled(self) -> None:
        """No mall is to be told anything."""
        self.within("nothing differs", lambda: nothing_differs(self.doors))

    def differs(self, mall: EmulatedMall) -> bool:
        """Whether the mall has to be told or looked at."""
        return not nothing_differs(self.doors, mall.code)

    def order(self, mall: EmulatedMall, number: str) -> Any:
        """The order as the allocation list shows it; None while it is not there."""
        query = (
            "query ($s: String!, $n: String!) { orders(shop: $s, number: $n) { edges { node { state verified lines"
            " { sku openUnits state } } } } }"
        )
        edges = self.ask(query, s=mall.code, n=number)["orders"]["edges"]
        return edges[0]["node"] if edges else None

    def available(self, sku: str) -> int | None:
        """想定在庫数 now; None: 在庫未登録 or never mentioned."""
        rows = self.ask(STOCK, skus=[sku])["stock"]
        return rows[0]["availableUnits"] if rows else None

    def shown(self, sku: str) -> tuple[int | None, int | None]:
        """What the pages of (Rakuten, Yahoo!) show."""
        return (
            self.malls.rakuten.shown(self.malls.rakuten_listings[sku]),
            self.malls.yahoo.shown(self.malls.yahoo_listing(sku)),
        )


@contextmanager
def journey(
    database: Database, home: Path, *, rakuten_skus: int = 40, yahoo_skus: int = 20, clock: Clock | None = None
) -> Iterator[Journey]:
    """Everything runs in this process, with malls of this many SKUs."""
    settings = Settings(home=home, mail_domain="mail.test", http_port=0, smtp_port=0, DAICHO_SCHEMA=database.schema)
    clock = clock or SystemClock()
    with (
        emulated_malls(clock, rakuten_skus=rakuten_skus, yahoo_skus=yahoo_skus) as malls,
        open_house(settings, database=database, clock=clock) as house,
        running(house, Parts(doors=True, work=True, mail=True)) as parts,
    ):
        assert parts.http is not None
        assert parts.mail is not None
        doors = Doors(settings, parts.http, parts.mail, clock, lambda _: None)
        yield Journey(house, malls, replace(doors, key=keys.add(house, "journey", SCOPES)), {})
