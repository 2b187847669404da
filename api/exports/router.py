"""Files out over HTTP: ``GET /exports/{what}.csv``. Lists are streamed while they are read; what may be refused is made first."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import IO
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from adapters.kit.table_writing import CP932, UTF_8
from api.exports.mall_file import NoMallFile, mall_file, suffix_of
from api.exports.writing import MALL_FILE, STOCK, TABLES, ExportRefused, asked, table
from api.keys import Caller
from api.reading import NotThereYet, await_position
from api.threads import Bridge
from api.wiring import House

MEMORY_BYTES_MAX = 4_000_000  # of a file that is made first; behind them it is on this host's disk while it is sent
READ_BYTES = 65_536
AT_LEAST = "atLeast"
CHARSETS = {UTF_8: "utf-8", CP932: "Shift_JIS"}
MEDIA_TYPES = {".csv": "text/csv", ".txt": "text/plain", ".zip": "application/zip"}


def router(house: House, bridge: Bridge, caller: Callable[..., Awaitable[Caller]]) -> APIRouter:
    """The door for files out of this house."""
    made = APIRouter()

    @made.get("/exports/{what}.csv", dependencies=[Depends(caller)])
    async def get_export(what: str, request: Request) -> Response:
        """The file. 400 says what is wrong with what was asked for; 503: the list does not hold ``atLeast`` yet."""
        said = [(name, text) for name, text in request.query_params.multi_items() if name != AT_LEAST]
        try:
            filters = asked(what, said)
            await bridge.in_thread(_wait, house, what, request.query_params.get(AT_LEAST))
            if what == MALL_FILE:
                return await _mall_file(house, bridge, filters)
            return await _table(house, bridge, what, filters)
        except NotThereYet as error:
            raise HTTPException(503, str(error), headers={"Retry-After": "1"}) from None
        except ValueError as error:
            if type(error).__module__ == "builtins":
                raise  # a fault of ours, and its sentence may quote what a file says
            raise HTTPException(400, str(error)) from None

    return made


async def _table(house: House, bridge: Bridge, what: str, filters: Mapping[str, object]) -> Response:
    form = {name: filters[name] for name in ("encoding", "excel") if name in filters}
    rest = {name: value for name, value in filters.items() if name not in form}
    made = await bridge.in_thread(table, house, what, rest, **form)  # type: ignore[arg-type]
    encoding = str(form.get("encoding", UTF_8))
    chunks = made.chunks
    if what == STOCK and encoding == CP932:
        chunks = _read(await bridge.in_thread(_made, chunks))
    first = await bridge.in_thread(next, chunks)
    media_type = f"{MEDIA_TYPES['.csv']}; charset={CHARSETS[encoding]}"
    return _answer(bridge, first, chunks, f"daicho-{what}.csv", media_type, {})


async def _mall_file(house: House, bridge: Bridge, filters: Mapping[str, object]) -> Response:
    def make() -> tuple[IO[bytes], dict[str, str]]:
        shop, rows, part = filters.get("shop"), filters.get("rows"), filters.get("part", 1)
        if not isinstance(shop, str):
            raise NoMallFile("no shop; expected the shop whose file it is: mall-file.csv?shop=…")
        assert rows is None or isinstance(rows, int), rows
        made = mall_file(house, shop)
        for number, chunks in enumerate(made.parts(house, differing=bool(filters.get("differing")), rows=rows), 1):
            file = _made(chunks)
            if number == part:
                break
            file.close()
        else:
            raise NoMallFile(f"part {part}: the file has fewer parts of {rows} listings; leave part out for the first")
        # Counted for every part up to this one.
        return file, {"X-Listings": str(made.written), "X-Left-Out": str(made.left_out_count)}

    file, counts = await bridge.in_thread(make)
    chunks = _read(file)
    first = await bridge.in_thread(next, chunks)
    suffix = suffix_of(first)
    name = f"{filters['shop']}-stock{suffix}"
    return _answer(bridge, first, chunks, name, MEDIA_TYPES[suffix], counts)


def _answer(
    bridge: Bridge, first: bytes, chunks: Iterator[bytes], name: str, media_type: str, headers: Mapping[str, str]
) -> Response:
    async def body() -> AsyncIterator[bytes]:
        yield first
        while (chunk := await bridge.in_thread(next, chunks, None)) is not None:
            yield chunk

    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return StreamingResponse(
        body(),
        headers={
            "Content-Type": media_type,
            "Content-Disposition": disposition,
            "Cache-Control": "no-store",
            **headers,
        },
    )


def _wait(house: House, what: str, at_least: str | None) -> None:
    """The lists hold the position asked for. Raises NotThereYet."""
    if at_least is not None and what in TABLES:
        if not (at_least.isascii() and at_least.isdecimal() and len(at_least) < 19):
            raise ExportRefused(f"{AT_LEAST}: {at_least!r}; expected a position that a mutation answered with")
        await_position(house, TABLES[what], int(at_least))


def _made(chunks: Iterator[bytes]) -> IO[bytes]:
    with ExitStack() as opened:
        file = opened.enter_context(tempfile.SpooledTemporaryFile(MEMORY_BYTES_MAX))
        for chunk in chunks:
            file.write(chunk)
        file.seek(0)
        opened.pop_all()  # it is closed when it is read
    return file


def _read(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        yield file.read(READ_BYTES)
        while chunk := file.read(READ_BYTES):
            yield chunk
