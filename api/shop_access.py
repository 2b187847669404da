"""What a skill of a mall needs to talk to it for one shop: settings from facts, sealed secrets, the address, HTTP.

A secret that the mall renewed is durable before it is used, and the same access shows it to its next call. Of several
processes one renews: a call that may renew holds the shop's turn, and reads the secrets when it has it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

import psycopg

import adapters
from adapters.kit.files_over import MallFiles
from adapters.kit.http import open_mall_http
from adapters.kit.mall import Mall, MallHttp, ShopAccess
from adapters.kit.profile import Profile, corrected
from adapters.kit.push_file import BatchAccess, PushFile
from api.file_access import open_files
from api.tables import secrets
from api.tables.mailboxes import PASSWORD, USER
from api.wiring import House
from ledger import keys, shop

BASE, PROFILE = "base.", "profile."
TURN_SECONDS_MAX = 60.0
API, FILE = "api", "file"  # send types
TURN_POLL_SECONDS = 0.05


class ClosableHttp(MallHttp, Protocol):
    """HTTP to one mall that can be closed."""

    def close(self) -> None: ...


class TurnNotGot(RuntimeError):
    """Another process has been calling this mall for this shop all the time; nothing was sent."""


@dataclass(frozen=True)
class ConnectedShop:
    """A shop as its facts say now, with its mall's declaration."""

    code: str
    shop: shop.Shop
    mall: Mall

    @property
    def call_seconds_max(self) -> float:
        """The longest a skill talks to the mall: as declared, else one request, or with a token in between three."""
        if self.mall.call_seconds_max is not None:
            return self.mall.call_seconds_max
        return self.mall.request_seconds_max * (3 if renews_secrets(self.mall) else 1)

    @property
    def send_type(self) -> str:
        """How its numbers leave: as it was chosen; a mall without an API for them is told by file."""
        return self.shop.send_type if callable(self.mall.push_api) else FILE

    @property
    def push_file(self) -> PushFile | None:
        """How batches reach its mall; None: they do not."""
        return self.mall.push_file if isinstance(self.mall.push_file, PushFile) else None


