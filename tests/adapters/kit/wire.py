"""A mall on a bare socket that plays a script of bytes, to see what the client makes of every way to break off."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Script = Callable[[socket.socket], None]


@contextmanager
def scripted(script: Script, *, certificates: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """Each connection is read up to the end of the request's headers and then given to ``script``; the requests are kept."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_serve, args=(listening, script, certificates, seen), daemon=True)
        thread.start()
        scheme = "https" if certificates else "http"
        yield f"{scheme}://127.0.0.1:{listening.getsockname()[1]}", seen
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _serve(listening: socket.socket, script: Script, certificates: ssl.SSLContext | None, seen: list[bytes]) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        try:
            with connection if certificates is None else certificates.wrap_socket(connection, server_side=True) as wire:
                wire.settimeout(10)
                request = b""
                while b"\r\n\r\n" not in request and (part := wire.recv(65_536)):
                    request += part
                seen.append(request)
                script(wire)
        except OSError:
            continue


def answers(raw: bytes) -> Script:
    """Sends these bytes and closes."""
    return lambda wire: wire.sendall(raw)


def waits_for_the_client(wire: socket.socket) -> None:
    """Says nothing until the client closes."""
    wire.recv(1)


def drips(raw: bytes, *, seconds: float) -> Script:
    """Sends the bytes for ever, one and then another, with a pause between them."""

    def script(wire: socket.socket) -> None:
        pause = threading.Event()
        for byte in raw * 1000:
            wire.sendall(bytes([byte]))
            pause.wait(seconds)

    return script


def certificate(folder: Path, *, address: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """A server context with a self-signed certificate for the address, and the file a client would trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mall")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(address))]), critical=False)
        .sign(key, SHA256())
    )
    both, trusted = folder / "mall.pem", folder / "trusted.pem"
    trusted.write_bytes(made.public_bytes(Encoding.PEM))
    both.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, trusted
