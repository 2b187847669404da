"""What every mall's emulator shares: the app with its faults, control pages under /_emulator, and ways to run it.

A mall's ``emulator(shop)`` takes ``emulator_app(shop, title)``, sets the shop's mail writers, and adds the mall's own
paths. ``serve`` runs it on a loopback port, ``InProcess`` runs it without sockets on a virtual clock.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.kit.emulated_shop import EmulatedOrder, EmulatedShop, EmulatorClock, Fault, PushSeen, Waiting
from adapters.kit.mall import Answer, Lost, Reply
from ledger.terms import ListingKey, utc_text

__all__ = [
    "EmulatedOrder",
    "EmulatedShop",
    "EmulatorClock",
    "Fault",
    "InProcess",
    "PushSeen",
    "Waiting",
    "emulator_app",
    "serve",
]

CONTROL = "/_emulator"
GARBAGE = b"<html><body>\x82\xb1\x82\xcc\xff\x00 {]</body>"
START_SECONDS_MAX = 10.0

# Starts a thread that runs the function and gives back a function that waits for its end.
StartThread = Callable[[Callable[[], None]], Callable[[float], None]]


def emulator_app(shop: EmulatedShop, title: str) -> FastAPI:
    """An app with the shop's faults in front and its control pages; without documentation pages."""
    app = _FaultyApp(shop, title)
    _add_control(app, shop)
    return app


@contextmanager
def serve(app: ASGIApp, *, start_thread: StartThread) -> Iterator[str]:
    """The app behind a free port of 127.0.0.1 while inside; gives the base address, without a slash at the end."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        log_level="critical",
    )
    server = uvicorn.Server(config)
    join = start_thread(lambda: server.run(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"  # the kernel queues connections until the server takes them
    finally:
        server.should_exit = True
        server.force_exit = True
        join(START_SECONDS_MAX)
        listening.close()


class InProcess:
    """A ``MallHttp`` that calls the app directly: no sockets, no threads, the clock of the emulator. For simulations.

    A cut connection is Lost; faults that need real time are not for this.
    """

    def __init__(self, app: ASGIApp, *, now: Callable[[], datetime]) -> None:
        self._app = app
        self._now = now
        self._runner = asyncio.Runner()

    def get(self, url: str, *, headers: Mapping[str, str], params: Mapping[str, str] | None = None) -> Reply:
        """One GET."""
        joint = "&" if "?" in url else "?"
        return self._runner.run(
            self._exchange("GET", url + (joint + urlencode(params) if params else ""), headers, b"")
        )

    def send(self, method: str, url: str, *, headers: Mapping[str, str], content: bytes) -> Reply:
        """One request with a body."""
        return self._runner.run(self._exchange(method, url, headers, content))

    def close(self) -> None:
        """The loop is closed."""
        self._runner.close()

    async def _exchange(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Reply:
        parts = urlsplit(url)
        pairs = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": parts.scheme or "http",
            "path": parts.path,
            "raw_path": parts.path.encode("ascii"),
            "query_string": parts.query.encode("ascii"),
            "root_path": "",
            "headers": [
                (b"host", parts.netloc.encode("ascii")),
                (b"content-length", str(len(content)).encode("ascii")),
                *pairs,
            ],
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 0),
        }
        sent: list[Message] = []
        incoming: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> Message:
            return incoming.pop(0) if incoming else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        applied_from = self._now()
        await self._app(scope, receive, send)
        if not sent or sent[-1].get("more_body", False) or sent[-1]["type"] != "http.response.body":
            return Lost("answer_cut_or_not_http")
        body = b"".join(message.get("body", b"") for message in sent[1:])
        names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], body, names, applied_from, self._now())


# ------------------------------------------------------------------ private


class _FaultyApp(FastAPI):
    """Meets every request to the mall (not to the control pages) with the fault that waits for it.

    Not a middleware: only the outermost app is given the server's own ``send``, which ``_cut`` needs.
    """

    def __init__(self, shop: EmulatedShop, title: str) -> None:
        super().__init__(title=title, docs_url=None, redoc_url=None, openapi_url=None)
        self._shop = shop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        control = scope["type"] != "http" or scope["path"].startswith(CONTROL)
        fault = None if control else self._shop.fault_for(scope["path"])
        match fault.kind if fault else "":
            case "status":
                assert fault is not None
                await self._whole_body(receive)
                body, kind = self._shop.fault_body(fault.status)
                await _answer(send, fault.status, body, kind, fault.retry_after)
            case "garbage" | "garbage_after":
                if fault is not None and fault.kind == "garbage_after":
                    await super().__call__(scope, receive, _nowhere)
                await _answer(send, 200, GARBAGE, "text/html", None)
            case "half":
                await self._half(scope, receive, send)
            case "drop" | "drop_before":
                if fault is not None and fault.kind == "drop":
                    await super().__call__(scope, receive, _nowhere)
                await _cut(receive, send)
            case "slow":
                assert fault is not None
                await self._shop.clock.sleep(fault.seconds)
                await super().__call__(scope, receive, send)
            case _:
                await super().__call__(scope, receive, send)

    async def _whole_body(self, receive: Receive) -> None:
        while (await receive()).get("more_body", False):
            pass

    async def _half(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await super().__call__(scope, receive, keep)
        body = b"".join(message.get("body", b"") for message in answer[1:]) or GARBAGE
        length = (b"content-length", str(len(body)).encode("ascii"))
        status = answer[0]["status"] if answer[0]["status"] != 204 else 200  # a 204 has no half
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", b"application/octet-stream"), length],
            }
        )
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await _cut(receive, send)


async def _nowhere(message: Message) -> None:
    """The answer nobody gets."""


async def _answer(send: Send, status: int, body: bytes, kind: str, retry_after: int | None) -> None:
    headers = [(b"content-type", kind.encode("ascii")), (b"content-length", str(len(body)).encode("ascii"))]
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode("ascii")))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _cut(receive: Receive, send: Send) -> None:
    """The connection is gone. ASGI has no word for it: under uvicorn ``send`` belongs to the object with the transport."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        return
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