class ShopAccesses:
    """Builds the access of every shop of one house, and keeps one HTTP connection a shop. Threads may share it."""

    def __init__(
        self,
        house: House,
        *,
        open_http: Callable[[ConnectedShop], ClosableHttp] | None = None,
        mall_of: Callable[[str], Mall] = adapters.mall,
        turn_seconds_max: float = TURN_SECONDS_MAX,
    ) -> None:
        self._house = house
        self._open_http = open_http or self._real_http
        self._files_of: Callable[[ConnectedShop], MallFiles] | None = None
        self._mall_of = mall_of
        self._turn_seconds_max = turn_seconds_max
        self._held: dict[str, ClosableHttp] = {}
        self._known: dict[str, tuple[int, ConnectedShop]] = {}  # by the version of the shop's stream
        self._lock = Lock()

    def connected(self, code: str) -> ConnectedShop:
        """The shop as it is now. Raises ShopNotReady when there is none of this code."""
        version = self._version(code)
        known = self._known.get(code)
        if known is None or known[0] != version:
            found = self._house.look(keys.shop(code), shop.FOLD)
            if not found.connected:
                raise shop.ShopNotReady(f"shop {code!r} is not connected; expected one of `daicho shop show`")
            known = self._known[code] = (version, ConnectedShop(code, found, self._mall_of(found.mall)))
        return known[1]

    @contextmanager
    def of(self, one: ConnectedShop) -> Iterator[ShopAccess]:
        """The access, for one or a few calls. Where the mall renews secrets nobody else calls it meanwhile.

        Raises TurnNotGot, CannotOpen.
        """
        with self._turn(one):
            known = self._secrets(one.code)
            yield ShopAccess(
                http=self._http(one),
                settings=plain_settings(one.shop.settings),
                secrets=known,
                remember=lambda name, value: self._remember(one.code, known, name, value),
                now=self._house.clock.now,
                base=bases(one.shop.settings),
                profile=profile_of(one.mall, one.shop.settings),
            )

    @contextmanager
    def of_batches(self, one: ConnectedShop) -> Iterator[BatchAccess]:
        """The access for batches, with the shop's folders where its mall takes files.

        Raises TurnNotGot, CannotOpen, FileSettingNotAccepted.
        """
        with self.of(one) as access:
            files = None
            if one.push_file is not None and one.push_file.over_folder:
                files = self._files_of(one) if self._files_of else self._real_files(one, access)
            yield BatchAccess(access, files, self._house.clock.sleep)

    def use_files(self, files_of: Callable[[ConnectedShop], MallFiles]) -> None:
        """From here on these are the shops' folders: emulated ones."""
        self._files_of = files_of

    def close(self) -> None:
        """Every HTTP connection is closed."""
        with self._lock:
            for http in self._held.values():
                http.close()
            self._held.clear()

    # -------------------------------------------------------------- private

    def _version(self, code: str) -> int:
        """How many facts the shop's stream had at least when it is looked at afterwards."""
        with self._house.pool.connection() as connection:
            row = connection.execute(
                "SELECT max(originator_version) FROM ledger_events WHERE originator_id = %s",
                (keys.shop(code),),
                prepare=True,
            ).fetchone()
        return 0 if row is None or row[0] is None else int(row[0])

    def _real_http(self, one: ConnectedShop) -> ClosableHttp:
        clock = self._house.clock
        return open_mall_http(now=clock.now, monotonic=clock.monotonic, deadline_seconds=one.mall.request_seconds_max)

    def _real_files(self, one: ConnectedShop, access: ShopAccess) -> MallFiles:
        return open_files(self._house, one.mall, access.settings, access.secrets)

    def _http(self, one: ConnectedShop) -> MallHttp:
        with self._lock:
            if one.code not in self._held:
                self._held[one.code] = self._open_http(one)
            return self._held[one.code]

    def _secrets(self, code: str) -> dict[str, str]:
        with self._house.pool.connection() as connection:
            known = secrets.of_shop(connection, self._house.seals, code)
        return {name: value for name, value in known.items() if name not in (USER, PASSWORD)}  # no mall's business

    def _remember(self, code: str, known: dict[str, str], name: str, value: str) -> None:
        """Durable first, then shown. An empty value forgets the secret: a login code works once."""
        with self._house.pool.connection() as connection:
            if value:
                now = self._house.clock.now()
                secrets.put(connection, self._house.seals, shop=code, name=name, value=value, changed_at=now)
            else:
                secrets.delete(connection, shop=code, names=[name])
        known[name] = value

    @contextmanager
    def _turn(self, one: ConnectedShop) -> Iterator[None]:
        if not renews_secrets(one.mall):
            yield
            return
        name = f"{self._house.database.schema} shop {one.code}"
        with self._house.pool.connection() as connection:
            connection.autocommit = True  # a lock of the session: no transaction stays open during a call
            try:
                self._get_turn(connection, name)
                try:
                    yield
                finally:
                    connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (name,))
            finally:
                if not connection.closed:
                    connection.autocommit = False

    def _get_turn(self, connection: psycopg.Connection, name: str) -> None:
        clock = self._house.clock
        until = clock.monotonic() + self._turn_seconds_max
        while connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (name,)).fetchone() != (True,):
            if clock.monotonic() > until:
                raise TurnNotGot(
                    f"the mall is being called by another process for {self._turn_seconds_max:g} s; try again"
                )
            clock.sleep(TURN_POLL_SECONDS)


def renews_secrets(mall: Mall) -> bool:
    """Whether the mall gives secrets that nobody enters (tokens): those it declares as not required, and not for files."""
    return any(setting.secret and not setting.required and not setting.for_files for setting in mall.settings)


def plain_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings the mall declares, without addresses, corrections and the mall's traits."""
    return {name: value for name, value in settings.items() if "." not in name}


def bases(settings: Mapping[str, str]) -> dict[str, str]:
    """Addresses that stand in for the mall's own (an emulator), by host name or ``*`` for all: settings ``base.<name>``."""
    return {name.removeprefix(BASE): value for name, value in settings.items() if name.startswith(BASE)}


def profile_of(mall: Mall, settings: Mapping[str, str]) -> Profile:
    """The mall's profile with the shop's corrections (settings ``profile.<name>``) over it. Raises ProfileNotReadable."""
    profile = adapters.profile(mall.code)
    found = {name.removeprefix(PROFILE): value for name, value in settings.items() if name.startswith(PROFILE)}
    return corrected(profile, {name: _typed(value, profile.values.get(name)) for name, value in found.items()})


def _typed(text: str, kind: object) -> object:
    """A setting is text; a correction has the type of what it corrects. What does not fit stays text and is refused there."""
    if isinstance(kind, str) or kind is None:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
