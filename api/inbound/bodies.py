"""The body of a request, whole and within its limit, and the pool in which doors store it."""

import asyncio
from collections.abc import Callable

from fastapi import Request

CLOSE = {"Connection": "close"}  # the rest of the body is not read


class BodyTooLarge(ValueError):
    """The body is larger than this door takes."""


async def whole_body(request: Request, bytes_max: int, *, named: str = "") -> bytes:
    """The body. Raises BodyTooLarge, whose message gives the limit and the setting that moves it (``named``)."""
    too_large = BodyTooLarge(f"larger than {bytes_max} bytes" + (f" ({named})" if named else ""))
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > bytes_max:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > bytes_max:
            raise too_large
    return bytes(body)


def in_pool(function: Callable[[], None]) -> object:
    """The function runs in a thread of the running loop's pool."""
    return asyncio.get_running_loop().run_in_executor(None, function)
