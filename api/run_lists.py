"""CSV of one run over HTTP: ``GET /imports/{import_id}/errors.csv``, to be corrected and sent again, and ``applied.csv``."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import IO, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from fastapi.responses import StreamingResponse

from api.jobs import error_list, runs
from api.keys import Caller
from api.threads import Bridge
from api.wiring import House

ERRORS, APPLIED = "errors", "applied"
MEMORY_BYTES_MAX = 4_000_000  # behind them the list is on this host's disk while it is sent
READ_BYTES = 65_536


def router(house: House, bridge: Bridge, caller: Callable[..., Awaitable[Caller]]) -> APIRouter:
    """The door for lists of one run of this house."""
    made = APIRouter()

    @made.get("/imports/{import_id}/{what}.csv", dependencies=[Depends(caller)])
    async def get_list(import_id: str, what: str, part: Annotated[int, Query(ge=0, le=1_000)] = 0) -> Response:
        """The list, in the file's own form (errors) or as our CSV (applied). 400 says what is wrong, 404 that there is no such list."""
        if what not in (ERRORS, APPLIED):
            raise HTTPException(404, f"no list {what!r}; expected {ERRORS}.csv or {APPLIED}.csv")
        try:
            name, file = await bridge.in_thread(_made, house, import_id, what, part)
        except ValueError as error:
            if type(error).__module__ == "builtins":
                raise  # a fault of ours, and its sentence may quote what a file says
            raise HTTPException(400, str(error)) from None
        chunks = _read(file)

        async def body() -> AsyncIterator[bytes]:
            while (chunk := await bridge.in_thread(next, chunks, None)) is not None:
                yield chunk

        headers = {
            "Content-Type": "text/csv",
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "Cache-Control": "no-store",
        }
        return StreamingResponse(body(), headers=headers)

    return made


def _made(house: House, import_id: str, what: str, part: int) -> tuple[str, IO[bytes]]:
    with ExitStack() as opened:
        file = opened.enter_context(tempfile.SpooledTemporaryFile(MEMORY_BYTES_MAX))
        if what == ERRORS:
            sent = runs.file_of(house, import_id)
            with house.pool.connection() as connection:
                name = error_list.name_of(error_list.part_of(connection, sent, part))
            error_list.write(house, sent, file.write, part=part)
        else:
            name = f"{import_id}-applied.csv"
            for chunk in runs.applied(house, import_id):
                file.write(chunk)
        file.seek(0)
        opened.pop_all()  # it is closed when it is read
    return name, file


def _read(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(READ_BYTES):
            yield chunk