def _add_control(app: FastAPI, shop: EmulatedShop) -> None:
    @app.get(f"{CONTROL}/state")
    async def state() -> JSONResponse:
        with shop.lock:
            stock = [{"item": key.item, "variant": key.variant, "units": units} for key, units in shop.stock.items()]
            orders = [_order_json(order) for order in shop.orders.values()]
            return JSONResponse(
                {
                    "mall": shop.mall,
                    "stock": stock,
                    "orders": orders,
                    "outbox": len(shop.outbox),
                    "requests": shop.requests_seen,
                }
            )

    @app.post(f"{CONTROL}/stock")
    async def stock(request: Request) -> JSONResponse:
        for row in (await request.json())["stock"]:
            shop.set_stock(ListingKey(row["item"], row.get("variant", "")), row["units"])
        return JSONResponse({"listings": len(shop.stock)})

    @app.post(f"{CONTROL}/sell")
    async def sell(request: Request) -> JSONResponse:
        asked = await request.json()
        key = ListingKey(asked["item"], asked.get("variant", ""))
        order = shop.sell(key, asked.get("units", 1), delay_seconds=asked.get("delay_seconds", 0.0))
        return JSONResponse({"order": None if order is None else _order_json(order)})

    @app.post(f"{CONTROL}/cancel")
    async def cancel(request: Request) -> JSONResponse:
        asked = await request.json()
        if asked["order"] not in shop.orders:
            return JSONResponse({"order": None}, status_code=404)
        return JSONResponse(
            {"order": _order_json(shop.cancel(asked["order"], delay_seconds=asked.get("delay_seconds", 0.0)))}
        )

    @app.post(f"{CONTROL}/faults")
    async def faults(request: Request) -> JSONResponse:
        with shop.lock:
            shop.faults[:] = [Fault(**fault) for fault in (await request.json())["faults"]]
            return JSONResponse({"faults": len(shop.faults)})

    @app.get(f"{CONTROL}/requests")
    async def requests(since: int = 0) -> JSONResponse:
        with shop.lock:
            return JSONResponse(
                {"pushes": [_push_json(push) for push in shop.pushes[since:]], "requests": shop.requests_seen}
            )


def _order_json(order: EmulatedOrder) -> dict[str, object]:
    lines = [{"item": key.item, "variant": key.variant, "units": units} for key, units in order.lines]
    cancelled_at = None if order.cancelled_at is None else utc_text(order.cancelled_at)
    return {
        "number": order.number,
        "ordered_at": utc_text(order.ordered_at),
        "lines": lines,
        "cancelled_at": cancelled_at,
    }


def _push_json(push: PushSeen) -> dict[str, object]:
    levels = [{"item": key.item, "variant": key.variant, "units": units} for key, units in push.levels]
    return {"at": utc_text(push.at), "levels": levels, "before": list(push.before)}
