"""The parts of Daicho that run on and on: HTTP, mail receiver, worker. One process may run one of them or all.

Each may be killed at any moment and nothing that was acknowledged is lost; asked to stop, it answers what it has begun and
ends within seconds. Any number of processes of any part run over one database.
"""

import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Event, Thread, main_thread

import structlog
import uvicorn

from api.app import build
from api.jobs import (
    connection_tests,
    hold_expiry,
    intake,
    mailbox_polling,
    order_polling,
    push,
    retention,
    schedule,
    shipping_source,
)
from api.jobs.worker import Loop, Worker, working
from api.localpg import LocalPostgres
from api.mail.smtp import receiving
from api.projecting import ensure_tables, feed
from api.prompt_callers import PromptProtocol
from api.unavailable import Unavailable
from api.wiring import House, local_postgres

STEP_SECONDS_MAX = 3.0  # how long a step may take to end when the process stops; what it did is durable by then
ANSWER_SECONDS_MAX = 3
CALLERS_MAX = 1_000  # beyond it 503: a caller that waits in vain helps nobody
LOOK_SECONDS = 1.0
log = structlog.get_logger()


@dataclass(frozen=True)
class Parts:
    """Which parts a process runs."""

    doors: bool = False
    work: bool = False
    mail: bool = False


@dataclass(frozen=True)
class Running:
    """What runs: the address of HTTP, host and port of the mail receiver, the worker; None for what this process does not run.

    ``lmtp``: host and port of the LMTP receiver. ``own_database``: the embedded server, which is started again when it was killed.
    """

    http: str | None = None
    mail: tuple[str, int] | None = None
    worker: Worker | None = None
    server: Thread | None = None
    own_database: LocalPostgres | None = None
    lmtp: tuple[str, int] | None = None


class Ended(RuntimeError):
    """A part that should run on has ended by itself; the log says why. The process ends, to be started again."""


@contextmanager
def running(house: House, parts: Parts) -> Iterator[Running]:
    """The parts run; stopped on leaving, doors first. Raises Unavailable when an address is taken."""
    ensure_tables(house)
    with ExitStack() as stack:
        worker = None
        if parts.work:
            worker = stack.enter_context(working(house, loops(house), stop_seconds_max=STEP_SECONDS_MAX))
        receiver = stack.enter_context(receiving(house)) if parts.mail else None
        settings, lmtp = house.settings, None
        if parts.mail and settings.lmtp_port is not None:
            lmtp = (settings.lmtp_host, stack.enter_context(receiving(house, lmtp=True)).port)
        http = server = None
        if parts.doors:
            http, server = stack.enter_context(_http(house))
        mail = None if receiver is None else (settings.smtp_host, receiver.port)
        log.info(
            "started",
            http=http,
            mail=mail,
            lmtp=lmtp,
            loops=[] if worker is None else [s.name for s in worker.states()],
        )
        try:
            own = local_postgres(house.settings) if house.settings.database_url is None else None
            yield Running(http, mail, worker, server, own, lmtp)
        finally:
            log.info("stopping")


def told_to_stop() -> Event:
    """Is set when the process is told to stop (SIGTERM, SIGINT); a second SIGINT ends it at once. Call it before saying "ready"."""
    told = Event()

    def tell(number: int, _frame: object) -> None:
        told.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        log.info("told_to_stop", signal=signal.Signals(number).name)

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, tell)
    return told


def run_until(told: Event, parts: Running) -> None:
    """Returns when it is told to stop. Raises Ended."""
    while not told.wait(LOOK_SECONDS):
        if parts.server is not None and not parts.server.is_alive():
            raise Ended("the HTTP server has ended")
        if parts.own_database is not None:
            _revive(parts.own_database)


def _revive(own: LocalPostgres) -> None:
    try:
        if own.revive():
            log.warning("database_revived")
    except Unavailable as error:
        log.warning("database_not_revived", error=type(error).__name__)


def loops(house: House) -> Sequence[Loop]:
    """Every loop of a worker."""
    return [
        feed(house),
        *intake.loops(house),
        *mailbox_polling.loops(house),
        *order_polling.loops(house),
        *push.loops(house),
        *connection_tests.loops(house),
        *hold_expiry.loops(house),
        *shipping_source.loops(house),
        *schedule.loops(house),
        *retention.loops(house),
    ]


@contextmanager
def _http(house: House) -> Iterator[tuple[str, Thread]]:
    host = house.settings.http_host
    listening = _listening(host, house.settings.http_port)
    config = uvicorn.Config(
        build(house),
        http=PromptProtocol,
        log_config=None,
        log_level="critical",  # what fails is logged by the app, without what arrived
        access_log=False,  # a path may hold a mail address, which is a secret
        lifespan="off",
        ws="none",
        server_header=False,
        limit_concurrency=CALLERS_MAX,
        timeout_graceful_shutdown=ANSWER_SECONDS_MAX,
    )
    server = uvicorn.Server(config)
    thread = house.start_thread("http", lambda: server.run(sockets=[listening]))
    assert thread is not main_thread(), "the signals are ours"
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}", thread
    finally:
        server.should_exit = True
        thread.join(ANSWER_SECONDS_MAX + STEP_SECONDS_MAX)
        listening.close()


def _listening(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        raise Unavailable(
            f"cannot listen for HTTP on {host}:{port}: {error.strerror or error};"
            " set DAICHO_HTTP_HOST and DAICHO_HTTP_PORT to an address that is free"
        ) from None
