"""DATA of SMTP and LMTP: the message is taken in one growing buffer, within limits of bytes and lines.

The library keeps every line as an object of its own, so that a mail of empty lines takes sixty times its size in memory.
"""

import asyncio

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP

LINES_MAX = 1_000_000
LINES_AT_ONCE = 2_000  # then other connections have their turn
END = b".\r\n"
TOO_LONG = "500 Line too long (see RFC5321 4.5.3.1.6)"
TOO_MUCH = "552 5.3.4 too much mail"


class TakesMessage(SMTP):
    """An SMTP session whose DATA takes no more memory than the message."""

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if await self.check_helo_needed():
            return
        assert self.envelope is not None
        if not self.envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
            return
        if arg:
            await self.push("501 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        found = await self._message()
        recipients = len(self.envelope.rcpt_tos)
        if isinstance(found, bytes):
            self.envelope.original_content = found
            found = await self._call_handler_hook("DATA")
        self._set_post_data_state()  # type: ignore[no-untyped-call]  # the library says no types
        await self.answer(found, recipients)

    async def answer(self, status: str, recipients: int) -> None:
        """What became of the message: said once in SMTP, once for each recipient that was taken in LMTP (RFC 2033, 4.2)."""
        assert recipients, "DATA without RCPT was refused"
        await self.push(status)

    async def _message(self) -> bytes | str:
        """The message without its dots; or why it is not taken, after all of it came."""
        message = bytearray()
        refused = ""
        size = lines = 0
        begins = True  # of a line
        while True:
            try:
                line: bytes = await self._reader.readuntil(b"\r\n")
            except asyncio.CancelledError:  # the connection is gone
                self._writer.close()
                raise
            except asyncio.LimitOverrunError as error:
                refused = refused or TOO_LONG
                await self._reader.read(error.consumed)
                begins = False
                continue
            if begins and line == END:
                return refused or bytes(message)
            size, lines = size + len(line), lines + 1
            if not refused and ((self.data_size_limit and size > self.data_size_limit) or lines > LINES_MAX):
                refused = TOO_MUCH
            if refused:
                message.clear()
            else:
                message += line[1:] if begins and line.startswith(b".") else line
            begins = True
            if lines % LINES_AT_ONCE == 0:
                turn = self.loop.create_future()
                self.loop.call_soon(turn.set_result, None)
                await turn


class PerRecipient(TakesMessage, LMTP):
    """An LMTP session: DATA is answered once for each recipient."""

    async def answer(self, status: str, recipients: int) -> None:
        await self.push("\r\n".join([status] * recipients))
