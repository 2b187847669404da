"""A shop whose mall is a real SFTP server behind a relay: what a merchant would have entered, and the tool opened with it."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from adapters.kit.files_over import Login
from adapters.kit.sftp import MallSftp, SftpWays, open_sftp
from tests.adapters.kit.file_servers import Ground, ed25519_key, fingerprint, openssh_text, rsa_key
from tests.adapters.kit.relay import Relay

NOON = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
CSV = "商品管理番号（商品URL）,SKU管理番号,在庫数\r\nmug-1,red,7\r\n".encode("cp932")
NAME = "normal-item.csv"
CONFIRMED = (fingerprint(ed25519_key("host")), fingerprint(rsa_key()))


def start_thread(name: str, body: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=body, name=name, daemon=True)
    thread.start()
    return thread


class SftpShop:
    """A running OpenSSH, with a relay before it, and what a merchant would have entered."""

    def __init__(self, place: Ground, relay: Relay) -> None:
        self.place = place
        self.relay = relay
        self.tokens = 0

    def login(self) -> Login:
        key = openssh_text(ed25519_key("merchant")).decode()
        return Login(host="127.0.0.1", port=self.relay.port, user=self.place.account.pw_name, private_key=key)

    def opened(
        self,
        ways: SftpWays | None = None,
        *,
        login: Login | None = None,
        now: Callable[[], datetime] = lambda: NOON,
        deadline_seconds: float = 10.0,
    ) -> MallSftp:
        return open_sftp(
            login or self.login(),
            ways or SftpWays(host_keys=CONFIRMED),
            now=now,
            monotonic=time.monotonic,
            new_token=self.new_token,
            start_thread=start_thread,
            deadline_seconds=deadline_seconds,
        )

    def new_token(self) -> str:
        self.tokens += 1
        return f"t{self.tokens}"

    def names(self) -> list[str]:
        return sorted(path.name for path in self.place.files.iterdir())
