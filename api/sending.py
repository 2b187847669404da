"""How a shop is told numbers (送信タイプ: api or file), and the test of the server its files go to.

The first connection shows the server's fingerprint, and nothing of ours is told to it before a person said that it is the
mall's. Another one later stops the shop.
"""

from dataclasses import dataclass, replace

from adapters.kit import file_settings
from adapters.kit.file_settings import HOST_KEYS, Protocol
from adapters.kit.files_over import NEEDS_A_PERSON, Fault, HostKeyRefused
from adapters.kit.mall import ConnectionTested, Gap, Mall, NotOffered
from adapters.kit.push_file import PushFile
from api.cli.output import Cell
from api.jobs import switching
from api.jobs.connection_tests import EVERY
from api.jobs.push_batch import SETTINGS_MISSING
from api.jobs.push_ways import has_api_keys
from api.shop_access import API, FILE, ConnectedShop, ShopAccesses
from api.tables import connection_tests, push_breakers, secrets
from api.wiring import House
from ledger.book import By, shops
from ledger.shop import ShopNotAccepted, ShopNotReady
from ledger.writer import Done

# Why a shop is stopped for its file server; a test that goes well resumes it.
FILE_CAUSES = frozenset({str(fault) for fault in NEEDS_A_PERSON} | {SETTINGS_MISSING})


class HostKeyNotAccepted(ValueError):
    """The fingerprint a person confirmed is not the one the server shows."""


@dataclass(frozen=True, slots=True)
class FilesTested:
    """What the test of a shop's file server found. ``seen``: the fingerprint that waits to be confirmed; "": none does.

    ``changed``: another one was confirmed before. ``resumed``: the shop was stopped for its file server and goes on.
    """

    ok: bool
    message: str
    seen: str = ""
    changed: bool = False
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class ShopTested:
    """The tests of one shop's connections; None: the mall has no such way, or nothing of it was entered."""

    api: ConnectionTested | None
    files: FilesTested | None

    @property
    def ok(self) -> bool:
        return all(one.ok for one in (self.api, self.files) if one is not None)

    def cells(self) -> dict[str, Cell]:
        """What was found, as a record for people and programs."""
        found: dict[str, Cell] = {"ok": self.ok}
        if self.api is not None:
            found |= {"api": self.api.message, "apiOk": self.api.ok}
            found["warnings"] = [warning.message for warning in self.api.warnings]
        if self.files is not None:
            found |= {"files": self.files.message, "filesOk": self.files.ok}
            found |= {"hostKey": self.files.seen} if self.files.seen else {}
            found |= {"resumed": True} if self.files.resumed else {}
        return found


def check_connections(
    accesses: ShopAccesses, house: House, code: str, by: By, *, accept_host_key: str = ""
) -> ShopTested:
    """The shop's connections were tested by calls that change nothing: the API's, and the file server's where it was entered.

    Raises ShopNotReady, FileSettingNotAccepted, HostKeyNotAccepted, TurnNotGot.
    """
    one = accesses.connected(code)
    api = None
    if callable(one.mall.connection_test) and has_api_keys(house, one):
        with accesses.of(one) as access:
            api = one.mall.connection_test(access)
        now = house.clock.now()
        with house.pool.connection() as connection:
            connection_tests.keep(connection, code, api, tested_at=now, due_at=now + EVERY)
    files = None
    wanted = one.push_file is not None and one.push_file.over_folder
    if wanted and (one.send_type == FILE or not set(missing_for_files(house, one)) - {HOST_KEYS}):
        files = check_files(accesses, house, code, by, accept_host_key=accept_host_key)
    if api is None and files is None:
        raise ShopNotReady(
            f"shop {code} has nothing to test yet; expected the keys of {one.mall.name}'s API or the account of its file"
            f" server: daicho shop show {code} says what is missing"
        )
    return ShopTested(api, files)


def choose(house: House, code: str, send_type: str, by: By) -> Done:
    """送信タイプ. The answer says how many numbers are still on their way: while a file is unfinished its listings wait for its
    end, and only lower numbers go beside it. Raises ShopNotReady, ShopNotAccepted, FileSettingNotAccepted.
    """
    accesses = ShopAccesses(house)
    try:
        one = accesses.connected(code)
    finally:
        accesses.close()
    if send_type == API and not callable(one.mall.push_api):
        raise ShopNotAccepted(f"send type api; expected file: {one.mall.name} {_why(one.mall.push_api)}")
    if send_type == FILE:
        _need_files(house, one)
    done = house.book.do(shops.choose_send_type(code, send_type), by)
    waiting = switching.on_their_way(house, code)
    return replace(done, answer={"sendType": send_type, "onTheirWay": waiting, "position": done.position})


