"""Files in over HTTP: ``PUT /files/{shop}/{name}`` streams a file into ``import_rows`` while it arrives.

The file is previewed or applied afterwards by its import id; nothing of it is on this host's disk.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Annotated

from anyio import from_thread
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.requests import ClientDisconnect

from api.graphql.inputs import TimeNotAccepted, aware
from api.jobs import imports, mall_imports, reviewed, staging
from api.jobs.imports import Wish
from api.keys import Caller
from api.tables.imports import ImportFile
from api.threads import Bridge
from api.wiring import House

OUR_FORM = "-"  # in the path instead of a shop: our own CSV form


class FileTooLarge(ValueError):
    """The file has more bytes than DAICHO_UPLOAD_BYTES_MAX."""


class FileBrokeOff(ValueError):
    """The sender went away before the file's end."""


def router(house: House, bridge: Bridge, caller: Callable[..., Awaitable[Caller]]) -> APIRouter:
    """The door for files of this house."""
    made = APIRouter()

    @made.put("/files/{shop}/{name}")
    async def put_file(
        shop: str,
        name: str,
        request: Request,
        who: Annotated[Caller, Depends(caller)],
        mode: Annotated[str, Query(pattern="^(overwrite|add)$")] = "overwrite",
        counted_at: Annotated[datetime | None, Query(alias="countedAt")] = None,
        owed: Annotated[str | None, Query(pattern="^(before|after)$")] = None,
        form: Annotated[str, Query(alias="format", max_length=100)] = "",
        encoding: Annotated[str, Query(max_length=20)] = "",
        together: Annotated[str | None, Query(pattern="^(same|divided)$")] = None,
        confirm: Annotated[str | None, Query(max_length=50)] = None,
        add_to: Annotated[str, Query(alias="addTo", max_length=100)] = "",
        apply: bool = False,
    ) -> dict[str, object]:
        """The file, or a zip of several, is staged; with ``apply`` it is applied too. ``addTo``: it is one more file of an
        import that was sent and not yet applied. 400 says what is wrong with it, 413 that it is too large.
        """
        chosen = None if shop == OUR_FORM else shop
        try:
            at = aware(counted_at) if counted_at else None
            wish = Wish(chosen, mode, name, at, owed, format=form, encoding=encoding, together=together)
            file = await _staged(house, bridge, request, wish, who.actor, add_to)
            answer = _shown(file)
            if apply:
                confirmed = reviewed.confirmation(confirm) if confirm else None
                by = house.by(who.actor)
                done = await bridge.in_thread(reviewed.apply, house, file.import_id, by, confirmed=confirmed)
                answer |= done.cells()
        except FileTooLarge as error:
            raise HTTPException(413, str(error)) from None
        except (TimeNotAccepted, ValueError) as error:
            if type(error) is ValueError:
                raise
            raise HTTPException(400, str(error)) from None
        return answer

    _add_reading(made, house, bridge, caller)
    return made


def _add_reading(made: APIRouter, house: House, bridge: Bridge, caller: Callable[..., Awaitable[Caller]]) -> None:
    @made.post("/files/{shop}/read")
    async def read_mall(
        shop: str,
        who: Annotated[Caller, Depends(caller)],
        mode: Annotated[str, Query(pattern="^(overwrite|add)$")] = "overwrite",
        owed: Annotated[str | None, Query(pattern="^(before|after)$")] = None,
    ) -> dict[str, object]:
        """The mall is read by its API and its answer is staged, as a file would be; it is applied by its import id.

        400 says why it cannot be read. A reading that broke off goes on when it is asked for again within an hour.
        """
        try:
            read = partial(mall_imports.read_mall, owed=owed)
            return _shown(await bridge.in_thread(read, house, shop, mode, who.actor))
        except ValueError as error:
            if type(error) is ValueError:
                raise
            raise HTTPException(400, str(error)) from None


async def _staged(house: House, bridge: Bridge, request: Request, wish: Wish, actor: str, add_to: str) -> ImportFile:
    connected = await bridge.in_thread(imports.shop_of, house, wish.shop) if wish.shop else None
    chunks = _chunks(aiter(request.stream()), house.settings.upload_bytes_max)
    if add_to:
        return await bridge.in_thread(staging.stage_beside, house, add_to, chunks, wish, connected)
    return await bridge.in_thread(staging.stage, house, chunks, wish, actor, connected)


def _chunks(stream: AsyncIterator[bytes], bytes_max: int) -> Iterator[bytes]:
    """The body, pulled from the thread that reads it: a slow reader makes the sender wait. Raises FileTooLarge, FileBrokeOff."""
    size = 0
    while True:
        try:
            chunk = from_thread.run(anext, stream, None)
        except ClientDisconnect:
            raise FileBrokeOff("the file broke off on its way; nothing was applied: send it again") from None
        if chunk is None:
            return
        size += len(chunk)
        if size > bytes_max:
            raise FileTooLarge(
                f"more than {bytes_max:,} bytes; expected a smaller file, or a larger DAICHO_UPLOAD_BYTES_MAX"
            )
        if chunk:
            yield chunk


def _shown(file: ImportFile) -> dict[str, object]:
    return {
        "import": file.import_id,
        "format": f"{file.mall}:{file.format}",
        "encoding": file.encoding,
        "recognisedBy": file.reason,
        "rows": file.rows,
        "problems": file.problems,
        "notes": list(file.notes),
        "countedAt": file.counted_at.isoformat(),
        "countedAtFrom": file.counted_from,
    }
