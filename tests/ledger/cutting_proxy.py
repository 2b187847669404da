"""A proxy before PostgreSQL that cuts a connection at its COMMIT: before it, after it, or with the COMMIT still on its way."""

import select
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from api.database import Database

PORT = 5432
PIECE_BYTES = 65_536
COMMIT = b"P\x00\x00\x00\x0e\x00COMMIT\x00\x00\x00"  # Parse: how the sending of a COMMIT begins
SYNC = b"S\x00\x00\x00\x04"  # how it ends
READY = b"Z\x00\x00\x00\x05I"  # the server is ready and no transaction is open
LATE_SECONDS = 0.5
ANSWER_SECONDS_MAX = 10.0


class Cut(Enum):
    """What becomes of the COMMIT of a connection that is cut."""

    NEVER_ARRIVED = "never arrived"
    DONE_BUT_NOT_SAID = "done but not said"
    ARRIVES_LATE = "arrives late"


@dataclass
class CuttingProxy:
    """Forwards everything; each armed cut is used once, by the next COMMIT. Mutable: tests arm it as it runs."""

    database: Database
    folder: Path
    cuts: list[Cut] = field(default_factory=list)
    connections: int = 0

    def through(self) -> Database:
        """The same database, reached through the proxy."""
        return Database(make_conninfo(self.database.url, host=str(self.folder), port=PORT), self.database.schema)

    def accept(self, listening: socket.socket) -> None:
        """Serves every connection in a thread of its own until the listening socket is shut."""
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client, self._dial()), daemon=True).start()

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        with client, server:
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    piece = _read(ready)
                    if not piece:
                        return
                    if ready is client and COMMIT in piece and self.cuts:
                        before = piece[: piece.index(COMMIT)]
                        server.sendall(before)
                        _cut(self.cuts.pop(0), piece.removeprefix(before), client, server)
                        return
                    (server if ready is client else client).sendall(piece)

    def _dial(self) -> socket.socket:
        parts = conninfo_to_dict(self.database.url)
        host, port = str(parts["host"]), int(parts.get("port") or PORT)
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server


@contextmanager
def cutting_proxy(database: Database) -> Iterator[CuttingProxy]:
    """A proxy that listens on a socket of its own, closed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="daicho-cut-"))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/.s.PGSQL.{PORT}")
        listening.listen()
        proxy = CuttingProxy(database, folder)
        threading.Thread(target=proxy.accept, args=(listening,), daemon=True).start()
        yield proxy
        listening.shutdown(socket.SHUT_RDWR)
    shutil.rmtree(folder)


def _cut(cut: Cut, sending: bytes, client: socket.socket, server: socket.socket) -> None:
    if cut is Cut.NEVER_ARRIVED:
        return
    while not sending.endswith(SYNC):
        sending += client.recv(PIECE_BYTES)
    if cut is Cut.ARRIVES_LATE:
        client.close()
        threading.Event().wait(LATE_SECONDS)
    server.sendall(sending)
    server.settimeout(ANSWER_SECONDS_MAX)
    said = b""
    while not said.endswith(READY):
        said += server.recv(PIECE_BYTES)


def _read(end: socket.socket) -> bytes:
    try:
        return end.recv(PIECE_BYTES)
    except OSError:  # one end went away: the connection is over
        return b""
