"""A wire that breaks when a test says so: TCP from 127.0.0.1 to a real server, cut, held or made to drip at that moment."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

WAIT_SECONDS_MAX = 30.0


class Relay:
    """Forwards every connection. ``cut``, ``hold_requests``, ``hold_answers`` and ``drip_answers`` act on all of them, at once."""

    def __init__(self) -> None:
        self.ports: tuple[int, ...] = ()
        self.connections = 0
        self._open: list[socket.socket] = []
        self._may_pass = {"requests": threading.Event(), "answers": threading.Event()}
        for gate in self._may_pass.values():
            gate.set()
        self._drips = False
        self._answers_until_held: int | None = None
        self._pause = threading.Event()
        self._pumps: list[threading.Thread] = []

    @property
    def port(self) -> int:
        return self.ports[0]

    def cut(self) -> None:
        """Both sides see the connection end."""
        for one in list(self._open):
            _end(one)

    def hold_requests(self) -> None:
        """From now on the server hears nothing."""
        self._may_pass["requests"].clear()

    def hold_answers(self) -> None:
        """From now on the client hears nothing, while the server obeys."""
        self._may_pass["answers"].clear()

    def hold_answers_after(self, more: int) -> None:
        """As ``hold_answers``, after this many more pieces of answers."""
        self._answers_until_held = more

    def mend(self) -> None:
        """What is connected is ended; what connects from now on passes."""
        self._drips = False
        self._answers_until_held = None
        for gate in self._may_pass.values():
            gate.set()
        self.cut()

    def drip_answers(self) -> None:
        """From now on answers come a byte at a time, often enough that no single wait is long."""
        self._drips = True

    def close(self) -> None:
        self._pause.set()
        for gate in self._may_pass.values():
            gate.set()
        self.cut()
        for pump in self._pumps:
            pump.join(10)
        for one in self._open:
            one.close()

    def serve(self, listening: socket.socket, target: tuple[str, int]) -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            self.connections += 1
            try:
                server = socket.create_connection(target, WAIT_SECONDS_MAX)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self._open += [client, server]
            for name, source, sink in (("requests", client, server), ("answers", server, client)):
                pump = threading.Thread(target=self._pump, args=(name, source, sink), daemon=True)
                pump.start()
                self._pumps.append(pump)

    def _pump(self, name: str, source: socket.socket, sink: socket.socket) -> None:
        try:
            while part := source.recv(65_536):
                if name == "answers" and self._answers_until_held is not None:
                    if self._answers_until_held == 0:
                        self.hold_answers()
                    self._answers_until_held -= 1
                self._may_pass[name].wait(WAIT_SECONDS_MAX)
                for piece in (part[at : at + 1] for at in range(len(part))) if self._drips else (part,):
                    sink.sendall(piece)
                    if self._drips:
                        self._pause.wait(0.02)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # One side broke off: the other sees that too.
            _end(source)
            _end(sink)


@contextmanager
def relayed(
    targets: Mapping[int, tuple[str, int]], *, held: Mapping[socket.socket, tuple[str, int]] | None = None
) -> Iterator[Relay]:
    """A relay from each port of 127.0.0.1 (0: any) to its target, and from sockets that listen already to theirs."""
    relay = Relay()
    listening = [*(socket.create_server(("127.0.0.1", port)) for port in targets), *(held or {})]
    relay.ports = tuple(one.getsockname()[1] for one in listening)
    threads = [
        threading.Thread(target=relay.serve, args=(one, target), daemon=True)
        for one, target in zip(listening, [*targets.values(), *(held or {}).values()], strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield relay
    finally:
        for one in listening:
            _end(one)
            one.close()
        for thread in threads:
            thread.join(10)
        relay.close()


def _end(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
