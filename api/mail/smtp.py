"""The receiver of mail, SMTP or LMTP: mail to a shop's own address is in the inbox, sealed and committed, before 250 is said.

Unknown address 550, too large 552, database away 451 (the sender keeps the mail and tries again), too many connections
421. It relays nothing, and says nothing of a mail, an address or a command in any log.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from api.inbound.arrivals import Arrivals, NotStored
from api.mail.taking import PerRecipient, TakesMessage
from api.settings import BadSetting, Settings
from api.unavailable import Unavailable
from api.wiring import House

DOOR = "mail"
RECIPIENTS_MAX = 20
COMMAND_SECONDS_MAX = 60.0
DATA_SECONDS_MAX = 300.0
STOP_SECONDS_MAX = 10.0
# RFC 5321 allows 1,000 bytes a line; mails that break it are taken all the same, up to this.
LINE_BYTES_MAX = 256 * 1024
COMMANDS_MAX = {"MAIL": 10_000, "RCPT": 20_000, "DATA": 10_000, "RSET": 10_000, "*": 50}  # in one connection
LIBRARY_LOGGERS = ("mail.log", "mail.debug")  # they would write addresses, which are secrets, and lines of mails
log = structlog.get_logger()


class Receiver:
    """One process's receiver. ``run`` is the body of its thread; ``started`` is set when it listens, or failed to."""

    def __init__(self, house: House, *, host: str, port: int, lmtp: bool) -> None:
        self._house = house
        self._lmtp = lmtp
        self._host = host
        self._asked_port = port
        self._tls = _tls_context(house.settings)
        self._hooks = _Hooks(Arrivals(house, self._in_pool), house.settings)
        self._open: set[_Connection] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self.started = Event()
        self.failure: Unavailable | None = None
        self.port = 0

    def run(self) -> None:
        """Takes mails until ``stop``; the mails whose DATA had begun are answered before it ends."""
        for name in LIBRARY_LOGGERS:
            logging.getLogger(name).disabled = True
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self.failure = Unavailable(
                f"cannot listen for mail on {self._host}:{self._asked_port}: {error.strerror or error};"
                f" set {self._names[0]} and {self._names[1]} to an address that is free"
            )
        finally:
            self.started.set()

    def stop(self) -> None:
        """No more mails are taken; ``run`` ends soon. Twice is harmless."""
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None and not loop.is_closed():
            loop.call_soon_threadsafe(stopping.set)

    @property
    def _names(self) -> tuple[str, str]:
        name = "LMTP" if self._lmtp else "SMTP"
        return f"DAICHO_{name}_HOST", f"DAICHO_{name}_PORT"

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        server = await self._loop.create_server(self._protocol, self._host, self._asked_port)
        self.port = server.sockets[0].getsockname()[1]
        log.info("mail_receiver_listens", host=self._host, port=self.port, lmtp=self._lmtp)
        self.started.set()
        await self._stopping.wait()
        server.close()
        in_data = [one.data_ended for one in self._open if one.data_ended is not None]
        if in_data:
            await asyncio.wait(in_data, timeout=STOP_SECONDS_MAX)
        for one in list(self._open):
            one.leave()
        await server.wait_closed()

    def _protocol(self) -> asyncio.BaseProtocol:
        settings = self._house.settings
        if len(self._open) >= settings.smtp_connections_max:
            return _TooMany()
        kind = _LmtpConnection if self._lmtp else _Connection
        return kind(self._hooks, settings, self._tls, self._open)

    def _in_pool(self, function: Callable[[], None]) -> object:
        assert self._loop is not None
        return self._loop.run_in_executor(None, function)


