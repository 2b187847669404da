"""One seller of Qoo10 for the tests: a network that answers by a script, and the emulator without sockets."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import adapters
from adapters.kit.emulator import EmulatedShop, EmulatorClock, InProcess
from adapters.kit.mall import Answer, Reply, ShopAccess
from adapters.kit.profile import corrected
from adapters.qoo10.emulator import Qoo10State, emulator, state_of
from ledger.terms import ListingKey, ListingLevel

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
SETTINGS = {"user_id": "sample_seller", "key_expires_on": "2027-06-30"}
SECRETS = {"seller_auth_key": "sak-1", "api_key": "api-key-1", "password": "password-1"}
ITEM = ListingKey("1234567890")
OTHER = ListingKey("1234567891")
RED = ListingKey("1234567892", "RED_S")
BLUE = ListingKey("1234567892", "BLUE_S")
BY_TEXT = ListingKey("1234567893", "カラー||*サイズ$$赤||*S")


class Script:
    """A network that gives the replies it was told to give, in order, and keeps what it was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[str, Mapping[str, str], dict[str, str]]] = []

    def get(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> Reply:
        raise AssertionError("QAPI is called by POST")

    def send(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes) -> Reply:
        assert method == "POST"
        fields = {name: values[0] for name, values in parse_qs(content.decode(), keep_blank_values=True).items()}
        self.asked.append((urlsplit(url).path.rsplit("/", 1)[-1], headers, fields))
        return self.replies.pop(0)

    @property
    def methods(self) -> list[str]:
        return [method for method, _, _ in self.asked]

    def lines(self, call: int = 0) -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(self.asked[call][2]["ItemInfoJson"])
        return found


def said(code: int = 0, result: object = None, *, status: int = 200) -> Answer:
    body: dict[str, object] = {"ResultCode": code, "ResultMsg": "emulated"}
    return answer(body if result is None else body | {"ResultObject": result}, status=status)


def answer(body: object, *, status: int = 200) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Answer(status, content, {}, NOW, NOW)


def access_to(
    script: Script,
    *,
    settings: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    now: Sequence[datetime] = (NOW,),
    corrections: Mapping[str, object] | None = None,
) -> ShopAccess:
    """The access to a scripted network; ``now`` is looked at one after the other, the last for ever."""
    kept = dict(SECRETS if secrets is None else secrets)
    moments = list(now)
    profile = corrected(adapters.profile("qoo10"), corrections or {})

    def tell() -> datetime:
        return moments.pop(0) if len(moments) > 1 else moments[0]

    return ShopAccess(script, {**SETTINGS, **(settings or {})}, kept, kept.__setitem__, tell, {}, profile)


def level(key: ListingKey, units: int) -> ListingLevel:
    return ListingLevel(key, units)


class World:
    """The emulated mall and a shop connected to it, on a clock that stands until it is moved."""

    def __init__(self, **settings: str) -> None:
        self.moment = NOW
        self.secrets = dict(SECRETS)
        shop_settings = {**SETTINGS, **settings}
        clock = EmulatorClock(lambda: self.moment, asyncio.sleep)
        self.shop = EmulatedShop("qoo10", shop_settings, dict(SECRETS), clock)
        self.http = InProcess(emulator(self.shop), now=clock.now)
        base = {"*": "http://127.0.0.1"}
        self.access = ShopAccess(
            self.http, shop_settings, self.secrets, self.secrets.__setitem__, clock.now, base, adapters.profile("qoo10")
        )
        for key in (ITEM, OTHER, RED, BLUE, BY_TEXT):
            self.shop.set_stock(key, 9)

    @property
    def state(self) -> Qoo10State:
        return state_of(self.shop)

    def wait(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def methods(self) -> list[str]:
        return [method.rsplit(".", 1)[-1] for method, _ in self.state.asked]


@contextmanager
def world(**settings: str) -> Iterator[World]:
    found = World(**settings)
    try:
        yield found
    finally:
        found.http.close()
