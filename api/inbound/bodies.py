"""The body of a request, whole and within its limit, and the pool in which doors store it."""

import asyncio
from collections.abc import Callable

from fastapi import Request

PASSED_BYTES_MAX = 16_000_000
CLOSE = {"Connection": "close"}  # the rest of the body is not read


class BodyTooLarge(ValueError):
    """The body is larger than this door takes."""


async def whole_body(request: Request, bytes_max: int, *, named: str = "") -> bytes:
    """The body. Raises BodyTooLarge, whose message gives the limit and the setting that moves it (``named``)."""
    announced = request.headers.get("content-length", "")
    too_large = announced.isdecimal() and int(announced) > bytes_max
    body = bytearray()
    passed = 0  # by: a sender that is cut off while it sends may never see why
    async for chunk in request.stream():
        if too_large:
            passed += len(chunk)
            if passed > PASSED_BYTES_MAX:
                break
            continue
        body += chunk
        if len(body) > bytes_max:
            too_large = True
            body.clear()
    if too_large:
        raise BodyTooLarge(f"larger than {bytes_max} bytes" + (f" ({named})" if named else ""))
    return bytes(body)


def in_pool(function: Callable[[], None]) -> object:
    """The function runs in a thread of the running loop's pool."""
    return asyncio.get_running_loop().run_in_executor(None, function)