@contextmanager
def receiving(
    house: House, *, host: str | None = None, port: int | None = None, lmtp: bool = False
) -> Iterator[Receiver]:
    """A receiver that listens where the settings say, or as given (port 0: a free one); stopped on leaving.

    Raises Unavailable when the address is taken, BadSetting for a certificate that cannot be used.
    """
    settings = house.settings
    set_host, set_port = (settings.lmtp_host, settings.lmtp_port) if lmtp else (settings.smtp_host, settings.smtp_port)
    if port is None:
        assert set_port is not None, "a receiver that is off is not started"
        port = set_port
    receiver = Receiver(house, host=host or set_host, port=port, lmtp=lmtp)
    thread = house.start_thread("lmtp-receiver" if lmtp else "mail-receiver", receiver.run)
    receiver.started.wait()
    if receiver.failure is not None:
        raise receiver.failure
    try:
        yield receiver
    finally:
        receiver.stop()
        thread.join()


class _Hooks:
    """What the library asks at each command. The envelope's recipients are shops, never addresses."""

    def __init__(self, arrivals: Arrivals, settings: Settings) -> None:
        self._arrivals = arrivals
        self._domain = settings.mail_domain
        self._vouched_by = settings.mail_authserv_id.lower()

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [line for line in responses if not line.startswith("250-AUTH")]  # nobody logs in here

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        local_part, _, domain = address.rpartition("@")
        if domain.rstrip(".").lower() != self._domain:
            return "550 5.7.1 no such domain here; mail is not relayed"
        if len(envelope.rcpt_tos) >= RECIPIENTS_MAX:
            return "452 4.5.3 too many recipients"
        try:
            shop = await asyncio.to_thread(self._arrivals.shop_of, local_part)
        except NotStored:
            return "451 4.3.0 cannot look the address up now, try again"
        if shop is None:
            return "550 5.1.1 no such address"
        envelope.rcpt_tos.append(shop)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        raw = envelope.original_content or b""
        envelope.original_content = None
        try:
            await asyncio.wrap_future(self._arrivals.store(envelope.rcpt_tos, DOOR, raw, vouched_by=self._vouched_by))
        except NotStored as error:
            log.warning("mail_not_stored", error=str(error))
            return "451 4.3.0 not stored, try again"
        return "250 2.0.0 stored"

    async def handle_exception(self, error: Exception) -> str:
        log.error("mail_session_failed", error=type(error).__name__)
        return "451 4.3.0 an error of ours, try again"


class _Connection(TakesMessage):
    """One session. ``data_ended`` is there from DATA until its answer is on its way."""

    line_length_limit = LINE_BYTES_MAX

    def __init__(
        self, hooks: _Hooks, settings: Settings, tls: ssl.SSLContext | None, among: "set[_Connection]"
    ) -> None:
        super().__init__(
            hooks,
            data_size_limit=settings.mail_bytes_max,
            hostname=settings.mail_domain,
            ident="Daicho",
            tls_context=tls,
            timeout=COMMAND_SECONDS_MAX,
            command_call_limit=COMMANDS_MAX,
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            loop=asyncio.get_running_loop(),
        )
        self._among = among
        self.data_ended: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._among.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._among.discard(self)
        super().connection_lost(error)

    def leave(self) -> None:
        """What was answered is sent, and the connection ends."""
        if self.transport is not None:
            self.transport.close()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        self._reset_timeout(DATA_SECONDS_MAX)
        self.data_ended = ended = self.loop.create_future()
        try:
            await super().smtp_DATA(arg)
        finally:
            self.data_ended = None
            ended.set_result(None)


class _LmtpConnection(_Connection, PerRecipient):
    """One session of a mail server that delivers to us."""


class _TooMany(asyncio.Protocol):
    """Answers one connection more than the settings allow."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"421 4.3.2 too many connections, try again\r\n")
        transport.close()


def _tls_context(settings: Settings) -> ssl.SSLContext | None:
    if settings.smtp_certificate_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.smtp_certificate_file, settings.smtp_certificate_key_file)
    except OSError as error:  # ssl.SSLError is one
        raise BadSetting(
            f"DAICHO_SMTP_CERTIFICATE_FILE {settings.smtp_certificate_file}: {error.strerror or type(error).__name__};"
            " expected a readable PEM chain and its key (DAICHO_SMTP_CERTIFICATE_KEY_FILE)"
        ) from None
    return context
