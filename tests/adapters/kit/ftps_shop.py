"""A shop whose mall is a real FTP server with TLS behind a relay, its data connections too, and the tool opened with it."""

import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime

from adapters.kit.files_over import Login
from adapters.kit.ftps import FtpWays, MallFtps, open_ftps
from tests.adapters.kit.file_servers import PASSWORD, USER, Ground, proftpd
from tests.adapters.kit.relay import Relay, relayed
from tests.adapters.kit.sftp_shop import NOON, start_thread
from tests.adapters.kit.wire import certificate

# The server has an address of its own, so that the relay can listen on the ports it names for data connections.
BEHIND = "127.0.0.2"
TLS = ("TLSEngine on", "TLSRequired on", "TLSProtocol TLSv1.2 TLSv1.3")


class FtpsShop:
    """A running ProFTPD, with a relay before it, and what a merchant would have entered."""

    def __init__(self, place: Ground, relay: Relay, trusted: ssl.SSLContext) -> None:
        self.place = place
        self.relay = relay
        self.trusted = trusted
        self.tokens = 0

    def opened(
        self,
        ways: FtpWays | None = None,
        *,
        password: str = PASSWORD,
        now: Callable[[], datetime] = lambda: NOON,
        certificates: ssl.SSLContext | None = None,
        deadline_seconds: float = 5.0,
    ) -> MallFtps:
        return open_ftps(
            Login(host="127.0.0.1", port=self.relay.port, user=USER, password=password),
            ways or FtpWays(),
            now=now,
            monotonic=time.monotonic,
            new_token=self.new_token,
            start_thread=start_thread,
            deadline_seconds=deadline_seconds,
            certificates=certificates or self.trusted,
        )

    def new_token(self) -> str:
        self.tokens += 1
        return f"t{self.tokens}"

    def names(self) -> list[str]:
        return sorted(path.name for path in self.place.files.iterdir())


@contextmanager
def ftps_shop(place: Ground, *, directives: Sequence[str] = TLS, disk_bytes: int | None = None) -> Iterator[FtpsShop]:
    """ProFTPD runs with these directives and a certificate for 127.0.0.1."""
    _, trusted = certificate(place.path)
    place.keep("mall.pem", (place.path / "mall.pem").read_bytes())
    held = _listening_in_a_row(3)
    passive = [one.getsockname()[1] for one in held]
    more = [
        f"TLSECCertificateFile {place.path / 'mall.pem'}",
        f"TLSECCertificateKeyFile {place.path / 'mall.pem'}",
        f"PassivePorts {passive[0]} {passive[-1]}",
        *directives,
    ]
    with proftpd(place, directives=more, address=BEHIND, disk_bytes=disk_bytes) as port:
        data = {one: (BEHIND, one.getsockname()[1]) for one in held}
        with relayed({0: (BEHIND, port)}, held=data) as relay:
            yield FtpsShop(place, relay, ssl.create_default_context(cafile=trusted))


def _listening_in_a_row(count: int) -> list[socket.socket]:
    """Sockets that listen at 127.0.0.1 on ports beside each other which are free at BEHIND too.

    Below the ports that machines give to outgoing connections, which come and go.
    """
    for start in range(10_000 + os.getpid() % 1_000 * 10, 32_000, count):
        with ExitStack() as tried:
            try:
                held = [tried.enter_context(socket.create_server(("127.0.0.1", start + at))) for at in range(count)]
                for at in range(count):
                    socket.create_server((BEHIND, start + at)).close()
            except OSError:
                continue
            tried.pop_all()
            return held
    raise AssertionError("no free ports")