def check_files(accesses: ShopAccesses, house: House, code: str, by: By, *, accept_host_key: str = "") -> FilesTested:
    """The folders of the shop's mall were listed; nothing was changed there.

    ``accept_host_key``: the fingerprint a person compared and confirms; it is kept when the server shows just this one.
    Raises ShopNotReady, FileSettingNotAccepted, HostKeyNotAccepted.
    """
    one = accesses.connected(code)
    batches = _push_file(one.mall)
    with accesses.of_batches(one) as access:
        reached = access.files.reach() if access.files is not None else None
    if isinstance(reached, HostKeyRefused):
        changed = reached.fault is Fault.HOST_KEY_CHANGED
        if not accept_host_key:
            if changed:
                house.book.do(shops.pause_shop(code, Fault.HOST_KEY_CHANGED), by)
            return FilesTested(False, _says(reached), reached.seen, changed)
        _accept(house, one, reached.seen, accept_host_key, by)
        one = accesses.connected(code)
    with accesses.of_batches(one) as access:
        tested = batches.test(access)
    return FilesTested(tested.ok, tested.message, resumed=_resume(house, one, by) if tested.ok else False)


def missing_for_files(house: House, one: ConnectedShop) -> list[str]:
    """Settings and secrets of the file server that are still to be entered."""
    if one.push_file is None or not one.push_file.over_folder:
        return []
    settings = one.shop.settings
    defaults = {setting.name: setting.default for setting in one.mall.settings if setting.for_files}
    with house.pool.connection() as connection:
        sealed = secrets.names_of_shop(connection, one.code)
    found = [name for name in ("file_host", "file_user") if not (settings.get(name) or defaults.get(name))]
    if "file_password" not in sealed and "file_private_key" not in sealed:
        found.append("file_password")
    protocol = settings.get("file_protocol") or defaults.get("file_protocol")
    if protocol == Protocol.SFTP and not file_settings.confirmed_keys(settings):
        found.append(HOST_KEYS)
    return found


# ------------------------------------------------------------------ private


def _need_files(house: House, one: ConnectedShop) -> None:
    _push_file(one.mall)
    missing = missing_for_files(house, one)
    if missing == [HOST_KEYS]:
        raise ShopNotReady(
            f"the host key of shop {one.code}'s file server is not confirmed; expected it to be compared with what the mall"
            f" published first: daicho shop test {one.code}"
        )
    if missing:
        raise ShopNotReady(
            f"shop {one.code} lacks {', '.join(missing)}; expected the account of the mall's file server: daicho shop add"
            f" --mall {one.shop.mall} --id {one.shop.mall_shop_id} --setting file_user=NAME --secret file_password=-,"
            f" then daicho shop test {one.code}"
        )


def _push_file(mall: Mall) -> PushFile:
    if not isinstance(mall.push_file, PushFile):
        raise ShopNotAccepted(f"{mall.name} is not told by file ({_why(mall.push_file)}); expected send type api")
    return mall.push_file


def _why(skill: object) -> str:
    match skill:
        case NotOffered(source=source):
            return f"offers no such way: {source}"
        case Gap(reason=reason):
            return f"is not told so by Daicho yet: {reason}"
        case _:
            return "is told so"


def _says(refused: HostKeyRefused) -> str:
    if refused.fault is Fault.HOST_KEY_CHANGED:
        return (
            f"サーバーのホスト鍵が確認済みのものと違います（{refused.seen}）。送信を止めました。モールの告知を確かめ、正しければこの指紋を確認してください。"
            f" / The server shows another host key ({refused.seen}) than the confirmed one; pushing is stopped. Ask the mall before you confirm it."
        )
    return (
        f"サーバーのホスト鍵の指紋は {refused.seen} です。モールの案内と見比べてください。"
        f" / The server's host key is {refused.seen}: compare it with what the mall published."
    )


def _accept(house: House, one: ConnectedShop, seen: str, accepted: str, by: By) -> None:
    if accepted.split()[-1].rstrip("=") != seen.split()[-1].rstrip("="):
        raise HostKeyNotAccepted(
            f"the server shows {seen}; expected the confirmed fingerprint {accepted!r}: nothing was told to this server"
        )
    house.book.do(shops.change_shop_settings(one.code, {HOST_KEYS: seen}), by)


def _resume(house: House, one: ConnectedShop, by: By) -> bool:
    """A shop that was stopped for its file server goes on: what stood in the way is gone."""
    if one.shop.paused not in FILE_CAUSES:
        return False
    house.book.do(shops.resume_shop(one.code), by)
    with house.pool.connection() as connection:
        push_breakers.clear(connection, one.code)
    return True
