"""HTTP to malls: the one importer of the client. What came back is an Answer, was NotSent, or is Lost; nothing raises.

Whether a request may have been applied decides everything a push does next, so it is known exactly: NotSent until the
first byte of the request is handed to the connection, Lost from then until a whole answer is here (``deadline.py``).
Certificates are verified, redirects are not followed, cookies are not kept, proxies of the environment are not used.
No reason, no log line and no repr holds an address, a header or a body.
"""

import logging
import socket
import ssl
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlsplit

import httpcore
import httpx

from adapters.kit.deadline import DeadlineBackend, DeadlinePassed
from adapters.kit.mall import Answer, Lost, NotSent, Reply

ANSWER_BYTES_MAX = 16_000_000
CONNECT_SECONDS_MAX = 10.0
CONNECTIONS_MAX = 10
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class MallConnection:
    """HTTP to one mall for one shop (a ``MallHttp``). Close it with ``close``; threads may share it."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        deadline_seconds: float,
        answer_bytes_max: int,
        plain_hosts: frozenset[str],
        certificates: ssl.SSLContext,
    ) -> None:
        self._now = now
        self._backend = DeadlineBackend(
            monotonic=monotonic, seconds=deadline_seconds, connect_seconds=CONNECT_SECONDS_MAX
        )
        self._answer_bytes_max = answer_bytes_max
        self._plain_hosts = plain_hosts
        self._client = httpx.Client(
            transport=_Transport(certificates, self._backend),
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"Accept-Encoding": "identity", "User-Agent": "Daicho"},
        )

    def __repr__(self) -> str:
        return "MallConnection()"

    def get(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> Reply:
        """One GET; ``params`` are added to the address."""
        return self._exchange("GET", url, headers, params, None)

    def send(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes) -> Reply:
        """One request with ``content``; ``method`` is POST, PUT, PATCH or DELETE."""
        return self._exchange(method, url, headers, None, content)

    def close(self) -> None:
        """Every connection is closed."""
        self._client.close()

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], params: Mapping[str, str] | None, content: bytes | None
    ) -> Reply:
        refused = self._refused(url, headers)
        if refused is not None:
            return NotSent(refused)
        applied_from = self._now()
        with self._backend.running() as progress:
            try:
                return self._answer(
                    self._client.build_request(method, url, headers=dict(headers), params=params, content=content),
                    applied_from,
                )
            except _AnswerNotTaken as problem:
                return Lost(problem.reason)
            except (httpx.HTTPError, httpx.InvalidURL, httpcore.ProtocolError, DeadlinePassed) as error:
                reason = _reason(error)
        return Lost(reason) if progress.began else NotSent(reason)

    def _answer(self, request: httpx.Request, applied_from: datetime) -> Answer:
        response = self._client.send(request, stream=True)
        try:
            body = self._body(response)
        finally:
            response.close()
        names = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, body, names, applied_from, self._now())

    def _body(self, response: httpx.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in _plain(response):
            parts.append(part)
            size += len(part)
            if size > self._answer_bytes_max:
                raise _AnswerNotTaken("answer_too_large")
        return b"".join(parts)

    def _refused(self, url: str, headers: Mapping[str, str]) -> str | None:
        """Why the request may not leave: a reason code; a secret typed in full-width letters is a common one."""
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            return "address_not_valid"
        if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK | self._plain_hosts):
            return "address_not_https"
        if not host or parts.username is not None:
            return "address_not_valid"
        if not all(_is_header_text(text) for pair in headers.items() for text in pair):
            return "header_not_ascii"
        return None


def open_mall_http(
    *,
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
    deadline_seconds: float,
    answer_bytes_max: int = ANSWER_BYTES_MAX,
    plain_hosts: frozenset[str] = frozenset(),
    certificates: ssl.SSLContext | None = None,
) -> MallConnection:
    """A connection to a mall. ``deadline_seconds`` is for a whole request, from connecting to the answer's last byte.

    Plain http goes to this machine and to ``plain_hosts`` only (emulators). ``certificates`` None: the system's.
    """
    _silence_the_client()
    return MallConnection(
        now=now,
        monotonic=monotonic,
        deadline_seconds=deadline_seconds,
        answer_bytes_max=answer_bytes_max,
        plain_hosts=plain_hosts,
        certificates=certificates or ssl.create_default_context(),
    )


# ------------------------------------------------------------------ private


class _AnswerNotTaken(Exception):
    """The mall's answer is not taken in; a reason code, inside this file only."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Body(httpx.SyncByteStream):
    """The client's stream over httpcore's."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _translated():
            yield from self._response.iter_stream()

    def close(self) -> None:
        with _translated():
            self._response.close()


class _Transport(httpx.BaseTransport):
    """The client's own transport with our network back end under it, which keeps the deadline of the whole request."""

    def __init__(self, certificates: ssl.SSLContext, backend: DeadlineBackend) -> None:
        self._backend = backend
        self._pool = httpcore.ConnectionPool(
            ssl_context=certificates, max_connections=CONNECTIONS_MAX, keepalive_expiry=5.0, network_backend=backend
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        waits = {"timeout": {"pool": min(CONNECT_SECONDS_MAX, self._backend.left())}}
        sent = httpcore.Request(
            request.method, url, headers=request.headers.raw, content=request.content, extensions=waits
        )
        with _translated():
            response = self._pool.handle_request(sent)
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        self._pool.close()


@contextmanager
def _translated() -> Iterator[None]:
    """httpcore's exceptions as one of the client's, the cause kept for ``_reason``."""
    try:
        yield
    except (
        httpcore.NetworkError,
        httpcore.TimeoutException,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        raise httpx.TransportError("") from error


def _plain(response: httpx.Response) -> Iterator[bytes]:
    """The body's parts, unpacked piece by piece when the mall compresses although it was asked not to."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        yield from response.iter_raw()
        return
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise _AnswerNotTaken("answer_encoded")
    unpacker = zlib.decompressobj(47 if "gzip" in coding else 15)
    try:
        for part in response.iter_raw():
            waiting = part
            while waiting:
                yield unpacker.decompress(waiting, 65_536)
                waiting = unpacker.unconsumed_tail
        yield unpacker.flush()
    except zlib.error:
        raise _AnswerNotTaken("answer_encoded") from None


def _reason(error: BaseException) -> str:
    """A code for what went wrong, from the kinds of exceptions in the chain; their texts are never used."""
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and len(chain) < 20:
        chain.append(at)
        at = at.__cause__ or at.__context__
    kinds: tuple[tuple[type[BaseException], str], ...] = (
        (DeadlinePassed, "deadline_passed"),
        (socket.gaierror, "name_not_found"),
        (ssl.SSLError, "tls_failed"),
        (ConnectionRefusedError, "connection_refused"),
        (httpcore.PoolTimeout, "too_many_connections"),
        (TimeoutError, "deadline_passed"),
        (httpcore.TimeoutException, "deadline_passed"),
        (httpcore.ProtocolError, "answer_cut_or_not_http"),
        (ConnectionError, "connection_broken"),
        (httpcore.NetworkError, "connection_broken"),
        (httpx.InvalidURL, "address_not_valid"),
    )
    return next((code for kind, code in kinds if any(isinstance(one, kind) for one in chain)), "connection_broken")


def _is_header_text(text: str) -> bool:
    return text.isascii() and all(" " <= character <= "~" or character == "\t" for character in text)


def _silence(record: logging.LogRecord) -> bool:  # noqa: ARG001  (the shape of a filter)
    return False


def _silence_the_client() -> None:
    """The client logs every address at INFO, and some malls want a key in the address."""
    for name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy"):
        logging.getLogger(name).addFilter(_silence)
